#include "daemon/engine/engine.h"

#include <errno.h>
#include <stdlib.h>

struct engine {
    struct fetcher fetcher;
    struct admission admission;
    struct co_event may_go_on; /* wakes the pump */
    struct co_task *pump;
};

/* An item that is being fetched; lives on its task's stack but for the way there. */
struct launch {
    struct run *run;
    size_t index;
};

/* --- Ending ----------------------------------------------------------------------------------- */

/* What an item is told that the run's end has cut off, or kept from starting. */
static const struct {
    enum outcome running, waiting;
    struct result_error error;
} stops[] = {
    [RUN_SATISFIED] = {OUTCOME_CANCELED,
                       OUTCOME_SKIPPED,
                       {.code = "canceled",
                        .message = "the gather's policy was satisfied before this had ended"}},
    [RUN_DEADLINE] = {OUTCOME_TRANSPORT_ERROR,
                      OUTCOME_SKIPPED,
                      {.code = "deadline_exceeded",
                       .message = "the deadline of the whole batch (deadline_ms) passed",
                       .retryable = true}},
    [RUN_CANCELED] = {OUTCOME_CANCELED,
                      OUTCOME_SKIPPED,
                      {.code = "canceled", .message = "the job was canceled"}},
};

static void stop(struct run *run, enum run_stop why)
{
    if (run->stop != RUN_GOES_ON)
        return;
    run->stop = why;
    if (run->is_admitted)
        admission_stop(&run->engine->admission, &run->batch);
    co_event_set(&run->over);
}

void run_cancel(struct run *run)
{
    stop(run, RUN_CANCELED);
}

static bool is_satisfied(const struct run *run, const struct result *result)
{
    const struct job_spec *spec = run->spec;

    if (spec->until == UNTIL_FIRST_COMPLETED)
        return true;
    if (spec->until == UNTIL_SUCCESSES && run->n_successes >= spec->n_successes)
        return true;
    return spec->cancel_rest_on_failure && result->outcome != OUTCOME_SUCCESS;
}

static void report(struct run *run, size_t index, const struct result *result)
{
    run->owner.finished(run->owner.arg, index, result);
    run->n_successes += result->outcome == OUTCOME_SUCCESS;
    if (--run->n_left == 0)
        co_event_set(&run->over);
    else if (is_satisfied(run, result))
        stop(run, RUN_SATISFIED);
}

/* --- One item --------------------------------------------------------------------------------- */

/* How long an item has waited that could have gone at once. */
static int64_t queued_us(const struct run *run, size_t index)
{
    int64_t since_acceptance_us = (co_now() - run->accepted) / CO_MICROSECOND;
    int64_t delay_us = job_spec_delay_us(run->spec, index);

    return since_acceptance_us > delay_us ? since_acceptance_us - delay_us : 0;
}

/* Gives the reason of a cancellation its name: the fetch only knows that it was given up. */
static void name_the_stop(const struct run *run, struct result *result)
{
    if (result->outcome != OUTCOME_CANCELED || run->stop == RUN_GOES_ON)
        return;
    const char *phase = result->error.phase;
    result->outcome = stops[run->stop].running;
    result->error = stops[run->stop].error;
    result->error.phase = phase;
}

static int fetch_task(void *arg, void **ret_result)
{
    struct launch launch = *(struct launch *)arg;
    struct run *run = launch.run;
    struct engine *engine = run->engine;
    struct result result;

    (void)ret_result;
    free(arg);
    int rc = fetch_item(&engine->fetcher, job_spec_request(run->spec, launch.index),
                        queued_us(run, launch.index), &result);
    name_the_stop(run, &result);
    bool owner_is_gone = rc == -ECANCELED && run->stop == RUN_GOES_ON;
    if (!owner_is_gone)
        report(run, launch.index, &result);
    result_done(&result);
    admission_release(&engine->admission, &run->batch, launch.index);
    co_event_set(&engine->may_go_on);
    return 0;
}

static const struct result_error queue_timeout = {
    .code = "queue_timeout",
    .message = "it waited longer than queue_timeout_ms for its turn",
    .retryable = true,
};

static const struct result_error no_memory = {
    .code = "resource_exhausted",
    .message = "there was no memory to start it",
    .retryable = true,
};

static void report_not_started(struct run *run, size_t index, enum outcome outcome,
                               const struct result_error *error)
{
    struct result result;

    fetch_not_started(&result, outcome, error, queued_us(run, index));
    report(run, index, &result);
    result_done(&result);
}

static bool waited_too_long(const struct run *run, size_t index)
{
    int64_t timeout_us = job_spec_request(run->spec, index)->options->queue_timeout_us;

    return timeout_us > 0 && queued_us(run, index) > timeout_us;
}

static int launch(struct run *run, size_t index)
{
    struct launch *launch = malloc(sizeof(*launch));
    if (launch == NULL)
        return -ENOMEM;
    *launch = (struct launch){run, index};
    int rc = co_group_spawn(&run->group, "fetch", fetch_task, launch, NULL);
    if (rc < 0)
        free(launch);
    return rc;
}

static void report_defect(struct run *run, size_t index, const struct request_defect *defect)
{
    const struct result_error error = {.code = defect->code, .message = defect->message};

    report_not_started(run, index, OUTCOME_TRANSPORT_ERROR, &error);
}

/* Starts an item that admission has let through, or reports at once why it is not. */
static void start(struct run *run, size_t index)
{
    const struct request_defect *defect = job_spec_request(run->spec, index)->defect;

    if (defect != NULL)
        report_defect(run, index, defect);
    else if (waited_too_long(run, index))
        report_not_started(run, index, OUTCOME_TRANSPORT_ERROR, &queue_timeout);
    else if (launch(run, index) < 0)
        report_not_started(run, index, OUTCOME_TRANSPORT_ERROR, &no_memory);
    else
        return;
    admission_release(&run->engine->admission, &run->batch, index);
}

/* --- The pump --------------------------------------------------------------------------------- */

enum { ITEMS_PER_TURN = 256 };

/* What goes through many items lets the others have a turn now and then. */
static int share_the_loop(size_t n_items)
{
    return n_items % ITEMS_PER_TURN == 0 ? co_sleep(0) : 0;
}

static int start_all_that_may(struct engine *engine)
{
    struct admission_batch *batch;
    size_t index;
    int rc = 0;

    for (size_t n = 1;
         rc == 0 && (batch = admission_next(&engine->admission, co_now(), &index)) != NULL; n++) {
        start(co_container_of(batch, struct run, batch), index);
        rc = share_the_loop(n);
    }
    return rc;
}

static int wait_until_more_may(struct engine *engine)
{
    co_time next = admission_next_time(&engine->admission);
    struct co_scope scope;

    co_event_clear(&engine->may_go_on);
    co_scope_enter(&scope, next == CO_NEVER ? CO_NEVER : next - co_now());
    int rc = co_scope_exit(&scope, co_event_wait(&engine->may_go_on));
    return rc == -ETIMEDOUT ? 0 : rc;
}

static int pump(void *arg, void **ret_result)
{
    int rc;

    (void)ret_result;
    do
        rc = start_all_that_may(arg) ?: wait_until_more_may(arg);
    while (rc == 0);
    return rc;
}

int engine_new(struct engine **ret_engine, const struct fetcher *fetcher, unsigned max_running,
               unsigned max_running_per_host)
{
    struct engine *engine = calloc(1, sizeof(*engine));
    if (engine == NULL)
        return -ENOMEM;
    engine->fetcher = *fetcher;
    co_event_init(&engine->may_go_on);
    int rc = admission_init(&engine->admission, max_running, max_running_per_host);
    if (rc == 0)
        rc = co_create_task("pump", pump, engine, &engine->pump);
    if (rc < 0) {
        if (engine->admission.hosts != NULL)
            admission_done(&engine->admission);
        free(engine);
        return rc;
    }
    *ret_engine = engine;
    return 0;
}

void engine_free(struct engine *engine)
{
    if (engine == NULL)
        return;
    co_task_stop(engine->pump, "the engine is freed");
    admission_done(&engine->admission);
    free(engine);
}

/* --- A run ------------------------------------------------------------------------------------ */

/* Reports what never started. returns 0, -ECANCELED */
static int report_waiting(struct run *run)
{
    size_t index;
    int rc = 0;

    for (size_t n = 1; rc == 0 && admission_take_waiting(&run->batch, &index); n++) {
        report_not_started(run, index, stops[run->stop].waiting, &stops[run->stop].error);
        rc = share_the_loop(n);
    }
    return rc;
}

/* The same when there is no memory to queue anything. */
static int report_all(struct run *run)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < run->spec->n_items; i++) {
        report_not_started(run, i, OUTCOME_TRANSPORT_ERROR, &no_memory);
        rc = share_the_loop(i + 1);
    }
    return rc;
}

static co_time time_left(const struct run *run)
{
    int64_t deadline_us = run->spec->deadline_us;

    return deadline_us > 0 ? run->accepted + deadline_us * CO_MICROSECOND - co_now() : CO_NEVER;
}

/* returns 0: the run is over, in whatever way; -ECANCELED: the caller is cancelled */
static int wait_until_over(struct run *run)
{
    struct co_scope scope;

    co_scope_enter(&scope, time_left(run));
    int rc = co_scope_exit(&scope, co_event_wait(&run->over));
    if (rc == -ETIMEDOUT) {
        stop(run, RUN_DEADLINE);
        return 0;
    }
    return rc;
}

void run_init(struct run *run, struct engine *engine, const struct job_spec *spec,
              const struct run_owner *owner)
{
    *run = (struct run){
        .engine = engine,
        .spec = spec,
        .owner = *owner,
        .accepted = co_now(),
        .n_left = spec->n_items,
    };
    co_event_init(&run->over);
}

int run_execute(struct run *run)
{
    struct engine *engine = run->engine;

    if (admission_add(&engine->admission, &run->batch, run->spec, run->accepted) < 0)
        return report_all(run);
    run->is_admitted = true;
    co_group_enter(&run->group, CO_NEVER);
    co_event_set(&engine->may_go_on);
    int rc = wait_until_over(run);
    admission_stop(&engine->admission, &run->batch);
    if (run->stop != RUN_GOES_ON)
        co_group_cancel(&run->group, 0, "the run was stopped");
    rc = co_group_exit(&run->group, rc);
    if (rc == 0)
        rc = report_waiting(run);
    run->is_admitted = false;
    admission_remove(&engine->admission, &run->batch);
    return rc;
}
