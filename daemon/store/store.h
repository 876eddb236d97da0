/* Where jobs are kept: the promise behind 202.
 *
 * What a call has acknowledged is on disk and survives kill -9 and a power cut. A job is a record,
 * chunks of requests, one row for each result, and captured bodies. Chunks are claimed, and gone
 * when all their results are there; results are written once and never change.
 *
 * Calls marked CO_BLOCKS park the caller until the disk has answered. They are not disturbed by
 * cancellation: a caller that is cancelled meanwhile learns of it at its next wait. Writes that
 * come together are committed together, in the order of the calls; reads see what has been
 * committed. This is the interface; store/sqlite_*.c is the implementation there is. One loop uses
 * a store.
 *
 * Errors   -ENOMEM; -ENOSPC: the disk is full, nothing of the call was kept, and it may be tried
 *          again when store_health() is STORE_OK; -EIO: the store has failed, for good: its state
 * on disk is decided by who opens it next; -EBADMSG: what was read is damaged
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/co/base.h"
#include "lib/co/sync.h"

#include "daemon/base/arena.h"
#include "daemon/base/err.h"
#include "daemon/model/job_record.h"
#include "daemon/model/job_text.h"

struct store;

struct store_options {
    const char *path;        /* a directory, made when missing, for us alone (0700) */
    uint64_t max_bytes;      /* of the database: above, ended jobs go, the oldest first */
    uint64_t max_jobs;       /* likewise */
    uint64_t min_free_bytes; /* of the disk: with less, no new jobs are taken */
    bool start_empty; /* if the database is damaged, put it aside (*.corrupt-TIME) and begin anew;
                         else that is an error */
};

/* Opens, and makes ready what a crash has left: unfinished uploads are gone, claimed chunks are
 * ready again, also those of a million-item job at once. Blocks the thread; so it is for the start
 * of a daemon.
 *
 * returns    0; -errno with a message in err that says what to do: -EBUSY: another process has it
 *            open; -EPROTONOSUPPORT: it was written by a newer version; -EILSEQ: there is a file
 *            that is not ours; -EBADMSG: it is damaged
 */
int store_open(struct store **ret_store, const struct store_options *options, struct err *err);

/* Waits for what is being written; no call may be under way. NULL is fine. suspends */
void store_close(struct store *store);

/* --- State ------------------------------------------------------------------------------------ */

enum store_health {
    STORE_OK,
    STORE_FULL,   /* no new jobs, and results wait, until there is space again */
    STORE_FAILED, /* for good */
};

enum store_health store_health(const struct store *store);

/* Whether there is room for new jobs; less of it may do for those there are. */
bool store_takes_jobs(const struct store *store);

/* "ok", "full", "failed" */
const char *store_health_name(enum store_health health);

/* Set whenever the health changes; who waits for it clears it. */
struct co_event *store_health_changed(struct store *store);

/* What became of looking at a database that was not closed properly, which takes ten seconds at
 * most. */
enum store_integrity {
    STORE_NOT_CHECKED, /* there was no need */
    STORE_CHECKING,
    STORE_SOUND,
    STORE_CHECK_CUT_SHORT, /* nothing was wrong with what was looked at in that time */
    STORE_DAMAGED,         /* then it has failed, too */
};

struct store_stats {
    uint64_t n_commits;
    uint64_t n_results;
    uint64_t n_late_results; /* of items that had one already */
    uint64_t file_bytes;     /* of the database and its log */
    uint64_t n_jobs, max_jobs;
    uint64_t n_callbacks;        /* that are pending */
    uint64_t n_unended_at_open;  /* jobs that had not ended */
    uint64_t n_pending_at_open;  /* their items, but for those with a result */
    uint64_t n_given_up;         /* jobs that store_give_up() has ended since */
    uint64_t n_pending_given_up; /* their items */
    int64_t last_commit_us;      /* how long it took */
    enum store_integrity integrity;
};

void store_get_stats(const struct store *store, struct store_stats *ret_stats);

/* --- Taking jobs in --------------------------------------------------------------------------- */

/* A job that is being received. */
struct store_upload;

int store_upload_new(struct store *store, struct store_upload **ret_upload);

/* Adds a chunk, copied.
 *
 * returns      0; -ENOSPC: the disk would have too little space; -ENOBUFS: jobs that have not
 *              ended fill max_bytes, or what is being received takes half of it; -EFBIG: this job
 *              alone would
 * suspends     only while much is not written yet */
CO_BLOCKS int store_upload_add(struct store_upload *upload, const struct job_chunk *chunk);

enum { STORE_FINGERPRINT_SIZE = 32 };

struct store_acceptance {
    const char *head;
    size_t head_length;
    const struct job_spec *spec; /* of the head: name, labels, weight, deadline, ttl */
    uint32_t n_items;
    int64_t default_ttl_us;
    const char *tenant;  /* whose it is; NULL: "" */
    uint64_t max_queued; /* items of jobs of the tenant that have not ended; 0: any number */
    const char *key;     /* Idempotency-Key of the tenant's; NULL: none */
    const unsigned char *fingerprint; /* of the document that came with the key */
};

/* Makes a job of it: when this returns 0 it is on disk, whole, and will be claimed.
 *
 * ret_record   owed one job_record_unref()
 * returns      as store_upload_add(); -EEXIST: there is a job with that key: ret_record is that
 *              one; -EDQUOT: with it there would be more than max_queued; -E2BIG: it alone has
 *              more; -EUSERS: there are max_jobs, of which none has ended
 */
CO_BLOCKS int store_upload_accept(struct store_upload *upload,
                                  const struct store_acceptance *acceptance,
                                  struct job_record **ret_record);

/* Ends an upload. One that was not accepted leaves nothing behind. NULL is fine. */
void store_upload_free(struct store_upload *upload);

/* returns 0, -ENOENT */
CO_BLOCKS int store_find_key(struct store *store, const char *tenant, const char *key,
                             struct job_record **ret_record, unsigned char *ret_fingerprint);

/* The items of a tenant's jobs that have not ended, whole until they have. returns 0 */
CO_BLOCKS int store_n_queued(struct store *store, const char *tenant, uint64_t *ret_n);

/* --- Running them ----------------------------------------------------------------------------- */

struct store_claim {
    int64_t job;
    struct job_chunk chunk; /* as it was added: lines and all */
    uint32_t first;         /* what of it was claimed: all of its items, or one of them, if */
    uint32_t n_items;       /* claiming all has come to nothing several times */
    unsigned n_tries;       /* claims without a result in between, this one included */
    bool was_started;       /* store_start() was called for it by somebody who then died */
    uint64_t has_result[CHUNK_ITEMS / 64]; /* bit i: item chunk.first + i has a result already */
    bool is_damaged;                       /* the lines are not what was added, and not given */
};

enum {
    STORE_TRIES_BEFORE_SPLIT = 3, /* then items are claimed one by one, one at a time */
    STORE_TRIES_MAX = 6,          /* then the claimer gives the item up */
};

struct store_claims {
    struct store_claim *claims;
    size_t n_claims;
    struct arena arena; /* what they point to */
};

/* Claims chunks that are ready, in stride order of their jobs: a job's i-th claim has the pass base
 * + i * stride / weight, where base is the smallest pass that was ready when it was accepted. So a
 * small job is served next, and none starves.
 *
 * max         chunks,
 * max_items   and, but for what the last chunk has too many, items
 * busy        sorted numbers of jobs that want nothing now
 * ret_claims  owed one store_claims_done(), whatever is returned
 */
CO_BLOCKS int store_claim(struct store *store, size_t max, size_t max_items, const int64_t *busy,
                          size_t n_busy, struct store_claims *ret_claims);
void store_claims_done(struct store_claims *claims);

/* Claims chunks of one job that was_started is true of, whatever its turn: before a job is ended
 * early, what of them may have been sent has to become known. Returns as store_claim(); when there
 * is none, all have been claimed, or the job was forgotten. */
CO_BLOCKS int store_claim_started(struct store *store, int64_t job, size_t max,
                                  struct store_claims *ret_claims);

/* Ends a job whose record cannot be read, unless it has ended: nothing of it is claimed any more,
 * and it expires in a day. What is damaged stays so, and is logged. returns 0 */
CO_BLOCKS int store_give_up(struct store *store, int64_t number, int64_t now);

/* Says that the unsafe requests of a claim may be sent from now on. returns 0; -ENOENT: it was
 * dropped, and they may not */
CO_BLOCKS int store_start(struct store *store, int64_t job, uint32_t first);

/* Gives all claimed chunks back as if they had not been claimed: a clean stop is not a try. */
CO_BLOCKS int store_release(struct store *store);

/* Bytes of a captured body: a value in an SQLite database has less than 1e9. */
enum { STORE_BODY_MAX = 512 * 1024 * 1024 };

/* A result as model/result_codec.h encodes it. Of equal shapes one is enough: the others name the
 * item that has it. */
struct store_result {
    int64_t job;
    uint32_t index;
    uint32_t shape_of; /* index of the item that brought this shape; itself: it does */
    uint8_t outcome;
    const char *shape; /* NULL unless shape_of is index */
    uint32_t shape_length;
    const char *row;
    uint32_t row_length;
    const char *body; /* NULL: none */
    size_t body_length;
};

struct store_chunk_end {
    int64_t job;
    uint32_t first; /* of the claim */
};

/* What is written of a record besides its results. */
struct store_job_change {
    const struct job_record *record; /* status, rest, instants, version */
    const char *tally;               /* encoded, with the results of this commit; NULL: unchanged */
    size_t tally_length;
    uint64_t first_seq;   /* of this commit's results of the job, which continue it in order */
    bool drops_chunks;    /* it has ended: what is ready or claimed of it is nobody's any more */
    const char *callback; /* what is to be sent of that; NULL: nobody is to be told */
    size_t callback_length;
    bool forgets; /* it has ended to be deleted: it is forgotten at once, as by store_forget() */
};

struct store_commit {
    const struct store_result *results; /* of a job, in order of completion */
    size_t n_results;
    const struct store_chunk_end *ended;
    size_t n_ended;
    const struct store_job_change *changes;
    size_t n_changes;
};

/* Writes all of it, or nothing. A result of an item that has one is left out and counted, and
 * leaves a gap in the order of completion. What is of a job that was forgotten is left out.
 *
 * returns    -EMSGSIZE: a result is too large for this store
 */
CO_BLOCKS int store_commit(struct store *store, const struct store_commit *commit);

/* --- Reading ---------------------------------------------------------------------------------- */

/* returns 0: owed one job_record_unref(); -ENOENT */
CO_BLOCKS int store_find(struct store *store, const char *tenant, const char *id,
                         struct job_record **ret_record);
CO_BLOCKS int store_find_number(struct store *store, int64_t number,
                                struct job_record **ret_record);

/* The head of a job, owed one free(). returns 0, -ENOENT */
CO_BLOCKS int store_read_head(struct store *store, int64_t number, char **ret_text,
                              size_t *ret_length);

/* Which jobs to list. */
struct store_query {
    const char *tenant; /* NULL: "" */
    bool by_status;
    enum job_status status;
    const struct job_label *labels; /* all must match */
    size_t n_labels;
    const char *before; /* an id, even of no job there is; only older ones; NULL: all */
};

/* The newest `limit` jobs at most that match, newest first, each owed one job_record_unref().
 *
 * returns    how many, without those that are damaged, which are logged; *ret_more says whether
 *            there are others
 */
CO_BLOCKS int store_list(struct store *store, const struct store_query *query, size_t limit,
                         struct job_record **ret_records, bool *ret_more);

struct store_row {
    uint32_t index;
    uint8_t outcome;
    bool has_body;
    bool lacks_body;                /* it was asked for, and is damaged or lost */
    uint64_t seq;                   /* of store_read_completed() */
    const char *shape, *row, *body; /* shape: NULL if it is lost */
    size_t shape_length, row_length, body_length;
};

/* Some results of a job, with the chunks their requests are in. */
struct store_page {
    struct store_row *rows;
    size_t n_rows;
    struct job_chunk *chunks; /* by first; one that is damaged has no lines */
    size_t n_chunks;
    bool more;          /* there are rows after these */
    uint32_t end;       /* of store_read(): items before it that are no rows have none that match */
    struct arena arena; /* what they point to */
};

struct store_read_options {
    uint32_t first;   /* item to begin with */
    uint32_t n_items; /* rows of items first..first + n_items - 1; their chunks all, if there is
                         no filter */
    size_t max_rows;
    size_t max_bytes; /* of rows, bodies, lines; the first chunk, of a filter: row, comes anyway */
    bool by_outcome;  /* rows with this outcome only; uses an index unless it is OUTCOME_SUCCESS */
    uint8_t outcome;
    bool failures_only; /* rows with any other outcome than OUTCOME_SUCCESS */
    bool with_bodies;
};

/* Rows in order of index. The page is owed one store_page_done(), whatever is returned. */
CO_BLOCKS int store_read(struct store *store, int64_t number,
                         const struct store_read_options *options, struct store_page *ret_page);

/* Rows in order of completion, those with a seq after `after`. */
CO_BLOCKS int store_read_completed(struct store *store, int64_t number, uint64_t after,
                                   size_t max_rows, size_t max_bytes, bool with_bodies,
                                   struct store_page *ret_page);
void store_page_done(struct store_page *page);

/* --- Keeping house ---------------------------------------------------------------------------- */

/* Forgets a job: it is not found any more when this returns, and its space comes back bit by bit.
 * returns 0, -ENOENT */
CO_BLOCKS int store_forget(struct store *store, int64_t number);

/* Has forgotten(arg, number) called, on the loop, of each job that has been forgotten, whoever did
 * that: on demand, by a sweep, or because of a new one. NULL: not any more. */
void store_on_forget(struct store *store, void (*forgotten)(void *arg, int64_t number), void *arg);

/* The same by id, for a job whose record cannot be read; it is given up before. */
CO_BLOCKS int store_forget_damaged(struct store *store, const char *tenant, const char *id);

/* Does some of what is to be done: forgets ended jobs that have expired or are too many, the oldest
 * first, deletes a slice of what was forgotten, gives space back to the disk.
 *
 * ret_next   when there will be more to do, as far as is known: JOB_NEVER; not after now: there is
 *            more now
 */
CO_BLOCKS int store_sweep(struct store *store, int64_t now, int64_t *ret_next);

/* The jobs that have not ended and whose deadline is not after now: the `max` first of them; and
 * when the next is due. returns how many */
CO_BLOCKS int store_overdue(struct store *store, int64_t now, size_t max, int64_t *ret_numbers,
                            int64_t *ret_next);

/* Writes a copy of a live or a resting store to a new file; needs no loop, and no lock.
 *
 * path       of the store's directory
 * returns    0; -errno with a message in err
 */
int store_backup(const char *path, const char *file, struct err *err);
