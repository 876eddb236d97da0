/* A store in a directory of its own, which is gone after the test, and jobs in it.
 *
 * Jobs are of "http://a/<index>"; a result has the outcome success, or http_error where the index
 * is odd, and as its row the text that row_of() gives.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "daemon/store/store.h"

extern char scratch[]; /* the directory, which is there */

void scratch_set_up(void);
void scratch_tear_down(void);

/* Nobody wants to read what a store has to say that fails hundreds of times. */
void scratch_silence(void);
void scratch_end_silence(void);

/* A path below the scratch directory; valid until the eighth call after it. */
const char *scratch_path(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Whether there is a file with a name that fits the pattern of a shell. */
bool scratch_has(const char *pattern);

/* In "store" of the scratch directory, without limits. */
extern const struct store_options scratch_options;
struct store *open_store(void);

/* Opening fails, and says a text that has the words in it. */
void expect_no_store(const struct store_options *options, int rc, const char *words);

/* What came of it, and if it is 0, the job's number; with a key if it is not NULL. */
int take_job(struct store *store, uint32_t n_items, const char *key, int64_t *ret_number);

/* Claims what is ready, all of it. returns how many items */
int claim_all(struct store *store);

/* Commits results of items that were claimed; those of chunks of 256 from the first. */
int finish_items(struct store *store, int64_t number, uint32_t first, uint32_t n_items);

/* Ends a job, with an instant to forget it at. */
int end_job(struct store *store, int64_t number, int64_t ended_at, int64_t expires_at);

/* How many results of a job are there; each has to be what finish_items() wrote. -ENOENT */
int count_results(struct store *store, int64_t number);

/* Runs SQL on the database of a store that may be open, and returns the integer that it gives. */
int64_t scratch_sql(const char *sql);
