/* The one place where text from outside becomes a URL that may be fetched.
 *
 * There is no second parser to disagree with: libcurl's own reads the text, what it understood is
 * checked and written out again in one canonical form, and only that form is checked by a policy,
 * shown, and given to libcurl. Parsing a canonical text gives the same text back; so a text that is
 * plainly canonical as it stands (url_plain.h) is only looked at, and libcurl not troubled.
 *
 * A host outside ASCII becomes Punycode, for which LC_CTYPE must be a UTF-8 locale; without one it
 * is CO_URL_BAD_IDN.
 */
#pragma once

#include <stddef.h>

#include "lib/net/address.h"
#include "lib/net/url_problem.h"

#define CO_URL_MAX_LENGTH 8192

struct co_url {
    char *text;           /* canonical: ASCII, no userinfo, no fragment, no default port */
    const char *origin;   /* scheme, host and port, always all three: "https://example.com:443" */
    const char *host;     /* as in struct co_host: "example.com", "192.0.2.1", "2001:db8::1" */
    const char *user;     /* the secrets that were in the URL, percent-decoded; NULL: there were */
    const char *password; /* none */
    struct co_address address; /* of a host that is an IP address, with port; AF_UNSPEC of a name */
    uint16_t port;             /* never 0 */
    bool is_https;
};

/* Check a URL and bring it into its canonical form. The text need not end in a NUL.
 *
 * Bytes outside ASCII in path and query are percent-encoded as they are; dot segments are resolved.
 *
 * returns    0: the caller owes one co_url_done()
 *            an enum co_url_problem
 *            -ENOMEM
 * source     RFC 3986, stricter: two slashes, no space, no backslash; http and https only
 */
int co_url_parse(const char *text, size_t length, struct co_url *ret_url);

/* The same for a reference as in a Location header, which may be relative to base. Spaces in its
 * path and query are encoded, since origins do send them. Userinfo is never inherited from base.
 *
 * source     RFC 3986 section 5, RFC 9110 section 10.2.2
 */
int co_url_resolve(const struct co_url *base, const char *reference, size_t length,
                   struct co_url *ret_url);

/* Frees the strings; the URL is empty then, and may be done again. */
void co_url_done(struct co_url *url);
