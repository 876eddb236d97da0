#include <errno.h>
#include <signal.h>

#include "lib/co/runtime.h"
#include "tests/support/death.h"
#include "tests/support/random.h"
#include "tests/support/reports.h"
#include "tests/support/runtime.h"

static struct co_lock lock;

struct visitor {
    char letter;
    struct co_task *task;
};

/* Notes a capital letter for a lock that was got, a small one for one that was not. */
static void note_outcome(const struct visitor *visitor, int rc)
{
    note(rc == 0 ? visitor->letter : (char)(visitor->letter + 'a' - 'A'));
}

static int visit(void *arg, void **result)
{
    int rc = co_lock_acquire(&lock);

    (void)result;
    note_outcome(arg, rc);
    if (rc == 0)
        co_lock_release(&lock);
    return rc;
}

static void start(struct visitor *visitors, int n, co_fn *fn)
{
    for (int i = 0; i < n; i++) {
        visitors[i].letter = (char)('A' + i);
        assert_ok(co_create_task("visitor", fn, &visitors[i], &visitors[i].task));
    }
    settle();
}

static void forget(struct visitor *visitors, int n)
{
    settle();
    for (int i = 0; i < n; i++) {
        ck_assert(co_task_is_done(visitors[i].task));
        co_task_unref(visitors[i].task);
    }
}

/* The lock, held by the test, and a line of visitors who wait for it. */
static void take_and_start(struct visitor *visitors, int n)
{
    co_lock_init(&lock);
    assert_ok(co_lock_acquire(&lock));
    start(visitors, n, visit);
    ck_assert_str_eq(trace, "");
}

/* --- Locks --------------------------------------------------------------------------------------
 */

CO_TEST(a_lock_that_was_released_can_be_taken_again)
{
    co_lock_init(&lock);
    for (int i = 0; i < 3; i++) {
        assert_ok(co_lock_acquire(&lock));
        ck_assert_ptr_eq(lock.owner, co_self());
        co_lock_release(&lock);
        ck_assert_ptr_null(lock.owner);
    }
}

CO_TEST(a_lock_goes_to_who_waited_longest)
{
    struct visitor visitors[4];

    take_and_start(visitors, 4);
    co_lock_release(&lock);
    forget(visitors, 4);
    ck_assert_str_eq(trace, "ABCD");
    ck_assert_ptr_null(lock.owner);
}

CO_TEST(nobody_slips_in_before_who_was_handed_the_lock)
{
    struct visitor visitors[2];

    take_and_start(visitors, 2);
    co_lock_release(&lock);
    assert_ok(co_lock_acquire(&lock));
    ck_assert_str_eq(trace, "AB");
    co_lock_release(&lock);
    forget(visitors, 2);
}

CO_TEST(a_waiter_cancelled_in_the_turn_of_the_release_leaves_the_lock_to_the_next)
{
    struct visitor visitors[3];

    take_and_start(visitors, 3);
    co_cancel(visitors[0].task, "before the release, in the same turn");
    co_lock_release(&lock);
    forget(visitors, 3);
    ck_assert_str_eq(trace, "aBC");
    ck_assert_ptr_null(lock.owner);
}

CO_TEST(a_waiter_cancelled_after_it_was_handed_the_lock_holds_it)
{
    struct visitor visitors[3];

    take_and_start(visitors, 3);
    co_lock_release(&lock);
    co_cancel(visitors[0].task, "after the release, in the same turn");
    forget(visitors, 3);
    ck_assert_str_eq(trace, "ABC");
    ck_assert_ptr_null(lock.owner);
}

CO_TEST(a_cancelled_waiter_in_the_middle_leaves_the_line)
{
    struct visitor visitors[4];

    take_and_start(visitors, 4);
    co_cancel(visitors[2].task, "left the line");
    settle();
    co_lock_release(&lock);
    forget(visitors, 4);
    ck_assert_str_eq(trace, "cABD");
}

CO_TEST(taking_a_lock_is_where_a_cancel_arrives_even_if_it_is_free)
{
    struct co_scope scope;

    co_lock_init(&lock);
    co_scope_enter(&scope, 0);
    ck_assert_int_eq(co_lock_acquire(&lock), -ECANCELED);
    co_scope_exit(&scope, 0);
    ck_assert_ptr_null(lock.owner);
}

CO_TEST(waiting_for_a_lock_one_holds_is_answered)
{
    co_lock_init(&lock);
    assert_ok(co_lock_acquire(&lock));
    ck_assert_int_eq(co_lock_acquire(&lock), -EDEADLK);
    co_lock_release(&lock);
    ck_assert_ptr_null(lock.owner);
}

CO_TEST(it_is_known_whom_a_waiter_waits_for)
{
    struct visitor visitor;

    take_and_start(&visitor, 1);
    const struct co_wait_kind *kind = visitor.task->waits_for;
    ck_assert_str_eq(kind->word, "lock");
    ck_assert_ptr_eq(kind->holder(visitor.task->waits_on), co_self());
    co_lock_release(&lock);
    forget(&visitor, 1);
}

static int take_both(void *arg, void **result)
{
    struct co_lock *const *forks = arg;

    (void)result;
    assert_ok(co_lock_acquire(forks[0]));
    int rc = co_sleep(0);
    if (rc == 0)
        rc = co_lock_acquire(forks[1]);
    co_lock_release(forks[0]);
    return rc;
}

static int dine(void *arg, void **result)
{
    struct co_lock forks[2];
    struct co_lock *left[] = {&forks[0], &forks[1]}, *right[] = {&forks[1], &forks[0]};
    struct co_group group;

    (void)arg, (void)result;
    co_lock_init(&forks[0]);
    co_lock_init(&forks[1]);
    co_group_enter(&group, CO_NEVER);
    assert_ok(co_group_spawn(&group, "left", take_both, left, NULL));
    assert_ok(co_group_spawn(&group, "right", take_both, right, NULL));
    return co_group_exit(&group, 0);
}

START_TEST(a_deadlock_of_two_names_both_and_what_they_hold)
{
    struct co_loop *loop;

    forget_reports();
    assert_ok(co_loop_new(&loop, &(struct co_loop_options){.report = collect_report}));
    ck_assert_int_eq(co_loop_run_until_complete(loop, dine, NULL, NULL), -EDEADLK);
    co_loop_free(loop);
    ck_assert_uint_eq(n_reports, 3);
    assert_reported(1, CO_REPORT_DEADLOCK, "task left (");
    assert_reported(1, CO_REPORT_DEADLOCK, "waits for lock held by task right (");
    assert_reported(2, CO_REPORT_DEADLOCK, "task right (");
    assert_reported(2, CO_REPORT_DEADLOCK, "waits for lock held by task left (");
}
END_TEST

/* --- Any mix of tasks that give up --------------------------------------------------------------
 */

enum { N_WANDERERS = 20, N_VISITS = 50 };

static struct random chance;
static unsigned n_inside, n_got, n_given_up;

static int stay_inside(void)
{
    n_got++;
    ck_assert_uint_eq(++n_inside, 1);
    int rc = co_sleep(random_below(&chance, 3) * CO_MILLISECOND);
    n_inside--;
    return rc;
}

static int wander(void *arg, void **result)
{
    (void)arg, (void)result;
    for (int i = 0; i < N_VISITS; i++) {
        struct co_scope scope;
        co_scope_enter(&scope, random_below(&chance, 30) * CO_MILLISECOND);
        int rc = co_lock_acquire(&lock);
        if (rc == 0) {
            rc = stay_inside();
            co_lock_release(&lock);
        } else {
            n_given_up++;
        }
        rc = co_scope_exit(&scope, rc);
        ck_assert(rc == 0 || rc == -ETIMEDOUT);
    }
    return 0;
}

CO_TEST(one_holds_the_lock_at_a_time_whoever_gives_up)
{
    struct co_group group;

    chance = (struct random){(uint64_t)_i};
    n_inside = n_got = n_given_up = 0;
    co_lock_init(&lock);
    co_group_enter(&group, CO_NEVER);
    for (int i = 0; i < N_WANDERERS; i++)
        assert_ok(co_group_spawn(&group, "wanderer", wander, NULL, NULL));
    assert_ok(co_group_exit(&group, 0));
    ck_assert_ptr_null(lock.owner);
    ck_assert_uint_gt(n_got, 100);
    ck_assert_uint_gt(n_given_up, 100);
}

/* --- Misuse -------------------------------------------------------------------------------------
 */

static int release_what_is_free(void *arg, void **result)
{
    (void)arg, (void)result;
    co_lock_init(&lock);
    co_lock_release(&lock);
    return 0;
}

static int release(void *arg, void **result)
{
    (void)arg, (void)result;
    co_lock_release(&lock);
    return 0;
}

static int let_another_release(void *arg, void **result)
{
    (void)arg, (void)result;
    co_lock_init(&lock);
    assert_ok(co_lock_acquire(&lock));
    assert_ok(co_create_task("thief", release, NULL, NULL));
    return co_sleep(CO_SECOND);
}

static int end_with_the_lock(void *arg, void **result)
{
    (void)arg, (void)result;
    co_lock_init(&lock);
    return co_lock_acquire(&lock);
}

static const struct {
    co_fn *fn;
    const char *sentence;
} misuses[] = {
    {release_what_is_free, "releases a lock that nobody holds"},
    {let_another_release, "releases a lock that task main"},
    {end_with_the_lock, "ended while it held a lock"},
};

static co_fn *misused;

static void misuse(void)
{
    (void)co_run(misused, NULL, NULL);
}

START_TEST(misuse_of_a_lock_ends_the_process_with_a_sentence)
{
    misused = misuses[_i].fn;
    assert_dies(misuse, SIGABRT, misuses[_i].sentence);
}
END_TEST

Suite *suite_co_lock(void);

Suite *suite_co_lock(void)
{
    Suite *suite = suite_create("co_lock");
    TCase *locks = tcase_create("lock"), *misuse_case = tcase_create("misuse");

    tcase_add_test(locks, a_lock_that_was_released_can_be_taken_again);
    tcase_add_test(locks, a_lock_goes_to_who_waited_longest);
    tcase_add_test(locks, nobody_slips_in_before_who_was_handed_the_lock);
    tcase_add_test(locks,
                   a_waiter_cancelled_in_the_turn_of_the_release_leaves_the_lock_to_the_next);
    tcase_add_test(locks, a_waiter_cancelled_after_it_was_handed_the_lock_holds_it);
    tcase_add_test(locks, a_cancelled_waiter_in_the_middle_leaves_the_line);
    tcase_add_test(locks, taking_a_lock_is_where_a_cancel_arrives_even_if_it_is_free);
    tcase_add_test(locks, waiting_for_a_lock_one_holds_is_answered);
    tcase_add_test(locks, it_is_known_whom_a_waiter_waits_for);
    tcase_add_test(locks, a_deadlock_of_two_names_both_and_what_they_hold);
    tcase_add_loop_test(locks, one_holds_the_lock_at_a_time_whoever_gives_up, 0, 10);
    suite_add_tcase(suite, locks);

    tcase_add_loop_test(misuse_case, misuse_of_a_lock_ends_the_process_with_a_sentence, 0,
                        sizeof(misuses) / sizeof(*misuses));
    suite_add_tcase(suite, misuse_case);
    return suite;
}
