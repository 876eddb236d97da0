/* What the operator keeps for requests that name it: secrets and certificates. Clients refer to
 * them and never see them.
 *
 * The secrets file has a line for each,
 *
 *     NAME [HOST...] = VALUE
 *
 * with blank lines and those that begin with '#' left out. Blanks around the value do not count.
 * With hosts, it is sent to no others: "api.example.com", or "*.example.com" for all below that
 * name. A name is made of letters, digits and -._ and does not begin with a dot. The file must
 * belong to root or to us; its group may read it, and others may do nothing with it.
 *
 * A certificate NAME is the file NAME.pem in the certificates' directory; other files there do not
 * count. What is in it is looked at when it is used, and it may be replaced then.
 *
 * Read once and only looked up afterwards. Values are wiped when it is freed.
 */
#pragma once

#include <stdbool.h>

#include "daemon/base/err.h"
#include "daemon/base/secrets.h" /* SECRET_VALUE_MAX */

struct credentials;

/* secrets_file, certificates_directory: "" for none.
 *
 * returns    0; -EINVAL, -ENOMEM, or why the file or directory cannot be read: err says what is
 *            wrong where, by line, and never quotes a value
 */
int credentials_load(struct credentials **ret_credentials, const char *secrets_file,
                     const char *certificates_directory, struct err *err);

void credentials_free(struct credentials *credentials);

/* returns the value; NULL: there is no such secret. credentials may be NULL: there are none */
const char *credentials_secret(const struct credentials *credentials, const char *name);

/* Whether the secret, which exists, may be sent to a host. */
bool credentials_may_go_to(const struct credentials *credentials, const char *name,
                           const char *host);

/* returns the path of the PEM file; NULL: there is no such certificate */
const char *credentials_certificate(const struct credentials *credentials, const char *name);
