/* What a server has sent on one connection, read as strictly as RFC 9112 allows. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* The header that tells which request is answered, and how: "12 HEAD". Its number grows from one
 * request of a connection to the next. */
#define HTTP_ANSWERS_MARK "X-Request"

struct http_answers_limits {
    size_t max_answers;  /* final ones */
    size_t max_interims; /* 100 (Continue) */
    bool may_end_early;  /* the last answer may be cut off */
    bool may_be_head;    /* an answer without a mark may be one to HEAD */
};

/* Ends the process unless these are whole answers, one behind the other, in the order of their
 * requests, and none behind the one that closes the connection. There is a NUL behind them. */
void http_answers_check(const char *text, size_t n, const struct http_answers_limits *limits);
