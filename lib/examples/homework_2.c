/* 2, 3 and 5 to the millionth power: in turn, as tasks, and in threads. */
#include <error.h>
#include <gmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "lib/co/co.h"

enum { EXPONENT = 1000000, N_BASES = 3, ROUNDS = 5 };

static unsigned long bases[N_BASES] = {2, 3, 5};

/* Nothing in here waits. Each power is computed some times over, for the clock to see it. */
static int power(void *base, void **ret_bits)
{
    mpz_t result;

    mpz_init(result);
    for (int i = 0; i < ROUNDS; i++)
        mpz_ui_pow_ui(result, *(unsigned long *)base, EXPONENT);
    *ret_bits = co_int((long)mpz_sizeinbase(result, 2));
    mpz_clear(result);
    return 0;
}

static int power_in_thread(void *base, void **ret_bits)
{
    return co_to_thread(power, base, ret_bits, NULL);
}

static int gather(co_fn *fn, struct co_result *results)
{
    struct co_call calls[N_BASES];

    for (int i = 0; i < N_BASES; i++)
        calls[i] = (struct co_call){"power", fn, &bases[i]};
    return co_gather(calls, N_BASES, results, 0, CO_FAIL_FAST);
}

static int in_turn(struct co_result *results)
{
    int rc = 0;

    for (int i = 0; i < N_BASES && rc == 0; i++)
        rc = power(&bases[i], &results[i].value);
    return rc;
}

static int as_tasks(struct co_result *results)
{
    return gather(power, results);
}

static int in_threads(struct co_result *results)
{
    return gather(power_in_thread, results);
}

/* Not co_now(), which stands still between two calls that wait. */
static double seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int measure(const char *how, int (*compute)(struct co_result *), double *ret_took)
{
    struct co_result results[N_BASES];
    double start = seconds();
    int rc = compute(results);

    if (rc < 0)
        return rc;
    *ret_took = seconds() - start;
    printf("%s: %.3f s\n", how, *ret_took);
    for (int i = 0; i < N_BASES; i++)
        printf("  %lu ** %d has %ld bits\n", bases[i], EXPONENT, (long)results[i].value);
    return 0;
}

static int compare(void *arg, void **ret_result)
{
    double alone, tasks, threads;
    int rc = measure("in turn", in_turn, &alone) ?: measure("as tasks", as_tasks, &tasks)
                                                 ?: measure("in threads", in_threads, &threads);

    (void)arg, (void)ret_result;
    if (rc < 0)
        return rc;
    printf("Tasks of one thread take turns, so they do not speed up computing: x %.2f.\n",
           alone / tasks);
    printf("Threads do, as far as processors are free (there are %ld): x %.2f.\n",
           sysconf(_SC_NPROCESSORS_ONLN), alone / threads);
    return 0;
}

int main(void)
{
    int rc = co_run(compare, NULL, NULL);

    if (rc < 0)
        error(EXIT_FAILURE, -rc, "the powers could not be computed");
    return 0;
}
