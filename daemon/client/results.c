/* gatherctl results: of a job, what there is, or as it comes. */
#include <errno.h>
#include <math.h>
#include <stdio.h>

#include "daemon/client/commands.h"
#include "daemon/client/json_text.h"
#include "daemon/client/query.h"
#include "daemon/client/result_stream.h"
#include "daemon/client/ticker.h"
#include "daemon/model/json_document.h"

struct reading {
    struct client *client;
    const char *path; /* of the job's results */
    struct result_stream stream;
    unsigned n_tries; /* since something has last come */
};

/* returns as server_call(); 0: response has what was answered */
static CO_BLOCKS int read_on(struct reading *reading, struct co_http_response *ret_response)
{
    struct query query;
    struct co_scope scope;
    const char *seq = reading->stream.last_seq;
    uint64_t n_before = reading->stream.n_results;

    *ret_response = (struct co_http_response){0};
    query_begin(&query, reading->path);
    query_add(&query, "after_seq", *seq != '\0' ? seq : NULL);
    query_add(&query, "outcome", reading->client->options.outcome);
    int rc = query_end(&query);
    const struct call call = {
        .method = "GET",
        .path = query.text.data,
        .accept = "application/x-ndjson",
        .tap = {result_stream_take, &reading->stream},
    };
    co_scope_enter(&scope, CO_NEVER);
    reading->stream.reading = &scope;
    if (rc == 0)
        rc = server_call(&reading->client->server, &call, ret_response);
    reading->stream.reading = NULL;
    rc = co_scope_exit(&scope, rc);
    query_done(&query);
    if (reading->stream.n_results > n_before)
        reading->n_tries = 0;
    return rc;
}

static bool was_cut(const struct reading *reading, int rc, const struct co_http_response *response)
{
    return rc == -ENOTCONN ||
           (rc == 0 &&
            (response->status == 503 || (response->status == 200 && !reading->stream.ending_came)));
}

/* One connection. returns CLIENT_OK: look whether there is more; an exit status */
static CO_BLOCKS int follow_once(struct reading *reading)
{
    CO_CLEANUP(co_http_response_done) struct co_http_response response;
    struct client *client = reading->client;
    int rc = read_on(reading, &response);

    if (reading->stream.rc < 0)
        return client_stopped(client, reading->stream.rc);
    if (rc == 0 && result_stream_has_enough(&reading->stream))
        return CLIENT_OK;
    if (was_cut(reading, rc, &response)) {
        result_stream_cut(&reading->stream);
        return client_try_later(client, &reading->n_tries, &response);
    }
    if (rc < 0)
        return client_stopped(client, rc);
    return response.status == 200 ? CLIENT_OK : server_refused(&client->server, &response, NULL);
}

static CO_BLOCKS int follow(struct reading *reading)
{
    struct ticker ticker;
    int status = CLIENT_OK;

    if (ticker_begin(&ticker, OUTPUT_PACE, result_stream_show, &reading->stream) < 0)
        return CLIENT_OUTPUT;
    while (status == CLIENT_OK && !reading->stream.ending_came &&
           !result_stream_has_enough(&reading->stream))
        status = follow_once(reading);
    int rc = ticker_end(&ticker, 0);
    return rc < 0 && status == CLIENT_OK ? client_stopped(reading->client, rc) : status;
}

/* How many results there are of a job that runs; the others are not waited for. */
static double count_those_there_are(const struct reading *reading, const struct json_t *job)
{
    const char *outcome = reading->client->options.outcome;
    char pointer[64];

    snprintf(pointer, sizeof(pointer), "/counts/%s", outcome ?: "finished");
    return json_text_number(job, pointer); /* NAN: gatherd will say that there is no such outcome */
}

static CO_BLOCKS int read_results(struct reading *reading, const struct json_t *job)
{
    bool wants_all = reading->client->options.follows || json_text_is_true(job, "/done");
    double n = wants_all ? NAN : count_those_there_are(reading, job);

    if (n == 0)
        return CLIENT_OK;
    reading->stream.n_enough = n > 0 ? (uint64_t)n : 0;
    return follow(reading);
}

static int conclude(struct reading *reading, int status)
{
    int rc = result_stream_end(&reading->stream);

    if (status != CLIENT_OK)
        return status;
    if (rc < 0)
        return client_stopped(reading->client, rc);
    if (reading->stream.n_unreadable > 0)
        return result_stream_complain(&reading->stream);
    return reading->stream.n_failed > 0 ? CLIENT_FAILED : CLIENT_OK;
}

static CO_BLOCKS int begin(struct reading *reading, const struct json_t *job)
{
    struct client *client = reading->client;
    int rc = result_stream_begin(&reading->stream, &client->options, &client->output);

    return rc < 0 ? client_stopped(client, rc) : conclude(reading, read_results(reading, job));
}

int command_results(struct client *client)
{
    char job_path[CLIENT_PATH_SIZE], path[CLIENT_PATH_SIZE];
    struct reading reading = {.client = client, .path = path};
    const struct call call = {.method = "GET", .path = job_path};
    struct json_t *job;

    if (!client_job_path(client, client->words[0], "", job_path) ||
        !client_job_path(client, client->words[0], "/results", path))
        return CLIENT_USAGE;
    int status = client_ask(client, &call, &job);
    if (status == CLIENT_OK)
        status = begin(&reading, job);
    json_document_free(job);
    return status;
}
