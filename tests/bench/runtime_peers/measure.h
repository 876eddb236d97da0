/* What the C and C++ programs of `./dev bench runtime` share: how they are asked, and how they
 * measure.
 *
 *     PROGRAM           prints the names of its figures, one a line
 *     PROGRAM FIGURE    measures that one, and prints the value alone
 *
 * A time is that of the fastest of many short rounds: whatever else the machine does only ever adds
 * to it.
 */
#pragma once

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct figure {
    const char *name;
    double (*measure)(void);
};

static inline double now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* What one of the n operations of run(n) takes, after a round that warms up. */
static inline double fastest(unsigned rounds, unsigned n, void (*run)(unsigned n))
{
    double best = 0;

    run(n);
    for (unsigned i = 0; i < rounds; i++) {
        double start = now_ns();
        run(n);
        double each = (now_ns() - start) / n;
        if (i == 0 || each < best)
            best = each;
    }
    return best;
}

static inline void fail(const char *what)
{
    fprintf(stderr, "%s\n", what);
    exit(EXIT_FAILURE);
}

static inline void expect(int is_true, const char *what)
{
    if (!is_true)
        fail(what);
}

static inline FILE *open_proc(const char *path)
{
    FILE *file = fopen(path, "re");

    if (file == NULL)
        fail(path);
    return file;
}

/* Resident memory and the page tables that map it. */
static inline double memory_bytes(void)
{
    FILE *status = open_proc("/proc/self/status");
    char line[256];
    double kib, sum = 0;

    while (fgets(line, sizeof(line), status) != NULL)
        if (sscanf(line, "VmRSS: %lf", &kib) == 1 || sscanf(line, "VmPTE: %lf", &kib) == 1)
            sum += kib * 1024;
    fclose(status);
    return sum;
}

static inline unsigned count_mappings(void)
{
    FILE *maps = open_proc("/proc/self/maps");
    unsigned n = 0;

    for (int c = getc(maps); c != EOF; c = getc(maps))
        n += c == '\n';
    fclose(maps);
    return n;
}

static inline int answer(const struct figure *figures, size_t n, int argc, char **argv)
{
    for (size_t i = 0; i < n; i++) {
        if (argc == 1)
            puts(figures[i].name);
        else if (strcmp(argv[1], figures[i].name) == 0)
            return printf("%.3f\n", figures[i].measure()) < 0;
    }
    return argc == 1 ? 0 : 2;
}
