#include "daemon/base/config_probe.h"

#include <errno.h>
#include <string.h>

#include "daemon/base/suggest.h"

enum { LINES_MAX = 64, TEXT_LEN_MAX = 160 };

#define SECTION "probe."

#define MIB   UINT64_C(1048576)
#define HOURS UINT64_C(3600000) /* in milliseconds */

/* NOLINTBEGIN(bugprone-macro-parentheses): these are names of members and types.
 *
 * Does not compile if the member has another type than values of that kind. */
#define SETTING(key, type_, c_type)                                                                \
    .name = SECTION #key, .type = (type_),                                                         \
    .offset = offsetof(struct config_probe, key) +                                                 \
              _Generic(((struct config_probe *)NULL)->key, c_type : 0)
/* NOLINTEND(bugprone-macro-parentheses) */
#define SIZE(key)                  SETTING(key, SETTING_SIZE, uint64_t)
#define DURATION(key)              SETTING(key, SETTING_DURATION, uint64_t)
#define TEXT(key)                  SETTING(key, SETTING_TEXT, const char *), .max = TEXT_LEN_MAX
#define LIST(key)                  SETTING(key, SETTING_LIST, struct string_list), .max = LINES_MAX
#define LINES(key)                 SETTING(key, SETTING_LINES, struct string_list), .max = LINES_MAX
#define SWITCH(key)                SETTING(key, SETTING_CHOICE, unsigned), .choices = switches
#define CHOICE(key, c_type, names) SETTING(key, SETTING_CHOICE, c_type), .choices = (names)

static const char *const switches[] = {"false", "true", NULL};
static const char *const ip_protocols[] = {"any", "ip4", "ip6", NULL};

const struct setting config_probe_settings[] = {
    {TEXT(method), .min = 1, .default_text = "GET", .help = "The method of the request."},
    {DURATION(timeout_ms), .min = 1, .max = 1 * HOURS, .default_text = "2m",
     .help = "Time for the probe, redirects and waiting included. Half a second less than what "
             "Prometheus says it waits for the scrape, if that is shorter."},
    {LINES(headers), .default_text = "",
     .help = "Headers of the request, NAME: VALUE, one a line."},
    {TEXT(body), .default_text = "", .help = "The body of the request."},
    {LIST(valid_status_codes), .min = 1, .default_text = "2xx",
     .help = "Statuses that are a success: 200, 2xx, 200-204."},
    {LIST(valid_http_versions), .default_text = "",
     .help = "Versions that are a success: HTTP/1.0, HTTP/1.1, HTTP/2.0. If none is given, all."},
    {SWITCH(follow_redirects), .default_text = "true",
     .help = "Whether redirects are followed, as many as fetch.max_redirects allows."},
    {CHOICE(ip_protocol, enum config_probe_ip, ip_protocols), .default_text = "any",
     .help = "Which addresses of the target are used."},
    {SWITCH(enable_http2), .default_text = "true",
     .help = "Whether HTTP/2 is spoken with targets that offer it."},
    {SWITCH(fail_if_ssl), .default_text = "false",
     .help = "Whether the probe fails if the last response came over TLS."},
    {SWITCH(fail_if_not_ssl), .default_text = "false",
     .help = "Whether the probe fails if the last response did not come over TLS."},
    {LINES(fail_if_body_matches_regexp), .default_text = "",
     .help = "Extended regular expressions (POSIX), one a line: the probe fails if the body "
             "matches one of them."},
    {LINES(fail_if_body_not_matches_regexp), .default_text = "",
     .help = "Likewise: the probe fails if there is one that the body does not match."},
    {LINES(fail_if_header_matches), .default_text = "",
     .help = "NAME: EXPRESSION, one a line: the probe fails if a header of that name matches, or "
             "if there is none; with NAME?: it may be missing."},
    {LINES(fail_if_header_not_matches), .default_text = "",
     .help = "Likewise: the probe fails if no header of that name matches."},
    {SIZE(body_size_limit), .max = 1024 * 1024 * MIB, .default_text = "0",
     .help = "Largest body, decoded: the probe fails if there is more. 0 leaves it to "
             "fetch.max_body_bytes."},
    {SIZE(max_match_bytes), .min = 1, .max = 16 * MIB, .default_text = "1M",
     .help = "How much of the body the regular expressions see."},
    {TEXT(basic_auth_user), .default_text = "", .help = "User of basic credentials."},
    {TEXT(basic_auth_secret_ref), .default_text = "",
     .help = "Its password, by the name it has in fetch.secrets_file."},
    {TEXT(bearer_secret_ref), .default_text = "",
     .help = "A bearer token, by the name it has in fetch.secrets_file."},
    {SWITCH(insecure_skip_verify), .default_text = "false",
     .help = "Whether any certificate will do."},
    {TEXT(tls_ca_ref), .default_text = "",
     .help = "Who may sign the certificate, by the name of a file in fetch.certs_dir."},
    {TEXT(tls_client_cert_ref), .default_text = "",
     .help = "Our own certificate and key, likewise."},
    {TEXT(proxy_url), .default_text = "", .help = "One of fetch.proxies, without its password."},
};

const size_t config_probe_n_settings =
    sizeof(config_probe_settings) / sizeof(config_probe_settings[0]);

/* --- Modules ---------------------------------------------------------------------------------- */

static int set_defaults(struct config_probe *probe, struct arena *arena, struct err *err)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < config_probe_n_settings; i++)
        rc = setting_parse(&config_probe_settings[i], config_probe_settings[i].default_text, arena,
                           probe, err);
    return rc;
}

static int make(const char *name, size_t len, struct arena *arena, struct config_probe **ret_probe,
                struct err *err)
{
    struct config_probe *probe = arena_calloc(arena, 1, sizeof(*probe));

    if (probe == NULL)
        return err_set(err, -ENOMEM, "out of memory");
    probe->name = arena_copy(arena, name, len);
    probe->set_in_line = arena_calloc(arena, config_probe_n_settings, sizeof(unsigned));
    if (probe->name == NULL || probe->set_in_line == NULL)
        return err_set(err, -ENOMEM, "out of memory");
    int rc = set_defaults(probe, arena, err);
    if (rc == 0)
        *ret_probe = probe;
    return rc;
}

static int check_name(const char *name, size_t len, size_t n_modules, struct err *err)
{
    static const char characters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";

    if (len == 0 || len > CONFIG_PROBE_NAME_MAX || strspn(name, characters) < len)
        return err_set(err, -EINVAL,
                       "the name of a probe module has 1 to %d letters, digits, _ and -",
                       CONFIG_PROBE_NAME_MAX);
    if (n_modules == CONFIG_PROBES_MAX)
        return err_set(err, -EINVAL, "there are more than %d probe modules", CONFIG_PROBES_MAX);
    return 0;
}

static int compare(const char *text, const char *name, size_t len)
{
    return strncmp(text, name, len) ?: text[len] != '\0';
}

int config_probe_get(struct config_probe **list, const char *name, size_t len, struct arena *arena,
                     struct config_probe **ret_probe, struct err *err)
{
    struct config_probe **place = NULL, *probe = NULL;
    size_t n_modules = 0;

    for (; *list != NULL; list = &(*list)->next, n_modules++) {
        int order = compare((*list)->name, name, len);
        if (order == 0) {
            *ret_probe = *list;
            return 0;
        }
        if (order > 0 && place == NULL)
            place = list;
    }
    if (place == NULL)
        place = list;
    int rc = check_name(name, len, n_modules, err);
    if (rc == 0)
        rc = make(name, len, arena, &probe, err);
    if (probe == NULL)
        return rc;
    probe->next = *place;
    *ret_probe = *place = probe;
    return 0;
}

const struct config_probe *config_probe_find(const struct config_probe *list, const char *name)
{
    while (list != NULL && strcmp(list->name, name) != 0)
        list = list->next;
    return list;
}

/* --- Settings --------------------------------------------------------------------------------- */

static const char *key_of(const struct setting *setting)
{
    return setting->name + strlen(SECTION);
}

static const char *find_similar(const char *key, size_t len)
{
    struct suggestion suggestion;

    suggest_init(&suggestion, key, len);
    for (size_t i = 0; i < config_probe_n_settings; i++)
        suggest_offer(&suggestion, key_of(&config_probe_settings[i]));
    return suggestion.best;
}

const struct setting *config_probe_setting(const char *key, size_t len, struct err *err)
{
    for (size_t i = 0; i < config_probe_n_settings; i++)
        if (compare(key_of(&config_probe_settings[i]), key, len) == 0)
            return &config_probe_settings[i];

    const char *meant = find_similar(key, len);
    if (meant != NULL)
        (void)err_set(err, -EINVAL, "probe modules have no such setting; did you mean %s?", meant);
    else
        (void)err_set(err, -EINVAL, "probe modules have no such setting");
    return NULL;
}
