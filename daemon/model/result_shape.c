/* The shape of a result: what many results of a job have in common, and what there is in a row. */
#include "daemon/model/result_codec_private.h"

#include <errno.h>
#include <string.h>

#include "daemon/model/error_code.h"

/* Beyond this nothing is real, and sums might overflow. */
#define INSTANT_LIMIT (INT64_C(1) << 60)

enum { PORT_LIMIT = 65536, VERSION_LIMIT = 1 << 16, N_ADDRESS_BYTES = 16 };

/* --- Bits and pieces -------------------------------------------------------------------------- */

int64_t result_unpack_instant(struct unpacker *unpacker, int64_t base)
{
    int64_t instant = unpack_int(unpacker);

    if (__builtin_add_overflow(instant, base, &instant) || instant >= INSTANT_LIMIT ||
        instant <= -INSTANT_LIMIT) {
        unpacker->is_bad = true;
        return 0;
    }
    return instant;
}

const char *result_unpack_code(struct unpacker *unpacker)
{
    const char *text = unpack_text(unpacker);
    const char *code = text != NULL ? error_code_find(text) : NULL;

    return code != NULL ? code : text;
}

unsigned result_phases(const int64_t phase_us[CO_HTTP_N_PHASES])
{
    unsigned phases = 0;

    for (unsigned i = 0; i < CO_HTTP_N_PHASES; i++)
        phases |= (unsigned)(phase_us[i] >= 0) << i;
    return phases;
}

int64_t result_sum_of_phases(const int64_t phase_us[CO_HTTP_N_PHASES])
{
    int64_t sum = 0;

    for (unsigned i = 0; i < CO_HTTP_N_PHASES; i++)
        sum += phase_us[i] >= 0 ? phase_us[i] : 0;
    return sum;
}

unsigned result_parts(const struct result *result)
{
    const struct co_http_response *response = &result->response;
    int64_t start =
        result->attempt_started_at != 0 ? result->attempt_started_at : result->started_at;
    unsigned parts = 0;

    parts |= result->attempt_started_at != 0 ? HAS_ATTEMPT : 0;
    parts |= start != result->started_at ? HAS_LATER : 0;
    parts |= result->finished_at != start + result->total_us ? HAS_END : 0;
    parts |= result->total_us != result_sum_of_phases(result->phase_us) ? HAS_TOTAL : 0;
    parts |= result->redirect_us >= 0 ? HAS_REDIRECT : 0;
    parts |= response->decoded_bytes != response->encoded_bytes ? HAS_DECODED : 0;
    parts |= response->body_truncated ? IS_TRUNCATED : 0;
    parts |= result->has_hash ? HAS_HASH : 0;
    parts |= result->n_hops > 0 ? HAS_HOPS : 0;
    parts |= result->final_url.text != NULL ? HAS_FINAL_URL : 0;
    parts |= result->n_attempts > 0 ? HAS_ATTEMPTS : 0;
    return parts;
}

/* --- Error, connection, TLS ------------------------------------------------------------------- */

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
    error->code = result_unpack_code(shape);
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

static int unpack_tls(struct result_decoder *decoder)
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
    tls->not_after_at = result_unpack_instant(shape, 0);
    tls->is_verified = unpack_below(shape, 2) != 0;
    decoder->result->response.tls = tls;
    return 0;
}

/* --- All of it -------------------------------------------------------------------------------- */

void result_shape_pack(struct packer *shape, const struct result *result)
{
    const struct co_http_response *response = &result->response;

    pack_uint(shape, result_parts(result));
    pack_uint(shape, result_phases(result->phase_us));
    pack_uint(shape, result->outcome);
    pack_error(shape, &result->error);
    pack_uint(shape, (uint64_t)response->status);
    pack_uint(shape, (uint64_t)response->http_version);
    pack_uint(shape, response->reused);
    pack_address(shape, &response->remote);
    pack_tls(shape, response->tls);
}

int result_shape_unpack(struct result_decoder *decoder)
{
    struct unpacker *shape = &decoder->shape;
    struct result *result = decoder->result;
    struct co_http_response *response = &result->response;

    decoder->parts = (unsigned)unpack_below(shape, PARTS_LIMIT);
    decoder->phases = (unsigned)unpack_below(shape, 1 << CO_HTTP_N_PHASES);
    result->outcome = (enum outcome)unpack_below(shape, N_OUTCOMES);
    unpack_error(shape, &result->error);
    response->status = (int)unpack_below(shape, RESULT_STATUS_LIMIT);
    response->http_version = (int)unpack_below(shape, VERSION_LIMIT);
    response->reused = unpack_below(shape, 2) != 0;
    unpack_address(shape, &response->remote);
    return unpack_tls(decoder);
}
