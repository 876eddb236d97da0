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
#include "daemon/base/refcount.h"
#include "daemon/model/callback.h"
#include "daemon/model/expect.h"
#include "daemon/model/result_fields.h"
#include "daemon/model/status_set.h"

/* Whose word opens the door. A secret is named, not copied: it is looked up for each attempt, so
 * that a new one counts, and it is stored nowhere. */
struct fetch_auth {
    enum { AUTH_BASIC, AUTH_BEARER, AUTH_DIGEST } type;
    const char *user;       /* not of bearer */
    const char *secret;     /* the password or token as the client wrote it; NULL: by reference */
    const char *secret_ref; /* the name of the operator's secret; NULL: written by the client */
};

/* When to try again; all zeros: never. */
struct fetch_retry {
    unsigned max_attempts; /* the first one counted: 0 and 1 are no retries */
    uint64_t on_errors;    /* bit 1 << enum co_http_error */
    struct status_set on_status;
    const char *const *methods; /* that may be repeated; NULL: those that are idempotent */
    size_t n_methods;
    int64_t backoff_us; /* before the second attempt; doubles from one to the next */
    int64_t max_backoff_us;
    double jitter; /* 0..1: the part of a back-off that is random */
    bool respect_retry_after;
    int64_t max_retry_after_us; /* an origin that asks for more gets no retry */
};

/* "www.example.com:443:203.0.113.7": where a host is, instead of what its name says. */
struct fetch_pin {
    const char *host; /* as in struct co_url */
    uint16_t port;
    const struct co_address *addresses; /* port 0 */
    size_t n_addresses;                 /* 1 to CO_DNS_MAX_ADDRESSES */
};

enum fetch_hash { HASH_NONE, HASH_SHA256 };

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
    enum co_http_version http_version;
    int ip_family; /* AF_UNSPEC: any */
    struct co_http_tls_options tls;
    bool is_alone;                 /* on a connection of its own, so that each phase shows */
    const struct fetch_auth *auth; /* NULL: none; else there is no Authorization in headers */
    const struct co_url *proxy;    /* one of the operator's, with their credentials; NULL: none */
    const struct fetch_pin *pins;
    size_t n_pins;
    struct fetch_retry retry;
    const struct expect *expect; /* NULL: nothing but a status below 400 */
    bool capture_body;
    uint64_t capture_max_bytes;
    enum fetch_hash hash;
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
    uint32_t origin;            /* its number: see model/origins.h */
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
    struct refcount *settings; /* of the daemon, which it points to; NULL: they outlive it */
    const char *name;          /* NULL: none */
    const struct job_label *labels;
    size_t n_labels;

    struct request *requests;
    size_t n_requests;
    struct item *items;
    size_t n_items;
    uint32_t n_origins;

    struct job_limits limits;
    enum gather_until until;
    size_t n_successes;
    bool cancel_rest_on_failure;
    bool keeps_cookies;  /* the items share a jar */
    unsigned weight;     /* 1..100: its share of the turns next to other jobs; 1 is usual */
    int64_t deadline_us; /* from acceptance; 0: none */
    int64_t ttl_us;      /* how long the ended job is kept; 0: the daemon's default */
    const struct job_callback *callback; /* NULL: none */
    struct result_fields fields;         /* of the results of a gather */
};

static inline const struct request *job_spec_request(const struct job_spec *spec, size_t index)
{
    return &spec->requests[spec->items[index].request];
}

/* The pin that says where a URL's host is; NULL: its name does. */
const struct fetch_pin *fetch_options_pin(const struct fetch_options *options,
                                          const struct co_url *url);

/* The labels as a JSON object.
 *
 * ret_labels   owed a free(); NULL if there are none
 * returns      0, -ENOMEM
 */
int job_spec_render_labels(const struct job_spec *spec, char **ret_labels);

/* How long after acceptance an item is due: repetitions may have an interval between them. */
int64_t job_spec_delay_us(const struct job_spec *spec, size_t index);

/* NULL is fine. */
void job_spec_free(struct job_spec *spec);
void job_spec_freep(struct job_spec **spec);
