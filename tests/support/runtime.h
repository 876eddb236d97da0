/* What a unit test of coroutines stands on: its body is a task, on a loop of its own with the
 * virtual clock, and must leave nothing behind.
 *
 *     CO_TEST(sleeping_takes_its_time)
 *     {
 *         ck_assert_int_eq(co_sleep(5 * CO_SECOND), 0);
 *         ck_assert_int_eq(now_ms(), 5000);
 *     }
 *
 * is registered like a START_TEST(), and has _i, too. When the body returns, no task but its own
 * may live, no timer be armed and no thread be at work; when the loop is gone, there must be as
 * many allocations and descriptors as before. What the loop reports is kept: see reports.h.
 */
#pragma once

#include <check.h>
#include <stdbool.h>

#include "lib/co/co.h"

#define CO_TEST(name)                                                                              \
    static void name##_body(int _i);                                                               \
    START_TEST(name)                                                                               \
    {                                                                                              \
        runtime_run(name##_body, _i);                                                              \
    }                                                                                              \
    END_TEST                                                                                       \
    static void name##_body(CK_ATTRIBUTE_UNUSED int _i)

void runtime_run(void (*body)(int i), int i);

/* The same with another clock. */
void runtime_run_on(const struct co_clock *clock, void (*body)(int i), int i);

/* A clock that polls without waiting, and advances a millisecond each time. */
extern const struct co_clock clock_ticking;

#define assert_ok(expression) ck_assert_int_eq(expression, 0)

/* co_settle(), also for a caller that is cancelled. */
void settle(void);

/* What happened, in order: a letter each. Empty when a test begins. */
extern char trace[128];
void note(char letter);

/* Milliseconds of the loop's clock. */
int now_ms(void);

/* What a test can leave behind, for those that run a loop themselves. */
struct holdings {
    size_t n_blocks;
    unsigned n_fds;
};

struct holdings holdings_now(void);
void holdings_assert_unchanged(struct holdings before);
