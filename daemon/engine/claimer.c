#include "daemon/engine/claimer.h"

#include <errno.h>
#include <stdlib.h>

#include "daemon/base/crash_point.h"
#include "daemon/engine/job_feed.h"
#include "daemon/engine/recorder.h"
#include "daemon/engine/store_watch.h"

enum {
    MAX_CLAIMS = 64,        /* at a time */
    MAX_CLAIMS_BESIDE = 8,  /* at a time, when there is enough to do: */
    MAX_BESIDE = 256,       /* jobs that have nothing in memory get a chunk if so few are active */
    ITEMS_PER_RUNNING = 64, /* all jobs may have so many times as many items in memory as are
                               fetched at a time, */
    MIN_ITEMS = 16 * 1024,  /* within these bounds, */
    MAX_ITEMS = 128 * 1024,
    MAX_BYTES = 128 * 1024 * 1024, /* of so much text, and but for the last claims, */
    JOBS_SHARE = 4,                /* and one job a quarter of that */
    MAX_WAITING = 2048 /* jobs are active beside those that there is enough to do for: each has a
                          task, so many small ones that back off are more than their items */
};

struct claimer {
    struct active_jobs *jobs;
    struct active_context *context;
    size_t enough; /* items that are fetched, or could be, */
    size_t ahead;  /* and so many more, because claiming takes its time */
    bool has_enough;
    size_t max_items;
    int64_t *busy; /* numbers of the jobs that want nothing now */
    size_t n_busy, max_busy;
    struct co_task *task;
};

/* --- How much is wanted ----------------------------------------------------------------------- */

/* Whether a job wants no chunk now. */
static bool is_busy(const struct claimer *claimer, const struct active_job *job)
{
    if (job->is_over || job->run.stop != RUN_GOES_ON || job->n_unclaimed == 0)
        return true;
    if (claimer->has_enough && run_n_ready(&job->run) > 0)
        return true;
    return !run_wants_piece(&job->run, claimer->ahead) ||
           job->n_items >= claimer->max_items / JOBS_SHARE ||
           job->n_bytes >= MAX_BYTES / JOBS_SHARE ||
           job->n_pieces + MAX_CLAIMS > ACTIVE_JOB_MAX_PIECES;
}

static size_t count_runnable(const struct claimer *claimer)
{
    const struct co_list *all = &claimer->jobs->all;
    size_t n = engine_n_running(claimer->context->engine);

    for (struct co_list *at = all->next; at != all; at = at->next)
        n += run_n_ready(&co_container_of(at, struct active_job, link)->run);
    return n;
}

/* Whether there is a job that wants chunks now, and was not offered any when it did not. */
static bool has_become_able(const struct claimer *claimer)
{
    const struct co_list *all = &claimer->jobs->all;

    for (struct co_list *at = all->next; at != all; at = at->next) {
        const struct active_job *job = co_container_of(at, struct active_job, link);
        if (job->was_busy && !is_busy(claimer, job))
            return true;
    }
    return false;
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t enough(const struct claimer *claimer)
{
    return claimer->enough + claimer->ahead;
}

struct wanted {
    size_t n_claims, n_items; /* at most, of both; no claims: there is enough, or too much */
};

/* Of jobs that have nothing in memory: they shall not wait for those that have a lot. */
static struct wanted wanted_beside(size_t n_active)
{
    size_t n_more = n_active < MAX_BESIDE ? MAX_BESIDE - n_active : 0;

    return (struct wanted){smaller(n_more, MAX_CLAIMS_BESIDE), CHUNK_ITEMS};
}

static struct wanted find_wanted(struct claimer *claimer)
{
    size_t n_runnable = count_runnable(claimer);
    size_t n_active = claimer->jobs->table.n_jobs;

    claimer->has_enough = n_runnable >= enough(claimer);
    claimer->context->has_more |= has_become_able(claimer);
    if (!claimer->context->has_more || claimer->context->n_items >= claimer->max_items ||
        claimer->context->n_bytes >= MAX_BYTES || n_active >= claimer->enough + MAX_WAITING ||
        recorder_n_results(claimer->context->recorder) >= RECORDER_MAX_RESULTS)
        return (struct wanted){0};
    if (claimer->has_enough)
        return wanted_beside(n_active);
    return (struct wanted){MAX_CLAIMS, enough(claimer) - n_runnable};
}

static int add_busy(struct claimer *claimer, int64_t number)
{
    if (claimer->n_busy == claimer->max_busy) {
        size_t max = claimer->max_busy * 2 + 16;
        int64_t *larger = reallocarray(claimer->busy, max, sizeof(*larger));
        if (larger == NULL)
            return -ENOMEM;
        claimer->busy = larger;
        claimer->max_busy = max;
    }
    claimer->busy[claimer->n_busy++] = number;
    return 0;
}

static int compare_numbers(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

static int list_busy(struct claimer *claimer)
{
    struct active_jobs *jobs = claimer->jobs;
    int rc = 0;

    claimer->n_busy = 0;
    for (struct co_list *at = jobs->all.next; rc == 0 && at != &jobs->all; at = at->next) {
        struct active_job *job = co_container_of(at, struct active_job, link);
        job->was_busy = is_busy(claimer, job);
        if (job->was_busy)
            rc = add_busy(claimer, job->record->number);
    }
    if (claimer->n_busy > 0)
        qsort(claimer->busy, claimer->n_busy, sizeof(*claimer->busy), compare_numbers);
    return rc;
}

/* --- Claiming --------------------------------------------------------------------------------- */

/* Gives a claim to its job. returns as active_jobs_get() and job_feed_claim() */
static CO_BLOCKS int feed(struct claimer *claimer, const struct store_claim *claim)
{
    struct active_job *job;
    int rc = active_jobs_get_or_give_up(claimer->jobs, claim->job, &job);

    if (rc < 0)
        return rc;
    rc = job_feed_claim(job, claim);
    active_job_unref(job);
    return rc;
}

/* The same until it has been done, or cannot be: then the chunk is nobody's.
 *
 * returns    0, -EIO, -ECANCELED
 */
static CO_BLOCKS int feed_at_last(struct claimer *claimer, const struct store_claim *claim)
{
    int rc = feed(claimer, claim);

    while (rc == -ENOMEM || rc == -ENOSPC) {
        rc = store_watch_wait(claimer->context->watch, rc);
        if (rc == 0)
            rc = feed(claimer, claim);
    }
    return rc == -EIO || rc == -ECANCELED ? rc : 0;
}

static CO_BLOCKS int feed_all(struct claimer *claimer, const struct store_claims *claims)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < claims->n_claims; i++)
        rc = feed_at_last(claimer, &claims->claims[i]);
    return rc;
}

/* What is ahead has to last while the next claim is under way, should that take twice as long. */
static CO_BLOCKS int ask(struct claimer *claimer, struct wanted wanted,
                         struct store_claims *ret_claims)
{
    const struct active_context *context = claimer->context;
    uint64_t n_before = context->n_finished;

    recorder_hurry(context->recorder);
    int rc = store_claim(context->store, wanted.n_claims, wanted.n_items, claimer->busy,
                         claimer->n_busy, ret_claims);
    crash_point("after_claim");
    claimer->ahead = smaller(2 * (context->n_finished - n_before), claimer->max_items / JOBS_SHARE);
    return rc;
}

/* What comes in while the store is asked counts as more. */
static CO_BLOCKS int claim_and_feed(struct claimer *claimer, struct wanted wanted)
{
    struct store_claims claims;
    int rc = list_busy(claimer);

    if (rc < 0)
        return store_watch_wait(claimer->context->watch, rc);
    claimer->context->has_more = false;
    rc = ask(claimer, wanted, &claims);
    claimer->context->has_more |= rc < 0 || claims.n_claims > 0;
    rc = rc < 0 ? store_watch_wait(claimer->context->watch, rc) : feed_all(claimer, &claims);
    store_claims_done(&claims);
    return rc;
}

static CO_BLOCKS int claim_some(struct claimer *claimer, struct wanted wanted)
{
    int rc = co_semaphore_acquire(&claimer->context->claiming);

    if (rc < 0)
        return rc;
    rc = claim_and_feed(claimer, wanted);
    co_semaphore_release(&claimer->context->claiming);
    return rc;
}

static int claim(void *arg, void **ret_result)
{
    struct claimer *claimer = arg;
    struct co_event *may_claim = &claimer->context->may_claim;
    int rc;

    (void)ret_result;
    do {
        co_event_clear(may_claim);
        struct wanted wanted = find_wanted(claimer);
        rc = wanted.n_claims > 0 ? claim_some(claimer, wanted) : co_event_wait(may_claim);
    } while (rc == 0);
    return rc == -EIO ? 0 : rc; /* the watch has told everybody */
}

/* --- From beginning to end -------------------------------------------------------------------- */

static size_t clamp(size_t n, size_t min, size_t max)
{
    return n < min ? min : n > max ? max : n;
}

int claimer_new(struct claimer **ret_claimer, struct active_jobs *jobs, size_t max_running)
{
    struct claimer *claimer = calloc(1, sizeof(*claimer));

    if (claimer == NULL)
        return -ENOMEM;
    claimer->jobs = jobs;
    claimer->context = jobs->context;
    claimer->context->has_more = true;
    claimer->enough = 2 * max_running;
    claimer->max_items = clamp(max_running * ITEMS_PER_RUNNING, MIN_ITEMS, MAX_ITEMS);
    int rc = co_create_task("claimer", claim, claimer, &claimer->task);
    if (rc < 0) {
        free(claimer);
        return rc;
    }
    *ret_claimer = claimer;
    return 0;
}

void claimer_free(struct claimer *claimer)
{
    if (claimer == NULL)
        return;
    co_task_stop(claimer->task, "the daemon is stopping");
    free(claimer->busy);
    free(claimer);
}
