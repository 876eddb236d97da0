/* What the two halves of the codec share: result_shape.c and result_row.c. Each part has its pack_
 * and its unpack_ function next to each other; what they do in which order is the form, so a change
 * of it needs a new RESULT_FORM. */
#pragma once

#include "daemon/base/arena.h"
#include "daemon/base/pack.h"
#include "daemon/model/result.h"

enum { RESULT_FORM = 1 };

/* What there is in a row besides what always is. It is the shape that says so: these hardly differ
 * between the results of a job, and cost nothing in the rows then. */
enum {
    HAS_ATTEMPT = 1 << 0,   /* it got its turn: attempt_started_at is not 0 */
    HAS_LATER = 1 << 1,     /* attempt_started_at, unless it is started_at */
    HAS_END = 1 << 2,       /* finished_at, unless it is the attempt's start and total_us */
    HAS_TOTAL = 1 << 3,     /* total_us, unless it is the sum of the phases */
    HAS_REDIRECT = 1 << 4,  /* redirect_us */
    HAS_DECODED = 1 << 5,   /* decoded_bytes, unless they are encoded_bytes */
    IS_TRUNCATED = 1 << 6,  /* the body: nothing in the row */
    HAS_HASH = 1 << 7,      /* hash */
    HAS_HOPS = 1 << 8,      /* hops */
    HAS_FINAL_URL = 1 << 9, /* final_url */
    HAS_ATTEMPTS = 1 << 10, /* attempts */
    PARTS_LIMIT = 1 << 11,
};

enum { RESULT_STATUS_LIMIT = 1000 };

struct result_decoder {
    struct unpacker shape;
    struct unpacker row;
    struct arena *arena;
    int64_t created_at; /* of the job */
    unsigned parts;
    unsigned phases; /* bit i: phase i happened */
    struct result *result;
};

/* Of a result's shape and of its row but for these four bytes, which are its end. */
uint32_t result_checksum(const char *shape, size_t shape_length, const char *row,
                         size_t row_length);

/* Which parts a result has, and which phases happened. */
unsigned result_parts(const struct result *result);
unsigned result_phases(const int64_t phase_us[CO_HTTP_N_PHASES]);

/* All but what came of expectations, and headers. The unpack_ functions return 0, also if the bytes
 * are bad, which the unpackers say; -ENOMEM. */
void result_shape_pack(struct packer *shape, const struct result *result);
int result_shape_unpack(struct result_decoder *decoder);
void result_row_pack(struct packer *row, const struct result *result, int64_t created_at);
int result_row_unpack(struct result_decoder *decoder);

/* An instant relative to another one, which is a sound one. */
int64_t result_unpack_instant(struct unpacker *unpacker, int64_t base);

/* The code of an error: the static one, if there is one. NULL: none */
const char *result_unpack_code(struct unpacker *unpacker);

int64_t result_sum_of_phases(const int64_t phase_us[CO_HTTP_N_PHASES]);
