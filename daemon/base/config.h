/* The configuration of the daemon: one struct of values, one table of settings.
 *
 * The table in config.c gives each setting its type, range, default and help, and so makes the
 * checks, the messages, --print-config and the documentation. Values come from the defaults, then a
 * file (config_file.h), then --set; a later one replaces an earlier one. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "daemon/base/arena.h"
#include "daemon/base/config_probe.h"
#include "daemon/base/err.h"
#include "daemon/base/log.h"
#include "daemon/base/setting.h"

struct config {
    struct {
        struct string_list listen;
        struct string_list allowed_hosts;
        struct string_list allowed_origins;
        const char *tokens_file; /* "" for none */
        uint64_t max_connections;
        uint64_t max_body_bytes;
        uint64_t max_job_bytes;
        uint64_t max_items;
        uint64_t request_timeout_ms;
        uint64_t drain_timeout_ms;
        uint64_t max_wait_ms;
    } api;
    struct {
        uint64_t concurrency;
        uint64_t per_host_concurrency;
        uint64_t timeout_ms;
        uint64_t connect_timeout_ms;
        uint64_t max_redirects;
        uint64_t max_body_bytes;
        uint64_t max_header_bytes;
        uint64_t max_idle_connections;
        const char *user_agent;
        const char *ca_file;
        struct string_list dns_servers;
        uint64_t dns_timeout_ms;
        uint64_t max_attempts;
        uint64_t max_decode_ratio;
        const char *secrets_file; /* "" for none */
        const char *certs_dir;    /* "" for none */
        struct string_list proxies;
    } fetch;
    struct {
        struct string_list allow;
        struct string_list deny;
        enum egress_nat64 { NAT64_DECODE, NAT64_DENY } nat64;
        struct string_list nat64_prefixes;
    } egress;
    struct {
        uint64_t max_jobs;
        uint64_t max_result_bytes;
        uint64_t ttl_ms;
    } jobs;
    struct {
        uint64_t max_schedules; /* of a tenant */
    } schedules;
    struct {
        const char *path; /* "" for what state_directory() finds */
        uint64_t max_bytes;
        uint64_t min_free_bytes;
        enum store_repair { STORE_REFUSE, STORE_START_EMPTY } if_damaged;
    } store;
    struct {
        enum log_level level;
        enum log_format format;
        enum stack_measure { STACKS_NOT_MEASURED, STACKS_MEASURED } measure_stacks;
    } log;

    struct config_probe *probes; /* at least CONFIG_PROBE_DEFAULT */

    unsigned *set_in_line; /* by setting: the line of the file; 0: not there */
    struct arena arena;    /* of all that is pointed to */
};

extern const struct setting config_settings[];
extern const size_t config_n_settings;

/* Set all values to their defaults.
 *
 * returns    0
 *            -ENOMEM: config_done() may be called, but need not */
int config_init(struct config *config);

void config_done(struct config *config);

/* Set one value from an assignment, "section.key=value".
 *
 * returns    0
 *            -EINVAL, -ENOMEM: nothing has changed; err says what is wrong with which setting */
int config_set(struct config *config, const char *assignment, struct err *err);

/* The setting that has a name; NULL, and a message with a suggestion in err, if none has. */
const struct setting *config_find(const char *name, size_t len, struct err *err);

/* Where a value is kept, and what of. */
struct config_place {
    const struct setting *setting;
    void *values; /* the struct that the setting's offset belongs to */
    unsigned *set_in_line;
};

/* The place of "section.key", or of "probe.NAME.key", whose module is made if there is none yet.
 *
 * returns    0; -EINVAL, -ENOMEM: err says what is wrong with the name
 */
int config_find_place(struct config *config, const char *name, size_t len,
                      struct config_place *ret_place, struct err *err);
