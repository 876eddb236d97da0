#include <errno.h>

#include "daemon/base/instant.h"
#include "daemon/engine/engine_private.h"

/* --- Opening ---------------------------------------------------------------------------------- */

static void prepare(struct run *run, struct engine *engine, const struct job_spec *spec,
                    const struct run_owner *owner, co_time accepted)
{
    *run = (struct run){
        .engine = engine,
        .admission = &engine->admission,
        .stats = &engine->stats,
        .may_go_on = &engine->may_go_on,
        .spec = spec,
        .owner = *owner,
        .accepted = accepted,
        .deadline = CO_NEVER,
    };
    if (spec->deadline_us > 0)
        run->deadline = accepted + spec->deadline_us * CO_MICROSECOND;
    co_event_init(&run->over);
}

void run_init(struct run *run, struct engine *engine, const struct job_spec *spec,
              const struct run_owner *owner)
{
    prepare(run, engine, spec, owner, co_now());
    run->whole = (struct run_piece){.spec = spec, .n_items = (uint32_t)spec->n_items};
    run->n_left = spec->n_items;
}

/* Where on the loop's clock an instant was that has passed. */
static co_time time_of(int64_t instant)
{
    int64_t age_us = instant_now() - instant;

    return co_now() - (age_us > 0 ? age_us : 0) * CO_MICROSECOND;
}

/* What had ended before counts. */
static void count_past(struct run *run, const struct run_job *job)
{
    run->n_left = job->n_items - job->n_done;
    run->n_done = job->n_done;
    run->n_successes = job->n_successes;
    if (run->n_left == 0)
        co_event_set(&run->over);
    else if (run_is_satisfied(run))
        run_end(run, RUN_SATISFIED);
}

int run_open(struct run *run, struct engine *engine, const struct run_job *job,
             const struct run_owner *owner)
{
    const struct admission_room room = {.n_places = job->n_places, .n_items = job->n_items};

    prepare(run, engine, job->head, owner, time_of(job->accepted_at));
    run->is_fed = true;
    int rc = job->head->keeps_cookies ? co_http_jar_new(&run->jar) : 0;
    if (rc == 0)
        rc = admission_open(run->admission, &run->batch, job->head, &room, run->accepted);
    if (rc < 0) {
        co_http_jar_free(co_take(run->jar));
        return rc;
    }
    run->is_admitted = true;
    count_past(run, job);
    return 0;
}

/* --- Ending ----------------------------------------------------------------------------------- */

/* Reports what never started. returns 0, -ECANCELED */
static int report_waiting(struct run *run)
{
    struct run_piece *piece;
    uint32_t item;
    int rc = 0;

    for (size_t n = 1; rc == 0 && (piece = admission_take_waiting(&run->batch, &item)) != NULL;
         n++) {
        run_report_waiting(run, piece, item);
        run_leave_piece(run, piece);
        rc = engine_share_the_loop(n);
    }
    return rc;
}

/* The same when there is no memory to queue anything. */
static int report_all(struct run *run)
{
    int rc = 0;

    for (uint32_t i = 0; rc == 0 && i < run->whole.n_items; i++) {
        run_report_not_started(run, &run->whole, i, OUTCOME_TRANSPORT_ERROR, &engine_no_memory);
        rc = engine_share_the_loop((size_t)i + 1);
    }
    return rc;
}

/* returns 0: the run is over, in whatever way; -ECANCELED: the caller is cancelled */
static int wait_until_over(struct run *run)
{
    co_time left = run->deadline - co_now();
    struct co_scope scope;

    co_scope_enter(&scope, run->deadline == CO_NEVER ? CO_NEVER : left > 0 ? left : 0);
    int rc = co_scope_exit(&scope, co_event_wait(&run->over));
    if (rc == -ETIMEDOUT) {
        run_end(run, RUN_DEADLINE);
        return 0;
    }
    return rc;
}

/* Nothing of it is running. */
static int dismiss(struct run *run, int rc)
{
    struct run_piece *piece;

    run->is_admitted = false;
    while ((piece = admission_take_piece(&run->batch)) != NULL)
        run_end_piece(run, piece);
    while (admission_remove(run->admission, &run->batch))
        rc = rc ?: co_sleep(0);
    co_http_jar_free(co_take(run->jar));
    return rc;
}

void run_close(struct run *run)
{
    admission_stop(run->admission, &run->batch);
    (void)dismiss(run, -ECANCELED);
}

/* --- All of it -------------------------------------------------------------------------------- */

/* returns 0, -ENOMEM */
static int admit(struct run *run)
{
    if (run->is_fed) {
        admission_start(run->admission, &run->batch);
        return 0;
    }
    int rc = run->spec->keeps_cookies ? co_http_jar_new(&run->jar) : 0;
    if (rc == 0)
        rc = admission_add(run->admission, &run->batch, &run->whole, run->accepted);
    run->is_admitted = rc == 0;
    return rc;
}

int run_execute(struct run *run)
{
    if (admit(run) < 0) {
        co_http_jar_free(co_take(run->jar));
        return report_all(run);
    }
    co_group_enter(&run->group, CO_NEVER);
    co_event_set(run->may_go_on);
    int rc = wait_until_over(run);
    admission_stop(run->admission, &run->batch);
    if (run->stop != RUN_GOES_ON)
        co_group_cancel(&run->group, 0, "the run was stopped");
    rc = co_group_exit(&run->group, rc);
    if (rc == 0)
        rc = report_waiting(run);
    return dismiss(run, rc);
}
