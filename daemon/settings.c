#include "daemon/settings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int read_requests(struct settings *settings, struct err *err)
{
    int rc = request_settings_init(&settings->requests, &settings->config, &settings->refs, err);

    return rc < 0 ? rc
                  : probe_modules_init(&settings->probes, &settings->config,
                                       &settings->requests.parse, err);
}

static int read_tokens(struct settings *settings, struct err *err)
{
    return tokens_load(&settings->tokens, settings->config.api.tokens_file, err);
}

static int read_egress(struct settings *settings, struct err *err)
{
    const struct string_list *allow = &settings->config.egress.allow;
    const struct string_list *deny = &settings->config.egress.deny;
    const struct string_list *nat64 = &settings->config.egress.nat64_prefixes;
    int rc = egress_new(&settings->egress, allow->items, allow->n, deny->items, deny->n, err);

    return rc < 0 ? rc
                  : egress_set_nat64(settings->egress, settings->config.egress.nat64 == NAT64_DENY,
                                     nat64->items, nat64->n, err);
}

static int (*const parts[])(struct settings *settings, struct err *err) = {
    read_requests,
    read_tokens,
    read_egress,
};

/* returns the first thing that is wrong */
static int read_parts(struct settings *settings, config_complain_fn *complain, void *arg)
{
    int first = 0;

    for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
        struct err err = {""};
        int rc = parts[i](settings, &err);
        if (rc < 0)
            complain(arg, err.message[0] != '\0' ? err.message : strerror(-rc));
        first = first != 0 ? first : rc;
    }
    return first;
}

static void free_settings(struct refcount *refs)
{
    struct settings *settings = co_container_of(refs, struct settings, refs);

    egress_free(settings->egress);
    tokens_free(settings->tokens);
    probe_modules_done(&settings->probes);
    request_settings_done(&settings->requests);
    config_done(&settings->config);
    free(settings);
}

int settings_new(struct settings **ret_settings, struct config *config,
                 config_complain_fn *complain, void *arg)
{
    struct settings *settings = calloc(1, sizeof(*settings));

    if (settings == NULL) {
        config_done(config);
        complain(arg, strerror(ENOMEM));
        return -ENOMEM;
    }
    refcount_init(&settings->refs, free_settings);
    settings->config = *config;
    *config = (struct config){0};
    int rc = read_parts(settings, complain, arg);
    if (rc < 0)
        settings_unref(settings);
    else
        *ret_settings = settings;
    return rc;
}

void settings_unref(struct settings *settings)
{
    if (settings != NULL)
        refcount_unref(&settings->refs);
}

void settings_unrefp(struct settings **settings)
{
    settings_unref(*settings);
}
