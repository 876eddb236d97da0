/* The row of a result: what is its own. */
#include "daemon/model/result_codec_private.h"

#include <errno.h>
#include <string.h>

/* Beyond this nothing is real, and sums might overflow. */
#define DURATION_LIMIT (UINT64_C(1) << 48)

/* Fits all there are, but does not take the memory of a million. */
enum { ATTEMPTS_LIMIT = 1 << 12 };

/* --- Durations -------------------------------------------------------------------------------- */

static int64_t unpack_duration(struct unpacker *row)
{
    return (int64_t)unpack_below(row, DURATION_LIMIT);
}

static void pack_phases(struct packer *row, const int64_t phase_us[CO_HTTP_N_PHASES])
{
    for (unsigned i = 0; i < CO_HTTP_N_PHASES; i++)
        if (phase_us[i] >= 0)
            pack_uint(row, (uint64_t)phase_us[i]);
}

static void unpack_phases(struct unpacker *row, unsigned phases, int64_t phase_us[CO_HTTP_N_PHASES])
{
    for (unsigned i = 0; i < CO_HTTP_N_PHASES; i++)
        phase_us[i] = (phases >> i & 1) != 0 ? unpack_duration(row) : -1;
}

/* --- Times and sizes -------------------------------------------------------------------------- */

/* What an item waits for is mostly its turn, from the start of the job on: the difference is small.
 */
static void pack_times(struct packer *row, unsigned parts, const struct result *result,
                       int64_t created_at)
{
    pack_int(row, result->started_at - created_at);
    pack_int(row, result->queue_us - (result->started_at - created_at));
    pack_phases(row, result->phase_us);
    if ((parts & HAS_TOTAL) != 0)
        pack_uint(row, (uint64_t)result->total_us);
    if ((parts & HAS_REDIRECT) != 0)
        pack_uint(row, (uint64_t)result->redirect_us);
    if ((parts & HAS_LATER) != 0)
        pack_int(row, result->attempt_started_at - result->started_at);
    if ((parts & HAS_END) != 0)
        pack_int(row, result->finished_at - result->started_at);
}

static void unpack_times(struct result_decoder *decoder)
{
    struct unpacker *row = &decoder->row;
    struct result *result = decoder->result;
    unsigned parts = decoder->parts;
    int64_t start;

    result->started_at = start = result_unpack_instant(row, decoder->created_at);
    result->queue_us = result_unpack_instant(row, result->started_at - decoder->created_at);
    row->is_bad |= result->queue_us < 0 || (uint64_t)result->queue_us >= DURATION_LIMIT;
    unpack_phases(row, decoder->phases, result->phase_us);
    result->total_us =
        (parts & HAS_TOTAL) != 0 ? unpack_duration(row) : result_sum_of_phases(result->phase_us);
    result->redirect_us = (parts & HAS_REDIRECT) != 0 ? unpack_duration(row) : -1;
    if ((parts & HAS_LATER) != 0)
        start = result_unpack_instant(row, result->started_at);
    result->attempt_started_at = (parts & HAS_ATTEMPT) != 0 ? start : 0;
    result->finished_at = (parts & HAS_END) != 0 ? result_unpack_instant(row, result->started_at)
                                                 : start + result->total_us;
}

static void pack_sizes(struct packer *row, unsigned parts, const struct result *result)
{
    pack_uint(row, result->sent_bytes);
    pack_uint(row, result->response.encoded_bytes);
    if ((parts & HAS_DECODED) != 0)
        pack_uint(row, result->response.decoded_bytes);
    if ((parts & HAS_HASH) != 0)
        pack_bytes(row, result->hash, sizeof(result->hash));
}

static void unpack_sizes(struct result_decoder *decoder)
{
    struct unpacker *row = &decoder->row;
    struct result *result = decoder->result;
    struct co_http_response *response = &result->response;
    const char *hash;

    result->sent_bytes = unpack_uint(row);
    response->encoded_bytes = unpack_uint(row);
    response->decoded_bytes =
        (decoder->parts & HAS_DECODED) != 0 ? unpack_uint(row) : response->encoded_bytes;
    response->body_truncated = (decoder->parts & IS_TRUNCATED) != 0;
    if ((decoder->parts & HAS_HASH) == 0)
        return;
    hash = unpack_bytes(row, sizeof(result->hash));
    result->has_hash = hash != NULL;
    if (hash != NULL)
        memcpy(result->hash, hash, sizeof(result->hash));
}

/* --- Hops, attempts --------------------------------------------------------------------------- */

static void pack_hops(struct packer *row, const struct result *result)
{
    pack_uint(row, result->n_hops);
    for (unsigned i = 0; i < result->n_hops; i++) {
        const struct result_hop *hop = &result->hops[i];
        pack_text(row, hop->method);
        pack_text(row, hop->url.text);
        pack_uint(row, (uint64_t)hop->status);
        pack_uint(row, (uint64_t)hop->total_us);
        pack_uint(row, result_phases(hop->phase_us));
        pack_phases(row, hop->phase_us);
    }
}

static int unpack_hops(struct result_decoder *decoder)
{
    struct unpacker *row = &decoder->row;
    size_t n_hops = unpack_count(row);
    struct result_hop *hops = arena_calloc(decoder->arena, n_hops, sizeof(*hops));

    if (hops == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < n_hops; i++) {
        hops[i].method = unpack_text(row);
        hops[i].url.text = (char *)unpack_text(row);
        hops[i].status = (int)unpack_below(row, RESULT_STATUS_LIMIT);
        hops[i].total_us = unpack_duration(row);
        unpack_phases(row, (unsigned)unpack_below(row, 1 << CO_HTTP_N_PHASES), hops[i].phase_us);
    }
    decoder->result->hops = hops;
    decoder->result->n_hops = (unsigned)n_hops;
    return 0;
}

static void pack_attempts(struct packer *row, const struct result *result)
{
    pack_uint(row, result->n_attempts);
    for (unsigned i = 0; i < result->n_attempts; i++) {
        const struct result_attempt *attempt = &result->attempts[i];
        pack_uint(row, attempt->outcome);
        pack_uint(row, (uint64_t)attempt->status);
        pack_text(row, attempt->error_code);
        pack_int(row, attempt->started_at - result->started_at);
        pack_uint(row, (uint64_t)attempt->total_us);
        pack_uint(row, (uint64_t)attempt->backoff_us);
    }
}

static int unpack_attempts(struct result_decoder *decoder)
{
    struct unpacker *row = &decoder->row;
    size_t n_attempts = unpack_below(row, ATTEMPTS_LIMIT);
    struct result_attempt *attempts = arena_calloc(decoder->arena, n_attempts, sizeof(*attempts));

    if (attempts == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < n_attempts; i++) {
        attempts[i].outcome = (enum outcome)unpack_below(row, N_OUTCOMES);
        attempts[i].status = (int)unpack_below(row, RESULT_STATUS_LIMIT);
        attempts[i].error_code = result_unpack_code(row);
        attempts[i].started_at = result_unpack_instant(row, decoder->result->started_at);
        attempts[i].total_us = unpack_duration(row);
        attempts[i].backoff_us = unpack_duration(row);
    }
    decoder->result->attempts = attempts;
    decoder->result->n_attempts = (unsigned)n_attempts;
    return 0;
}

static void pack_course(struct packer *row, unsigned parts, const struct result *result)
{
    if ((parts & HAS_HOPS) != 0)
        pack_hops(row, result);
    if ((parts & HAS_FINAL_URL) != 0)
        pack_text(row, result->final_url.text);
    if ((parts & HAS_ATTEMPTS) != 0)
        pack_attempts(row, result);
}

static int unpack_course(struct result_decoder *decoder)
{
    int rc = 0;

    if ((decoder->parts & HAS_HOPS) != 0)
        rc = unpack_hops(decoder);
    if ((decoder->parts & HAS_FINAL_URL) != 0)
        decoder->result->final_url.text = (char *)unpack_text(&decoder->row);
    if (rc == 0 && (decoder->parts & HAS_ATTEMPTS) != 0)
        rc = unpack_attempts(decoder);
    return rc;
}

/* --- All of it -------------------------------------------------------------------------------- */

void result_row_pack(struct packer *row, const struct result *result, int64_t created_at)
{
    unsigned parts = result_parts(result);

    pack_times(row, parts, result, created_at);
    pack_sizes(row, parts, result);
    pack_course(row, parts, result);
}

int result_row_unpack(struct result_decoder *decoder)
{
    unpack_times(decoder);
    unpack_sizes(decoder);
    return unpack_course(decoder);
}
