/* The modules of /probe: sections of the configuration that the operator names.
 *
 *     [probe.login]
 *     method = POST
 *     headers = Content-Type: application/json
 *         X-Team: web
 *     fail_if_body_not_matches_regexp = "status": *"ok"
 *
 * A module is made when its section is first met, with the defaults of the table. http_2xx, for
 * who names none, is always there.
 */
#pragma once

#include "daemon/base/setting.h"

#define CONFIG_PROBE_DEFAULT "http_2xx"

enum { CONFIG_PROBE_NAME_MAX = 40 /* inih cuts sections at 50 bytes */, CONFIG_PROBES_MAX = 256 };

enum config_probe_ip { PROBE_IP_ANY, PROBE_IP_4, PROBE_IP_6 };

struct config_probe {
    struct config_probe *next; /* in order of their names */
    const char *name;
    unsigned *set_in_line; /* by setting: the line of the file; 0: not there */

    const char *method;
    uint64_t timeout_ms;
    struct string_list headers; /* "Name: value" */
    const char *body;           /* "" for none */
    struct string_list valid_status_codes;
    struct string_list valid_http_versions;
    unsigned follow_redirects; /* like all that begins with fail_if_: 0 or 1 */
    enum config_probe_ip ip_protocol;
    unsigned enable_http2;
    unsigned fail_if_ssl;
    unsigned fail_if_not_ssl;
    struct string_list fail_if_body_matches_regexp;
    struct string_list fail_if_body_not_matches_regexp;
    struct string_list fail_if_header_matches; /* "Name: expression", "Name?: expression" */
    struct string_list fail_if_header_not_matches;
    uint64_t body_size_limit; /* 0: none of its own */
    uint64_t max_match_bytes;
    const char *basic_auth_user; /* "" for none, as are those that follow */
    const char *basic_auth_secret_ref;
    const char *bearer_secret_ref;
    unsigned insecure_skip_verify;
    const char *tls_ca_ref;
    const char *tls_client_cert_ref;
    const char *proxy_url;
};

/* Named "probe.KEY"; the offsets are into a module. */
extern const struct setting config_probe_settings[];
extern const size_t config_probe_n_settings;

/* Find a module, or make it.
 *
 * returns    0; -EINVAL: that is no name, or there are too many; -ENOMEM; err says which
 */
int config_probe_get(struct config_probe **list, const char *name, size_t len, struct arena *arena,
                     struct config_probe **ret_probe, struct err *err);

/* NULL: there is none of that name. */
const struct config_probe *config_probe_find(const struct config_probe *list, const char *name);

/* The setting of a key, which has no section; NULL, and a message with a suggestion, if there is
 * none. */
const struct setting *config_probe_setting(const char *key, size_t len, struct err *err);
