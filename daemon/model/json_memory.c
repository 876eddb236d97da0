#include "daemon/model/json_memory.h"

#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>

static _Thread_local struct {
    size_t n_left; /* bytes */
    bool was_short;
    bool was_exceeded;
} watch = {.n_left = SIZE_MAX};

static void *allocate(size_t size)
{
    if (size > watch.n_left) {
        watch.was_exceeded = true;
        return NULL;
    }
    watch.n_left -= size;
    void *block = malloc(size);
    if (block == NULL)
        watch.was_short = true;
    return block;
}

static void release(void *block)
{
    free(block);
}

void json_memory_init(void)
{
    json_set_alloc_funcs(allocate, release);
    json_object_seed(0);
}

void json_memory_watch(size_t max_bytes)
{
    watch.n_left = max_bytes;
    watch.was_short = watch.was_exceeded = false;
}

bool json_memory_was_short(void)
{
    return watch.was_short;
}

bool json_memory_was_exceeded(void)
{
    return watch.was_exceeded;
}
