#include <errno.h>
#include <signal.h>

#include "tests/support/death.h"
#include "tests/support/random.h"
#include "tests/support/runtime.h"

static struct co_lock lock;
static struct co_condition condition;

struct waiter {
    char letter;
    struct co_task *task;
};

/* Notes a capital letter for a notification, a small one for a cancel. Whichever it was, the lock
 * must be held afterwards. */
static int wait_for_condition(void *arg, void **result)
{
    const struct waiter *waiter = arg;

    (void)result;
    assert_ok(co_lock_acquire(&lock));
    int rc = co_condition_wait(&condition, &lock);
    ck_assert_ptr_eq(lock.owner, co_self());
    note(rc == 0 ? waiter->letter : (char)(waiter->letter + 'a' - 'A'));
    co_lock_release(&lock);
    return rc;
}

static void start(struct waiter *waiters, int n)
{
    for (int i = 0; i < n; i++) {
        waiters[i].letter = (char)('A' + i);
        assert_ok(co_create_task("waiter", wait_for_condition, &waiters[i], &waiters[i].task));
    }
    settle();
    ck_assert_str_eq(trace, "");
}

static void forget(struct waiter *waiters, int n)
{
    settle();
    for (int i = 0; i < n; i++) {
        ck_assert(co_task_is_done(waiters[i].task));
        co_task_unref(waiters[i].task);
    }
}

/* A line of tasks that wait for the condition, the lock being free. */
static void start_waiting(struct waiter *waiters, int n)
{
    co_lock_init(&lock);
    co_condition_init(&condition);
    start(waiters, n);
    ck_assert_ptr_null(lock.owner);
}

static void notify(size_t n)
{
    assert_ok(co_lock_acquire(&lock));
    co_condition_notify(&condition, n);
    co_lock_release(&lock);
}

CO_TEST(as_many_are_woken_as_are_notified_in_order)
{
    struct waiter waiters[4];

    start_waiting(waiters, 4);
    notify(1);
    settle();
    ck_assert_str_eq(trace, "A");
    notify(2);
    settle();
    ck_assert_str_eq(trace, "ABC");
    notify(100);
    forget(waiters, 4);
    ck_assert_str_eq(trace, "ABCD");
}

CO_TEST(all_can_be_notified_at_once)
{
    struct waiter waiters[4];

    start_waiting(waiters, 4);
    assert_ok(co_lock_acquire(&lock));
    co_condition_notify_all(&condition);
    co_lock_release(&lock);
    forget(waiters, 4);
    ck_assert_str_eq(trace, "ABCD");
}

CO_TEST(a_notification_without_anybody_to_hear_it_is_gone)
{
    struct waiter waiter;

    co_lock_init(&lock);
    co_condition_init(&condition);
    notify(1);
    start(&waiter, 1);
    notify(1);
    forget(&waiter, 1);
    ck_assert_str_eq(trace, "A");
}

CO_TEST(who_is_notified_goes_on_when_the_lock_is_let_go)
{
    struct waiter waiter;

    start_waiting(&waiter, 1);
    assert_ok(co_lock_acquire(&lock));
    co_condition_notify(&condition, 1);
    settle();
    ck_assert_str_eq(trace, "");
    co_lock_release(&lock);
    forget(&waiter, 1);
    ck_assert_str_eq(trace, "A");
}

CO_TEST(after_a_cancelled_wait_for_a_condition_the_lock_is_held_again)
{
    struct waiter waiter;

    start_waiting(&waiter, 1);
    co_cancel(waiter.task, "enough");
    forget(&waiter, 1);
    ck_assert_str_eq(trace, "a");
    ck_assert_ptr_null(lock.owner);
}

CO_TEST(getting_the_lock_back_cannot_be_cancelled)
{
    struct waiter waiter;

    start_waiting(&waiter, 1);
    assert_ok(co_lock_acquire(&lock));
    co_cancel(waiter.task, "while somebody else holds the lock");
    settle();
    co_cancel(waiter.task, "again");
    settle();
    ck_assert_str_eq(trace, "");
    co_lock_release(&lock);
    forget(&waiter, 1);
    ck_assert_str_eq(trace, "a");
}

CO_TEST(a_notification_goes_to_the_next_when_the_first_was_cancelled_in_the_same_turn)
{
    struct waiter waiters[3];

    start_waiting(waiters, 3);
    co_cancel(waiters[0].task, "before the notification");
    notify(1);
    settle();
    ck_assert_str_eq(trace, "aB");
    notify(1);
    forget(waiters, 3);
    ck_assert_str_eq(trace, "aBC");
}

CO_TEST(who_was_notified_before_it_was_cancelled_keeps_the_notification)
{
    struct waiter waiters[2];

    start_waiting(waiters, 2);
    notify(1);
    co_cancel(waiters[0].task, "after the notification");
    settle();
    ck_assert_str_eq(trace, "A");
    notify(1);
    forget(waiters, 2);
    ck_assert_str_eq(trace, "AB");
}

static int acquire_and_note(void *arg, void **result)
{
    int rc = co_lock_acquire(&lock);

    (void)arg, (void)result;
    note('!');
    co_lock_release(&lock);
    return rc;
}

/* For "no effect" includes that nobody else had the lock meanwhile. */
CO_TEST(who_is_cancelled_already_does_not_even_let_the_lock_go)
{
    struct co_scope scope;

    co_lock_init(&lock);
    co_condition_init(&condition);
    assert_ok(co_lock_acquire(&lock));
    assert_ok(co_create_task("other", acquire_and_note, NULL, NULL));
    settle();
    co_scope_enter(&scope, 0);
    for (int i = 0; i < 10; i++)
        ck_assert_int_eq(co_condition_wait(&condition, &lock), -ECANCELED);
    co_scope_exit(&scope, 0);
    ck_assert_str_eq(trace, "");
    co_lock_release(&lock);
    settle();
    ck_assert_str_eq(trace, "!");
}

/* --- Any mix of tasks that give up --------------------------------------------------------------
 */

/* A store of one piece, kept by a lock and two conditions, as in the textbooks. */
static struct co_condition is_full, is_empty;
static bool is_there;
static unsigned n_made, n_used;
static struct random chance;

static int exchange(struct co_condition *mine, struct co_condition *theirs, bool wanted)
{
    int rc = co_lock_acquire(&lock);

    if (rc < 0)
        return rc;
    while (rc == 0 && is_there != wanted)
        rc = co_condition_wait(mine, &lock);
    if (rc == 0) {
        is_there = !wanted;
        co_condition_notify(theirs, 1);
    }
    co_lock_release(&lock);
    return rc;
}

static int exchange_in_time(struct co_condition *mine, struct co_condition *theirs, bool wanted)
{
    struct co_scope scope;

    co_scope_enter(&scope, random_below(&chance, 5) * CO_MILLISECOND);
    int rc = exchange(mine, theirs, wanted);
    return co_scope_exit(&scope, rc);
}

static int make(void *arg, void **result)
{
    int rc = 0;

    (void)arg, (void)result;
    while (rc == 0 && n_made < 1000) {
        n_made += exchange_in_time(&is_empty, &is_full, false) == 0;
        rc = co_sleep(random_below(&chance, 3) * CO_MILLISECOND);
    }
    return rc;
}

static int use(void *arg, void **result)
{
    int rc = 0;

    (void)arg, (void)result;
    while (rc == 0 && n_used < 1000) {
        n_used += exchange_in_time(&is_full, &is_empty, true) == 0;
        rc = co_sleep(random_below(&chance, 3) * CO_MILLISECOND);
    }
    return rc;
}

CO_TEST(no_notification_is_lost_whoever_gives_up)
{
    struct co_group group;

    chance = (struct random){(uint64_t)_i};
    n_made = n_used = 0;
    is_there = false;
    co_lock_init(&lock);
    co_condition_init(&is_full);
    co_condition_init(&is_empty);
    co_group_enter(&group, CO_NEVER);
    for (int i = 0; i < 5; i++) {
        assert_ok(co_group_spawn(&group, "maker", make, NULL, NULL));
        assert_ok(co_group_spawn(&group, "user", use, NULL, NULL));
    }
    assert_ok(co_group_exit(&group, 0));
    ck_assert_uint_eq(n_made, n_used + is_there);
}

/* --- Misuse -------------------------------------------------------------------------------------
 */

static int wait_without_the_lock(void *arg, void **result)
{
    (void)arg, (void)result;
    co_lock_init(&lock);
    co_condition_init(&condition);
    return co_condition_wait(&condition, &lock);
}

static void misuse(void)
{
    (void)co_run(wait_without_the_lock, NULL, NULL);
}

START_TEST(waiting_without_the_lock_ends_the_process)
{
    assert_dies(misuse, SIGABRT, "waits for a condition with a lock that nobody holds");
}
END_TEST

Suite *suite_co_condition(void);

Suite *suite_co_condition(void)
{
    Suite *suite = suite_create("co_condition");
    TCase *tcase = tcase_create("condition");

    tcase_add_test(tcase, as_many_are_woken_as_are_notified_in_order);
    tcase_add_test(tcase, all_can_be_notified_at_once);
    tcase_add_test(tcase, a_notification_without_anybody_to_hear_it_is_gone);
    tcase_add_test(tcase, who_is_notified_goes_on_when_the_lock_is_let_go);
    tcase_add_test(tcase, after_a_cancelled_wait_for_a_condition_the_lock_is_held_again);
    tcase_add_test(tcase, getting_the_lock_back_cannot_be_cancelled);
    tcase_add_test(tcase,
                   a_notification_goes_to_the_next_when_the_first_was_cancelled_in_the_same_turn);
    tcase_add_test(tcase, who_was_notified_before_it_was_cancelled_keeps_the_notification);
    tcase_add_test(tcase, who_is_cancelled_already_does_not_even_let_the_lock_go);
    tcase_add_loop_test(tcase, no_notification_is_lost_whoever_gives_up, 0, 10);
    tcase_add_test(tcase, waiting_without_the_lock_ends_the_process);
    suite_add_tcase(suite, tcase);
    return suite;
}
