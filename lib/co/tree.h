/* Going through the tasks of a loop: each before the tasks of its groups, those of outer groups
 * before those of inner ones, and within a group in the order they were spawned in. Nothing is
 * kept on the side, however deep or wide the tree is; it must not change meanwhile.
 */
#pragma once

struct co_loop;
struct co_task;

struct co_tree_place {
    const struct co_loop *loop;
    const struct co_task *task; /* NULL: there is no more */
    unsigned depth;             /* tasks above it */
};

struct co_tree_place co_tree_first(const struct co_loop *loop);
void co_tree_next(struct co_tree_place *place);

/* Whose group the task is in; NULL: the loop's own. */
const struct co_task *co_tree_parent(const struct co_task *task);
