#include "lib/co/group.h"

#include <errno.h>

#include "lib/co/runtime.h"

static void group_init(struct co_group *group)
{
    co_list_init(&group->children);
    co_waitq_init(&group->owner);
    group->failed_rc = 0;
    group->failed_name = group->failed_site = NULL;
    group->n_children = group->n_errors = 0;
}

void co_group_init_root(struct co_group *group)
{
    group_init(group);
    co_scope_init(&group->scope, NULL, CO_SCOPE_GROUP, CO_SITE);
}

void co_group_enter_at(struct co_group *group, co_time timeout, const char *site)
{
    group_init(group);
    co_scope_enter_at(&group->scope, timeout, false, site);
    group->scope.kind = CO_SCOPE_GROUP;
}

int co_group_spawn_at(struct co_group *group, const char *name, co_fn *fn, void *arg,
                      struct co_task **ret_task, const char *site)
{
    return co_task_spawn(co_loop_current(), group, name, fn, arg, site, ret_task);
}

void co_group_cancel(struct co_group *group, int rc, const char *why)
{
    co_scope_cancel(&group->scope, rc, why);
}

/* A task that was cancelled and says so has not failed. One that says so without having been
 * cancelled has: nobody else would report it. */
static bool has_failed(const struct co_task *task)
{
    return task->rc < 0 && !(task->rc == -ECANCELED && task->is_cancelled);
}

static void note_failure(struct co_group *group, const struct co_task *task)
{
    bool has_owner = group->scope.task != NULL;

    group->n_errors++;
    if (group->failed_rc != 0)
        return;
    group->failed_rc = task->rc;
    group->failed_name = task->name;
    group->failed_site = task->site;
    if (has_owner)
        co_group_cancel(group, task->rc, "a task of the group failed");
}

void co_group_child_ended(struct co_group *group, struct co_task *task)
{
    co_list_remove(&task->sibling);
    group->n_children--;
    if (has_failed(task))
        note_failure(group, task);
    if (group->n_children == 0)
        co_unpark_first(&group->owner, 0);
}

int co_group_exit(struct co_group *group, int rc)
{
    bool body_failed = rc < 0 && rc != -ECANCELED;

    if (rc < 0)
        co_group_cancel(group, rc, "the group's body failed");
    while (group->n_children > 0)
        (void)co_park_uncancellable(&group->owner, "group");

    if (!body_failed && group->failed_rc != 0)
        rc = group->failed_rc;
    else if (!body_failed && co_checkpoint() < 0)
        rc = -ECANCELED;
    return co_scope_exit(&group->scope, rc);
}
