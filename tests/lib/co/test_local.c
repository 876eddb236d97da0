#include <errno.h>

#include "tests/support/fault.h"
#include "tests/support/runtime.h"

static const struct co_local colour = {.name = "colour"}, shape = {.name = "shape"};

static char red[] = "red", green[] = "green", blue[] = "blue", square[] = "square";

static int n_freed;
static void *last_freed;

static void count_freed(void *value)
{
    n_freed++;
    last_freed = value;
}

static void set_colour(char *value)
{
    assert_ok(co_local_set(&colour, value, count_freed));
}

static void assert_colour(const char *value)
{
    ck_assert_ptr_eq(co_local_get(&colour), value);
}

static struct co_task *start(co_fn *fn)
{
    struct co_task *task;

    assert_ok(co_create_task("task", fn, NULL, &task));
    return task;
}

static void finish(struct co_task *task)
{
    assert_ok(co_task_await(task, NULL));
    co_task_unref(task);
}

CO_TEST(a_task_has_no_value_that_nobody_set)
{
    ck_assert_ptr_null(co_local_get(&colour));
    set_colour(red);
    ck_assert_ptr_null(co_local_get(&shape));
    assert_colour(red);
}

CO_TEST(each_key_has_a_value_of_its_own)
{
    set_colour(red);
    assert_ok(co_local_set(&shape, square, NULL));
    assert_colour(red);
    ck_assert_ptr_eq(co_local_get(&shape), square);
    set_colour(green);
    assert_colour(green);
    ck_assert_ptr_eq(co_local_get(&shape), square);
}

static int expect_red(void *arg, void **result)
{
    (void)arg, (void)result;
    assert_colour(red);
    assert_ok(co_sleep(CO_SECOND));
    assert_colour(red);
    return 0;
}

CO_TEST(a_task_starts_with_the_values_its_spawner_had_at_that_moment)
{
    set_colour(red);
    struct co_task *task = start(expect_red);
    set_colour(green);
    finish(task);
    assert_colour(green);
}

static int turn_blue(void *arg, void **result)
{
    (void)arg, (void)result;
    assert_colour(red);
    set_colour(blue);
    assert_ok(co_sleep(CO_SECOND));
    assert_colour(blue);
    return 0;
}

CO_TEST(what_a_task_sets_is_seen_by_it_alone)
{
    set_colour(red);
    struct co_task *blues = start(turn_blue), *reds = start(expect_red);
    settle();
    assert_colour(red);
    finish(blues);
    finish(reds);
}

static int spawn_expecting_red(void *arg, void **result)
{
    (void)arg, (void)result;
    finish(start(expect_red));
    return 0;
}

CO_TEST(values_go_down_to_the_tasks_of_tasks)
{
    set_colour(red);
    finish(start(spawn_expecting_red));
}

static struct co_group *group;

static int spawn_into_group(void *arg, void **result)
{
    (void)arg, (void)result;
    set_colour(red);
    return co_group_spawn(group, "red", expect_red, NULL, NULL);
}

CO_TEST(it_is_the_spawner_that_counts_and_not_whose_group_it_is)
{
    struct co_group own;

    set_colour(green);
    group = &own;
    co_group_enter(&own, CO_NEVER);
    assert_ok(co_group_spawn(&own, "spawner", spawn_into_group, NULL, NULL));
    assert_ok(co_group_exit(&own, 0));
    assert_colour(green);
}

static int do_nothing(void *arg, void **result)
{
    (void)arg, (void)result;
    return 0;
}

static int compare_with_red(void *arg, void **result)
{
    (void)arg, (void)result;
    assert_colour(red);
    return 0;
}

CO_TEST(gathered_calls_have_the_values_of_who_gathers)
{
    static const struct co_call calls[] = {{"a", compare_with_red, NULL},
                                           {"b", compare_with_red, NULL}};
    struct co_result results[2];

    set_colour(red);
    assert_ok(co_gather(calls, 2, results, 0, CO_FAIL_FAST));
}

static int turn_blue_in_a_generator(struct co_gen *self, void *arg, void **ret_result)
{
    (void)arg, (void)ret_result;
    assert_colour(red);
    int rc = co_gen_yield(self, NULL, NULL);
    assert_colour(green);
    set_colour(blue);
    return rc;
}

CO_TEST(a_generator_has_the_values_of_the_task_that_resumes_it)
{
    struct co_gen *gen;
    void *value;

    assert_ok(co_gen_new(&gen, turn_blue_in_a_generator, NULL));
    set_colour(red);
    ck_assert_int_eq(co_gen_next(gen, &value), 1);
    set_colour(green);
    assert_ok(co_gen_next(gen, &value));
    assert_colour(blue);
    co_gen_free(gen);
}

CO_TEST(spawning_costs_no_allocation_for_values)
{
    finish(start(do_nothing)); /* its memory is what the next one gets */
    set_colour(red);
    size_t before = fault_live();
    struct co_task *task = start(expect_red);
    ck_assert_uint_eq(fault_live(), before);
    finish(task);
}

/* --- When values are freed ----------------------------------------------------------------------
 */

CO_TEST(a_value_that_is_set_over_is_freed_at_once)
{
    n_freed = 0;
    set_colour(red);
    set_colour(green);
    ck_assert_int_eq(n_freed, 1);
    ck_assert_ptr_eq(last_freed, red);
    assert_colour(green);
}

CO_TEST(a_value_lives_as_long_as_a_task_has_it)
{
    n_freed = 0;
    set_colour(red);
    struct co_task *task = start(expect_red);
    set_colour(green);
    settle();
    ck_assert_int_eq(n_freed, 0);
    finish(task);
    ck_assert_int_eq(n_freed, 1);
    ck_assert_ptr_eq(last_freed, red);
}

CO_TEST(other_keys_of_a_shared_table_keep_their_values)
{
    n_freed = 0;
    set_colour(red);
    struct co_task *task = start(expect_red);
    assert_ok(co_local_set(&shape, square, count_freed));
    finish(task);
    ck_assert_int_eq(n_freed, 0);
    assert_colour(red);
    ck_assert_ptr_eq(co_local_get(&shape), square);
}

static int set_and_end(void *arg, void **result)
{
    (void)arg, (void)result;
    set_colour(blue);
    return 0;
}

CO_TEST(values_are_freed_when_their_task_ends_and_not_with_its_handle)
{
    n_freed = 0;
    struct co_task *task = start(set_and_end);
    settle();
    ck_assert_int_eq(n_freed, 1);
    ck_assert_ptr_eq(last_freed, blue);
    finish(task);
    ck_assert_int_eq(n_freed, 1);
}

static int expect_nothing(void *arg, void **result)
{
    (void)arg, (void)result;
    ck_assert_ptr_null(co_local_get(&shape));
    return 0;
}

static void look_and_spawn(void *value)
{
    count_freed(value);
    ck_assert_ptr_null(co_local_get(&shape));
    assert_ok(co_create_task("late", expect_nothing, NULL, NULL));
}

static int set_two_and_end(void *arg, void **result)
{
    (void)arg, (void)result;
    assert_ok(co_local_set(&shape, square, NULL));
    return co_local_set(&colour, red, look_and_spawn);
}

CO_TEST(while_the_values_of_a_task_that_ended_are_freed_it_has_none)
{
    n_freed = 0;
    finish(start(set_two_and_end));
    ck_assert_int_eq(n_freed, 1);
    settle();
}

CO_TEST(a_value_may_be_nothing)
{
    n_freed = 0;
    set_colour(red);
    assert_ok(co_local_set(&colour, NULL, NULL));
    ck_assert_int_eq(n_freed, 1);
    ck_assert_ptr_null(co_local_get(&colour));
}

CO_TEST(without_memory_a_value_stays_the_callers)
{
    int n;

    n_freed = 0;
    set_colour(red);
    for (n = 1;; n++) {
        fault_arm((size_t)n);
        int rc = co_local_set(&shape, square, count_freed);
        if (!fault_disarm())
            break;
        ck_assert_int_eq(rc, -ENOMEM);
        ck_assert_int_eq(n_freed, 0);
        ck_assert_ptr_null(co_local_get(&shape));
        assert_colour(red);
    }
    ck_assert_int_eq(n, 3);
    ck_assert_ptr_eq(co_local_get(&shape), square);
}

Suite *suite_co_local(void);

Suite *suite_co_local(void)
{
    Suite *suite = suite_create("co_local");
    TCase *values = tcase_create("values"), *freeing = tcase_create("free");

    tcase_add_test(values, a_task_has_no_value_that_nobody_set);
    tcase_add_test(values, each_key_has_a_value_of_its_own);
    tcase_add_test(values, a_task_starts_with_the_values_its_spawner_had_at_that_moment);
    tcase_add_test(values, what_a_task_sets_is_seen_by_it_alone);
    tcase_add_test(values, values_go_down_to_the_tasks_of_tasks);
    tcase_add_test(values, it_is_the_spawner_that_counts_and_not_whose_group_it_is);
    tcase_add_test(values, gathered_calls_have_the_values_of_who_gathers);
    tcase_add_test(values, a_generator_has_the_values_of_the_task_that_resumes_it);
    tcase_add_test(values, spawning_costs_no_allocation_for_values);
    suite_add_tcase(suite, values);

    tcase_add_test(freeing, a_value_that_is_set_over_is_freed_at_once);
    tcase_add_test(freeing, a_value_lives_as_long_as_a_task_has_it);
    tcase_add_test(freeing, other_keys_of_a_shared_table_keep_their_values);
    tcase_add_test(freeing, values_are_freed_when_their_task_ends_and_not_with_its_handle);
    tcase_add_test(freeing, while_the_values_of_a_task_that_ended_are_freed_it_has_none);
    tcase_add_test(freeing, a_value_may_be_nothing);
    tcase_add_test(freeing, without_memory_a_value_stays_the_callers);
    suite_add_tcase(suite, freeing);
    return suite;
}
