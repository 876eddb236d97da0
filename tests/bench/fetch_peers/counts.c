/* Preloaded by `./dev bench fetch phases`: counts allocations and clock reads by who asked for
 * them.
 *
 * When the process ends, the file that COUNTS_FILE names gets one line for each object (program or
 * library) and kind of call: "libcurl.so.4 malloc 120 16384", the last being bytes.
 */
#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

enum { MAX_OBJECTS = 64 };

enum call { ALLOCATE, RESIZE, RELEASE, READ_CLOCK, N_CALLS };

static const char *const call_names[N_CALLS] = {"malloc", "realloc", "free", "clock"};

struct object {
    uintptr_t start, end; /* of what is executed */
    char name[64];
    uint64_t n_calls[N_CALLS], n_bytes[N_CALLS];
};

/* The first is for callers that are not known, such as a library that is loaded later. */
static struct object objects[MAX_OBJECTS] = {{.name = "other"}};
static size_t n_objects = 1;

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *block);

static struct object *object_of(const void *caller)
{
    static struct object *last = objects;
    uintptr_t at = (uintptr_t)caller;

    if (at >= last->start && at < last->end)
        return last;
    for (size_t i = 1; i < n_objects; i++)
        if (at >= objects[i].start && at < objects[i].end)
            return last = &objects[i];
    return &objects[0];
}

/* Threads may add at the same time. */
static void count(const void *caller, enum call call, size_t n_bytes)
{
    struct object *object = object_of(caller);

    __atomic_fetch_add(&object->n_calls[call], 1, __ATOMIC_RELAXED);
    __atomic_fetch_add(&object->n_bytes[call], n_bytes, __ATOMIC_RELAXED);
}

#define CALLER __builtin_return_address(0)

void *malloc(size_t size)
{
    count(CALLER, ALLOCATE, size);
    return __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
    count(CALLER, ALLOCATE, n * size);
    return __libc_calloc(n, size);
}

void *realloc(void *old, size_t size)
{
    count(CALLER, old != NULL ? RESIZE : ALLOCATE, size);
    return __libc_realloc(old, size);
}

void *reallocarray(void *old, size_t n, size_t size)
{
    size_t all;

    if (__builtin_mul_overflow(n, size, &all))
        return NULL;
    count(CALLER, old != NULL ? RESIZE : ALLOCATE, all);
    return __libc_realloc(old, all);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    count(CALLER, ALLOCATE, size);
    return __libc_memalign(alignment, size);
}

int posix_memalign(void **ret_block, size_t alignment, size_t size)
{
    count(CALLER, ALLOCATE, size);
    *ret_block = __libc_memalign(alignment, size);
    return 0;
}

void free(void *block)
{
    if (block != NULL)
        count(CALLER, RELEASE, 0);
    __libc_free(block);
}

/* The next definition of `name`, looked up once. */
#define NEXT(name)                                                                                 \
    ({                                                                                             \
        static __typeof__(&(name)) next;                                                           \
        if (next == NULL)                                                                          \
            next = (__typeof__(next))dlsym(RTLD_NEXT, #name);                                      \
        next;                                                                                      \
    })

int clock_gettime(clockid_t clock, struct timespec *ret_now)
{
    count(CALLER, READ_CLOCK, 0);
    return NEXT(clock_gettime)(clock, ret_now);
}

int gettimeofday(struct timeval *restrict ret_now, void *restrict zone)
{
    count(CALLER, READ_CLOCK, 0);
    return NEXT(gettimeofday)(ret_now, zone);
}

time_t time(time_t *ret_now)
{
    count(CALLER, READ_CLOCK, 0);
    return NEXT(time)(ret_now);
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash != NULL ? slash + 1 : path;
}

static int add_object(struct dl_phdr_info *info, size_t size, void *arg)
{
    (void)size, (void)arg;
    for (int i = 0; i < info->dlpi_phnum && n_objects < MAX_OBJECTS; i++) {
        const ElfW(Phdr) *part = &info->dlpi_phdr[i];
        if (part->p_type != PT_LOAD || !(part->p_flags & PF_X))
            continue;
        struct object *object = &objects[n_objects];
        object->start = info->dlpi_addr + part->p_vaddr;
        object->end = object->start + part->p_memsz;
        snprintf(object->name, sizeof(object->name), "%s",
                 info->dlpi_name[0] != '\0' ? base_name(info->dlpi_name)
                                            : program_invocation_short_name);
        n_objects++;
    }
    return 0;
}

__attribute__((constructor)) static void find_objects(void)
{
    dl_iterate_phdr(add_object, NULL);
}

static void write_object(FILE *file, const struct object *object)
{
    for (size_t i = 0; i < N_CALLS; i++)
        if (object->n_calls[i] > 0)
            fprintf(file, "%s %s %ju %ju\n", object->name, call_names[i],
                    (uintmax_t)object->n_calls[i], (uintmax_t)object->n_bytes[i]);
}

__attribute__((destructor)) static void write_counts(void)
{
    const char *path = getenv("COUNTS_FILE");
    FILE *file = path != NULL ? fopen(path, "w") : NULL;

    if (file == NULL)
        return;
    for (size_t i = 0; i < n_objects; i++)
        write_object(file, &objects[i]);
    fclose(file);
}
