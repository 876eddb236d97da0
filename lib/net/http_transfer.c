/* Transfers and the pool they are kept in.
 *
 * A handle that has been used is set up already but for what differs from request to request, and
 * the one used last is still in the caches.
 */
#include "lib/net/http_private.h"

#include <errno.h>
#include <stdlib.h>

#include "lib/co/task.h"

enum { MAX_KEPT_HEADERS = 16 * 1024 };

static const struct {
    CURLoption option;
    long value;
} numbers[] = {
    {CURLOPT_NOSIGNAL, 1},
    {CURLOPT_QUICK_EXIT, 1},
    {CURLOPT_FOLLOWLOCATION, 0},
    /* Over TLS: without it, 7.88 has an HTTP/2 that loses reused connections. */
    {CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_2TLS},
    {CURLOPT_UPLOAD_BUFFERSIZE, 16 * 1024}, /* each HTTPS transfer has one, upload or not */
    {CURLOPT_DISALLOW_USERNAME_IN_URL, 1},
    {CURLOPT_SSL_VERIFYPEER, 1},
    {CURLOPT_SSL_VERIFYHOST, 2},
    {CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2},
    {CURLOPT_TCP_KEEPALIVE, 1},
    {CURLOPT_MAXAGE_CONN, CO_HTTP_MAX_IDLE_SECONDS},
    {CURLOPT_MAXLIFETIME_CONN, 600},
    /* Addresses of names are pinned, which is forever; the rest are literals, which libcurl would
     * collect, one entry for each. */
    {CURLOPT_DNS_CACHE_TIMEOUT, 0},
};

static const struct {
    CURLoption option;
    const char *value;
} strings[] = {
    {CURLOPT_PROTOCOLS_STR, "http,https"},
    {CURLOPT_ACCEPT_ENCODING, "gzip"}, /* decode whatever comes; "" is a list that has to be made */
    {CURLOPT_PROXY, ""},               /* nor any that the environment names; and do not look */
    {CURLOPT_NOPROXY, "*"},
    /* With a path next to the file, OpenSSL reads all certificates for each connection. */
    {CURLOPT_CAPATH, NULL},
};

static CURLcode set_up_handle(struct co_http_transfer *transfer)
{
    CURL *easy = transfer->easy;
    CURLcode code = CURLE_OK;

    for (size_t i = 0; code == CURLE_OK && i < CO_HTTP_COUNT_OF(numbers); i++)
        code = curl_easy_setopt(easy, numbers[i].option, numbers[i].value);
    for (size_t i = 0; code == CURLE_OK && i < CO_HTTP_COUNT_OF(strings); i++)
        code = curl_easy_setopt(easy, strings[i].option, strings[i].value);
    if (code == CURLE_OK && transfer->session->ca_file != NULL)
        code = curl_easy_setopt(easy, CURLOPT_CAINFO, transfer->session->ca_file);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
    co_http_pin_attach(transfer);
    co_http_sockets_attach(transfer);
    co_http_request_attach(transfer);
    co_http_response_attach(transfer);
    return code;
}

static int open_handle(struct co_http_transfer *transfer)
{
    transfer->version = CURL_HTTP_VERSION_2TLS;
    transfer->easy = curl_easy_init();
    return transfer->easy != NULL && set_up_handle(transfer) == CURLE_OK ? 0 : -ENOMEM;
}

static int make(struct co_http_session *session, struct co_http_transfer **ret_transfer)
{
    struct co_http_transfer *transfer = calloc(1, sizeof(*transfer));

    if (transfer == NULL)
        return -ENOMEM;
    transfer->session = session;
    co_list_init(&transfer->idle);
    co_list_init(&transfer->sockets);
    co_list_init(&transfer->poked);
    co_list_init(&transfer->waiting);
    if (open_handle(transfer) < 0) {
        co_http_transfer_free(transfer);
        return -ENOMEM;
    }
    *ret_transfer = transfer;
    return 0;
}

int co_http_transfer_take(struct co_http_session *session, struct co_http_transfer **ret_transfer)
{
    if (co_list_is_empty(&session->idle))
        return make(session, ret_transfer);
    struct co_http_transfer *transfer =
        co_container_of(co_list_take_first(&session->idle), struct co_http_transfer, idle);
    session->n_idle--;
    *ret_transfer = transfer;
    return 0;
}

void co_http_transfer_begin(struct co_http_transfer *transfer,
                            const struct co_http_request *request,
                            struct co_http_response *response)
{
    transfer->request = request;
    transfer->response = response;
    co_event_init(&transfer->over);
    transfer->result = CURLE_OK;
    transfer->refusal = CO_HTTP_OK;
    transfer->began_at = co_now();
    transfer->timing = (struct co_http_timing){.started = co_clock_now()};
    if (co_http_has_addresses(request) || co_http_peer(request)->address.family != AF_UNSPEC)
        co_http_timing_skip(&transfer->timing, CO_HTTP_DNS);
    if (!request->url->is_https)
        co_http_timing_skip(&transfer->timing, CO_HTTP_TLS);

    transfer->waited_for_name = transfer->opened = transfer->asked = false;
    transfer->n_challenges = 0;
    transfer->is_refused = false;
    transfer->connected_fd = -1;
    transfer->socket_errno = 0;
    transfer->n_sent = 0;
    transfer->header_bytes = 0;
    transfer->body_capacity = 0;
    co_http_response_restart(transfer);
}

void co_http_transfer_rewind(struct co_http_transfer *transfer)
{
    struct co_http_response *response = transfer->response;

    co_event_clear(&transfer->over);
    transfer->result = CURLE_OK;
    transfer->asked = false;
    transfer->n_sent = 0;
    response->curl_code = 0;
    response->curl_name = NULL;
    curl_easy_setopt(transfer->easy, CURLOPT_FRESH_CONNECT, 1L);
}

static bool is_clean(const struct co_http_transfer *transfer)
{
    long os_errno;

    /* libcurl does not reset it before 8.8, and judges by it. */
    return transfer->response->error == CO_HTTP_OK &&
           curl_easy_getinfo(transfer->easy, CURLINFO_OS_ERRNO, &os_errno) == CURLE_OK &&
           os_errno == 0;
}

/* libcurl keeps the headers of a response until the next one comes, and so do we. */
static bool is_small(const struct co_http_transfer *transfer)
{
    return transfer->header_bytes <= MAX_KEPT_HEADERS &&
           transfer->request_headers.capacity <= MAX_KEPT_HEADERS;
}

void co_http_transfer_put(struct co_http_transfer *transfer)
{
    struct co_http_session *session = transfer->session;
    bool is_undone = co_http_options_undo(transfer);

    if (!is_undone || !is_clean(transfer) || !is_small(transfer) ||
        session->n_idle >= session->max_idle) {
        co_http_transfer_free(transfer);
        return;
    }
    session->n_idle++;
    co_list_insert(session->idle.next, &transfer->idle);
}

void co_http_transfer_free(struct co_http_transfer *transfer)
{
    curl_easy_cleanup(transfer->easy);
    curl_share_cleanup(transfer->names);
    co_http_buffer_done(&transfer->request_headers);
    co_http_buffer_done(&transfer->headers);
    co_http_pin_done(&transfer->pin);
    free(transfer);
}

void co_http_transfer_opened(struct co_http_transfer *transfer)
{
    const struct co_http_request *request = transfer->request;

    transfer->opened = true;
    if (request->proxy != NULL && request->url->is_https)
        transfer->expects = AWAIT_TUNNEL;
    co_http_timing_reopen(&transfer->timing);
}

/* To connect to a proxy is not all of connecting. */
void co_http_transfer_connected(struct co_http_transfer *transfer, const struct co_address *address)
{
    transfer->response->remote = *address;
    if (transfer->request->proxy == NULL)
        co_http_timing_end(&transfer->timing, CO_HTTP_CONNECT, co_clock_now());
}

void co_http_transfer_refuse(struct co_http_transfer *transfer, enum co_http_error why)
{
    if (transfer->refusal == CO_HTTP_OK)
        transfer->refusal = why;
}

/* A refusal is noted, and final. */
static bool is_allowed(struct co_http_transfer *transfer, const char *rule)
{
    if (rule == NULL)
        return transfer->refusal == CO_HTTP_OK;
    transfer->response->blocked_by = rule;
    co_http_transfer_refuse(transfer, CO_HTTP_BLOCKED);
    return false;
}

bool co_http_transfer_may_reach(struct co_http_transfer *transfer, const struct co_address *address)
{
    const struct co_http_gate *gate = transfer->request->gate;

    return is_allowed(transfer, gate != NULL ? gate->check(gate->arg, address) : NULL);
}

bool co_http_transfer_may_connect(struct co_http_transfer *transfer,
                                  const struct co_address *address)
{
    if (transfer->request->proxy != NULL)
        return transfer->refusal == CO_HTTP_OK;
    return co_http_transfer_may_reach(transfer, address);
}

bool co_http_transfer_may_use_answer(struct co_http_transfer *transfer,
                                     struct co_address *addresses, size_t *n_addresses)
{
    const struct co_http_gate *gate = transfer->request->gate;

    return is_allowed(transfer,
                      gate != NULL ? gate->check_answer(gate->arg, addresses, n_addresses) : NULL);
}

int co_http_buffer_reserve(struct co_http_buffer *buffer, size_t size)
{
    if (size <= buffer->capacity)
        return 0;

    size_t capacity = size > 2 * buffer->capacity ? size : 2 * buffer->capacity;
    char *bytes = realloc(buffer->bytes, capacity);
    if (bytes == NULL)
        return -ENOMEM;
    buffer->bytes = bytes;
    buffer->capacity = capacity;
    return 0;
}

void co_http_buffer_done(struct co_http_buffer *buffer)
{
    free(buffer->bytes);
    *buffer = (struct co_http_buffer){0};
}
