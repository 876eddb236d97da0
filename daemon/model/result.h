/* What became of one item. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/net/http.h"
#include "lib/net/url.h"

#include "daemon/model/expect.h"

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

/* returns 0; -EINVAL: it is none of outcome_names, which is for people */
int outcome_from_name(const char *name, enum outcome *ret_outcome);
extern const char outcome_names[];

/* Why there is no good response. Texts are static, or live as long as the daemon's policy or the
 * result. */
struct result_error {
    const char *code; /* NULL: no error */
    const char *phase;
    const char *message;
    const char *rule; /* that forbade it: of the egress policy, or "secret NAME"; NULL else */
    int curl_code;    /* 0: not from libcurl */
    const char *curl_name;
    bool retryable;
};

/* A redirect that was followed. */
struct result_hop {
    const char *method; /* borrowed from the request */
    struct co_url url;  /* that was asked */
    int status;
    int64_t total_us;
    int64_t phase_us[CO_HTTP_N_PHASES]; /* their sum is total_us */
};

/* An attempt before the last one. */
struct result_attempt {
    enum outcome outcome;
    int status;             /* 0: no response */
    const char *error_code; /* NULL: none */
    int64_t started_at;
    int64_t total_us;
    int64_t backoff_us; /* the pause after it */
};

/* Instants are microseconds since 1970; durations are microseconds, -1 for what did not happen. */
struct result {
    enum outcome outcome;
    struct result_error error;
    char *error_text;   /* what error.message or error.rule points to, if it was made for this */
    int64_t started_at; /* of the first attempt; of what never started, the end */
    int64_t finished_at;
    int64_t attempt_started_at;         /* of the last one; the following are of that, too. 0: it
                                           ended before it was its turn */
    int64_t queue_us;                   /* waiting for admission, of all attempts together */
    int64_t total_us;                   /* of all hops */
    int64_t redirect_us;                /* of all hops but the last */
    int64_t phase_us[CO_HTTP_N_PHASES]; /* of all hops together: their sum is total_us */
    uint64_t sent_bytes;
    struct co_http_response response; /* of the last hop */
    struct co_url final_url;          /* of the last hop, if there was a redirect; else empty */
    struct result_hop *hops;
    unsigned n_hops;
    struct result_attempt *attempts; /* before the last one */
    unsigned n_attempts;
    bool has_hash;
    unsigned char hash[32]; /* SHA-256 of the decoded body, of which all came */
    struct expect_verdict verdict;
};

void result_init(struct result *result);

/* Makes this its error, and nothing else; the texts are static. */
void result_fail(struct result *result, enum outcome outcome, const char *code, const char *phase,
                 const char *message);

/* From when the item was due to its end: waiting, all attempts, and the pauses between them. */
int64_t result_elapsed_us(const struct result *result);

/* Attempts that were made, the last one included; 0: it was never started. */
unsigned result_n_attempts(const struct result *result);

/* "queue_ms", "dns_ms", ... "elapsed_ms", in the order of the contract; ends with NULL. */
extern const char *const result_timing_names[];

/* The timing of that name, in microseconds; -1: it did not happen. */
int64_t result_timing_us(const struct result *result, const char *name);

/* From the end to when the certificate of the last hop expires; 0: it has. -1: there is none. */
int64_t result_tls_expires_in_us(const struct result *result);

/* Frees what the result holds; it must have been initialised. */
void result_done(struct result *result);
