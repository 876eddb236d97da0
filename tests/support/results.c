#include "tests/support/results.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/http_date.h"
#include "daemon/model/result_codec.h"

#define SECOND              INT64_C(1000000)
#define N_OF(array)         (sizeof(array) / sizeof((array)[0]))
#define PICK(random, array) ((array)[random_below((random), N_OF(array))])

static char *copy(struct arena *arena, const char *text)
{
    char *copied = arena_copy(arena, text, strlen(text));

    ck_assert_ptr_nonnull(copied);
    return copied;
}

static void *zeroed(struct arena *arena, size_t n, size_t size)
{
    void *room = arena_calloc(arena, n, size);

    ck_assert_ptr_nonnull(room);
    return room;
}

/* --- Usual ------------------------------------------------------------------------------------ */

static const struct co_http_header nginx_headers[] = {
    {"server", "nginx/1.24.0"},
    {"date", NULL},
    {"content-type", "text/html; charset=utf-8"},
    {"content-length", NULL},
    {"last-modified", NULL},
    {"connection", "keep-alive"},
    {"etag", NULL},
    {"cache-control", "public, max-age=600"},
    {"accept-ranges", "bytes"},
};

enum { DATE = 1, LENGTH = 3, MODIFIED = 4, ETAG = 6 };

static struct co_http_header *usual_headers(struct arena *arena, int64_t now, uint32_t length,
                                            int64_t modified)
{
    struct co_http_header *headers = zeroed(arena, 1, sizeof(nginx_headers));
    char text[64];

    memcpy(headers, nginx_headers, sizeof(nginx_headers));
    http_date_format(now, text);
    headers[DATE].value = copy(arena, text);
    sprintf(text, "%u", length);
    headers[LENGTH].value = copy(arena, text);
    http_date_format(modified, text);
    headers[MODIFIED].value = copy(arena, text);
    sprintf(text, "\"%llx-%x\"", (unsigned long long)(modified / SECOND), length);
    headers[ETAG].value = copy(arena, text);
    return headers;
}

void results_usual(uint32_t i, struct arena *arena, struct result *ret_result)
{
    struct random random = {i};
    uint32_t length = 200 + random_below(&random, 50000);
    int64_t modified = RESULTS_EPOCH - (int64_t)random_below(&random, 94608000) * SECOND;

    result_init(ret_result);
    ret_result->started_at = RESULTS_EPOCH + INT64_C(1000) * (i + 1);
    ret_result->attempt_started_at = ret_result->started_at;
    ret_result->queue_us = INT64_C(1000) * (i + 1) - random_below(&random, 200);
    ret_result->phase_us[CO_HTTP_SEND] = 20 + random_below(&random, 100);
    ret_result->phase_us[CO_HTTP_WAIT] = 500 + random_below(&random, 100000);
    ret_result->phase_us[CO_HTTP_RECEIVE] = 10 + random_below(&random, 2000);
    for (int phase = CO_HTTP_SEND; phase <= CO_HTTP_RECEIVE; phase++)
        ret_result->total_us += ret_result->phase_us[phase];
    ret_result->finished_at = ret_result->started_at + ret_result->total_us;
    ret_result->sent_bytes = 120 + random_below(&random, 60);
    ret_result->response = (struct co_http_response){
        .status = 200,
        .http_version = 11,
        .reused = true,
        .remote = {.bytes = {198, 51, 100, 7}, .port = 80, .family = AF_INET},
        .headers = usual_headers(arena, ret_result->finished_at, length, modified),
        .n_headers = N_OF(nginx_headers),
        .encoded_bytes = length,
        .decoded_bytes = length,
    };
}

/* --- Any -------------------------------------------------------------------------------------- */

static bool maybe(struct random *random)
{
    return random_below(random, 2) == 0;
}

/* Of any magnitude, so that numbers of all lengths come up. */
static int64_t any_number(struct random *random, unsigned bits)
{
    return (int64_t)(random_next(random) >> (64 - random_below(random, bits) - 1));
}

static int64_t any_duration(struct random *random)
{
    return any_number(random, 44);
}

static int64_t any_instant(struct random *random)
{
    return RESULTS_EPOCH + any_duration(random) - any_duration(random);
}

/* Any bytes but NUL, mostly few. */
static char *any_text(struct random *random, struct arena *arena)
{
    size_t length = random_below(random, maybe(random) ? 12 : 300);
    char *text = zeroed(arena, length + 1, 1);

    for (size_t i = 0; i < length; i++)
        text[i] = (char)(1 + random_below(random, 255));
    return text;
}

static char *text_or_null(struct random *random, struct arena *arena)
{
    return maybe(random) ? any_text(random, arena) : NULL;
}

static int any_status(struct random *random)
{
    return (int)random_below(random, 1000);
}

static enum outcome any_outcome(struct random *random)
{
    return (enum outcome)random_below(random, N_OUTCOMES);
}

static void any_error(struct random *random, struct arena *arena, struct result_error *error)
{
    static const char *const codes[] = {"connect_refused", "canceled", "deadline_exceeded",
                                        "a_code_of_tomorrow"};

    error->code = PICK(random, codes);
    error->phase = text_or_null(random, arena);
    error->message = text_or_null(random, arena);
    error->rule = text_or_null(random, arena);
    error->curl_code = maybe(random) ? (int)random_below(random, 100) : 0;
    error->curl_name = text_or_null(random, arena);
    error->retryable = maybe(random);
}

/* The sum of what happened. */
static int64_t any_phases(struct random *random, int64_t phase_us[CO_HTTP_N_PHASES])
{
    int64_t sum = 0;

    for (int i = 0; i < CO_HTTP_N_PHASES; i++) {
        phase_us[i] = maybe(random) ? any_duration(random) : -1;
        sum += phase_us[i] > 0 ? phase_us[i] : 0;
    }
    return sum;
}

static void any_times(struct random *random, struct result *result)
{
    int64_t sum = any_phases(random, result->phase_us);

    result->started_at = any_instant(random);
    result->attempt_started_at = maybe(random)   ? result->started_at
                                 : maybe(random) ? any_instant(random)
                                                 : 0;
    result->queue_us = any_duration(random);
    result->total_us = maybe(random) ? sum : any_duration(random);
    result->finished_at =
        maybe(random) ? result->attempt_started_at + result->total_us : any_instant(random);
    if (result->finished_at < RESULTS_EPOCH / 2)
        result->finished_at = any_instant(random);
    result->redirect_us = maybe(random) ? any_duration(random) : -1;
}

/* Values that are nearly, or just, of a form that is kept as numbers. */
static const char *const tricky_values[] = {
    "",
    "0",
    "00",
    "007",
    "1",
    "-1",
    "1 ",
    "1, 1",
    "18446744073709551616",
    "999999999999999999",
    "1000000000000000000",
    "Sat, 31 Jan 2026 12:00:00 GMT",
    "Sat, 31 Jan 2026 11:59:59 GMT",
    "Sun, 31 Jan 2026 12:00:00 GMT",
    "Sat, 31 Jan 2026 23:59:60 GMT",
    "Sat, 01 Jan 0000 00:00:00 GMT",
    "Fri, 31 Dec 9999 23:59:59 GMT",
    "Saturday, 31-Jan-26 12:00:00 GMT",
    "Sat Jan 31 12:00:00 2026",
    "Sat",
    "\"65a1b2c3-264\"",
    "W/\"65a1b2c3-264\"",
    "w/\"65a1b2c3-264\"",
    "\"65A1B2C3-264\"",
    "\"0-0\"",
    "\"00-1\"",
    "\"-\"",
    "\"1-\"",
    "\"-1\"",
    "\"1-2",
    "\"1-2\" ",
    "1-2",
    "\"fffffffffffffff-fffffffffffffff\"",
    "W/\"fffffffffffffff-fffffffffffffff\"",
    "\"1fffffffffffffff-1\"",
};

static const char *const header_names[] = {
    "age",         "cf-ray",     "content-length",  "content-type",  "date",
    "etag",        "etagg",      "expires",         "last-modified", "location",
    "retry-after", "set-cookie", "server",          "x-amz-id-2",    "x-request-id",
    "-id",         "id",         "x-response-time", "via",           "cache-control"};

static const char *any_value(struct random *random, struct arena *arena,
                             const struct result *result)
{
    char text[HTTP_DATE_SIZE];

    switch (random_below(random, 4)) {
    case 0:
        return any_text(random, arena);
    case 1:
        http_date_format(RESULTS_EPOCH + any_number(random, 52) - any_number(random, 52), text);
        return copy(arena, text);
    case 2:
        sprintf(text, "%llu", (unsigned long long)result->response.encoded_bytes);
        return copy(arena, text);
    default:
        return PICK(random, tricky_values);
    }
}

static void any_headers(struct random *random, struct arena *arena, struct result *result)
{
    size_t n = random_below(random, 20);
    struct co_http_header *headers = zeroed(arena, n, sizeof(*headers));

    for (size_t i = 0; i < n; i++) {
        headers[i].name =
            random_below(random, 4) > 0 ? PICK(random, header_names) : any_text(random, arena);
        headers[i].value = any_value(random, arena, result);
    }
    result->response.headers = headers;
    result->response.n_headers = n;
}

static const struct co_http_tls *any_tls(struct random *random, struct arena *arena)
{
    struct co_http_tls *tls = zeroed(arena, 1, sizeof(*tls));

    tls->version = text_or_null(random, arena);
    tls->cipher = text_or_null(random, arena);
    tls->subject = text_or_null(random, arena);
    tls->issuer = text_or_null(random, arena);
    tls->not_after_at = any_instant(random);
    tls->is_verified = maybe(random);
    return tls;
}

static void any_address(struct random *random, struct co_address *address)
{
    static const sa_family_t families[] = {AF_UNSPEC, AF_INET, AF_INET6};
    static const size_t lengths[] = {0, 4, 16};
    size_t i = random_below(random, 3);

    address->family = families[i];
    address->port = (uint16_t)random_below(random, 65536);
    for (size_t byte = 0; byte < lengths[i]; byte++)
        address->bytes[byte] = (uint8_t)random_next(random);
}

static void any_body(struct random *random, struct arena *arena, struct co_http_response *response)
{
    response->body_truncated = maybe(random);
    if (maybe(random))
        return;
    response->body = any_text(random, arena);
    response->body_length = strlen(response->body);
}

static void any_response(struct random *random, struct arena *arena, struct result *result)
{
    static const int versions[] = {0, 10, 11, 20, 30};
    struct co_http_response *response = &result->response;

    response->status = maybe(random) ? 200 : any_status(random);
    response->http_version = PICK(random, versions);
    response->reused = maybe(random);
    any_address(random, &response->remote);
    response->tls = maybe(random) ? any_tls(random, arena) : NULL;
    response->encoded_bytes = (uint64_t)any_number(random, 60);
    response->decoded_bytes =
        maybe(random) ? response->encoded_bytes : (uint64_t)any_number(random, 64);
    any_body(random, arena, response);
    any_headers(random, arena, result);
}

static void any_hops(struct random *random, struct arena *arena, struct result *result)
{
    static const char *const methods[] = {"GET", "POST", "BREW"};

    result->n_hops = random_below(random, 4);
    result->hops = zeroed(arena, result->n_hops, sizeof(*result->hops));
    for (unsigned i = 0; i < result->n_hops; i++) {
        struct result_hop *hop = &result->hops[i];
        hop->method = PICK(random, methods);
        hop->url.text = any_text(random, arena);
        hop->status = any_status(random);
        hop->total_us = any_phases(random, hop->phase_us);
    }
    result->final_url.text = text_or_null(random, arena);
}

static void any_attempts(struct random *random, struct arena *arena, struct result *result)
{
    result->n_attempts = random_below(random, 4);
    result->attempts = zeroed(arena, result->n_attempts, sizeof(*result->attempts));
    for (unsigned i = 0; i < result->n_attempts; i++)
        result->attempts[i] = (struct result_attempt){
            .outcome = any_outcome(random),
            .status = any_status(random),
            .error_code = maybe(random) ? "connect_refused" : text_or_null(random, arena),
            .started_at = any_instant(random),
            .total_us = any_duration(random),
            .backoff_us = any_duration(random),
        };
}

/* "expected" is shown as it is if it is JSON, so it has to be. */
static const struct expect_check *any_check(struct random *random, struct arena *arena)
{
    struct expect_check *check = zeroed(arena, 1, sizeof(*check));

    check->subject = (enum expect_subject)random_below(random, EXPECT_TLS_EXPIRES_IN + 1);
    check->op = (enum expect_operator)random_below(random, EXPECT_N_OPERATORS);
    check->name = text_or_null(random, arena);
    check->number = (double)any_duration(random) / 3;
    if (check->subject <= EXPECT_JSON && maybe(random)) {
        check->text = "{\"a\":[1,null]}";
        check->length = strlen(check->text);
    }
    return check;
}

static void any_verdict(struct random *random, struct arena *arena, struct expect_verdict *verdict)
{
    verdict->n_passed = random_below(random, 1000);
    verdict->n_failed = random_below(random, 1000);
    verdict->n_failures = random_below(random, EXPECT_FAILURES_MAX + 1);
    verdict->failures = zeroed(arena, verdict->n_failures, sizeof(*verdict->failures));
    for (unsigned i = 0; i < verdict->n_failures; i++)
        verdict->failures[i] = (struct expect_failure){
            .check = maybe(random) ? any_check(random, arena) : NULL,
            .actual = copy(arena, maybe(random) ? "null" : "\"something else\""),
        };
}

void results_any(struct random *random, struct arena *arena, struct result *ret_result)
{
    result_init(ret_result);
    ret_result->outcome = any_outcome(random);
    ret_result->sent_bytes = (uint64_t)any_number(random, 64);
    if (maybe(random))
        any_error(random, arena, &ret_result->error);
    any_times(random, ret_result);
    any_response(random, arena, ret_result);
    if (maybe(random))
        any_hops(random, arena, ret_result);
    if (maybe(random))
        any_attempts(random, arena, ret_result);
    if (maybe(random))
        any_verdict(random, arena, &ret_result->verdict);
    ret_result->has_hash = maybe(random);
    for (size_t i = 0; i < sizeof(ret_result->hash); i++)
        ret_result->hash[i] = (unsigned char)random_next(random);
}

/* --- Kept ------------------------------------------------------------------------------------- */

static void show(struct buffer *out, const struct result_place *place, const struct result *result,
                 bool with_body)
{
    struct json_writer writer;

    buffer_init(out, 1 << 22);
    jw_init(&writer, out);
    render_result(&writer, place, result, with_body);
    ck_assert_int_eq(jw_finish(&writer), 0);
    ck_assert_int_eq(buffer_append_byte(out, '\0'), 0);
}

/* Both from some bytes before the first difference on. */
static void expect_same(const struct buffer *before, const struct buffer *after)
{
    size_t at = 0;

    while (at < before->len && at < after->len && before->data[at] == after->data[at])
        at++;
    if (at == before->len && at == after->len)
        return;
    at = at > 100 ? at - 100 : 0;
    ck_abort_msg("kept is %.200s, what was %.200s", after->data + at, before->data + at);
}

void results_expect_kept(const struct result_place *place, const struct result *result,
                         bool with_body)
{
    struct buffer shape, row, before, after;
    struct arena arena;
    struct result decoded;
    uint64_t seq;

    buffer_init(&shape, 1 << 22);
    buffer_init(&row, 1 << 22);
    arena_init(&arena, 1 << 24);
    ck_assert_int_eq(result_encode(result, place->seq, RESULTS_EPOCH, &shape, &row), 0);
    const struct encoded_result encoded = {
        .shape = shape.data,
        .shape_length = shape.len,
        .row = row.data,
        .row_length = row.len,
        .body = result->response.body,
        .body_length = result->response.body_length,
    };
    ck_assert_int_eq(result_decode(&encoded, RESULTS_EPOCH, &arena, &decoded, &seq), 0);
    ck_assert_uint_eq(seq, place->seq);
    show(&before, place, result, with_body);
    show(&after, place, &decoded, with_body);
    expect_same(&before, &after);
    buffer_done(&before);
    buffer_done(&after);
    arena_done(&arena);
    buffer_done(&shape);
    buffer_done(&row);
}
