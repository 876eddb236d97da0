/* A tally as bytes: what is 0 is left out, and places in a table are the distance from the last. */
#include "daemon/model/tally.h"

#include <errno.h>

#include "daemon/base/pack.h"
#include "daemon/model/error_code.h"

enum { FORM = 1 };

/* --- Tables ----------------------------------------------------------------------------------- */

static void pack_table(struct packer *packer, const uint32_t *table, size_t n)
{
    size_t next = 0, n_used = 0;

    for (size_t i = 0; i < n; i++)
        n_used += table[i] != 0;
    pack_uint(packer, n_used);
    for (size_t i = 0; i < n; i++) {
        if (table[i] == 0)
            continue;
        pack_uint(packer, i - next);
        pack_uint(packer, table[i]);
        next = i + 1;
    }
}

static void unpack_table(struct unpacker *unpacker, uint32_t *table, size_t n)
{
    size_t next = 0;

    for (size_t n_used = unpack_count(unpacker); n_used > 0; n_used--) {
        size_t i = next + unpack_below(unpacker, n);
        uint32_t count = (uint32_t)unpack_below(unpacker, UINT64_C(1) << 32);
        if (unpacker->is_bad || i >= n) {
            unpacker->is_bad = true;
            return;
        }
        table[i] = count;
        next = i + 1;
    }
}

/* --- Histogram -------------------------------------------------------------------------------- */

static void pack_histogram(struct packer *packer, const struct histogram *histogram)
{
    pack_uint(packer, histogram->n);
    pack_uint(packer, histogram->sum);
    pack_uint(packer, histogram->min);
    pack_uint(packer, histogram->max);
    pack_table(packer, histogram->counts, HISTOGRAM_BUCKETS);
}

static void unpack_histogram(struct unpacker *unpacker, struct histogram *histogram)
{
    histogram->n = unpack_uint(unpacker);
    histogram->sum = unpack_uint(unpacker);
    histogram->min = unpack_uint(unpacker);
    histogram->max = unpack_uint(unpacker);
    unpack_table(unpacker, histogram->counts, HISTOGRAM_BUCKETS);
    unpacker->is_bad |= histogram->min > histogram->max;
}

/* --- Error codes ------------------------------------------------------------------------------ */

static void pack_errors(struct packer *packer, const struct tally *tally)
{
    pack_uint(packer, tally->n_error_codes);
    for (unsigned i = 0; i < tally->n_error_codes; i++) {
        pack_text(packer, tally->errors[i].code);
        pack_uint(packer, tally->errors[i].n);
    }
}

static void unpack_errors(struct unpacker *unpacker, struct tally *tally)
{
    unsigned n_codes = (unsigned)unpack_below(unpacker, TALLY_MAX_CODES + 1);

    for (unsigned i = 0; i < n_codes; i++) {
        const char *text = unpack_text(unpacker);
        const char *code = text != NULL ? error_code_find(text) : NULL;
        tally->errors[i].code = code != NULL ? code : "internal";
        tally->errors[i].n = (uint32_t)unpack_below(unpacker, UINT64_C(1) << 32);
    }
    tally->n_error_codes = n_codes;
}

/* --- All of it -------------------------------------------------------------------------------- */

int tally_encode(const struct tally *tally, struct buffer *out)
{
    struct packer packer = {.out = out};

    pack_uint(&packer, FORM);
    pack_uint(&packer, tally->n_items);
    pack_uint(&packer, N_OUTCOMES);
    for (unsigned i = 0; i < N_OUTCOMES; i++)
        pack_uint(&packer, tally->n_outcomes[i]);
    pack_uint(&packer, tally->n_retried);
    pack_uint(&packer, tally->received_bytes);
    pack_histogram(&packer, &tally->total_us);
    pack_table(&packer, tally->n_statuses, TALLY_N_STATUSES);
    pack_errors(&packer, tally);
    return packer.rc;
}

static void unpack_outcomes(struct unpacker *unpacker, struct tally *tally)
{
    unpacker->is_bad |= unpack_uint(unpacker) != N_OUTCOMES;
    for (unsigned i = 0; i < N_OUTCOMES; i++) {
        tally->n_outcomes[i] = unpack_below(unpacker, tally->n_items - tally->n_finished + 1);
        tally->n_finished += tally->n_outcomes[i];
    }
    tally->n_retried = unpack_below(unpacker, tally->n_finished + 1);
}

int tally_decode(struct tally *ret_tally, const char *bytes, size_t length)
{
    struct unpacker unpacker = {.at = bytes, .end = bytes + length};

    unpacker.is_bad |= unpack_uint(&unpacker) != FORM;
    tally_init(ret_tally, unpack_below(&unpacker, SIZE_MAX));
    unpack_outcomes(&unpacker, ret_tally);
    ret_tally->received_bytes = unpack_uint(&unpacker);
    unpack_histogram(&unpacker, &ret_tally->total_us);
    unpack_table(&unpacker, ret_tally->n_statuses, TALLY_N_STATUSES);
    unpack_errors(&unpacker, ret_tally);
    return unpacker.is_bad || unpacker.at != unpacker.end ? -EBADMSG : 0;
}
