#include "lib/co/tree.h"

#include "lib/co/runtime.h"

static const struct co_group *group_of(const struct co_task *task)
{
    return co_container_of(task->root.outer, const struct co_group, scope);
}

const struct co_task *co_tree_parent(const struct co_task *task)
{
    return group_of(task)->scope.task;
}

static const struct co_task *task_at(const struct co_list *sibling)
{
    return co_container_of(sibling, const struct co_task, sibling);
}

/* The first child in the task's outermost group further in than `after` that has any; scopes are
 * linked the other way, so all of them are looked at. */
static const struct co_task *first_child(const struct co_task *task, const struct co_scope *after)
{
    const struct co_task *child = NULL;

    for (const struct co_scope *scope = task->scope; scope != after; scope = scope->outer) {
        if (scope->kind != CO_SCOPE_GROUP)
            continue;
        const struct co_group *group = co_container_of(scope, const struct co_group, scope);
        if (!co_list_is_empty(&group->children))
            child = task_at(group->children.next);
    }
    return child;
}

/* Who comes next beside a task: in its group, or in one further in of the same owner. */
static const struct co_task *next_beside(const struct co_task *task)
{
    const struct co_group *group = group_of(task);
    const struct co_task *owner = group->scope.task;

    if (task->sibling.next != &group->children)
        return task_at(task->sibling.next);
    return owner != NULL ? first_child(owner, &group->scope) : NULL;
}

struct co_tree_place co_tree_first(const struct co_loop *loop)
{
    const struct co_list *roots = &loop->root.children;

    return (struct co_tree_place){
        .loop = loop,
        .task = co_list_is_empty(roots) ? NULL : task_at(roots->next),
    };
}

void co_tree_next(struct co_tree_place *place)
{
    const struct co_task *task = place->task;
    const struct co_task *next = first_child(task, &task->root);

    place->depth += next != NULL;
    while (next == NULL && task != NULL) {
        next = next_beside(task);
        if (next == NULL) {
            task = co_tree_parent(task);
            place->depth--;
        }
    }
    place->task = next;
}
