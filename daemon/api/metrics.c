#include <stdint.h>

#include "lib/co/co.h"

#include "daemon/api/api.h"
#include "daemon/api/http_exchange.h"
#include "daemon/api/metrics_table.h"

static int read_process(void *arg, void **ret_result)
{
    (void)ret_result;
    process_read(arg);
    return 0;
}

static int answer_metrics(struct http_exchange *exchange, const struct metrics_source *source)
{
    CO_CLEANUP(buffer_done) struct buffer body;
    struct prometheus_writer w;

    buffer_init(&body, SIZE_MAX);
    prometheus_init(&w, &body);
    metrics_write(source, &w);
    int rc = prometheus_finish(&w);
    return rc < 0 ? rc : http_answer(exchange, 200, PROMETHEUS_CONTENT_TYPE, &body);
}

int metrics_get(struct http_exchange *exchange, void *arg)
{
    const struct api *api = arg;
    struct metrics_source source = {.traffic = api->traffic};
    struct process_numbers process;
    int rc = co_to_thread(read_process, &process, NULL, NULL);

    if (rc < 0)
        return rc;
    reading_take(api, &source.reading);
    source.reading.process = process;
    return answer_metrics(exchange, &source);
}
