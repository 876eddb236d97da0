/* What is due when: a heap of small numbers by time, each in it at most once.
 *
 * Everything it will ever need is there from the start, so nothing but agenda_init() can fail; and
 * as memory that was never touched is none, room for a million costs nothing until it is used.
 * Equal times leave in order of their numbers.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/co/base.h"

struct agenda {
    co_time *times;   /* by number */
    uint32_t *places; /* by number: where in the heap, + 1; 0: it is not */
    uint32_t *heap;   /* binary, of numbers */
    size_t n;
};

/* For numbers below n_max. returns 0, -ENOMEM */
int agenda_init(struct agenda *agenda, size_t n_max);

/* An agenda that is all zeros is fine, too. */
void agenda_done(struct agenda *agenda);

/* Puts a number in, or moves it to another time. Logarithmic, and constant in order of time. */
void agenda_set(struct agenda *agenda, uint32_t number, co_time at);

/* Does nothing about a number that is not in it. */
void agenda_remove(struct agenda *agenda, uint32_t number);

static inline bool agenda_contains(const struct agenda *agenda, uint32_t number)
{
    return agenda->places[number] != 0;
}

/* The first time of all; CO_NEVER: there is none. */
static inline co_time agenda_time(const struct agenda *agenda)
{
    return agenda->n > 0 ? agenda->times[agenda->heap[0]] : CO_NEVER;
}

/* Takes out the number of the first time; there must be one. */
uint32_t agenda_take(struct agenda *agenda);
