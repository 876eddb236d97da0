#include "daemon/descriptors.h"

#include <sys/resource.h>

#include "daemon/api/http_connection.h"

/* For ourselves: pollers, signals, listeners, name servers, files that are read. */
enum { OWN = 48 };

uint64_t descriptors_raise_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return UINT64_MAX;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur;
}

static uint64_t at_least_one(uint64_t n)
{
    return n > 0 ? n : 1;
}

static void lower(uint64_t *value, uint64_t max)
{
    if (*value > max)
        *value = max;
}

/* A fetch may try two addresses at a time. */
static uint64_t n_needed(const struct config *config)
{
    return OWN + config->api.max_connections +
           http_connections_extra((unsigned)config->api.max_connections) +
           2 * config->fetch.concurrency + config->fetch.max_idle_connections;
}

void descriptors_fit(struct config *config, uint64_t limit)
{
    uint64_t n_free = limit > OWN ? limit - OWN : 0;

    if (n_needed(config) <= limit)
        return;
    lower(&config->api.max_connections, at_least_one(n_free / 4 - n_free / 64));
    lower(&config->fetch.max_idle_connections, at_least_one(n_free / 4));
    lower(&config->fetch.concurrency, at_least_one(n_free / 4));
    log_event(EVENT_DESCRIPTORS_FEW, LOG_NO_FIELDS,
              "only %llu descriptors may be open (LimitNOFILE, ulimit -n): at most %llu clients, "
              "%llu fetches and %llu idle connections at a time",
              (unsigned long long)limit, (unsigned long long)config->api.max_connections,
              (unsigned long long)config->fetch.concurrency,
              (unsigned long long)config->fetch.max_idle_connections);
}
