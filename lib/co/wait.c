/* A task can be parked in one line only, so who waits for several does not stand in their lines: it
 * leaves a watch with each, and parks alone. The watches count, and the one that makes the count
 * full wakes the waiter: one step for each task that ends. */
#include "lib/co/wait.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "lib/co/runtime.h"

static const struct co_wait_kind waits_for_tasks = {.word = "several tasks"};

/* One call of co_wait(). */
struct waiting {
    struct co_task *waiter;
    enum co_wait_until until;
    size_t n_tasks;
    size_t n_ended;
    bool has_error;
};

struct watch {
    struct co_watch watch;
    struct waiting *waiting;
    const struct co_task *task;
};

static bool is_enough(const struct waiting *waiting)
{
    if (waiting->n_ended == waiting->n_tasks)
        return true;
    if (waiting->until == CO_FIRST_ERROR)
        return waiting->has_error;
    return waiting->until == CO_FIRST_COMPLETED && waiting->n_ended > 0;
}

static void count(struct waiting *waiting, const struct co_task *task)
{
    waiting->n_ended++;
    waiting->has_error |= co_task_has_failed(task);
}

static void task_ended(struct co_watch *base)
{
    const struct watch *watch = co_container_of(base, struct watch, watch);

    count(watch->waiting, watch->task);
    if (is_enough(watch->waiting))
        co_unpark(watch->waiting->waiter, 0);
}

static void count_ended(struct waiting *waiting, struct co_task *const *tasks)
{
    for (size_t i = 0; i < waiting->n_tasks; i++)
        if (co_task_is_done(tasks[i]))
            count(waiting, tasks[i]);
}

/* Parks the caller with a watch on each task that has not ended. */
static int park(struct waiting *waiting, struct co_task *const *tasks)
{
    size_t n_watches = 0;
    struct watch *watches =
        reallocarray(NULL, waiting->n_tasks - waiting->n_ended, sizeof(*watches));

    if (watches == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < waiting->n_tasks; i++) {
        if (co_task_is_done(tasks[i]))
            continue;
        struct watch *watch = &watches[n_watches++];
        *watch = (struct watch){{.ended = task_ended}, waiting, tasks[i]};
        co_list_append(&tasks[i]->watchers, &watch->watch.link);
    }
    int rc = co_park(NULL, &waits_for_tasks, NULL);
    for (size_t i = 0; i < n_watches; i++)
        co_list_remove(&watches[i].watch.link);
    free(watches);
    return rc;
}

int co_wait(struct co_task *const *tasks, size_t n_tasks, enum co_wait_until until)
{
    struct waiting waiting = {.waiter = co_running(), .until = until, .n_tasks = n_tasks};
    int rc = co_check_cancelled();

    if (rc < 0)
        return rc;
    count_ended(&waiting, tasks);
    if (!is_enough(&waiting))
        rc = park(&waiting, tasks);
    return rc < 0 ? rc : (int)waiting.n_ended;
}

/* The one that ended first; n_tasks if none has. */
static size_t first_ended(struct co_task *const *tasks, size_t n_tasks)
{
    uint64_t order = UINT64_MAX;
    size_t first = n_tasks;

    for (size_t i = 0; i < n_tasks; i++) {
        if (!co_task_is_done(tasks[i]) || tasks[i]->end_order >= order)
            continue;
        order = tasks[i]->end_order;
        first = i;
    }
    return first;
}

static void swap(struct co_task **a, struct co_task **b)
{
    struct co_task *held = *a;

    *a = *b;
    *b = held;
}

int co_as_completed(struct co_task **tasks, size_t n_tasks, size_t *n_seen)
{
    struct co_task **unseen = tasks + *n_seen;
    size_t n_unseen = n_tasks - *n_seen;

    int rc = co_wait(unseen, n_unseen, CO_FIRST_COMPLETED);
    if (rc <= 0)
        return rc;
    swap(&unseen[0], &unseen[first_ended(unseen, n_unseen)]);
    ++*n_seen;
    return 1;
}
