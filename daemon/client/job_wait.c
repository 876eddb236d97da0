#include "daemon/client/job_wait.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "daemon/client/json_text.h"
#include "daemon/client/ticker.h"
#include "daemon/model/json_document.h"

struct job_waiting {
    struct client *client;
    char path[CLIENT_PATH_SIZE];
    char etag[128];
    unsigned n_tries; /* since it has last answered */
    uint64_t n_total, n_success, n_finished;
    bool is_done;
};

static void take(struct job_waiting *waiting, const struct json_t *job)
{
    struct progress *progress = &waiting->client->output.progress;

    waiting->n_total = json_text_count(job, "/counts/total");
    waiting->n_success = json_text_count(job, "/counts/success");
    waiting->n_finished = json_text_count(job, "/counts/finished");
    waiting->is_done = json_text_is_true(job, "/done");
    progress->total = waiting->n_total;
    progress->n_done = waiting->n_finished;
    progress->n_failed = waiting->n_finished - waiting->n_success;
}

static void tick(void *arg)
{
    struct job_waiting *waiting = arg;

    output_draw_progress(&waiting->client->output);
}

static int take_answer(struct job_waiting *waiting, const struct co_http_response *response)
{
    struct json_t *job = NULL;
    const char *etag = co_http_response_header(response, "ETag");

    waiting->n_tries = 0;
    snprintf(waiting->etag, sizeof(waiting->etag), "%s", etag ?: "");
    if (response->status == 304)
        return CLIENT_OK;
    int status = server_document(&waiting->client->server, response, NULL, &job);
    if (status == CLIENT_OK)
        take(waiting, job);
    json_document_free(job);
    return status;
}

/* Waits for the next change. returns CLIENT_OK, or an exit status */
static CO_BLOCKS int look(struct job_waiting *waiting)
{
    CO_CLEANUP(co_http_response_done) struct co_http_response response;
    const struct call call = {
        .method = "GET",
        .path = waiting->path,
        .etag = *waiting->etag != '\0' ? waiting->etag : NULL,
    };
    int rc = server_call(&waiting->client->server, &call, &response);

    if (rc == -ENOTCONN || (rc == 0 && response.status == 503))
        return client_try_later(waiting->client, &waiting->n_tries, &response);
    return rc < 0 ? client_stopped(waiting->client, rc) : take_answer(waiting, &response);
}

static CO_BLOCKS int wait_for_end(struct job_waiting *waiting)
{
    struct ticker ticker;
    int status = CLIENT_OK;

    if (ticker_begin(&ticker, OUTPUT_PACE, tick, waiting) < 0)
        return CLIENT_OUTPUT;
    while (status == CLIENT_OK && !waiting->is_done)
        status = look(waiting);
    int rc = ticker_end(&ticker, 0);
    return rc < 0 && status == CLIENT_OK ? client_stopped(waiting->client, rc) : status;
}

static int conclude(const struct job_waiting *waiting)
{
    if (!waiting->client->options.is_quiet)
        fprintf(stderr, "%" PRIu64 " of %" PRIu64 " as expected, %" PRIu64 " not\n",
                waiting->n_success, waiting->n_total, waiting->n_total - waiting->n_success);
    return waiting->n_success == waiting->n_total ? CLIENT_OK : CLIENT_FAILED;
}

int job_wait(struct client *client, const struct json_t *job)
{
    struct job_waiting waiting = {.client = client};
    struct buffer id;
    int status = CLIENT_USAGE;

    buffer_init(&id, sizeof(waiting.path));
    if (!client->options.is_quiet)
        output_begin_progress(&client->output, 0);
    if (json_text_append(&id, job, "/id") == 1 && buffer_append_byte(&id, '\0') == 0 &&
        client_job_path(client, id.data, "?wait=30", waiting.path)) {
        take(&waiting, job);
        status = wait_for_end(&waiting);
    }
    output_end_progress(&client->output);
    buffer_done(&id);
    return status == CLIENT_OK ? conclude(&waiting) : status;
}
