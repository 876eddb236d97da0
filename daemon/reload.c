/* A new configuration is built beside the one in force, and takes its place when all of it is known
 * to be good. What runs goes on: each request with the settings it was read with. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "daemon/base/log.h"
#include "daemon/command_line.h"
#include "daemon/gatherd_private.h"
#include "daemon/service_manager.h"
#include "daemon/start_records.h"

static void complain(void *arg, const char *message)
{
    (void)arg;
    log_event(EVENT_RELOAD_REFUSED, LOG_NO_FIELDS, "the configuration is not reloaded: %s",
              message);
}

/* returns settings that are owed a settings_unref(); NULL, which has been told */
static struct settings *read_again(const struct gatherd *gatherd)
{
    struct settings *settings = NULL;
    struct config config;
    int rc = config_init(&config);

    if (rc < 0) {
        complain(NULL, strerror(-rc));
        return NULL;
    }
    rc = command_line_read_again(gatherd->line, complain, NULL, &config);
    if (rc == 0)
        rc = service_take_credentials(&config);
    if (rc == 0)
        (void)settings_new(&settings, &config, complain, NULL);
    else
        config_done(&config);
    return settings;
}

/* The new settings keep what they have in common with the policy in force: our listeners. */
static int replace_egress(struct gatherd *gatherd, struct settings *settings)
{
    struct err err = {""};
    int rc = gatherd_check_listeners(gatherd, settings, settings->egress, &err);

    if (rc == 0)
        rc = egress_replace(gatherd->egress, settings->egress);
    if (rc == 0)
        settings->egress = NULL;
    else
        complain(NULL, err.message[0] != '\0' ? err.message : strerror(-rc));
    return rc;
}

/* What only a restart changes stays. Of that, what the configuration says is told if it differs
 * from what it said at the start. */
static struct config take_over(const struct gatherd *gatherd, const struct config *fresh)
{
    struct config config = *fresh;

    for (size_t i = 0; i < config_n_settings; i++) {
        const struct setting *setting = &config_settings[i];
        if (!setting->needs_restart)
            continue;
        if (!setting_is_same(setting, fresh, &gatherd->first->config))
            log_event(EVENT_RELOAD_INCOMPLETE, LOG_FIELDS({"setting", setting->name}),
                      "%s has changed: that takes a restart", setting->name);
        setting_copy(setting, &gatherd->config, &config);
    }
    return config;
}

static void put_in_force(struct gatherd *gatherd, struct settings *settings)
{
    struct settings *before = gatherd->current;

    gatherd->config = take_over(gatherd, &settings->config);
    gatherd->current = settings;
    gatherd->parse = settings->requests.parse;
    tokens_take_over(settings->tokens, before->tokens);
    settings_unref(before);
}

/* Those parts that keep values of their own. */
static void tell_parts(struct gatherd *gatherd)
{
    const struct config *config = &gatherd->config;
    const struct fetcher fetcher = gatherd_fetcher(gatherd);

    log_set_level(config->log.level);
    log_set_format(config->log.format);
    gatherd->api.access.tokens = gatherd->current->tokens;
    gatherd->api.probes = &gatherd->current->probes;
    gatherd->budget.max = config->jobs.max_result_bytes;
    engine_set_fetcher(gatherd->engine, &fetcher);
    jobs_set_default_ttl(gatherd->jobs, (int64_t)config->jobs.ttl_ms * 1000);
    scheduler_set_max(gatherd->scheduler, config->schedules.max_schedules);
    http_server_set_body_limits(gatherd->server, config->api.max_body_bytes,
                                config->api.max_job_bytes);
}

static bool reload(struct gatherd *gatherd)
{
    struct settings *settings = read_again(gatherd);

    if (settings == NULL)
        return false;
    if (replace_egress(gatherd, settings) < 0) {
        settings_unref(settings);
        return false;
    }
    put_in_force(gatherd, settings);
    tell_parts(gatherd);
    say_access(gatherd->current->tokens, gatherd->config.api.tokens_file, gatherd->egress);
    log_event(EVENT_RELOAD_DONE, LOG_NO_FIELDS, "the configuration is reloaded");
    return true;
}

void gatherd_reload(struct gatherd *gatherd)
{
    service_notify("RELOADING=1\nMONOTONIC_USEC=%" PRId64, co_clock_now() / CO_MICROSECOND);
    bool is_reloaded = reload(gatherd);
    service_notify("READY=1\nSTATUS=Listening on %s%s", http_server_address(gatherd->server, 0),
                   is_reloaded ? ""
                               : "; the configuration is wrong, and the one before stays in force");
}
