/* Generators that block: it is the task that waits, with the generator's stack on top of its own.
 */
#include <errno.h>
#include <string.h>

#include "tests/support/gens.h"
#include "tests/support/runtime.h"

/* Yields the time in milliseconds, and sleeps for a second in between, for ever. */
static int tell_the_time(struct co_gen *self, void *arg, void **result)
{
    int rc = 0;

    (void)arg, (void)result;
    while (rc == 0) {
        rc = co_gen_yield(self, co_int(now_ms()), NULL);
        if (rc == 0)
            rc = co_sleep(CO_SECOND);
    }
    return rc;
}

CO_TEST(a_generator_may_block_between_its_yields)
{
    CO_CLEANUP(co_gen_freep) struct co_gen *gen = make_gen(tell_the_time, NULL);

    assert_next(gen, 1, 0);
    assert_next(gen, 1, 1000);
    assert_next(gen, 1, 2000);
}

static int note_each_half_second(void *arg, void **result)
{
    (void)arg, (void)result;
    for (int i = 0; i < 4; i++) {
        note('t');
        assert_ok(co_sleep(CO_SECOND / 2));
    }
    return 0;
}

CO_TEST(while_a_generator_blocks_other_tasks_run)
{
    CO_CLEANUP(co_gen_freep) struct co_gen *gen = make_gen(tell_the_time, NULL);

    assert_ok(co_create_task("beside", note_each_half_second, NULL, NULL));
    assert_next(gen, 1, 0);
    assert_next(gen, 1, 1000);
    note('g');
    assert_next(gen, 1, 2000);
    note('g');
    assert_ok(co_sleep(1));
    ck_assert_str_eq(trace, "ttgttg");
}

/* Steps a generator, and ends with what it answers. */
static int step(void *gen, void **result)
{
    return co_gen_next(gen, result);
}

CO_TEST(a_generator_that_waits_in_one_task_cannot_be_resumed_from_another)
{
    struct co_gen *gen = make_gen(tell_the_time, NULL);
    CO_CLEANUP(co_task_unrefp) struct co_task *task = NULL;
    void *time;

    assert_next(gen, 1, 0);
    assert_ok(co_create_task("waits", step, gen, &task));
    assert_ok(co_sleep(CO_MILLISECOND));
    assert_next(gen, -EALREADY, -1);
    assert_step(co_gen_throw(gen, -EIO, &value), -EALREADY, -1);
    ck_assert_int_eq(co_gen_close(gen), -EALREADY);
    ck_assert_int_eq(co_task_await(task, &time), 1);
    ck_assert_ptr_eq(time, co_int(1000));
    assert_next(gen, 1, 2000);
    co_gen_free(gen);
}

CO_TEST(each_step_may_be_made_by_another_task)
{
    CO_CLEANUP(co_gen_freep) struct co_gen *gen = make_gen(tell_the_time, NULL);

    for (int i = 0; i < 10; i++) {
        CO_CLEANUP(co_task_unrefp) struct co_task *task = NULL;
        void *value;
        assert_ok(co_create_task("steps", step, gen, &task));
        ck_assert_int_eq(co_task_await(task, &value), 1);
        ck_assert_ptr_eq(value, co_int(1000 * i));
    }
}

START_TEST(each_step_may_be_made_in_another_loop)
{
    struct co_gen *gen = make_gen(tell_the_time, NULL);
    void *value;

    for (int i = 0; i < 3; i++) {
        const struct co_loop_options options = {.clock = &co_clock_virtual};
        CO_CLEANUP(co_loop_freep) struct co_loop *loop = NULL;
        assert_ok(co_loop_new(&loop, &options));
        ck_assert_int_eq(co_loop_run_until_complete(loop, step, gen, &value), 1);
        ck_assert_ptr_eq(value, co_int(i == 0 ? 0 : 1000));
    }
    co_gen_free(gen);
}
END_TEST

CO_TEST(a_cancelled_task_is_woken_inside_the_generator)
{
    struct co_gen *gen = make_gen(tell_the_time, NULL);
    struct co_scope scope;

    assert_next(gen, 1, 0);
    co_scope_enter(&scope, CO_SECOND / 2);
    int rc = co_gen_next(gen, NULL);
    ck_assert_int_eq(co_scope_exit(&scope, rc), -ETIMEDOUT);
    ck_assert_int_eq(now_ms(), 500);
    ck_assert(co_gen_is_done(gen));
    co_gen_free(gen);
}

/* Takes a second to end when it is closed. */
static int linger(struct co_gen *self, void *arg, void **result)
{
    (void)arg, (void)result;
    int rc = co_gen_yield(self, NULL, NULL);
    assert_ok(co_sleep(CO_SECOND));
    return rc;
}

CO_TEST(a_generator_may_block_while_it_is_freed)
{
    struct co_gen *gen = make_gen(linger, NULL);

    assert_next(gen, 1, 0);
    co_gen_free(gen);
    ck_assert_int_eq(now_ms(), 1000);
}

static int delegate(struct co_gen *self, void *inner, void **result)
{
    return co_gen_yield_from(self, inner, result);
}

static int resume_in_turn(struct co_gen *self, void *source, void **result)
{
    void *item;
    int rc;

    (void)result;
    while ((rc = co_gen_next(source, &item)) > 0)
        if ((rc = co_gen_yield(self, item, NULL)) < 0)
            break;
    return rc;
}

/* Two ways to have stacks on top of each other. */
static co_gen_fn *const wrappers[] = {delegate, resume_in_turn};

CO_TEST(the_innermost_of_several_generators_may_block)
{
    struct co_gen *inner = make_gen(tell_the_time, NULL);
    struct co_gen *middle = make_gen(wrappers[_i % 2], inner);
    struct co_gen *outer = make_gen(wrappers[_i / 2], middle);

    assert_ok(co_create_task("beside", note_each_half_second, NULL, NULL));
    assert_next(outer, 1, 0);
    assert_next(outer, 1, 1000);
    assert_next(outer, 1, 2000);
    assert_ok(co_sleep(1));
    ck_assert_str_eq(trace, "tttt");
    co_gen_free(outer);
    co_gen_free(middle);
    co_gen_free(inner);
}

static int know_itself(struct co_gen *self, void *task, void **result)
{
    size_t left = co_stack_left();
    volatile char large[4096];

    (void)result;
    memset((char *)large, 1, sizeof(large));
    ck_assert_ptr_eq(co_self(), task);
    ck_assert_uint_gt(left, 150 * 1024); /* guards of aarch64 are large */
    ck_assert_uint_le(left, 256 * 1024);
    assert_ok(co_sleep(1));
    ck_assert_uint_ge(co_stack_left(), left - 64);
    ck_assert_uint_le(co_stack_left(), left + 64);
    return co_gen_yield(self, co_int(large[17]), NULL);
}

CO_TEST(inside_a_generator_the_stack_left_is_its_own_and_the_task_is_who_resumes)
{
    CO_CLEANUP(co_gen_freep) struct co_gen *gen = make_gen(know_itself, co_self());
    size_t before = co_stack_left();

    assert_next(gen, 1, 1);
    ck_assert_uint_eq(co_stack_left(), before);
}

/* Goes deep and comes back, so that the frames of one step lie where others were. */
static int recurse(struct co_gen *self, int depth)
{
    volatile char frame[512];

    memset((char *)frame, depth, sizeof(frame));
    if (depth == 0)
        return co_sleep(1);
    int rc = recurse(self, depth - 1);
    if (rc == 0)
        rc = co_gen_yield(self, co_int(depth), NULL);
    ck_assert_int_eq(frame[511], (char)depth);
    return rc;
}

static int go_deep(struct co_gen *self, void *depth, void **result)
{
    int rc = 0;

    (void)result;
    while (rc == 0)
        rc = recurse(self, (int)(intptr_t)depth);
    return rc;
}

static int drain_generators(void *arg, void **result)
{
    intptr_t depth = (intptr_t)arg;
    struct co_gen *a = make_gen(go_deep, co_int(depth)), *b = make_gen(go_deep, co_int(depth));

    (void)result;
    for (intptr_t i = 0; i < 100; i++) {
        assert_next(a, 1, i % depth + 1);
        assert_next(b, 1, i % depth + 1);
    }
    co_gen_free(b);
    co_gen_free(a);
    return 0;
}

CO_TEST(many_tasks_with_deep_generators_keep_out_of_each_others_way)
{
    struct co_group group;

    co_group_enter(&group, CO_NEVER);
    for (intptr_t i = 0; i < 50; i++)
        assert_ok(co_group_spawn(&group, "deep", drain_generators, co_int(3 + i), NULL));
    assert_ok(co_group_exit(&group, 0));
}

Suite *suite_co_gen_tasks(void);

Suite *suite_co_gen_tasks(void)
{
    Suite *suite = suite_create("co_gen_tasks");
    TCase *tcase = tcase_create("tasks");

    tcase_add_checked_fixture(tcase, gens_set_up, gens_tear_down);
    tcase_add_test(tcase, a_generator_may_block_between_its_yields);
    tcase_add_test(tcase, while_a_generator_blocks_other_tasks_run);
    tcase_add_test(tcase, a_generator_that_waits_in_one_task_cannot_be_resumed_from_another);
    tcase_add_test(tcase, each_step_may_be_made_by_another_task);
    tcase_add_test(tcase, each_step_may_be_made_in_another_loop);
    tcase_add_test(tcase, a_cancelled_task_is_woken_inside_the_generator);
    tcase_add_test(tcase, a_generator_may_block_while_it_is_freed);
    tcase_add_loop_test(tcase, the_innermost_of_several_generators_may_block, 0, 4);
    tcase_add_test(tcase, inside_a_generator_the_stack_left_is_its_own_and_the_task_is_who_resumes);
    tcase_add_test(tcase, many_tasks_with_deep_generators_keep_out_of_each_others_way);
    suite_add_tcase(suite, tcase);
    return suite;
}
