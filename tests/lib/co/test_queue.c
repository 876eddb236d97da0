#include <errno.h>
#include <signal.h>

#include "tests/support/death.h"
#include "tests/support/fault.h"
#include "tests/support/random.h"
#include "tests/support/runtime.h"

static struct co_queue queue;
static int items[10]; /* pointed to, never looked at */

/* Notes the number of the item it got, or a dash. */
static int get_one(void *arg, void **result)
{
    void *item = NULL;
    int rc = co_queue_get(&queue, &item);

    (void)arg, (void)result;
    note(rc == 0 ? (char)('0' + ((int *)item - items)) : '-');
    return rc;
}

/* Notes a plus when the item went in, a dash when it did not. */
static int put_one(void *item, void **result)
{
    int rc = co_queue_put(&queue, item);

    (void)result;
    note(rc == 0 ? '+' : '-');
    return rc;
}

static struct co_task *start(co_fn *fn, void *arg)
{
    struct co_task *task;

    assert_ok(co_create_task("task", fn, arg, &task));
    settle();
    return task;
}

static void put(int i)
{
    assert_ok(co_queue_put(&queue, &items[i]));
}

static void assert_next_is(int i)
{
    void *item = NULL;

    assert_ok(co_queue_get(&queue, &item));
    ck_assert_ptr_eq(item, &items[i]);
}

CO_TEST(items_leave_in_the_order_they_came_in)
{
    assert_ok(co_queue_init(&queue, 3));
    for (int round = 0; round < 5; round++) {
        put(0);
        put(1);
        assert_next_is(0);
        put(2);
        put(3);
        for (int i = 1; i <= 3; i++)
            assert_next_is(i);
    }
    co_queue_done(&queue);
}

CO_TEST(a_getter_waits_for_an_item)
{
    assert_ok(co_queue_init(&queue, 1));
    struct co_task *getter = start(get_one, NULL);
    ck_assert_str_eq(trace, "");
    put(4);
    assert_ok(co_task_await(getter, NULL));
    ck_assert_str_eq(trace, "4");
    co_task_unref(getter);
    co_queue_done(&queue);
}

CO_TEST(a_putter_waits_for_room)
{
    assert_ok(co_queue_init(&queue, 1));
    put(0);
    struct co_task *putter = start(put_one, &items[1]);
    ck_assert_str_eq(trace, "");
    assert_next_is(0);
    assert_ok(co_task_await(putter, NULL));
    assert_next_is(1);
    co_task_unref(putter);
    co_queue_done(&queue);
}

CO_TEST(getters_and_putters_are_served_in_order)
{
    struct co_task *tasks[6];

    assert_ok(co_queue_init(&queue, 1));
    for (int i = 0; i < 3; i++)
        tasks[i] = start(get_one, NULL);
    for (int i = 0; i < 3; i++)
        put(i);
    settle();
    ck_assert_str_eq(trace, "012");
    put(3);
    for (int i = 3; i < 6; i++)
        tasks[i] = start(put_one, &items[i + 1]);
    for (int i = 3; i <= 6; i++)
        assert_next_is(i);
    settle();
    for (int i = 0; i < 6; i++)
        co_task_unref(tasks[i]);
    co_queue_done(&queue);
}

CO_TEST(an_item_handed_to_a_getter_that_is_then_cancelled_is_not_lost)
{
    assert_ok(co_queue_init(&queue, 1));
    struct co_task *getter = start(get_one, NULL);
    put(7);
    co_cancel(getter, "in the same turn");
    assert_ok(co_task_await(getter, NULL));
    ck_assert_str_eq(trace, "7");
    co_task_unref(getter);
    co_queue_done(&queue);
}

CO_TEST(a_getter_that_was_cancelled_leaves_the_item_to_the_next)
{
    assert_ok(co_queue_init(&queue, 1));
    struct co_task *first = start(get_one, NULL), *second = start(get_one, NULL);
    co_cancel(first, "in the same turn");
    put(7);
    assert_ok(co_task_await(second, NULL));
    ck_assert_str_eq(trace, "-7");
    co_task_unref(first);
    co_task_unref(second);
    co_queue_done(&queue);
}

CO_TEST(a_putter_that_was_cancelled_has_put_nothing)
{
    assert_ok(co_queue_init(&queue, 1));
    put(0);
    struct co_task *first = start(put_one, &items[1]), *second = start(put_one, &items[2]);
    co_cancel(first, "in the same turn");
    assert_next_is(0);
    assert_ok(co_task_await(second, NULL));
    assert_next_is(2);
    ck_assert_uint_eq(queue.n_items, 0);
    co_task_unref(first);
    co_task_unref(second);
    co_queue_done(&queue);
}

CO_TEST(a_putter_cancelled_after_its_item_went_in_has_put_it)
{
    assert_ok(co_queue_init(&queue, 1));
    put(0);
    struct co_task *putter = start(put_one, &items[1]);
    assert_next_is(0);
    co_cancel(putter, "in the same turn");
    assert_ok(co_task_await(putter, NULL));
    assert_next_is(1);
    co_task_unref(putter);
    co_queue_done(&queue);
}

CO_TEST(both_ends_are_where_a_cancel_arrives_even_if_they_need_not_wait)
{
    struct co_scope scope;
    void *item = NULL;

    assert_ok(co_queue_init(&queue, 2));
    put(0);
    co_scope_enter(&scope, 0);
    ck_assert_int_eq(co_queue_put(&queue, &items[1]), -ECANCELED);
    ck_assert_int_eq(co_queue_get(&queue, &item), -ECANCELED);
    ck_assert_ptr_null(item);
    co_scope_exit(&scope, 0);
    assert_next_is(0);
    co_queue_done(&queue);
}

/* --- Shutting down ------------------------------------------------------------------------------
 */

CO_TEST(a_shut_queue_takes_no_item_and_gives_those_it_has)
{
    void *item = NULL;

    assert_ok(co_queue_init(&queue, 3));
    put(0);
    put(1);
    co_queue_shutdown(&queue);
    ck_assert_int_eq(co_queue_put(&queue, &items[2]), -EPIPE);
    assert_next_is(0);
    assert_next_is(1);
    ck_assert_int_eq(co_queue_get(&queue, &item), -EPIPE);
    ck_assert_ptr_null(item);
    co_queue_done(&queue);
}

CO_TEST(shutting_down_wakes_every_getter)
{
    struct co_task *tasks[3];

    assert_ok(co_queue_init(&queue, 1));
    for (int i = 0; i < 3; i++)
        tasks[i] = start(get_one, NULL);
    co_queue_shutdown(&queue);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(co_task_await(tasks[i], NULL), -EPIPE);
        co_task_unref(tasks[i]);
    }
    co_queue_done(&queue);
}

CO_TEST(shutting_down_wakes_every_putter_and_keeps_what_is_inside)
{
    struct co_task *tasks[3];

    assert_ok(co_queue_init(&queue, 1));
    put(0);
    for (int i = 0; i < 3; i++)
        tasks[i] = start(put_one, &items[i + 1]);
    co_queue_shutdown(&queue);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(co_task_await(tasks[i], NULL), -EPIPE);
        co_task_unref(tasks[i]);
    }
    assert_next_is(0);
    co_queue_done(&queue);
}

START_TEST(without_memory_there_is_no_queue)
{
    fault_arm(1);
    ck_assert_int_eq(co_queue_init(&queue, 5), -ENOMEM);
    ck_assert(fault_disarm());
    co_queue_done(&queue);
}
END_TEST

/* --- Any mix of producers and consumers who give up ---------------------------------------------
 */

enum { N_PEERS = 6, N_ITEMS = 200 };

struct item {
    int producer;
    int number;
};

static struct random chance;
static struct item sent[N_PEERS][N_ITEMS];
static int n_sent[N_PEERS], last_got[N_PEERS], n_got;

static int with_patience(int (*call)(void *), void *arg)
{
    struct co_scope scope;

    co_scope_enter(&scope, random_below(&chance, 4) * CO_MILLISECOND);
    return co_scope_exit(&scope, call(arg));
}

static int put_item(void *item)
{
    return co_queue_put(&queue, item);
}

static int get_item(void *ret_item)
{
    return co_queue_get(&queue, ret_item);
}

static int produce(void *arg, void **result)
{
    int self = (int)(intptr_t)arg;

    (void)result;
    while (n_sent[self] < N_ITEMS) {
        struct item *item = &sent[self][n_sent[self]];
        *item = (struct item){self, n_sent[self]};
        if (with_patience(put_item, item) == 0)
            n_sent[self]++;
        assert_ok(co_sleep(random_below(&chance, 3) * CO_MILLISECOND));
    }
    return 0;
}

/* Each item once, and those of one producer in their order. */
static void check_item(const struct item *item)
{
    ck_assert_int_eq(item->number, last_got[item->producer] + 1);
    last_got[item->producer] = item->number;
    n_got++;
}

static int consume(void *arg, void **result)
{
    (void)arg, (void)result;
    for (;;) {
        void *item = NULL;
        int rc = with_patience(get_item, &item);
        if (rc == -EPIPE)
            return 0;
        if (rc == 0)
            check_item(item);
        assert_ok(co_sleep(random_below(&chance, 3) * CO_MILLISECOND));
    }
}

CO_TEST(no_item_is_lost_doubled_or_overtaken_whoever_gives_up)
{
    struct co_group producers, consumers;

    chance = (struct random){(uint64_t)_i};
    n_got = 0;
    assert_ok(co_queue_init(&queue, 1 + (size_t)_i % 4));
    co_group_enter(&consumers, CO_NEVER);
    co_group_enter(&producers, CO_NEVER);
    for (intptr_t i = 0; i < N_PEERS; i++) {
        n_sent[i] = 0;
        last_got[i] = -1;
        assert_ok(co_group_spawn(&producers, "producer", produce, (void *)i, NULL));
        assert_ok(co_group_spawn(&consumers, "consumer", consume, NULL, NULL));
    }
    assert_ok(co_group_exit(&producers, 0));
    co_queue_shutdown(&queue);
    assert_ok(co_group_exit(&consumers, 0));
    ck_assert_int_eq(n_got, N_PEERS * N_ITEMS);
    co_queue_done(&queue);
}

/* --- Without waiting ----------------------------------------------------------------------------
 */

CO_TEST(who_does_not_want_to_wait_is_told_to_come_again)
{
    void *item = NULL;

    assert_ok(co_queue_init(&queue, 2));
    ck_assert_int_eq(co_queue_try_get(&queue, &item), -EAGAIN);
    assert_ok(co_queue_try_put(&queue, &items[0]));
    assert_ok(co_queue_try_put(&queue, &items[1]));
    ck_assert_int_eq(co_queue_try_put(&queue, &items[2]), -EAGAIN);
    ck_assert_uint_eq(co_queue_size(&queue), 2);
    assert_ok(co_queue_try_get(&queue, &item));
    ck_assert_ptr_eq(item, &items[0]);
    co_queue_shutdown(&queue);
    ck_assert_int_eq(co_queue_try_put(&queue, &items[2]), -EPIPE);
    assert_ok(co_queue_try_get(&queue, &item));
    ck_assert_ptr_eq(item, &items[1]);
    ck_assert_int_eq(co_queue_try_get(&queue, &item), -EPIPE);
    co_queue_done(&queue);
}

CO_TEST(who_does_not_wait_wakes_who_does)
{
    void *item = NULL;

    assert_ok(co_queue_init(&queue, 1));
    struct co_task *getter = start(get_one, NULL);
    assert_ok(co_queue_try_put(&queue, &items[3]));
    ck_assert_uint_eq(co_queue_size(&queue), 0);
    assert_ok(co_task_await(getter, NULL));
    put(4);
    struct co_task *putter = start(put_one, &items[5]);
    assert_ok(co_queue_try_get(&queue, &item));
    ck_assert_ptr_eq(item, &items[4]);
    assert_ok(co_task_await(putter, NULL));
    assert_next_is(5);
    ck_assert_str_eq(trace, "3+");
    co_task_unref(getter);
    co_task_unref(putter);
    co_queue_done(&queue);
}

CO_TEST(who_does_not_wait_is_not_cancelled)
{
    struct co_scope scope;
    void *item = NULL;

    assert_ok(co_queue_init(&queue, 1));
    co_scope_enter(&scope, 0);
    assert_ok(co_queue_try_put(&queue, &items[0]));
    assert_ok(co_queue_try_get(&queue, &item));
    co_scope_exit(&scope, 0);
    co_queue_done(&queue);
}

/* --- Misuse -------------------------------------------------------------------------------------
 */

static int destroy_what_somebody_waits_for(void *arg, void **result)
{
    (void)arg, (void)result;
    assert_ok(co_queue_init(&queue, 1));
    start(get_one, NULL);
    co_queue_done(&queue);
    return 0;
}

static void destroy_too_early(void)
{
    (void)co_run(destroy_what_somebody_waits_for, NULL, NULL);
}

START_TEST(destroying_a_queue_that_somebody_waits_for_ends_the_process)
{
    assert_dies(destroy_too_early, SIGABRT, "co_queue_done() of a queue that task");
}
END_TEST

static void make_it_without_room(void)
{
    (void)co_queue_init(&queue, 0);
}

START_TEST(a_queue_without_room_ends_the_process)
{
    assert_dies(make_it_without_room, SIGABRT, "its capacity is 0");
}
END_TEST

Suite *suite_co_queue(void);

Suite *suite_co_queue(void)
{
    Suite *suite = suite_create("co_queue");
    TCase *tcase = tcase_create("queue"), *shutdown = tcase_create("shutdown");
    TCase *at_once = tcase_create("at_once"), *misuse_case = tcase_create("misuse");

    tcase_add_test(tcase, items_leave_in_the_order_they_came_in);
    tcase_add_test(tcase, a_getter_waits_for_an_item);
    tcase_add_test(tcase, a_putter_waits_for_room);
    tcase_add_test(tcase, getters_and_putters_are_served_in_order);
    tcase_add_test(tcase, an_item_handed_to_a_getter_that_is_then_cancelled_is_not_lost);
    tcase_add_test(tcase, a_getter_that_was_cancelled_leaves_the_item_to_the_next);
    tcase_add_test(tcase, a_putter_that_was_cancelled_has_put_nothing);
    tcase_add_test(tcase, a_putter_cancelled_after_its_item_went_in_has_put_it);
    tcase_add_test(tcase, both_ends_are_where_a_cancel_arrives_even_if_they_need_not_wait);
    tcase_add_test(tcase, without_memory_there_is_no_queue);
    tcase_add_loop_test(tcase, no_item_is_lost_doubled_or_overtaken_whoever_gives_up, 0, 12);
    suite_add_tcase(suite, tcase);

    tcase_add_test(at_once, who_does_not_want_to_wait_is_told_to_come_again);
    tcase_add_test(at_once, who_does_not_wait_wakes_who_does);
    tcase_add_test(at_once, who_does_not_wait_is_not_cancelled);
    suite_add_tcase(suite, at_once);

    tcase_add_test(misuse_case, destroying_a_queue_that_somebody_waits_for_ends_the_process);
    tcase_add_test(misuse_case, a_queue_without_room_ends_the_process);
    suite_add_tcase(suite, misuse_case);

    tcase_add_test(shutdown, a_shut_queue_takes_no_item_and_gives_those_it_has);
    tcase_add_test(shutdown, shutting_down_wakes_every_getter);
    tcase_add_test(shutdown, shutting_down_wakes_every_putter_and_keeps_what_is_inside);
    suite_add_tcase(suite, shutdown);
    return suite;
}
