#include "tests/daemon/api/http_front_streams.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/daemon/api/http_front.h"

struct stream_seen stream_seen;

const char *stream_bytes(uint64_t first, size_t n)
{
    static char bytes[MAX_STREAM_BYTES + 1];

    ck_assert_uint_le(n, sizeof(bytes));
    for (size_t i = 0; i < n; i++)
        bytes[i] = front_byte(first + i);
    return bytes;
}

static int answer_text(struct http_exchange *exchange, const char *text)
{
    CO_CLEANUP(buffer_done) struct buffer body;

    buffer_init(&body, MAX_STREAM_BYTES);
    buffer_append(&body, text, strlen(text));
    return http_answer(exchange, 200, "text/plain", &body);
}

static void check(const char *bytes, ssize_t n)
{
    for (ssize_t i = 0; i < n; i++)
        stream_seen.is_spoilt |= bytes[i] != front_byte(stream_seen.n_bytes + (uint64_t)i);
}

static ssize_t read_slice(struct http_exchange *exchange, const char **ret_bytes)
{
    ssize_t n = stream_seen.rc = http_body_read(exchange, ret_bytes);

    stream_seen.n_whole += n == 0;
    if (n <= 0)
        return n;
    check(*ret_bytes, n);
    stream_seen.n_bytes += (uint64_t)n;
    if (n > stream_seen.largest)
        stream_seen.largest = n;
    return n;
}

static void begin(void)
{
    stream_seen = (struct stream_seen){
        .n_started = stream_seen.n_started + 1,
        .n_ended = stream_seen.n_ended,
        .n_whole = stream_seen.n_whole,
    };
}

static int end(int rc)
{
    stream_seen.n_ended++;
    return rc;
}

/* pause: -1: none */
static int read_all(struct http_exchange *exchange, co_time pause)
{
    const char *bytes;
    char text[32];
    ssize_t n;

    begin();
    while ((n = read_slice(exchange, &bytes)) > 0) {
        int rc = pause >= 0 ? co_sleep(pause) : 0;
        if (rc < 0)
            return end(rc);
    }
    if (n < 0)
        return end((int)n);
    sprintf(text, "%llu bytes", (unsigned long long)stream_seen.n_bytes);
    return end(answer_text(exchange, text));
}

int front_stream(struct http_exchange *exchange, void *arg)
{
    (void)arg;
    return read_all(exchange, -1);
}

int front_tardy(struct http_exchange *exchange, void *arg)
{
    (void)arg;
    return read_all(exchange, atoi(http_path_param(exchange, 0)) * CO_MILLISECOND);
}

int front_taste(struct http_exchange *exchange, void *arg)
{
    const char *bytes;

    (void)arg;
    begin();
    ssize_t n = read_slice(exchange, &bytes);
    return end(n < 0 ? (int)n : answer_text(exchange, "hello"));
}

int front_glance(struct http_exchange *exchange, void *arg)
{
    (void)arg;
    begin();
    return end(answer_text(exchange, "hello"));
}

int front_refuse(struct http_exchange *exchange, void *arg)
{
    char text[LONG_ANSWER_BYTES + 1];

    (void)arg;
    begin();
    memset(text, '.', LONG_ANSWER_BYTES);
    text[LONG_ANSWER_BYTES] = '\0';
    return end(answer_text(exchange, text));
}

int front_mirror(struct http_exchange *exchange, void *arg)
{
    CO_CLEANUP(buffer_done) struct buffer body;
    const char *bytes;
    ssize_t n;

    (void)arg;
    begin();
    buffer_init(&body, MAX_STREAM_BYTES);
    while ((n = read_slice(exchange, &bytes)) > 0)
        buffer_append(&body, bytes, (size_t)n);
    return end(n < 0 ? (int)n : http_answer(exchange, 200, "text/plain", &body));
}
