#include "daemon/engine/engine.h"

#include <errno.h>
#include <stdlib.h>

#include "daemon/engine/engine_private.h"

/* --- The pump --------------------------------------------------------------------------------- */

enum { ITEMS_PER_TURN = 256 };

int engine_share_the_loop(size_t n_items)
{
    return n_items % ITEMS_PER_TURN == 0 ? co_sleep(0) : 0;
}

static struct run *run_of(const struct run_piece *piece)
{
    return co_container_of(piece->batch, struct run, batch);
}

static int start_all_that_may(struct engine *engine)
{
    struct run_piece *piece;
    uint32_t item;
    int rc = 0;

    for (size_t n = 1;
         rc == 0 && (piece = admission_next(&engine->admission, co_now(), &item)) != NULL; n++) {
        engine_start_item(run_of(piece), piece, item);
        rc = engine_share_the_loop(n);
    }
    return rc;
}

static const struct result_error queue_timeout = {
    .code = "queue_timeout",
    .message = "it waited longer than queue_timeout_ms for its turn",
    .retryable = true,
};

static int end_what_waited_too_long(struct engine *engine)
{
    struct run_piece *piece;
    uint32_t item;
    int rc = 0;

    for (size_t n = 1;
         rc == 0 && (piece = admission_expired(&engine->admission, co_now(), &item)) != NULL; n++) {
        struct run *run = run_of(piece);
        run_report_not_started(run, piece, item, OUTCOME_TRANSPORT_ERROR, &queue_timeout);
        run_leave_piece(run, piece);
        rc = engine_share_the_loop(n);
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

/* --- The engine ------------------------------------------------------------------------------- */

int engine_new(struct engine **ret_engine, const struct fetcher *fetcher, unsigned max_running,
               unsigned max_running_per_host)
{
    struct engine *engine = calloc(1, sizeof(*engine));
    if (engine == NULL)
        return -ENOMEM;
    engine_set_fetcher(engine, fetcher);
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

void engine_set_fetcher(struct engine *engine, const struct fetcher *fetcher)
{
    engine->fetcher = *fetcher;
    engine->fetcher.stats = &engine->stats;
}

const struct fetcher *engine_fetcher(const struct engine *engine)
{
    return &engine->fetcher;
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

void engine_pause(struct engine *engine, bool is_paused)
{
    admission_pause(&engine->admission, is_paused);
    co_event_set(&engine->may_go_on);
}
