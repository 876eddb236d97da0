#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "lib/co/runtime.h"
#include "tests/support/death.h"
#include "tests/support/random.h"
#include "tests/support/runtime.h"

/* --- Levels -------------------------------------------------------------------------------------
 */

CO_TEST(inside_a_cancelled_scope_every_call_fails_until_it_is_left)
{
    struct co_scope scope;

    co_scope_enter(&scope, 0);
    for (int i = 0; i < 10; i++)
        ck_assert_int_eq(co_sleep(CO_SECOND), -ECANCELED);
    ck_assert_int_eq(co_scope_exit(&scope, 0), 0);
    assert_ok(co_sleep(CO_SECOND));
    ck_assert_int_eq(now_ms(), 1000);
}

CO_TEST(a_scope_entered_in_a_cancelled_one_is_cancelled)
{
    struct co_scope outer, inner;

    co_scope_enter(&outer, 0);
    co_scope_enter(&inner, CO_SECOND);
    int rc = co_sleep(1);
    ck_assert_int_eq(rc, -ECANCELED);
    ck_assert_int_eq(co_scope_exit(&inner, rc), -ECANCELED);
    ck_assert_int_eq(co_checkpoint(), -ECANCELED);
    ck_assert_int_eq(co_scope_exit(&outer, rc), -ETIMEDOUT);
}

CO_TEST(a_checkpoint_lets_nobody_else_run)
{
    struct co_scope scope;

    co_scope_enter(&scope, 0);
    for (int i = 0; i < 10; i++)
        ck_assert_int_eq(co_checkpoint(), -ECANCELED);
    ck_assert_int_eq(co_scope_exit(&scope, 0), 0);
}

/* --- Cancels ------------------------------------------------------------------------------------
 */

static int sleep_in_scope(void *arg, void **result)
{
    struct co_scope *scope = arg;

    (void)result;
    co_scope_enter(scope, CO_NEVER);
    return co_scope_exit(scope, co_sleep(CO_SECOND));
}

CO_TEST(whoever_holds_a_scope_can_cancel_it_and_says_what_it_returns)
{
    static const int statuses[] = {0, 5, -EPIPE, -ECANCELED};

    for (int i = 0; i < 4; i++) {
        struct co_scope scope;
        struct co_task *task;
        assert_ok(co_create_task("sleeper", sleep_in_scope, &scope, &task));
        settle();
        co_scope_cancel(&scope, statuses[i], "enough");
        ck_assert_int_eq(co_task_await(task, NULL), statuses[i]);
        co_task_unref(task);
    }
    ck_assert_int_eq(now_ms(), 0);
}

CO_TEST(only_the_first_cancel_counts)
{
    struct co_scope scope;

    co_scope_enter(&scope, CO_SECOND);
    co_scope_cancel(&scope, -EPIPE, "first");
    co_scope_cancel(&scope, -EIO, "second");
    struct co_scope shield;
    co_scope_shield(&shield, CO_NEVER);
    assert_ok(co_sleep(2 * CO_SECOND)); /* the deadline comes third */
    co_scope_exit(&shield, 0);
    ck_assert_int_eq(co_scope_exit(&scope, co_sleep(1)), -EPIPE);
}

static int wait_for_event(void *arg, void **result)
{
    int rc = co_event_wait(arg);

    (void)result;
    note(rc == 0 ? '+' : '-');
    note(co_sleep(1) == -ECANCELED ? 'c' : 'n');
    return rc;
}

CO_TEST(a_call_that_succeeded_in_the_turn_of_the_cancel_keeps_its_result)
{
    struct co_event event;
    struct co_task *task;

    co_event_init(&event);
    assert_ok(co_create_task("waiter", wait_for_event, &event, &task));
    settle();
    co_event_set(&event);
    co_cancel(task, "too late");
    assert_ok(co_task_await(task, NULL));
    ck_assert_str_eq(trace, "+c");
    co_task_unref(task);
}

CO_TEST(a_call_that_was_cancelled_first_does_not_succeed_as_well)
{
    struct co_event event;
    struct co_task *task;

    co_event_init(&event);
    assert_ok(co_create_task("waiter", wait_for_event, &event, &task));
    settle();
    co_cancel(task, "in time");
    co_event_set(&event);
    ck_assert_int_eq(co_task_await(task, NULL), -ECANCELED);
    ck_assert_str_eq(trace, "-c");
    co_task_unref(task);
}

static int write_later(void *arg, void **result)
{
    (void)result;
    return write(*(int *)arg, "x", 1) == 1 ? 0 : -EIO;
}

/* The clock advances while it polls, so the byte and the deadline are noticed together. */
static void read_within_a_millisecond(int i)
{
    struct co_scope scope;
    int ends[2];
    char byte;

    (void)i;
    assert_ok(pipe2(ends, O_NONBLOCK | O_CLOEXEC));
    assert_ok(co_create_task("writer", write_later, &ends[1], NULL));
    co_scope_enter(&scope, CO_MILLISECOND);
    ck_assert_int_eq(co_read(ends[0], &byte, 1), 1);
    ck_assert_int_eq(now_ms(), 1);
    ck_assert_int_eq(co_checkpoint(), -ECANCELED);
    ck_assert_int_eq(co_scope_exit(&scope, 0), 0);
    assert_ok(co_close(ends[0]));
    assert_ok(co_close(ends[1]));
}

START_TEST(data_that_comes_in_the_turn_of_the_deadline_wins)
{
    runtime_run_on(&clock_ticking, read_within_a_millisecond, 0);
}
END_TEST

/* --- Shields ------------------------------------------------------------------------------------
 */

CO_TEST(a_shield_keeps_outer_cancels_out_until_it_is_left)
{
    struct co_scope outer, shield;

    co_scope_enter(&outer, CO_SECOND);
    co_scope_shield(&shield, CO_NEVER);
    assert_ok(co_sleep(2 * CO_SECOND));
    ck_assert_int_eq(co_scope_exit(&shield, 0), 0);
    ck_assert_int_eq(co_sleep(1), -ECANCELED);
    ck_assert_int_eq(co_scope_exit(&outer, -ECANCELED), -ETIMEDOUT);
}

CO_TEST(a_shield_entered_in_a_cancelled_scope_lets_clean_up_block)
{
    struct co_scope outer, shield;

    co_scope_enter(&outer, 0);
    ck_assert_int_eq(co_sleep(1), -ECANCELED);
    co_scope_shield(&shield, CO_SECOND);
    assert_ok(co_sleep(CO_MILLISECOND));
    ck_assert_int_eq(co_scope_exit(&shield, 0), 0);
    ck_assert_int_eq(co_sleep(1), -ECANCELED);
    ck_assert_int_eq(co_scope_exit(&outer, 0), 0);
}

CO_TEST(the_deadline_of_a_shield_itself_does_come_in)
{
    struct co_scope outer, shield;

    co_scope_enter(&outer, 0);
    co_scope_shield(&shield, CO_SECOND);
    ck_assert_int_eq(co_scope_exit(&shield, co_sleep(2 * CO_SECOND)), -ETIMEDOUT);
    ck_assert_int_eq(now_ms(), 1000);
    ck_assert_int_eq(co_scope_exit(&outer, -ECANCELED), -ETIMEDOUT);
}

CO_TEST(a_scope_inside_a_shield_has_its_own_deadline)
{
    struct co_scope outer, shield, inner;

    co_scope_enter(&outer, 0);
    co_scope_shield(&shield, 5 * CO_SECOND);
    co_scope_enter(&inner, CO_SECOND);
    ck_assert_int_eq(co_scope_exit(&inner, co_sleep(CO_NEVER)), -ETIMEDOUT);
    assert_ok(co_sleep(1));
    ck_assert_int_eq(co_scope_exit(&shield, 0), 0);
    ck_assert_int_eq(co_scope_exit(&outer, -ECANCELED), -ETIMEDOUT);
}

static int sleep_in_shield(void *arg, void **result)
{
    struct co_scope shield;

    (void)arg, (void)result;
    co_scope_shield(&shield, CO_NEVER);
    assert_ok(co_sleep(CO_SECOND));
    co_scope_exit(&shield, 0);
    return co_sleep(CO_SECOND);
}

CO_TEST(a_task_asleep_in_a_shield_hears_of_a_cancel_afterwards)
{
    struct co_task *task;

    assert_ok(co_create_task("shielded", sleep_in_shield, NULL, &task));
    settle();
    co_cancel(task, "enough");
    ck_assert_int_eq(co_task_await(task, NULL), -ECANCELED);
    ck_assert_int_eq(now_ms(), 1000);
    co_task_unref(task);
}

/* --- Trees --------------------------------------------------------------------------------------
 */

static int sleep_long(void *arg, void **result)
{
    (void)arg, (void)result;
    return co_sleep(CO_SECOND);
}

static int own_a_group(void *arg, void **result)
{
    struct co_group group;
    intptr_t depth = (intptr_t)arg;

    (void)result;
    co_group_enter(&group, CO_NEVER);
    for (int i = 0; i < 2; i++)
        assert_ok(co_group_spawn(&group, "child", depth > 0 ? own_a_group : sleep_long,
                                 (void *)(depth - 1), NULL));
    return co_group_exit(&group, 0);
}

CO_TEST(a_cancel_reaches_all_tasks_below)
{
    struct co_loop_stats stats;
    struct co_scope scope;
    struct co_group group;

    co_scope_enter(&scope, 500 * CO_MILLISECOND);
    co_group_enter(&group, CO_NEVER);
    assert_ok(co_group_spawn(&group, "root", own_a_group, (void *)5, NULL));
    settle();
    co_loop_stats(&stats);
    ck_assert_uint_eq(stats.n_tasks, 1 + 127);
    ck_assert_int_eq(co_scope_exit(&scope, co_group_exit(&group, 0)), -ETIMEDOUT);
    ck_assert_int_eq(now_ms(), 500);
}

static int own_a_chain(void *arg, void **result)
{
    struct co_group group;
    intptr_t depth = (intptr_t)arg;

    (void)result;
    co_group_enter(&group, CO_NEVER);
    assert_ok(co_group_spawn(&group, "child", depth > 0 ? own_a_chain : sleep_long,
                             (void *)(depth - 1), NULL));
    return co_group_exit(&group, 0);
}

CO_TEST(a_cancel_reaches_the_end_of_a_chain_of_a_thousand_tasks)
{
    struct co_task *task;

    assert_ok(co_create_task("chain", own_a_chain, (void *)1000, &task));
    settle();
    co_cancel(task, "enough");
    ck_assert_int_eq(co_task_await(task, NULL), -ECANCELED);
    ck_assert_int_eq(now_ms(), 0);
    co_task_unref(task);
}

CO_TEST(a_cancel_stays_away_from_tasks_behind_a_shield)
{
    struct co_scope scope, shield;
    struct co_group group;

    co_scope_enter(&scope, 0);
    co_scope_shield(&shield, CO_NEVER);
    co_group_enter(&group, CO_NEVER);
    assert_ok(co_group_spawn(&group, "sleeper", sleep_long, NULL, NULL));
    assert_ok(co_group_exit(&group, 0));
    ck_assert_int_eq(now_ms(), 1000);
    co_scope_exit(&shield, 0);
    ck_assert_int_eq(co_scope_exit(&scope, -ECANCELED), -ETIMEDOUT);
}

CO_TEST(a_scope_inside_a_group_does_not_cancel_the_tasks_of_the_group)
{
    struct co_scope scope;
    struct co_group group;

    co_group_enter(&group, CO_NEVER);
    assert_ok(co_group_spawn(&group, "sleeper", sleep_long, NULL, NULL));
    co_scope_enter(&scope, CO_MILLISECOND);
    ck_assert_int_eq(co_scope_exit(&scope, co_sleep(CO_SECOND)), -ETIMEDOUT);
    assert_ok(co_group_exit(&group, 0));
    ck_assert_int_eq(now_ms(), 1000);
}

/* --- Any nest of scopes against what the rules say ----------------------------------------------
 */

enum { MAX_DEPTH = 6 };

struct nest {
    int n_scopes;
    struct {
        co_time deadline;
        bool shielded;
    } scopes[MAX_DEPTH]; /* outermost first */
    co_time sleep;
};

static struct nest random_nest(struct random *random)
{
    struct nest nest = {.n_scopes = 1 + (int)random_below(random, MAX_DEPTH)};

    for (int i = 0; i < nest.n_scopes; i++) {
        nest.scopes[i].deadline = random_below(random, 4) == 0 ? CO_NEVER : random_below(random, 9);
        nest.scopes[i].shielded = random_below(random, 3) == 0;
    }
    nest.sleep = 1 + random_below(random, 9);
    return nest;
}

/* When what runs inside of scope i, and not in a deeper one, is cancelled. */
static co_time cancelled_at(const struct nest *nest, int i)
{
    co_time first = CO_NEVER;

    for (; i >= 0; i--) {
        if (nest->scopes[i].deadline < first)
            first = nest->scopes[i].deadline;
        if (nest->scopes[i].shielded)
            break;
    }
    return first;
}

/* The status that leaves scope i, given the one that was passed to its exit. */
static int expected_status(const struct nest *nest, int i, int rc, co_time now)
{
    bool outside_is_cancelled = i > 0 && cancelled_at(nest, i - 1) <= now;

    if (rc != -ECANCELED || nest->scopes[i].deadline > now)
        return rc;
    return outside_is_cancelled && !nest->scopes[i].shielded ? -ECANCELED : -ETIMEDOUT;
}

static void run_nest(const struct nest *nest)
{
    struct co_scope scopes[MAX_DEPTH];
    int last = nest->n_scopes - 1;
    co_time start = co_now(), cancel = cancelled_at(nest, last);
    co_time end = cancel <= nest->sleep ? cancel : nest->sleep;

    for (int i = 0; i <= last; i++)
        co_scope_enter_at(&scopes[i], nest->scopes[i].deadline, nest->scopes[i].shielded, "here");
    int rc = co_sleep(nest->sleep);
    ck_assert_int_eq(rc, cancel <= nest->sleep ? -ECANCELED : 0);
    ck_assert_int_eq(co_now() - start, end);
    for (int i = last; i >= 0; i--) {
        int expected = expected_status(nest, i, rc, end);
        rc = co_scope_exit(&scopes[i], rc);
        ck_assert_int_eq(rc, expected);
        ck_assert_int_eq(co_checkpoint(),
                         i > 0 && cancelled_at(nest, i - 1) <= end ? -ECANCELED : 0);
    }
}

CO_TEST(any_nest_of_scopes_follows_the_rules)
{
    struct random random = {2024};

    for (int i = 0; i < 5000; i++) {
        struct nest nest = random_nest(&random);
        run_nest(&nest);
    }
}

/* --- Misuse -------------------------------------------------------------------------------------
 */

/* --- Who did it ---------------------------------------------------------------------------------
 */

static int cancel_scope(void *scope, void **result)
{
    (void)result;
    co_scope_cancel(scope, -EINTR, "the canceller said so");
    return 0;
}

CO_TEST(a_cancelled_scope_tells_who_cancelled_it_where_and_why)
{
    struct co_scope scope;

    co_scope_enter(&scope, CO_SECOND);
    assert_ok(co_create_task("canceller", cancel_scope, &scope, NULL));
    int rc = co_sleep(CO_SECOND);
    ck_assert_int_eq(co_scope_exit(&scope, rc), -EINTR);
    ck_assert_str_eq(scope.why, "the canceller said so");
    ck_assert_str_eq(scope.cancelled_by, "canceller");
    ck_assert_ptr_nonnull(strstr(scope.cancelled_at, "test_scope.c:"));
    ck_assert_ptr_nonnull(strstr(scope.site, "test_scope.c:"));
}

CO_TEST(behind_a_deadline_there_is_nobody)
{
    struct co_scope scope;

    co_scope_enter(&scope, CO_SECOND);
    ck_assert_int_eq(co_sleep(2 * CO_SECOND), -ECANCELED);
    ck_assert_int_eq(co_scope_exit(&scope, -ECANCELED), -ETIMEDOUT);
    ck_assert_str_eq(scope.why, "its deadline passed");
    ck_assert_ptr_null(scope.cancelled_by);
    ck_assert_ptr_null(scope.cancelled_at);
}

static void cancel_from_the_loop(void *scope)
{
    co_scope_cancel(scope, 0, "a call from outside");
}

CO_TEST(a_cancel_from_outside_of_any_task_has_a_place_but_no_name)
{
    struct co_scope scope;

    co_scope_enter(&scope, CO_SECOND);
    assert_ok(co_loop_call(co_self()->loop, cancel_from_the_loop, &scope));
    int rc = co_sleep(CO_SECOND);
    assert_ok(co_scope_exit(&scope, rc));
    ck_assert_ptr_null(scope.cancelled_by);
    ck_assert_ptr_nonnull(strstr(scope.cancelled_at, "test_scope.c:"));
}

static int leave_the_outer_first(void *arg, void **result)
{
    struct co_scope outer, inner;

    (void)arg, (void)result;
    co_scope_enter(&outer, CO_NEVER);
    co_scope_enter(&inner, CO_NEVER);
    return co_scope_exit(&outer, 0);
}

static int leave_that_of_another(void *arg, void **result)
{
    struct co_scope scope;
    struct co_task *task;

    (void)arg, (void)result;
    assert_ok(co_create_task("sleeper", sleep_in_scope, &scope, &task));
    assert_ok(co_sleep(0));
    return co_scope_exit(&scope, 0);
}

static co_fn *misused;

static void misuse(void)
{
    (void)co_run(misused, NULL, NULL);
}

START_TEST(leaving_a_scope_that_was_not_entered_last_ends_the_process)
{
    static co_fn *const misuses[] = {leave_the_outer_first, leave_that_of_another};

    misused = misuses[_i];
    assert_dies(misuse, SIGABRT, "test_scope.c");
    assert_dies(misuse, SIGABRT, "was not entered last");
}
END_TEST

Suite *suite_co_scope(void);

Suite *suite_co_scope(void)
{
    Suite *suite = suite_create("co_scope");
    TCase *level = tcase_create("level"), *who = tcase_create("who");
    TCase *cancel = tcase_create("cancel"), *shield = tcase_create("shield");
    TCase *tree = tcase_create("tree"), *misuses = tcase_create("misuse");

    tcase_add_test(level, inside_a_cancelled_scope_every_call_fails_until_it_is_left);
    tcase_add_test(level, a_scope_entered_in_a_cancelled_one_is_cancelled);
    tcase_add_test(level, a_checkpoint_lets_nobody_else_run);
    suite_add_tcase(suite, level);

    tcase_add_test(cancel, whoever_holds_a_scope_can_cancel_it_and_says_what_it_returns);
    tcase_add_test(cancel, only_the_first_cancel_counts);
    tcase_add_test(cancel, a_call_that_succeeded_in_the_turn_of_the_cancel_keeps_its_result);
    tcase_add_test(cancel, a_call_that_was_cancelled_first_does_not_succeed_as_well);
    tcase_add_test(cancel, data_that_comes_in_the_turn_of_the_deadline_wins);
    suite_add_tcase(suite, cancel);

    tcase_add_test(who, a_cancelled_scope_tells_who_cancelled_it_where_and_why);
    tcase_add_test(who, behind_a_deadline_there_is_nobody);
    tcase_add_test(who, a_cancel_from_outside_of_any_task_has_a_place_but_no_name);
    suite_add_tcase(suite, who);

    tcase_add_test(shield, a_shield_keeps_outer_cancels_out_until_it_is_left);
    tcase_add_test(shield, a_shield_entered_in_a_cancelled_scope_lets_clean_up_block);
    tcase_add_test(shield, the_deadline_of_a_shield_itself_does_come_in);
    tcase_add_test(shield, a_scope_inside_a_shield_has_its_own_deadline);
    tcase_add_test(shield, a_task_asleep_in_a_shield_hears_of_a_cancel_afterwards);
    suite_add_tcase(suite, shield);

    tcase_add_test(tree, a_cancel_reaches_all_tasks_below);
    tcase_add_test(tree, a_cancel_reaches_the_end_of_a_chain_of_a_thousand_tasks);
    tcase_add_test(tree, a_cancel_stays_away_from_tasks_behind_a_shield);
    tcase_add_test(tree, a_scope_inside_a_group_does_not_cancel_the_tasks_of_the_group);
    tcase_add_test(tree, any_nest_of_scopes_follows_the_rules);
    suite_add_tcase(suite, tree);

    tcase_add_loop_test(misuses, leaving_a_scope_that_was_not_entered_last_ends_the_process, 0, 2);
    suite_add_tcase(suite, misuses);
    return suite;
}
