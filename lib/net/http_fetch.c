/* One fetch, from its request to its response, on the task that wants it. */
#include <errno.h>
#include <string.h>

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
 * not move any timer. A challenge leads back to waiting. */
static co_time certain_time(const struct co_http_transfer *transfer)
{
    enum co_http_phase phase = co_http_timing_phase(&transfer->timing);
    co_time limit = earlier(deadline(transfer), phase_limit(transfer, phase));

    phase = transfer->request->digest_user != NULL ? CO_HTTP_SEND : phase;
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
    const char *name = co_http_peer(transfer->request)->host;
    struct co_scope scope;
    co_time turn = co_now();
    co_time limit = earlier(deadline(transfer), phase_limit(transfer, CO_HTTP_DNS));

    co_scope_enter(&scope, limit == CO_NEVER ? CO_NEVER : limit - turn);
    int rc = co_dns_resolve(transfer->session->dns, name, &transfer->answer);
    rc = co_scope_exit(&scope, rc);
    transfer->waited_for_name = co_now() != turn;
    return error_of_lookup(transfer, rc);
}

static enum co_http_error use_addresses(struct co_http_transfer *transfer,
                                        const struct co_address *addresses, size_t n_addresses)
{
    transfer->answer.n_addresses = (unsigned)n_addresses;
    memcpy(transfer->answer.addresses, addresses, n_addresses * sizeof(*addresses));
    return CO_HTTP_OK;
}

static enum co_http_error resolve(struct co_http_transfer *transfer)
{
    const struct co_http_request *request = transfer->request;
    const struct co_address *literal = &co_http_peer(request)->address;

    if (co_http_has_addresses(request))
        return use_addresses(transfer, request->addresses, request->n_addresses);
    return literal->family != AF_UNSPEC ? use_addresses(transfer, literal, 1) : look_up(transfer);
}

static bool was_looked_up(const struct co_http_transfer *transfer)
{
    return (transfer->timing.skipped & 1u << CO_HTTP_DNS) == 0;
}

static enum co_http_error keep_family(struct co_http_transfer *transfer)
{
    struct co_dns_answer *answer = &transfer->answer;
    int family = transfer->request->ip_family;
    unsigned n = 0;

    for (unsigned i = 0; i < answer->n_addresses; i++)
        if (family == AF_UNSPEC || answer->addresses[i].family == family)
            answer->addresses[n++] = answer->addresses[i];
    answer->n_addresses = n;
    if (n > 0)
        return CO_HTTP_OK;
    return was_looked_up(transfer) ? CO_HTTP_DNS_NOT_FOUND : CO_HTTP_CONNECT_UNREACHABLE;
}

/* All of them together, before libcurl picks one. A name that may not be used ends where it was
 * looked up: nothing was connected to. */
static enum co_http_error check_addresses(struct co_http_transfer *transfer)
{
    struct co_dns_answer *answer = &transfer->answer;
    size_t n_addresses = answer->n_addresses;

    for (size_t i = 0; i < n_addresses; i++)
        answer->addresses[i].port = co_http_peer(transfer->request)->port;
    if (transfer->request->proxy == NULL &&
        !co_http_transfer_may_use_answer(transfer, answer->addresses, &n_addresses))
        return transfer->refusal;
    answer->n_addresses = (unsigned)n_addresses;
    if (was_looked_up(transfer))
        co_http_timing_end(&transfer->timing, CO_HTTP_DNS, co_clock_now());
    return CO_HTTP_OK;
}

/* A proxy connects to whatever we ask for; of names only it knows what they are. */
static enum co_http_error check_beyond_proxy(struct co_http_transfer *transfer)
{
    const struct co_http_request *request = transfer->request;
    struct co_address address = request->url->address;
    size_t n_addresses = 1;

    if (request->proxy == NULL || address.family == AF_UNSPEC)
        return CO_HTTP_OK;
    return co_http_transfer_may_use_answer(transfer, &address, &n_addresses) &&
                   co_http_transfer_may_reach(transfer, &address)
               ? CO_HTTP_OK
               : transfer->refusal;
}

enum co_http_error co_http_transfer_wait(struct co_http_transfer *transfer, struct co_event *event)
{
    enum co_http_error limit = CO_HTTP_OK;

    while (limit == CO_HTTP_OK) {
        struct co_scope scope;
        co_scope_enter(&scope, certain_time(transfer));
        int rc = co_event_wait(event);
        rc = co_scope_exit(&scope, rc);
        if (event->is_set)
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
    if (transfer->is_refused)
        return CO_HTTP_OK;
    if (transfer->result == CURLE_OK && transfer->expects != AWAIT_BODY)
        return CO_HTTP_PARSE_ERROR; /* the connection ended in the header */
    if (transfer->result == CURLE_OK)
        return co_http_response_is_bomb(transfer) ? CO_HTTP_DECODE_RATIO : CO_HTTP_OK;
    response->curl_code = (int)transfer->result;
    response->curl_name = co_http_curl_name(transfer->result);
    return co_http_error_of(transfer);
}

static enum co_http_error attempt(struct co_http_transfer *transfer)
{
    if (co_http_driver_add(transfer) < 0)
        return CO_HTTP_RESOURCE_EXHAUSTED;
    enum co_http_error error = co_http_transfer_wait(transfer, &transfer->over);
    if (!transfer->over.is_set)
        co_http_driver_remove(transfer);
    return error != CO_HTTP_OK ? error : judge(transfer);
}

/* An origin that is about to close an HTTP/2 connection leaves what else comes on it unanswered.
 * libcurl goes from there to the next connection, which may end the same way, and gives up after
 * five; so what can be repeated gets a connection of its own.
 *
 * source  RFC 9110 section 9.2.2, RFC 9113 section 8.7; curl issue 12054 */
static bool was_left_unanswered(const struct co_http_transfer *transfer)
{
    CURLcode result = transfer->result;
    bool was_broken = result == CURLE_SEND_ERROR || result == CURLE_RECV_ERROR ||
                      result == CURLE_PARTIAL_FILE || result == CURLE_HTTP2;

    return transfer->over.is_set && was_broken && transfer->refusal == CO_HTTP_OK &&
           transfer->may_repeat && transfer->header_bytes == 0 &&
           transfer->origin->speaks == CO_HTTP_SPEAKS_2;
}

static enum co_http_error perform(struct co_http_transfer *transfer)
{
    enum co_http_error error = attempt(transfer);

    if (!was_left_unanswered(transfer))
        return error;
    co_http_transfer_rewind(transfer);
    return co_http_place_enter(transfer) < 0 ? CO_HTTP_RESOURCE_EXHAUSTED : attempt(transfer);
}

static void finish(struct co_http_transfer *transfer, enum co_http_error error)
{
    struct co_http_response *response = transfer->response;
    co_time over_at = transfer->over.is_set ? transfer->over_at : co_clock_now();

    if (transfer->request->proxy != NULL &&
        co_http_timing_phase(&transfer->timing) <= CO_HTTP_CONNECT)
        error = co_http_error_of_proxy(error);
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
    enum co_http_error error = check_beyond_proxy(transfer)
                                   ?: resolve(transfer)
                                   ?: keep_family(transfer)
                                   ?: check_addresses(transfer)
                                   ?: co_http_origin_enter(transfer)
                                   ?: co_http_request_apply(transfer)
                                   ?: perform(transfer);
    finish(transfer, error);
    co_http_origin_leave(transfer);
    co_http_transfer_put(transfer);
    return error == CO_HTTP_CANCELED ? -ECANCELED : 0;
}
