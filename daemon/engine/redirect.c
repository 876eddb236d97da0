#include "daemon/engine/redirect.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { CIRCLE_TEXT_MAX = 1024 }; /* of the message that names a circle */

void hop_init(struct hop *hop, const struct request *request)
{
    *hop = (struct hop){
        .url = &request->url,
        .method = request->options->method,
        .headers = request->options->headers,
        .n_headers = request->options->n_headers,
        .body = request->body,
        .body_length = request->body_length,
    };
}

void hop_done(struct hop *hop)
{
    co_url_done(&hop->redirected);
    free(hop->own_headers);
}

/* --- Headers ---------------------------------------------------------------------------------- */

static bool is_one_of(const char *name, const char *const *names)
{
    while (*names != NULL && strcasecmp(*names, name) != 0)
        names++;
    return *names != NULL;
}

/* The headers whose being among the names is as wanted, in an array of the hop's own, which has
 * room for one more. */
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

int hop_set_header(struct hop *hop, const char *name, const char *value)
{
    const char *const names[] = {name, NULL};
    int rc = filter_headers(hop, names, false);

    if (rc == 0)
        hop->own_headers[hop->n_headers++] = (struct co_http_header){name, value};
    return rc;
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

    hop->has_left_origin = true;
    return filter_headers(hop, harmless, true);
}

static int become_get(struct hop *hop)
{
    static const char *const about_the_body[] = {"content-type", "content-encoding",
                                                 "content-language", "content-location", NULL};

    hop->body = NULL;
    hop->body_length = 0;
    hop->method = "GET";
    return filter_headers(hop, about_the_body, false);
}

/* 303 asks for a GET, and so, by all usage, do 301 and 302 in answer to a POST. */
static bool becomes_get(int status, const char *method)
{
    if (status == 303)
        return strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0;
    return (status == 301 || status == 302) && strcmp(method, "POST") == 0;
}

/* --- What may not be followed ----------------------------------------------------------------- */

static int refuse(struct result *result, const char *code, const char *message)
{
    result_fail(result, OUTCOME_TRANSPORT_ERROR, code, "receive", message);
    return 0;
}

/* The hop that made this very request; n_hops: none did. */
static unsigned find_alike(const struct hop *hop, const struct result *result)
{
    unsigned i = hop->first_alike;

    while (i < result->n_hops && (strcmp(result->hops[i].method, hop->method) != 0 ||
                                  strcmp(result->hops[i].url.text, hop->url->text) != 0))
        i++;
    return i;
}

/* "the redirects lead in a circle: A -> B -> A", cut short if it is long. */
static int refuse_circle(struct result *result, unsigned first)
{
    char *text = malloc(CIRCLE_TEXT_MAX);
    int length;

    if (text == NULL)
        return -ENOMEM;
    length = snprintf(text, CIRCLE_TEXT_MAX, "the redirects lead in a circle: ");
    for (unsigned i = first; i < result->n_hops && length < CIRCLE_TEXT_MAX; i++)
        length += snprintf(text + length, (size_t)(CIRCLE_TEXT_MAX - length), "%s -> ",
                           result->hops[i].url.text);
    if (length < CIRCLE_TEXT_MAX)
        length += snprintf(text + length, (size_t)(CIRCLE_TEXT_MAX - length), "%s",
                           result->hops[first].url.text);
    if (length >= CIRCLE_TEXT_MAX)
        memcpy(text + CIRCLE_TEXT_MAX - sizeof("..."), "...", sizeof("..."));
    result->error_text = text;
    return refuse(result, "too_many_redirects", text);
}

/* --- Following -------------------------------------------------------------------------------- */

static int record_hop(const struct co_url *url, const char *method, struct result *result)
{
    const struct co_http_response *response = &result->response;
    struct result_hop *hops = realloc(result->hops, (result->n_hops + 1) * sizeof(*hops));

    if (hops == NULL)
        return -ENOMEM;
    result->hops = hops;
    struct result_hop *hop = &hops[result->n_hops];
    *hop = (struct result_hop){
        .method = method, .status = response->status, .total_us = response->total_us};
    memcpy(hop->phase_us, response->phase_us, sizeof(hop->phase_us));
    int rc = co_url_parse(url->text, strlen(url->text), &hop->url);
    if (rc != 0)
        return -ENOMEM;
    result->n_hops++;
    return 0;
}

/* Makes the hop the next request, and notes the one it was. Takes `to` if all goes well.
 *
 * returns    1, -ENOMEM
 */
static int turn(struct hop *hop, struct co_url *to, struct result *result)
{
    const char *method = hop->method;
    size_t n_headers = hop->n_headers;
    int rc = 0;

    if (strcmp(hop->url->origin, to->origin) != 0)
        rc = leave_origin(hop);
    if (rc == 0 && becomes_get(result->response.status, method))
        rc = become_get(hop);
    if (rc == 0)
        rc = record_hop(hop->url, method, result);
    if (rc < 0)
        return rc;
    if (hop->n_headers != n_headers)
        hop->first_alike = result->n_hops;
    co_url_done(&hop->redirected);
    hop->redirected = *to;
    *to = (struct co_url){0};
    hop->url = &hop->redirected;
    return 1;
}

/* Back to the hop that was noted last: its response is the last one. */
static void turn_back(struct hop *hop, struct result *result)
{
    struct result_hop *last = &result->hops[--result->n_hops];

    co_url_done(&hop->redirected);
    hop->redirected = last->url;
}

static bool is_redirect(int status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/* Where the response wants us to go; NULL: it is the answer. */
static const char *target_of(const struct fetch_options *options,
                             const struct co_http_response *response)
{
    if (!options->follow_redirects || response->error != CO_HTTP_OK ||
        !is_redirect(response->status))
        return NULL;
    return co_http_response_header(response, "location");
}

/* returns 1; 0: the result says why it may not be followed */
static int check_target(const struct hop *hop, const struct fetch_options *options,
                        const struct co_url *to, struct result *result)
{
    if (hop->url->is_https && !to->is_https)
        return refuse(result, "redirect_blocked", "the redirect leads from https to http");
    if (result->n_hops >= options->max_redirects)
        return refuse(result, "too_many_redirects", "more redirects than max_redirects");
    return 1;
}

/* returns 1; 0: the hop has been where it goes, and the result says so; -ENOMEM */
static int check_circle(struct hop *hop, struct result *result)
{
    unsigned alike = find_alike(hop, result);

    if (alike == result->n_hops)
        return 1;
    int rc = refuse_circle(result, alike);
    turn_back(hop, result);
    return rc;
}

int redirect_follow(struct hop *hop, const struct fetch_options *options, bool has_cookies,
                    struct result *result)
{
    const char *location = target_of(options, &result->response);
    CO_CLEANUP(co_url_done) struct co_url to = {0};

    if (location == NULL)
        return 0;
    int rc = co_url_resolve(hop->url, location, strlen(location), &to);
    if (rc < 0)
        return rc;
    if (rc > 0)
        return refuse(result, "redirect_blocked", co_url_problem_sentence((enum co_url_problem)rc));
    rc = check_target(hop, options, &to, result);
    if (rc > 0)
        rc = turn(hop, &to, result);
    return rc > 0 && !has_cookies ? check_circle(hop, result) : rc;
}
