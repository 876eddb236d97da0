/* The figures of `./dev bench runtime`, of the library itself. All but `switch_ns` go by the public
 * interface. */
#include <pthread.h>
#include <sys/mman.h>

#include "lib/co/co.h"
#include "lib/co/context.h"
#include "tests/bench/runtime_peers/measure.h"

/* Rounds are short, so that some are over before anybody else gets the processor. */
enum { MANY = 100000, ROUNDS = 400 };

/* Runs measure() in a task of a loop of its own. */
static int call_measure(void *arg, void **result)
{
    double (**measure)(void) = arg;
    static double value;

    value = (*measure)();
    *result = &value;
    return 0;
}

static double in_task(double (*measure)(void))
{
    void *value;
    int rc = co_run(call_measure, &measure, &value);

    expect(rc == 0, "the loop failed");
    return *(double *)value;
}

/* Switches */

static struct co_context here, there;

static void switch_back_for_ever(void *arg)
{
    (void)arg;
    co_context_arrived();
    for (;;)
        (void)co_context_give(&there, &here, 0);
}

static void switch_there_and_back(unsigned n)
{
    for (unsigned i = 0; i < n; i += 2)
        (void)co_context_give(&here, &there, 0);
}

static double measure_switch(void)
{
    static char stack[64 * 1024] __attribute__((aligned(64)));

    co_context_make(&there, stack, sizeof(stack), switch_back_for_ever, NULL);
    return fastest(ROUNDS, 50000, switch_there_and_back);
}

/* Generators */

static struct co_gen *generator;

static int yield_for_ever(struct co_gen *self, void *arg, void **result)
{
    int rc;

    (void)result;
    do
        rc = co_gen_yield(self, arg, NULL);
    while (rc == 0);
    return rc;
}

static void take_from_generator(unsigned n)
{
    void *value;

    for (unsigned i = 0; i < n; i++)
        expect(co_gen_next(generator, &value) == 1, "the generator ended");
}

static double measure_generator(void)
{
    expect(co_gen_new(&generator, yield_for_ever, NULL) == 0, "no generator");
    double each = fastest(ROUNDS, 20000, take_from_generator);
    co_gen_free(generator);
    return each;
}

/* Tasks: `n_tasks` of them live at a time. */

static unsigned n_tasks;

static void spawn_all(struct co_group *group, co_fn *fn, void *arg)
{
    co_group_enter(group, CO_NEVER);
    for (unsigned i = 0; i < n_tasks; i++)
        expect(co_group_spawn(group, "one", fn, arg, NULL) == 0, "no task");
}

static void join_all(struct co_group *group)
{
    expect(co_group_exit(group, 0) == 0, "a task failed");
}

static int yield_n_times(void *arg, void **result)
{
    (void)result;
    for (unsigned n = *(unsigned *)arg; n > 0; n--)
        expect(co_sleep(0) == 0, "cancelled");
    return 0;
}

/* The tasks are started and have stopped at a barrier before the time is taken. */
static struct co_event go;
static unsigned n_arrived;

static int yield_once_told(void *arg, void **result)
{
    n_arrived++;
    expect(co_event_wait(&go) == 0, "cancelled");
    return yield_n_times(arg, result);
}

static double time_yields(unsigned n_each)
{
    struct co_group group;

    co_event_init(&go);
    n_arrived = 0;
    spawn_all(&group, yield_once_told, &n_each);
    while (n_arrived < n_tasks)
        expect(co_sleep(0) == 0, "cancelled");
    co_event_set(&go);
    double start = now_ns();
    join_all(&group);
    return (now_ns() - start) / n_tasks / n_each;
}

static double fastest_yield(unsigned rounds, unsigned n_each)
{
    double best = time_yields(n_each);

    for (unsigned i = 1; i < rounds; i++) {
        double each = time_yields(n_each);
        if (each < best)
            best = each;
    }
    return best;
}

static double yield_few(void)
{
    n_tasks = 10;
    return fastest_yield(ROUNDS, 2000);
}

static double yield_many(void)
{
    n_tasks = MANY;
    return fastest_yield(5, 20);
}

static int return_at_once(void *arg, void **result)
{
    (void)arg, (void)result;
    return 0;
}

static void spawn_and_join(unsigned n)
{
    for (unsigned i = 0; i < n; i += n_tasks) {
        struct co_group group;
        spawn_all(&group, return_at_once, NULL);
        join_all(&group);
    }
}

static double spawn_few(void)
{
    n_tasks = 10;
    return fastest(ROUNDS, 5000, spawn_and_join);
}

static double spawn_pooled(void)
{
    n_tasks = 1000;
    return fastest(ROUNDS, 5000, spawn_and_join);
}

static double spawn_many(void)
{
    n_tasks = MANY;
    return fastest(10, MANY, spawn_and_join);
}

/* What the hardware takes for what is as far apart as stacks are: one write to each. */

enum { STACK_DISTANCE = 256 * 1024 };

static char *pages;

static void touch_pages(unsigned n)
{
    for (size_t i = 0; i < n; i++)
        (*(volatile char *)&pages[i * STACK_DISTANCE + i % 16 * 64])++;
}

static double touch_many_pages(void)
{
    size_t size = (size_t)MANY * STACK_DISTANCE;

    pages = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                 -1, 0);
    expect(pages != MAP_FAILED, "no address space");
    expect(madvise(pages, size, MADV_NOHUGEPAGE) == 0, "no small pages");
    return fastest(10, MANY, touch_pages);
}

/* Queue */

static struct co_queue queue;

static int put_n(void *arg, void **result)
{
    (void)result;
    for (unsigned n = *(unsigned *)arg; n > 0; n--)
        expect(co_queue_put(&queue, &queue) == 0, "cancelled");
    return 0;
}

static void pass_items(unsigned n)
{
    struct co_group group;
    void *item;

    n_tasks = 1;
    spawn_all(&group, put_n, &n);
    for (unsigned i = 0; i < n; i++)
        expect(co_queue_get(&queue, &item) == 0, "cancelled");
    join_all(&group);
}

static double pass_items_in_task(void)
{
    expect(co_queue_init(&queue, 100) == 0, "no queue");
    double each = fastest(ROUNDS, 20000, pass_items);
    co_queue_done(&queue);
    return each;
}

/* Timers: deadlines between a second and a minute from now, in no order. */

static co_time some_deadline(void)
{
    static unsigned long long state = 1;

    state = state * 6364136223846793005u + 1442695040888963407u;
    return CO_SECOND + (co_time)(state >> 33) * 27;
}

static void arm_and_cancel(unsigned n)
{
    struct co_scope scope;

    for (unsigned i = 0; i < n; i++) {
        co_scope_enter(&scope, some_deadline());
        expect(co_scope_exit(&scope, 0) == 0, "the deadline passed");
    }
}

static double arm_among_many(void)
{
    static struct co_scope armed[MANY];

    for (unsigned i = 0; i < MANY; i++)
        co_scope_enter(&armed[i], some_deadline());
    double each = fastest(ROUNDS, 5000, arm_and_cancel);
    for (unsigned i = MANY; i-- > 0;)
        expect(co_scope_exit(&armed[i], 0) == 0, "the deadline passed");
    return each;
}

/* What a hundred thousand tasks take. */

static int wait_until_told(void *arg, void **result)
{
    (void)arg, (void)result;
    n_arrived++;
    return co_event_wait(&go);
}

static void park_many(struct co_group *group)
{
    n_tasks = MANY;
    co_event_init(&go);
    spawn_all(group, wait_until_told, NULL);
    while (n_arrived < n_tasks)
        expect(co_sleep(0) == 0, "cancelled");
}

static double weigh_parked(void)
{
    struct co_group group;
    double before = memory_bytes();

    park_many(&group);
    double each = (memory_bytes() - before) / MANY;
    co_event_set(&go);
    join_all(&group);
    return each;
}

static double count_mappings_of_many(void)
{
    struct co_group group;

    park_many(&group);
    double n = count_mappings();
    co_event_set(&go);
    join_all(&group);
    return n;
}

static double start_and_join_many(void)
{
    struct co_group group;

    park_many(&group);
    co_event_set(&go);
    join_all(&group);
    return n_arrived;
}

/* Threads */

enum { N_THREADS = 4, CALLS_EACH = 250000 };

static struct co_loop *loop;
static unsigned n_called;

static void count_call(void *arg)
{
    (void)arg;
    if (++n_called == N_THREADS * CALLS_EACH)
        co_loop_stop(loop);
}

static void *make_calls(void *arg)
{
    for (unsigned i = 0; i < CALLS_EACH; i++)
        expect(co_loop_call(loop, count_call, NULL) == 0, "a call was refused");
    return arg;
}

static double call_from_threads(void)
{
    pthread_t threads[N_THREADS];

    expect(co_loop_new(&loop, NULL) == 0, "no loop");
    double start = now_ns();
    for (unsigned i = 0; i < N_THREADS; i++)
        expect(pthread_create(&threads[i], NULL, make_calls, NULL) == 0, "no thread");
    expect(co_loop_run_forever(loop, return_at_once, NULL) == 0, "the loop failed");
    double each = (now_ns() - start) / (N_THREADS * CALLS_EACH);
    for (unsigned i = 0; i < N_THREADS; i++)
        pthread_join(threads[i], NULL);
    co_loop_free(loop);
    expect(n_called == N_THREADS * CALLS_EACH, "a call was lost");
    return each;
}

#define IN_TASK(name, fn)                                                                          \
    static double name(void)                                                                       \
    {                                                                                              \
        return in_task(fn);                                                                        \
    }
IN_TASK(measure_yield, yield_few)
IN_TASK(measure_yield_many, yield_many)
IN_TASK(measure_spawn_few, spawn_few)
IN_TASK(measure_spawn, spawn_pooled)
IN_TASK(measure_spawn_many, spawn_many)
IN_TASK(measure_queue, pass_items_in_task)
IN_TASK(measure_timer, arm_among_many)
IN_TASK(measure_parked, weigh_parked)
IN_TASK(measure_guards, start_and_join_many)
IN_TASK(measure_mappings, count_mappings_of_many)

static const struct figure figures[] = {
    {"switch_ns", measure_switch},
    {"generator_next_ns", measure_generator},
    {"yield_ns", measure_yield},
    {"yield_100000_ns", measure_yield_many},
    {"spawn_join_10_ns", measure_spawn_few},
    {"spawn_join_ns", measure_spawn},
    {"spawn_join_100000_ns", measure_spawn_many},
    {"page_touch_100000_ns", touch_many_pages},
    {"queue_item_ns", measure_queue},
    {"timer_ns", measure_timer},
    {"parked_task_bytes", measure_parked},
    {"tasks_with_guards", measure_guards},
    {"guard_mappings", measure_mappings},
    {"thread_wakeup_ns", call_from_threads},
};

int main(int argc, char **argv)
{
    return answer(figures, sizeof(figures) / sizeof(*figures), argc, argv);
}
