/* What a client asks for: a batch of requests and how to run it, checked and complete.
 *
 * A spec is made by job_parse() and only read afterwards. Everything in it lives in its arena, but
 * for the URLs, and the texts of the daemon's own settings. Requests that say nothing of their own
 * share one set of options, so a batch of a million plain URLs costs a million URLs.
 *
 * An item is one fetch: request r with `"repeat": 3` is three items, next to each other. Items are
 * what results are numbered by.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/net/http.h"
#include "lib/net/url.h"

#include "daemon/base/arena.h"

/* How to fetch. Durations are microseconds; 0: no limit of its own. */
struct fetch_options {
    const char *method;
    const struct co_http_header *headers; /* as they will be sent, User-Agent included */
    size_t n_headers;
    int64_t timeout_us; /* from admission to the end of the last redirect's body */
    int64_t connect_timeout_us;
    int64_t first_byte_timeout_us;
    int64_t idle_timeout_us;
    int64_t queue_timeout_us; /* from when the item is due to admission */
    bool follow_redirects;
    unsigned max_redirects;
    bool capture_body;
    uint64_t capture_max_bytes;
    const char *const *kept_headers; /* names of the response headers to show; NULL: all */
    size_t n_kept_headers;
};

/* Why a request cannot be run; only with "on_invalid": "report". */
struct request_defect {
    const char *code; /* "invalid_url", "unsupported_scheme" */
    const char *message;
};

struct request {
    struct co_url url;    /* empty if there is a defect */
    const char *url_text; /* of a defect: what the client wrote, userinfo left out; else NULL */
    const char *id;       /* NULL: none */
    const struct fetch_options *options;
    const char *body; /* NULL: none */
    size_t body_length;
    uint32_t n_repeats;         /* at least 1 */
    int64_t repeat_interval_us; /* between the starts of two repetitions */
    const struct request_defect *defect;
};

struct item {
    uint32_t request;
    uint32_t repetition; /* 0.. */
};

/* 0: no limit but the daemon's own. */
struct job_limits {
    unsigned concurrency;
    unsigned per_host_concurrency;
    int64_t per_host_interval_us; /* between two starts on one host: per_host_rate */
};

struct job_label {
    const char *key;
    const char *value;
};

enum gather_until {
    UNTIL_ALL,
    UNTIL_FIRST_COMPLETED,
    UNTIL_SUCCESSES, /* n_successes of them; first_success is 1 */
};

struct job_spec {
    struct arena arena;
    const char *name; /* NULL: none */
    const struct job_label *labels;
    size_t n_labels;

    struct request *requests;
    size_t n_requests;
    struct item *items;
    size_t n_items;

    struct job_limits limits;
    enum gather_until until;
    size_t n_successes;
    bool cancel_rest_on_failure;
    int64_t deadline_us; /* from acceptance; 0: none */
    int64_t ttl_us;      /* how long the ended job is kept; 0: the daemon's default */
};

static inline const struct request *job_spec_request(const struct job_spec *spec, size_t index)
{
    return &spec->requests[spec->items[index].request];
}

/* How long after acceptance an item is due: repetitions may have an interval between them. */
int64_t job_spec_delay_us(const struct job_spec *spec, size_t index);

/* NULL is fine. */
void job_spec_free(struct job_spec *spec);
void job_spec_freep(struct job_spec **spec);
