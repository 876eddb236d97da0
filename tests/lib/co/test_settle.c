#include <errno.h>
#include <fcntl.h>
#include <semaphore.h>
#include <unistd.h>

#include "lib/co/runtime.h"
#include "tests/support/runtime.h"

CO_TEST(a_task_alone_settles_at_once)
{
    for (int i = 0; i < 3; i++)
        assert_ok(co_settle());
    ck_assert_int_eq(now_ms(), 0);
}

static int take_steps(void *arg, void **result)
{
    (void)result;
    for (int i = 0; i < 100; i++)
        assert_ok(co_sleep(0));
    note('s');
    return co_event_wait(arg);
}

CO_TEST(settling_waits_until_the_others_are_parked)
{
    struct co_event event;
    struct co_group group;

    co_event_init(&event);
    co_group_enter(&group, CO_NEVER);
    for (int i = 0; i < 3; i++)
        assert_ok(co_group_spawn(&group, "stepper", take_steps, &event, NULL));
    assert_ok(co_settle());
    ck_assert_str_eq(trace, "sss");
    co_event_set(&event);
    assert_ok(co_group_exit(&group, 0));
}

static int sleep_a_second(void *arg, void **result)
{
    (void)arg, (void)result;
    int rc = co_sleep(CO_SECOND);
    note('a');
    return rc;
}

CO_TEST(the_clock_stands_still_while_somebody_settles)
{
    struct co_task *sleeper;

    assert_ok(co_create_task("sleeper", sleep_a_second, NULL, &sleeper));
    for (int i = 0; i < 3; i++)
        assert_ok(co_settle());
    ck_assert_str_eq(trace, "");
    ck_assert_int_eq(now_ms(), 0);
    assert_ok(co_task_await(sleeper, NULL));
    ck_assert_int_eq(now_ms(), 1000);
    co_task_unref(sleeper);
}

struct relay {
    int from;
    int to;
};

static int pass_on(void *arg, void **result)
{
    const struct relay *relay = arg;
    char byte;

    (void)result;
    ck_assert_int_eq(co_read(relay->from, &byte, 1), 1);
    note('p');
    return co_write(relay->to, &byte, 1) == 1 ? 0 : -EIO;
}

CO_TEST(descriptors_that_are_ready_are_seen_to_before)
{
    enum { N_RELAYS = 5 };
    struct relay relays[N_RELAYS];
    int ends[N_RELAYS + 1][2];
    struct co_group group;
    char byte = 'x';

    for (int i = 0; i <= N_RELAYS; i++)
        assert_ok(pipe2(ends[i], O_NONBLOCK | O_CLOEXEC));
    co_group_enter(&group, CO_NEVER);
    for (int i = 0; i < N_RELAYS; i++) {
        relays[i] = (struct relay){ends[i][0], ends[i + 1][1]};
        assert_ok(co_group_spawn(&group, "relay", pass_on, &relays[i], NULL));
    }
    assert_ok(co_settle());
    ck_assert_str_eq(trace, "");
    ck_assert_int_eq(co_write(ends[0][1], &byte, 1), 1);
    assert_ok(co_settle());
    ck_assert_str_eq(trace, "ppppp");
    assert_ok(co_group_exit(&group, 0));
    for (int i = 0; i <= N_RELAYS; i++) {
        assert_ok(co_close(ends[i][0]));
        assert_ok(co_close(ends[i][1]));
    }
}

static void note_call(void *arg)
{
    (void)arg;
    note('c');
}

CO_TEST(calls_are_made_before)
{
    assert_ok(co_loop_call(co_loop_current(), note_call, NULL));
    assert_ok(co_settle());
    ck_assert_str_eq(trace, "c");
}

static int wait_for_semaphore(void *arg, void **result)
{
    (void)result;
    while (sem_wait(arg) < 0)
        continue;
    return 0;
}

static int offload(void *arg, void **result)
{
    int rc = co_to_thread(wait_for_semaphore, arg, result, NULL);

    note('t');
    return rc;
}

static int settle_and_note(void *arg, void **result)
{
    (void)arg, (void)result;
    int rc = co_settle();
    note(rc == 0 ? 'q' : 'x');
    return rc;
}

CO_TEST(a_thread_at_work_is_waited_for)
{
    struct co_group group;
    sem_t semaphore;

    assert_ok(sem_init(&semaphore, 0, 0));
    co_group_enter(&group, CO_NEVER);
    assert_ok(co_group_spawn(&group, "offload", offload, &semaphore, NULL));
    assert_ok(co_group_spawn(&group, "settler", settle_and_note, NULL, NULL));
    for (int i = 0; i < 10; i++)
        assert_ok(co_sleep(0));
    ck_assert_str_eq(trace, "");
    sem_post(&semaphore);
    assert_ok(co_group_exit(&group, 0));
    ck_assert_str_eq(trace, "tq");
}

CO_TEST(two_that_settle_do_not_wait_for_each_other)
{
    struct co_group group;

    co_group_enter(&group, CO_NEVER);
    for (int i = 0; i < 2; i++)
        assert_ok(co_group_spawn(&group, "settler", settle_and_note, NULL, NULL));
    assert_ok(co_group_exit(&group, 0));
    ck_assert_str_eq(trace, "qq");
}

static int step_forever(void *arg, void **result)
{
    int rc = 0;

    (void)arg, (void)result;
    while (rc == 0)
        rc = co_sleep(0);
    return rc;
}

CO_TEST(settling_can_be_cancelled)
{
    struct co_group group;
    struct co_task *settler;

    co_group_enter(&group, CO_NEVER);
    assert_ok(co_group_spawn(&group, "busy", step_forever, NULL, NULL));
    assert_ok(co_group_spawn(&group, "settler", settle_and_note, NULL, &settler));
    assert_ok(co_sleep(0));
    co_cancel(settler, "enough");
    ck_assert_int_eq(co_task_await(settler, NULL), -ECANCELED);
    ck_assert_str_eq(trace, "x");
    co_group_cancel(&group, 0, "it is over");
    assert_ok(co_group_exit(&group, 0));
    co_task_unref(settler);
}

static int settle_beside_a_sleeper(void *arg, void **result)
{
    struct co_group group;

    (void)arg, (void)result;
    co_group_enter(&group, CO_NEVER);
    assert_ok(co_group_spawn(&group, "sleeper", sleep_a_second, NULL, NULL));
    assert_ok(co_settle());
    ck_assert_str_eq(trace, "");
    co_group_cancel(&group, 0, "no need to wait");
    return co_group_exit(&group, 0);
}

START_TEST(by_the_real_clock_settling_does_not_wait_for_time)
{
    trace[0] = '\0';
    co_time before = co_clock_real.now(NULL);
    assert_ok(co_run(settle_beside_a_sleeper, NULL, NULL));
    ck_assert_int_lt(co_clock_real.now(NULL) - before, CO_SECOND);
}
END_TEST

Suite *suite_co_settle(void);

Suite *suite_co_settle(void)
{
    Suite *suite = suite_create("co_settle");
    TCase *settle_case = tcase_create("settle");

    tcase_add_test(settle_case, a_task_alone_settles_at_once);
    tcase_add_test(settle_case, settling_waits_until_the_others_are_parked);
    tcase_add_test(settle_case, the_clock_stands_still_while_somebody_settles);
    tcase_add_test(settle_case, descriptors_that_are_ready_are_seen_to_before);
    tcase_add_test(settle_case, calls_are_made_before);
    tcase_add_test(settle_case, a_thread_at_work_is_waited_for);
    tcase_add_test(settle_case, two_that_settle_do_not_wait_for_each_other);
    tcase_add_test(settle_case, settling_can_be_cancelled);
    tcase_add_test(settle_case, by_the_real_clock_settling_does_not_wait_for_time);
    suite_add_tcase(suite, settle_case);
    return suite;
}
