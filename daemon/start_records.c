#include "daemon/start_records.h"

#include <inttypes.h>

#include "daemon/base/ca_file.h"
#include "daemon/base/log.h"
#include "daemon/base/tokens.h"
#include "daemon/engine/egress.h"
#include "daemon/store/store.h"
#include "daemon/versions.h"

void say_starting(void)
{
    char libraries[VERSIONS_SIZE];

    versions_of_libraries(libraries);
    log_event(EVENT_DAEMON_STARTING, LOG_FIELDS({"version", PACKAGE_VERSION}),
              "gatherd " PACKAGE_VERSION " starts, with %s", libraries);
}

void say_trust(const char *ca_file)
{
    struct err err = {""};

    if (ca_file_check(ca_file, &err) < 0)
        log_event(EVENT_TRUST_NONE, LOG_FIELDS({"path", ca_file}),
                  "fetch.ca_file: %s; https requests will fail", err.message);
}

void say_store(const struct store *store, const char *path)
{
    struct store_stats stats;

    store_get_stats(store, &stats);
    log_event(EVENT_STORE_OPENED, LOG_FIELDS({"path", path}),
              "%s has %" PRIu64 " jobs; %" PRIu64 " of them had not ended, and go on", path,
              stats.n_jobs, stats.n_unended_at_open);
}

static void say_tokens(const struct tokens *tokens, const char *path)
{
    if (tokens == NULL)
        log_event(EVENT_TOKENS_NONE, LOG_NO_FIELDS,
                  "no tokens are asked for: whoever can connect may do everything");
    else
        log_event(EVENT_TOKENS_READ, LOG_FIELDS({"path", path}), "clients need a token of %s",
                  path);
}

/* Where clouds have their metadata, and the credentials of the machine with it. */
static const char *const metadata_services[] = {"169.254.169.254:80", "[fd00:ec2::254]:80"};

static void say_if_wide(const struct egress *egress)
{
    for (size_t i = 0; i < sizeof(metadata_services) / sizeof(*metadata_services); i++) {
        const char *text = metadata_services[i];
        struct co_cidr service;

        if (co_cidr_parse(text, &service) == 0 &&
            egress_check_address(egress, &service.network) == NULL)
            log_event(EVENT_EGRESS_WIDE, LOG_FIELDS({"address", text}),
                      "egress.allow opens %s, where clouds hand out credentials to whoever asks; "
                      "unless that is meant, put it into egress.deny",
                      text);
    }
}

void say_access(const struct tokens *tokens, const char *path, const struct egress *egress)
{
    say_tokens(tokens, path);
    say_if_wide(egress);
}
