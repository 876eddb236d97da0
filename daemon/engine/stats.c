#include "daemon/engine/stats.h"

#include <string.h>
#include <sys/socket.h>

#include "daemon/base/instant.h"

void stats_init(struct stats *stats)
{
    *stats = (struct stats){.started_at = instant_now()};
}

static void count_name(struct stats_names *names, const char *name)
{
    unsigned i = 0;

    while (i < names->n_names && names->counts[i].name != name &&
           strcmp(names->counts[i].name, name) != 0)
        i++;
    if (i == STATS_MAX_NAMES) {
        names->counts[--i].name = "other";
    } else if (i == names->n_names) {
        names->counts[i].name = name;
        names->n_names++;
    }
    names->counts[i].n++;
}

/* The name of a rule that was made for one result does not outlive it. */
static const char *rule_of(const struct result *result)
{
    return result->error.rule == result->error_text ? "secret" : result->error.rule;
}

void stats_count_item(struct stats *stats, const struct result *result)
{
    if (stats == NULL)
        return;
    stats->n_finished[result->outcome]++;
    stats->n_retries += result->n_attempts;
    if (result->attempt_started_at > 0)
        duration_buckets_add(&stats->queue, result->queue_us);
    if (result->error.code != NULL)
        count_name(&stats->errors, result->error.code);
    if (result->error.rule != NULL)
        count_name(&stats->blocked, rule_of(result));
}

static void count_times(struct stats *stats, const struct co_http_response *response)
{
    for (enum co_http_phase i = 0; i < CO_HTTP_N_PHASES; i++)
        if (response->phase_us[i] >= 0)
            duration_buckets_add(&stats->phases[i], response->phase_us[i]);
    duration_buckets_add(&stats->requests, response->total_us);
}

void stats_count_request(struct stats *stats, const struct co_http_response *response)
{
    if (stats == NULL)
        return;
    stats->n_requests++;
    if (response->reused)
        stats->n_connections_reused++;
    else if (response->remote.family != AF_UNSPEC)
        stats->n_connections_opened++;
    stats->sent_bytes += response->sent_bytes;
    stats->received_bytes += response->encoded_bytes;
    stats->decoded_bytes += response->decoded_bytes;
    count_times(stats, response);
}
