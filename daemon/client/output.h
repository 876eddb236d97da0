/* Where a command writes: results to standard output; to standard error what a person sees
 * meanwhile.
 *
 * What is printed while the progress line is there goes above it.
 */
#pragma once

#include "daemon/client/progress.h"

#define OUTPUT_PACE (100 * CO_MILLISECOND) /* a person sees what has come about so often */

struct output {
    struct buffer text; /* that output_flush() writes next */
    struct terminal terminal;
    struct terminal messages; /* the terminal of standard error */
    struct progress progress;
    bool shows_progress;
    int failure; /* the first one of writing: 0, -errno */
};

void output_init(struct output *output);
void output_done(struct output *output);

/* From now on, how far it has come is shown, if somebody can see it. */
void output_begin_progress(struct output *output, uint64_t total);
void output_draw_progress(struct output *output);
void output_end_progress(struct output *output);

/* Writes what is in output->text, with the progress line out of the way.
 *
 * returns    0; the first failure of this output
 */
int output_flush(struct output *output);

/* Says why writing failed, unless nobody wants to read any more. returns CLIENT_OUTPUT */
int output_complain(const struct output *output);
