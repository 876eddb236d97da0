#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/death.h"
#include "tests/support/fault.h"
#include "tests/support/runtime.h"

/* A task that sleeps and then ends with a status. */
struct act {
    co_time duration;
    int rc;
};

static int perform(void *arg, void **result)
{
    const struct act *act = arg;
    int rc = co_sleep(act->duration);

    (void)result;
    return rc < 0 ? rc : act->rc;
}

static void spawn(struct co_group *group, struct act *act)
{
    assert_ok(co_group_spawn(group, "act", perform, act, NULL));
}

static struct act quick = {CO_SECOND, 0}, slow = {5 * CO_SECOND, 0};
static struct act failing = {CO_SECOND, -EIO}, failing_later = {2 * CO_SECOND, -EPIPE};

/* --- Leaving ------------------------------------------------------------------------------------
 */

CO_TEST(a_group_is_not_left_before_all_its_tasks_have_ended)
{
    struct co_group group;

    co_group_enter(&group, CO_NEVER);
    spawn(&group, &slow);
    spawn(&group, &quick);
    ck_assert_int_eq(co_group_exit(&group, 3), 3);
    ck_assert_int_eq(now_ms(), 5000);
}

CO_TEST(an_empty_group_is_left_at_once)
{
    struct co_group group;

    co_group_enter(&group, CO_NEVER);
    ck_assert_int_eq(co_group_exit(&group, 3), 3);
}

CO_TEST(tasks_that_end_before_the_exit_leave_nothing_to_wait_for)
{
    struct co_group group;

    co_group_enter(&group, CO_NEVER);
    for (int i = 0; i < 3; i++)
        spawn(&group, &quick);
    assert_ok(co_sleep(10 * CO_SECOND));
    ck_assert_uint_eq(group.n_children, 0);
    assert_ok(co_group_exit(&group, 0));
    ck_assert_int_eq(now_ms(), 10000);
}

CO_TEST(a_handle_outlives_the_group)
{
    struct co_group group;
    struct co_task *task;

    co_group_enter(&group, CO_NEVER);
    assert_ok(co_group_spawn(&group, "act", perform, &quick, &task));
    assert_ok(co_group_exit(&group, 0));
    ck_assert(co_task_is_done(task));
    assert_ok(co_task_await(task, NULL));
    co_task_unref(task);
}

/* --- Failures -----------------------------------------------------------------------------------
 */

CO_TEST(the_first_failure_cancels_the_others_and_is_what_is_returned)
{
    struct co_group group;

    co_group_enter(&group, CO_NEVER);
    spawn(&group, &slow);
    spawn(&group, &failing_later);
    spawn(&group, &failing);
    ck_assert_int_eq(co_group_exit(&group, 0), -EIO);
    ck_assert_int_eq(now_ms(), 1000);
    ck_assert_int_eq(group.failed_rc, -EIO);
    ck_assert_str_eq(group.failed_name, "act");
    ck_assert_ptr_nonnull(strstr(group.failed_site, "test_group.c:"));
    ck_assert_uint_eq(group.n_errors, 1);
}

CO_TEST(the_first_failure_cancels_the_body_too)
{
    struct co_group group;

    co_group_enter(&group, CO_NEVER);
    spawn(&group, &failing);
    int rc = co_sleep(5 * CO_SECOND);
    ck_assert_int_eq(rc, -ECANCELED);
    ck_assert_int_eq(co_group_exit(&group, rc), -EIO);
}

CO_TEST(of_failures_at_one_instant_the_first_counts_and_all_are_counted)
{
    struct act too = {CO_SECOND, -EPIPE};
    struct co_group group;

    co_group_enter(&group, CO_NEVER);
    spawn(&group, &failing);
    spawn(&group, &too);
    ck_assert_int_eq(co_group_exit(&group, 0), -EIO);
    ck_assert_uint_eq(group.n_errors, 2);
}

CO_TEST(the_error_of_the_body_beats_those_of_the_tasks_and_cancels_them)
{
    struct co_group group;

    co_group_enter(&group, CO_NEVER);
    spawn(&group, &failing);
    spawn(&group, &slow);
    ck_assert_int_eq(co_group_exit(&group, -EBADMSG), -EBADMSG);
    ck_assert_int_eq(now_ms(), 0);
}

CO_TEST(a_body_that_gives_up_does_not_wait_for_tasks_that_would_go_on)
{
    struct co_group group;

    co_group_enter(&group, CO_NEVER);
    spawn(&group, &slow);
    ck_assert_int_eq(co_group_exit(&group, -ECANCELED), -ECANCELED);
    ck_assert_int_eq(now_ms(), 0);
    ck_assert_int_eq(co_checkpoint(), 0);
}

CO_TEST(a_task_that_was_cancelled_alone_has_not_failed)
{
    struct co_group group;
    struct co_task *task;

    co_group_enter(&group, CO_NEVER);
    assert_ok(co_group_spawn(&group, "act", perform, &slow, &task));
    spawn(&group, &quick);
    settle();
    co_cancel(task, "not needed");
    assert_ok(co_group_exit(&group, 0));
    ck_assert_int_eq(now_ms(), 1000);
    co_task_unref(task);
}

CO_TEST(a_task_that_says_it_was_cancelled_and_was_not_has_failed)
{
    struct act liar = {CO_SECOND, -ECANCELED};
    struct co_group group;

    co_group_enter(&group, CO_NEVER);
    spawn(&group, &liar);
    spawn(&group, &slow);
    ck_assert_int_eq(co_group_exit(&group, 0), -ECANCELED);
    ck_assert_uint_eq(group.n_errors, 1);
    ck_assert_int_eq(now_ms(), 1000);
}

static int own_a_failing_group(void *arg, void **result)
{
    struct co_group group;

    (void)result;
    co_group_enter(&group, CO_NEVER);
    spawn(&group, arg);
    spawn(&group, &slow);
    return co_group_exit(&group, 0);
}

CO_TEST(two_nested_groups_may_fail_at_the_same_instant)
{
    struct act too = {CO_SECOND, -EPIPE};
    struct co_group group;

    co_group_enter(&group, CO_NEVER);
    assert_ok(co_group_spawn(&group, "a", own_a_failing_group, &failing, NULL));
    assert_ok(co_group_spawn(&group, "b", own_a_failing_group, &too, NULL));
    spawn(&group, &slow);
    ck_assert_int_eq(co_group_exit(&group, 0), -EIO);
    ck_assert_int_eq(now_ms(), 1000);
    ck_assert_int_eq(co_checkpoint(), 0);
}

/* --- Cancels ------------------------------------------------------------------------------------
 */

CO_TEST(a_deliberate_cancel_is_no_error)
{
    struct co_group group;

    co_group_enter(&group, CO_NEVER);
    spawn(&group, &slow);
    spawn(&group, &slow);
    co_group_cancel(&group, 0, "that is enough");
    ck_assert_int_eq(co_sleep(1), -ECANCELED);
    ck_assert_int_eq(co_group_exit(&group, -ECANCELED), 0);
    ck_assert_int_eq(now_ms(), 0);
}

CO_TEST(a_cancelled_group_returns_what_the_cancel_says)
{
    struct co_group group;

    co_group_enter(&group, CO_NEVER);
    spawn(&group, &slow);
    co_group_cancel(&group, -ENOSPC, "full");
    ck_assert_int_eq(co_group_exit(&group, 0), -ENOSPC);
}

CO_TEST(a_group_that_is_too_slow_times_out)
{
    struct co_group group;

    co_group_enter(&group, 3 * CO_SECOND);
    spawn(&group, &quick);
    spawn(&group, &slow);
    ck_assert_int_eq(co_group_exit(&group, 0), -ETIMEDOUT);
    ck_assert_int_eq(now_ms(), 3000);
}

CO_TEST(a_cancel_from_outside_ends_the_tasks_and_stays_with_its_scope)
{
    struct co_scope scope;
    struct co_group group;

    co_scope_enter(&scope, CO_MILLISECOND);
    co_group_enter(&group, CO_NEVER);
    spawn(&group, &slow);
    int rc = co_group_exit(&group, 0);
    ck_assert_int_eq(rc, -ECANCELED);
    ck_assert_int_eq(co_scope_exit(&scope, rc), -ETIMEDOUT);
    ck_assert_int_eq(now_ms(), 1);
}

static int fail_after_cleaning_up(void *arg, void **result)
{
    struct co_scope shield;

    (void)arg, (void)result;
    ck_assert_int_eq(co_sleep(CO_NEVER), -ECANCELED);
    co_scope_shield(&shield, CO_NEVER);
    assert_ok(co_sleep(5 * CO_SECOND));
    co_scope_exit(&shield, 0);
    return -ENOSPC;
}

/* The group fails at 1 s and its clean-up takes until 6 s; the time outside of it is up at 2 s. */
CO_TEST(a_deadline_that_passes_while_a_group_is_failing_leaves_both_known)
{
    struct co_scope scope;
    struct co_group group;

    co_scope_enter(&scope, 2 * CO_SECOND);
    co_group_enter(&group, CO_NEVER);
    spawn(&group, &failing);
    assert_ok(co_group_spawn(&group, "tidy", fail_after_cleaning_up, NULL, NULL));
    ck_assert_int_eq(co_group_exit(&group, 0), -EIO);
    ck_assert_uint_eq(group.n_errors, 2);
    ck_assert_int_eq(now_ms(), 6000);
    ck_assert_int_eq(co_sleep(1), -ECANCELED);
    ck_assert_int_eq(co_scope_exit(&scope, -ECANCELED), -ETIMEDOUT);
}

static int free_and_sleep(void *arg, void **result)
{
    free(arg);
    return perform(&slow, result);
}

CO_TEST(a_task_spawned_into_a_cancelled_group_is_entered_cancelled)
{
    struct co_group group;

    co_group_enter(&group, CO_NEVER);
    co_group_cancel(&group, 0, "closing");
    assert_ok(co_group_spawn(&group, "late", free_and_sleep, malloc(10), NULL));
    assert_ok(co_group_exit(&group, 0));
    ck_assert_int_eq(now_ms(), 0);
}

static int cancel_group(void *arg, void **result)
{
    (void)result;
    co_group_cancel(arg, 0, "found it");
    return 0;
}

CO_TEST(a_task_may_cancel_its_own_group)
{
    struct co_group group;

    co_group_enter(&group, CO_NEVER);
    spawn(&group, &slow);
    assert_ok(co_group_spawn(&group, "finder", cancel_group, &group, NULL));
    assert_ok(co_group_exit(&group, 0));
    ck_assert_int_eq(now_ms(), 0);
}

/* --- Spawning -----------------------------------------------------------------------------------
 */

static int spawn_a_sibling(void *arg, void **result)
{
    static struct co_group *group;
    static int n_generations;

    (void)result;
    if (arg != NULL) {
        group = arg;
        n_generations = 0;
    }
    assert_ok(co_sleep(CO_SECOND));
    if (++n_generations < 5)
        return co_group_spawn(group, "next", spawn_a_sibling, NULL, NULL);
    return 0;
}

CO_TEST(tasks_may_spawn_siblings_while_the_owner_waits)
{
    struct co_group group;

    co_group_enter(&group, CO_NEVER);
    assert_ok(co_group_spawn(&group, "first", spawn_a_sibling, &group, NULL));
    assert_ok(co_group_exit(&group, 0));
    ck_assert_int_eq(now_ms(), 5000);
}

struct handover {
    struct co_group group;
    struct co_event event;
};

static int wait_for_event(void *arg, void **result)
{
    struct handover *handover = arg;

    (void)result;
    return co_event_wait(&handover->event);
}

static int end_the_last_and_spawn(void *arg, void **result)
{
    struct handover *handover = arg;

    (void)result;
    co_event_set(&handover->event);
    assert_ok(co_sleep(0));
    ck_assert_uint_eq(handover->group.n_children, 0);
    spawn(&handover->group, &quick);
    return 0;
}

CO_TEST(a_task_spawned_before_the_woken_owner_runs_is_waited_for_too)
{
    struct handover handover;

    co_event_init(&handover.event);
    co_group_enter(&handover.group, CO_NEVER);
    assert_ok(co_group_spawn(&handover.group, "last", wait_for_event, &handover, NULL));
    assert_ok(co_create_task("other", end_the_last_and_spawn, &handover, NULL));
    assert_ok(co_group_exit(&handover.group, 0));
    ck_assert_int_eq(now_ms(), 1000);
}

/* What an accept loop does: its group must not grow with the connections it has seen. */
CO_TEST(tasks_that_ended_take_no_place_in_the_group)
{
    size_t n_blocks = 0;
    struct co_group group;

    co_group_enter(&group, CO_NEVER);
    for (int i = 0; i < 10000; i++) {
        spawn(&group, &quick);
        if (i % 10 == 9)
            assert_ok(co_sleep(2 * CO_SECOND));
        if (i == 10)
            n_blocks = fault_live();
    }
    ck_assert_uint_le(fault_live(), n_blocks);
    assert_ok(co_group_exit(&group, 0));
}

CO_TEST(without_memory_spawning_fails_and_the_group_goes_on)
{
    enum { N_TASKS = 130 };

    for (size_t n = 1; n < 200; n++) {
        struct co_group group;
        int n_failed = 0;
        co_group_enter(&group, CO_NEVER);
        fault_arm(n);
        for (int i = 0; i < N_TASKS; i++) {
            int rc = co_group_spawn(&group, "act", perform, &quick, NULL);
            ck_assert(rc == 0 || rc == -ENOMEM);
            n_failed += rc < 0;
        }
        bool failed = fault_disarm();
        ck_assert_int_eq(n_failed, failed);
        ck_assert_uint_eq(group.n_children, (unsigned)(N_TASKS - n_failed));
        assert_ok(co_group_exit(&group, 0));
        if (!failed)
            return;
    }
    ck_abort_msg("the allocations never ended");
}

/* --- Misuse -------------------------------------------------------------------------------------
 */

static int leave_around_a_scope(void *arg, void **result)
{
    struct co_group group;
    struct co_scope scope;

    (void)arg, (void)result;
    co_group_enter(&group, CO_NEVER);
    spawn(&group, &slow);
    co_scope_enter(&scope, CO_NEVER);
    return co_group_exit(&group, 0);
}

static int leave_the_group_one_is_in(void *arg, void **result)
{
    (void)result;
    return co_group_exit(arg, 0);
}

static int let_a_task_leave(void *arg, void **result)
{
    struct co_group group;

    (void)arg, (void)result;
    co_group_enter(&group, CO_NEVER);
    assert_ok(co_group_spawn(&group, "child", leave_the_group_one_is_in, &group, NULL));
    return co_group_exit(&group, 0);
}

static int end_without_leaving(void *arg, void **result)
{
    static struct co_group group;

    (void)arg, (void)result;
    co_group_enter(&group, CO_NEVER);
    return 0;
}

static int wait_for_another_group(void *arg, void **result)
{
    (void)result;
    return co_group_wait_closing(arg);
}

static int leave_while_a_stranger_waits(void *arg, void **result)
{
    struct co_group group;

    (void)arg, (void)result;
    co_group_enter(&group, CO_NEVER);
    assert_ok(co_create_task("stranger", wait_for_another_group, &group, NULL));
    assert_ok(co_sleep(CO_MILLISECOND));
    return co_group_exit(&group, 0);
}

static int spawn_into_it(void *group, void **result)
{
    (void)result;
    return co_group_spawn(group, "guest", end_without_leaving, NULL, NULL);
}

static int cancel_it(void *group, void **result)
{
    (void)result;
    co_group_cancel((struct co_group *)group, 0, "not mine");
    return 0;
}

static co_fn *used;

static void *use_in_another_loop(void *group)
{
    (void)co_run(used, group, NULL);
    return NULL;
}

static int let_another_thread(co_fn *use)
{
    pthread_t thread;
    struct co_group group;

    co_group_enter(&group, CO_SECOND);
    used = use;
    assert_ok(pthread_create(&thread, NULL, use_in_another_loop, &group));
    assert_ok(pthread_join(thread, NULL));
    return co_group_exit(&group, 0);
}

static int let_another_thread_spawn(void *arg, void **result)
{
    (void)arg, (void)result;
    return let_another_thread(spawn_into_it);
}

static int let_another_thread_cancel(void *arg, void **result)
{
    (void)arg, (void)result;
    return let_another_thread(cancel_it);
}

static const struct {
    co_fn *fn;
    const char *sentence;
} misuses[] = {
    {leave_around_a_scope, "was not entered last"},
    {let_a_task_leave, "task child"},
    {end_without_leaving, "ended inside a scope"},
    {leave_while_a_stranger_waits, "is left while task stranger waits for it to close"},
    {let_another_thread_spawn, "is used by another thread's loop"},
    {let_another_thread_cancel, "is used by another thread's loop"},
};

static co_fn *misused;

static void misuse(void)
{
    (void)co_run(misused, NULL, NULL);
}

START_TEST(misuse_of_a_group_ends_the_process_with_a_sentence)
{
    misused = misuses[_i].fn;
    assert_dies(misuse, SIGABRT, misuses[_i].sentence);
}
END_TEST

Suite *suite_co_group(void);

Suite *suite_co_group(void)
{
    Suite *suite = suite_create("co_group");
    TCase *exit = tcase_create("exit"), *failure = tcase_create("failure");
    TCase *cancel = tcase_create("cancel"), *spawning = tcase_create("spawn");
    TCase *misuse_case = tcase_create("misuse");

    tcase_add_test(exit, a_group_is_not_left_before_all_its_tasks_have_ended);
    tcase_add_test(exit, an_empty_group_is_left_at_once);
    tcase_add_test(exit, tasks_that_end_before_the_exit_leave_nothing_to_wait_for);
    tcase_add_test(exit, a_handle_outlives_the_group);
    suite_add_tcase(suite, exit);

    tcase_add_test(failure, the_first_failure_cancels_the_others_and_is_what_is_returned);
    tcase_add_test(failure, the_first_failure_cancels_the_body_too);
    tcase_add_test(failure, of_failures_at_one_instant_the_first_counts_and_all_are_counted);
    tcase_add_test(failure, the_error_of_the_body_beats_those_of_the_tasks_and_cancels_them);
    tcase_add_test(failure, a_body_that_gives_up_does_not_wait_for_tasks_that_would_go_on);
    tcase_add_test(failure, a_task_that_was_cancelled_alone_has_not_failed);
    tcase_add_test(failure, a_task_that_says_it_was_cancelled_and_was_not_has_failed);
    tcase_add_test(failure, two_nested_groups_may_fail_at_the_same_instant);
    suite_add_tcase(suite, failure);

    tcase_add_test(cancel, a_deliberate_cancel_is_no_error);
    tcase_add_test(cancel, a_cancelled_group_returns_what_the_cancel_says);
    tcase_add_test(cancel, a_group_that_is_too_slow_times_out);
    tcase_add_test(cancel, a_cancel_from_outside_ends_the_tasks_and_stays_with_its_scope);
    tcase_add_test(cancel, a_deadline_that_passes_while_a_group_is_failing_leaves_both_known);
    tcase_add_test(cancel, a_task_spawned_into_a_cancelled_group_is_entered_cancelled);
    tcase_add_test(cancel, a_task_may_cancel_its_own_group);
    suite_add_tcase(suite, cancel);

    tcase_add_test(spawning, tasks_may_spawn_siblings_while_the_owner_waits);
    tcase_add_test(spawning, a_task_spawned_before_the_woken_owner_runs_is_waited_for_too);
    tcase_add_test(spawning, tasks_that_ended_take_no_place_in_the_group);
    tcase_add_test(spawning, without_memory_spawning_fails_and_the_group_goes_on);
    suite_add_tcase(suite, spawning);

    tcase_add_loop_test(misuse_case, misuse_of_a_group_ends_the_process_with_a_sentence, 0,
                        sizeof(misuses) / sizeof(*misuses));
    suite_add_tcase(suite, misuse_case);
    return suite;
}
