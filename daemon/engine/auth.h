/* The credentials of one attempt. A secret that is named is looked up here and now, and what is
 * made of it is wiped when the attempt is over.
 *
 * source     RFC 7617 (basic), RFC 6750 section 2.1 (bearer); a digest (RFC 7616) is computed by
 *            the HTTP session, which sees the challenge
 */
#pragma once

#include "lib/net/url.h"

#include "daemon/base/credentials.h"
#include "daemon/model/job_spec.h"
#include "daemon/model/result.h"

struct auth {
    char *header;            /* value of Authorization; NULL: none */
    const char *digest_user; /* NULL: no digest */
    char *digest_password;
};

/* Prepares what a URL's host is to be told. auth_done() is owed, whatever it returns.
 *
 * options    of which auth may be NULL: then there are no credentials
 * returns    1; 0: the secret may not go there, or not with this method, and the result is
 *            `blocked`; -ENOMEM
 */
int auth_init(struct auth *auth, const struct credentials *credentials,
              const struct fetch_options *options, const struct co_url *url, struct result *result);
void auth_done(struct auth *auth);
