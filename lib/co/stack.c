#include "lib/co/stack.h"

#include "lib/co/base.h"

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#if __has_include(<valgrind/memcheck.h>)
#include <valgrind/memcheck.h>
#else
#define VALGRIND_STACK_REGISTER(low, high)        0
#define VALGRIND_STACK_DEREGISTER(id)             ((void)(id))
#define VALGRIND_MAKE_MEM_DEFINED(address, bytes) ((void)0)
#endif

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102 /* Linux 6.13; newer than the C library's headers */
#endif

enum {
    SLOTS_PER_SLAB = 64,
    COLOURS = 16, /* stacks start at different cache lines, or all tasks would share a few sets */
    COLOUR_BYTES = 64,
    DEEP_USE = 16 * 1024, /* pages above this depth are kept: most tasks touch no others */
    MAX_WARM = 1024,      /* stacks that keep pages while idle: 16 MiB at most */
    STACKS_PER_TRIM = 32, /* about 100 us */
    PAGES_PER_LOOK = 256, /* in one call of mincore() */
};

/* Nobody has so much address space; a slab of more could not even be counted. */
#define STACK_SIZE_MAX (SIZE_MAX / SLOTS_PER_SLAB / 2)

struct slab {
    struct co_list link;
    char *base;
    size_t size;
    unsigned n_stacks; /* laid out: all, but when a guard was refused */
    struct co_stack stacks[SLOTS_PER_SLAB];
    unsigned valgrind_ids[SLOTS_PER_SLAB];
};

static size_t round_up(size_t size, size_t unit)
{
    return (size + unit - 1) / unit * unit;
}

/* Emulators of another processor thank for every advice, and follow what they know. */
static bool knows_advice_from_nonsense(void)
{
    return madvise(NULL, 0, -1) != 0;
}

void co_stack_pool_init(struct co_stack_pool *pool, size_t stack_size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);

    *pool = (struct co_stack_pool){.page_size = page, .can_advise = knows_advice_from_nonsense()};
    /* aarch64 compilers probe large frames every 64 KiB: a smaller guard could be stepped over. */
#ifdef __aarch64__
    pool->guard_size = round_up(64 * 1024, page);
#else
    pool->guard_size = page;
#endif
    if (stack_size == 0)
        stack_size = CO_STACK_SIZE_DEFAULT - pool->guard_size;
    else if (stack_size > STACK_SIZE_MAX)
        stack_size = STACK_SIZE_MAX;
    pool->slot_size = round_up(stack_size, page) + pool->guard_size;
    co_list_init(&pool->slabs);
    co_list_init(&pool->used);
    co_list_init(&pool->idle);
}

static int install_guard(const struct co_stack_pool *pool, char *at, size_t size)
{
    if (pool->can_advise && madvise(at, size, MADV_GUARD_INSTALL) == 0)
        return 0;
    return mprotect(at, size, PROT_NONE) == 0 ? 0 : -ENOMEM;
}

static void slab_free(struct slab *slab)
{
    for (unsigned i = 0; i < slab->n_stacks; i++)
        VALGRIND_STACK_DEREGISTER(slab->valgrind_ids[i]);
    if (slab->base != NULL)
        munmap(slab->base, slab->size);
    free(slab);
}

static void slab_freep(struct slab **slab)
{
    if (*slab != NULL)
        slab_free(*slab);
}

static int map_slab(struct slab *slab, const struct co_stack_pool *pool)
{
    slab->size = SLOTS_PER_SLAB * pool->slot_size;
    void *base = mmap(NULL, slab->size, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (base == MAP_FAILED)
        return -ENOMEM;
    slab->base = base;
    /* A huge page under stacks would make all of it resident. Kernels without them refuse: fine. */
    (void)madvise(base, slab->size, MADV_NOHUGEPAGE);
    return 0;
}

static int lay_out_next(struct slab *slab, const struct co_stack_pool *pool)
{
    unsigned i = slab->n_stacks;
    struct co_stack *stack = &slab->stacks[i];
    char *guard = slab->base + i * pool->slot_size;

    if (install_guard(pool, guard, pool->guard_size) != 0)
        return -ENOMEM;
    stack->low = guard + pool->guard_size;
    stack->size = pool->slot_size - pool->guard_size - i % COLOURS * COLOUR_BYTES;
    slab->valgrind_ids[i] = VALGRIND_STACK_REGISTER(stack->low, stack->low + stack->size);
    slab->n_stacks++;
    return 0;
}

static int add_slab(struct co_stack_pool *pool)
{
    CO_CLEANUP(slab_freep) struct slab *slab = calloc(1, sizeof(*slab));
    if (slab == NULL || map_slab(slab, pool) != 0)
        return -ENOMEM;

    while (slab->n_stacks < SLOTS_PER_SLAB)
        if (lay_out_next(slab, pool) != 0)
            return -ENOMEM;
    for (unsigned i = 0; i < SLOTS_PER_SLAB; i++)
        co_list_append(&pool->idle, &slab->stacks[i].link);
    pool->n_idle += SLOTS_PER_SLAB;
    co_list_append(&pool->slabs, &co_take(slab)->link);
    return 0;
}

static struct co_stack *take_first(struct co_list *list)
{
    return co_container_of(co_list_take_first(list), struct co_stack, link);
}

static struct co_stack *take_used(struct co_stack_pool *pool)
{
    struct co_stack *stack = take_first(&pool->used);

    if (pool->was_used != NULL)
        pool->was_used(pool->was_used_arg, stack);
    return stack;
}

static struct co_stack *take_warmest(struct co_stack_pool *pool)
{
    if (!co_list_is_empty(&pool->used))
        return take_used(pool);
    if (pool->n_warm > 0)
        pool->n_warm--;
    return take_first(&pool->idle);
}

int co_stack_reserve(struct co_stack_pool *pool)
{
    int rc = pool->n_reserved == pool->n_idle ? add_slab(pool) : 0;

    if (rc == 0)
        pool->n_reserved++;
    return rc;
}

void co_stack_unreserve(struct co_stack_pool *pool)
{
    pool->n_reserved--;
}

struct co_stack *co_stack_take_reserved(struct co_stack_pool *pool)
{
    struct co_stack *stack = take_warmest(pool);

    stack->name = stack->site = NULL;
    pool->n_reserved--;
    pool->n_idle--;
    pool->n_taken++;
    return stack;
}

int co_stack_take(struct co_stack_pool *pool, struct co_stack **ret_stack)
{
    int rc = co_stack_reserve(pool);

    if (rc == 0)
        *ret_stack = co_stack_take_reserved(pool);
    return rc;
}

void co_stack_put(struct co_stack_pool *pool, struct co_stack *stack)
{
    co_list_insert(pool->used.next, &stack->link);
    pool->n_idle++;
    pool->n_taken--;
}

/* A page that nobody has written to reads as zero; no frame but one larger than a page goes past it
 * without a return address. Not for AddressSanitizer: old frames are still marked there. */
__attribute__((no_sanitize("address"))) static bool was_written_to(const char *page, size_t size)
{
    const uintptr_t *words = (const uintptr_t *)(const void *)page;

    (void)VALGRIND_MAKE_MEM_DEFINED(page, size);
    for (size_t i = 0; i < size / sizeof(*words); i++)
        if (words[i] != 0)
            return true;
    return false;
}

static void give_back_deep_pages(const struct co_stack *stack, size_t page_size)
{
    if (stack->size < DEEP_USE + page_size)
        return;
    size_t deep = (stack->size - DEEP_USE) / page_size * page_size;
    if (was_written_to(stack->low + deep - page_size, page_size))
        (void)madvise(stack->low, deep, MADV_DONTNEED);
}

static void trim(struct co_stack_pool *pool, struct co_stack *stack)
{
    if (pool->n_warm == MAX_WARM) {
        (void)madvise(stack->low, pool->slot_size - pool->guard_size, MADV_DONTNEED);
        co_list_append(&pool->idle, &stack->link);
        return;
    }
    give_back_deep_pages(stack, pool->page_size);
    co_list_insert(pool->idle.next, &stack->link);
    pool->n_warm++;
}

bool co_stack_pool_trim(struct co_stack_pool *pool)
{
    for (unsigned i = 0; i < STACKS_PER_TRIM && !co_list_is_empty(&pool->used); i++)
        trim(pool, take_used(pool));
    return !co_list_is_empty(&pool->used);
}

void co_stack_pool_tell(struct co_stack_pool *pool)
{
    if (pool->was_used == NULL)
        return;
    for (struct co_list *i = pool->used.next; i != &pool->used; i = i->next)
        pool->was_used(pool->was_used_arg, co_container_of(i, struct co_stack, link));
}

static bool is_in_slab(const struct slab *slab, const char *address)
{
    return address >= slab->base && address < slab->base + slab->size;
}

const struct co_stack *co_stack_pool_find(const struct co_stack_pool *pool, const void *address)
{
    for (const struct co_list *i = pool->slabs.next; i != &pool->slabs; i = i->next) {
        const struct slab *slab = co_container_of(i, const struct slab, link);
        if (is_in_slab(slab, address))
            return &slab->stacks[(size_t)((const char *)address - slab->base) / pool->slot_size];
    }
    return NULL;
}

static const char *top_of(const struct co_stack *stack)
{
    return stack->low + stack->size;
}

/* Page tables tell in one call what is still untouched; reading there would fill them. */
static const char *lowest_resident_page(const struct co_stack *stack, size_t page_size)
{
    unsigned char pages[PAGES_PER_LOOK];
    char *at = stack->low;

    while (at < top_of(stack)) {
        size_t n = round_up((size_t)(top_of(stack) - at), page_size) / page_size;
        if (n > PAGES_PER_LOOK)
            n = PAGES_PER_LOOK;
        if (mincore(at, n * page_size, pages) != 0)
            break;
        for (size_t i = 0; i < n; i++, at += page_size)
            if ((pages[i] & 1) != 0)
                return at;
    }
    return top_of(stack);
}

__attribute__((no_sanitize("address"))) size_t co_stack_depth(const struct co_stack_pool *pool,
                                                              const struct co_stack *stack)
{
    const char *low = lowest_resident_page(stack, pool->page_size), *top = top_of(stack);
    const uintptr_t *word = (const uintptr_t *)(const void *)low;

    (void)VALGRIND_MAKE_MEM_DEFINED(low, top - low);
    while ((const char *)word < top && *word == 0)
        word++;
    return (size_t)(top - (const char *)word);
}

/* Word by word, for memset() would be watched by AddressSanitizer, and old frames are still marked.
 */
__attribute__((no_sanitize("address"))) void co_stack_clear(const struct co_stack_pool *pool,
                                                            struct co_stack *stack, size_t depth)
{
    if (depth > DEEP_USE) {
        (void)madvise(stack->low, pool->slot_size - pool->guard_size, MADV_DONTNEED);
        return;
    }
    char *top = stack->low + stack->size;
    (void)VALGRIND_MAKE_MEM_DEFINED(top - depth, depth);
    for (char *at = top - depth; at < top; at += sizeof(uintptr_t))
        *(volatile uintptr_t *)(void *)at = 0;
}

void co_stack_pool_done(struct co_stack_pool *pool)
{
    assert(pool->n_taken == 0 && pool->n_reserved == 0);
    while (!co_list_is_empty(&pool->slabs)) {
        struct co_list *first = co_list_take_first(&pool->slabs);
        slab_free(co_container_of(first, struct slab, link));
    }
    *pool = (struct co_stack_pool){0};
}
