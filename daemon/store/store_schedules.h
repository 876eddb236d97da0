/* Schedules and their runs, in the same store as jobs; see store.h for what holds of all calls.
 *
 * A schedule has at most one run that has not ended. What becomes of a due instant, and when the
 * next one is, is written in one go, so after a crash it is known of each whether it has been dealt
 * with.
 */
#pragma once

#include "daemon/model/schedule.h"
#include "daemon/store/store.h"

/* What a schedule is made of, besides itself. */
struct store_schedule_document {
    const char *job; /* the document of its jobs */
    size_t job_length;
    const char *key;                  /* Idempotency-Key of the tenant's; NULL: none */
    const unsigned char *fingerprint; /* of all that came with the key */
};

/* Adds one. It gets its number and id, and is due as it says.
 *
 * max        schedules of the tenant
 * returns    -EEXIST: there is one with that key; -EDQUOT: there are as many
 */
CO_BLOCKS int store_schedule_add(struct store *store, struct schedule *schedule,
                                 const struct store_schedule_document *document, uint64_t max);

/* returns 0, -ENOENT */
CO_BLOCKS int store_schedule_find_key(struct store *store, const char *tenant, const char *key,
                                      char ret_id[SCHEDULE_ID_SIZE],
                                      unsigned char ret_fingerprint[STORE_FINGERPRINT_SIZE]);

/* returns 0: owed one schedule_free(); -ENOENT */
CO_BLOCKS int store_schedule_find(struct store *store, const char *tenant, const char *id,
                                  struct schedule **ret_schedule);

/* The document of its jobs, owed one free(). returns 0, -ENOENT */
CO_BLOCKS int store_schedule_read_job(struct store *store, int64_t number, char **ret_text,
                                      size_t *ret_length);

/* Those of a tenant with an id below `before` (NULL: all), also of none there is; the newest first,
 * each owed one schedule_free(). returns how many */
CO_BLOCKS int store_schedule_list(struct store *store, const char *tenant, const char *before,
                                  size_t limit, struct schedule **ret_schedules, bool *ret_more);

/* Forgets it and its runs, also if it is damaged; a job that is running goes on. returns 0, -ENOENT
 */
CO_BLOCKS int store_schedule_forget(struct store *store, const char *tenant, const char *id,
                                    bool *ret_was_paused);

/* Pauses it: nothing is due any more, and nothing waits; or lets it go on, at next_due. returns 0,
 * -ENOENT */
CO_BLOCKS int store_schedule_pause(struct store *store, const struct schedule *schedule);

/* Of all tenants. */
struct store_schedule_numbers {
    uint64_t n_active, n_paused;
};
CO_BLOCKS int store_schedule_count(struct store *store, struct store_schedule_numbers *ret_numbers);

/* --- Running them ----------------------------------------------------------------------------- */

/* Those that are due by now: something waits, and there is no run that has not ended, or their time
 * has come. Each owed one schedule_free().
 *
 * ret_next   when to ask again, if these are dealt with: JOB_NEVER; not after now: there are more
 * returns    how many
 */
CO_BLOCKS int store_schedules_due(struct store *store, int64_t now, size_t max,
                                  struct schedule **ret_schedules, int64_t *ret_next);

/* Those with a run that has not ended, which is their last; by number, from after one. Each owed
 * one schedule_free(). returns how many */
CO_BLOCKS int store_schedules_running(struct store *store, int64_t after, size_t max,
                                      struct schedule **ret_schedules);

/* Those that are due next after an instant; by number, from after one. Each owed one
 * schedule_free(). returns how many */
CO_BLOCKS int store_schedules_ahead(struct store *store, int64_t instant, int64_t after, size_t max,
                                    struct schedule **ret_schedules);

enum { SCHEDULE_NOTE_RUNS = 2 };

/* What has become of a due instant: runs that are new, in order, and how it goes on. */
struct schedule_note {
    const struct schedule *schedule; /* next_due, waiting */
    struct schedule_run runs[SCHEDULE_NOTE_RUNS];
    size_t n_runs;
};

/* Writes it. A run gets the next number; but if none was started, and the last run says the same,
 * it is counted with that. A schedule that was paused meanwhile stays so. Old runs are forgotten.
 *
 * returns    0; -ENOENT: it was forgotten
 */
CO_BLOCKS int store_schedule_note(struct store *store, struct schedule_note *note);

/* Writes how a run has ended, and counts it. returns 0; -ENOENT */
CO_BLOCKS int store_schedule_end_run(struct store *store, int64_t schedule,
                                     const struct schedule_run *run);

/* --- Looking back ----------------------------------------------------------------------------- */

/* Runs with a number below `before` (0: all), the newest first. returns how many */
CO_BLOCKS int store_schedule_runs(struct store *store, int64_t schedule, int64_t before,
                                  size_t limit, struct schedule_run *ret_runs, bool *ret_more);

/* What has come of the runs that have ended within the schedule_spans. returns 0 */
CO_BLOCKS int store_schedule_shares(struct store *store, int64_t schedule, int64_t now,
                                    struct schedule_share ret_shares[N_SCHEDULE_SPANS]);
