/* Regular expressions that a probe holds a response against: extended ones as POSIX has them, for
 * the body or for the headers of a name.
 *
 * They are matched without looking back: an expression with a back-reference, which could take for
 * ever, is refused.
 */
#pragma once

#include <regex.h>
#include <stdbool.h>

#include "lib/net/http.h"

#include "daemon/base/err.h"

struct probe_pattern {
    regex_t regex;
    char *header;       /* NULL: it is for the body */
    bool may_lack;      /* that there is no such header is fine */
    bool fails_if_same; /* as the text says: else the probe fails if it does not match */
};

/* text       "EXPRESSION"; of a header "NAME: EXPRESSION", or "NAME?: EXPRESSION" if it may lack
 * returns    0: owed a probe_pattern_done(); -EINVAL: err says why; -ENOMEM
 */
int probe_pattern_init(struct probe_pattern *pattern, const char *text, bool is_header,
                       bool fails_if_same, struct err *err);
void probe_pattern_done(struct probe_pattern *pattern);

/* Whether the probe passes. The first is for patterns of headers, the second for those of the body,
 * behind whose length there is a NUL; both may be called on any thread. */
bool probe_pattern_suits_headers(const struct probe_pattern *pattern,
                                 const struct co_http_response *response);
bool probe_pattern_suits_body(const struct probe_pattern *pattern, const char *body, size_t length);
