/* /probe: one target, asked as a module of the configuration says, told in Prometheus' text. What a
 * target does is never the status of the answer. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/co/co.h"

#include "daemon/api/api.h"
#include "daemon/api/list_query.h"
#include "daemon/api/probe_metrics.h"
#include "daemon/api/problem.h"
#include "daemon/engine/engine.h"

struct probe {
    struct parse_settings settings; /* held, as the module is theirs */
    const char *target;
    const char *module_name;
    const struct probe_module *module;
    int64_t timeout_us;
    co_time began;
    struct buffer text;
    struct prometheus_writer w;
    struct buffer body; /* of the response, as much as its patterns may see, and a NUL */
    struct probe_verdict verdict;
};

/* --- The question ----------------------------------------------------------------------------- */

static int take_target(void *query, const char *name, const char *value)
{
    struct probe *probe = query;

    (void)name;
    probe->target = value;
    return *value != '\0' ? 0 : -EINVAL;
}

static int take_module(void *query, const char *name, const char *value)
{
    struct probe *probe = query;

    (void)name;
    probe->module_name = value;
    return *value != '\0' ? 0 : -EINVAL;
}

static const struct list_param probe_params[] = {
    {"target", take_target, "a URL, or the HOST, HOST:PORT or HOST/PATH of one that is http"},
    {"module", take_module, "the NAME of a [probe.NAME] in the configuration"},
    {.name = NULL},
};

#define TIMEOUT_HEADER "X-Prometheus-Scrape-Timeout-Seconds"

/* Prometheus gives up then, so the answer has to be there before. returns false: it is no number */
static bool shorten_timeout(const char *scrape_timeout, int64_t *timeout_us)
{
    static const double margin = 0.5, max = 86400;
    char *end;

    if (scrape_timeout == NULL)
        return true;
    double left = strtod(scrape_timeout, &end);
    if (*end != '\0' || !(left > 0 && left <= max))
        return false;
    left -= left > 2 * margin ? margin : left / 2;
    if (left * 1e6 < (double)*timeout_us)
        *timeout_us = (int64_t)(left * 1e6);
    return true;
}

/* returns 0; 1: it has been answered; -errno */
static int read_question(struct http_exchange *exchange, const struct api *api, struct probe *probe)
{
    int rc = list_query_read(exchange, probe_params, probe);

    if (rc != 0)
        return rc;
    if (probe->target == NULL)
        return http_answer_problem(exchange, 400, "missing_parameter",
                                   "Give a target: /probe?target=https://example.com/")
                   ?: 1;
    probe->module = probe_modules_find(api->probes, probe->module_name);
    if (probe->module == NULL)
        return http_answer_problem(exchange, 400, "unknown_module",
                                   "There is no [probe.%.100s] in the configuration.",
                                   probe->module_name)
                   ?: 1;
    probe->timeout_us = (int64_t)probe->module->config->timeout_ms * 1000;
    if (!shorten_timeout(http_header(exchange, TIMEOUT_HEADER), &probe->timeout_us))
        return http_answer_problem(exchange, 400, "bad_header",
                                   TIMEOUT_HEADER " is not a number of seconds.")
                   ?: 1;
    return 0;
}

/* --- The result ------------------------------------------------------------------------------- */

static bool is_over_tls(const struct request *request, const struct result *result)
{
    return result->final_url.text != NULL ? result->final_url.is_https : request->url.is_https;
}

static bool is_good(const struct probe_module *module, const struct request *request,
                    const struct result *result)
{
    const struct config_probe *config = module->config;
    bool is_tls = is_over_tls(request, result);
    bool is_too_large =
        config->body_size_limit > 0 && result->response.decoded_bytes > config->body_size_limit;

    return result->outcome == OUTCOME_SUCCESS && !is_too_large &&
           !(is_tls && config->fail_if_ssl) && !(!is_tls && config->fail_if_not_ssl) &&
           probe_module_takes_version(module, result->response.http_version);
}

static bool suits_headers(const struct probe_module *module, const struct result *result)
{
    for (size_t i = 0; i < module->n_patterns; i++)
        if (module->patterns[i].header != NULL &&
            !probe_pattern_suits_headers(&module->patterns[i], &result->response))
            return false;
    return true;
}

/* The result is gone when this returns. */
static void item_finished(void *arg, struct run_piece *piece, uint32_t item,
                          const struct result *result)
{
    struct probe *probe = arg;
    const struct request *request = run_piece_request(piece, item);
    const struct co_http_response *response = &result->response;

    probe_metrics_write(&probe->w, request, result);
    probe->verdict.is_success = is_good(probe->module, request, result);
    probe->verdict.fails_by_regex = response->status > 0 && !suits_headers(probe->module, result);
    if (buffer_append(&probe->body, response->body, response->body_length) < 0 ||
        buffer_append_byte(&probe->body, '\0') < 0)
        probe->w.rc = -ENOMEM;
}

/* On a thread: a body may be long. */
static int match_body(void *arg, void **ret_result)
{
    struct probe *probe = arg;
    const struct probe_module *module = probe->module;

    (void)ret_result;
    for (size_t i = 0; i < module->n_patterns && !probe->verdict.fails_by_regex; i++)
        if (module->patterns[i].header == NULL)
            probe->verdict.fails_by_regex = !probe_pattern_suits_body(
                &module->patterns[i], probe->body.data, probe->body.len - 1);
    return 0;
}

/* --- The probe -------------------------------------------------------------------------------- */

/* Takes spec over. */
static CO_BLOCKS int run_probe(struct probe *probe, struct engine *engine, struct job_spec *spec)
{
    CO_CLEANUP(job_spec_freep) struct job_spec *owned = spec;
    const struct run_owner owner = {.finished = item_finished, .arg = probe};
    struct run run;

    run_init(&run, engine, owned, &owner);
    int rc = run_execute(&run);
    if (rc == 0 && probe->w.rc == 0 && probe->verdict.is_success && probe->module->needs_body)
        rc = co_to_thread(match_body, probe, NULL, NULL);
    probe->verdict.is_success &= !probe->verdict.fails_by_regex;
    return rc;
}

/* "example.com" is http://example.com, as it is to blackbox_exporter. returns 0, -ENOMEM */
static int complete_target(struct buffer *url, const char *target)
{
    bool has_scheme =
        strncasecmp(target, "http://", 7) == 0 || strncasecmp(target, "https://", 8) == 0;
    int rc = has_scheme ? 0 : buffer_append(url, "http://", 7);

    return rc < 0 ? rc : buffer_append(url, target, strlen(target) + 1);
}

static CO_BLOCKS int probe_target(struct probe *probe, struct engine *engine)
{
    CO_CLEANUP(defect_list_done) struct defect_list defects;
    CO_CLEANUP(buffer_done) struct buffer url;
    struct job_spec *spec;

    defect_list_init(&defects);
    buffer_init(&url, SIZE_MAX);
    int rc = complete_target(&url, probe->target);
    if (rc == 0)
        rc = probe_module_spec(probe->module, &probe->settings, url.data, probe->timeout_us,
                               &defects, &spec);
    if (rc == 1)
        probe_metrics_write_none(&probe->w);
    return rc == 0 ? run_probe(probe, engine, spec) : rc < 0 ? rc : 0;
}

static int answer(struct http_exchange *exchange, struct probe *probe)
{
    probe->verdict.seconds = (double)(co_clock_now() - probe->began) / CO_SECOND;
    probe_metrics_write_verdict(&probe->w, &probe->verdict);
    int rc = prometheus_finish(&probe->w);
    return rc < 0 ? rc : http_answer(exchange, 200, PROMETHEUS_CONTENT_TYPE, &probe->text);
}

static void probe_done(struct probe *probe)
{
    buffer_done(&probe->text);
    buffer_done(&probe->body);
    parse_settings_release(&probe->settings);
}

int probe_get(struct http_exchange *exchange, void *arg)
{
    struct api *api = arg;
    struct token *token = http_token(exchange);
    CO_CLEANUP(probe_done)
    struct probe probe = {
        .settings = parse_settings_hold(&api->probes->parse),
        .module_name = CONFIG_PROBE_DEFAULT,
        .began = co_clock_now(),
    };
    int rc;

    buffer_init(&probe.text, SIZE_MAX);
    buffer_init(&probe.body, SIZE_MAX);
    prometheus_init(&probe.w, &probe.text);
    rc = read_question(exchange, api, &probe);
    if (rc == 0)
        rc = quota_begin_gather(exchange, token, 1);
    if (rc != 0)
        return rc < 0 ? rc : 0;
    rc = probe_target(&probe, api->engine);
    quota_end_gather(token, 1);
    return rc < 0 ? rc : answer(exchange, &probe);
}
