/* Jobs as clients read them, in bytes: what many ask for at the same time is made once, and sent to
 * all from the same memory.
 *
 * A rendering is of one version of a job. While the job goes on there is more in it than its
 * version tells (how long it has taken, what is being fetched), so it is good for a moment only;
 * when the job has ended, for ever. Those that nobody is being sent are kept for a while, up to a
 * bound.
 */
#pragma once

#include "lib/co/co.h"

#include "daemon/api/http_exchange.h"
#include "daemon/model/job_record.h"
#include "daemon/model/parse.h"
#include "daemon/store/store.h"

enum { JOB_RENDERING_BUCKETS = 256, JOB_RENDERING_IDLE_BYTES = 1 << 20 };

/* How long one of a job that goes on is good for. */
#define JOB_RENDERING_TIME (50 * CO_MILLISECOND)

struct job_rendering;

struct job_renderings {
    struct store *store;
    const struct parse_settings *parse;
    struct job_rendering *buckets[JOB_RENDERING_BUCKETS]; /* by number */
    struct co_list idle;                                  /* nobody holds them; the oldest first */
    size_t idle_bytes;
    uint64_t n_made; /* since the start */
};

/* What is given is borrowed. */
void job_renderings_init(struct job_renderings *renderings, struct store *store,
                         const struct parse_settings *parse);

/* Nobody holds one any more. All zeros is fine. */
void job_renderings_done(struct job_renderings *renderings);

/* The job as it is; or with the first page of its results, as the members `results`, `next_cursor`
 * and `has_more`, like those of the list.
 *
 * ret_rendering  held: it is to be answered with, or released
 * returns        0; -ENOMEM; with results: -ENOENT: it has been forgotten; as the store
 * suspends       with results, or while another one makes the same
 */
CO_BLOCKS int job_rendering_get(struct job_renderings *renderings, const struct job_record *record,
                                bool with_results, struct job_rendering **ret_rendering);

/* The version that it is of. */
uint64_t job_rendering_version(const struct job_rendering *rendering);

/* NULL is fine. */
void job_rendering_release(struct job_rendering *rendering);

/* Answers with it and releases it, whatever it returns: as http_answer_source(). */
int job_rendering_answer(struct http_exchange *exchange, int status,
                         struct job_rendering *rendering);

/* Waits until a job that goes on may be shown to who waits for its changes: no more of its versions
 * than one in JOB_RENDERING_TIME are.
 *
 * returns    0; 1: it has waited, so the job may be in another one; -ECANCELED
 */
CO_BLOCKS int job_renderings_pace(const struct job_renderings *renderings,
                                  const struct job_record *record);
