#include "daemon/engine/retry.h"

#include <string.h>

#include "daemon/base/http_date.h"

#define US_PER_SECOND INT64_C(1000000)

static const char *const idempotent[] = {"GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"};

static bool may_be_repeated(const struct fetch_options *options)
{
    const struct fetch_retry *retry = &options->retry;
    const char *const *methods = retry->methods ?: idempotent;
    size_t n_methods =
        retry->methods != NULL ? retry->n_methods : sizeof(idempotent) / sizeof(idempotent[0]);

    for (size_t i = 0; i < n_methods; i++)
        if (strcmp(methods[i], options->method) == 0)
            return true;
    return false;
}

static bool is_expected(const struct expect *expect, int status)
{
    return expect != NULL && expect->has_status && status_set_has(&expect->status, status);
}

/* A response that is none of the client's business, such as a redirect to nowhere, is an error of
 * its own, and repeating the request would not mend it. */
static bool is_worth_repeating(const struct fetch_options *options, const struct result *result)
{
    const struct co_http_response *response = &result->response;
    bool is_answer = result->outcome == OUTCOME_SUCCESS || result->outcome == OUTCOME_HTTP_ERROR;

    if (response->error != CO_HTTP_OK)
        return (options->retry.on_errors >> response->error & 1) != 0;
    return is_answer && status_set_has(&options->retry.on_status, response->status) &&
           !is_expected(options->expect, response->status);
}

/* --- The pause -------------------------------------------------------------------------------- */

static int64_t backoff_us(const struct fetch_retry *retry, unsigned n_attempts, double random)
{
    int64_t pause_us = retry->backoff_us;

    for (unsigned i = 1; i < n_attempts && pause_us < retry->max_backoff_us; i++)
        pause_us = pause_us <= retry->max_backoff_us / 2 ? 2 * pause_us : retry->max_backoff_us;
    if (pause_us > retry->max_backoff_us)
        pause_us = retry->max_backoff_us;
    return pause_us - (int64_t)((double)pause_us * retry->jitter * random);
}

/* returns microseconds, INT64_MAX for more than that; -1: no such number */
static int64_t parse_delta_seconds(const char *text)
{
    int64_t us = 0;

    if (*text == '\0')
        return -1;
    for (; *text >= '0' && *text <= '9'; text++)
        if (__builtin_mul_overflow(us, 10, &us) ||
            __builtin_add_overflow(us, (*text - '0') * US_PER_SECOND, &us))
            us = INT64_MAX / 10; /* it stays too large from here on */
    return *text == '\0' ? us : -1;
}

int64_t retry_after_us(const struct co_http_response *response, int64_t now)
{
    const char *text = co_http_response_header(response, "retry-after");
    int64_t instant;

    if (text == NULL)
        return 0;
    int64_t pause_us = parse_delta_seconds(text);
    if (pause_us >= 0)
        return pause_us;
    if (http_date_parse(text, now, &instant) < 0 || instant < now)
        return 0;
    return instant - now;
}

int64_t retry_pause_us(const struct fetch_options *options, const struct result *result,
                       double random, int64_t now)
{
    const struct fetch_retry *retry = &options->retry;
    unsigned n_attempts = result->n_attempts + 1;

    if (n_attempts >= retry->max_attempts || !may_be_repeated(options) ||
        !is_worth_repeating(options, result))
        return RETRY_NEVER;
    int64_t pause_us = backoff_us(retry, n_attempts, random);
    int64_t asked_us = retry->respect_retry_after ? retry_after_us(&result->response, now) : 0;
    if (asked_us > retry->max_retry_after_us)
        return RETRY_NEVER;
    return asked_us > pause_us ? asked_us : pause_us;
}
