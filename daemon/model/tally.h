/* The counts and statistics of a batch, kept up as results come in. */
#pragma once

#include "daemon/base/json_writer.h"
#include "daemon/model/histogram.h"
#include "daemon/model/result.h"

enum { TALLY_MAX_CODES = 64, TALLY_N_STATUSES = 1000 };

struct tally {
    size_t n_items;
    size_t n_finished;
    size_t n_outcomes[N_OUTCOMES]; /* their sum is n_finished */
    size_t n_retried;              /* of the finished ones; more than one attempt was made */
    uint64_t received_bytes;
    struct histogram total_us; /* of items that were started */
    uint32_t n_statuses[TALLY_N_STATUSES];
    struct {
        const char *code; /* static */
        uint32_t n;
    } errors[TALLY_MAX_CODES];
    unsigned n_error_codes;
};

void tally_init(struct tally *tally, size_t n_items);
void tally_add(struct tally *tally, const struct result *result);

/* The value of a "counts" member, and of a "stats" member. */
void tally_render_counts(const struct tally *tally, size_t n_running, struct json_writer *w);
void tally_render_stats(const struct tally *tally, struct json_writer *w);
