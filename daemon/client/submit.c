/* gatherctl submit: a job, stored. */
#include <errno.h>
#include <stdio.h>

#include "daemon/client/commands.h"
#include "daemon/client/job_wait.h"
#include "daemon/client/json_text.h"
#include "daemon/client/request_document.h"
#include "daemon/model/json_document.h"

static int print_id(struct client *client, const struct json_t *job)
{
    struct buffer *text = &client->output.text;
    int rc = json_text_append(text, job, "/id");

    return rc < 0 ? rc : buffer_append_byte(text, '\n');
}

static CO_BLOCKS int take_answer(struct client *client, const struct co_http_response *response,
                                 const struct request_document *requests)
{
    struct json_t *job = NULL;
    int status = server_document(&client->server, response, requests, &job);

    if (status == CLIENT_OK)
        status = client_print(client, response, job, print_id);
    if (status == CLIENT_OK && client->options.waits)
        status = job_wait(client, job);
    json_document_free(job);
    return status;
}

static CO_BLOCKS int submit(struct client *client, const struct request_document *requests)
{
    CO_CLEANUP(co_http_response_done) struct co_http_response response;
    const struct call call = {
        .method = "POST",
        .path = "/v1/jobs",
        .content_type = "application/json",
        .body = requests->json.data,
        .body_length = requests->json.len,
        .key = client->options.key,
    };
    int rc = server_call(&client->server, &call, &response);

    return rc < 0 ? client_call_failed(client, rc, &response)
                  : take_answer(client, &response, requests);
}

int command_submit(struct client *client)
{
    struct request_document requests;
    struct err err = {""};
    int rc = request_document_make(&requests, &client->options, (size_t)client->n_words,
                                   client->words, &err);

    if (rc < 0)
        return rc != -ECANCELED && *err.message != '\0'
                   ? client_complain(client, CLIENT_USAGE, &err)
                   : client_stopped(client, rc);
    int status = submit(client, &requests);
    request_document_done(&requests);
    return status;
}

/* What a retry makes is a job, too. */
int command_retry(struct client *client)
{
    CO_CLEANUP(co_http_response_done) struct co_http_response response;
    char path[CLIENT_PATH_SIZE];
    const struct call call = {.method = "POST", .path = path, .key = client->options.key};

    if (!client_job_path(client, client->words[0], "/retry", path))
        return CLIENT_USAGE;
    int rc = server_call(&client->server, &call, &response);
    return rc < 0 ? client_call_failed(client, rc, &response)
                  : take_answer(client, &response, NULL);
}
