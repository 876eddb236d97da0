/* Task groups: a scope that tasks can be started in, and that is not left before they have ended.
 *
 *     struct co_group group;
 *     co_group_enter(&group, 5 * CO_SECOND);
 *     int rc = co_group_spawn(&group, "a", fetch, a, NULL);
 *     if (rc == 0)
 *         rc = co_group_spawn(&group, "b", fetch, b, NULL);
 *     rc = co_group_exit(&group, rc);
 *
 * The first task to fail cancels the others; failures after that are reported
 * (CO_REPORT_SUPPRESSED), for co_group_exit() can return but one. A group lives in its owner's
 * frame, and only the owner leaves it; any task may spawn into it or cancel it until then.
 *
 * source  asyncio.TaskGroup, trio's nurseries
 */
#pragma once

#include "scope.h"
#include "waitq.h"

struct co_group {
    struct co_scope scope;   /* first: a scope of kind group is a group */
    struct co_list children; /* tasks that have not ended */
    struct co_waitq owner;   /* parked in co_group_exit() */
    struct co_waitq closing; /* parked in co_group_wait_closing() */
    int failed_rc;           /* of the first task that failed; 0: none has */
    const char *failed_name; /* its name and spawn site */
    const char *failed_site;
    unsigned n_children;
    unsigned n_errors; /* all failures */
    bool is_closing;
    bool is_quiet; /* the owner knows of every failure: none is reported */
};

CO_API_BEGIN

/* Opens a group. Its tasks and its owner's body are cancelled after `timeout` nanoseconds, or
 * CO_NEVER. */
#define co_group_enter(group, timeout) co_group_enter_at(group, timeout, CO_SITE)
void co_group_enter_at(struct co_group *group, co_time timeout, const char *site);

/* Starts fn(arg) in the group: lazily, in order of spawning. In a group that is cancelled already
 * the task is entered all the same, cancelled.
 *
 * ret_task   NULL, or where to put a handle; who asks for one owes co_task_unref()
 * name       a literal
 * returns    0, -ENOMEM (then fn is not entered)
 */
#define co_group_spawn(group, name, fn, arg, ret_task)                                             \
    co_group_spawn_at(group, name, fn, arg, ret_task, CO_SITE)
int co_group_spawn_at(struct co_group *group, const char *name, co_fn *fn, void *arg,
                      struct co_task **ret_task, const char *site);

/* Cancels the group's tasks and its owner's body; co_group_exit() will return rc. */
#define co_group_cancel(group, rc, why) co_group_cancel_at(group, rc, why, CO_SITE)
void co_group_cancel_at(struct co_group *group, int rc, const char *why, const char *site);

/* A graceful end: tells the tasks now, by co_group_wait_closing(), and cancels those that are left
 * after `grace` nanoseconds, as co_group_cancel() does. A deadline that comes sooner stays; a
 * cancel cuts the grace short, with its own rc; closing again changes nothing. */
#define co_group_close(group, grace, rc, why) co_group_close_at(group, grace, rc, why, CO_SITE)
void co_group_close_at(struct co_group *group, co_time grace, int rc, const char *why,
                       const char *site);

/* Waits until the group is being closed. For the tasks of the group: it must not be left meanwhile.
 *
 * suspends   until then
 */
CO_BLOCKS int co_group_wait_closing(struct co_group *group);

/* Waits until every task of the group has ended, and leaves its scope.
 *
 * returns    in this order: the body's own error; the first failure of a task; -ECANCELED if an
 *            outer scope is cancelled; -ETIMEDOUT or the rc of co_group_cancel(); else rc
 * suspends   while a task lives; cannot itself be cancelled (cancelling reaches the tasks)
 */
CO_BLOCKS int co_group_exit(struct co_group *group, int rc);

CO_API_END
