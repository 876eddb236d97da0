#include "daemon/model/parse_reference.h"

#include <jansson.h>
#include <string.h>

#include "daemon/base/credentials.h"
#include "daemon/model/parse_url.h"

static int unknown(struct parse_reader *reader, const struct parse_at *at, const char *what,
                   const char *where)
{
    return parse_defect(reader, at, "unknown_reference",
                        "there is no %s of this name; the operator of gatherd decides what there "
                        "is (%s)",
                        what, where);
}

int parse_secret_ref(struct parse_reader *reader, const struct parse_at *at, struct json_t *value,
                     const struct parse_member *member, void *field)
{
    const char *name = json_string_value(value);

    (void)member;
    if (name == NULL)
        return parse_wrong_type(reader, at, value, "the name of a secret");
    if (credentials_secret(reader->settings->credentials, name) == NULL)
        return unknown(reader, at, "secret", "fetch.secrets_file");
    return parse_copy(reader, name, strlen(name), field);
}

int parse_certificate_ref(struct parse_reader *reader, const struct parse_at *at,
                          struct json_t *value, const struct parse_member *member, void *field)
{
    const char *name = json_string_value(value), *path = NULL;

    (void)member;
    if (name != NULL)
        path = credentials_certificate(reader->settings->credentials, name);
    else if (!json_is_null(value))
        return parse_wrong_type(reader, at, value, "the name of a certificate");
    if (name != NULL && path == NULL)
        return unknown(reader, at, "certificate", "fetch.certs_dir");
    *(const char **)field = path;
    return 0;
}

/* --- Proxies ---------------------------------------------------------------------------------- */

static const struct co_url *find_proxy(const struct parse_settings *settings,
                                       const struct co_url *url)
{
    for (size_t i = 0; i < settings->n_proxies; i++)
        if (strcmp(settings->proxies[i].origin, url->origin) == 0)
            return &settings->proxies[i];
    return NULL;
}

static int choose_proxy(struct parse_reader *reader, const struct parse_at *at,
                        const struct co_url *url, const struct co_url **field)
{
    const struct co_url *proxy = find_proxy(reader->settings, url);

    if (url->user != NULL || url->password != NULL)
        return parse_defect(reader, at, "invalid_value",
                            "leave out user and password: gatherd knows those of its proxies");
    if (proxy == NULL)
        return parse_defect(reader, at, "unknown_reference",
                            "this is none of the proxies that the operator of gatherd allows "
                            "(fetch.proxies)");
    *field = proxy;
    return 0;
}

int parse_proxy(struct parse_reader *reader, const struct parse_at *at, struct json_t *value,
                const struct parse_member *member, void *field)
{
    struct co_url url;

    (void)member;
    if (json_is_null(value)) {
        *(const struct co_url **)field = NULL;
        return 0;
    }
    if (!json_is_string(value))
        return parse_wrong_type(reader, at, value, "the URL of a proxy");
    int rc = co_url_parse(json_string_value(value), json_string_length(value), &url);
    if (rc != 0)
        return rc < 0 ? rc : parse_url_defect(reader, at, (enum co_url_problem)rc);
    rc = choose_proxy(reader, at, &url, field);
    co_url_done(&url);
    return rc;
}
