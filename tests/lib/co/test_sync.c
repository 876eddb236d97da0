#include <errno.h>
#include <pthread.h>
#include <signal.h>

#include "tests/support/death.h"
#include "tests/support/random.h"
#include "tests/support/runtime.h"

/* --- Semaphores ---------------------------------------------------------------------------------
 */

struct visitor {
    struct co_semaphore *semaphore;
    char letter;
    struct co_task *task;
};

/* Notes a capital letter for a permit that was got, a small one for one that was not. */
static int visit(void *arg, void **result)
{
    const struct visitor *visitor = arg;
    int rc = co_semaphore_acquire(visitor->semaphore);

    (void)result;
    note(rc == 0 ? visitor->letter : (char)(visitor->letter + 'a' - 'A'));
    if (rc == 0)
        co_semaphore_release(visitor->semaphore);
    return rc;
}

static void start_visitors(struct visitor *visitors, int n, struct co_semaphore *semaphore)
{
    for (int i = 0; i < n; i++) {
        visitors[i] = (struct visitor){semaphore, (char)('A' + i), NULL};
        assert_ok(co_create_task("visitor", visit, &visitors[i], &visitors[i].task));
    }
    settle();
}

static void forget_visitors(struct visitor *visitors, int n)
{
    settle();
    for (int i = 0; i < n; i++) {
        ck_assert(co_task_is_done(visitors[i].task));
        co_task_unref(visitors[i].task);
    }
}

CO_TEST(there_are_as_many_permits_as_were_given)
{
    struct co_semaphore semaphore;
    struct co_scope scope;

    co_semaphore_init(&semaphore, 3);
    for (int i = 0; i < 3; i++)
        assert_ok(co_semaphore_acquire(&semaphore));
    co_scope_enter(&scope, CO_SECOND);
    int rc = co_semaphore_acquire(&semaphore);
    ck_assert_int_eq(co_scope_exit(&scope, rc), -ETIMEDOUT);
    co_semaphore_release(&semaphore);
    assert_ok(co_semaphore_acquire(&semaphore));
}

CO_TEST(permits_go_to_who_waited_longest)
{
    struct co_semaphore semaphore;
    struct visitor visitors[4];

    co_semaphore_init(&semaphore, 0);
    start_visitors(visitors, 4, &semaphore);
    co_semaphore_release(&semaphore);
    forget_visitors(visitors, 4);
    ck_assert_str_eq(trace, "ABCD");
    ck_assert_uint_eq(semaphore.n_free, 1);
}

CO_TEST(nobody_slips_in_before_who_was_handed_the_permit)
{
    struct co_semaphore semaphore;
    struct visitor visitors[2];

    co_semaphore_init(&semaphore, 0);
    start_visitors(visitors, 2, &semaphore);
    co_semaphore_release(&semaphore);
    assert_ok(co_semaphore_acquire(&semaphore));
    ck_assert_str_eq(trace, "AB");
    forget_visitors(visitors, 2);
}

CO_TEST(a_cancelled_waiter_leaves_the_permit_to_the_next)
{
    struct co_semaphore semaphore;
    struct visitor visitors[3];

    co_semaphore_init(&semaphore, 0);
    start_visitors(visitors, 3, &semaphore);
    co_cancel(visitors[0].task, "before the release, in the same turn");
    co_semaphore_release(&semaphore);
    forget_visitors(visitors, 3);
    ck_assert_str_eq(trace, "aBC");
    ck_assert_uint_eq(semaphore.n_free, 1);
}

CO_TEST(a_waiter_cancelled_after_it_was_handed_the_permit_holds_it)
{
    struct co_semaphore semaphore;
    struct visitor visitors[3];

    co_semaphore_init(&semaphore, 0);
    start_visitors(visitors, 3, &semaphore);
    co_semaphore_release(&semaphore);
    co_cancel(visitors[0].task, "after the release, in the same turn");
    forget_visitors(visitors, 3);
    ck_assert_str_eq(trace, "ABC");
    ck_assert_uint_eq(semaphore.n_free, 1);
}

CO_TEST(a_cancelled_waiter_in_the_middle_leaves_the_line)
{
    struct co_semaphore semaphore;
    struct visitor visitors[4];

    co_semaphore_init(&semaphore, 0);
    start_visitors(visitors, 4, &semaphore);
    co_cancel(visitors[2].task, "left the line");
    settle();
    co_semaphore_release(&semaphore);
    forget_visitors(visitors, 4);
    ck_assert_str_eq(trace, "cABD");
}

CO_TEST(acquiring_is_where_a_cancel_arrives_even_if_a_permit_is_free)
{
    struct co_semaphore semaphore;
    struct co_scope scope;

    co_semaphore_init(&semaphore, 1);
    co_scope_enter(&scope, 0);
    ck_assert_int_eq(co_semaphore_acquire(&semaphore), -ECANCELED);
    co_scope_exit(&scope, 0);
    ck_assert_uint_eq(semaphore.n_free, 1);
}

/* --- Any mix of visitors who give up, against the number of permits -----------------------------
 */

enum { N_PERMITS = 3, N_WANDERERS = 20, N_VISITS = 50 };

static struct co_semaphore rooms;
static struct random chance;
static unsigned n_inside, n_got, n_given_up;

static int wander(void *arg, void **result)
{
    (void)arg, (void)result;
    for (int i = 0; i < N_VISITS; i++) {
        struct co_scope scope;
        co_scope_enter(&scope, random_below(&chance, 30) * CO_MILLISECOND);
        int rc = co_semaphore_acquire(&rooms);
        if (rc == 0) {
            n_got++;
            ck_assert_uint_le(++n_inside, N_PERMITS);
            rc = co_sleep(random_below(&chance, 5) * CO_MILLISECOND);
            n_inside--;
            co_semaphore_release(&rooms);
        } else {
            n_given_up++;
        }
        rc = co_scope_exit(&scope, rc);
        ck_assert(rc == 0 || rc == -ETIMEDOUT);
    }
    return 0;
}

CO_TEST(no_permit_is_lost_or_made_whoever_gives_up)
{
    struct co_group group;

    chance = (struct random){(uint64_t)_i};
    n_inside = n_got = n_given_up = 0;
    co_semaphore_init(&rooms, N_PERMITS);
    co_group_enter(&group, CO_NEVER);
    for (int i = 0; i < N_WANDERERS; i++)
        assert_ok(co_group_spawn(&group, "wanderer", wander, NULL, NULL));
    assert_ok(co_group_exit(&group, 0));
    ck_assert_uint_eq(rooms.n_free, N_PERMITS);
    ck_assert_uint_gt(n_got, 100);
    ck_assert_uint_gt(n_given_up, 100);
}

/* --- Events -------------------------------------------------------------------------------------
 */

struct guest {
    struct co_event *event;
    char letter;
};

static int wait_and_note(void *arg, void **result)
{
    const struct guest *guest = arg;
    int rc = co_event_wait(guest->event);

    (void)result;
    note(guest->letter);
    return rc;
}

CO_TEST(setting_an_event_wakes_all_in_order)
{
    struct co_event event;
    struct guest guests[3];

    co_event_init(&event);
    for (int i = 0; i < 3; i++) {
        guests[i] = (struct guest){&event, (char)('a' + i)};
        assert_ok(co_create_task("guest", wait_and_note, &guests[i], NULL));
    }
    settle();
    ck_assert_str_eq(trace, "");
    co_event_set(&event);
    settle();
    ck_assert_str_eq(trace, "abc");
}

CO_TEST(who_comes_after_an_event_was_set_does_not_wait)
{
    struct co_event event;

    co_event_init(&event);
    co_event_set(&event);
    assert_ok(co_event_wait(&event));
    assert_ok(co_event_wait(&event));
}

CO_TEST(who_waited_is_woken_even_if_the_event_is_cleared_at_once)
{
    struct co_event event;
    struct guest early = {&event, 'e'}, late = {&event, 'l'};

    co_event_init(&event);
    assert_ok(co_create_task("early", wait_and_note, &early, NULL));
    settle();
    co_event_set(&event);
    co_event_clear(&event);
    assert_ok(co_create_task("late", wait_and_note, &late, NULL));
    settle();
    ck_assert_str_eq(trace, "e");
    co_event_set(&event);
    settle();
    ck_assert_str_eq(trace, "el");
}

CO_TEST(waiting_is_where_a_cancel_arrives_even_if_the_event_is_set)
{
    struct co_event event;
    struct co_scope scope;

    co_event_init(&event);
    co_event_set(&event);
    co_scope_enter(&scope, 0);
    ck_assert_int_eq(co_event_wait(&event), -ECANCELED);
    co_scope_exit(&scope, 0);
}

static void *set_event(void *event)
{
    co_event_set(event);
    return NULL;
}

static int wait_for_a_thread(void *arg, void **result)
{
    struct co_event event;
    struct guest guest = {&event, 'a'};
    pthread_t thread;

    (void)arg, (void)result;
    co_event_init(&event);
    assert_ok(co_create_task("guest", wait_and_note, &guest, NULL));
    settle();
    assert_ok(pthread_create(&thread, NULL, set_event, &event));
    return pthread_join(thread, NULL);
}

static void wake_from_a_thread(void)
{
    (void)co_run(wait_for_a_thread, NULL, NULL);
}

START_TEST(waking_a_task_from_another_thread_ends_the_process)
{
    assert_dies(wake_from_a_thread, SIGABRT, "is woken from outside of its loop");
}
END_TEST

Suite *suite_co_sync(void);

Suite *suite_co_sync(void)
{
    Suite *suite = suite_create("co_sync");
    TCase *semaphore = tcase_create("semaphore"), *event = tcase_create("event");

    tcase_add_test(semaphore, there_are_as_many_permits_as_were_given);
    tcase_add_test(semaphore, permits_go_to_who_waited_longest);
    tcase_add_test(semaphore, nobody_slips_in_before_who_was_handed_the_permit);
    tcase_add_test(semaphore, a_cancelled_waiter_leaves_the_permit_to_the_next);
    tcase_add_test(semaphore, a_waiter_cancelled_after_it_was_handed_the_permit_holds_it);
    tcase_add_test(semaphore, a_cancelled_waiter_in_the_middle_leaves_the_line);
    tcase_add_test(semaphore, acquiring_is_where_a_cancel_arrives_even_if_a_permit_is_free);
    tcase_add_loop_test(semaphore, no_permit_is_lost_or_made_whoever_gives_up, 0, 10);
    suite_add_tcase(suite, semaphore);

    tcase_add_test(event, setting_an_event_wakes_all_in_order);
    tcase_add_test(event, who_comes_after_an_event_was_set_does_not_wait);
    tcase_add_test(event, who_waited_is_woken_even_if_the_event_is_cleared_at_once);
    tcase_add_test(event, waiting_is_where_a_cancel_arrives_even_if_the_event_is_set);
    tcase_add_test(event, waking_a_task_from_another_thread_ends_the_process);
    suite_add_tcase(suite, event);
    return suite;
}
