/* The life of a task, and the switch from one to the next.
 *
 * A task that has to wait does not go through a scheduler's stack: it picks whoever is next on the
 * ready list and switches there directly, one switch per wait. Only when the turn is over does it
 * switch to the loop's own context, which polls (see loop.c). */
#include "lib/co/task.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "lib/co/runtime.h"

enum {
    MAX_SPARE_TASKS = 1024,
    PATIENCE = 2, /* cancelled calls in a row that are answered without a switch */
};

static struct co_task *take_task(struct co_loop *loop)
{
    if (loop->n_spare_tasks == 0)
        return malloc(sizeof(struct co_task));
    loop->n_spare_tasks--;
    return co_container_of(co_list_take_first(&loop->spare_tasks), struct co_task, link);
}

static void put_task(struct co_task *task)
{
    struct co_loop *loop = task->loop;

    if (loop->n_spare_tasks == MAX_SPARE_TASKS) {
        free(task);
        return;
    }
    loop->n_spare_tasks++;
    co_list_insert(loop->spare_tasks.next, &task->link);
}

void co_task_free_spares(struct co_loop *loop)
{
    while (!co_list_is_empty(&loop->spare_tasks))
        free(co_container_of(co_list_take_first(&loop->spare_tasks), struct co_task, link));
    loop->n_spare_tasks = 0;
}

/* With many tasks the stack of the next one is cold: it is fetched while this one runs. */
static void prefetch_next(const struct co_loop *loop)
{
    if (!co_list_is_empty(&loop->ready))
        __builtin_prefetch(co_container_of(loop->ready.next, struct co_task, link)->context.sp);
}

struct co_context *co_loop_next_context(struct co_loop *loop)
{
    if (loop->n_batch == 0 || co_list_is_empty(&loop->ready)) {
        loop->current = NULL;
        return &loop->context;
    }

    struct co_list *first = co_list_take_first(&loop->ready);
    struct co_task *task = co_container_of(first, struct co_task, link);
    prefetch_next(loop);
    loop->n_batch--;
    loop->current = task;
    task->state = CO_RUNNING;
    return &task->context;
}

/* The stack is put back while we still stand on it: nobody can take it before we have left. */
__attribute__((noreturn)) static void end_task(struct co_task *task)
{
    struct co_loop *loop = task->loop;
    struct co_group *group = co_container_of(task->root.outer, struct co_group, scope);

    if (task->scope != &task->root)
        co_die("task %s (%s) ended inside a scope that it had entered", task->name, task->site);
    task->state = CO_ENDED;
    loop->n_tasks--;
    co_unpark_all(&task->joiners, 0);
    co_group_child_ended(group, task);
    co_stack_put(&loop->stacks, co_take(task->stack));

    struct co_context *next = co_loop_next_context(loop);
    co_task_unref(task);
    co_context_exit_to(next);
}

static void run_task(void *arg)
{
    struct co_task *task = arg;

    co_context_arrived();
    task->rc = task->fn(task->arg, &task->result);
    if (task->rc < 0)
        task->result = NULL;
    end_task(task);
}

int co_task_spawn(struct co_loop *loop, struct co_group *group, const char *name, co_fn *fn,
                  void *arg, const char *site, struct co_task **ret_task)
{
    struct co_task *task = take_task(loop);
    if (task == NULL)
        return -ENOMEM;
    task->loop = loop;
    if (co_stack_take(&loop->stacks, &task->stack) < 0) {
        put_task(task);
        return -ENOMEM;
    }

    task->state = CO_READY;
    task->can_be_cancelled = false;
    task->n_cancelled_calls = task->n_immediate = 0;
    task->n_references = 1;
    task->waits_for = NULL;
    task->fn = fn;
    task->arg = arg;
    task->result = NULL;
    task->name = name;
    task->site = site;
    co_waitq_init(&task->joiners);
    co_scope_init(&task->root, task, CO_SCOPE_ROOT, site);
    task->root.outer = &group->scope;
    task->scope = &task->root;
    task->is_cancelled = co_scope_chain_is_cancelled(&task->root);
    co_context_make(&task->context, task->stack->low, task->stack->size, run_task, task);

    loop->n_tasks++;
    group->n_children++;
    co_list_append(&group->children, &task->sibling);
    co_list_append(&loop->ready, &task->link);
    if (ret_task != NULL) {
        task->n_references++;
        *ret_task = task;
    }
    return 0;
}

int co_create_task_at(struct co_task **ret_task, const char *name, co_fn *fn, void *arg,
                      const char *site)
{
    struct co_loop *loop = co_loop_current();

    return co_task_spawn(loop, &loop->root, name, fn, arg, site, ret_task);
}

void co_task_unref(struct co_task *task)
{
    if (task == NULL)
        return;
    assert(task->n_references > 0);
    if (--task->n_references == 0)
        put_task(task);
}

void co_task_unrefp(struct co_task **task)
{
    co_task_unref(*task);
}

bool co_task_is_done(const struct co_task *task)
{
    return task->state == CO_ENDED;
}

const char *co_task_name(const struct co_task *task)
{
    return task->name;
}

/* Leaves the running task for the next. It has been put on a list, or is parked, by the caller. */
static void switch_away(struct co_task *self)
{
    struct co_context *next = co_loop_next_context(self->loop);

    if (next != &self->context)
        co_context_switch(&self->context, next);
}

static void reschedule(struct co_task *self)
{
    self->state = CO_READY;
    co_list_append(&self->loop->ready, &self->link);
    switch_away(self);
}

void co_reschedule(void)
{
    reschedule(co_running());
}

static int check_cancelled(struct co_task *self)
{
    if (!self->is_cancelled) {
        self->n_cancelled_calls = 0;
        return 0;
    }
    if (self->n_cancelled_calls < PATIENCE)
        self->n_cancelled_calls++;
    else
        reschedule(self);
    return -ECANCELED;
}

int co_check_cancelled(void)
{
    return check_cancelled(co_running());
}

static int park(struct co_task *self, struct co_waitq *queue, const char *waits_for)
{
    self->state = CO_PARKED;
    self->waits_for = waits_for;
    if (queue != NULL)
        co_list_append(&queue->tasks, &self->link);
    else
        co_list_init(&self->link);
    switch_away(self);
    return self->wake_rc;
}

int co_park(struct co_waitq *queue, const char *waits_for)
{
    struct co_task *self = co_running();
    int rc = check_cancelled(self);

    if (rc < 0)
        return rc;
    self->can_be_cancelled = true;
    return park(self, queue, waits_for);
}

int co_park_uncancellable(struct co_waitq *queue, const char *waits_for)
{
    struct co_task *self = co_running();

    self->can_be_cancelled = false;
    return park(self, queue, waits_for);
}

void co_unpark(struct co_task *task, int rc)
{
    if (task->state != CO_PARKED)
        return;
    task->state = CO_READY;
    task->wake_rc = rc;
    co_list_remove(&task->link);
    co_list_append(&task->loop->ready, &task->link);
}

bool co_unpark_first(struct co_waitq *queue, int rc)
{
    struct co_task *first = co_waitq_first(queue);

    if (first != NULL)
        co_unpark(first, rc);
    return first != NULL;
}

void co_unpark_all(struct co_waitq *queue, int rc)
{
    while (co_unpark_first(queue, rc))
        continue;
}

int co_checkpoint(void)
{
    return co_running()->is_cancelled ? -ECANCELED : 0;
}

int co_await (struct co_task *task, void **ret_result)
{
    int rc = co_task_is_done(task) ? co_check_cancelled() : co_park(&task->joiners, "task");

    if (rc < 0)
        return rc;
    if (task->rc >= 0 && ret_result != NULL)
        *ret_result = task->result;
    return task->rc;
}

void co_cancel(struct co_task *task, const char *why)
{
    if (task->state != CO_ENDED)
        co_scope_cancel(&task->root, -ECANCELED, why);
}

void co_task_stop(struct co_task *task, const char *why)
{
    if (task == NULL)
        return;
    co_cancel(task, why);
    if (task->state != CO_ENDED)
        (void)co_park_uncancellable(&task->joiners, "task");
    co_task_unref(task);
}

size_t co_stack_left(void)
{
    const struct co_stack *stack = co_running()->stack;

    return (size_t)((char *)__builtin_frame_address(0) - stack->low);
}

struct sleep {
    struct co_timer timer;
    struct co_task *task;
};

static void wake_sleeper(struct co_timer *timer)
{
    co_unpark(co_container_of(timer, struct sleep, timer)->task, 0);
}

static int sleep_for(struct co_task *self, co_time duration)
{
    struct sleep sleep = {.timer.fire = wake_sleeper, .task = self};

    co_timer_arm(self->loop, &sleep.timer, duration);
    int rc = co_park(NULL, "time");
    co_timer_disarm(self->loop, &sleep.timer);
    return rc;
}

static int let_others_run(struct co_task *self)
{
    int rc = check_cancelled(self);

    if (rc == 0)
        reschedule(self);
    return rc;
}

int co_sleep(co_time duration)
{
    struct co_task *self = co_running();

    return duration > 0 ? sleep_for(self, duration) : let_others_run(self);
}
