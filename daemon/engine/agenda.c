#include "daemon/engine/agenda.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

int agenda_init(struct agenda *agenda, size_t n_max)
{
    size_t size = sizeof(*agenda->times) + sizeof(*agenda->places) + sizeof(*agenda->heap);

    *agenda = (struct agenda){.times = calloc(n_max > 0 ? n_max : 1, size)};
    if (agenda->times == NULL)
        return -ENOMEM;
    agenda->places = (uint32_t *)(agenda->times + n_max);
    agenda->heap = agenda->places + n_max;
    return 0;
}

void agenda_done(struct agenda *agenda)
{
    free(agenda->times);
}

static bool comes_before(const struct agenda *agenda, uint32_t a, uint32_t b)
{
    co_time at_a = agenda->times[a], at_b = agenda->times[b];

    return at_a < at_b || (at_a == at_b && a < b);
}

static void put(struct agenda *agenda, size_t place, uint32_t number)
{
    agenda->heap[place] = number;
    agenda->places[number] = (uint32_t)place + 1;
}

/* Finds the place of a number on the way from `place` to the top. */
static size_t rise(struct agenda *agenda, size_t place, uint32_t number)
{
    while (place > 0 && comes_before(agenda, number, agenda->heap[(place - 1) / 2])) {
        put(agenda, place, agenda->heap[(place - 1) / 2]);
        place = (place - 1) / 2;
    }
    return place;
}

static size_t sink(struct agenda *agenda, size_t place, uint32_t number)
{
    for (;;) {
        size_t child = 2 * place + 1;
        if (child + 1 < agenda->n &&
            comes_before(agenda, agenda->heap[child + 1], agenda->heap[child]))
            child++;
        if (child >= agenda->n || comes_before(agenda, number, agenda->heap[child]))
            return place;
        put(agenda, place, agenda->heap[child]);
        place = child;
    }
}

void agenda_remove(struct agenda *agenda, uint32_t number)
{
    if (!agenda_contains(agenda, number))
        return;
    size_t place = agenda->places[number] - 1;
    uint32_t last = agenda->heap[--agenda->n];
    agenda->places[number] = 0;
    if (last != number)
        put(agenda, sink(agenda, rise(agenda, place, last), last), last);
}

void agenda_set(struct agenda *agenda, uint32_t number, co_time at)
{
    agenda_remove(agenda, number);
    agenda->times[number] = at;
    put(agenda, rise(agenda, agenda->n++, number), number);
}

uint32_t agenda_take(struct agenda *agenda)
{
    assert(agenda->n > 0);
    uint32_t first = agenda->heap[0];
    agenda_remove(agenda, first);
    return first;
}
