#include "daemon/api/quota.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "lib/co/co.h"

#include "daemon/api/problem.h"

enum {
    HEADER_SIZE = 96,
    QUEUE_RETRY_SECONDS = 10, /* nobody knows when the jobs of a tenant end */
};

/* --- What is left, for clients ---------------------------------------------------------------- */

static uint64_t seconds_up(co_time time)
{
    return (uint64_t)((time + CO_SECOND - 1) / CO_SECOND);
}

__attribute__((format(printf, 3, 4))) static int
add_header(struct http_exchange *exchange, const char *name, const char *format, ...)
{
    char value[HEADER_SIZE];
    va_list args;

    va_start(args, format);
    vsnprintf(value, sizeof(value), format, args);
    va_end(args);
    return http_answer_header(exchange, name, value);
}

static int say_rate(struct http_exchange *exchange, uint64_t rate, uint64_t n_left, co_time full)
{
    return add_header(exchange, "RateLimit-Policy", "\"requests\";q=%" PRIu64 ";w=1", rate)
               ?: add_header(exchange, "RateLimit", "\"requests\";r=%" PRIu64 ";t=%" PRIu64, n_left,
                             seconds_up(full));
}

static int say_queue(struct http_exchange *exchange, uint64_t max, uint64_t n_left)
{
    return add_header(exchange, "RateLimit-Policy", "\"queued-items\";q=%" PRIu64, max)
               ?: add_header(exchange, "RateLimit", "\"queued-items\";r=%" PRIu64, n_left);
}

/* --- Requests --------------------------------------------------------------------------------- */

static int refuse_request(struct http_exchange *exchange, uint64_t rate, co_time wait)
{
    return add_header(exchange, "Retry-After", "%" PRIu64, seconds_up(wait))
               ?: http_answer_problem(exchange, 429, "quota_exceeded",
                                      "This token may make %" PRIu64 " requests a second.", rate)
               ?: 1;
}

/* source  generic cell rate algorithm (ITU-T I.371) */
int quota_take_request(struct http_exchange *exchange, struct token *token)
{
    struct token_use *use = &token->use;
    uint64_t rate = token->requests_per_second;
    co_time now = co_now();

    if (rate == 0)
        return 0;
    co_time each = CO_SECOND / (co_time)rate;
    co_time next = (use->next > now ? use->next : now) + each;
    co_time wait = next - CO_SECOND - now;
    if (wait <= 0)
        use->next = next;
    co_time full = use->next - now;
    int rc = say_rate(exchange, rate, (uint64_t)((CO_SECOND - full) / each), full);
    if (rc < 0 || wait <= 0)
        return rc;
    return refuse_request(exchange, rate, wait);
}

/* --- Items ------------------------------------------------------------------------------------ */

static int refuse_items(struct http_exchange *exchange, const struct token *token, uint64_t n_used,
                        const char *where)
{
    uint64_t max = token->queued_items;
    int rc = say_queue(exchange, max, n_used < max ? max - n_used : 0);

    if (rc == 0)
        rc = add_header(exchange, "Retry-After", "%d", QUEUE_RETRY_SECONDS);
    if (rc < 0)
        return rc;
    return http_answer_problem(exchange, 429, "quota_exceeded",
                               "This token may have %" PRIu64 " items that have not ended; of %s "
                               "there are %" PRIu64 ", and with these it would be more.",
                               max, where, n_used);
}

int quota_refuse_job(struct http_exchange *exchange, const struct token *token, uint64_t n_queued)
{
    return refuse_items(exchange, token, n_queued, "jobs");
}

int quota_refuse_size(struct http_exchange *exchange, const struct token *token)
{
    return http_answer_problem(exchange, 413, "too_many_items",
                               "This token may have %" PRIu64 " items that have not ended, and "
                               "here are more at once: send fewer.",
                               (uint64_t)token->queued_items);
}

int quota_begin_gather(struct http_exchange *exchange, struct token *token, uint64_t n_items)
{
    if (token == NULL)
        return 0;
    struct token_use *use = &token->use;
    uint64_t max = token->queued_items;
    if (max > 0 && n_items > max)
        return quota_refuse_size(exchange, token) ?: 1;
    if (max > 0 && use->n_gathering > max - n_items)
        return refuse_items(exchange, token, use->n_gathering, "gathers") ?: 1;
    use->n_gathering += n_items;
    return 0;
}

void quota_end_gather(struct token *token, uint64_t n_items)
{
    if (token != NULL)
        token->use.n_gathering -= n_items;
}

/* --- The limits ------------------------------------------------------------------------------- */

static void render_limit(struct json_writer *w, uint64_t limit)
{
    if (limit > 0)
        jw_uint(w, limit);
    else
        jw_null(w);
}

void quota_render(const struct token *token, struct json_writer *w)
{
    jw_object_begin(w);
    jw_key(w, "requests_per_second");
    render_limit(w, token->requests_per_second);
    jw_key(w, "queued_items");
    render_limit(w, token->queued_items);
    jw_object_end(w);
}
