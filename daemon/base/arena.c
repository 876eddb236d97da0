#include "daemon/base/arena.h"

#include <assert.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#if __has_include(<sanitizer/asan_interface.h>)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(address, size)   ((void)(address), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(address, size) ((void)(address), (void)(size))
#endif

enum {
    ALIGNMENT = 16,
    PAGE_SIZE = 4096,
    CHUNK_SIZE_MIN = 4 * 1024,
    CHUNK_SIZE_MAX = 256 * 1024,
    OWN_CHUNK_SHARE = 4, /* more than 1/4 of a chunk is not put into one: its rest might be lost */
};

struct arena_chunk {
    struct arena_chunk *next;
    size_t size; /* with this head */
    alignas(ALIGNMENT) char bytes[];
};

void arena_init(struct arena *arena, size_t max_bytes)
{
    assert(max_bytes <= PTRDIFF_MAX);
    *arena = (struct arena){.max_bytes = max_bytes, .chunk_size = CHUNK_SIZE_MIN};
}

void arena_done(struct arena *arena)
{
    if (arena == NULL)
        return;
    while (arena->chunks != NULL) {
        struct arena_chunk *chunk = arena->chunks;

        arena->chunks = chunk->next;
        ASAN_UNPOISON_MEMORY_REGION(chunk, chunk->size);
        free(chunk);
    }
    arena_init(arena, arena->max_bytes);
}

/* A large chunk is soon full: one call for all its pages, instead of a fault for each. Whether it
 * succeeds does not matter. */
static void bring_in_pages(struct arena_chunk *chunk, size_t size)
{
    uintptr_t begin = ((uintptr_t)chunk + PAGE_SIZE - 1) / PAGE_SIZE * PAGE_SIZE;
    uintptr_t end = ((uintptr_t)chunk + size) / PAGE_SIZE * PAGE_SIZE;

    if (size >= CHUNK_SIZE_MAX / 4)
        (void)madvise((void *)begin, end - begin, MADV_POPULATE_WRITE);
}

/* The bytes of a chunk are off limits to everybody until they are handed out. */
static struct arena_chunk *chunk_new(struct arena *arena, size_t size)
{
    if (size > arena->max_bytes - arena->n_bytes)
        return NULL;
    struct arena_chunk *chunk = malloc(size);
    if (chunk == NULL)
        return NULL;

    /* Also what gets a chunk of its own: many of that size soon share one. */
    if (arena->chunk_size < CHUNK_SIZE_MAX)
        arena->chunk_size *= 2;
    bring_in_pages(chunk, size);
    chunk->size = size;
    ASAN_POISON_MEMORY_REGION(chunk->bytes, size - sizeof(*chunk));
    arena->n_bytes += size;
    return chunk;
}

static bool add_chunk(struct arena *arena, size_t needed)
{
    size_t left = arena->max_bytes - arena->n_bytes;
    size_t size = arena->chunk_size < left ? arena->chunk_size : left;
    struct arena_chunk *chunk = size >= needed ? chunk_new(arena, size) : NULL;
    if (chunk == NULL)
        return false;

    chunk->next = arena->chunks;
    arena->chunks = chunk;
    arena->next = chunk->bytes;
    arena->end = (char *)chunk + size;
    return true;
}

/* Goes behind the chunk that is being filled, which stays in use. */
static void *own_chunk(struct arena *arena, size_t size)
{
    struct arena_chunk *chunk = chunk_new(arena, sizeof(*chunk) + size);
    if (chunk == NULL)
        return NULL;

    struct arena_chunk **place = arena->chunks != NULL ? &arena->chunks->next : &arena->chunks;
    chunk->next = *place;
    *place = chunk;
    return chunk->bytes;
}

static void *find_room(struct arena *arena, size_t size)
{
    if (size > (size_t)(arena->end - arena->next)) {
        if (size > arena->chunk_size / OWN_CHUNK_SHARE)
            return own_chunk(arena, size);
        if (!add_chunk(arena, sizeof(struct arena_chunk) + size))
            return NULL;
    }
    void *room = arena->next;
    arena->next += size;
    return room;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    if (size > arena->max_bytes)
        return NULL;
    size_t rounded = (size + !size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    void *room = find_room(arena, rounded);
    if (room != NULL)
        ASAN_UNPOISON_MEMORY_REGION(room, size);
    return room;
}

void *arena_calloc(struct arena *arena, size_t n, size_t size)
{
    size_t total;

    if (__builtin_mul_overflow(n, size, &total))
        return NULL;
    void *room = arena_alloc(arena, total);
    if (room != NULL)
        memset(room, 0, total);
    return room;
}

char *arena_copy(struct arena *arena, const void *bytes, size_t n)
{
    char *copy = n < arena->max_bytes ? arena_alloc(arena, n + 1) : NULL;
    if (copy == NULL)
        return NULL;

    if (n > 0)
        memcpy(copy, bytes, n);
    copy[n] = '\0';
    return copy;
}
