/* What the files of the engine share:
 *
 *     engine.c       the pump, which starts items as the gates let them through
 *     engine_item.c  one item in its task, from its start to its end
 *     engine_run.c   one run, from its opening to its end
 */
#pragma once

#include "daemon/engine/engine.h"

struct engine {
    struct fetcher fetcher;
    struct admission admission;
    struct stats stats;
    struct co_event may_go_on; /* wakes the pump */
    struct co_task *pump;
};

/* What goes through many items lets the others have a turn now and then. */
CO_BLOCKS int engine_share_the_loop(size_t n_items);

/* --- engine_item.c ---------------------------------------------------------------------------- */

/* From 0 to 1. */
double engine_random_part(void);

extern const struct result_error engine_no_memory;

/* Starts an item that admission has let through, or reports at once why it is not. */
void engine_start_item(struct run *run, struct run_piece *piece, uint32_t item);
