/* What tests of generators outside of a loop stand on: a fixture that checks that nothing is left,
 * and a few bodies. */
#pragma once

#include <check.h>

#include "lib/co/co.h"

/* A checked fixture. */
void gens_set_up(void);
void gens_tear_down(void);

#define make_gen(fn, arg) make_gen_at(fn, arg, CO_SITE)
struct co_gen *make_gen_at(co_gen_fn *fn, void *arg, const char *site);

/* What a step answers, into which it puts a `value`; -1: it puts none. */
#define assert_step(step, rc, number)                                                              \
    do {                                                                                           \
        void *value = co_int(-1);                                                                  \
        ck_assert_int_eq(step, rc);                                                                \
        ck_assert_ptr_eq(value, co_int(number));                                                   \
    } while (0)
#define assert_next(gen, rc, number) assert_step(co_gen_next(gen, &value), rc, number)

/* Yields 1, 2, ... end and returns 10. It and the others fail with whatever is thrown, unless it
 * says otherwise. */
int count_to(struct co_gen *self, void *end, void **result);

/* Yields what it was sent last, at first `first`, for ever. */
int echo(struct co_gen *self, void *first, void **result);

/* Yields what was thrown, made positive, until something is sent; notes an 's' before each. */
int survive(struct co_gen *self, void *arg, void **result);

/* Yields 1; then notes 'c' if it is being cancelled, else '?', and ends with status rc, result 10.
 */
int end_with(struct co_gen *self, void *rc, void **result);
