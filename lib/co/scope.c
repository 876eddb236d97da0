#include "lib/co/scope.h"

#include <errno.h>

#include "lib/co/runtime.h"

const struct co_scope *co_scope_find_cancelled(const struct co_scope *innermost)
{
    for (const struct co_scope *scope = innermost; scope != NULL; scope = scope->outer) {
        if (scope->cancelled)
            return scope;
        if (scope->shielded)
            return NULL;
    }
    return NULL;
}

bool co_scope_chain_is_cancelled(const struct co_scope *innermost)
{
    return co_scope_find_cancelled(innermost) != NULL;
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

/* Until then, the members that tell of the cancel tell what it will be. */
static void deadline_passed(struct co_timer *timer)
{
    struct co_scope *scope = co_container_of(timer, struct co_scope, timer);

    scope->cancelled = true;
    spread(scope);
}

void co_scope_init(struct co_scope *scope, struct co_task *task, enum co_scope_kind kind,
                   const char *site)
{
    scope->outer = NULL;
    scope->task = task;
    co_timer_init(&scope->timer, deadline_passed);
    scope->site = site;
    scope->why = "its deadline passed";
    scope->cancelled_by = scope->cancelled_at = NULL;
    scope->cancel_rc = -ETIMEDOUT;
    scope->kind = kind;
    scope->cancelled = scope->shielded = false;
}

static void arm(struct co_scope *scope, co_time timeout)
{
    if (timeout <= 0)
        deadline_passed(&scope->timer);
    else
        co_timer_arm(co_loop_current(), &scope->timer, timeout);
}

void co_scope_enter_at(struct co_scope *scope, co_time timeout, bool shielded, const char *site)
{
    struct co_task *self = co_running();

    co_scope_init(scope, self, CO_SCOPE_PLAIN, site);
    scope->shielded = shielded;
    scope->outer = self->scope;
    self->scope = scope;
    self->scope_site = site;
    if (shielded)
        self->is_cancelled = false;
    arm(scope, timeout);
}

void co_die_of_foreign_scope(const struct co_scope *scope)
{
    co_die("the scope entered at %s by task %s (%s) is used by another thread's loop", scope->site,
           scope->task->name, scope->task->site);
}

void co_scope_reschedule(struct co_scope *scope, co_time timeout)
{
    co_scope_check_thread(scope);
    if (scope->cancelled)
        return;
    co_timer_disarm(co_loop_current(), &scope->timer);
    arm(scope, timeout);
}

static bool is_due_within(const struct co_scope *scope, co_time duration)
{
    const struct co_heap_node *node = &scope->timer.node;

    return co_heap_contains(node) && node->key - co_now() <= duration;
}

void co_scope_cancel_after(struct co_scope *scope, co_time grace, int rc, const char *why,
                           const char *site)
{
    const struct co_task *self = co_self();

    if (scope->cancelled || (grace > 0 && is_due_within(scope, grace)))
        return;
    scope->cancel_rc = rc;
    scope->why = why;
    scope->cancelled_by = self != NULL ? self->name : NULL;
    scope->cancelled_at = site;
    co_scope_reschedule(scope, grace);
}

void co_scope_cancel_at(struct co_scope *scope, int rc, const char *why, const char *site)
{
    co_scope_cancel_after(scope, 0, rc, why, site);
}

void co_scope_assert_innermost(const struct co_scope *scope)
{
    const struct co_task *self = co_running();

    if (self->scope != scope)
        co_die("task %s (%s) leaves the scope entered at %s, but that was not entered last: at %s "
               "another was",
               self->name, self->site, scope->site, self->scope_site);
}

int co_scope_exit(struct co_scope *scope, int rc)
{
    struct co_task *self = co_running();

    co_scope_assert_innermost(scope);
    co_timer_disarm(self->loop, &scope->timer);
    self->scope = scope->outer;
    self->scope_site = scope->outer->site;
    if (scope->cancelled || scope->shielded)
        self->is_cancelled = co_scope_chain_is_cancelled(self->scope);

    if (!scope->cancelled || rc != -ECANCELED)
        return rc;
    bool outer_did_it = self->is_cancelled && !scope->shielded;
    return outer_did_it ? -ECANCELED : scope->cancel_rc;
}

int co_timeout(co_time timeout, co_fn *fn, void *arg, void **ret_result)
{
    struct co_scope scope;
    void *unwanted;

    co_scope_enter(&scope, timeout);
    return co_scope_exit(&scope, fn(arg, ret_result != NULL ? ret_result : &unwanted));
}
