/* What every file of the library starts from: time, results, and attributes. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Nanoseconds of the loop's clock. Only differences mean something. */
typedef int64_t co_time;

#define CO_NEVER       INT64_MAX
#define CO_MICROSECOND ((co_time)1000)
#define CO_MILLISECOND ((co_time)1000000)
#define CO_SECOND      ((co_time)1000000000)

/* Around all that the library exports. */
#ifdef __cplusplus
#define CO_API_BEGIN                                                                               \
    extern "C" {                                                                                   \
    _Pragma("GCC visibility push(default)")
#define CO_API_END                                                                                 \
    _Pragma("GCC visibility pop")                                                                  \
    }
#else
#define CO_API_BEGIN _Pragma("GCC visibility push(default)")
#define CO_API_END   _Pragma("GCC visibility pop")
#endif

/* The body of a task. A status >= 0 is success, -errno is failure; *result counts only on success,
 * and there is always a place for it. A spawned body is always entered, even when it was cancelled
 * before its first step, so it always owns arg. */
typedef int co_fn(void *arg, void **result);

/* A whole number as a result, an item, or an argument; (intptr_t)value is the number again. */
static inline void *co_int(intptr_t number)
{
    return (void *)number;
}

/* A call marked CO_BLOCKS may run other tasks before it returns. It is also where a cancellation
 * arrives: it returns -ECANCELED, having had no effect, for as long as a scope around the caller
 * is cancelled. Ignoring its result is a warning. */
#define CO_BLOCKS __attribute__((warn_unused_result))

/* Runs fn(&variable) when the variable goes out of scope; co_take() hands its value on and
 * leaves NULL behind. */
#define CO_CLEANUP(fn) __attribute__((cleanup(fn)))
#define co_take(pointer)                                                                           \
    ({                                                                                             \
        __typeof__(&(pointer)) co_from_ = &(pointer);                                              \
        __typeof__(pointer) co_taken_ = *co_from_;                                                 \
        *co_from_ = NULL;                                                                          \
        co_taken_;                                                                                 \
    })

#define co_container_of(member_pointer, type, member)                                              \
    ((type *)((char *)(member_pointer)-offsetof(type, member)))

/* "file:line" of the caller, for messages that name where a task or scope began. */
#define CO_SITE          __FILE__ ":" CO_STRINGIFY(__LINE__)
#define CO_STRINGIFY(x)  CO_STRINGIFY_(x)
#define CO_STRINGIFY_(x) #x
