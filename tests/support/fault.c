/* ld --wrap=malloc turns a call of malloc into one of __wrap_malloc, which is here, and reaches the
 * real one as __real_malloc.
 *
 * Live blocks are a set of addresses and not a counter, so that freeing what a library has
 * allocated (or a library freeing what we have) cannot make the count lie. */

#define _GNU_SOURCE

#include "tests/support/fault.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define WRAPPED(type, name, ...)                                                                   \
    type __real_##name(__VA_ARGS__);                                                               \
    type __wrap_##name(__VA_ARGS__)

WRAPPED(void *, malloc, size_t size);
WRAPPED(void *, calloc, size_t n, size_t size);
WRAPPED(void *, realloc, void *block, size_t size);
WRAPPED(void *, reallocarray, void *block, size_t n, size_t size);
WRAPPED(void, free, void *block);
WRAPPED(char *, strdup, const char *text);
WRAPPED(char *, strndup, const char *text, size_t size);
WRAPPED(int, asprintf, char **ret_text, const char *format, ...);
WRAPPED(int, vasprintf, char **ret_text, const char *format, va_list args);
WRAPPED(int, __asprintf_chk, char **ret_text, int flag, const char *format, ...);
WRAPPED(int, __vasprintf_chk, char **ret_text, int flag, const char *format, va_list args);
WRAPPED(ssize_t, getline, char **line, size_t *capacity, FILE *file);
WRAPPED(ssize_t, __getdelim, char **line, size_t *capacity, int delimiter, FILE *file);
WRAPPED(FILE *, open_memstream, char **text, size_t *size);
WRAPPED(void *, mmap, void *address, size_t size, int protection, int flags, int fd, off_t offset);
WRAPPED(void, _mark_point, const char *file, int line);
WRAPPED(_Noreturn void, _ck_assert_failed, const char *file, int line, const char *expression,
        const char *format, ...);

/* Open addressing with linear probing. An entry is the complement of an address (0 = empty): the
 * set must not be what makes a leaked block look reachable to a leak checker. */
static struct {
    pthread_mutex_t lock;
    size_t countdown; /* allocations until the one that fails, 0 = none will */
    bool sticky;
    bool fired;
    uintptr_t *entries;
    size_t n_entries; /* a power of two */
    size_t n_live;
} state = {.lock = PTHREAD_MUTEX_INITIALIZER};

static _Thread_local bool in_check;

static uintptr_t entry_of(const void *block)
{
    return ~(uintptr_t)block;
}

static size_t home_of(uintptr_t entry)
{
    return (size_t)((entry >> 4) * UINT64_C(0x9E3779B97F4A7C15) >> 20) & (state.n_entries - 1);
}

static size_t next_of(size_t i)
{
    return (i + 1) & (state.n_entries - 1);
}

static void set_insert(uintptr_t entry)
{
    size_t i = home_of(entry);

    while (state.entries[i] != 0)
        i = next_of(i);
    state.entries[i] = entry;
}

static void set_grow(void)
{
    uintptr_t *old = state.entries;
    size_t n_old = state.n_entries;

    state.n_entries = n_old > 0 ? 2 * n_old : 1024;
    state.entries = __real_calloc(state.n_entries, sizeof(*state.entries));
    if (state.entries == NULL)
        abort();
    for (size_t i = 0; i < n_old; i++) {
        if (old[i] != 0)
            set_insert(old[i]);
    }
    __real_free(old);
}

/* Entries behind a hole move up into it unless that would put them before their home. */
static void set_remove_at(size_t hole)
{
    size_t mask = state.n_entries - 1;

    for (size_t i = next_of(hole); state.entries[i] != 0; i = next_of(i)) {
        size_t distance = (i - home_of(state.entries[i])) & mask;

        if (distance >= ((i - hole) & mask)) {
            state.entries[hole] = state.entries[i];
            hole = i;
        }
    }
    state.entries[hole] = 0;
}

static void *watch(void *block)
{
    if (block == NULL)
        return NULL;
    pthread_mutex_lock(&state.lock);
    if (2 * (state.n_live + 1) > state.n_entries)
        set_grow();
    set_insert(entry_of(block));
    state.n_live++;
    pthread_mutex_unlock(&state.lock);
    return block;
}

/* Always before the block is really freed: afterwards another thread may own its address.
 *
 * returns    whether the block was ours */
static bool unwatch(const void *block)
{
    bool found = false;

    pthread_mutex_lock(&state.lock);
    if (block != NULL && state.n_live > 0) {
        size_t i = home_of(entry_of(block));

        while (state.entries[i] != 0 && state.entries[i] != entry_of(block))
            i = next_of(i);
        found = state.entries[i] != 0;
        if (found) {
            set_remove_at(i);
            state.n_live--;
        }
    }
    pthread_mutex_unlock(&state.lock);
    return found;
}

static bool must_fail(void)
{
    bool hit = false;

    if (in_check)
        return false;
    pthread_mutex_lock(&state.lock);
    if (state.countdown > 0 && --state.countdown == 0) {
        hit = true;
        state.fired = true;
        state.countdown = state.sticky ? 1 : 0;
    }
    pthread_mutex_unlock(&state.lock);
    if (hit)
        errno = ENOMEM;
    return hit;
}

static void arm(size_t n, bool sticky)
{
    pthread_mutex_lock(&state.lock);
    state.countdown = n;
    state.sticky = sticky;
    state.fired = false;
    pthread_mutex_unlock(&state.lock);
}

void fault_arm(size_t n)
{
    arm(n, false);
}

void fault_arm_sticky(size_t n)
{
    arm(n, true);
}

bool fault_disarm(void)
{
    pthread_mutex_lock(&state.lock);
    bool fired = state.fired;
    state.countdown = 0;
    state.fired = false;
    pthread_mutex_unlock(&state.lock);
    return fired;
}

size_t fault_live(void)
{
    pthread_mutex_lock(&state.lock);
    size_t n_live = state.n_live;
    pthread_mutex_unlock(&state.lock);
    return n_live;
}

void *__wrap_malloc(size_t size)
{
    return must_fail() ? NULL : watch(__real_malloc(size));
}

void *__wrap_calloc(size_t n, size_t size)
{
    return must_fail() ? NULL : watch(__real_calloc(n, size));
}

void *__wrap_reallocarray(void *block, size_t n, size_t size)
{
    if (must_fail())
        return NULL;

    bool ours = unwatch(block);
    void *moved = __real_reallocarray(block, n, size);
    if (moved == NULL && ours)
        watch(block);
    return watch(moved);
}

void *__wrap_realloc(void *block, size_t size)
{
    return __wrap_reallocarray(block, 1, size);
}

static void (*on_free)(const void *block);

void fault_on_free(void (*fn)(const void *block))
{
    on_free = fn;
}

void __wrap_free(void *block)
{
    if (on_free != NULL && block != NULL)
        on_free(block);
    unwatch(block);
    __real_free(block);
}

char *__wrap_strdup(const char *text)
{
    return must_fail() ? NULL : watch(__real_strdup(text));
}

char *__wrap_strndup(const char *text, size_t size)
{
    return must_fail() ? NULL : watch(__real_strndup(text, size));
}

int __wrap_vasprintf(char **ret_text, const char *format, va_list args)
{
    int length = must_fail() ? -1 : __real_vasprintf(ret_text, format, args);

    if (length >= 0)
        watch(*ret_text);
    return length;
}

int __wrap_asprintf(char **ret_text, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    int length = __wrap_vasprintf(ret_text, format, args);
    va_end(args);
    return length;
}

/* What <stdio.h> makes of the two above under _FORTIFY_SOURCE. */
int __wrap___vasprintf_chk(char **ret_text, int flag, const char *format, va_list args)
{
    (void)flag;
    return __wrap_vasprintf(ret_text, format, args);
}

int __wrap___asprintf_chk(char **ret_text, int flag, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    int length = __wrap___vasprintf_chk(ret_text, flag, format, args);
    va_end(args);
    return length;
}

/* What <stdio.h> may make of getline(). */
ssize_t __wrap___getdelim(char **line, size_t *capacity, int delimiter, FILE *file)
{
    if (must_fail())
        return -1;
    unwatch(*line);
    ssize_t length = __real___getdelim(line, capacity, delimiter, file);
    watch(*line);
    return length;
}

ssize_t __wrap_getline(char **line, size_t *capacity, FILE *file)
{
    return __wrap___getdelim(line, capacity, '\n', file);
}

/* The buffer is libc's until it is freed, so it is not counted. */
FILE *__wrap_open_memstream(char **text, size_t *size)
{
    return must_fail() ? NULL : __real_open_memstream(text, size);
}

void *__wrap_mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset)
{
    return must_fail() ? MAP_FAILED : __real_mmap(address, size, protection, flags, fd, offset);
}

/* The two ends of a Check assertion: it holds, or it does not. Both allocate. */
void __wrap__mark_point(const char *file, int line)
{
    in_check = true;
    __real__mark_point(file, line);
    in_check = false;
}

static void (*on_failed_assertion)(const char *file, int line, const char *sentence);

void fault_on_failed_assertion(void (*fn)(const char *file, int line, const char *sentence))
{
    on_failed_assertion = fn;
}

void __wrap__ck_assert_failed(const char *file, int line, const char *expression,
                              const char *format, ...)
{
    char text[1024] = "";
    va_list args;

    fault_disarm();
    if (format != NULL) {
        va_start(args, format);
        vsnprintf(text, sizeof(text), format, args);
        va_end(args);
    }
    if (on_failed_assertion != NULL)
        on_failed_assertion(file, line, format != NULL ? text : expression);
    __real__ck_assert_failed(file, line, expression, format != NULL ? "%s" : NULL, text);
}
