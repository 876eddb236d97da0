/* Shape and row of a result. Each part has its pack_ and its unpack_ function next to each other;
 * what they do in which order is the form, so a change of it needs a new FORM. */
#include "daemon/model/result_codec.h"

#include <errno.h>
#include <string.h>

#include "daemon/base/pack.h"
#include "daemon/model/error_code.h"
#include "daemon/model/expect_codec.h"
#include "daemon/model/header_codec.h"

enum { FORM = 1 };

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

/* Beyond these nothing is real, and sums might overflow. */
#define DURATION_LIMIT (UINT64_C(1) << 48)
#define INSTANT_LIMIT  (INT64_C(1) << 60)

enum { STATUS_LIMIT = 1000, PORT_LIMIT = 65536, CODE_LIMIT = 1 << 16, N_ADDRESS_BYTES = 16 };

/* Fits all there are, but does not take the memory of a million. */
enum { ATTEMPTS_LIMIT = 1 << 12 };

struct decoder {
    struct unpacker shape;
    struct unpacker row;
    struct arena *arena;
    int64_t created_at; /* of the job */
    unsigned parts;
    unsigned phases; /* bit i: phase i happened */
    struct result *result;
};

/* --- Bits and pieces -------------------------------------------------------------------------- */

static int64_t unpack_duration(struct unpacker *row)
{
    return (int64_t)unpack_below(row, DURATION_LIMIT);
}

/* An instant relative to another one, which is a sound one. */
static int64_t unpack_instant(struct unpacker *unpacker, int64_t base)
{
    int64_t instant = unpack_int(unpacker);

    if (__builtin_add_overflow(instant, base, &instant) || instant >= INSTANT_LIMIT ||
        instant <= -INSTANT_LIMIT) {
        unpacker->is_bad = true;
        return 0;
    }
    return instant;
}

static const char *unpack_code(struct unpacker *unpacker)
{
    const char *text = unpack_text(unpacker);
    const char *code = text != NULL ? error_code_find(text) : NULL;

    return code != NULL ? code : text;
}

static unsigned phases_of(const int64_t phase_us[CO_HTTP_N_PHASES])
{
    unsigned phases = 0;

    for (unsigned i = 0; i < CO_HTTP_N_PHASES; i++)
        phases |= (unsigned)(phase_us[i] >= 0) << i;
    return phases;
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

static int64_t sum_of(const int64_t phase_us[CO_HTTP_N_PHASES])
{
    int64_t sum = 0;

    for (unsigned i = 0; i < CO_HTTP_N_PHASES; i++)
        sum += phase_us[i] >= 0 ? phase_us[i] : 0;
    return sum;
}

/* --- Shape: error, connection, TLS ------------------------------------------------------------ */

static void pack_error(struct packer *shape, const struct result_error *error)
{
    pack_text(shape, error->code);
    if (error->code == NULL)
        return;
    pack_text(shape, error->phase);
    pack_text(shape, error->message);
    pack_text(shape, error->rule);
    pack_int(shape, error->curl_code);
    pack_text(shape, error->curl_name);
    pack_uint(shape, error->retryable);
}

static void unpack_error(struct unpacker *shape, struct result_error *error)
{
    error->code = unpack_code(shape);
    if (error->code == NULL)
        return;
    error->phase = unpack_text(shape);
    error->message = unpack_text(shape);
    error->rule = unpack_text(shape);
    error->curl_code = (int)unpack_int(shape);
    error->curl_name = unpack_text(shape);
    error->retryable = unpack_below(shape, 2) != 0;
}

static const sa_family_t families[] = {AF_UNSPEC, AF_INET, AF_INET6};
static const size_t address_lengths[] = {0, 4, N_ADDRESS_BYTES};

enum { N_FAMILIES = sizeof(families) / sizeof(*families) };

static void pack_address(struct packer *shape, const struct co_address *address)
{
    size_t i = N_FAMILIES - 1;

    while (i > 0 && families[i] != address->family)
        i--;
    pack_uint(shape, i);
    pack_bytes(shape, address->bytes, address_lengths[i]);
    pack_uint(shape, address->port);
}

static void unpack_address(struct unpacker *shape, struct co_address *address)
{
    size_t i = unpack_below(shape, N_FAMILIES);
    const char *bytes = unpack_bytes(shape, address_lengths[i]);

    address->family = families[i];
    if (bytes != NULL)
        memcpy(address->bytes, bytes, address_lengths[i]);
    address->port = (uint16_t)unpack_below(shape, PORT_LIMIT);
}

static void pack_tls(struct packer *shape, const struct co_http_tls *tls)
{
    pack_uint(shape, tls != NULL);
    if (tls == NULL)
        return;
    pack_text(shape, tls->version);
    pack_text(shape, tls->cipher);
    pack_text(shape, tls->subject);
    pack_text(shape, tls->issuer);
    pack_int(shape, tls->not_after_at);
    pack_uint(shape, tls->is_verified);
}

static int unpack_tls(struct decoder *decoder)
{
    struct unpacker *shape = &decoder->shape;
    struct co_http_tls *tls;

    if (unpack_below(shape, 2) == 0)
        return 0;
    tls = arena_calloc(decoder->arena, 1, sizeof(*tls));
    if (tls == NULL)
        return -ENOMEM;
    tls->version = unpack_text(shape);
    tls->cipher = unpack_text(shape);
    tls->subject = unpack_text(shape);
    tls->issuer = unpack_text(shape);
    tls->not_after_at = unpack_instant(shape, 0);
    tls->is_verified = unpack_below(shape, 2) != 0;
    decoder->result->response.tls = tls;
    return 0;
}

static unsigned parts_of(const struct result *result)
{
    const struct co_http_response *response = &result->response;
    int64_t start =
        result->attempt_started_at != 0 ? result->attempt_started_at : result->started_at;
    unsigned parts = 0;

    parts |= result->attempt_started_at != 0 ? HAS_ATTEMPT : 0;
    parts |= start != result->started_at ? HAS_LATER : 0;
    parts |= result->finished_at != start + result->total_us ? HAS_END : 0;
    parts |= result->total_us != sum_of(result->phase_us) ? HAS_TOTAL : 0;
    parts |= result->redirect_us >= 0 ? HAS_REDIRECT : 0;
    parts |= response->decoded_bytes != response->encoded_bytes ? HAS_DECODED : 0;
    parts |= response->body_truncated ? IS_TRUNCATED : 0;
    parts |= result->has_hash ? HAS_HASH : 0;
    parts |= result->n_hops > 0 ? HAS_HOPS : 0;
    parts |= result->final_url.text != NULL ? HAS_FINAL_URL : 0;
    parts |= result->n_attempts > 0 ? HAS_ATTEMPTS : 0;
    return parts;
}

static void pack_shape(struct packer *shape, const struct result *result)
{
    const struct co_http_response *response = &result->response;

    pack_uint(shape, FORM);
    pack_uint(shape, parts_of(result));
    pack_uint(shape, phases_of(result->phase_us));
    pack_uint(shape, result->outcome);
    pack_error(shape, &result->error);
    pack_uint(shape, (uint64_t)response->status);
    pack_uint(shape, (uint64_t)response->http_version);
    pack_uint(shape, response->reused);
    pack_address(shape, &response->remote);
    pack_tls(shape, response->tls);
}

static int unpack_shape(struct decoder *decoder)
{
    struct unpacker *shape = &decoder->shape;
    struct result *result = decoder->result;
    struct co_http_response *response = &result->response;

    shape->is_bad |= unpack_uint(shape) != FORM;
    decoder->parts = (unsigned)unpack_below(shape, PARTS_LIMIT);
    decoder->phases = (unsigned)unpack_below(shape, 1 << CO_HTTP_N_PHASES);
    result->outcome = (enum outcome)unpack_below(shape, N_OUTCOMES);
    unpack_error(shape, &result->error);
    response->status = (int)unpack_below(shape, STATUS_LIMIT);
    response->http_version = (int)unpack_below(shape, CODE_LIMIT);
    response->reused = unpack_below(shape, 2) != 0;
    unpack_address(shape, &response->remote);
    return unpack_tls(decoder);
}

/* --- Row: times and sizes --------------------------------------------------------------------- */

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

static void unpack_times(struct decoder *decoder)
{
    struct unpacker *row = &decoder->row;
    struct result *result = decoder->result;
    unsigned parts = decoder->parts;
    int64_t start;

    result->started_at = start = unpack_instant(row, decoder->created_at);
    result->queue_us = unpack_instant(row, result->started_at - decoder->created_at);
    row->is_bad |= result->queue_us < 0 || (uint64_t)result->queue_us >= DURATION_LIMIT;
    unpack_phases(row, decoder->phases, result->phase_us);
    result->total_us = (parts & HAS_TOTAL) != 0 ? unpack_duration(row) : sum_of(result->phase_us);
    result->redirect_us = (parts & HAS_REDIRECT) != 0 ? unpack_duration(row) : -1;
    if ((parts & HAS_LATER) != 0)
        start = unpack_instant(row, result->started_at);
    result->attempt_started_at = (parts & HAS_ATTEMPT) != 0 ? start : 0;
    result->finished_at =
        (parts & HAS_END) != 0 ? unpack_instant(row, result->started_at) : start + result->total_us;
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

static void unpack_sizes(struct decoder *decoder)
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

/* --- Row: hops, attempts ---------------------------------------------------------------------- */

static void pack_hops(struct packer *row, const struct result *result)
{
    pack_uint(row, result->n_hops);
    for (unsigned i = 0; i < result->n_hops; i++) {
        const struct result_hop *hop = &result->hops[i];
        pack_text(row, hop->method);
        pack_text(row, hop->url.text);
        pack_uint(row, (uint64_t)hop->status);
        pack_uint(row, (uint64_t)hop->total_us);
        pack_uint(row, phases_of(hop->phase_us));
        pack_phases(row, hop->phase_us);
    }
}

static int unpack_hops(struct decoder *decoder)
{
    struct unpacker *row = &decoder->row;
    size_t n_hops = unpack_count(row);
    struct result_hop *hops = arena_calloc(decoder->arena, n_hops, sizeof(*hops));

    if (hops == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < n_hops; i++) {
        hops[i].method = unpack_text(row);
        hops[i].url.text = (char *)unpack_text(row);
        hops[i].status = (int)unpack_below(row, STATUS_LIMIT);
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

static int unpack_attempts(struct decoder *decoder)
{
    struct unpacker *row = &decoder->row;
    size_t n_attempts = unpack_below(row, ATTEMPTS_LIMIT);
    struct result_attempt *attempts = arena_calloc(decoder->arena, n_attempts, sizeof(*attempts));

    if (attempts == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < n_attempts; i++) {
        attempts[i].outcome = (enum outcome)unpack_below(row, N_OUTCOMES);
        attempts[i].status = (int)unpack_below(row, STATUS_LIMIT);
        attempts[i].error_code = unpack_code(row);
        attempts[i].started_at = unpack_instant(row, decoder->result->started_at);
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

static int unpack_course(struct decoder *decoder)
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

/* --- Headers: in both ------------------------------------------------------------------------- */

static struct header_context context_of(const struct result *result)
{
    return (struct header_context){
        .encoded_bytes = result->response.encoded_bytes,
        .finished_at = result->finished_at,
    };
}

static void pack_headers(struct packer *shape, struct packer *row, const struct result *result)
{
    const struct header_context context = context_of(result);

    pack_uint(shape, result->response.n_headers);
    for (size_t i = 0; i < result->response.n_headers; i++) {
        const struct co_http_header *header = &result->response.headers[i];
        enum header_form form = header_pack(row, &context, header->name, header->value);
        pack_text(shape, header->name);
        pack_uint(shape, form);
        if (form == HEADER_SAME)
            pack_text(shape, header->value);
    }
}

/* returns 0, -ENOMEM */
static int unpack_header(struct decoder *decoder, const struct header_context *context,
                         struct co_http_header *ret_header)
{
    struct unpacker *shape = &decoder->shape;
    enum header_form form;

    ret_header->name = unpack_text(shape);
    form = (enum header_form)unpack_below(shape, HEADER_N_FORMS);
    ret_header->value = form == HEADER_SAME
                            ? unpack_text(shape)
                            : header_unpack(&decoder->row, context, form, decoder->arena);
    if (ret_header->value == NULL && form != HEADER_SAME && !decoder->row.is_bad)
        return -ENOMEM;
    shape->is_bad |= ret_header->name == NULL || ret_header->value == NULL;
    return 0;
}

static int unpack_headers(struct decoder *decoder)
{
    const struct header_context context = context_of(decoder->result);
    size_t n_headers = unpack_count(&decoder->shape);
    struct co_http_header *headers = arena_calloc(decoder->arena, n_headers, sizeof(*headers));
    int rc = headers != NULL ? 0 : -ENOMEM;

    for (size_t i = 0; rc == 0 && i < n_headers && !decoder->shape.is_bad; i++)
        rc = unpack_header(decoder, &context, &headers[i]);
    decoder->result->response.headers = headers;
    decoder->result->response.n_headers = n_headers;
    return rc;
}

/* --- All of it -------------------------------------------------------------------------------- */

int result_encode(const struct result *result, uint64_t seq, int64_t job_created_at,
                  struct buffer *shape, struct buffer *row)
{
    struct packer shape_packer = {.out = shape};
    struct packer row_packer = {.out = row};
    unsigned parts = parts_of(result);

    pack_shape(&shape_packer, result);
    pack_uint(&row_packer, FORM);
    pack_uint(&row_packer, seq);
    pack_times(&row_packer, parts, result, job_created_at);
    pack_sizes(&row_packer, parts, result);
    pack_course(&row_packer, parts, result);
    expect_verdict_pack(&shape_packer, &row_packer, &result->verdict);
    pack_headers(&shape_packer, &row_packer, result);
    return shape_packer.rc < 0 ? shape_packer.rc : row_packer.rc;
}

static int unpack_all(struct decoder *decoder, uint64_t *ret_seq)
{
    int rc = unpack_shape(decoder);

    if (rc < 0)
        return rc;
    decoder->row.is_bad |= unpack_uint(&decoder->row) != FORM;
    *ret_seq = unpack_uint(&decoder->row);
    unpack_times(decoder);
    unpack_sizes(decoder);
    rc = unpack_course(decoder);
    if (rc == 0)
        rc = expect_verdict_unpack(&decoder->shape, &decoder->row, decoder->arena,
                                   &decoder->result->verdict);
    return rc == 0 ? unpack_headers(decoder) : rc;
}

static bool is_read(const struct unpacker *unpacker)
{
    return !unpacker->is_bad && unpacker->at == unpacker->end;
}

int result_decode(const struct encoded_result *encoded, int64_t job_created_at, struct arena *arena,
                  struct result *ret_result, uint64_t *ret_seq)
{
    struct result result;
    uint64_t seq;
    struct decoder decoder = {
        .shape = {.at = encoded->shape, .end = encoded->shape + encoded->shape_length},
        .row = {.at = encoded->row, .end = encoded->row + encoded->row_length},
        .arena = arena,
        .created_at = job_created_at,
        .result = &result,
    };
    int rc;

    result_init(&result);
    rc = unpack_all(&decoder, &seq);
    if (rc < 0)
        return rc;
    if (!is_read(&decoder.shape) || !is_read(&decoder.row))
        return -EBADMSG;
    result.response.body = (char *)encoded->body;
    result.response.body_length = encoded->body_length;
    *ret_result = result;
    *ret_seq = seq;
    return 0;
}
