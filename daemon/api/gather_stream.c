#include "daemon/api/gather_stream.h"

#include "lib/co/co.h"

#include "daemon/engine/gather_lines.h"

static int begin(struct http_exchange *exchange)
{
    int rc = http_answer_header(exchange, "X-Accel-Buffering", "no");

    return rc < 0 ? rc : http_answer_stream(exchange, 200, "application/x-ndjson");
}

static CO_BLOCKS int write_lines(void *arg, const char *bytes, size_t n)
{
    return http_answer_write(arg, bytes, n);
}

static CO_BLOCKS int answer(struct http_exchange *exchange, struct api *api, struct job_spec *spec)
{
    CO_CLEANUP(gather_lines_done) struct gather_lines gather;
    int rc = gather_lines_init(&gather, spec, api->budget, write_lines, exchange);

    if (rc == 0)
        rc = begin(exchange);
    return rc == 0 ? gather_lines_run(&gather, api->engine) : rc < 0 ? rc : 0;
}

int gather_stream(struct http_exchange *exchange, struct api *api, struct job_spec *spec)
{
    int rc = answer(exchange, api, spec);

    job_spec_free(spec);
    return rc;
}
