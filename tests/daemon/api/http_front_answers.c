#include "tests/daemon/api/http_front_answers.h"

#include <errno.h>
#include <stdlib.h>

#include "lib/co/co.h"

#include "tests/daemon/api/http_front.h"
#include "tests/daemon/api/http_front_streams.h"

enum { PIECE_BYTES = 10000, DROP_BYTES = 10 };

struct answers_seen answers_seen;

static int write_bytes(struct http_exchange *exchange, size_t n)
{
    answers_seen.rc = http_answer_write(exchange, stream_bytes(answers_seen.n_written, n), n);
    if (answers_seen.rc == 0)
        answers_seen.n_written += n;
    return answers_seen.rc;
}

static int flow(struct http_exchange *exchange, size_t length)
{
    int rc = 0;

    while (rc == 0 && length > 0) {
        size_t n = length < PIECE_BYTES ? length : PIECE_BYTES;
        rc = write_bytes(exchange, n);
        length -= n;
    }
    return rc;
}

static int begin(struct http_exchange *exchange)
{
    answers_seen.n_started++;
    answers_seen.n_written = 0;
    return http_answer_stream(exchange, 200, "text/plain");
}

static int end(int rc)
{
    answers_seen.n_ended++;
    return rc < 0 ? rc : 0;
}

int front_flow(struct http_exchange *exchange, void *arg)
{
    int rc = begin(exchange);

    (void)arg;
    return end(rc == 0 ? flow(exchange, strtoul(http_path_param(exchange, 0), NULL, 10)) : rc);
}

int front_drip(struct http_exchange *exchange, void *arg)
{
    int rc = begin(exchange);

    (void)arg;
    for (int n = atoi(http_path_param(exchange, 0)); rc == 0 && n > 0; n--) {
        rc = answers_seen.rc = co_sleep(CO_SECOND);
        if (rc == 0)
            rc = write_bytes(exchange, DROP_BYTES);
    }
    return end(rc);
}

int front_break(struct http_exchange *exchange, void *arg)
{
    int rc = front_flow(exchange, arg);

    return rc == 0 ? -EIO : rc;
}

int front_endless(struct http_exchange *exchange, void *arg)
{
    int rc = begin(exchange);

    (void)arg;
    http_cancel_when_stopping(exchange);
    if (rc == 0)
        rc = write_bytes(exchange, DROP_BYTES);
    if (rc == 0)
        rc = answers_seen.rc = co_sleep(CO_NEVER);
    return end(rc);
}
