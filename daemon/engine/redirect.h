/* Redirects: what is asked next, and what of the request may go there.
 *
 * A chain starts with the request as the client wrote it. Each redirect turns it to another URL,
 * and takes from it what must not go along: the body, where the method changes to GET; whatever may
 * be a credential, where the origin changes. What is gone stays gone, also on the way back.
 *
 * source     RFC 9110 section 15.4; Fetch standard, HTTP-redirect fetch
 */
#pragma once

#include <stdbool.h>

#include "lib/net/http.h"
#include "lib/net/url.h"

#include "daemon/model/job_spec.h"
#include "daemon/model/result.h"

/* A request of the chain. */
struct hop {
    const struct co_url *url;
    const char *method;
    const struct co_http_header *headers;
    size_t n_headers;
    const char *body; /* NULL: none */
    size_t body_length;
    bool has_left_origin; /* and so has no credentials any more */

    struct co_url redirected;           /* what url points to after a redirect */
    struct co_http_header *own_headers; /* what headers point to if they are not the request's */
    unsigned first_alike;               /* the hop since which only URL and method have changed */
};

void hop_init(struct hop *hop, const struct request *request);
void hop_done(struct hop *hop);

/* Gives it a header besides, instead of the one of that name if there is one; texts are borrowed.
 *
 * returns    0, -ENOMEM
 */
int hop_set_header(struct hop *hop, const char *name, const char *value);

/* Goes where the result's response points, if it does and if the request may, and notes the hop
 * that is left. What may not be followed (no URL, https to http, too many redirects, a request that
 * was made before, since it would be answered in the same way) makes the result a failure.
 *
 * has_cookies  what is asked again may be answered differently
 * returns      1: there is another request to make; 0: the result is final; -ENOMEM
 */
int redirect_follow(struct hop *hop, const struct fetch_options *options, bool has_cookies,
                    struct result *result);
