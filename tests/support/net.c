#include "tests/support/net.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "lib/co/runtime.h"

static co_time wound;

static co_time now(struct co_loop *loop)
{
    return co_clock_real.now(loop) + wound;
}

static int wait_until(struct co_loop *loop, co_time deadline)
{
    loop->now -= wound; /* it is read anew afterwards */
    return co_clock_real.wait(loop, deadline != CO_NEVER ? deadline - wound : CO_NEVER);
}

static const struct co_clock clock_windable = {.now = now, .wait = wait_until};

void wind(co_time by)
{
    wound += by;
}

void net_run_loop(void (*main)(int i), int i)
{
    wound = 0;
    runtime_run_on(&clock_windable, main, i);
}

void net_run(void (*body)(struct net *net, int i), int i)
{
    static struct net net;

    net = (struct net){0};
    signal(SIGPIPE, SIG_IGN);
    fake_origin_start(&net.origin);
    fake_dns_start(&net.server);
    assert_ok(co_dns_new(&net.dns, &(struct co_dns_options){.servers = net.server.servers,
                                                            .timeout = NET_DNS_TIMEOUT}));
    assert_ok(co_http_session_new(&net.session, &(struct co_http_session_options){.dns = net.dns}));
    body(&net, i);
    co_http_response_done(&net.response);
    co_http_session_free(net.session);
    co_dns_free(net.dns);
    fake_dns_stop(&net.server);
    fake_origin_stop(&net.origin);
}

static void parse_url(const struct net *net, const char *template, struct co_url *url)
{
    char text[1024];
    const char *at = strchr(template, '@');
    int length = at == NULL ? snprintf(text, sizeof(text), "%s", template)
                            : snprintf(text, sizeof(text), "%.*s%u%s", (int)(at - template),
                                       template, net->origin.port, at + 1);

    assert_ok(co_url_parse(text, (size_t)length, url));
}

static void prepare(struct net *net, const char *url, const struct co_http_request *request)
{
    struct fetching *fetching = &net->fetching;

    parse_url(net, url, &fetching->url);
    fetching->request = *request;
    fetching->request.url = &fetching->url;
    if (request->method == NULL)
        fetching->request.method = "GET";
    if (request->max_header_bytes == 0)
        fetching->request.max_header_bytes = 64 * 1024;
    if (request->max_body_bytes == 0)
        fetching->request.max_body_bytes = 1024 * 1024;
    if (request->capture_bytes == 0)
        fetching->request.capture_bytes = 64 * 1024;
    co_http_response_done(&net->response);
}

static int run(void *arg, void **result)
{
    struct net *net = arg;
    struct fetching *fetching = &net->fetching;

    (void)result;
    fetching->rc = co_http_fetch(net->session, &fetching->request, &net->response);
    co_url_done(&fetching->url);
    return 0;
}

int fetch(struct net *net, const char *url, struct co_http_request request)
{
    prepare(net, url, &request);
    assert_ok(run(net, NULL));
    return net->fetching.rc;
}

void fetch_begin(struct net *net, const char *url, struct co_http_request request)
{
    prepare(net, url, &request);
    assert_ok(co_create_task("fetch", run, net, &net->fetching.task));
}

int fetch_end(struct net *net)
{
    assert_ok(co_task_await(net->fetching.task, NULL));
    co_task_unref(net->fetching.task);
    return net->fetching.rc;
}

/* What holds of every response. */
static void assert_phases_add_up(const struct co_http_response *response)
{
    int64_t sum = 0;

    for (enum co_http_phase phase = 0; phase < CO_HTTP_N_PHASES; phase++) {
        ck_assert_int_ge(response->phase_us[phase], -1);
        if (response->phase_us[phase] > 0)
            sum += response->phase_us[phase];
    }
    ck_assert_int_eq(sum, response->total_us);
}

void assert_success(const struct net *net)
{
    ck_assert_int_eq(net->fetching.rc, 0);
    ck_assert_str_eq(co_http_error_name(net->response.error) ?: "success", "success");
    ck_assert_int_eq(net->response.curl_code, 0);
    ck_assert_ptr_null(net->response.message);
    assert_phases_add_up(&net->response);
}

void assert_failure(const struct net *net, enum co_http_error error, enum co_http_phase phase)
{
    const struct co_http_response *response = &net->response;

    ck_assert_str_eq(co_http_error_name(response->error) ?: "success", co_http_error_name(error));
    ck_assert_str_eq(co_http_phase_name(response->error_phase), co_http_phase_name(phase));
    ck_assert_ptr_nonnull(response->message);
    ck_assert_int_eq(response->curl_name != NULL, response->curl_code != 0);
    ck_assert_int_ge(response->phase_us[phase], 0);
    for (enum co_http_phase later = phase + 1; later < CO_HTTP_N_PHASES; later++)
        ck_assert_int_eq(response->phase_us[later], -1);
    assert_phases_add_up(response);
}
