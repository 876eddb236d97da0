/* The life of a task, and the switch from one to the next.
 *
 * A task that has to wait does not go through a scheduler's stack: it picks whoever is next on the
 * ready list and switches there directly, one switch per wait. Only when the turn is over does it
 * switch to the loop's own context, which polls (see loop.c).
 *
 * A task is spawned without a stack: one is reserved, and taken when the task begins. So what is
 * spawned costs no memory but its own until it runs, and of tasks that end without having waited
 * each begins on the stack of the one before. */
#include "lib/co/task.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "lib/co/gen_stacks.h"
#include "lib/co/runtime.h"

enum {
    MAX_SPARE_TASKS = 1024, /* while the loop has nothing to do */
    TASKS_PER_TRIM = 256,
    PATIENCE = 2,          /* cancelled calls in a row that are answered without a switch */
    MAX_DEAF_CALLS = 1000, /* and that are made before it is reported */
};

static const struct co_task *the_task_itself(const void *task)
{
    return task;
}

static const struct co_wait_kind waits_for_task = {.word = "task", .holder = the_task_itself};
static const struct co_wait_kind waits_for_time = {.word = "time"};

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

    loop->n_spare_tasks++;
    co_list_insert(loop->spare_tasks.next, &task->link);
}

bool co_task_trim(struct co_loop *loop)
{
    for (unsigned i = 0; i < TASKS_PER_TRIM && loop->n_spare_tasks > MAX_SPARE_TASKS; i++)
        free(take_task(loop));
    return loop->n_spare_tasks > MAX_SPARE_TASKS;
}

void co_task_free_spares(struct co_loop *loop)
{
    while (!co_list_is_empty(&loop->spare_tasks))
        free(co_container_of(co_list_take_first(&loop->spare_tasks), struct co_task, link));
    loop->n_spare_tasks = 0;
}

static void run_tasks(void *first);

/* Of a task that is ready: whether it has ever been left, to be continued there. */
static inline bool has_begun(const struct co_task *task)
{
    return task->context.sp != NULL;
}

static void give_stack(struct co_task *task, struct co_stack *stack)
{
    stack->name = task->name;
    stack->site = task->site;
    task->stack = stack;
}

/* Takes who is next off the ready list; NULL: the turn is over, and the loop itself is next. */
static inline struct co_task *take_next(struct co_loop *loop)
{
    if (loop->slow_step > 0)
        co_step_ended(loop);
    if (loop->n_batch == 0 || co_list_is_empty(&loop->ready)) {
        loop->current = NULL;
        return NULL;
    }

    struct co_list *first = co_list_take_first(&loop->ready);
    struct co_task *task = co_container_of(first, struct co_task, link);
    loop->n_batch--;
    loop->current = task;
    task->state = CO_RUNNING;
    return task;
}

__attribute__((noinline)) static void begin(struct co_task *task)
{
    give_stack(task, co_stack_take_reserved(&task->loop->stacks));
    co_context_make(&task->context, task->stack->low, task->stack->size, run_tasks, task);
}

static inline struct co_context *context_of(struct co_loop *loop, struct co_task *task)
{
    if (task == NULL)
        return &loop->context;
    if (!has_begun(task))
        begin(task);
    return &task->context;
}

struct co_context *co_loop_next_context(struct co_loop *loop)
{
    return context_of(loop, take_next(loop));
}

static void assert_nothing_is_open(const struct co_task *task)
{
    if (task->scope != &task->root)
        co_die("task %s (%s) ended inside a scope that it had entered at %s", task->name,
               task->site, task->scope_site);
    if (task->n_locks > 0)
        co_die("task %s (%s) ended while it held a lock", task->name, task->site);
}

static void tell_watchers(struct co_task *task)
{
    while (!co_list_is_empty(&task->watchers)) {
        struct co_list *first = co_list_take_first(&task->watchers);
        struct co_watch *watch = co_container_of(first, struct co_watch, link);
        watch->ended(watch);
    }
}

static void end_task(struct co_task *task)
{
    struct co_loop *loop = task->loop;
    struct co_group *group = co_container_of(task->root.outer, struct co_group, scope);

    assert_nothing_is_open(task);
    if (task->rc < 0)
        task->result = NULL;
    co_locals_unref(co_take(task->locals)); /* freeing a value may look for one, or spawn */
    task->stack = NULL;
    task->state = CO_ENDED;
    loop->n_tasks--;
    task->end_order = loop->n_spawned - loop->n_tasks;
    co_unpark_all(&task->joiners, 0);
    tell_watchers(task);
    co_group_child_ended(group, task);
}

/* The stack is put back while we still stand on it: nobody can take it before we have left. */
__attribute__((noreturn)) static void leave_stack(struct co_loop *loop, struct co_stack *stack,
                                                  struct co_task *next)
{
    struct co_context *to = context_of(loop, next);

    co_stack_put(&loop->stacks, stack);
    co_context_exit_to(to, 0);
}

/* Goes on with the next task; returns if that one begins, right here. What a stack was used for
 * can only be measured once nobody stands on it. */
static struct co_task *hand_over(struct co_task *ended, struct co_stack *stack)
{
    struct co_loop *loop = ended->loop;
    struct co_task *next = take_next(loop);

    co_task_unref(ended);
    if (next == NULL || has_begun(next) || loop->stack_uses != NULL)
        leave_stack(loop, stack, next);
    co_stack_unreserve(&loop->stacks);
    give_stack(next, stack);
    return next;
}

/* A task that ends leaves its stack to the next one, if that has not begun: the stack is warm, and
 * there is nothing to switch to. */
static void run_tasks(void *first)
{
    struct co_task *task = first;

    co_context_arrived();
    for (;;) {
        struct co_stack *stack = task->stack;
        task->rc = task->fn(task->arg, &task->result);
        end_task(task);
        task = hand_over(task, stack);
        co_context_reset_modes();
    }
}

static struct co_locals *inherited_locals(const struct co_loop *loop)
{
    const struct co_task *spawner = loop->current;

    return spawner != NULL ? co_locals_ref(spawner->locals) : NULL;
}

/* Whose owner stands right inside it knows. */
static bool is_cancelled_inside(const struct co_group *group)
{
    const struct co_task *owner = group->scope.task;

    if (owner != NULL && owner->scope == &group->scope)
        return owner->is_cancelled;
    return co_scope_chain_is_cancelled(&group->scope);
}

int co_task_spawn(struct co_loop *loop, struct co_group *group, const char *name, co_fn *fn,
                  void *arg, const char *site, struct co_task **ret_task)
{
    struct co_task *task = take_task(loop);
    if (task == NULL)
        return -ENOMEM;
    task->loop = loop;
    if (co_stack_reserve(&loop->stacks) < 0) {
        put_task(task);
        return -ENOMEM;
    }

    task->state = CO_READY;
    task->can_be_cancelled = task->is_deaf = task->failed_unseen = false;
    task->n_cancelled_calls = task->n_locks = task->n_immediate = 0;
    task->n_references = 1;
    task->since = loop->now;
    task->id = ++loop->n_spawned;
    task->fn = fn;
    task->arg = arg;
    task->result = NULL;
    task->slowest_step = 0;
    task->stack = NULL;
    task->context.sp = NULL;
    task->name = name;
    task->site = site;
    co_waitq_init(&task->joiners);
    co_list_init(&task->watchers);
    task->locals = inherited_locals(loop);
    co_scope_init(&task->root, task, CO_SCOPE_ROOT, site);
    task->root.outer = &group->scope;
    task->scope = &task->root;
    task->scope_site = site;
    task->is_cancelled = is_cancelled_inside(group);

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

int co_create_task_at(const char *name, co_fn *fn, void *arg, struct co_task **ret_task,
                      const char *site)
{
    struct co_loop *loop = co_loop_current();

    return co_task_spawn(loop, &loop->root, name, fn, arg, site, ret_task);
}

bool co_task_has_failed(const struct co_task *task)
{
    return task->rc < 0 && !(task->rc == -ECANCELED && task->is_cancelled);
}

static void report_failure(const struct co_task *task)
{
    co_report(task, (struct co_report){.kind = CO_REPORT_TASK_FAILED, .rc = task->rc},
              "task %s (%s) failed with status %d, and nobody awaited it", task->name, task->site,
              task->rc);
}

void co_task_failed_alone(struct co_task *task)
{
    bool has_handle = task->n_references > 1;

    if (has_handle)
        task->failed_unseen = true;
    else
        report_failure(task);
}

void co_task_unref(struct co_task *task)
{
    if (task == NULL)
        return;
    assert(task->n_references > 0);
    if (--task->n_references > 0)
        return;
    if (task->state != CO_ENDED)
        co_die("a handle of task %s (%s) was dropped twice", task->name, task->site);
    if (task->failed_unseen)
        report_failure(task);
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
static inline void switch_away(struct co_task *self)
{
    struct co_loop *loop = self->loop;
    struct co_task *next = take_next(loop);

    if (next != self)
        co_context_switch(&self->context, context_of(loop, next));
}

static inline void reschedule(struct co_task *self)
{
    self->state = CO_READY;
    co_list_append(&self->loop->ready, &self->link);
    switch_away(self);
}

void co_reschedule(void)
{
    reschedule(co_running());
}

static void report_deaf(struct co_task *self)
{
    const struct co_scope *scope = co_scope_find_cancelled(self->scope);

    self->is_deaf = true;
    co_report(self, (struct co_report){.kind = CO_REPORT_CANCEL_IGNORED, .rc = -ECANCELED},
              "task %s (%s) goes on, although %d calls in a row told it that the scope entered at "
              "%s is cancelled: %s",
              self->name, self->site, MAX_DEAF_CALLS, scope->site, scope->why);
}

/* Who does not listen must not keep the others from running. */
static void count_cancelled_call(struct co_task *self)
{
    if (self->n_cancelled_calls < MAX_DEAF_CALLS)
        self->n_cancelled_calls++;
    else if (!self->is_deaf)
        report_deaf(self);
    if (self->n_cancelled_calls > PATIENCE)
        reschedule(self);
}

static int check_cancelled(struct co_task *self)
{
    if (self->loop->checks_scopes)
        co_scope_check_frames(self);
    if (!self->is_cancelled) {
        self->n_cancelled_calls = 0;
        return 0;
    }
    count_cancelled_call(self);
    return -ECANCELED;
}

int co_check_cancelled(void)
{
    return check_cancelled(co_running());
}

static int park(struct co_task *self, struct co_waitq *queue, const struct co_wait_kind *kind,
                const void *object)
{
    self->state = CO_PARKED;
    self->waits_for = kind;
    self->waits_on = object;
    self->since = self->loop->now;
    if (queue != NULL)
        co_list_append(&queue->tasks, &self->link);
    else
        co_list_init(&self->link);
    switch_away(self);
    return self->wake_rc;
}

int co_park(struct co_waitq *queue, const struct co_wait_kind *kind, const void *object)
{
    struct co_task *self = co_running();
    int rc = check_cancelled(self);

    if (rc < 0)
        return rc;
    self->can_be_cancelled = true;
    return park(self, queue, kind, object);
}

int co_park_uncancellable(struct co_waitq *queue, const struct co_wait_kind *kind,
                          const void *object)
{
    struct co_task *self = co_running();

    if (self->loop->checks_scopes)
        co_scope_check_frames(self);
    self->can_be_cancelled = false;
    return park(self, queue, kind, object);
}

__attribute__((noreturn, cold, noinline)) static void
die_of_foreign_wake(const struct co_task *task)
{
    co_die("task %s (%s) is woken from outside of its loop: another thread uses co_loop_call()",
           task->name, task->site);
}

void co_unpark(struct co_task *task, int rc)
{
    if (task->state != CO_PARKED)
        return;
    if (task->loop != co_running_loop)
        die_of_foreign_wake(task);
    task->state = CO_READY;
    task->wake_rc = rc;
    task->since = task->loop->now;
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

int co_task_take_status(struct co_task *task)
{
    task->failed_unseen = false;
    return task->rc;
}

int co_task_await(struct co_task *task, void **ret_result)
{
    int rc = co_task_is_done(task) ? co_check_cancelled()
                                   : co_park(&task->joiners, &waits_for_task, task);

    if (rc < 0)
        return rc;
    if (task->rc >= 0 && ret_result != NULL)
        *ret_result = task->result;
    return co_task_take_status(task);
}

void co_cancel_at(struct co_task *task, const char *why, const char *site)
{
    if (task->state != CO_ENDED)
        co_scope_cancel_at(&task->root, -ECANCELED, why, site);
}

void co_task_stop(struct co_task *task, const char *why)
{
    if (task == NULL)
        return;
    co_cancel(task, why);
    if (task->state != CO_ENDED)
        (void)co_park_uncancellable(&task->joiners, &waits_for_task, task);
    co_task_unref(task);
}

size_t co_stack_left(void)
{
    const struct co_stack *stack = co_gen_stacks_find(__builtin_frame_address(0));

    if (stack == NULL)
        stack = co_running()->stack;

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

/* Not inlined, or those who only let others run would have its frame. */
__attribute__((noinline)) static int sleep_for(struct co_task *self, co_time duration)
{
    struct sleep sleep = {.timer.fire = wake_sleeper, .task = self};

    co_timer_arm(self->loop, &sleep.timer, duration);
    int rc = co_park(NULL, &waits_for_time, NULL);
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
