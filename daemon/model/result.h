/* What became of one item. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/net/http.h"
#include "lib/net/url.h"

enum outcome {
    OUTCOME_SUCCESS,
    OUTCOME_HTTP_ERROR,       /* a response outside the expected statuses */
    OUTCOME_ASSERTION_FAILED, /* a response that is not as expected otherwise */
    OUTCOME_TRANSPORT_ERROR,  /* no response */
    OUTCOME_BLOCKED,          /* by the egress policy */
    OUTCOME_INTERRUPTED,      /* the daemon died, and it may have been sent */
    OUTCOME_CANCELED,         /* given up while running */
    OUTCOME_SKIPPED,          /* never started */
    N_OUTCOMES
};

const char *outcome_name(enum outcome outcome);

/* Why there is no good response. Texts are static, or live as long as the daemon's policy. */
struct result_error {
    const char *code; /* NULL: no error */
    const char *phase;
    const char *message;
    const char *rule; /* of the egress policy; NULL else */
    int curl_code;    /* 0: not from libcurl */
    const char *curl_name;
    bool retryable;
};

/* A redirect that was followed. */
struct result_hop {
    struct co_url url; /* that was asked */
    int status;
    int64_t total_us;
};

/* Instants are microseconds since 1970; durations are microseconds, -1 for what did not happen. */
struct result {
    enum outcome outcome;
    struct result_error error;
    int64_t started_at; /* admission; of what never started, the end */
    int64_t finished_at;
    int64_t queue_us;                   /* from when it was due to admission */
    int64_t total_us;                   /* of all hops */
    int64_t redirect_us;                /* of all hops but the last */
    int64_t phase_us[CO_HTTP_N_PHASES]; /* of all hops together: their sum is total_us */
    uint64_t sent_bytes;
    struct co_http_response response; /* of the last hop */
    struct co_url final_url;          /* of the last hop, if there was a redirect; else empty */
    struct result_hop *hops;
    unsigned n_hops;
};

void result_init(struct result *result);

/* Frees what the result holds; it must have been initialised. */
void result_done(struct result *result);
