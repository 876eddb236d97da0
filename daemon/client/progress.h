/* One line that says how far something has come, written again and again in its place:
 *
 *     [#########-----------]  451/1000  812/s  3 failed  0:02 left
 *
 * It is drawn at most ten times a second, and not at all where a line cannot be written again. What
 * fits is shown, from the left. Whoever prints something else takes the line away first:
 *
 *     progress_clear(&progress, &out);
 *     ... append to out ...
 *     progress_draw(&progress, co_now(), &out);
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/co/co.h"

#include "daemon/base/buffer.h"
#include "daemon/client/terminal.h"

struct progress {
    const struct terminal *terminal; /* borrowed; may be measured again meanwhile */
    uint64_t total;                  /* 0: nobody knows yet */
    uint64_t n_done;
    uint64_t n_failed; /* of these */

    co_time started;
    co_time drawn_at;
    uint64_t n_drawn; /* what n_done was then */
    double rate;      /* a second, of late */
    bool is_drawn;    /* the line is there */
};

void progress_init(struct progress *progress, const struct terminal *terminal, co_time now);

/* The first three are the caller's to set. Appends what draws the line, if it is time to.
 *
 * returns    0; as buffer_append() */
int progress_draw(struct progress *progress, co_time now, struct buffer *out);

/* How long until drawing is worth while; CO_NEVER: never. */
co_time progress_pause(const struct progress *progress, co_time now);

/* Appends what takes the line away, if it is there. */
int progress_clear(struct progress *progress, struct buffer *out);
