/* What is behind the items of a piece that are to be tried again, while no task has it. Costs
 * nothing until there is such an item.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/model/result.h"

struct history_entry;

/* All zeros: nothing is behind any item. */
struct history {
    struct history_entry *entries; /* by item */
    size_t n_entries;
};

/* Takes over the attempts of a result, the last one included, with the pause that follows it.
 *
 * n_items   of the piece
 * returns   0; -ENOMEM, and the result is as it was
 */
int history_keep(struct history *history, size_t n_items, size_t index, struct result *result,
                 int64_t pause_us);

/* Hands an item's attempts on to its next result, which has none yet. */
void history_take(struct history *history, size_t index, struct result *result);

/* Whether there are attempts of an item. */
bool history_contains(const struct history *history, size_t index);

void history_done(struct history *history);
