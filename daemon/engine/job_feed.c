#include "daemon/engine/job_feed.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "daemon/base/crash_point.h"
#include "daemon/base/instant.h"
#include "daemon/base/log.h"
#include "daemon/engine/recorder.h"
#include "daemon/engine/store_watch.h"
#include "daemon/engine/stored_head.h"

enum { STARTED_AT_ONCE = 16 }; /* chunks */

static struct active_chunk *chunk_of(struct run_piece *piece)
{
    return co_container_of(piece, struct active_chunk, piece);
}

/* --- What comes out --------------------------------------------------------------------------- */

/* What was never started because the job was stopped has no result: job_record.rest says it. */
static void item_finished(void *arg, struct run_piece *piece, uint32_t item,
                          const struct result *result)
{
    struct active_job *job = arg;

    if (result->outcome == OUTCOME_SKIPPED)
        return;
    crash_point("after_send_before_result");
    job->context->n_finished++;
    recorder_add(job->context->recorder, chunk_of(piece), item, result);
    active_context_may_claim(job->context, false);
}

static void forget_requests(struct active_chunk *chunk)
{
    struct active_job *job = chunk->job;

    job_spec_free(co_take(chunk->spec));
    job->n_pieces--;
    job->n_items -= chunk->n_items;
    job->n_bytes -= chunk->n_bytes;
    job->context->n_items -= chunk->n_items;
    job->context->n_bytes -= chunk->n_bytes;
    active_chunk_release(chunk);
}

static void piece_ended(void *arg, struct run_piece *piece)
{
    struct active_job *job = arg;

    forget_requests(chunk_of(piece));
    active_context_may_claim(job->context, false);
}

/* --- Before something is sent that must not be repeated --------------------------------------- */

/* While the store is full its items wait where they hold no places: gathers need them. returns 0;
 * -EAGAIN: not now; -EIO */
static CO_BLOCKS int write_start(struct active_job *job, struct active_chunk *chunk)
{
    struct store *store = job->context->store;

    if (store_health(store) == STORE_FULL)
        return -EAGAIN;
    int rc = store_start(store, job->record->number, chunk->first);
    return rc == -ENOSPC || rc == -ENOMEM ? -EAGAIN : rc;
}

/* One item of a chunk does it for all. */
static CO_BLOCKS int start_chunk(struct active_job *job, struct active_chunk *chunk)
{
    int rc = 0;

    while (rc == 0 && chunk->start == CHUNK_STARTING)
        rc = co_event_wait(&chunk->started);
    if (rc < 0 || chunk->start == CHUNK_STARTED)
        return rc;
    chunk->start = CHUNK_STARTING;
    rc = write_start(job, chunk);
    chunk->start = rc == 0 ? CHUNK_STARTED : CHUNK_NOT_STARTED;
    co_event_set(&chunk->started);
    co_event_clear(&chunk->started);
    return rc;
}

static CO_BLOCKS int before_sending(void *arg, struct run_piece *piece, uint32_t item)
{
    struct active_chunk *chunk = chunk_of(piece);
    int rc = 0;

    if (request_is_safe(run_piece_request(piece, item)))
        return 0;
    if (chunk->start != CHUNK_STARTED)
        rc = start_chunk(arg, chunk);
    if (rc < 0)
        return rc;
    crash_point("after_start_before_send");
    rc = co_checkpoint();
    chunk->items[item].was_sent = rc == 0;
    return rc;
}

struct run_owner job_feed_owner(struct active_job *job)
{
    return (struct run_owner){
        .finished = item_finished,
        .piece_ended = piece_ended,
        .before_sending = before_sending,
        .arg = job,
    };
}

/* --- What is not fetched ---------------------------------------------------------------------- */

static const char interrupted_text[] =
    "gatherd ended while this request was under way: it may or may not have been executed";

static struct result make_result(enum outcome outcome, const char *message)
{
    const char *code = outcome == OUTCOME_INTERRUPTED ? "interrupted" : "internal";
    struct result result;

    result_init(&result);
    result_fail(&result, outcome, code, NULL, message);
    result.started_at = result.finished_at = instant_now();
    return result;
}

static void give_up(struct active_chunk *chunk, uint32_t item, enum outcome outcome,
                    const char *message)
{
    struct active_job *job = chunk->job;
    struct result result = make_result(outcome, message);

    run_count(&job->run, &result);
    recorder_add(job->context->recorder, chunk, item, &result);
}

void job_feed_interrupt(struct active_job *job)
{
    const struct result result = make_result(OUTCOME_INTERRUPTED, interrupted_text);

    for (struct co_list *at = job->chunks.next; at != &job->chunks; at = at->next) {
        struct active_chunk *chunk = co_container_of(at, struct active_chunk, link);
        for (uint32_t i = 0; i < chunk->n_items; i++)
            if (chunk->items[i].was_sent && !chunk->items[i].has_result)
                recorder_add(job->context->recorder, chunk, i, &result);
    }
}

/* --- What goes in ----------------------------------------------------------------------------- */

static const char deadly_text[] = "gatherd has ended unexpectedly each time it tried to fetch this";

/* Why nothing of a claim is fetched; NULL: it is. */
static const char *why_hopeless(const struct active_job *job, const struct store_claim *claim)
{
    if (claim->is_damaged)
        return "what was stored of this request is damaged";
    if (job->is_unreadable)
        return "what was stored of this job cannot be read by this version of gatherd";
    if (claim->n_tries > STORE_TRIES_MAX)
        return deadly_text;
    return NULL;
}

/* Of a claim that has come to nothing so often there is but one item. */
static void log_given_up(const struct active_job *job, const struct store_claim *claim)
{
    log_event(EVENT_ITEM_GIVEN_UP, LOG_FIELDS({"job_id", job->record->id}),
              "item %" PRIu32 " of job %s is given up: %s", claim->first, job->record->id,
              deadly_text);
}

/* Makes the chunk's piece of its requests, and takes them over. NULL: it has none */
static void give_requests(struct active_chunk *chunk, const struct store_claim *claim,
                          struct job_spec *spec)
{
    chunk->spec = spec;
    if (spec == NULL)
        return;
    chunk->n_bytes = claim->chunk.length;
    chunk->piece = (struct run_piece){
        .spec = spec,
        .offset = claim->first - claim->chunk.first,
        .n_items = claim->n_items,
        .first = claim->first,
    };
}

static bool has_result(const struct store_claim *claim, uint32_t item)
{
    uint32_t i = claim->first - claim->chunk.first + item;

    return (claim->has_result[i / 64] >> i % 64 & 1) != 0;
}

/* Sorts out what is not to be fetched. why: nothing is; NULL: what was not interrupted */
static void leave_out(struct active_chunk *chunk, const struct store_claim *claim, const char *why,
                      uint64_t *ret_left_out)
{
    for (uint32_t i = 0; i < chunk->n_items; i++) {
        bool was_sent = why == NULL && claim->was_started &&
                        !request_is_safe(run_piece_request(&chunk->piece, i));
        if (chunk->items[i].has_result || why != NULL || was_sent)
            ret_left_out[i / 64] |= UINT64_C(1) << i % 64;
        if (chunk->items[i].has_result)
            continue;
        if (why != NULL)
            give_up(chunk, i, OUTCOME_TRANSPORT_ERROR, why);
        else if (was_sent)
            give_up(chunk, i, OUTCOME_INTERRUPTED, interrupted_text);
    }
}

/* Also what is in no piece is let go of as if its piece had ended. */
static void add_piece(struct active_job *job, struct active_chunk *chunk, const uint64_t *left_out)
{
    chunk->piece.left_out = left_out;
    job->n_pieces++;
    job->n_items += chunk->n_items;
    job->n_bytes += chunk->n_bytes;
    job->context->n_items += chunk->n_items;
    job->context->n_bytes += chunk->n_bytes;
    int rc = chunk->spec != NULL ? run_add_piece(&job->run, &chunk->piece) : 1;
    assert(rc != -EAGAIN); /* the claimer sees to that */
    if (rc != 0)
        forget_requests(chunk);
}

/* Marks what has a result already. returns how many have none */
static size_t count_unrecorded(struct active_chunk *chunk, const struct store_claim *claim)
{
    size_t n = 0;

    for (uint32_t i = 0; i < chunk->n_items; i++) {
        chunk->items[i].has_result = has_result(claim, i);
        n += !chunk->items[i].has_result;
    }
    return n;
}

/* Its requests have been read, unless why says why not, and are taken over. returns 0, -ENOMEM */
static int take_in(struct active_job *job, const struct store_claim *claim, const char *why,
                   struct job_spec *spec)
{
    uint64_t left_out[CHUNK_ITEMS / 64] = {0};
    struct active_chunk *chunk = active_chunk_new(job, claim->first, claim->n_items);

    if (chunk == NULL) {
        job_spec_free(spec);
        return -ENOMEM;
    }
    give_requests(chunk, claim, spec);
    chunk->is_single = claim->n_tries > STORE_TRIES_BEFORE_SPLIT;
    chunk->n_unrecorded = count_unrecorded(chunk, claim);
    chunk->n_holders += chunk->n_unrecorded > 0;
    job->n_unclaimed -= chunk->n_unrecorded;
    if (job->started_at == JOB_NEVER && job->run.stop == RUN_GOES_ON) {
        job->started_at = instant_now();
        recorder_touch_soon(job->context->recorder, job);
    }
    if (why == deadly_text)
        log_given_up(job, claim);
    leave_out(chunk, claim, why, left_out);
    add_piece(job, chunk, left_out);
    return 0;
}

/* What may have been sent has to be known before the job ends, so that does not wait. */
static CO_BLOCKS int read_requests(const struct active_job *job, const struct store_claim *claim,
                                   struct job_spec **ret_spec)
{
    return claim->was_started ? job_chunk_parse(job->head, &claim->chunk, ret_spec)
                              : stored_chunk_parse(job->head, &claim->chunk, ret_spec);
}

/* While its requests are read the job may end. */
int job_feed_claim(struct active_job *job, const struct store_claim *claim)
{
    const char *why = why_hopeless(job, claim);
    struct job_spec *spec = NULL;

    if (job->is_over)
        return 0;
    int rc = why == NULL ? read_requests(job, claim, &spec) : 0;
    if (rc == -EBADMSG) {
        why = "what was stored of this request cannot be read";
        rc = 0;
    }
    if (rc == 0 && !job->is_over)
        rc = take_in(job, claim, why, co_take(spec));
    job_spec_free(spec);
    return rc;
}

/* --- What was being sent when gatherd died ---------------------------------------------------- */

/* A claim that is not taken in now would not be claimed again. returns 0, -EIO, -ECANCELED */
static CO_BLOCKS int feed_started(struct active_job *job, const struct store_claim *claim)
{
    int rc = job_feed_claim(job, claim);

    while (rc == -ENOMEM) {
        rc = store_watch_wait(job->context->watch, rc);
        if (rc == 0)
            rc = job_feed_claim(job, claim);
    }
    return rc;
}

static CO_BLOCKS int feed_some_started(struct active_job *job, size_t *ret_n)
{
    struct store_claims claims;
    int rc =
        store_claim_started(job->context->store, job->record->number, STARTED_AT_ONCE, &claims);

    for (size_t i = 0; rc == 0 && i < claims.n_claims; i++)
        rc = feed_started(job, &claims.claims[i]);
    *ret_n = claims.n_claims;
    store_claims_done(&claims);
    return rc;
}

/* What was claimed before the run was stopped may still be on its way here. */
static CO_BLOCKS int wait_for_claims(struct active_context *context)
{
    int rc = co_semaphore_acquire(&context->claiming);

    if (rc == 0)
        co_semaphore_release(&context->claiming);
    return rc;
}

int job_feed_started(struct active_job *job)
{
    size_t n;
    int rc = wait_for_claims(job->context);

    if (rc < 0)
        return rc;
    do {
        rc = feed_some_started(job, &n);
        if (rc == -ENOMEM || rc == -ENOSPC)
            rc = store_watch_wait(job->context->watch, rc) ?: 1;
    } while (rc == 1 || (rc == 0 && n > 0));
    return rc;
}
