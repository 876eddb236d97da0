#include "daemon/api/api.h"

const struct http_route api_routes[] = {
    {"POST", "/v1/gather", gather_post, .takes_body = true},
    {"GET", "/v1/gather", gather_get, .takes_body = false},
    {"POST", "/v1/jobs", job_submit, .takes_body = true, .streams_body = true},
    {"GET", "/v1/jobs", job_list, .takes_body = false},
    {"GET", "/v1/jobs/{id}", job_get, .takes_body = false},
    {"DELETE", "/v1/jobs/{id}", job_delete, .takes_body = false},
    {"POST", "/v1/jobs/{id}/cancel", job_cancel, .takes_body = false},
    {"POST", "/v1/jobs/{id}/retry", job_run_again, .takes_body = false},
    {"GET", "/v1/jobs/{id}/results", job_results, .takes_body = false},
    {"GET", "/v1/jobs/{id}/results/{index}", job_result, .takes_body = false},
    {"GET", "/v1/jobs/{id}/results/{index}/body", job_result_body, .takes_body = false},
    {"GET", "/v1/limits", limits_get, .takes_body = false},
    {"GET", "/v1/stats", stats_get, .takes_body = false},
    {"GET", "/healthz", health_get, .takes_body = false},
};
const size_t api_n_routes = sizeof(api_routes) / sizeof(*api_routes);
