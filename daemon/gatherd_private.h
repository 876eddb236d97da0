/* What the files of the daemon share:
 *
 *     gatherd.c   its parts, and how it starts, serves and ends
 *     reload.c    how a new configuration comes into force
 */
#pragma once

#include "lib/co/co.h"
#include "lib/net/dns.h"
#include "lib/net/http.h"

#include "daemon/api/api.h"
#include "daemon/api/http_server.h"
#include "daemon/engine/engine.h"
#include "daemon/engine/jobs.h"
#include "daemon/engine/loop_lag.h"
#include "daemon/engine/scheduler.h"
#include "daemon/model/result_set.h"
#include "daemon/settings.h"
#include "daemon/store/store.h"

/* The parts, of which those that were never started are NULL. */
struct gatherd {
    const struct command_line *line; /* where the configuration comes from */
    struct settings *first;          /* those of the start, which some parts hold on to */
    struct settings *current;        /* those in force */
    struct config config;            /* in force: current's, but for what needs a restart */
    struct parse_settings parse;     /* current's */
    struct co_task *log_reporter;
    struct co_task *task_dump;
    struct co_task *watchdog; /* NULL: nobody watches */
    struct loop_lag loop_lag;
    struct egress *egress;
    struct co_dns *dns;
    struct co_http_session *session;
    struct engine *engine;
    struct result_budget budget;
    struct store *store;
    struct jobs *jobs;
    struct scheduler *scheduler;
    struct api api;
    struct http_traffic traffic;
    struct http_server *server;
    co_time drained_by; /* what is under way then is given up */
};

/* What fetches go by, as current and config say. */
struct fetcher gatherd_fetcher(const struct gatherd *gatherd);

/* Nobody may reach our own API through us, and nobody else's machine may without a token: looks at
 * what the server listens on, which is known only once it does.
 *
 * returns    0; -EINVAL: err says which address others can reach; -errno */
int gatherd_check_listeners(const struct gatherd *gatherd, const struct settings *settings,
                            struct egress *egress, struct err *err);

/* --- reload.c --------------------------------------------------------------------------------- */

/* Reads the configuration again. If anything is wrong with it, all stays as it is. What came of it
 * is logged, and told to the service manager. */
void gatherd_reload(struct gatherd *gatherd);
