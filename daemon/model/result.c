#include "daemon/model/result.h"

#include <stdlib.h>

const char *outcome_name(enum outcome outcome)
{
    static const char *const names[N_OUTCOMES] = {
        [OUTCOME_SUCCESS] = "success",
        [OUTCOME_HTTP_ERROR] = "http_error",
        [OUTCOME_ASSERTION_FAILED] = "assertion_failed",
        [OUTCOME_TRANSPORT_ERROR] = "transport_error",
        [OUTCOME_BLOCKED] = "blocked",
        [OUTCOME_INTERRUPTED] = "interrupted",
        [OUTCOME_CANCELED] = "canceled",
        [OUTCOME_SKIPPED] = "skipped",
    };

    return names[outcome];
}

void result_init(struct result *result)
{
    *result = (struct result){.redirect_us = -1};
    for (int i = 0; i < CO_HTTP_N_PHASES; i++)
        result->phase_us[i] = -1;
}

void result_done(struct result *result)
{
    for (unsigned i = 0; i < result->n_hops; i++)
        co_url_done(&result->hops[i].url);
    free(result->hops);
    co_url_done(&result->final_url);
    co_http_response_done(&result->response);
}
