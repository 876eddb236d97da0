/* The counts and statistics of a batch, kept up as results come in. */
#pragma once

#include <stdbool.h>

#include "daemon/base/buffer.h"
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

/* What a tally needs to know of a result that has gone elsewhere in the meantime. */
struct tally_entry {
    const char *error_code; /* static; NULL: none */
    int64_t total_us;       /* -1: it was never started */
    uint64_t received_bytes;
    uint16_t status; /* 0: no response */
    uint8_t outcome; /* enum outcome */
    bool was_retried;
};

struct tally_entry tally_entry(const struct result *result);
void tally_add_entry(struct tally *tally, const struct tally_entry *entry);

/* Adds n items that were never started, as `outcome`, with this code. */
void tally_add_rest(struct tally *tally, size_t n, enum outcome outcome, const char *error_code);

/* As bytes for the store: some hundred of them, as only what is not 0 is kept.
 *
 * returns    0, -ENOMEM, -EMSGSIZE
 */
int tally_encode(const struct tally *tally, struct buffer *out);

/* returns    0; -EBADMSG: these bytes are none, or from a newer version. Unknown error codes count
 * as "internal" */
int tally_decode(struct tally *ret_tally, const char *bytes, size_t length);

/* The value of a "counts" member, and of a "stats" member. */
void tally_render_counts(const struct tally *tally, size_t n_running, struct json_writer *w);
void tally_render_stats(const struct tally *tally, struct json_writer *w);
