/* yield from, as PEP 380 has it. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include "lib/co/gen_stacks.h"
#include "tests/support/death.h"
#include "tests/support/fault.h"
#include "tests/support/gens.h"
#include "tests/support/runtime.h"
#include "tests/support/scale.h"

/* Delegates, and yields what came of that: the result, or the error made positive. Then ends with
 * the error, or what was thrown at it meanwhile. */
static int tell(struct co_gen *self, void *inner, void **result)
{
    void *returned = co_int(-1);
    int rc = co_gen_yield_from(self, inner, &returned);
    int thrown = co_gen_yield(self, rc < 0 ? co_int(-rc) : returned, NULL);

    *result = co_int(20);
    return thrown < 0 ? thrown : rc;
}

/* The same without a word. */
static int pass_on(struct co_gen *self, void *inner, void **result)
{
    return co_gen_yield_from(self, inner, result);
}

/* --- Items, values and results ------------------------------------------------------------------
 */

START_TEST(what_the_inner_one_yields_comes_out_and_what_it_returns_is_the_result)
{
    struct co_gen *inner = make_gen(count_to, co_int(2)), *outer = make_gen(tell, inner);

    assert_next(outer, 1, 1);
    assert_next(outer, 1, 2);
    assert_next(outer, 1, 10);
    ck_assert(co_gen_is_done(inner));
    assert_next(outer, 0, 20);
    assert_next(outer, 0, 0);
    co_gen_free(outer);
    co_gen_free(inner);
}
END_TEST

START_TEST(what_is_sent_goes_to_the_inner_one)
{
    struct co_gen *inner = make_gen(echo, co_int(1)), *outer = make_gen(tell, inner);

    assert_step(co_gen_send(outer, co_int(5), &value), -EINVAL, -1);
    assert_next(outer, 1, 1);
    assert_step(co_gen_send(outer, co_int(2), &value), 1, 2);
    assert_step(co_gen_send(outer, co_int(3), &value), 1, 3);
    assert_next(outer, 1, 0);
    co_gen_free(outer);
    co_gen_free(inner);
}
END_TEST

START_TEST(a_generator_that_has_begun_goes_on_where_it_stood)
{
    struct co_gen *inner = make_gen(echo, co_int(1)), *outer = make_gen(tell, inner);

    assert_next(inner, 1, 1);
    assert_step(co_gen_send(inner, co_int(2), &value), 1, 2);
    assert_next(outer, 1, 0);
    assert_step(co_gen_send(outer, co_int(3), &value), 1, 3);
    co_gen_free(outer);
    co_gen_free(inner);
}
END_TEST

START_TEST(a_generator_that_has_ended_yields_nothing_and_returns_null)
{
    struct co_gen *inner = make_gen(count_to, co_int(0)), *outer = make_gen(tell, inner);

    assert_next(inner, 0, 10);
    assert_next(outer, 1, 0);
    assert_next(outer, 0, 20);
    co_gen_free(outer);
    co_gen_free(inner);
}
END_TEST

static int delegate_twice(struct co_gen *self, void *inners, void **result)
{
    struct co_gen **inner = inners;
    int rc = co_gen_yield_from(self, inner[0], NULL);

    if (rc == 0)
        rc = co_gen_yield(self, co_int(100), NULL);
    return rc < 0 ? rc : co_gen_yield_from(self, inner[1], result);
}

START_TEST(one_may_delegate_to_several_in_turn_and_yield_in_between)
{
    struct co_gen *inners[] = {make_gen(count_to, co_int(2)), make_gen(count_to, co_int(1))};
    struct co_gen *outer = make_gen(delegate_twice, inners);

    assert_next(outer, 1, 1);
    assert_next(outer, 1, 2);
    assert_next(outer, 1, 100);
    assert_next(outer, 1, 1);
    assert_next(outer, 0, 10);
    co_gen_free(outer);
    co_gen_free(inners[0]);
    co_gen_free(inners[1]);
}
END_TEST

START_TEST(a_chain_can_be_put_behind_another)
{
    struct co_gen *inner = make_gen(count_to, co_int(3)), *middle = make_gen(tell, inner);
    struct co_gen *outer = make_gen(pass_on, middle), *outermost = make_gen(pass_on, outer);

    assert_next(middle, 1, 1);
    assert_next(outermost, 1, 2);
    assert_next(outermost, 1, 3);
    assert_next(outermost, 1, 10);
    assert_next(outermost, 0, 20);
    ck_assert(co_gen_is_done(outer) && co_gen_is_done(middle) && co_gen_is_done(inner));
    co_gen_free(outermost);
    co_gen_free(outer);
    co_gen_free(middle);
    co_gen_free(inner);
}
END_TEST

/* --- Errors -------------------------------------------------------------------------------------
 */

START_TEST(what_is_thrown_goes_to_the_inner_one_and_may_be_handled_there)
{
    struct co_gen *inner = make_gen(survive, NULL), *outer = make_gen(tell, inner);

    assert_next(outer, 1, 0);
    assert_step(co_gen_throw(outer, -EIO, &value), 1, EIO);
    assert_next(outer, 1, 0);
    assert_next(outer, 0, 20);
    co_gen_free(outer);
    co_gen_free(inner);
}
END_TEST

START_TEST(what_the_inner_one_fails_with_surfaces_in_the_outer_one)
{
    struct co_gen *inner = make_gen(count_to, co_int(2)), *outer = make_gen(tell, inner);

    assert_next(outer, 1, 1);
    assert_step(co_gen_throw(outer, -EIO, &value), 1, EIO);
    ck_assert(co_gen_is_done(inner));
    assert_next(outer, -EIO, -1);
    co_gen_free(outer);
    co_gen_free(inner);
}
END_TEST

START_TEST(what_nobody_handles_ends_the_whole_chain)
{
    struct co_gen *inner = make_gen(count_to, co_int(2)), *middle = make_gen(pass_on, inner);
    struct co_gen *outer = make_gen(pass_on, middle);

    assert_next(outer, 1, 1);
    assert_step(co_gen_throw(outer, -EIO, &value), -EIO, -1);
    ck_assert(co_gen_is_done(inner) && co_gen_is_done(middle) && co_gen_is_done(outer));
    co_gen_free(outer);
    co_gen_free(middle);
    co_gen_free(inner);
}
END_TEST

START_TEST(an_inner_one_that_has_no_stack_can_be_tried_again)
{
    enum { ALL_IN_A_SLAB = 64 };
    struct co_gen *gens[ALL_IN_A_SLAB - 1], *inner = make_gen(count_to, co_int(3));
    struct co_gen *outer = make_gen(tell, inner);

    for (int i = 0; i < ALL_IN_A_SLAB - 1; i++) {
        gens[i] = make_gen(count_to, co_int(1));
        assert_next(gens[i], 1, 1);
    }
    fault_arm(1);
    assert_next(outer, 1, ENOMEM);
    ck_assert(fault_disarm());
    assert_next(outer, -ENOMEM, -1);
    assert_next(inner, 1, 1);
    co_gen_free(inner);
    co_gen_free(outer);
    for (int i = 0; i < ALL_IN_A_SLAB - 1; i++)
        co_gen_free(gens[i]);
}
END_TEST

/* --- Closing ------------------------------------------------------------------------------------
 */

START_TEST(the_inner_one_is_closed_first_and_then_the_outer_one_whatever_it_returned)
{
    static const struct {
        int rc;
        int surfaced;
    } ends[] = {{-ECANCELED, ECANCELED}, {0, ECANCELED}, {7, ECANCELED}, {-EIO, EIO}};
    struct co_gen *inner = make_gen(end_with, co_int(ends[_i].rc)), *outer = make_gen(tell, inner);

    assert_next(outer, 1, 1);
    ck_assert_int_eq(co_gen_close(outer), -EBUSY); /* it tells what surfaced by a yield */
    ck_assert_str_eq(trace, "c");
    ck_assert(co_gen_is_done(inner));
    assert_next(outer, -ends[_i].surfaced, -1);
    co_gen_free(outer);
    co_gen_free(inner);
}
END_TEST

START_TEST(throwing_a_cancellation_closes_the_inner_one_as_well)
{
    struct co_gen *inner = make_gen(end_with, NULL), *outer = make_gen(tell, inner);

    assert_next(outer, 1, 1);
    assert_step(co_gen_throw(outer, -ECANCELED, &value), 1, ECANCELED);
    assert_next(outer, -ECANCELED, -1);
    co_gen_free(outer);
    co_gen_free(inner);
}
END_TEST

START_TEST(a_whole_chain_is_closed_from_the_inside_out)
{
    struct co_gen *inner = make_gen(end_with, NULL), *middle = make_gen(pass_on, inner);
    struct co_gen *outer = make_gen(pass_on, middle);

    assert_next(outer, 1, 1);
    assert_ok(co_gen_close(outer));
    ck_assert_str_eq(trace, "c");
    ck_assert(co_gen_is_done(inner) && co_gen_is_done(middle) && co_gen_is_done(outer));
    co_gen_free(outer);
    co_gen_free(middle);
    co_gen_free(inner);
}
END_TEST

START_TEST(an_inner_one_that_fails_to_close_makes_closing_fail)
{
    struct co_gen *inner = make_gen(end_with, co_int(-EIO)), *middle = make_gen(pass_on, inner);
    struct co_gen *outer = make_gen(pass_on, middle);

    assert_next(outer, 1, 1);
    ck_assert_int_eq(co_gen_close(outer), -EIO);
    co_gen_free(outer);
    co_gen_free(middle);
    co_gen_free(inner);
}
END_TEST

START_TEST(an_inner_one_that_goes_on_keeps_the_outer_one_where_it_is)
{
    struct co_gen *inner = make_gen(survive, NULL), *outer = make_gen(tell, inner);

    assert_next(outer, 1, 0);
    ck_assert_int_eq(co_gen_close(outer), -EBUSY);
    assert_step(co_gen_throw(outer, -EIO, &value), 1, EIO);
    assert_next(outer, 1, 0); /* inner returned: that close is over, and 0 is its result */
    assert_next(outer, 0, 20);
    co_gen_free(outer);
    co_gen_free(inner);
}
END_TEST

struct two {
    struct co_gen *first, *second;
};

/* Handles the closing of the first, by delegating to the second; all that counts is the result of
 * that. */
static int clean_up_by_delegating(struct co_gen *self, void *arg, void **result)
{
    const struct two *two = arg;

    ck_assert_int_eq(co_gen_yield_from(self, two->first, NULL), -ECANCELED);
    int rc = co_gen_yield_from(self, two->second, result);
    note(rc == 0 ? '0' : '-');
    return rc;
}

START_TEST(what_runs_to_clean_up_is_not_being_closed)
{
    struct two two = {make_gen(end_with, NULL), make_gen(count_to, co_int(0))};
    struct co_gen *outer = make_gen(clean_up_by_delegating, &two),
                  *outermost = make_gen(tell, outer);

    assert_next(outermost, 1, 1);
    /* The second returned 0, and so did outer: outermost is told to end all the same. */
    assert_step(co_gen_throw(outermost, -ECANCELED, &value), 1, ECANCELED);
    ck_assert_str_eq(trace, "c0");
    co_gen_free(outermost);
    co_gen_free(outer);
    co_gen_free(two.first);
    co_gen_free(two.second);
}
END_TEST

START_TEST(what_yields_while_it_cleans_up_is_no_longer_being_closed)
{
    struct two two = {make_gen(end_with, NULL), make_gen(count_to, co_int(1))};
    struct co_gen *outer = make_gen(clean_up_by_delegating, &two),
                  *outermost = make_gen(tell, outer);

    assert_next(outermost, 1, 1);
    assert_step(co_gen_throw(outermost, -ECANCELED, &value), 1, 1);
    assert_next(outermost, 1, 10);
    ck_assert_str_eq(trace, "c0");
    co_gen_free(outermost);
    co_gen_free(outer);
    co_gen_free(two.first);
    co_gen_free(two.second);
}
END_TEST

static int ignore_all(struct co_gen *self, void *inner, void **result)
{
    int rc = co_gen_yield_from(self, inner, result);

    while (rc < 0)
        rc = co_gen_yield(self, NULL, NULL);
    return rc;
}

START_TEST(when_a_chain_is_dropped_the_inner_ones_are_whole)
{
    struct co_gen *inner = make_gen(survive, NULL), *middle = make_gen(tell, inner);
    struct co_gen *outer = make_gen(ignore_all, middle);

    assert_next(outer, 1, 0);
    co_gen_free(outer);
    assert_step(co_gen_throw(middle, -EIO, &value), 1, EIO);
    assert_next(middle, 1, 0);
    assert_next(middle, 0, 20);
    co_gen_free(middle);
    co_gen_free(inner);
}
END_TEST

/* --- Misuse -------------------------------------------------------------------------------------
 */

static int delegate_to_itself(struct co_gen *self, void *arg, void **result)
{
    (void)arg;
    ck_assert_int_eq(co_gen_yield_from(self, self, result), -EALREADY);
    return co_gen_yield(self, co_int(1), NULL);
}

START_TEST(nobody_delegates_to_itself)
{
    struct co_gen *gen = make_gen(delegate_to_itself, NULL);

    assert_next(gen, 1, 1);
    co_gen_free(gen);
}
END_TEST

static int delegate_to_what_is_there(struct co_gen *self, void *other, void **result)
{
    int rc = co_gen_yield_from(self, *(struct co_gen **)other, result);

    return rc == -EALREADY ? co_gen_yield(self, co_int(EALREADY), NULL) : rc;
}

START_TEST(nobody_delegates_in_a_circle)
{
    struct co_gen *first = NULL, *last = make_gen(delegate_to_what_is_there, &first);
    struct co_gen *middle = make_gen(delegate_to_what_is_there, &last);

    first = make_gen(delegate_to_what_is_there, &middle);
    assert_next(first, 1, EALREADY);
    assert_next(first, 0, 0);
    co_gen_free(first);
    co_gen_free(middle);
    co_gen_free(last);
}
END_TEST

START_TEST(what_is_delegated_to_can_neither_be_resumed_nor_delegated_to)
{
    struct co_gen *inner = make_gen(count_to, co_int(3)), *outer = make_gen(tell, inner);
    struct co_gen *other = make_gen(tell, inner);

    assert_next(outer, 1, 1);
    assert_next(inner, -EALREADY, -1);
    assert_step(co_gen_send(inner, co_int(1), &value), -EALREADY, -1);
    assert_step(co_gen_throw(inner, -EIO, &value), -EALREADY, -1);
    ck_assert_int_eq(co_gen_close(inner), -EALREADY);
    assert_next(other, 1, EALREADY);
    assert_next(outer, 1, 2);
    co_gen_free(other);
    co_gen_free(outer);
    ck_assert(co_gen_is_done(inner));
    co_gen_free(inner);
}
END_TEST

static void free_what_is_delegated_to(void)
{
    struct co_gen *inner = make_gen(count_to, co_int(3));

    (void)co_gen_next(make_gen(tell, inner), NULL);
    co_gen_free(inner);
}

START_TEST(freeing_what_is_delegated_to_ends_the_process)
{
    assert_dies(free_what_is_delegated_to, SIGABRT, "another one delegates to it");
}
END_TEST

/* --- Depth --------------------------------------------------------------------------------------
 */

/* ThreadSanitizer has room for eight thousand. */
enum { DEPTH = IS_THREAD_SANITIZED ? 1000 : 10 * 1000 };

/* Makes what it delegates to itself, and frees it. */
static int nest(struct co_gen *self, void *arg, void **result)
{
    intptr_t depth = (intptr_t)arg;
    CO_CLEANUP(co_gen_freep) struct co_gen *inner = NULL;

    if (depth == 0)
        return echo(self, co_int(1), result);
    assert_ok(co_gen_new(&inner, nest, co_int(depth - 1)));
    int rc = co_gen_yield_from(self, inner, result);
    ck_assert_int_eq(rc, -ECANCELED);
    return rc;
}

START_TEST(ten_thousand_levels_are_stepped_through_closed_and_freed)
{
    struct co_gen *gen = make_gen(nest, co_int(DEPTH));

    assert_next(gen, 1, 1);
    for (int i = 0; i < 1000; i++)
        assert_step(co_gen_send(gen, co_int(i), &value), 1, i);
    ck_assert_uint_eq(co_gen_stacks.n_taken, DEPTH + 1);
    assert_ok(co_gen_close(gen));
    ck_assert_uint_eq(co_gen_stacks.n_taken, 0);
    co_gen_free(gen);
}
END_TEST

/* Counts down through ten thousand results. */
static int add_one(struct co_gen *self, void *inner, void **result)
{
    int rc = co_gen_yield_from(self, inner, result);

    *result = co_int((intptr_t)*result + 1);
    return rc;
}

START_TEST(a_result_passes_through_ten_thousand_levels)
{
    struct co_gen **gens = calloc(DEPTH, sizeof(struct co_gen *));

    gens[0] = make_gen(count_to, co_int(1));
    for (int i = 1; i < DEPTH; i++)
        gens[i] = make_gen(add_one, gens[i - 1]);
    assert_next(gens[DEPTH - 1], 1, 1);
    assert_next(gens[DEPTH - 1], 0, 10 + DEPTH - 1);
    for (int i = 0; i < DEPTH; i++)
        co_gen_free(gens[i]);
    free(gens);
}
END_TEST

Suite *suite_co_gen_delegation(void);

Suite *suite_co_gen_delegation(void)
{
    Suite *suite = suite_create("co_gen_delegation");
    TCase *items = tcase_create("items"), *errors = tcase_create("errors");
    TCase *closing = tcase_create("closing"), *misuse = tcase_create("misuse");
    TCase *depth = tcase_create("depth");
    TCase *const all[] = {items, errors, closing, misuse, depth};

    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
        tcase_add_checked_fixture(all[i], gens_set_up, gens_tear_down);
        suite_add_tcase(suite, all[i]);
    }
    tcase_add_test(items, what_the_inner_one_yields_comes_out_and_what_it_returns_is_the_result);
    tcase_add_test(items, what_is_sent_goes_to_the_inner_one);
    tcase_add_test(items, a_generator_that_has_begun_goes_on_where_it_stood);
    tcase_add_test(items, a_generator_that_has_ended_yields_nothing_and_returns_null);
    tcase_add_test(items, one_may_delegate_to_several_in_turn_and_yield_in_between);
    tcase_add_test(items, a_chain_can_be_put_behind_another);

    tcase_add_test(errors, what_is_thrown_goes_to_the_inner_one_and_may_be_handled_there);
    tcase_add_test(errors, what_the_inner_one_fails_with_surfaces_in_the_outer_one);
    tcase_add_test(errors, what_nobody_handles_ends_the_whole_chain);
    tcase_add_test(errors, an_inner_one_that_has_no_stack_can_be_tried_again);

    tcase_add_loop_test(
        closing, the_inner_one_is_closed_first_and_then_the_outer_one_whatever_it_returned, 0, 4);
    tcase_add_test(closing, throwing_a_cancellation_closes_the_inner_one_as_well);
    tcase_add_test(closing, a_whole_chain_is_closed_from_the_inside_out);
    tcase_add_test(closing, an_inner_one_that_fails_to_close_makes_closing_fail);
    tcase_add_test(closing, an_inner_one_that_goes_on_keeps_the_outer_one_where_it_is);
    tcase_add_test(closing, what_runs_to_clean_up_is_not_being_closed);
    tcase_add_test(closing, what_yields_while_it_cleans_up_is_no_longer_being_closed);
    tcase_add_test(closing, when_a_chain_is_dropped_the_inner_ones_are_whole);

    tcase_add_test(misuse, nobody_delegates_to_itself);
    tcase_add_test(misuse, nobody_delegates_in_a_circle);
    tcase_add_test(misuse, what_is_delegated_to_can_neither_be_resumed_nor_delegated_to);
    tcase_add_test(misuse, freeing_what_is_delegated_to_ends_the_process);

    tcase_set_timeout(depth, 60);
    tcase_add_test(depth, ten_thousand_levels_are_stepped_through_closed_and_freed);
    tcase_add_test(depth, a_result_passes_through_ten_thousand_levels);
    return suite;
}
