/* The memory of the JSON library, which by itself does not always say that there was none: where
 * memory is short jansson (2.14) calls a token invalid, or leaves characters out of it and goes on.
 * So a failure is noted, for each thread: work with jansson never leaves its thread midway.
 *
 *     json_memory_watch(SIZE_MAX);
 *     value = json_loadb(...);
 *     if (json_memory_was_short())
 *         return -ENOMEM; // whatever value is
 *
 * As a document, text may take forty times its own room, so what is read of strangers gets a limit.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Once, before jansson is used: it allocates through this from now on, and gets a random seed for
 * its hash tables, so that nobody can choose keys that collide. */
void json_memory_init(void);

/* Forgets failures, and lets this thread allocate so many bytes from now on, given back or not. */
void json_memory_watch(size_t max_bytes);

/* Whether there was no memory for something since. */
bool json_memory_was_short(void);

/* Whether the limit has been reached since. */
bool json_memory_was_exceeded(void);
