/* The resources of the REST contract. */
#pragma once

#include "lib/net/dns.h"

#include "daemon/api/access.h"
#include "daemon/api/job_rendering.h"
#include "daemon/api/probe_module.h"
#include "daemon/api/http_traffic.h"
#include "daemon/api/result_block.h"
#include "daemon/api/router.h"
#include "daemon/api/submit_key.h"
#include "daemon/base/config.h"
#include "daemon/engine/jobs.h"
#include "daemon/engine/loop_lag.h"
#include "daemon/engine/scheduler.h"
#include "daemon/model/parse.h"

/* What the handlers work on; the handler_arg of the server. */
struct api {
    struct engine *engine;
    struct jobs *jobs;
    struct store *store;
    struct scheduler *scheduler;
    struct submit_keys submit_keys; /* of jobs */
    struct submit_keys schedule_keys;
    struct result_blocks result_blocks;
    struct access access;
    struct job_renderings renderings;
    const struct parse_settings *parse;
    const struct probe_modules *probes;
    struct result_budget *budget; /* of gathers */
    const struct config *config;
    const struct loop_lag *loop_lag;
    const struct co_dns *dns;
    const struct http_traffic *traffic; /* of these routes */
    bool is_draining;                   /* the daemon ends */
    bool refuses_work;                  /* no new work is taken */
};

extern const struct http_route api_routes[];
extern const size_t api_n_routes;

/* One file each: gather.c, job_submit.c, job_get.c, jobs.c, job_results.c, job_result.c, limits.c,
 * stats.c, health.c */
http_handler gather_post;
http_handler gather_get;
http_handler job_submit;
http_handler job_list;
http_handler job_get;
http_handler job_delete;
http_handler job_cancel;
http_handler job_run_again;
http_handler job_results;
http_handler job_results_stream;
http_handler job_results_csv;
http_handler job_events;
http_handler job_result;
http_handler job_result_body;
http_handler limits_get;
http_handler stats_get;
http_handler health_get;
http_handler ready_get;
http_handler tasks_get;
http_handler metrics_get;
http_handler probe_get;
http_handler job_callback_get;
http_handler job_har;
http_handler schedule_submit;
http_handler schedule_list;
http_handler schedule_get;
http_handler schedule_delete;
http_handler schedule_pause;
http_handler schedule_resume;
http_handler schedule_run;
http_handler schedule_runs;
http_handler openapi_get;
http_handler dashboard_get;
