/* How often a test repeats itself: as often as it says, or less where each step is slow, that is
 * under valgrind and the sanitizers.
 */
#pragma once

#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#else
#define RUNNING_ON_VALGRIND 0
#endif

#ifdef __SANITIZE_THREAD__
#define IS_THREAD_SANITIZED 1
#else
#define IS_THREAD_SANITIZED 0
#endif

#if defined(__SANITIZE_ADDRESS__) || IS_THREAD_SANITIZED
#define IS_SANITIZED 1
#else
#define IS_SANITIZED 0
#endif

/* A fiftieth of n. */
static inline unsigned scaled(unsigned n)
{
    return IS_SANITIZED || RUNNING_ON_VALGRIND ? n / 50 : n;
}

/* What goes from one place to the next leaves out all but every n-th. */
static inline unsigned every(unsigned n)
{
    return IS_SANITIZED || RUNNING_ON_VALGRIND ? n : 1;
}
