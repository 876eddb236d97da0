#include "daemon/engine/fetch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/co/co.h"

#include "daemon/base/instant.h"
#include "daemon/base/sha256.h"
#include "daemon/engine/auth.h"
#include "daemon/engine/redirect.h"

struct attempt {
    const struct fetcher *fetcher;
    const struct fetch_options *options;
    struct co_http_jar *jar;
    co_time deadline; /* 0: none */
    struct hop hop;
    struct auth auth;
    struct sha256 sha256;
    struct result *result;
};

/* --- The policy ------------------------------------------------------------------------------- */

static const char *check_address(void *arg, const struct co_address *address)
{
    return egress_check_address(arg, address);
}

static const char *check_answer(void *arg, struct co_address *addresses, size_t *n_addresses)
{
    return egress_check_addresses(arg, addresses, n_addresses);
}

static void block(struct result *result, enum co_http_phase phase, const char *rule)
{
    result_fail(result, OUTCOME_BLOCKED, "blocked_by_policy", co_http_phase_name(phase),
                egress_explain(rule));
    result->error.rule = rule;
}

/* --- One request ------------------------------------------------------------------------------ */

/* How much of the body to keep: also what only a check will look at. */
static size_t capture_bytes(const struct fetch_options *options)
{
    bool is_needed = options->expect != NULL && options->expect->needs_body;

    return options->capture_body || is_needed ? options->capture_max_bytes : 0;
}

static void hash_bytes(void *arg, const void *bytes, size_t n_bytes)
{
    sha256_update(arg, bytes, n_bytes);
}

static struct co_http_tap tap_of(struct attempt *attempt)
{
    if (attempt->options->hash == HASH_NONE)
        return (struct co_http_tap){0};
    sha256_restart(&attempt->sha256);
    return (struct co_http_tap){.write = hash_bytes, .arg = &attempt->sha256};
}

/* Another origin is not to know who we are. */
static struct co_http_tls_options tls_of(const struct attempt *attempt)
{
    struct co_http_tls_options tls = attempt->options->tls;

    if (attempt->hop.has_left_origin)
        tls.client_file = NULL;
    return tls;
}

static int send_hop(struct attempt *attempt)
{
    static const struct auth no_auth;
    const struct fetcher *fetcher = attempt->fetcher;
    const struct fetch_options *options = attempt->options;
    const struct hop *hop = &attempt->hop;
    const struct fetch_pin *pin = fetch_options_pin(options, hop->url);
    const struct auth *auth = hop->has_left_origin ? &no_auth : &attempt->auth;
    const struct co_http_tls_options tls = tls_of(attempt);
    const struct co_http_gate gate = {
        .check = check_address,
        .check_answer = check_answer,
        .arg = (void *)fetcher->egress,
    };
    const struct co_http_request http = {
        .method = hop->method,
        .url = hop->url,
        .headers = hop->headers,
        .n_headers = hop->n_headers,
        .body = hop->body,
        .body_length = hop->body_length,
        .deadline = attempt->deadline,
        .connect_timeout = options->connect_timeout_us * CO_MICROSECOND,
        .first_byte_timeout = options->first_byte_timeout_us * CO_MICROSECOND,
        .idle_timeout = options->idle_timeout_us * CO_MICROSECOND,
        .max_header_bytes = fetcher->max_header_bytes,
        .max_body_bytes = fetcher->max_body_bytes,
        .max_decode_ratio = fetcher->max_decode_ratio,
        .capture_bytes = capture_bytes(options),
        .tap = tap_of(attempt),
        .version = options->http_version,
        .ip_family = options->ip_family,
        .tls = &tls,
        .is_alone = options->is_alone,
        .addresses = pin != NULL ? pin->addresses : NULL,
        .n_addresses = pin != NULL ? pin->n_addresses : 0,
        .proxy = options->proxy,
        .digest_user = auth->digest_user,
        .digest_password = auth->digest_password,
        .jar = attempt->jar,
        .gate = &gate,
    };

    int rc = co_http_fetch(fetcher->session, &http, &attempt->result->response);
    stats_count_request(fetcher->stats, &attempt->result->response);
    return rc;
}

static void add_times(struct result *result)
{
    const struct co_http_response *response = &result->response;

    for (int i = 0; i < CO_HTTP_N_PHASES; i++) {
        if (response->phase_us[i] < 0)
            continue;
        if (result->phase_us[i] < 0)
            result->phase_us[i] = 0;
        result->phase_us[i] += response->phase_us[i];
    }
    result->total_us += response->total_us;
    result->sent_bytes += response->sent_bytes;
}

static const char no_tls_file[] =
    "gatherd cannot use a file of certificates: that of fetch.ca_file in the configuration, or "
    "one that the request names (tls.ca_ref, tls.client_cert_ref)";

/* What is to be said of those errors that the operator's configuration decides. */
static const char *const of_settings[CO_HTTP_N_ERRORS] = {
    [CO_HTTP_TLS_FILE] = no_tls_file,
    [CO_HTTP_BODY_TOO_LARGE] =
        "the body is larger than fetch.max_body_bytes in the configuration allows",
    [CO_HTTP_DECODE_RATIO] =
        "the body is far larger than what was received of it (fetch.max_decode_ratio)",
    [CO_HTTP_HEADER_TOO_LARGE] =
        "the header is larger than fetch.max_header_bytes in the configuration allows",
};

static void conclude_error(struct result *result)
{
    const struct co_http_response *response = &result->response;
    bool was_canceled = response->error == CO_HTTP_CANCELED;

    if (response->error == CO_HTTP_BLOCKED) {
        block(result, response->error_phase, response->blocked_by);
        return;
    }
    result_fail(result, was_canceled ? OUTCOME_CANCELED : OUTCOME_TRANSPORT_ERROR,
                co_http_error_name(response->error), co_http_phase_name(response->error_phase),
                of_settings[response->error] ?: response->message);
    result->error.curl_code = response->curl_code;
    result->error.curl_name = response->curl_name;
    result->error.retryable = co_http_error_is_retryable(response->error);
}

/* What the last hop's response makes of the result. */
static void conclude(struct result *result, const struct fetch_options *options)
{
    if (result->response.error != CO_HTTP_OK)
        conclude_error(result);
    else if (expect_status_is_good(options->expect, result->response.status))
        result->outcome = OUTCOME_SUCCESS;
    else
        result->outcome = OUTCOME_HTTP_ERROR;
}

/* --- All of them ------------------------------------------------------------------------------ */

/* returns 1: there is another hop to go; 0: the result is final; -ECANCELED, -ENOMEM */
static int fetch_hop(struct attempt *attempt)
{
    struct result *result = attempt->result;

    co_http_response_done(&result->response); /* of the hop before */
    const char *rule = egress_check_url(attempt->fetcher->egress, attempt->hop.url);
    if (rule != NULL) {
        block(result, CO_HTTP_DNS, rule);
        return 0;
    }
    int rc = send_hop(attempt);
    add_times(result);
    conclude(result, attempt->options);
    if (rc < 0)
        return rc;
    int64_t redirect_us = result->total_us;
    rc = redirect_follow(&attempt->hop, attempt->options, attempt->jar != NULL, result);
    if (rc > 0)
        result->redirect_us = redirect_us;
    return rc;
}

/* Credentials go into the first hop; those that follow keep them while they stay at its origin. */
static int prepare(struct attempt *attempt)
{
    int rc = auth_init(&attempt->auth, attempt->fetcher->credentials, attempt->options,
                       attempt->hop.url, attempt->result);

    if (rc <= 0)
        return rc;
    if (attempt->auth.header != NULL)
        rc = hop_set_header(&attempt->hop, "Authorization", attempt->auth.header);
    if (rc >= 0 && attempt->options->hash != HASH_NONE)
        rc = sha256_init(&attempt->sha256);
    return rc < 0 ? rc : 1;
}

static int fetch_hops(struct attempt *attempt)
{
    int rc = prepare(attempt);

    while (rc > 0)
        rc = fetch_hop(attempt);
    return rc;
}

static void keep_hash(struct attempt *attempt)
{
    struct result *result = attempt->result;
    bool is_whole = result->response.error == CO_HTTP_OK && result->response.status > 0;

    if (attempt->options->hash != HASH_NONE && is_whole)
        result->has_hash = sha256_finish(&attempt->sha256, result->hash);
}

static void keep_final_url(struct attempt *attempt)
{
    if (attempt->result->n_hops == 0)
        return;
    attempt->result->final_url = attempt->hop.redirected;
    attempt->hop.redirected = (struct co_url){0};
}

static void attempt_done(struct attempt *attempt)
{
    sha256_done(&attempt->sha256);
    hop_done(&attempt->hop);
    auth_done(&attempt->auth);
}

int fetch_attempt(const struct fetcher *fetcher, const struct request *request,
                  struct co_http_jar *jar, struct result *result)
{
    const struct fetch_options *options = request->options;
    struct attempt attempt = {
        .fetcher = fetcher,
        .options = options,
        .jar = jar,
        .deadline = options->timeout_us > 0 ? co_now() + options->timeout_us * CO_MICROSECOND : 0,
        .result = result,
    };

    hop_init(&attempt.hop, request);
    result->attempt_started_at = instant_now();
    if (result->n_attempts == 0)
        result->started_at = result->attempt_started_at;
    int rc = fetch_hops(&attempt);
    if (rc == -ENOMEM) {
        result_fail(result, OUTCOME_TRANSPORT_ERROR, "resource_exhausted", "receive",
                    "there was no memory to go on");
        result->error.retryable = true;
    }
    result->finished_at = result->attempt_started_at + result->total_us;
    keep_hash(&attempt);
    keep_final_url(&attempt);
    attempt_done(&attempt);
    return rc == -ECANCELED ? rc : 0;
}
