#include "daemon/engine/request_settings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/store/store.h"

#define MAX_JOB_BYTES                                                                              \
    ((size_t)512 << 20)              /* of one parsed document: ten million plain URLs need more */
#define JSON_ROOM ((size_t)16 << 20) /* so a document of 280 KiB may be anything */

static struct fetch_options default_options(const struct request_settings *settings,
                                            const struct config *config)
{
    return (struct fetch_options){
        .method = "GET",
        .headers = settings->default_headers,
        .n_headers = sizeof(settings->default_headers) / sizeof(settings->default_headers[0]),
        .timeout_us = (int64_t)config->fetch.timeout_ms * 1000,
        .connect_timeout_us = (int64_t)config->fetch.connect_timeout_ms * 1000,
        .follow_redirects = true,
        .max_redirects = (unsigned)config->fetch.max_redirects,
        .capture_max_bytes = 1024 * 1024,
    };
}

/* What is captured must fit into the store, or the job could not end; what is only fetched not. */
static uint64_t max_capture_bytes(const struct config *config)
{
    uint64_t max = config->fetch.max_body_bytes;

    return max < STORE_BODY_MAX ? max : STORE_BODY_MAX;
}

static struct parse_settings parse_settings(const struct request_settings *settings,
                                            const struct config *config, struct refcount *owner)
{
    return (struct parse_settings){
        .owner = owner,
        .max_items = config->api.max_items,
        .max_arena_bytes = MAX_JOB_BYTES,
        .json_room = JSON_ROOM,
        .max_capture_bytes = max_capture_bytes(config),
        .max_redirects = (unsigned)config->fetch.max_redirects,
        .max_attempts = (unsigned)config->fetch.max_attempts,
        .credentials = settings->credentials,
        .proxies = settings->proxies,
        .n_proxies = settings->n_proxies,
        .defaults = default_options(settings, config),
    };
}

/* returns 0, -ENOMEM; -EINVAL, and the message does not quote the URL, which may have a password */
static int read_proxies(struct request_settings *settings, const struct string_list *urls,
                        struct err *err)
{
    settings->proxies = calloc(urls->n + 1, sizeof(*settings->proxies));
    if (settings->proxies == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < urls->n; i++) {
        int rc = co_url_parse(urls->items[i], strlen(urls->items[i]), &settings->proxies[i]);
        if (rc > 0)
            return err_set(err, -EINVAL, "fetch.proxies: number %zu: %s", i + 1,
                           co_url_problem_sentence((enum co_url_problem)rc));
        if (rc < 0)
            return rc;
        settings->n_proxies++;
    }
    return 0;
}

int request_settings_init(struct request_settings *settings, const struct config *config,
                          struct refcount *owner, struct err *err)
{
    *settings = (struct request_settings){
        .default_headers = {{"User-Agent", config->fetch.user_agent},
                            {"Accept", "*/*"},
                            {"Accept-Encoding", co_http_encodings()}},
    };
    int rc = credentials_load(&settings->credentials, config->fetch.secrets_file,
                              config->fetch.certs_dir, err);

    if (rc < 0 && rc != -ENOMEM)
        rc = -EINVAL; /* whatever it is, the operator can mend it */
    if (rc == 0)
        rc = read_proxies(settings, &config->fetch.proxies, err);
    if (rc < 0)
        return rc;
    settings->parse = parse_settings(settings, config, owner);
    return 0;
}

void request_settings_done(struct request_settings *settings)
{
    for (size_t i = 0; i < settings->n_proxies; i++)
        co_url_done(&settings->proxies[i]);
    free(settings->proxies);
    credentials_free(settings->credentials);
    *settings = (struct request_settings){0};
}
