/* Memory that is freed all at once: everything that belongs to one job lives in one arena.
 *
 * Allocating moves a pointer through chunks, freeing is arena_done(), so a job of many small parts
 * costs a few calls of malloc and cannot leak a part. Chunks double in size up to a bound; what
 * would not fit well into one gets a block of its own. */
#pragma once

#include <stddef.h>

struct arena_chunk;

struct arena {
    struct arena_chunk *chunks; /* all of them; the first is the one being filled */
    char *next;                 /* its free bytes */
    char *end;
    size_t chunk_size; /* of the next chunk */
    size_t n_bytes;    /* held from malloc() */
    size_t max_bytes;  /* n_bytes never gets above this */
};

/* Allocates nothing yet. */
void arena_init(struct arena *arena, size_t max_bytes);

/* Frees all that was allocated; the arena is as after arena_init() then. */
void arena_done(struct arena *arena);

/* Allocate size bytes, aligned for any type and not cleared. Also size 0 gives an address of its
 * own.
 *
 * returns    NULL: no memory, or the arena would exceed its limit */
void *arena_alloc(struct arena *arena, size_t size);

/* Allocate an array of n zeroed elements. Returns as arena_alloc(), also if the size overflows. */
void *arena_calloc(struct arena *arena, size_t n, size_t size);

/* Copy n bytes and add a NUL. Returns as arena_alloc(). */
char *arena_copy(struct arena *arena, const void *bytes, size_t n);
