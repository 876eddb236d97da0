#include "tests/support/runtime.h"

#include <dirent.h>
#include <string.h>

#include "lib/co/gen_stacks.h"
#include "lib/co/runtime.h"
#include "tests/support/fault.h"
#include "tests/support/reports.h"

struct test {
    void (*body)(int i);
    int i;
};

static unsigned count_fds(void)
{
    unsigned n = 0;
    DIR *directory = opendir("/proc/self/fd");

    ck_assert_ptr_nonnull(directory);
    while (readdir(directory) != NULL)
        n++;
    closedir(directory);
    return n;
}

/* What the thread keeps for its next generator is not counted: it depends on what ran before. */
struct holdings holdings_now(void)
{
    co_gen_stacks_release();
    return (struct holdings){.n_blocks = fault_live(), .n_fds = count_fds()};
}

void holdings_assert_unchanged(struct holdings before)
{
    struct holdings now = holdings_now();

    ck_assert_uint_eq(now.n_blocks, before.n_blocks);
    ck_assert_uint_eq(now.n_fds, before.n_fds);
}

static int run_test(void *arg, void **result)
{
    const struct test *test = arg;
    struct co_loop_stats stats;

    (void)result;
    test->body(test->i);
    co_loop_stats(&stats);
    ck_assert_uint_eq(stats.n_tasks, 1);
    ck_assert_uint_eq(stats.n_timers, 0);
    ck_assert_uint_eq(stats.n_jobs, 0);
    return 0;
}

void runtime_run_on(const struct co_clock *clock, void (*body)(int i), int i)
{
    const struct co_loop_options options = {.clock = clock, .report = collect_report};
    struct test test = {body, i};
    struct co_loop *loop;
    struct holdings before = holdings_now();

    trace[0] = '\0';
    forget_reports();
    assert_ok(co_loop_new(&loop, &options));
    assert_ok(co_loop_run_until_complete(loop, run_test, &test, NULL));
    co_loop_free(loop);
    holdings_assert_unchanged(before);
}

void runtime_run(void (*body)(int i), int i)
{
    runtime_run_on(&co_clock_virtual, body, i);
}

static co_time ticking_now(struct co_loop *loop)
{
    return loop->now;
}

static int tick(struct co_loop *loop, co_time deadline)
{
    (void)deadline;
    loop->now += CO_MILLISECOND;
    return co_poller_wait(&loop->poller, 0);
}

const struct co_clock clock_ticking = {.now = ticking_now, .wait = tick};

void settle(void)
{
    struct co_scope shield;

    co_scope_shield(&shield, CO_NEVER);
    assert_ok(co_scope_exit(&shield, co_settle()));
}

char trace[128];

void note(char letter)
{
    size_t length = strlen(trace);

    ck_assert_uint_lt(length, sizeof(trace) - 1);
    trace[length] = letter;
    trace[length + 1] = '\0';
}

int now_ms(void)
{
    return (int)(co_now() / CO_MILLISECOND);
}
