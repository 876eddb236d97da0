/* What the files that open the SQLite store and keep it in order share, besides sqlite_private.h.
 */
#pragma once

#include "daemon/store/sqlite_private.h"

/* --- Opening ---------------------------------------------------------------------------------- */

#define SQLITE_FILE "gatherd.db" /* in the directory of the store */

/* store_open() with less than "FULL": for a test of what that is good for. */
int store_open_as(struct store **ret_store, const struct store_options *options,
                  const char *synchronous, struct err *err);

/* Before SQLite has opened it, which alone may change a file. returns 0: it may be ours, or new;
 * -EILSEQ: it is a database, and somebody else's */
int sqlite_refuse_foreign(const char *file, struct err *err);

/* Whose a database is that was opened, and nothing more.
 *
 * returns    0: ours; SQLITE_IS_NEW: nobody's, it is empty; -EILSEQ: somebody else's;
 *            -EPROTONOSUPPORT: newer than max_version; -EBADMSG: damaged, without a message
 */
enum { SQLITE_IS_NEW = 1 };
int sqlite_identify(sqlite3 *database, int64_t max_version, struct err *err);

/* Makes a new database ours, and sets what must be set before its first page. */
int sqlite_make_ours(sqlite3 *database, struct err *err);

/* Takes those of the steps that have not been taken yet: steps[i] leads from version i to i + 1. A
 * step is taken wholly or, if we die meanwhile, not at all. returns 0, -errno */
int sqlite_migrate(sqlite3 *database, const char *const *steps, size_t n_steps, struct err *err);

/* The files of a store. All of this is for who has the directory, before the database is open.
 *
 * make    the database, empty and for us alone, if it is missing
 * check   finds damage that SQLite would not: -EBADMSG, with a message
 * aside   gives the database and its log another name, *.corrupt-TIME
 */
int store_files_make(const struct store *store, struct err *err);
int store_files_check(const struct store *store, struct err *err);
int store_files_put_aside(const struct store *store, struct err *err);

/* returns -EBADMSG, with what can be done about it in err */
int store_say_damaged(const struct store *store, const char *what, struct err *err);

/* --- Health ----------------------------------------------------------------------------------- */

void store_set_health(struct store *store, enum store_health health);

/* Nothing is tried any more. why: for the log */
void store_fail(struct store *store, const char *why);

/* Keeps what SQLite has to say of the call that has just failed, for store_group_ended(). */
void sqlite_note_failure(struct sqlite_connection *connection);

/* Before the files are opened: gives up the ballast if there is no space for that. Then: starts the
 * task that waits for space whenever there is none. */
void store_space_prepare(const struct store *store);
int store_space_start(struct store *store);
void store_space_stop(struct store *store);

/* Looks whether the database is what it should be, beside all else.
 *
 * before      whether damage was found that nobody has repaired since: -EBADMSG, with a message
 * start       if it was left open. returns 0, -ENOMEM
 * interrupt   there is something more important
 */
int store_check_before(const struct store *store, struct err *err);
int store_check_start(struct store *store);
void store_check_interrupt(struct store *store);
void store_check_stop(struct store *store);

/* --- Keeping house ---------------------------------------------------------------------------- */

/* Forgets a job: its record at once, the rest becomes trash. returns 0, -ENOENT, -errno */
int sqlite_forget(struct sqlite_connection *writer, int64_t number);

/* The same for who deletes it: its callback goes, too. */
int sqlite_delete(struct sqlite_connection *writer, int64_t number);

/* Forget the job that has expired or ended first. returns 1; 0: there is none; -errno */
int sqlite_forget_expired(struct sqlite_connection *writer, int64_t now);
int sqlite_forget_ended(struct sqlite_connection *writer);

/* Forgets an ended job if there are as many as there may be. returns 0; 1: none has ended; -errno
 */
int sqlite_make_room(struct sqlite_connection *writer);

/* Uploads that could not be abandoned for lack of space: asks for it again; leaves them to the next
 * who opens the store. */
void store_abandon_again(struct store *store);
void store_leave_unabandoned(struct store *store);

/* Counts the jobs there are when the store is opened. returns 0, -errno */
int sqlite_count_jobs(struct sqlite_connection *writer);

/* How many there are, with those of the open transaction. */
uint64_t sqlite_n_jobs(const struct sqlite_connection *writer);

/* Measures what is used of the database: store->space.used_bytes. returns 0, -errno */
int sqlite_measure(struct sqlite_connection *writer);

/* What of it uploads take that are not accepted, with those of the open transaction. */
uint64_t sqlite_upload_bytes(const struct sqlite_connection *writer);

/* Whether sweeps can make it less: there is trash, or a job that has ended. returns 1; 0; -errno */
int sqlite_can_shrink(struct sqlite_connection *writer);

/* The integer that the statement's first row is. returns 1; 0: no row; -errno. Resets it */
int sqlite_get(sqlite3_stmt *statement, int64_t *ret_value);
