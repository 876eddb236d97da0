#include "daemon/api/api.h"

const struct http_route api_routes[] = {
    {"POST", "/v1/gather", gather_post, .takes_body = true, .starts_work = true,
     .needs = RIGHT_SUBMIT},
    {"GET", "/v1/gather", gather_get, .starts_work = true, .needs = RIGHT_SUBMIT},
    {"POST", "/v1/jobs", job_submit, .takes_body = true, .streams_body = true, .starts_work = true,
     .needs = RIGHT_SUBMIT},
    {"GET", "/v1/jobs", job_list, .needs = RIGHT_READ},
    {"GET", "/v1/jobs/{id}", job_get, .needs = RIGHT_READ},
    {"DELETE", "/v1/jobs/{id}", job_delete, .needs = RIGHT_SUBMIT},
    {"POST", "/v1/jobs/{id}/cancel", job_cancel, .needs = RIGHT_SUBMIT},
    {"POST", "/v1/jobs/{id}/retry", job_run_again, .starts_work = true, .needs = RIGHT_SUBMIT},
    {"GET", "/v1/jobs/{id}/results", job_results, .needs = RIGHT_READ},
    {"GET", "/v1/jobs/{id}/results/{index}", job_result, .needs = RIGHT_READ},
    {"GET", "/v1/jobs/{id}/results/{index}/body", job_result_body, .needs = RIGHT_READ},
    {"GET", "/v1/jobs/{id}/events", job_events, .needs = RIGHT_READ},
    {"GET", "/v1/jobs/{id}/har", job_har, .needs = RIGHT_READ},
    {"GET", "/v1/limits", limits_get, .needs = RIGHT_READ},
    {"GET", "/v1/stats", stats_get, .needs = RIGHT_ADMIN},
    {"GET", "/probe", probe_get, .starts_work = true, .needs = RIGHT_SUBMIT},
    {"GET", "/v1/tasks", tasks_get, .needs = RIGHT_ADMIN},
    {"GET", "/metrics", metrics_get, .answers_always = true, .needs = RIGHT_ADMIN},
    {"GET", "/openapi.json", openapi_get, .needs = NO_RIGHT},
    {"GET", "/healthz", health_get, .answers_always = true, .needs = NO_RIGHT},
    {"GET", "/readyz", ready_get, .answers_always = true, .needs = NO_RIGHT},
};
const size_t api_n_routes = sizeof(api_routes) / sizeof(*api_routes);
