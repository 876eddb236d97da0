#include "lib/co/gather.h"

#include <assert.h>
#include <limits.h>

#include "lib/co/group.h"
#include "lib/co/sync.h"

struct gathering {
    const struct co_call *calls;
    struct co_result *results;
    size_t n_entered;
    struct co_semaphore permits;
    enum co_gather_mode mode;
    const char *site;
};

/* Tasks are entered in the order they were started in, so each takes the next call. */
static int run_next(void *arg, void **result)
{
    struct gathering *gathering = arg;
    size_t i = gathering->n_entered++;
    const struct co_call *call = &gathering->calls[i];
    struct co_result unwanted, *out = &unwanted;

    (void)result;
    if (gathering->results != NULL)
        out = &gathering->results[i];
    *out = (struct co_result){0};
    out->rc = call->fn(call->arg, &out->value);
    if (out->rc < 0)
        out->value = NULL;
    co_semaphore_release(&gathering->permits);
    return gathering->mode == CO_FAIL_FAST ? out->rc : 0;
}

/* A cancel does not reach in here: it ends the calls that run, and those free their permits. So the
 * limit holds for the calls that are entered cancelled, too. */
static void wait_for_permit(struct co_semaphore *permits)
{
    struct co_scope shield;

    co_scope_shield(&shield, CO_NEVER);
    int rc = co_scope_exit(&shield, co_semaphore_acquire(permits));
    assert(rc == 0);
}

/* Every call is entered, whatever happens: on our own stack when there is none for it. */
static void start_one(struct co_group *group, const char *name, struct gathering *gathering)
{
    wait_for_permit(&gathering->permits);
    int rc = co_group_spawn_at(group, name, run_next, gathering, NULL, gathering->site);
    if (rc < 0) {
        co_group_cancel_at(group, rc, "no memory for another task", gathering->site);
        (void)run_next(gathering, NULL);
    }
}

int co_gather_at(const struct co_call *calls, size_t n_calls, struct co_result *results,
                 unsigned limit, enum co_gather_mode mode, const char *site)
{
    struct gathering gathering = {.calls = calls, .results = results, .mode = mode, .site = site};
    struct co_group group;

    co_semaphore_init(&gathering.permits, limit != 0 ? limit : UINT_MAX);
    co_group_enter_at(&group, CO_NEVER, site);
    group.is_quiet = results != NULL; /* every failure is among them */
    for (size_t i = 0; i < n_calls; i++)
        start_one(&group, calls[i].name, &gathering);
    return co_group_exit(&group, 0);
}
