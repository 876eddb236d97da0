/* What a client expects of a response, and whether it is so.
 *
 * The expected status decides between success and http_error; everything else is a check, and one
 * that fails makes the outcome assertion_failed. Pure: data in, verdict out.
 */
#pragma once

#include <stddef.h>

#include "daemon/base/json_writer.h"
#include "daemon/model/status_set.h"

struct result;

/* What a check looks at. */
enum expect_subject {
    EXPECT_BODY,   /* text: the decoded body */
    EXPECT_HEADER, /* text: any of the values of the header `name` */
    EXPECT_JSON,   /* JSON: what the pointer `name` (RFC 6901) leads to in the body */
    EXPECT_TIME,   /* number: the timing `name` of result_timing_names, microseconds; what did
                      not happen took 0 */
    EXPECT_TLS_EXPIRES_IN, /* number: until the certificate expires, microseconds */
};

/* How it compares. A check of what is not there fails, but EXPECT_ABSENT; so does one that makes no
 * sense for what is there: less than a text. A header that is there several times is not equal to a
 * text if none of them is. In a body that is not JSON every check of JSON fails. */
enum expect_operator {
    EXPECT_EQUALS,       /* text, JSON */
    EXPECT_NOT_EQUALS,   /* text, JSON */
    EXPECT_CONTAINS,     /* text; JSON: a string that contains it, or an array that has it */
    EXPECT_NOT_CONTAINS, /* text; JSON likewise */
    EXPECT_PRESENT,      /* "exists": true */
    EXPECT_ABSENT,       /* "exists": false */
    EXPECT_LT,           /* numbers, also JSON ones */
    EXPECT_LTE,
    EXPECT_GT,
    EXPECT_GTE,
    EXPECT_N_OPERATORS
};

struct expect_check {
    enum expect_subject subject;
    enum expect_operator op;
    const char *name; /* of the header, in lower case; the pointer; the timing; else NULL */
    const char *text; /* that is compared with; of JSON: its canonical text. NULL: a number */
    size_t length;    /* of text */
    double number;    /* that is compared with */
};

struct expect {
    bool has_status; /* else 2xx and 3xx are expected */
    struct status_set status;
    const struct expect_check *checks;
    size_t n_checks;
    bool needs_body; /* a check looks at it */
    bool needs_json;
};

/* One that failed. */
struct expect_failure {
    const struct expect_check *check; /* NULL: the status */
    char *actual; /* JSON text of what there was instead, cut short if it is long; null: nothing */
};

enum { EXPECT_FAILURES_MAX = 16 }; /* the rest are counted */

struct expect_verdict {
    unsigned n_passed;
    unsigned n_failed;
    unsigned n_failures;
    struct expect_failure *failures;
};

/* Judges a result that has a response: all checks, and the status if it was asked for. The result
 * is complete but for its outcome. The body is that which was captured; of one that was cut off it
 * is known what it contains, and all other checks of it fail.
 *
 * ret_verdict  filled; owed an expect_verdict_done()
 * returns      0; -ENOMEM
 */
int expect_judge(const struct expect *expect, const struct result *result,
                 struct expect_verdict *ret_verdict);

/* Whether expect_judge() may take more than a millisecond or two, and so belongs on another thread,
 * where it may be called as well. */
bool expect_judge_is_slow(const struct expect *expect, const struct result *result);

/* The verdict is empty then, and may be done again. */
void expect_verdict_done(struct expect_verdict *verdict);

/* Whether the status is as expected; expect may be NULL. */
bool expect_status_is_good(const struct expect *expect, int status);

/* Writes the member "expect" of a result: counts, and each failure with what was expected and what
 * was found. null if nothing was expected, or there is no response. */
void expect_render(struct json_writer *w, const struct expect *expect,
                   const struct expect_verdict *verdict);
