/* gatherctl get: input -> POST /v1/gather -> the lines of its stream -> a sink. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "daemon/client/commands.h"
#include "daemon/client/local_gather.h"
#include "daemon/client/request_document.h"
#include "daemon/client/result_stream.h"
#include "daemon/client/ticker.h"

struct getting {
    struct client *client;
    struct request_document document;
    struct result_stream stream;
    co_time began_at;
    struct err err; /* why nothing can be fetched */
};

static CO_BLOCKS int ask_server(struct getting *getting, struct co_http_response *ret_response)
{
    const struct buffer *json = &getting->document.json;
    const struct call call = {
        .method = "POST",
        .path = "/v1/gather",
        .accept = "application/x-ndjson",
        .content_type = "application/json",
        .body = json->data,
        .body_length = json->len,
        .tap = {result_stream_take, &getting->stream},
    };

    return server_call(&getting->client->server, &call, ret_response);
}

static CO_BLOCKS int fetch_here(struct getting *getting, struct co_http_response *ret_response)
{
    const struct options *options = &getting->client->options;
    const struct local_gather gather = {
        .document = getting->document.json.data,
        .length = getting->document.json.len,
        .concurrency = options->concurrency,
        .per_host = options->per_host,
        .tap = {result_stream_take, &getting->stream},
    };

    return local_gather(&gather, ret_response, &getting->err);
}

static CO_BLOCKS int fetch(struct getting *getting, struct co_http_response *ret_response)
{
    struct ticker ticker;

    *ret_response = (struct co_http_response){0};
    int rc = ticker_begin(&ticker, OUTPUT_PACE, result_stream_show, &getting->stream);
    if (rc < 0)
        return rc;
    rc = getting->client->options.is_local ? fetch_here(getting, ret_response)
                                           : ask_server(getting, ret_response);
    return ticker_end(&ticker, rc);
}

static void say_summary(const struct getting *getting)
{
    const struct result_stream *stream = &getting->stream;
    uint64_t n_missing = getting->document.n_requests - stream->n_results;
    double seconds = (double)(co_now() - getting->began_at) / CO_SECOND;

    fprintf(stderr, "%" PRIu64 " of %" PRIu64 " as expected, %" PRIu64 " failed",
            stream->n_results - stream->n_failed, getting->document.n_requests, stream->n_failed);
    if (n_missing > 0)
        fprintf(stderr, ", %" PRIu64 " did not come", n_missing);
    fprintf(stderr, ", %.2f s\n", seconds);
}

/* A script that wants the results only is told of nothing but failures. */
static void summarise(const struct getting *getting)
{
    const struct client *client = getting->client;

    if (!client->options.is_quiet &&
        (client->output.messages.is_terminal || client->options.format == OUTPUT_TABLE))
        say_summary(getting);
}

static int failed(const struct getting *getting, int rc)
{
    const struct client *client = getting->client;

    return rc != -ECANCELED && getting->err.message[0] != '\0'
               ? client_complain(client, CLIENT_USAGE, &getting->err)
               : client_stopped(client, rc);
}

static int status_of(const struct getting *getting, int rc, const struct co_http_response *response)
{
    const struct client *client = getting->client;

    if (getting->stream.rc < 0)
        return client_stopped(client, getting->stream.rc);
    if (rc == -ENOTCONN)
        return server_complain(&client->server, response);
    if (rc < 0)
        return failed(getting, rc);
    if (response->status != 200)
        return server_refused(&client->server, response, &getting->document);
    if (getting->stream.n_unreadable > 0)
        return result_stream_complain(&getting->stream);
    if (getting->stream.ending_came)
        return getting->stream.n_failed > 0 ? CLIENT_FAILED : CLIENT_OK;
    fprintf(stderr, "gatherctl get: the answer ends before its end: gatherd was stopped\n");
    return CLIENT_UNREACHABLE;
}

static CO_BLOCKS int get(struct getting *getting)
{
    CO_CLEANUP(co_http_response_done) struct co_http_response response = {0};
    struct client *client = getting->client;
    int rc = result_stream_begin(&getting->stream, &client->options, &client->output);

    if (rc < 0)
        return client_stopped(client, rc);
    if (!client->options.is_quiet)
        output_begin_progress(&client->output, getting->document.n_requests);
    rc = fetch(getting, &response);
    output_end_progress(&client->output);
    (void)result_stream_end(&getting->stream);
    if (response.status == 200)
        summarise(getting);
    return status_of(getting, rc, &response);
}

int command_get(struct client *client)
{
    struct getting getting = {.client = client, .began_at = co_now()};
    int rc = request_document_make(&getting.document, &client->options, (size_t)client->n_words,
                                   client->words, &getting.err);

    if (rc < 0)
        return failed(&getting, rc);
    int status = get(&getting);
    request_document_done(&getting.document);
    return status;
}
