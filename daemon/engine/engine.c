#include "daemon/engine/engine.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#include "daemon/base/instant.h"
#include "daemon/engine/judge.h"
#include "daemon/engine/retry.h"

struct engine {
    struct fetcher fetcher;
    struct admission admission;
    struct stats stats;
    struct co_event may_go_on; /* wakes the pump */
    struct co_task *pump;
};

/* An item that is being fetched; lives on its task's stack but for the way there. */
struct launch {
    struct run *run;
    size_t index;
};

/* --- One item --------------------------------------------------------------------------------- */

static double random_part(void)
{
    uint32_t bits;

    if (getrandom(&bits, sizeof(bits), GRND_NONBLOCK) != sizeof(bits))
        bits = 0; /* a kernel that has just booted may have no randomness yet */
    return (double)bits / UINT32_MAX;
}

/* Puts an item back that is to be tried again. false: its result is final */
static bool try_again(struct run *run, size_t index, struct result *result)
{
    const struct fetch_options *options = job_spec_request(run->spec, index)->options;
    int64_t pause_us = RETRY_NEVER;
    co_time at;

    if (options->retry.max_attempts > 1)
        pause_us = retry_pause_us(options, result, random_part(), instant_now());
    if (pause_us == RETRY_NEVER || run_keep_attempt(run, index, result, pause_us, &at) < 0)
        return false;
    admission_retry(run->admission, &run->batch, index, at);
    return true;
}

/* Reports an item, unless its owner is gone, and gives its place back. */
static void end_item(struct run *run, size_t index, int rc, struct result *result)
{
    if (rc == 0)
        rc = judge_result(job_spec_request(run->spec, index), result);
    run_name_stop(run, result);
    if (rc == 0 || run->stop != RUN_GOES_ON)
        run_report(run, index, result);
    admission_release(run->admission, &run->batch, index);
}

static int fetch_task(void *arg, void **ret_result)
{
    struct launch launch = *(struct launch *)arg;
    struct run *run = launch.run;
    struct engine *engine = run->engine;
    struct result result;

    (void)ret_result;
    free(arg);
    run_begin_result(run, launch.index, &result);
    int rc = fetch_attempt(&engine->fetcher, job_spec_request(run->spec, launch.index), run->jar,
                           &result);
    if (rc < 0 || !try_again(run, launch.index, &result))
        end_item(run, launch.index, rc, &result);
    result_done(&result);
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

    run_report_not_started(run, index, OUTCOME_TRANSPORT_ERROR, &error);
}

/* Starts an item that admission has let through, or reports at once why it is not. */
static void start(struct run *run, size_t index)
{
    const struct request_defect *defect = job_spec_request(run->spec, index)->defect;

    if (defect != NULL)
        report_defect(run, index, defect);
    else if (launch(run, index) < 0)
        run_report_not_started(run, index, OUTCOME_TRANSPORT_ERROR, &no_memory);
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

static int end_what_waited_too_long(struct engine *engine)
{
    struct admission_batch *batch;
    size_t index;
    int rc = 0;

    for (size_t n = 1;
         rc == 0 && (batch = admission_expired(&engine->admission, co_now(), &index)) != NULL;
         n++) {
        run_report_not_started(co_container_of(batch, struct run, batch), index,
                               OUTCOME_TRANSPORT_ERROR, &queue_timeout);
        rc = share_the_loop(n);
    }
    return rc;
}

static int wait_until_more_may(struct engine *engine)
{
    co_time next = admission_next_time(&engine->admission);
    struct co_scope scope;

    if (next <= co_now())
        return co_sleep(0);
    co_event_clear(&engine->may_go_on);
    co_scope_enter(&scope, next == CO_NEVER ? CO_NEVER : next - co_now());
    int rc = co_scope_exit(&scope, co_event_wait(&engine->may_go_on));
    return rc == -ETIMEDOUT ? 0 : rc;
}

static int pump(void *arg, void **ret_result)
{
    int rc;

    (void)ret_result;
    do {
        (void)admission_queue(&((struct engine *)arg)->admission);
        rc = end_what_waited_too_long(arg) ?: start_all_that_may(arg) ?: wait_until_more_may(arg);
    } while (rc == 0);
    return rc;
}

int engine_new(struct engine **ret_engine, const struct fetcher *fetcher, unsigned max_running,
               unsigned max_running_per_host)
{
    struct engine *engine = calloc(1, sizeof(*engine));
    if (engine == NULL)
        return -ENOMEM;
    engine->fetcher = *fetcher;
    engine->fetcher.stats = &engine->stats;
    stats_init(&engine->stats);
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

struct stats *engine_stats(struct engine *engine)
{
    return &engine->stats;
}

size_t engine_n_running(const struct engine *engine)
{
    return engine->admission.n_running;
}

size_t engine_n_waiting(const struct engine *engine)
{
    return engine->admission.n_waiting;
}

/* --- A run ------------------------------------------------------------------------------------ */

/* Reports what never started. returns 0, -ECANCELED */
static int report_waiting(struct run *run)
{
    size_t index;
    int rc = 0;

    for (size_t n = 1; rc == 0 && admission_take_waiting(&run->batch, &index); n++) {
        run_report_waiting(run, index);
        rc = share_the_loop(n);
    }
    return rc;
}

/* The same when there is no memory to queue anything. */
static int report_all(struct run *run)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < run->spec->n_items; i++) {
        run_report_not_started(run, i, OUTCOME_TRANSPORT_ERROR, &no_memory);
        rc = share_the_loop(i + 1);
    }
    return rc;
}

/* returns 0: the run is over, in whatever way; -ECANCELED: the caller is cancelled */
static int wait_until_over(struct run *run)
{
    struct co_scope scope;

    co_scope_enter(&scope, run->deadline != CO_NEVER ? run->deadline - co_now() : CO_NEVER);
    int rc = co_scope_exit(&scope, co_event_wait(&run->over));
    if (rc == -ETIMEDOUT) {
        run_end(run, RUN_DEADLINE);
        return 0;
    }
    return rc;
}

void run_init(struct run *run, struct engine *engine, const struct job_spec *spec,
              const struct run_owner *owner)
{
    *run = (struct run){
        .engine = engine,
        .admission = &engine->admission,
        .stats = &engine->stats,
        .spec = spec,
        .owner = *owner,
        .accepted = co_now(),
        .deadline = CO_NEVER,
        .n_left = spec->n_items,
    };
    if (spec->deadline_us > 0)
        run->deadline = run->accepted + spec->deadline_us * CO_MICROSECOND;
    co_event_init(&run->over);
}

/* returns 0, -ENOMEM */
static int admit(struct run *run)
{
    int rc = run->spec->keeps_cookies ? co_http_jar_new(&run->jar) : 0;

    if (rc == 0)
        rc = admission_add(run->admission, &run->batch, run->spec, run->accepted);
    run->is_admitted = rc == 0;
    return rc;
}

/* Nothing of it is running. */
static int dismiss(struct run *run, int rc)
{
    run->is_admitted = false;
    while (admission_remove(run->admission, &run->batch))
        rc = rc ?: co_sleep(0);
    history_done(&run->history);
    co_http_jar_free(co_take(run->jar));
    return rc;
}

int run_execute(struct run *run)
{
    struct engine *engine = run->engine;

    if (admit(run) < 0) {
        co_http_jar_free(co_take(run->jar));
        return report_all(run);
    }
    co_group_enter(&run->group, CO_NEVER);
    co_event_set(&engine->may_go_on);
    int rc = wait_until_over(run);
    admission_stop(&engine->admission, &run->batch);
    if (run->stop != RUN_GOES_ON)
        co_group_cancel(&run->group, 0, "the run was stopped");
    rc = co_group_exit(&run->group, rc);
    if (rc == 0)
        rc = report_waiting(run);
    return dismiss(run, rc);
}
