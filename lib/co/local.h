/* Values that belong to a task: the request it works for, the language of its user.
 *
 * A task starts with the values its spawner had at that moment; what either sets later is seen by
 * it alone. Spawning costs nothing for it.
 *
 *     static const struct co_local request_id = {.name = "request id"};
 *
 *     co_local_set(&request_id, id, NULL);
 *     spawn(...);                               // in there co_local_get(&request_id) is id
 *
 * source  contextvars (PEP 567)
 */
#pragma once

#include "base.h"

/* A key: its address is what counts. */
struct co_local {
    const char *name; /* for people */
};

CO_API_BEGIN

/* Sets the caller's value, over the one it may have had.
 *
 * free_value NULL, or called with the value once no task has it any more; must not block
 * returns    0, -ENOMEM (then the value stays the caller's)
 */
int co_local_set(const struct co_local *key, void *value, void (*free_value)(void *value));

/* The caller's value; NULL if it has none. */
void *co_local_get(const struct co_local *key);

CO_API_END
