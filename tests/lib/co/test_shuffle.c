#include <errno.h>
#include <string.h>

#include "lib/co/runtime.h"
#include "tests/support/runtime.h"
#include "tests/support/scale.h"

/* Runs main on a loop of its own that shuffles. */
static void run_shuffled(uint64_t seed, co_fn *main, void *arg)
{
    const struct co_loop_options options = {.clock = &co_clock_virtual, .shuffle = seed};
    struct co_loop *loop;

    assert_ok(co_loop_new(&loop, &options));
    assert_ok(co_loop_run_until_complete(loop, main, arg, NULL));
    co_loop_free(loop);
}

/* --- Order --------------------------------------------------------------------------------------
 */

static int note_three_times(void *arg, void **result)
{
    (void)result;
    for (int i = 0; i < 3; i++) {
        note((char)(intptr_t)arg);
        assert_ok(co_sleep(0));
    }
    return 0;
}

static int walk_together(void *arg, void **result)
{
    struct co_group group;

    (void)result;
    co_group_enter(&group, CO_NEVER);
    for (const char *letter = arg; *letter != '\0'; letter++)
        assert_ok(
            co_group_spawn(&group, "walker", note_three_times, (void *)(intptr_t)*letter, NULL));
    return co_group_exit(&group, 0);
}

static const char *trace_of(uint64_t seed, const char *letters)
{
    trace[0] = '\0';
    run_shuffled(seed, walk_together, (void *)(uintptr_t)letters);
    return trace;
}

START_TEST(without_a_seed_first_come_is_first_served)
{
    ck_assert_str_eq(trace_of(0, "abcd"), "abcdabcdabcd");
}
END_TEST

START_TEST(the_same_seed_gives_the_same_order)
{
    char first[sizeof(trace)];
    unsigned n_others = 0;

    for (uint64_t seed = 1; seed <= 20; seed++) {
        strcpy(first, trace_of(seed, "abcdefgh"));
        ck_assert_str_eq(trace_of(seed, "abcdefgh"), first);
        n_others += strcmp(trace_of(seed + 1, "abcdefgh"), first) != 0;
    }
    ck_assert_uint_eq(n_others, 20);
}
END_TEST

/* A task at a time has its turn in each round, whatever the order. */
START_TEST(nobody_is_left_out_or_runs_twice_in_a_round)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        const char *order = trace_of(seed, "abcdefgh");
        for (int round = 0; round < 3; round++)
            for (char letter = 'a'; letter <= 'h'; letter++)
                ck_assert_ptr_nonnull(memchr(order + round * 8, letter, 8));
    }
}
END_TEST

START_TEST(every_order_is_about_as_frequent_as_the_others)
{
    static const char *const orders[] = {"abc", "acb", "bac", "bca", "cab", "cba"};
    enum { N_ORDERS = 6, N_SEEDS = 600 };
    unsigned n_seen[N_ORDERS] = {0};

    for (uint64_t seed = 1; seed <= N_SEEDS; seed++) {
        const char *order = trace_of(seed, "abc");
        for (int i = 0; i < N_ORDERS; i++)
            n_seen[i] += strncmp(order, orders[i], 3) == 0;
    }
    for (int i = 0; i < N_ORDERS; i++) {
        ck_assert_uint_gt(n_seen[i], N_SEEDS / N_ORDERS / 2);
        ck_assert_uint_lt(n_seen[i], N_SEEDS / N_ORDERS * 2);
    }
}
END_TEST

/* --- Results, which must not depend on the order ------------------------------------------------
 */

enum { N_RESULTS = 64 };

struct results {
    int values[N_RESULTS];
    unsigned n;
};

static void keep(struct results *results, int value)
{
    ck_assert_uint_lt(results->n, N_RESULTS);
    results->values[results->n++] = value;
}

struct trade {
    struct co_queue queue;
    unsigned n_sellers;
    int sum;
    int n_bought;
    struct results *results;
};

static int sell(void *arg, void **result)
{
    struct trade *trade = arg;

    (void)result;
    for (intptr_t i = 1; i <= 10; i++)
        if (co_queue_put(&trade->queue, (void *)i) < 0)
            return -EIO;
    if (--trade->n_sellers == 0)
        co_queue_shutdown(&trade->queue);
    return 0;
}

static int buy(void *arg, void **result)
{
    struct trade *trade = arg;
    void *item;
    int rc;

    (void)result;
    while ((rc = co_queue_get(&trade->queue, &item)) == 0) {
        trade->sum += (int)(intptr_t)item;
        trade->n_bought++;
    }
    return rc == -EPIPE ? 0 : rc;
}

static void trade_through_a_queue(struct results *results)
{
    struct trade trade = {.n_sellers = 3};
    struct co_group group;

    assert_ok(co_queue_init(&trade.queue, 2));
    co_group_enter(&group, CO_NEVER);
    for (int i = 0; i < 3; i++)
        assert_ok(co_group_spawn(&group, "seller", sell, &trade, NULL));
    for (int i = 0; i < 2; i++)
        assert_ok(co_group_spawn(&group, "buyer", buy, &trade, NULL));
    keep(results, co_group_exit(&group, 0));
    keep(results, trade.sum);
    keep(results, trade.n_bought);
    co_queue_done(&trade.queue);
}

struct club {
    struct co_semaphore doors;
    struct co_lock lock;
    struct co_condition changed;
    struct co_event closing;
    unsigned n_inside;
    unsigned max_inside;
    unsigned n_visits;
    int money;
};

static void come_in(struct club *club)
{
    if (++club->n_inside > club->max_inside)
        club->max_inside = club->n_inside;
    club->n_visits++;
}

/* What is read before a wait and written after it is right only under the lock. */
static int pay(struct club *club)
{
    int rc = co_lock_acquire(&club->lock);
    if (rc < 0)
        return rc;
    int money = club->money;
    rc = co_sleep(0);
    club->money = money + 1;
    co_condition_notify_all(&club->changed);
    co_lock_release(&club->lock);
    return rc;
}

static int visit(void *arg, void **result)
{
    struct club *club = arg;
    int rc = co_semaphore_acquire(&club->doors);

    (void)result;
    if (rc < 0)
        return rc;
    come_in(club);
    rc = pay(club);
    club->n_inside--;
    co_semaphore_release(&club->doors);
    return rc == 0 ? co_event_wait(&club->closing) : rc;
}

static int close_when_rich(void *arg, void **result)
{
    struct club *club = arg;
    int rc = co_lock_acquire(&club->lock);

    (void)result;
    while (rc == 0 && club->money < 10)
        rc = co_condition_wait(&club->changed, &club->lock);
    co_lock_release(&club->lock);
    co_event_set(&club->closing);
    return rc;
}

static void visit_a_club(struct results *results)
{
    struct club club = {0};
    struct co_group group;

    co_semaphore_init(&club.doors, 3);
    co_lock_init(&club.lock);
    co_condition_init(&club.changed);
    co_event_init(&club.closing);
    co_group_enter(&group, CO_NEVER);
    for (int i = 0; i < 10; i++)
        assert_ok(co_group_spawn(&group, "visitor", visit, &club, NULL));
    assert_ok(co_group_spawn(&group, "owner", close_when_rich, &club, NULL));
    keep(results, co_group_exit(&group, 0));
    keep(results, club.money);
    keep(results, (int)club.n_visits);
    keep(results, (int)club.max_inside);
    keep(results, (int)club.doors.n_free);
}

static int square_slowly(void *arg, void **result)
{
    int number = (int)(intptr_t)arg;

    (void)result;
    assert_ok(co_sleep(number % 3 * CO_SECOND));
    return number == 7 ? -EDOM : number * number;
}

static void gather_squares(struct results *results)
{
    struct co_result squares[10];
    struct co_call calls[10];

    for (intptr_t i = 0; i < 10; i++)
        calls[i] = (struct co_call){"square", square_slowly, (void *)i};
    keep(results, co_gather(calls, 10, squares, 3, CO_RETURN_ERRORS));
    for (int i = 0; i < 10; i++)
        keep(results, squares[i].rc);
    keep(results, co_gather(calls, 7, squares, 0, CO_FAIL_FAST));
    for (int i = 0; i < 7; i++)
        keep(results, squares[i].rc);
}

static int sleep_for(void *arg, void **result)
{
    (void)result;
    return co_sleep((intptr_t)arg * CO_MILLISECOND);
}

static int fail_after(void *arg, void **result)
{
    int rc = sleep_for(arg, result);

    return rc < 0 ? rc : -EXDEV;
}

static void time_out_of_a_group(struct results *results)
{
    struct co_group group;
    struct co_task *tasks[8];
    int began_ms = now_ms();

    co_group_enter(&group, 450 * CO_MILLISECOND);
    for (intptr_t i = 0; i < 8; i++)
        assert_ok(co_group_spawn(&group, "sleeper", sleep_for, (void *)(i * 100), &tasks[i]));
    keep(results, co_group_exit(&group, 0));
    keep(results, now_ms() - began_ms);
    for (int i = 0; i < 8; i++) {
        keep(results, co_task_await(tasks[i], NULL));
        co_task_unref(tasks[i]);
    }
}

static void fail_in_a_group(struct results *results)
{
    struct co_group group;
    struct co_scope scope;

    co_scope_enter(&scope, CO_SECOND);
    co_group_enter(&group, CO_NEVER);
    for (intptr_t i = 1; i < 5; i++)
        assert_ok(co_group_spawn(&group, "sleeper", sleep_for, (void *)(i * 300), NULL));
    assert_ok(co_group_spawn(&group, "failing", fail_after, (void *)(intptr_t)500, NULL));
    keep(results, co_scope_exit(&scope, co_group_exit(&group, 0)));
    keep(results, (int)group.n_errors);
}

static int try_everything(void *arg, void **result)
{
    struct results *results = arg;

    (void)result;
    trade_through_a_queue(results);
    visit_a_club(results);
    gather_squares(results);
    time_out_of_a_group(results);
    fail_in_a_group(results);
    return 0;
}

START_TEST(a_thousand_orders_give_the_same_results)
{
    struct results expected = {0};

    run_shuffled(0, try_everything, &expected);
    ck_assert_int_eq(expected.values[1], 3 * 55); /* all that was sold */
    for (uint64_t seed = 1; seed <= scaled(1000); seed++) {
        struct results results = {0};

        run_shuffled(seed, try_everything, &results);
        ck_assert_uint_eq(results.n, expected.n);
        for (unsigned i = 0; i < results.n; i++)
            if (results.values[i] != expected.values[i])
                ck_abort_msg("seed %d: result %u is %d, not %d", (int)seed, i, results.values[i],
                             expected.values[i]);
    }
}
END_TEST

Suite *suite_co_shuffle(void);

Suite *suite_co_shuffle(void)
{
    Suite *suite = suite_create("co_shuffle");
    TCase *order = tcase_create("order"), *results = tcase_create("results");

    tcase_add_test(order, without_a_seed_first_come_is_first_served);
    tcase_add_test(order, the_same_seed_gives_the_same_order);
    tcase_add_test(order, nobody_is_left_out_or_runs_twice_in_a_round);
    tcase_add_test(order, every_order_is_about_as_frequent_as_the_others);
    suite_add_tcase(suite, order);

    tcase_set_timeout(results, 30);
    tcase_add_test(results, a_thousand_orders_give_the_same_results);
    suite_add_tcase(suite, results);
    return suite;
}
