/* One fetch, from its request to its response, on the task that wants it. */
#include <errno.h>

#include "lib/co/scope.h"
#include "lib/co/task.h"
#include "lib/net/http_private.h"

/* --- Limits -------------------------------------------------------------------------------- */

static co_time earlier(co_time a, co_time b)
{
    return a < b ? a : b;
}

static co_time timeout_of(const struct co_http_request *request, enum co_http_phase phase)
{
    const co_time timeouts[CO_HTTP_N_PHASES] = {
        [CO_HTTP_DNS] = request->connect_timeout,     [CO_HTTP_CONNECT] = request->connect_timeout,
        [CO_HTTP_TLS] = request->connect_timeout,     [CO_HTTP_SEND] = 0,
        [CO_HTTP_WAIT] = request->first_byte_timeout, [CO_HTTP_RECEIVE] = request->idle_timeout};

    return timeouts[phase] != 0 ? timeouts[phase] : CO_NEVER;
}

static co_time add(co_time at, co_time duration)
{
    return duration < CO_NEVER - at ? at + duration : CO_NEVER;
}

static co_time deadline(const struct co_http_transfer *transfer)
{
    return transfer->request->deadline != 0 ? transfer->request->deadline : CO_NEVER;
}

/* When the phase that is going on will have taken too long. */
static co_time phase_limit(const struct co_http_transfer *transfer, enum co_http_phase phase)
{
    co_time since = phase < CO_HTTP_WAIT ? transfer->began_at : transfer->moved_at;

    return add(since, timeout_of(transfer->request, phase));
}

/* How long it is certain that no limit is exceeded, whatever happens meanwhile: so progress need
 * not move any timer. */
static co_time certain_time(const struct co_http_transfer *transfer)
{
    enum co_http_phase phase = co_http_timing_phase(&transfer->timing);
    co_time limit = earlier(deadline(transfer), phase_limit(transfer, phase));

    while (++phase < CO_HTTP_N_PHASES)
        limit = earlier(limit, add(co_now(), timeout_of(transfer->request, phase)));
    return limit == CO_NEVER ? CO_NEVER : limit - co_now();
}

static enum co_http_error exceeded_limit(const struct co_http_transfer *transfer)
{
    enum co_http_phase phase = co_http_timing_phase(&transfer->timing);

    if (co_now() >= deadline(transfer))
        return CO_HTTP_TIMEOUT_TOTAL;
    return co_now() >= phase_limit(transfer, phase) ? co_http_error_of_timeout(phase) : CO_HTTP_OK;
}

/* --- A fetch, step by step ----------------------------------------------------------------- */

static enum co_http_error error_of_lookup(const struct co_http_transfer *transfer, int rc)
{
    switch (rc) {
    case 0:
        return CO_HTTP_OK;
    case -ENOENT:
        return CO_HTTP_DNS_NOT_FOUND;
    case -ETIMEDOUT:
        return co_now() >= deadline(transfer) ? CO_HTTP_TIMEOUT_TOTAL : CO_HTTP_DNS_TIMEOUT;
    case -EIO:
        return CO_HTTP_DNS_ERROR;
    case -ECANCELED:
        return CO_HTTP_CANCELED;
    default:
        return CO_HTTP_RESOURCE_EXHAUSTED;
    }
}

static enum co_http_error look_up(struct co_http_transfer *transfer)
{
    struct co_scope scope;
    co_time turn = co_now();
    co_time limit = earlier(deadline(transfer), phase_limit(transfer, CO_HTTP_DNS));

    co_scope_enter(&scope, limit == CO_NEVER ? CO_NEVER : limit - turn);
    int rc =
        co_dns_resolve(transfer->session->dns, transfer->request->url->host, &transfer->answer);
    rc = co_scope_exit(&scope, rc);
    transfer->waited_for_name = co_now() != turn;
    return error_of_lookup(transfer, rc);
}

static enum co_http_error resolve(struct co_http_transfer *transfer)
{
    const struct co_address *literal = &transfer->request->url->address;

    if (literal->family == AF_UNSPEC)
        return look_up(transfer);
    transfer->answer.n_addresses = 1;
    transfer->answer.addresses[0] = *literal;
    return CO_HTTP_OK;
}

/* All of them together, before libcurl picks one. A name that may not be used ends where it was
 * looked up: nothing was connected to. */
static enum co_http_error check_addresses(struct co_http_transfer *transfer)
{
    bool was_looked_up = transfer->request->url->address.family == AF_UNSPEC;
    struct co_dns_answer *answer = &transfer->answer;
    size_t n_addresses = answer->n_addresses;

    for (size_t i = 0; i < n_addresses; i++)
        answer->addresses[i].port = transfer->request->url->port;
    bool is_allowed = co_http_transfer_may_use_answer(transfer, answer->addresses, &n_addresses);
    answer->n_addresses = (unsigned)n_addresses;
    if (!is_allowed)
        return transfer->refusal;
    if (was_looked_up)
        co_http_timing_end(&transfer->timing, CO_HTTP_DNS, co_http_clock());
    return CO_HTTP_OK;
}

static enum co_http_error wait_until_over(struct co_http_transfer *transfer)
{
    enum co_http_error limit = CO_HTTP_OK;

    while (limit == CO_HTTP_OK) {
        struct co_scope scope;
        co_scope_enter(&scope, certain_time(transfer));
        int rc = co_event_wait(&transfer->over);
        rc = co_scope_exit(&scope, rc);
        if (transfer->over.is_set)
            return CO_HTTP_OK; /* at the last moment, maybe */
        if (rc != -ETIMEDOUT)
            return CO_HTTP_CANCELED;
        limit = exceeded_limit(transfer);
    }
    return limit;
}

static enum co_http_error judge(struct co_http_transfer *transfer)
{
    struct co_http_response *response = transfer->response;

    if (transfer->refusal != CO_HTTP_OK)
        return transfer->refusal;
    if (transfer->result == CURLE_OK) /* which it also is when the connection ends in the header */
        return transfer->expects == AWAIT_BODY ? CO_HTTP_OK : CO_HTTP_PARSE_ERROR;
    response->curl_code = (int)transfer->result;
    response->curl_name = co_http_curl_name(transfer->result);
    return co_http_error_of(transfer);
}

static enum co_http_error perform(struct co_http_transfer *transfer)
{
    if (co_http_driver_add(transfer) < 0)
        return CO_HTTP_RESOURCE_EXHAUSTED;
    enum co_http_error error = wait_until_over(transfer);
    if (!transfer->over.is_set)
        co_http_driver_remove(transfer);
    return error != CO_HTTP_OK ? error : judge(transfer);
}

static void finish(struct co_http_transfer *transfer, enum co_http_error error)
{
    struct co_http_response *response = transfer->response;
    co_time over_at = transfer->over.is_set ? transfer->over_at : co_http_clock();

    co_http_timing_report(&transfer->timing, over_at, response);
    enum co_http_error shortage = co_http_response_finish(transfer);
    response->error = error != CO_HTTP_OK ? error : shortage;
    response->message = co_http_error_message(response->error);
}

static void fail_at_once(struct co_http_response *response, enum co_http_error error)
{
    response->error = error;
    response->message = co_http_error_message(error);
    for (enum co_http_phase phase = 0; phase < CO_HTTP_N_PHASES; phase++)
        response->phase_us[phase] = -1;
}

int co_http_fetch(struct co_http_session *session, const struct co_http_request *request,
                  struct co_http_response *ret_response)
{
    struct co_http_transfer *transfer;

    *ret_response = (struct co_http_response){0};
    if (co_http_transfer_take(session, &transfer) < 0) {
        fail_at_once(ret_response, CO_HTTP_RESOURCE_EXHAUSTED);
        return 0;
    }

    co_http_transfer_begin(transfer, request, ret_response);
    enum co_http_error error = resolve(transfer)
                                   ?: check_addresses(transfer)
                                   ?: co_http_request_apply(transfer)
                                   ?: perform(transfer);
    finish(transfer, error);
    co_http_transfer_put(transfer);
    return error == CO_HTTP_CANCELED ? -ECANCELED : 0;
}
