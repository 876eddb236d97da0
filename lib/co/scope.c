#include "lib/co/scope.h"

#include <errno.h>

#include "lib/co/runtime.h"

bool co_scope_chain_is_cancelled(const struct co_scope *innermost)
{
    for (const struct co_scope *scope = innermost; scope != NULL; scope = scope->outer) {
        if (scope->cancelled)
            return true;
        if (scope->shielded)
            return false;
    }
    return false;
}

static void add_children(struct co_task **affected, const struct co_scope *scope)
{
    struct co_group *group = co_container_of(scope, struct co_group, scope);

    for (struct co_list *i = group->children.next; i != &group->children; i = i->next) {
        struct co_task *child = co_container_of(i, struct co_task, sibling);
        child->next_affected = *affected;
        *affected = child;
    }
}

static void update(struct co_task *task)
{
    bool was_cancelled = task->is_cancelled;

    task->is_cancelled = co_scope_chain_is_cancelled(task->scope);
    if (task->is_cancelled && !was_cancelled && task->can_be_cancelled)
        co_unpark(task, -ECANCELED);
}

/* Tells the task that a scope around or in it has been cancelled, and every task below. A list
 * rather than recursion: the tree may be deeper than a stack. */
static void spread(struct co_scope *cancelled)
{
    struct co_task *affected = cancelled->task;

    if (affected != NULL)
        affected->next_affected = NULL;
    else
        add_children(&affected, cancelled); /* the loop's own group has no owner */

    while (affected != NULL) {
        struct co_task *task = affected;
        const struct co_scope *end = task == cancelled->task ? cancelled->outer : task->root.outer;
        affected = task->next_affected;
        update(task);
        for (struct co_scope *scope = task->scope; scope != end; scope = scope->outer)
            if (scope->kind == CO_SCOPE_GROUP)
                add_children(&affected, scope);
    }
}

static void deadline_passed(struct co_timer *timer)
{
    struct co_scope *scope = co_container_of(timer, struct co_scope, timer);

    co_scope_cancel(scope, -ETIMEDOUT, "its deadline passed");
}

void co_scope_init(struct co_scope *scope, struct co_task *task, enum co_scope_kind kind,
                   const char *site)
{
    scope->outer = NULL;
    scope->task = task;
    co_timer_init(&scope->timer, deadline_passed);
    scope->site = site;
    scope->why = NULL;
    scope->cancel_rc = 0;
    scope->kind = kind;
    scope->cancelled = scope->shielded = false;
}

void co_scope_enter_at(struct co_scope *scope, co_time timeout, bool shielded, const char *site)
{
    struct co_task *self = co_running();

    co_scope_init(scope, self, CO_SCOPE_PLAIN, site);
    scope->shielded = shielded;
    scope->outer = self->scope;
    self->scope = scope;
    if (shielded)
        self->is_cancelled = false;
    if (timeout <= 0)
        co_scope_cancel(scope, -ETIMEDOUT, "its deadline passed");
    else
        co_timer_arm(self->loop, &scope->timer, timeout);
}

void co_scope_cancel(struct co_scope *scope, int rc, const char *why)
{
    if (scope->cancelled)
        return;
    scope->cancelled = true;
    scope->cancel_rc = rc;
    scope->why = why;
    spread(scope);
}

int co_scope_exit(struct co_scope *scope, int rc)
{
    struct co_task *self = co_running();

    if (self->scope != scope)
        co_die("task %s (%s) leaves the scope entered at %s, but that was not entered last",
               self->name, self->site, scope->site);
    co_timer_disarm(self->loop, &scope->timer);
    self->scope = scope->outer;
    if (scope->cancelled || scope->shielded)
        self->is_cancelled = co_scope_chain_is_cancelled(self->scope);

    if (!scope->cancelled || rc != -ECANCELED)
        return rc;
    bool outer_did_it = self->is_cancelled && !scope->shielded;
    return outer_did_it ? -ECANCELED : scope->cancel_rc;
}
