/* How often a kind of record may be written: so many at once, then one each second. The others are
 * counted.
 *
 * source     the generic cell rate algorithm (ITU-T I.371): one instant is all there is to keep */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
    LOG_LIMIT_BURST = 20,
    LOG_LIMIT_PERIOD_US = 1000000, /* of one more */
};

/* All zeros to begin with. */
struct log_limit {
    int64_t whole_at; /* the burst may be written again */
    unsigned long n_left_out;
};

/* Whether one more may be written now, by a clock that only goes forward; counted if not. */
bool log_limit_take(struct log_limit *limit, int64_t now_us);

/* How many have been left out, once one more may be written; they are forgotten then. Else 0. */
unsigned long log_limit_settle(struct log_limit *limit, int64_t now_us);
