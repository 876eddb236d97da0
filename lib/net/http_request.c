/* From a request to the options of a handle.
 *
 * Headers are built in memory the transfer keeps, since libcurl only borrows the list. Options that
 * stay as they were are left alone.
 */
#include "lib/net/http_private.h"

#include <pthread.h>
#include <string.h>
#include <strings.h>

#include "lib/co/task.h"

static const struct method {
    const char *name;
    enum co_http_form form; /* without a body */
    bool is_safe;           /* RFC 9110 section 9.2.1 */
    bool is_custom;         /* libcurl would say something else by itself */
} methods[] = {
    {"GET", CO_HTTP_FORM_GET, true, false},     {"HEAD", CO_HTTP_FORM_HEAD, true, false},
    {"POST", CO_HTTP_FORM_EMPTY, false, false}, {"PUT", CO_HTTP_FORM_EMPTY, false, true},
    {"PATCH", CO_HTTP_FORM_EMPTY, false, true}, {"DELETE", CO_HTTP_FORM_GET, false, true},
    {"OPTIONS", CO_HTTP_FORM_GET, true, true},  {"TRACE", CO_HTTP_FORM_GET, true, true},
};

static const struct method other_method = {NULL, CO_HTTP_FORM_GET, false, true};

static const struct method *find_method(const char *name)
{
    for (size_t i = 0; i < CO_HTTP_COUNT_OF(methods); i++)
        if (strcmp(methods[i].name, name) == 0)
            return &methods[i];
    return &other_method;
}

/* --- Headers ------------------------------------------------------------------------------- */

bool co_http_request_has(const struct co_http_request *request, const char *header)
{
    for (size_t i = 0; i < request->n_headers; i++)
        if (strcasecmp(request->headers[i].name, header) == 0)
            return true;
    return false;
}

static char encodings[sizeof("gzip, br, zstd")];

static void write_encodings(void)
{
    static const struct {
        int feature;
        const char *coding;
    } codings[] = {
        {CURL_VERSION_LIBZ, "gzip"}, {CURL_VERSION_BROTLI, "br"}, {CURL_VERSION_ZSTD, "zstd"}};
    int features = curl_version_info(CURLVERSION_NOW)->features;
    const char *separator = "";
    char *end = encodings;

    for (size_t i = 0; i < CO_HTTP_COUNT_OF(codings); i++) {
        if ((features & codings[i].feature) == 0)
            continue;
        end = stpcpy(stpcpy(end, separator), codings[i].coding);
        separator = ", ";
    }
}

const char *co_http_encodings(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, write_encodings);
    return encodings;
}

/* What libcurl would add in its own way. What is sent is the caller's to say: a request with a body
 * is not always a form, and a large one must not wait a second for leave to be sent. */
static const struct {
    const char *name;
    const char *line; /* with nothing after the colon: tells libcurl to leave the header out */
    bool with_body;   /* only then would it be added */
} defaults[] = {
    {"Accept", "Accept:", false},
    {"Accept-Encoding", "Accept-Encoding:", false},
    {"Content-Type", "Content-Type:", true},
    {"Expect", "Expect:", true},
};

static size_t add_defaults(const struct co_http_transfer *transfer, struct curl_slist *nodes)
{
    bool has_body = transfer->form >= CO_HTTP_FORM_EMPTY;
    size_t n = 0;

    for (size_t i = 0; i < CO_HTTP_COUNT_OF(defaults); i++)
        if ((has_body || !defaults[i].with_body) &&
            !co_http_request_has(transfer->request, defaults[i].name))
            nodes[n++].data = (char *)defaults[i].line;
    return n;
}

static size_t header_size(const struct co_http_header *header)
{
    return strlen(header->name) + sizeof(": ") + strlen(header->value);
}

static char *write_header(char *end, const struct co_http_header *header)
{
    end = stpcpy(end, header->name);
    if (header->value[strspn(header->value, " \t")] == '\0')
        /* with a colon libcurl would leave it out */
        return stpcpy(end, ";") + 1;
    return stpcpy(stpcpy(end, ": "), header->value) + 1;
}

/* One block: the nodes of the list, then their texts. */
static int write_headers(struct co_http_transfer *transfer, struct curl_slist **ret_list)
{
    const struct co_http_request *request = transfer->request;
    struct co_http_buffer *buffer = &transfer->request_headers;
    size_t n_nodes = request->n_headers + CO_HTTP_COUNT_OF(defaults);
    size_t size = n_nodes * sizeof(struct curl_slist);

    for (size_t i = 0; i < request->n_headers; i++)
        size += header_size(&request->headers[i]);
    int rc = co_http_buffer_reserve(buffer, size);
    if (rc < 0)
        return rc;

    struct curl_slist *nodes = (struct curl_slist *)(void *)buffer->bytes;
    char *end = (char *)(nodes + n_nodes);
    for (size_t i = 0; i < request->n_headers; i++) {
        nodes[i].data = end;
        end = write_header(end, &request->headers[i]);
    }
    n_nodes = request->n_headers + add_defaults(transfer, nodes + request->n_headers);
    for (size_t i = 0; i < n_nodes; i++)
        nodes[i].next = i + 1 < n_nodes ? &nodes[i + 1] : NULL;
    *ret_list = n_nodes > 0 ? nodes : NULL;
    return 0;
}

/* --- The body ------------------------------------------------------------------------------ */

static void sent(struct co_http_transfer *transfer, co_time now)
{
    co_http_timing_end(&transfer->timing, CO_HTTP_SEND, now);
    transfer->moved_at = co_now();
}

static size_t read_body(char *bytes, size_t size, size_t n, void *arg)
{
    struct co_http_transfer *transfer = arg;
    const struct co_http_request *request = transfer->request;
    size_t left = request->body_length - transfer->n_sent;
    size_t n_bytes = size * n < left ? size * n : left;

    memcpy(bytes, (const char *)request->body + transfer->n_sent, n_bytes);
    transfer->n_sent += n_bytes;
    if (transfer->n_sent == request->body_length)
        sent(transfer, co_clock_now());
    return n_bytes;
}

/* A reused connection was found dead, and the request is sent again. */
static int seek_body(void *arg, curl_off_t offset, int origin)
{
    struct co_http_transfer *transfer = arg;

    if (origin != SEEK_SET || (uint64_t)offset > transfer->request->body_length)
        return CURL_SEEKFUNC_CANTSEEK;
    transfer->n_sent = (size_t)offset;
    return CURL_SEEKFUNC_OK;
}

/* --- On its way ---------------------------------------------------------------------------- */

/* If there was a response, its challenge is to be answered: the exchange so far was a part of
 * waiting or, as the body was held back, of sending. Otherwise a reused connection was found dead.
 */
static void start_over(struct co_http_transfer *transfer)
{
    bool has_body = transfer->form == CO_HTTP_FORM_BODY;

    if (transfer->response->status == 0)
        return;
    transfer->n_challenges++;
    co_http_response_restart(transfer);
    co_http_timing_return(&transfer->timing, has_body ? CO_HTTP_SEND : CO_HTTP_WAIT);
}

static void asked(struct co_http_transfer *transfer)
{
    struct co_http_timing *timing = &transfer->timing;
    co_time now = co_clock_now();

    if (transfer->asked)
        start_over(transfer);
    transfer->asked = true;
    transfer->expects = AWAIT_STATUS;
    if (transfer->opened) {
        co_http_timing_end(timing, CO_HTTP_CONNECT, now);
        co_http_timing_end(timing, CO_HTTP_TLS, now);
    } else if (!transfer->waited_for_name) {
        timing->ended[CO_HTTP_DNS] = 0; /* a look into our cache, for nothing */
    }
    if (transfer->form != CO_HTTP_FORM_BODY)
        sent(transfer, now);
}

/* An answer may come too late for its challenge, and be challenged again (RFC 7616 section 3.3,
 * "stale"); libcurl would go on for as long as the origin says so. */
static bool is_challenged_enough(const struct co_http_transfer *transfer)
{
    enum { MAX_CHALLENGES = 2 };

    return transfer->asked && transfer->response->status != 0 &&
           transfer->n_challenges >= MAX_CHALLENGES;
}

/* The origin has had the request, closed the connection without a word, and is now to be sent it
 * again: which it may have acted upon. */
static bool would_repeat(const struct co_http_transfer *transfer)
{
    return transfer->asked && transfer->response->status == 0 && !transfer->may_repeat;
}

static enum co_http_error look_at_address(struct co_http_transfer *transfer, const char *remote,
                                          int port)
{
    struct co_address *address = &transfer->response->remote;

    if (transfer->request->unix_path != NULL)
        return CO_HTTP_OK; /* it has none */
    if (co_address_parse(remote, address) < 0)
        return CO_HTTP_INTERNAL;
    address->port = (uint16_t)port;
    return co_http_transfer_may_connect(transfer, address) ? CO_HTTP_OK : transfer->refusal;
}

static enum co_http_error look_at_connection(struct co_http_transfer *transfer, const char *remote,
                                             int port)
{
    enum co_http_error error = look_at_address(transfer, remote, port);

    if (error != CO_HTTP_OK)
        return error;
    return would_repeat(transfer) ? CO_HTTP_EMPTY_REPLY : co_http_tls_inspect(transfer);
}

/* Called before each request on a connection, which may be one that was opened for somebody with
 * another gate. */
static int before_request(void *arg, char *remote, char *local, int remote_port, int local_port)
{
    struct co_http_transfer *transfer = arg;

    (void)local, (void)local_port;
    enum co_http_error error = look_at_connection(transfer, remote, remote_port);
    if (error != CO_HTTP_OK) {
        co_http_transfer_refuse(transfer, error);
        return CURL_PREREQFUNC_ABORT;
    }
    transfer->is_refused = is_challenged_enough(transfer);
    if (transfer->is_refused)
        return CURL_PREREQFUNC_ABORT;
    asked(transfer);
    return CURL_PREREQFUNC_OK;
}

void co_http_request_attach(struct co_http_transfer *transfer)
{
    CURL *easy = transfer->easy;

    curl_easy_setopt(easy, CURLOPT_READFUNCTION, read_body);
    curl_easy_setopt(easy, CURLOPT_READDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, seek_body);
    curl_easy_setopt(easy, CURLOPT_SEEKDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, before_request);
    curl_easy_setopt(easy, CURLOPT_PREREQDATA, transfer);
}

/* --- Options ------------------------------------------------------------------------------- */

static void set_form(struct co_http_transfer *transfer)
{
    CURL *easy = transfer->easy;
    size_t length = transfer->form == CO_HTTP_FORM_BODY ? transfer->request->body_length : 0;

    if (transfer->form == CO_HTTP_FORM_GET) {
        curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
    } else if (transfer->form == CO_HTTP_FORM_HEAD) {
        curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    } else {
        curl_easy_setopt(easy, CURLOPT_POST, 1L);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, length > 0 ? NULL : "");
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)length);
    }
}

static CURLcode set_method(struct co_http_transfer *transfer)
{
    const struct co_http_request *request = transfer->request;
    const struct method *method = find_method(request->method);
    bool has_body = request->body != NULL && method->form != CO_HTTP_FORM_HEAD;
    enum co_http_form form = !has_body                  ? method->form
                             : request->body_length > 0 ? CO_HTTP_FORM_BODY
                                                        : CO_HTTP_FORM_EMPTY;
    bool is_custom = method->is_custom || (has_body && method->form == CO_HTTP_FORM_GET);

    transfer->form = form;
    transfer->may_repeat = method->is_safe;
    set_form(transfer);
    /* On a connection that turns out to be dead libcurl would send the request a second time. */
    curl_easy_setopt(transfer->easy, CURLOPT_FRESH_CONNECT,
                     method->is_safe && !request->is_alone ? 0L : 1L);
    if (!is_custom && !transfer->has_custom_method)
        return CURLE_OK;
    transfer->has_custom_method = is_custom;
    return curl_easy_setopt(transfer->easy, CURLOPT_CUSTOMREQUEST,
                            is_custom ? request->method : NULL);
}

/* How long libcurl may spend on all addresses of a family together: half of what is left is for the
 * first of them, if there are more, and so on. Our own limits decide, so they come first. */
static void set_connect_timeout(struct co_http_transfer *transfer)
{
    const struct co_http_request *request = transfer->request;
    co_time timeout = request->connect_timeout;

    if (timeout == 0 && request->deadline != 0)
        timeout = request->deadline - transfer->began_at;
    if (timeout > 0)
        timeout += timeout / 8 + 10 * CO_MILLISECOND;
    curl_easy_setopt(transfer->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)(timeout / CO_MILLISECOND));
}

enum co_http_error co_http_request_apply(struct co_http_transfer *transfer)
{
    const struct co_url *url = transfer->request->url;
    struct curl_slist *headers;

    if (curl_easy_setopt(transfer->easy, CURLOPT_URL, url->text) != CURLE_OK ||
        set_method(transfer) != CURLE_OK || write_headers(transfer, &headers) < 0 ||
        co_http_options_apply(transfer) != CO_HTTP_OK || co_http_pin_set(transfer) < 0)
        return CO_HTTP_RESOURCE_EXHAUSTED;
    curl_easy_setopt(transfer->easy, CURLOPT_HTTPHEADER, headers);
    set_connect_timeout(transfer);
    return CO_HTTP_OK;
}
