#include "daemon/api/http_dispatch.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "daemon/api/http_exchange_private.h"
#include "daemon/api/problem.h"

struct header {
    const char *name;
    const char *value;
};

static int add_headers(struct http_exchange *exchange, const struct header *headers, size_t n)
{
    int rc = 0;

    for (size_t i = 0; i < n && rc == 0; i++)
        rc = http_answer_header(exchange, headers[i].name, headers[i].value);
    return rc;
}

/* An Origin that has got this far is trusted, see http_guard.h.
 *
 * source  WHATWG Fetch, "CORS protocol" */
static int let_page_read(struct http_exchange *exchange)
{
    const struct header headers[] = {
        {"Access-Control-Allow-Origin", http_header(exchange, "Origin")},
        {"Access-Control-Expose-Headers",
         "Location, Retry-After, Link, ETag, Idempotent-Replayed, Preference-Applied, RateLimit, "
         "RateLimit-Policy, WWW-Authenticate, Content-Disposition"},
        {"Vary", "Origin"},
    };

    return headers[0].value == NULL ? 0 : add_headers(exchange, headers, 3);
}

static int let_page_send(struct http_exchange *exchange, const char *allow)
{
    const char *asked = http_header(exchange, "Access-Control-Request-Headers");
    const struct header headers[] = {
        {"Access-Control-Allow-Methods", allow},
        {"Access-Control-Max-Age", "600"},
        {"Access-Control-Allow-Headers", asked},
    };
    bool is_sendable = asked != NULL && asked[0] != '\0' && strchr(asked, '\t') == NULL;

    if (http_header(exchange, "Origin") == NULL)
        return 0;
    return add_headers(exchange, headers, is_sendable ? 3 : 2);
}

static int answer_options(struct http_exchange *exchange, const char *allow)
{
    int rc = http_answer_header(exchange, "Allow", allow);

    if (rc == 0)
        rc = let_page_send(exchange, allow);
    return rc < 0 ? rc : http_answer(exchange, 204, NULL, NULL);
}

static int answer_wrong_method(struct http_exchange *exchange, const char *allow)
{
    if (strcmp(exchange->method, "OPTIONS") == 0)
        return answer_options(exchange, allow);
    int rc = http_answer_header(exchange, "Allow", allow);
    return rc < 0 ? rc
                  : http_answer_problem(exchange, 405, "method_not_allowed", "%s takes %s, not %s.",
                                        exchange->path, allow, exchange->method);
}

static int answer_not_found(struct http_exchange *exchange)
{
    if (strcmp(exchange->path, "*") == 0)
        return answer_options(exchange, "GET, HEAD, POST, DELETE, OPTIONS");
    return http_answer_problem(exchange, 404, "not_found", "There is nothing at %s.",
                               exchange->path);
}

static uint64_t limit_of(const struct http_route *route, const struct http_body_limits *limits)
{
    return route->streams_body ? limits->max_stream_bytes : limits->max_body_bytes;
}

int http_dispatch_body_too_large(struct http_exchange *exchange,
                                 const struct http_body_limits *limits)
{
    const struct http_route *route = exchange->route;

    return http_answer_problem(
        exchange, 413, "body_too_large", "The body is larger than %s: %" PRIu64 " bytes.",
        route->streams_body ? "api.max_job_bytes" : "api.max_body_bytes", limit_of(route, limits));
}

static int admit_body(struct http_exchange *exchange, const struct http_body_limits *limits)
{
    uint64_t max_bytes = limit_of(exchange->route, limits);
    const char *encoding = http_header(exchange, "Content-Encoding");

    if (!http_exchange_expects_body(exchange))
        return 0;
    if (!exchange->route->takes_body)
        return http_answer_problem(exchange, 400, "unexpected_body", "%s %s takes no body.",
                                   exchange->method, exchange->path);
    if (encoding != NULL && strcasecmp(encoding, "identity") != 0)
        return http_answer_problem(exchange, 415, "unsupported_content_encoding",
                                   "A body cannot be sent with Content-Encoding %s.", encoding);
    if (http_exchange_body_length(exchange) > max_bytes)
        return http_dispatch_body_too_large(exchange, limits);
    if (exchange->route->streams_body)
        http_body_stream_init(&exchange->stream, max_bytes);
    else
        buffer_init(&exchange->body, max_bytes);
    return 0;
}

static int find_handler(struct http_exchange *exchange, const struct http_route *routes,
                        size_t n_routes, const struct http_gate *gate,
                        const struct http_body_limits *limits)
{
    struct route_match match;
    enum route_outcome outcome =
        route_find(routes, n_routes, exchange->method, exchange->path, &match);

    if (outcome == ROUTE_NOT_FOUND)
        return answer_not_found(exchange);
    if (outcome == ROUTE_WRONG_METHOD)
        return answer_wrong_method(exchange, match.allow);
    http_exchange_set_route(exchange, &match);
    int rc = gate->check != NULL ? gate->check(gate->arg, exchange, match.route) : 0;
    return rc < 0 || exchange->answer.status != 0 ? rc : admit_body(exchange, limits);
}

int http_dispatch(struct http_exchange *exchange, const struct http_route *routes, size_t n_routes,
                  const struct http_gate *gate, const struct http_body_limits *limits)
{
    int rc = let_page_read(exchange);

    return rc < 0 ? rc : find_handler(exchange, routes, n_routes, gate, limits);
}
