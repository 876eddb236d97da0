#include <errno.h>
#include <execinfo.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/gens.h"
#include "tests/support/runtime.h"

/* The protocol, of PEP 342. No loop runs here: generators need none. */

/* --- next ---------------------------------------------------------------------------------------
 */

START_TEST(a_generator_gives_what_it_yields_then_what_it_returns_then_nothing)
{
    struct co_gen *gen = make_gen(count_to, co_int(3));

    assert_next(gen, 1, 1);
    assert_next(gen, 1, 2);
    assert_next(gen, 1, 3);
    ck_assert(!co_gen_is_done(gen));
    assert_next(gen, 0, 10);
    ck_assert(co_gen_is_done(gen));
    assert_next(gen, 0, 0);
    assert_next(gen, 0, 0);
    co_gen_free(gen);
}
END_TEST

START_TEST(a_body_is_not_entered_before_the_first_step)
{
    struct co_gen *gen = make_gen(survive, NULL);

    ck_assert_str_eq(trace, "");
    ck_assert(!co_gen_is_done(gen));
    assert_next(gen, 1, 0);
    ck_assert_str_eq(trace, "s");
    assert_next(gen, 0, 0);
    co_gen_free(gen);
}
END_TEST

static int return_at_once(struct co_gen *self, void *rc, void **result)
{
    (void)self;
    *result = co_int(5);
    return (int)(intptr_t)rc;
}

START_TEST(a_body_that_fails_fails_once_and_has_no_result)
{
    struct co_gen *gen = make_gen(return_at_once, co_int(-EIO));

    assert_next(gen, -EIO, -1);
    assert_next(gen, 0, 0);
    co_gen_free(gen);
}
END_TEST

START_TEST(a_body_may_return_a_positive_status)
{
    struct co_gen *gen = make_gen(return_at_once, co_int(7));

    assert_next(gen, 0, 5);
    co_gen_free(gen);
}
END_TEST

START_TEST(values_that_nobody_wants_need_no_place)
{
    struct co_gen *gen = make_gen(count_to, co_int(1));

    ck_assert_int_eq(co_gen_next(gen, NULL), 1);
    ck_assert_int_eq(co_gen_next(gen, NULL), 0);
    ck_assert_int_eq(co_gen_next(gen, NULL), 0);
    co_gen_free(gen);
}
END_TEST

static int yield_below(struct co_gen *self, intptr_t depth)
{
    int rc = depth == 0 ? co_gen_yield(self, co_int(1), NULL) : yield_below(self, depth - 1);

    return rc == 0 ? co_gen_yield(self, co_int(depth), NULL) : rc;
}

static int walk(struct co_gen *self, void *depth, void **result)
{
    (void)result;
    return yield_below(self, (intptr_t)depth);
}

START_TEST(a_function_that_the_body_calls_may_yield)
{
    struct co_gen *gen = make_gen(walk, co_int(2));

    assert_next(gen, 1, 1);
    assert_next(gen, 1, 0);
    assert_next(gen, 1, 1);
    assert_next(gen, 1, 2);
    assert_next(gen, 0, 0);
    co_gen_free(gen);
}
END_TEST

static int double_items(struct co_gen *self, void *source, void **result)
{
    void *item;
    int rc;

    (void)result;
    while ((rc = co_gen_next(source, &item)) > 0 && rc >= 0)
        if ((rc = co_gen_yield(self, co_int(2 * (intptr_t)item), NULL)) < 0)
            break;
    return rc;
}

START_TEST(a_generator_may_resume_another)
{
    struct co_gen *source = make_gen(count_to, co_int(2)), *gen = make_gen(double_items, source);

    assert_next(gen, 1, 2);
    assert_next(gen, 1, 4);
    assert_next(gen, 0, 0);
    co_gen_free(gen);
    co_gen_free(source);
}
END_TEST

static double sum_across_yields(struct co_gen *self, int n)
{
    double a = 1, b = 2, c = 3, d = 4, e = 5, f = 6, g = 7, h = 8;

    for (int i = 0; i < n && co_gen_yield(self, NULL, NULL) == 0; i++)
        a += 1, b += 2, c += 3, d += 4, e += 5, f += 6, g += 7, h += 8;
    return a + b + c + d + e + f + g + h;
}

enum { ROUNDS = 100 * 1000 };

static int sum(struct co_gen *self, void *ret_sum, void **result)
{
    (void)result;
    *(double *)ret_sum = sum_across_yields(self, ROUNDS);
    return 0;
}

START_TEST(eight_doubles_survive_on_both_sides)
{
    double inside = 0, a = 8, b = 7, c = 6, d = 5, e = 4, f = 3, g = 2, h = 1;
    struct co_gen *gen = make_gen(sum, &inside);

    while (co_gen_next(gen, NULL) > 0)
        a += 8, b += 7, c += 6, d += 5, e += 4, f += 3, g += 2, h += 1;
    ck_assert_double_eq(inside, 36 * (ROUNDS + 1.0));
    ck_assert_double_eq(a + b + c + d + e + f + g + h, inside);
    co_gen_free(gen);
}
END_TEST

static int count_frames(struct co_gen *self, void *arg, void **result)
{
    void *frames[64];

    (void)arg, (void)result;
    return co_gen_yield(self, co_int(backtrace(frames, 64)), NULL);
}

START_TEST(a_backtrace_ends_where_the_generator_begins)
{
    struct co_gen *gen = make_gen(count_frames, NULL);
    void *n_frames;

    ck_assert_int_eq(co_gen_next(gen, &n_frames), 1);
    ck_assert_int_ge((intptr_t)n_frames, 2);
    ck_assert_int_lt((intptr_t)n_frames, 10);
    ck_assert_int_eq(co_gen_next(gen, NULL), 0);
    co_gen_free(gen);
}
END_TEST

/* --- send ---------------------------------------------------------------------------------------
 */

START_TEST(a_yield_receives_what_is_sent_and_null_from_next)
{
    struct co_gen *gen = make_gen(echo, co_int(1));

    assert_next(gen, 1, 1);
    assert_step(co_gen_send(gen, co_int(2), &value), 1, 2);
    assert_step(co_gen_send(gen, co_int(3), &value), 1, 3);
    assert_next(gen, 1, 0);
    co_gen_free(gen);
}
END_TEST

START_TEST(nothing_but_null_can_be_sent_before_the_start)
{
    struct co_gen *gen = make_gen(echo, co_int(1));

    assert_step(co_gen_send(gen, co_int(2), &value), -EINVAL, -1);
    assert_step(co_gen_send(gen, NULL, &value), 1, 1);
    co_gen_free(gen);
}
END_TEST

START_TEST(what_is_sent_to_a_generator_that_has_ended_is_ignored)
{
    struct co_gen *gen = make_gen(count_to, co_int(0));

    assert_next(gen, 0, 10);
    assert_step(co_gen_send(gen, co_int(2), &value), 0, 0);
    co_gen_free(gen);
}
END_TEST

/* --- throw --------------------------------------------------------------------------------------
 */

START_TEST(a_body_that_does_not_handle_what_is_thrown_ends_with_it)
{
    struct co_gen *gen = make_gen(count_to, co_int(3));

    assert_next(gen, 1, 1);
    assert_step(co_gen_throw(gen, -EIO, &value), -EIO, -1);
    ck_assert(co_gen_is_done(gen));
    assert_next(gen, 0, 0);
    co_gen_free(gen);
}
END_TEST

START_TEST(a_body_that_handles_what_is_thrown_may_go_on)
{
    struct co_gen *gen = make_gen(survive, NULL);

    assert_next(gen, 1, 0);
    assert_step(co_gen_throw(gen, -EIO, &value), 1, EIO);
    assert_step(co_gen_throw(gen, -ECANCELED, &value), 1, ECANCELED);
    assert_next(gen, 0, 0);
    co_gen_free(gen);
}
END_TEST

START_TEST(a_generator_that_has_not_started_ends_with_what_is_thrown_without_being_entered)
{
    struct co_gen *gen = make_gen(survive, NULL);

    assert_step(co_gen_throw(gen, -EIO, &value), -EIO, -1);
    ck_assert(co_gen_is_done(gen));
    assert_next(gen, 0, 0);
    ck_assert_str_eq(trace, "");
    co_gen_free(gen);
}
END_TEST

START_TEST(a_generator_that_has_ended_answers_with_what_is_thrown)
{
    struct co_gen *gen = make_gen(count_to, co_int(0));

    assert_next(gen, 0, 10);
    assert_step(co_gen_throw(gen, -EIO, &value), -EIO, -1);
    co_gen_free(gen);
}
END_TEST

START_TEST(only_errors_can_be_thrown)
{
    struct co_gen *gen = make_gen(count_to, co_int(3));

    assert_step(co_gen_throw(gen, 0, &value), -EINVAL, -1);
    assert_next(gen, 1, 1);
    assert_step(co_gen_throw(gen, EIO, &value), -EINVAL, -1);
    assert_next(gen, 1, 2);
    co_gen_free(gen);
}
END_TEST

/* --- close --------------------------------------------------------------------------------------
 */

START_TEST(closing_cancels_the_yield_and_passes_on_only_other_errors)
{
    static const struct {
        int rc;
        int closed;
    } ends[] = {{-ECANCELED, 0}, {0, 0}, {7, 0}, {-EIO, -EIO}, {-EALREADY, -EALREADY}};
    struct co_gen *gen = make_gen(end_with, co_int(ends[_i].rc));

    assert_next(gen, 1, 1);
    ck_assert_int_eq(co_gen_close(gen), ends[_i].closed);
    ck_assert_str_eq(trace, "c");
    ck_assert(co_gen_is_done(gen));
    ck_assert_int_eq(co_gen_close(gen), 0);
    assert_next(gen, 0, 0);
    co_gen_free(gen);
}
END_TEST

START_TEST(a_generator_closed_before_its_start_is_never_entered)
{
    struct co_gen *gen = make_gen(survive, NULL);

    ck_assert_int_eq(co_gen_close(gen), 0);
    ck_assert(co_gen_is_done(gen));
    assert_next(gen, 0, 0);
    ck_assert_str_eq(trace, "");
    co_gen_free(gen);
}
END_TEST

START_TEST(a_generator_that_yields_when_closed_stands_there_and_can_be_closed_again)
{
    struct co_gen *gen = make_gen(survive, NULL);

    assert_next(gen, 1, 0);
    ck_assert_int_eq(co_gen_close(gen), -EBUSY);
    ck_assert_int_eq(co_gen_close(gen), -EBUSY);
    ck_assert_str_eq(trace, "sss");
    assert_next(gen, 0, 0);
    co_gen_free(gen);
}
END_TEST

START_TEST(freeing_closes)
{
    struct co_gen *gen = make_gen(end_with, NULL);

    assert_next(gen, 1, 1);
    co_gen_free(gen);
    ck_assert_str_eq(trace, "c");
    co_gen_free(make_gen(end_with, NULL));
    co_gen_free(NULL);
    ck_assert_str_eq(trace, "c");
}
END_TEST

/* What is said on stderr meanwhile, cut to fit. */
static void listen_while(void (*fn)(void *), void *arg, char *words, size_t size)
{
    FILE *file = tmpfile();
    int real = dup(STDERR_FILENO);

    dup2(fileno(file), STDERR_FILENO);
    fn(arg);
    dup2(real, STDERR_FILENO);
    close(real);
    rewind(file);
    words[fread(words, 1, size - 1, file)] = '\0';
    fclose(file);
}

static void free_generator(void *gen)
{
    co_gen_free(gen);
}

START_TEST(a_generator_that_ignores_eight_closes_is_dropped_with_a_sentence)
{
    struct co_gen *gen = make_gen(survive, NULL);
    char words[256];

    assert_next(gen, 1, 0);
    listen_while(free_generator, gen, words, sizeof(words));
    ck_assert_str_eq(trace, "sssssssss");
    ck_assert_ptr_nonnull(strstr(words, "test_gen.c:"));
    ck_assert_ptr_nonnull(strstr(words, "was closed 8 times and goes on"));
}
END_TEST

Suite *suite_co_gen(void);

Suite *suite_co_gen(void)
{
    Suite *suite = suite_create("co_gen");
    TCase *next = tcase_create("next"), *send = tcase_create("send");
    TCase *throw = tcase_create("throw"), *close = tcase_create("close");
    TCase *const all[] = {next, send, throw, close};

    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
        tcase_add_checked_fixture(all[i], gens_set_up, gens_tear_down);
        suite_add_tcase(suite, all[i]);
    }
    tcase_add_test(next, a_generator_gives_what_it_yields_then_what_it_returns_then_nothing);
    tcase_add_test(next, a_body_is_not_entered_before_the_first_step);
    tcase_add_test(next, a_body_that_fails_fails_once_and_has_no_result);
    tcase_add_test(next, a_body_may_return_a_positive_status);
    tcase_add_test(next, values_that_nobody_wants_need_no_place);
    tcase_add_test(next, a_function_that_the_body_calls_may_yield);
    tcase_add_test(next, a_generator_may_resume_another);
    tcase_add_test(next, eight_doubles_survive_on_both_sides);
    tcase_add_test(next, a_backtrace_ends_where_the_generator_begins);

    tcase_add_test(send, a_yield_receives_what_is_sent_and_null_from_next);
    tcase_add_test(send, nothing_but_null_can_be_sent_before_the_start);
    tcase_add_test(send, what_is_sent_to_a_generator_that_has_ended_is_ignored);

    tcase_add_test(throw, a_body_that_does_not_handle_what_is_thrown_ends_with_it);
    tcase_add_test(throw, a_body_that_handles_what_is_thrown_may_go_on);
    tcase_add_test(throw,
                   a_generator_that_has_not_started_ends_with_what_is_thrown_without_being_entered);
    tcase_add_test(throw, a_generator_that_has_ended_answers_with_what_is_thrown);
    tcase_add_test(throw, only_errors_can_be_thrown);

    tcase_add_loop_test(close, closing_cancels_the_yield_and_passes_on_only_other_errors, 0, 5);
    tcase_add_test(close, a_generator_closed_before_its_start_is_never_entered);
    tcase_add_test(close, a_generator_that_yields_when_closed_stands_there_and_can_be_closed_again);
    tcase_add_test(close, freeing_closes);
    tcase_add_test(close, a_generator_that_ignores_eight_closes_is_dropped_with_a_sentence);
    return suite;
}
