#include "daemon/engine/fetch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/co/co.h"

#include "daemon/base/instant.h"

/* What changes from hop to hop. */
struct hop {
    struct co_url redirected; /* where the last redirect led; empty at first */
    const char *method;
    const struct co_http_header *headers;
    size_t n_headers;
    struct co_http_header *own_headers; /* the safe ones, once an origin was left */
    const char *body;
    size_t body_length;
};

static void hop_done(struct hop *hop)
{
    co_url_done(&hop->redirected);
    free(hop->own_headers);
}

/* --- The policy ------------------------------------------------------------------------------- */

static const char *check_address(void *arg, const struct co_address *address)
{
    return egress_check_address(arg, address);
}

static const char *check_answer(void *arg, struct co_address *addresses, size_t *n_addresses)
{
    return egress_check_addresses(arg, addresses, n_addresses);
}

static void set_error(struct result *result, enum outcome outcome, const char *code,
                      const char *phase, const char *message)
{
    result->outcome = outcome;
    result->error = (struct result_error){.code = code, .phase = phase, .message = message};
}

static void set_blocked(struct result *result, const char *phase, const char *rule)
{
    set_error(result, OUTCOME_BLOCKED, "blocked_by_policy", phase,
              "the egress policy forbids this address (egress.allow in the configuration opens "
              "ranges)");
    result->error.rule = rule;
}

/* --- One request ------------------------------------------------------------------------------ */

static int send_hop(const struct fetcher *fetcher, const struct request *request,
                    const struct co_url *url, const struct hop *hop, co_time deadline,
                    struct co_http_response *ret_response)
{
    const struct fetch_options *options = request->options;
    const struct co_http_gate gate = {
        .check = check_address,
        .check_answer = check_answer,
        .arg = (void *)fetcher->egress,
    };
    const struct co_http_request http = {
        .method = hop->method,
        .url = url,
        .headers = hop->headers,
        .n_headers = hop->n_headers,
        .body = hop->body,
        .body_length = hop->body_length,
        .deadline = deadline,
        .connect_timeout = options->connect_timeout_us * CO_MICROSECOND,
        .first_byte_timeout = options->first_byte_timeout_us * CO_MICROSECOND,
        .idle_timeout = options->idle_timeout_us * CO_MICROSECOND,
        .max_header_bytes = fetcher->max_header_bytes,
        .max_body_bytes = fetcher->max_body_bytes,
        .capture_bytes = options->capture_body ? options->capture_max_bytes : 0,
        .gate = &gate,
    };

    return co_http_fetch(fetcher->session, &http, ret_response);
}

static void add_times(struct result *result, const struct co_http_response *response)
{
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

/* What the last hop's response makes of the result. */
static void conclude(struct result *result)
{
    const struct co_http_response *response = &result->response;

    if (response->error == CO_HTTP_OK) {
        bool is_good = response->status >= 200 && response->status < 400;
        result->outcome = is_good ? OUTCOME_SUCCESS : OUTCOME_HTTP_ERROR;
        return;
    }
    const char *phase = co_http_phase_name(response->error_phase);
    if (response->error == CO_HTTP_BLOCKED) {
        set_blocked(result, phase, response->blocked_by);
        return;
    }
    bool was_canceled = response->error == CO_HTTP_CANCELED;
    set_error(result, was_canceled ? OUTCOME_CANCELED : OUTCOME_TRANSPORT_ERROR,
              co_http_error_name(response->error), phase, response->message);
    result->error.curl_code = response->curl_code;
    result->error.curl_name = response->curl_name;
    result->error.retryable = co_http_error_is_retryable(response->error);
}

/* --- Redirects -------------------------------------------------------------------------------- */

static const char *find_header(const struct co_http_response *response, const char *name)
{
    for (size_t i = 0; i < response->n_headers; i++)
        if (strcasecmp(response->headers[i].name, name) == 0)
            return response->headers[i].value;
    return NULL;
}

static bool is_redirect(int status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/* 303 asks for a GET, and so, by all usage, do 301 and 302 in answer to a POST.
 *
 * source  RFC 9110 section 15.4; Fetch standard, HTTP-redirect fetch */
static bool becomes_get(int status, const char *method)
{
    if (status == 303)
        return strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0;
    return (status == 301 || status == 302) && strcmp(method, "POST") == 0;
}

static bool is_one_of(const char *name, const char *const *names)
{
    while (*names != NULL && strcasecmp(*names, name) != 0)
        names++;
    return *names != NULL;
}

/* The headers that pass `wanted`, in an array of the hop's own. */
static int filter_headers(struct hop *hop, const char *const *names, bool wanted)
{
    struct co_http_header *kept = calloc(hop->n_headers + 1, sizeof(*kept));
    size_t n_kept = 0;

    if (kept == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < hop->n_headers; i++)
        if (is_one_of(hop->headers[i].name, names) == wanted)
            kept[n_kept++] = hop->headers[i];
    free(hop->own_headers);
    hop->headers = hop->own_headers = kept;
    hop->n_headers = n_kept;
    return 0;
}

/* Any header a client sets may be a credential, so another origin gets only those that never are.
 */
static int leave_origin(struct hop *hop)
{
    static const char *const harmless[] = {
        "accept",
        "accept-encoding",
        "accept-language",
        "cache-control",
        "content-encoding",
        "content-language",
        "content-type",
        "if-modified-since",
        "if-none-match",
        "pragma",
        "range",
        "user-agent",
        NULL,
    };

    return filter_headers(hop, harmless, true);
}

static int drop_body(struct hop *hop)
{
    static const char *const about_the_body[] = {"content-type", "content-encoding",
                                                 "content-language", "content-location", NULL};

    hop->body = NULL;
    hop->body_length = 0;
    hop->method = "GET";
    return filter_headers(hop, about_the_body, false);
}

static int record_hop(struct result *result, const struct co_url *url)
{
    struct result_hop *hops = realloc(result->hops, (result->n_hops + 1) * sizeof(*hops));
    if (hops == NULL)
        return -ENOMEM;
    result->hops = hops;
    struct result_hop *hop = &hops[result->n_hops];
    *hop = (struct result_hop){.status = result->response.status,
                               .total_us = result->response.total_us};
    int rc = co_url_parse(url->text, strlen(url->text), &hop->url);
    if (rc != 0)
        return -ENOMEM;
    result->n_hops++;
    return 0;
}

/* Turns the hop to where the response points.
 *
 * returns    0; 1: it may not be followed, and the result says why; -ENOMEM
 */
static int follow(const struct co_url *from, const char *location, struct hop *hop,
                  struct result *result)
{
    struct co_url to;
    int rc = co_url_resolve(from, location, strlen(location), &to);

    if (rc < 0)
        return rc;
    if (rc > 0 || (from->is_https && !to.is_https)) {
        set_error(result, OUTCOME_TRANSPORT_ERROR, "redirect_blocked", "receive",
                  rc > 0 ? co_url_problem_sentence((enum co_url_problem)rc)
                         : "the redirect leads from https to http");
        if (rc == 0)
            co_url_done(&to);
        return 1;
    }
    if (strcmp(from->origin, to.origin) != 0)
        rc = leave_origin(hop);
    if (rc == 0 && becomes_get(result->response.status, hop->method))
        rc = drop_body(hop);
    if (rc == 0)
        rc = record_hop(result, from);
    co_url_done(&hop->redirected);
    hop->redirected = to;
    return rc;
}

/* Where the response wants us to go, if we are to; NULL: it is the answer. */
static const char *redirect_target(const struct fetch_options *options,
                                   const struct co_http_response *response)
{
    if (!options->follow_redirects || response->error != CO_HTTP_OK ||
        !is_redirect(response->status))
        return NULL;
    return find_header(response, "location");
}

/* --- All of it -------------------------------------------------------------------------------- */

/* Fetches hop after hop. returns 0, -ECANCELED, -ENOMEM */
static int fetch_hops(const struct fetcher *fetcher, const struct request *request, struct hop *hop,
                      struct result *result)
{
    const struct fetch_options *options = request->options;
    co_time deadline =
        options->timeout_us > 0 ? co_now() + options->timeout_us * CO_MICROSECOND : 0;

    for (;;) {
        const struct co_url *url = result->n_hops > 0 ? &hop->redirected : &request->url;
        co_http_response_done(&result->response); /* of the hop before */
        const char *rule = egress_check_url(fetcher->egress, url);
        if (rule != NULL) {
            set_blocked(result, co_http_phase_name(CO_HTTP_DNS), rule);
            return 0;
        }

        int rc = send_hop(fetcher, request, url, hop, deadline, &result->response);
        add_times(result, &result->response);
        conclude(result);
        const char *location = redirect_target(options, &result->response);
        if (rc < 0 || location == NULL)
            return rc;
        if (result->n_hops >= options->max_redirects) {
            set_error(result, OUTCOME_TRANSPORT_ERROR, "too_many_redirects", "receive",
                      "more redirects than max_redirects");
            return 0;
        }
        rc = follow(url, location, hop, result);
        if (rc != 0)
            return rc < 0 ? rc : 0;
        result->redirect_us = result->total_us;
    }
}

int fetch_item(const struct fetcher *fetcher, const struct request *request, int64_t queue_us,
               struct result *ret_result)
{
    struct hop hop = {
        .method = request->options->method,
        .headers = request->options->headers,
        .n_headers = request->options->n_headers,
        .body = request->body,
        .body_length = request->body_length,
    };

    result_init(ret_result);
    ret_result->queue_us = queue_us;
    ret_result->started_at = instant_now();
    int rc = fetch_hops(fetcher, request, &hop, ret_result);
    if (rc == -ENOMEM) {
        set_error(ret_result, OUTCOME_TRANSPORT_ERROR, "resource_exhausted", "receive",
                  "there was no memory to go on");
        ret_result->error.retryable = true;
    }
    ret_result->finished_at = ret_result->started_at + ret_result->total_us;
    if (ret_result->n_hops > 0) {
        ret_result->final_url = hop.redirected;
        hop.redirected = (struct co_url){0};
    }
    hop_done(&hop);
    return rc == -ECANCELED ? rc : 0;
}

void fetch_not_started(struct result *ret_result, enum outcome outcome,
                       const struct result_error *error, int64_t queue_us)
{
    result_init(ret_result);
    ret_result->outcome = outcome;
    ret_result->error = *error;
    ret_result->error.phase = "queue";
    ret_result->queue_us = queue_us;
    ret_result->started_at = ret_result->finished_at = instant_now();
}
