#include "lib/co/group.h"

#include <errno.h>

#include "lib/co/runtime.h"

static const struct co_wait_kind waits_for_children = {.word = "the tasks of its group"};
static const struct co_wait_kind waits_for_closing = {.word = "its group to close"};

static void group_init(struct co_group *group)
{
    co_list_init(&group->children);
    co_waitq_init(&group->owner);
    co_waitq_init(&group->closing);
    group->failed_rc = 0;
    group->failed_name = group->failed_site = NULL;
    group->n_children = group->n_errors = 0;
    group->is_closing = group->is_quiet = false;
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
    co_scope_check_thread(&group->scope);
    return co_task_spawn(co_loop_current(), group, name, fn, arg, site, ret_task);
}

void co_group_cancel_at(struct co_group *group, int rc, const char *why, const char *site)
{
    co_scope_cancel_at(&group->scope, rc, why, site);
}

void co_group_close_at(struct co_group *group, co_time grace, int rc, const char *why,
                       const char *site)
{
    struct co_scope *scope = &group->scope;

    if (group->is_closing || scope->cancelled)
        return;
    group->is_closing = true;
    co_unpark_all(&group->closing, 0);
    co_scope_cancel_after(scope, grace, rc, why, site);
}

int co_group_wait_closing(struct co_group *group)
{
    return group->is_closing ? co_check_cancelled()
                             : co_park(&group->closing, &waits_for_closing, group);
}

static void report_later_failure(const struct co_group *group, const struct co_task *task)
{
    if (group->is_quiet)
        return;
    co_report(task, (struct co_report){.kind = CO_REPORT_SUPPRESSED, .rc = task->rc},
              "task %s (%s) failed with status %d, but its group returns %d, for task %s (%s) had "
              "failed before",
              task->name, task->site, task->rc, group->failed_rc, group->failed_name,
              group->failed_site);
}

static void note_failure(struct co_group *group, const struct co_task *task)
{
    group->n_errors++;
    if (group->failed_rc != 0) {
        report_later_failure(group, task);
        return;
    }
    group->failed_rc = task->rc;
    group->failed_name = task->name;
    group->failed_site = task->site;
    co_group_cancel(group, task->rc, "a task of the group failed");
}

void co_group_child_ended(struct co_group *group, struct co_task *task)
{
    co_list_remove(&task->sibling);
    group->n_children--;
    if (co_task_has_failed(task)) {
        bool has_owner = group->scope.task != NULL;
        if (has_owner)
            note_failure(group, task);
        else
            co_task_failed_alone(task);
    }
    if (group->n_children == 0)
        co_unpark_first(&group->owner, 0);
}

/* The owner returns the error of its own body. If that is another than the tasks', theirs would be
 * lost. */
static void report_hidden_failure(const struct co_group *group, int rc)
{
    const struct co_task *owner = group->scope.task;

    if (group->failed_rc == 0 || group->failed_rc == rc || group->is_quiet)
        return;
    co_report(owner,
              (struct co_report){.kind = CO_REPORT_SUPPRESSED,
                                 .task = group->failed_name,
                                 .site = group->failed_site,
                                 .rc = group->failed_rc},
              "task %s (%s) failed with status %d, but its group returns %d, that of its body in "
              "task %s (%s)",
              group->failed_name, group->failed_site, group->failed_rc, rc, owner->name,
              owner->site);
}

static void wait_for_children(struct co_group *group)
{
    while (group->n_children > 0)
        (void)co_park_uncancellable(&group->owner, &waits_for_children, group);
    if (!co_waitq_is_empty(&group->closing))
        co_die("the group entered at %s is left while task %s waits for it to close",
               group->scope.site, co_waitq_first(&group->closing)->name);
}

int co_group_exit(struct co_group *group, int rc)
{
    bool body_failed = rc < 0 && rc != -ECANCELED;

    co_scope_assert_innermost(&group->scope);
    if (rc < 0)
        co_group_cancel(group, rc, "the group's body failed");
    wait_for_children(group);

    if (body_failed)
        report_hidden_failure(group, rc);
    else if (group->failed_rc != 0)
        rc = group->failed_rc;
    else if (co_checkpoint() < 0)
        rc = -ECANCELED;
    return co_scope_exit(&group->scope, rc);
}
