#include "lib/co/inspect.h"

#include "lib/co/runtime.h"
#include "lib/co/tree.h"

static const char *const state_names[] = {
    [CO_READY] = "ready",
    [CO_RUNNING] = "running",
    [CO_PARKED] = "parked",
    [CO_ENDED] = "ended",
};

/* Follows who waits for whom. That may lead into a circle that the task is not in: then the walk
 * ahead meets the one behind it, which goes at half its speed. */
static bool waits_in_circle(const struct co_task *task)
{
    const struct co_task *ahead = co_task_holder(task), *behind = task;

    for (bool odd = true; ahead != NULL && ahead != task; odd = !odd) {
        ahead = co_task_holder(ahead);
        if (odd)
            behind = co_task_holder(behind);
        if (ahead == behind)
            break;
    }
    return ahead == task;
}

static void describe_wait(struct co_task_info *info, const struct co_task *task)
{
    const struct co_task *holder = co_task_holder(task);

    info->fd = -1;
    if (task->state != CO_PARKED)
        return;
    info->waits_for = task->waits_for->word;
    if (task->waits_for->is_fd)
        info->fd = (int)(intptr_t)task->waits_on;
    if (holder != NULL) {
        info->waits_for_id = holder->id;
        info->waits_for_name = holder->name;
        info->waits_in_circle = waits_in_circle(task);
    }
}

/* Deadlines further out do not come through a shield. */
static co_time nearest_deadline(const struct co_task *task)
{
    co_time nearest = CO_NEVER;

    for (const struct co_scope *scope = task->scope; scope != NULL; scope = scope->outer) {
        const struct co_heap_node *node = &scope->timer.node;
        if (co_heap_contains(node) && node->key < nearest)
            nearest = node->key;
        if (scope->shielded)
            break;
    }
    return nearest;
}

static void describe_cancel(struct co_task_info *info, const struct co_task *task)
{
    const struct co_scope *scope = co_scope_find_cancelled(task->scope);

    if (scope == NULL)
        return;
    info->cancelled = scope->why;
    info->cancelled_by = scope->cancelled_by;
    info->cancelled_at = scope->cancelled_at;
    info->cancelled_site = scope->site;
}

static size_t stack_used(const struct co_task *task)
{
    const struct co_stack *stack = task->stack;

    if (stack == NULL)
        return 0;
    const char *top = stack->low + stack->size;
    const char *sp =
        task->state == CO_RUNNING ? __builtin_frame_address(0) : (const char *)task->context.sp;

    return sp >= stack->low && sp <= top ? (size_t)(top - sp) : 0;
}

static struct co_task_info describe(const struct co_tree_place *place)
{
    const struct co_task *task = place->task, *parent = co_tree_parent(task);
    struct co_task_info info = {
        .id = task->id,
        .parent_id = parent != NULL ? parent->id : 0,
        .depth = place->depth,
        .name = task->name,
        .site = task->site,
        .state = state_names[task->state],
        .since = task->since,
        .deadline = nearest_deadline(task),
        .stack_size = task->stack != NULL ? task->stack->size : 0,
        .stack_used = stack_used(task),
    };

    describe_wait(&info, task);
    describe_cancel(&info, task);
    return info;
}

int co_tasks_visit(int (*visit)(void *arg, const struct co_task_info *info), void *arg)
{
    struct co_tree_place place = co_tree_first(co_loop_current());
    int rc = 0;

    for (; place.task != NULL && rc == 0; co_tree_next(&place)) {
        struct co_task_info info = describe(&place);
        rc = visit(arg, &info);
    }
    return rc;
}
