/* What several examples print: nothing of this is needed to use the library. */
#pragma once

#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <time.h>

#include "lib/co/co.h"

/* "[1, 4, 9]": items that are whole numbers, see co_int(). */
static inline void print_list(void *const *items, ssize_t n)
{
    putchar('[');
    for (ssize_t i = 0; i < n; i++)
        printf("%s%ld", i > 0 ? ", " : "", (long)items[i]);
    puts("]");
}

/* The next item as a number, or how the iterator ended. */
static inline void print_next(struct co_iter *iter)
{
    void *item;
    int rc = co_iter_next(iter, &item);

    if (rc > 0)
        printf("%ld\n", (long)item);
    else
        puts(rc == 0 ? "StopIteration" : strerror(-rc));
}

/* "Loop: 1 Time: 2023-08-14 16:26:35.231695" */
static inline void print_date(int number)
{
    struct timespec now;
    struct tm local;
    char text[sizeof("2023-08-14 16:26:35")];

    clock_gettime(CLOCK_REALTIME, &now);
    strftime(text, sizeof(text), "%F %T", localtime_r(&now.tv_sec, &local));
    printf("Loop: %d Time: %s.%06ld\n", number, text, now.tv_nsec / 1000);
}

/* "started at 16:28:52" */
static inline void print_time(const char *what)
{
    time_t now = time(NULL);
    struct tm local;
    char text[sizeof("16:28:52")];

    strftime(text, sizeof(text), "%T", localtime_r(&now, &local));
    printf("%s %s\n", what, text);
}
