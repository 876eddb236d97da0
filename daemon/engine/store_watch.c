#include "daemon/engine/store_watch.h"

#include <errno.h>

/* Before a write is tried again that has failed though nothing seems to be wrong. */
#define PAUSE (50 * CO_MILLISECOND)

static void look(struct store_watch *watch)
{
    enum store_health health = store_health(watch->store);

    if (health == STORE_FULL)
        co_event_clear(&watch->settled);
    else
        co_event_set(&watch->settled);
    if (health == STORE_FAILED)
        co_event_set(&watch->failed);
    engine_pause(watch->engine, health != STORE_OK || watch->has_backlog || watch->is_draining);
}

static int watch_health(void *arg, void **ret_result)
{
    struct store_watch *watch = arg;
    struct co_event *changed = store_health_changed(watch->store);
    int rc;

    (void)ret_result;
    do {
        co_event_clear(changed);
        look(watch);
        rc = co_event_wait(changed);
    } while (rc == 0);
    return rc;
}

int store_watch_init(struct store_watch *watch, struct store *store, struct engine *engine)
{
    *watch = (struct store_watch){.store = store, .engine = engine};
    co_event_init(&watch->settled);
    co_event_init(&watch->failed);
    look(watch);
    return co_create_task("store watch", watch_health, watch, &watch->task);
}

void store_watch_done(struct store_watch *watch)
{
    co_task_stop(co_take(watch->task), "the jobs are stopping");
}

void store_watch_set_backlog(struct store_watch *watch, bool has_backlog)
{
    if (watch->has_backlog == has_backlog)
        return;
    watch->has_backlog = has_backlog;
    look(watch);
}

void store_watch_drain(struct store_watch *watch)
{
    watch->is_draining = true;
    look(watch);
}

int store_watch_wait(struct store_watch *watch, int rc)
{
    if (rc != -EIO)
        rc = co_sleep(PAUSE);
    if (rc == 0)
        rc = co_event_wait(&watch->settled);
    return rc < 0 ? rc : store_health(watch->store) == STORE_FAILED ? -EIO : 0;
}
