#include "daemon/client/local_gather.h"

#include "lib/net/dns.h"

#include "daemon/base/config.h"
#include "daemon/engine/egress.h"
#include "daemon/engine/engine.h"
#include "daemon/engine/fetch_setup.h"
#include "daemon/engine/gather_lines.h"
#include "daemon/engine/request_settings.h"
#include "daemon/model/problem_text.h"

/* The parts, of which those that were never started are NULL. */
struct here {
    const struct local_gather *gather;
    struct config config;
    struct request_settings requests;
    struct egress *egress;
    struct co_dns *dns;
    struct co_http_session *session;
    struct engine *engine;
    struct result_budget budget;
};

/* --- Starting, each part on the ones before --------------------------------------------------- */

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static int start_config(struct here *here, struct err *err)
{
    struct config *config = &here->config;

    (void)err;
    int rc = config_init(config);
    if (rc < 0)
        return rc;
    config->api.max_items = UINT32_MAX;
    config->fetch.concurrency = larger(config->fetch.concurrency, here->gather->concurrency);
    config->fetch.per_host_concurrency =
        larger(config->fetch.per_host_concurrency, here->gather->per_host);
    return 0;
}

static int start_requests(struct here *here, struct err *err)
{
    return request_settings_init(&here->requests, &here->config, NULL, err);
}

static int start_egress(struct here *here, struct err *err)
{
    static const char *const everywhere[] = {"0.0.0.0/0", "::/0"};

    return egress_new(&here->egress, everywhere, sizeof(everywhere) / sizeof(everywhere[0]), NULL,
                      0, err);
}

static int start_dns(struct here *here, struct err *err)
{
    return fetch_setup_dns(&here->config, &here->dns, err);
}

static int start_session(struct here *here, struct err *err)
{
    (void)err;
    return fetch_setup_session(&here->config, here->dns, &here->session);
}

static int start_engine(struct here *here, struct err *err)
{
    const struct fetcher fetcher =
        fetch_setup_fetcher(&here->config, here->session, here->egress, here->requests.credentials);

    (void)err;
    return engine_new(&here->engine, &fetcher, (unsigned)here->config.fetch.concurrency,
                      (unsigned)here->config.fetch.per_host_concurrency);
}

static int (*const starts[])(struct here *here, struct err *err) = {
    start_config, start_requests, start_egress, start_dns, start_session, start_engine,
};

static int start(struct here *here, const struct local_gather *gather, struct err *err)
{
    int rc = 0;

    *here = (struct here){.gather = gather, .budget = {.max = UINT64_MAX}};
    for (size_t i = 0; rc == 0 && i < sizeof(starts) / sizeof(starts[0]); i++)
        rc = starts[i](here, err);
    return rc;
}

static void stop(struct here *here)
{
    engine_free(here->engine);
    co_http_session_free(here->session);
    co_dns_free(here->dns);
    egress_free(here->egress);
    request_settings_done(&here->requests);
    config_done(&here->config);
}

/* --- Gathering -------------------------------------------------------------------------------- */

static int write_lines(void *arg, const char *bytes, size_t n)
{
    const struct co_http_tap *tap = arg;

    tap->write(tap->arg, bytes, n);
    return co_checkpoint();
}

static CO_BLOCKS int run(struct here *here, struct job_spec *spec)
{
    CO_CLEANUP(gather_lines_done) struct gather_lines lines;
    struct co_http_tap tap = here->gather->tap;
    int rc = gather_lines_init(&lines, spec, &here->budget, write_lines, &tap);

    return rc < 0 ? rc : gather_lines_run(&lines, here->engine);
}

static int refuse(const struct parse_refusal *refusal, const struct defect_list *defects,
                  struct co_http_response *response)
{
    CO_CLEANUP(buffer_done) struct buffer body;

    buffer_init(&body, SIZE_MAX);
    int rc = problem_text_append(&body, refusal->status, refusal->code, refusal->detail, defects);
    if (rc == 0)
        rc = buffer_append_byte(&body, '\0');
    if (rc < 0)
        return rc;
    response->status = refusal->status;
    response->body = buffer_take(&body, &response->body_length);
    response->body_length--;
    return 0;
}

static CO_BLOCKS int gather(struct here *here, struct co_http_response *response)
{
    CO_CLEANUP(defect_list_done) struct defect_list defects;
    CO_CLEANUP(job_spec_freep) struct job_spec *spec = NULL;
    struct parse_refusal refusal;

    defect_list_init(&defects);
    int rc = job_parse(&here->requests.parse, PARSE_GATHER, "application/json",
                       here->gather->document, here->gather->length, &defects, &refusal, &spec);
    if (rc != 0)
        return rc < 0 ? rc : refuse(&refusal, &defects, response);
    response->status = 200;
    return run(here, spec);
}

int local_gather(const struct local_gather *asked, struct co_http_response *ret_response,
                 struct err *err)
{
    struct here here;

    *ret_response = (struct co_http_response){.status = 0};
    job_parse_init();
    int rc = start(&here, asked, err);
    if (rc == 0)
        rc = gather(&here, ret_response);
    stop(&here);
    return rc;
}
