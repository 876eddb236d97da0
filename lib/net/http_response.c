/* What comes back, as libcurl hands it over.
 *
 * Header lines are collected as names and values in memory the transfer keeps, and become one block
 * of the response at the end.
 */
#include "lib/net/http_private.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/co/task.h"

/* Fewer bytes than it was given: libcurl ends the transfer. */
enum { END_TRANSFER = 0 };

enum { SWITCHING_PROTOCOLS = 101 };

static size_t refuse(struct co_http_transfer *transfer, enum co_http_error why)
{
    co_http_transfer_refuse(transfer, why);
    return END_TRANSFER;
}

/* --- Headers ------------------------------------------------------------------------------- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_empty_line(const char *line, size_t n)
{
    return line[0] == '\n' || (n > 1 && line[0] == '\r' && line[1] == '\n');
}

/* To somebody else it may be the end of a line (RFC 9112 section 2.2). */
static void replace_returns(char *text, size_t n)
{
    char *at = text;

    while ((at = memchr(at, '\r', n - (size_t)(at - text))) != NULL)
        *at = ' ';
}

/* Appends a NUL-terminated copy of the text, without blanks around it. There must be room. */
static void append(struct co_http_buffer *buffer, const char *text, const char *end)
{
    while (text < end && is_blank(*text))
        text++;
    while (end > text && is_blank(end[-1]))
        end--;
    memcpy(buffer->bytes + buffer->length, text, (size_t)(end - text));
    replace_returns(buffer->bytes + buffer->length, (size_t)(end - text));
    buffer->length += (size_t)(end - text);
    buffer->bytes[buffer->length++] = '\0';
}

/* HTTP/2 has to be agreed on: libcurl would believe the status line of HTTP/1.1. */
static bool is_agreed_on(const struct co_http_transfer *transfer, long version)
{
    const struct co_http_tls *tls = transfer->response->tls;

    if (version != CURL_HTTP_VERSION_2_0)
        return true;
    return transfer->request->url->is_https && (tls == NULL || co_http_tls_speaks_2(tls));
}

/* libcurl 8.14 takes the first three digits of a longer status, and what else begins with HTTP/ but
 * for 1 and a point, whatever its status, for HTTP/1.0 and 200. */
static bool is_status_line(const char *line, size_t n, long version)
{
    static const char begin[] = "HTTP/1.";
    enum { END_OF_STATUS = sizeof("HTTP/1.1 200") - 1 };

    if (version == CURL_HTTP_VERSION_2_0)
        return true; /* libcurl has made it */
    return n > END_OF_STATUS && memcmp(line, begin, strlen(begin)) == 0 &&
           !isdigit((unsigned char)line[END_OF_STATUS]);
}

/* libcurl has checked the line and knows the rest: its understanding is the one that counts. */
static enum co_http_error take_status(struct co_http_transfer *transfer, const char *line, size_t n)
{
    static const int versions[] = {
        [CURL_HTTP_VERSION_1_0] = 10, [CURL_HTTP_VERSION_1_1] = 11, [CURL_HTTP_VERSION_2_0] = 20};
    struct co_http_response *response = transfer->response;
    long status = 0, version = 0;
    co_time now = co_clock_now();

    curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(transfer->easy, CURLINFO_HTTP_VERSION, &version);
    if (!is_agreed_on(transfer, version) || !is_status_line(line, n, version))
        return CO_HTTP_PARSE_ERROR;
    if (status == SWITCHING_PROTOCOLS) /* nobody asked for that, and what follows is not HTTP */
        return CO_HTTP_PARSE_ERROR;
    transfer->expects = AWAIT_HEADERS;
    transfer->may_fold = false;
    if (status < 200)
        return CO_HTTP_OK; /* an interim response is not the answer yet */
    response->status = (int)status;
    if ((size_t)version < CO_HTTP_COUNT_OF(versions))
        response->http_version = versions[version];
    if (transfer->opened && response->tls == NULL) /* it does not show before this */
        co_http_origin_learn(transfer, response->http_version == 20);
    /* It may answer before it has read all of the request. */
    co_http_timing_end(&transfer->timing, CO_HTTP_SEND, now);
    co_http_timing_end(&transfer->timing, CO_HTTP_WAIT, now);
    return CO_HTTP_OK;
}

/* Of what a proxy says before there is a connection to the origin; with "200" there is one. */
static void take_line_of_tunnel(struct co_http_transfer *transfer, const char *line, size_t n)
{
    long status = 0;

    if (!is_empty_line(line, n))
        return;
    curl_easy_getinfo(transfer->easy, CURLINFO_HTTP_CONNECTCODE, &status);
    if (status / 100 == 2)
        co_http_timing_end(&transfer->timing, CO_HTTP_CONNECT, co_clock_now());
}

static void take_end_of_headers(struct co_http_transfer *transfer)
{
    transfer->expects = transfer->response->status != 0 ? AWAIT_BODY : AWAIT_STATUS;
}

/* A line that begins with a blank goes on with the value before it (RFC 9112 section 5.2). Where
 * there is none libcurl 8.14 takes it for a header, which to another reader is part of the status.
 */
static bool is_out_of_place(const struct co_http_transfer *transfer, const char *line)
{
    return (line[0] == ' ' || line[0] == '\t') && !transfer->may_fold;
}

static void take_continuation(struct co_http_transfer *transfer, const char *line, size_t n)
{
    struct co_http_buffer *buffer = &transfer->headers;

    buffer->bytes[buffer->length - 1] = ' ';
    append(buffer, line, line + n);
}

/* As HTTP/2 has them: names are the same whatever the version. */
static void make_lower_case(char *name)
{
    for (; *name != '\0'; name++)
        if (*name >= 'A' && *name <= 'Z')
            *name |= 'a' - 'A';
}

/* libcurl takes the digits it finds, and the last of several lengths. Where a body ends would be a
 * guess then (RFC 9112 section 6.3): equal lengths in a list are fine, anything else is not. */
static bool take_length(struct co_http_transfer *transfer, const char *value)
{
    for (;;) {
        char *end;
        unsigned long long length = strtoull(value, &end, 10);
        bool is_another = transfer->announced >= 0 && length != (uint64_t)transfer->announced;

        if (!isdigit((unsigned char)*value) || length > INT64_MAX || is_another)
            return false;
        transfer->announced = (int64_t)length;
        end += strspn(end, " \t");
        if (*end != ',')
            return *end == '\0';
        value = end + 1 + strspn(end + 1, " \t");
    }
}

/* Those of interim responses are kept like others. */
static bool is_cookie(const char *line, const char *colon)
{
    static const char name[] = "Set-Cookie";
    size_t length = sizeof(name) - 1;

    return colon != NULL && (size_t)(colon - line) == length &&
           strncasecmp(line, name, length) == 0;
}

static enum co_http_error take_header(struct co_http_transfer *transfer, const char *line, size_t n)
{
    struct co_http_buffer *buffer = &transfer->headers;
    const char *colon = memchr(line, ':', n);
    size_t start = buffer->length;

    if (colon != NULL)
        transfer->may_fold = true;
    if (is_cookie(line, colon))
        co_http_jar_count(transfer);
    if (transfer->response->status == 0)
        return CO_HTTP_OK; /* of an interim response */
    if (co_http_buffer_reserve(buffer, buffer->length + n + 2) < 0)
        return CO_HTTP_RESOURCE_EXHAUSTED;
    if (is_blank(line[0])) {
        take_continuation(transfer, line, n);
    } else if (colon != NULL) {
        append(buffer, line, colon);
        make_lower_case(buffer->bytes + start);
        size_t value = buffer->length;
        append(buffer, colon + 1, line + n);
        transfer->n_headers++;
        if (strcmp(buffer->bytes + start, "content-length") == 0 &&
            !take_length(transfer, buffer->bytes + value))
            return CO_HTTP_PARSE_ERROR;
    }
    return CO_HTTP_OK;
}

static size_t receive_line(char *line, size_t size, size_t n, void *arg)
{
    struct co_http_transfer *transfer = arg;
    enum co_http_error error = CO_HTTP_OK;

    n *= size;
    transfer->moved_at = co_now();
    transfer->header_bytes += n;
    if (transfer->header_bytes > transfer->request->max_header_bytes)
        return refuse(transfer, CO_HTTP_HEADER_TOO_LARGE);
    if (is_out_of_place(transfer, line))
        return refuse(transfer, CO_HTTP_PARSE_ERROR);
    if (transfer->expects == AWAIT_TUNNEL)
        take_line_of_tunnel(transfer, line, n);
    else if (transfer->expects == AWAIT_STATUS)
        error = take_status(transfer, line, n);
    else if (transfer->expects == AWAIT_HEADERS && is_empty_line(line, n))
        take_end_of_headers(transfer);
    else if (transfer->expects == AWAIT_HEADERS)
        error = take_header(transfer, line, n);
    return error == CO_HTTP_OK ? n : refuse(transfer, error);
}

/* --- The body ------------------------------------------------------------------------------ */

static uint64_t count(CURL *easy, CURLINFO info)
{
    curl_off_t n = 0;

    curl_easy_getinfo(easy, info, &n);
    return (uint64_t)n;
}

static size_t smaller(uint64_t a, uint64_t b)
{
    return (size_t)(a < b ? a : b);
}

static enum co_http_error reserve_body(struct co_http_transfer *transfer, size_t size)
{
    size_t doubled =
        smaller(2 * (uint64_t)transfer->body_capacity, transfer->request->capture_bytes);

    if (size <= transfer->body_capacity)
        return CO_HTTP_OK;
    size = size > doubled ? size : doubled;
    char *body = realloc(transfer->response->body, size + 1);
    if (body == NULL)
        return CO_HTTP_RESOURCE_EXHAUSTED;
    body[transfer->response->body_length] = '\0';
    transfer->response->body = body;
    transfer->body_capacity = size;
    return CO_HTTP_OK;
}

static enum co_http_error capture(struct co_http_transfer *transfer, const char *bytes, size_t n)
{
    struct co_http_response *response = transfer->response;
    size_t left = transfer->request->capture_bytes - response->body_length;
    size_t n_kept = smaller(n, left);

    if (n_kept == 0)
        return CO_HTTP_OK;
    if (reserve_body(transfer, response->body_length + n_kept) != CO_HTTP_OK)
        return CO_HTTP_RESOURCE_EXHAUSTED;
    memcpy(response->body + response->body_length, bytes, n_kept);
    response->body_length += n_kept;
    response->body[response->body_length] = '\0';
    return CO_HTTP_OK;
}

/* `unseen` is what libcurl may have received, decoded, and not counted yet. */
static bool is_bomb(const struct co_http_transfer *transfer, uint64_t unseen)
{
    enum { MIN_DECODED = 1024 * 1024 };
    uint64_t decoded = transfer->response->decoded_bytes;
    unsigned max_ratio = transfer->request->max_decode_ratio;

    if (max_ratio == 0 || decoded < MIN_DECODED)
        return false;
    return decoded / max_ratio > count(transfer->easy, CURLINFO_SIZE_DOWNLOAD_T) + unseen;
}

static enum co_http_error check_size(const struct co_http_transfer *transfer)
{
    if (transfer->response->decoded_bytes > transfer->request->max_body_bytes)
        return CO_HTTP_BODY_TOO_LARGE;
    return is_bomb(transfer, (uint64_t)transfer->buffer_size) ? CO_HTTP_DECODE_RATIO : CO_HTTP_OK;
}

/* A line that libcurl has not looked at yet, long ones in pieces:
 * co_http_libcurl_remembers_headers(). */
static size_t preview_line(struct co_http_transfer *transfer, const char *piece, size_t n)
{
    bool begins_line = !transfer->is_within_line;

    transfer->is_within_line = piece[n - 1] != '\n';
    return begins_line && is_out_of_place(transfer, piece) ? refuse(transfer, CO_HTTP_PARSE_ERROR)
                                                           : n;
}

static size_t receive_body(char *bytes, size_t size, size_t n, void *arg)
{
    struct co_http_transfer *transfer = arg;
    const struct co_http_tap *tap = &transfer->request->tap;

    n *= size;
    if (transfer->expects != AWAIT_BODY)
        return preview_line(transfer, bytes, n);
    transfer->moved_at = co_now();
    transfer->response->decoded_bytes += n;
    if (tap->write != NULL)
        tap->write(tap->arg, bytes, n);
    enum co_http_error error = capture(transfer, bytes, n) ?: check_size(transfer);
    return error == CO_HTTP_OK ? n : refuse(transfer, error);
}

void co_http_response_attach(struct co_http_transfer *transfer)
{
    CURL *easy = transfer->easy;

    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, receive_line);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, receive_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_HEADER, (long)co_http_libcurl_remembers_headers());
}

/* --- The end ------------------------------------------------------------------------------- */

/* One block: the array, then its texts. */
static enum co_http_error store_headers(const struct co_http_transfer *transfer)
{
    struct co_http_response *response = transfer->response;
    size_t array_size = transfer->n_headers * sizeof(struct co_http_header);

    if (transfer->n_headers == 0)
        return CO_HTTP_OK;
    response->storage = malloc(array_size + transfer->headers.length);
    if (response->storage == NULL)
        return CO_HTTP_RESOURCE_EXHAUSTED;

    char *text = (char *)response->storage + array_size;
    memcpy(text, transfer->headers.bytes, transfer->headers.length);
    response->headers = response->storage;
    response->n_headers = transfer->n_headers;
    for (size_t i = 0; i < transfer->n_headers; i++) {
        response->headers[i].name = text;
        response->headers[i].value = text += strlen(text) + 1;
        text += strlen(text) + 1;
    }
    return CO_HTTP_OK;
}

void co_http_response_restart(struct co_http_transfer *transfer)
{
    transfer->response->status = transfer->response->http_version = 0;
    transfer->headers.length = transfer->n_headers = 0;
    transfer->announced = -1;
    transfer->expects = AWAIT_STATUS;
    transfer->may_fold = transfer->is_within_line = false;
}

bool co_http_response_is_bomb(const struct co_http_transfer *transfer)
{
    return is_bomb(transfer, 0);
}

enum co_http_error co_http_response_finish(struct co_http_transfer *transfer)
{
    struct co_http_response *response = transfer->response;
    long request_size = 0;

    if (!transfer->asked)
        return CO_HTTP_OK;
    curl_easy_getinfo(transfer->easy, CURLINFO_REQUEST_SIZE, &request_size);
    response->reused = !transfer->opened;
    response->sent_bytes = (uint64_t)request_size;
    if (response->status != 0 && transfer->request->capture_bytes > 0 &&
        reserve_body(transfer, 1) != CO_HTTP_OK)
        return CO_HTTP_RESOURCE_EXHAUSTED; /* an empty body is a body, too */
    if (transfer->form == CO_HTTP_FORM_BODY && !co_http_libcurl_counts_bodies())
        response->sent_bytes += count(transfer->easy, CURLINFO_SIZE_UPLOAD_T);
    response->encoded_bytes = count(transfer->easy, CURLINFO_SIZE_DOWNLOAD_T);
    response->body_truncated =
        transfer->request->capture_bytes > 0 && response->decoded_bytes > response->body_length;
    return store_headers(transfer);
}

const char *co_http_response_header(const struct co_http_response *response, const char *name)
{
    for (size_t i = 0; i < response->n_headers; i++)
        if (strcasecmp(response->headers[i].name, name) == 0)
            return response->headers[i].value;
    return NULL;
}

void co_http_response_done(struct co_http_response *response)
{
    co_http_tls_unref(response->tls);
    free(response->storage);
    free(response->body);
    *response = (struct co_http_response){0};
}
