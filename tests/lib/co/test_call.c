#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>

#include "lib/co/runtime.h"
#include "tests/support/death.h"
#include "tests/support/fault.h"
#include "tests/support/runtime.h"
#include "tests/support/scale.h"

static struct co_loop *loop;

static void set_up(void)
{
    trace[0] = '\0';
    assert_ok(co_loop_new(&loop, NULL));
}

static void tear_down(void)
{
    co_loop_free(loop);
}

static int start_nothing(void *arg, void **result)
{
    (void)arg, (void)result;
    return 0;
}

static void stop(void *arg)
{
    (void)arg;
    co_loop_stop(loop);
}

#define LETTER(letter) ((void *)(intptr_t)(letter))

static void note_call(void *arg)
{
    note((char)(intptr_t)arg);
}

static void note_end(void *arg)
{
    note((char)(intptr_t)arg);
    co_loop_stop(loop);
}

/* --- Calls from the loop's own thread -----------------------------------------------------------
 */

START_TEST(calls_made_before_a_run_are_made_in_it)
{
    assert_ok(co_loop_call(loop, note_call, LETTER('a')));
    assert_ok(co_loop_call(loop, note_end, LETTER('b')));
    ck_assert_str_eq(trace, "");
    assert_ok(co_loop_run_forever(loop, start_nothing, NULL));
    ck_assert_str_eq(trace, "ab");
}
END_TEST

static void assert_outside_of_tasks(void *arg)
{
    (void)arg;
    ck_assert_ptr_null(co_self());
    ck_assert_int_eq(co_now(), 0);
    note('c');
}

CO_TEST(the_virtual_clock_does_not_jump_over_a_call)
{
    assert_ok(co_loop_call(co_loop_current(), assert_outside_of_tasks, NULL));
    ck_assert_str_eq(trace, "");
    assert_ok(co_sleep(1));
    ck_assert_str_eq(trace, "c");
}

static int wait_for_event(void *arg, void **result)
{
    int rc = co_event_wait(arg);

    (void)result;
    note(rc == 0 ? 'w' : 'x');
    return rc;
}

struct doing {
    struct co_event event;
    struct co_task *to_cancel;
};

static void spawn_cancel_and_wake(void *arg)
{
    struct doing *doing = arg;

    assert_ok(co_create_task("spawned", wait_for_event, &doing->event, NULL));
    co_cancel(doing->to_cancel, "by a call");
    co_event_set(&doing->event);
}

CO_TEST(a_call_may_spawn_cancel_and_wake)
{
    struct doing doing;
    struct co_event never;
    struct co_task *waiter;

    co_event_init(&never);
    co_event_init(&doing.event);
    assert_ok(co_create_task("cancelled", wait_for_event, &never, &doing.to_cancel));
    assert_ok(co_create_task("waiter", wait_for_event, &doing.event, &waiter));
    settle();
    assert_ok(co_loop_call(co_loop_current(), spawn_cancel_and_wake, &doing));
    assert_ok(co_task_await(waiter, NULL));
    settle();
    ck_assert_str_eq(trace, "wxw");
    co_task_unref(waiter);
    co_task_unref(doing.to_cancel);
}

static void call_again(void *arg)
{
    unsigned *n_left = arg;

    if (--*n_left > 0)
        assert_ok(co_loop_call(co_loop_current(), call_again, n_left));
    note('c');
}

CO_TEST(a_call_may_make_another_and_tasks_have_their_turn_in_between)
{
    unsigned n_left = 3;

    assert_ok(co_loop_call(co_loop_current(), call_again, &n_left));
    while (n_left > 0) {
        co_loop_current()->n_batch = 0;
        assert_ok(co_sleep(0));
        note('t');
    }
    ck_assert_str_eq(trace, "ctctct");
}

static void sleep_in_a_call(void *arg)
{
    (void)arg;
    assert_ok(co_sleep(1));
}

static void block_in_a_call(void)
{
    set_up();
    assert_ok(co_loop_call(loop, sleep_in_a_call, NULL));
    (void)co_loop_run_forever(loop, start_nothing, NULL);
}

START_TEST(a_call_that_blocks_ends_the_process)
{
    assert_dies(block_in_a_call, SIGABRT, "called outside of a task");
}
END_TEST

static void run_in_a_call(void *arg)
{
    ck_assert_int_eq(co_run(start_nothing, arg, NULL), -EDEADLK);
    note('d');
}

START_TEST(a_call_cannot_run_a_loop)
{
    assert_ok(co_loop_call(loop, run_in_a_call, NULL));
    assert_ok(co_loop_call(loop, stop, NULL));
    assert_ok(co_loop_run_forever(loop, start_nothing, NULL));
    ck_assert_str_eq(trace, "d");
}
END_TEST

START_TEST(calls_that_were_not_made_are_forgotten_with_the_loop)
{
    struct holdings before = holdings_now();
    struct co_loop *unused;

    assert_ok(co_loop_new(&unused, NULL));
    for (int i = 0; i < 10; i++)
        assert_ok(co_loop_call(unused, note_call, LETTER('x')));
    co_loop_free(unused);
    ck_assert_str_eq(trace, "");
    holdings_assert_unchanged(before);
}
END_TEST

START_TEST(without_memory_a_call_is_refused)
{
    fault_arm(1);
    int rc = co_loop_call(loop, note_call, LETTER('x'));
    ck_assert(fault_disarm());
    ck_assert_int_eq(rc, -ENOMEM);
    assert_ok(co_loop_call(loop, note_end, LETTER('y')));
    assert_ok(co_loop_run_forever(loop, start_nothing, NULL));
    ck_assert_str_eq(trace, "y");
}
END_TEST

/* --- Calls from other threads -------------------------------------------------------------------
 *
 * No assertions of Check in these: those are for one thread. */

enum { N_CALLERS = 4 };

struct caller {
    pthread_t thread;
    struct co_message *messages;
    unsigned n_calls;
    unsigned n_made; /* in order */
    unsigned n_refused;
};

static struct caller callers[N_CALLERS];
static atomic_uint n_calling;

struct numbered {
    struct caller *caller;
    unsigned number;
};

static void count_in_order(void *arg)
{
    struct numbered *call = arg;

    call->caller->n_made += call->caller->n_made == call->number;
    free(call);
}

static void *call_in_order(void *arg)
{
    struct caller *caller = arg;

    for (unsigned i = 0; i < caller->n_calls; i++) {
        struct numbered *call = malloc(sizeof(*call));
        *call = (struct numbered){caller, i};
        caller->n_refused += co_loop_call(loop, count_in_order, call) < 0;
    }
    if (atomic_fetch_sub(&n_calling, 1) == 1)
        co_loop_stop(loop);
    return NULL;
}

static void start_callers(void *(*fn)(void *), unsigned n_calls)
{
    n_calling = N_CALLERS;
    for (int i = 0; i < N_CALLERS; i++) {
        callers[i] = (struct caller){.n_calls = n_calls};
        callers[i].messages = calloc(n_calls, sizeof(*callers[i].messages));
        assert_ok(pthread_create(&callers[i].thread, NULL, fn, &callers[i]));
    }
}

static void join_callers(void)
{
    for (int i = 0; i < N_CALLERS; i++) {
        assert_ok(pthread_join(callers[i].thread, NULL));
        free(callers[i].messages);
    }
}

START_TEST(calls_of_a_thread_keep_their_order)
{
    const unsigned n = scaled(10000);

    start_callers(call_in_order, n);
    assert_ok(co_loop_run_forever(loop, start_nothing, NULL));
    join_callers();
    for (int i = 0; i < N_CALLERS; i++) {
        ck_assert_uint_eq(callers[i].n_refused, 0);
        ck_assert_uint_eq(callers[i].n_made, n);
    }
}
END_TEST

/* A million tokens, each brought by a message that wakes a task, if one has to wait for it. */
static struct co_semaphore tokens;

static void bring_token(struct co_message *message)
{
    (void)message;
    co_semaphore_release(&tokens);
}

static void *bring_tokens(void *arg)
{
    struct caller *caller = arg;

    for (unsigned i = 0; i < caller->n_calls; i++) {
        caller->messages[i] = (struct co_message){.deliver = bring_token};
        co_inbox_post(&loop->inbox, &caller->messages[i]);
    }
    return NULL;
}

static int take_tokens(void *arg, void **result)
{
    int rc = 0;

    (void)result;
    for (unsigned i = 0; i < *(unsigned *)arg && rc == 0; i++)
        rc = co_semaphore_acquire(&tokens);
    note(rc == 0 ? '!' : '?');
    co_loop_stop(loop);
    return 0;
}

START_TEST(of_a_million_wake_ups_from_four_threads_none_is_lost_and_few_cost_a_write)
{
    unsigned n = scaled(1000000);

    co_semaphore_init(&tokens, 0);
    start_callers(bring_tokens, n / N_CALLERS);
    assert_ok(co_loop_run_forever(loop, take_tokens, &n));
    join_callers();
    ck_assert_str_eq(trace, "!");
    ck_assert_uint_eq(tokens.n_free, 0);
    ck_assert_uint_lt(loop->inbox.n_wakes, n);
}
END_TEST

static void count_call(void *arg)
{
    ++*(unsigned *)arg;
}

static void *call_often(void *arg)
{
    struct caller *caller = arg;

    for (unsigned i = 0; i < caller->n_calls; i++)
        caller->n_refused += co_loop_call(loop, count_call, &caller->n_made) < 0;
    return NULL;
}

/* The burst comes while the loop is known not to look: in one call. */
static void let_threads_call(void *arg)
{
    unsigned long n_wakes = loop->inbox.n_wakes;

    start_callers(call_often, 1000);
    join_callers();
    ck_assert_uint_eq(loop->inbox.n_wakes, n_wakes + 1);
    assert_ok(co_loop_call(loop, stop, arg));
}

START_TEST(a_burst_of_calls_costs_one_write)
{
    assert_ok(co_loop_call(loop, let_threads_call, NULL));
    assert_ok(co_loop_run_forever(loop, start_nothing, NULL));
    for (int i = 0; i < N_CALLERS; i++)
        ck_assert_uint_eq(callers[i].n_made, 1000);
}
END_TEST

/* --- Sleep --------------------------------------------------------------------------------------
 *
 * A clock that says when the loop is about to sleep: what comes then may just come before or after
 * it does. */

static sem_t about_to_sleep;

static int say_and_wait(struct co_loop *any, co_time deadline)
{
    if (deadline == CO_NEVER)
        sem_post(&about_to_sleep);
    return co_clock_real.wait(any, deadline);
}

static co_time real_now(struct co_loop *any)
{
    return co_clock_real.now(any);
}

static const struct co_clock clock_talking = {.now = real_now, .wait = say_and_wait};

static void take(sem_t *semaphore)
{
    while (sem_wait(semaphore) < 0)
        continue;
}

static unsigned n_rounds;

static void *wake_each_time(void *arg)
{
    for (unsigned i = 0; i < n_rounds; i++) {
        take(&about_to_sleep);
        if (co_loop_call(loop, count_call, arg) < 0)
            return arg;
    }
    take(&about_to_sleep);
    co_loop_stop(loop);
    return NULL;
}

START_TEST(calls_and_stop_end_the_sleep_of_the_loop)
{
    unsigned n_calls = 0;
    pthread_t thread;
    void *failed;

    n_rounds = scaled(2000);
    co_loop_free(loop);
    assert_ok(sem_init(&about_to_sleep, 0, 0));
    assert_ok(co_loop_new(&loop, &(struct co_loop_options){.clock = &clock_talking}));
    assert_ok(pthread_create(&thread, NULL, wake_each_time, &n_calls));
    assert_ok(co_loop_run_forever(loop, start_nothing, NULL));
    assert_ok(pthread_join(thread, &failed));
    ck_assert_ptr_null(failed);
    ck_assert_uint_eq(n_calls, n_rounds);
}
END_TEST

static void stop_on_signal(int number)
{
    (void)number;
    errno = ENOTTY;
    co_loop_stop(loop);
    if (errno != ENOTTY)
        abort();
}

static int signal_oneself(void *arg, void **result)
{
    (void)arg, (void)result;
    raise(SIGUSR1);
    int rc = co_sleep(CO_NEVER);
    note(rc == -ECANCELED ? 'c' : '?');
    return rc;
}

START_TEST(a_signal_handler_may_stop_the_loop)
{
    signal(SIGUSR1, stop_on_signal);
    assert_ok(co_loop_run_forever(loop, signal_oneself, NULL));
    signal(SIGUSR1, SIG_DFL);
    ck_assert_str_eq(trace, "c");
}
END_TEST

Suite *suite_co_call(void);

Suite *suite_co_call(void)
{
    Suite *suite = suite_create("co_call");
    TCase *own = tcase_create("own thread"), *others = tcase_create("other threads");
    TCase *sleep = tcase_create("sleep");

    tcase_add_checked_fixture(own, set_up, tear_down);
    tcase_add_test(own, calls_made_before_a_run_are_made_in_it);
    tcase_add_test(own, the_virtual_clock_does_not_jump_over_a_call);
    tcase_add_test(own, a_call_may_spawn_cancel_and_wake);
    tcase_add_test(own, a_call_may_make_another_and_tasks_have_their_turn_in_between);
    tcase_add_test(own, a_call_that_blocks_ends_the_process);
    tcase_add_test(own, a_call_cannot_run_a_loop);
    tcase_add_test(own, calls_that_were_not_made_are_forgotten_with_the_loop);
    tcase_add_test(own, without_memory_a_call_is_refused);
    suite_add_tcase(suite, own);

    tcase_add_checked_fixture(others, set_up, tear_down);
    tcase_add_test(others, calls_of_a_thread_keep_their_order);
    tcase_add_test(others,
                   of_a_million_wake_ups_from_four_threads_none_is_lost_and_few_cost_a_write);
    tcase_add_test(others, a_burst_of_calls_costs_one_write);
    suite_add_tcase(suite, others);

    tcase_add_checked_fixture(sleep, set_up, tear_down);
    tcase_add_test(sleep, calls_and_stop_end_the_sleep_of_the_loop);
    tcase_add_test(sleep, a_signal_handler_may_stop_the_loop);
    suite_add_tcase(suite, sleep);
    return suite;
}
