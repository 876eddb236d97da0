/* What the configuration means for the requests of clients: what holds of one that says nothing,
 * what it may ask for, and what it may name.
 */
#pragma once

#include "daemon/base/config.h"
#include "daemon/base/credentials.h"
#include "daemon/model/parse.h"

struct request_settings {
    struct credentials *credentials;
    struct co_url *proxies; /* with the operator's user and password */
    size_t n_proxies;
    struct co_http_header default_headers[3];
    struct parse_settings parse; /* points to the above, and into the config */
};

/* Reads the operator's files, and borrows config. It stays where it is until
 * request_settings_done(), which is owed whatever this returns.
 *
 * owner      of settings and config, which requests hold; NULL: nobody frees them before
 * returns    0; -EINVAL: the configuration names what cannot be used; -ENOMEM
 */
int request_settings_init(struct request_settings *settings, const struct config *config,
                          struct refcount *owner, struct err *err);

/* No request may be left that was parsed with them. Fine for all zeros. */
void request_settings_done(struct request_settings *settings);
