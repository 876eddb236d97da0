#include "daemon/client/commands.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/client/json_text.h"
#include "daemon/model/json_document.h"

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

enum {
    ANY_NUMBER = 1 << 20,
    TRIES_MAX = 30, /* of a server that does not answer, a second apart */
};

const struct command commands[] = {
    {
        .name = "get",
        .words = "[URL...]",
        .max_words = ANY_NUMBER,
        .options = OPTIONS_COMMON | OPTIONS_REQUEST | OPTIONS_GATHER | OPTIONS_RESULTS |
                   OPTIONS_FAILED | OPTIONS_LOCAL,
        .asks_server = true,
        .run = command_get,
        .about = "fetch URLs now, and show what came of each",
        .details =
            "URLs are arguments, or in files (-f), or else in standard input: one a line, NDJSON, "
            "a "
            "JSON array, a sitemap.xml or a configuration of curl, plain or compressed with "
            "gzip. Results come in the order they are ready, with --json in that of the URLs. "
            "Ctrl-C cancels what has not ended, and keeps what came. With --local no gatherd is "
            "needed.",
        .examples =
            "gatherctl get https://one.example/ https://two.example/\n"
            "gatherctl get -f urls.txt --concurrency 50 --timeout 5 --failed\n"
            "gatherctl get https://one.example/ --repeat 20 --expect 200 --csv > times.csv\n"
            "curl -s https://one.example/sitemap.xml | gatherctl get --ndjson | jq .status_code\n",
    },
    {
        .name = "submit",
        .words = "[URL...]",
        .max_words = ANY_NUMBER,
        .options = OPTIONS_COMMON | OPTIONS_REQUEST | OPTIONS_GATHER | OPTIONS_JOB | OPTIONS_WAIT |
                   OPTIONS_JSON,
        .asks_server = true,
        .run = command_submit,
        .about = "store a job that is fetched even if gatherd is restarted; prints its id",
        .details = "What is fetched is said as to get.",
        .examples = "id=$(gatherctl submit -f urls.txt --name nightly --label team=web)\n"
                    "gatherctl submit -f urls.txt --key nightly-2026-01-31 --wait\n",
    },
    {
        .name = "jobs",
        .words = "",
        .options = OPTIONS_COMMON | OPTIONS_LIST | OPTIONS_JSON,
        .asks_server = true,
        .run = command_jobs,
        .about = "list jobs, the newest first",
        .examples = "gatherctl jobs --status running\n"
                    "gatherctl jobs --label team=web --limit 5 --json | jq -r '.data[].id'\n",
    },
    {
        .name = "show",
        .words = "JOB",
        .min_words = 1,
        .max_words = 1,
        .options = OPTIONS_COMMON | OPTIONS_JSON,
        .asks_server = true,
        .run = command_show,
        .about = "show how far a job is, and what came of it",
        .examples = "gatherctl show job_01JZ9M4T6Q3W8KX2B7V5N0RCFE\n",
    },
    {
        .name = "watch",
        .words = "JOB",
        .min_words = 1,
        .max_words = 1,
        .options = OPTIONS_COMMON | OPTIONS_JSON,
        .asks_server = true,
        .run = command_watch,
        .about = "wait for the end of a job, and show how far it is meanwhile",
        .details = "It does not mind that gatherd is restarted. The exit status is that of get.",
        .examples = "gatherctl watch job_01JZ9M4T6Q3W8KX2B7V5N0RCFE && echo all is well\n",
    },
    {
        .name = "results",
        .words = "JOB",
        .min_words = 1,
        .max_words = 1,
        .options = OPTIONS_COMMON | OPTIONS_RESULTS | OPTIONS_FAILED | OPTIONS_FOLLOW,
        .asks_server = true,
        .run = command_results,
        .about = "show the results of a job",
        .details =
            "Of a job that runs, those there are; with --follow, the others as they come, also "
            "after the connection was cut.",
        .examples = "gatherctl results job_01JZ9M4T6Q3W8KX2B7V5N0RCFE --failed\n"
                    "gatherctl results job_01JZ9M4T6Q3W8KX2B7V5N0RCFE --follow --ndjson\n",
    },
    {
        .name = "cancel",
        .words = "JOB...",
        .min_words = 1,
        .max_words = ANY_NUMBER,
        .options = OPTIONS_COMMON,
        .asks_server = true,
        .run = command_cancel,
        .about = "give up what jobs have not finished, and keep the results there are",
        .examples = "gatherctl cancel job_01JZ9M4T6Q3W8KX2B7V5N0RCFE\n",
    },
    {
        .name = "retry",
        .words = "JOB",
        .min_words = 1,
        .max_words = 1,
        .options = OPTIONS_COMMON | OPTIONS_WAIT | OPTIONS_JSON,
        .asks_server = true,
        .run = command_retry,
        .about = "make a new job of what has failed in a job; prints its id",
        .examples = "gatherctl retry job_01JZ9M4T6Q3W8KX2B7V5N0RCFE --wait\n",
    },
    {
        .name = "delete",
        .words = "JOB...",
        .min_words = 1,
        .max_words = ANY_NUMBER,
        .options = OPTIONS_COMMON,
        .asks_server = true,
        .run = command_delete,
        .about = "forget jobs and their results",
        .examples =
            "gatherctl jobs --status done --json | jq -r '.data[].id' | xargs gatherctl delete\n",
    },
    {
        .name = "schedules",
        .words = "[list | add FILE | runs|pause|resume|run|delete SCHEDULE]",
        .max_words = 2,
        .options = OPTIONS_COMMON | OPTIONS_JSON | OPTIONS_KEY,
        .asks_server = true,
        .run = command_schedules,
        .about = "look after what is run again and again",
        .details =
            "FILE is a schedule as POST /v1/schedules takes it; - is standard input. add prints "
            "the id of the schedule, run that of the job it makes.",
        .examples = "gatherctl schedules\n"
                    "echo '{\"name\": \"front\", \"every_ms\": 60000, \"job\": "
                    "[\"https://one.example/\"]}' | gatherctl schedules add -\n"
                    "gatherctl schedules runs schedule_01M83SA97G1T9VEP4Z2JMETXN2\n",
    },
    {
        .name = "tasks",
        .words = "",
        .options = OPTIONS_COMMON | OPTIONS_JSON,
        .asks_server = true,
        .run = command_tasks,
        .about = "show the tree of gatherd's coroutines, and what each waits for",
        .examples = "gatherctl tasks\n",
    },
    {
        .name = "top",
        .words = "",
        .options = OPTIONS_COMMON | OPTIONS_ONCE,
        .asks_server = true,
        .run = command_top,
        .about = "show what goes on, each second, until Ctrl-C",
        .examples = "gatherctl top\n"
                    "gatherctl top --once\n",
    },
    {
        .name = "check",
        .words = "",
        .options = OPTIONS_COMMON | OPTIONS_CONFIG,
        .run = command_check,
        .about = "say what is wrong with a configuration of gatherd",
        .details = "The exit status is that of gatherd --check-config: 0, or 78.",
        .examples = "gatherctl check --config /etc/gatherd/gatherd.conf\n",
    },
    {
        .name = "reload",
        .words = "[PID]",
        .max_words = 1,
        .options = OPTIONS_COMMON,
        .run = command_reload,
        .about = "have gatherd read its configuration again",
        .details =
            "Without PID it is the one that systemd runs. What came of it is in its log, and in "
            "the exit status if systemd was asked.",
        .examples = "gatherctl reload\n"
                    "gatherctl reload $(pgrep -x gatherd)\n",
    },
    {
        .name = "completion",
        .words = "bash|zsh",
        .min_words = 1,
        .max_words = 1,
        .options = OPTIONS_COMMON,
        .run = command_completion,
        .about = "print a script that has a shell complete command lines of gatherctl",
        .details = "Packages install it. Without one, have your shell read it when it starts.",
        .examples = "source <(gatherctl completion bash)\n"
                    "gatherctl completion zsh > ~/.zsh/completions/_gatherctl\n",
    },
};

const size_t n_commands = N_ELEMENTS(commands);

const struct command *command_find(const char *name)
{
    for (size_t i = 0; i < n_commands; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

/* --- Common to commands ----------------------------------------------------------------------- */

int client_complain(const struct client *client, int status, const struct err *err)
{
    fprintf(stderr, "gatherctl %s: %s\n", client->command->name, err->message);
    return status;
}

int client_stopped(const struct client *client, int rc)
{
    if (rc == -ECANCELED && client->output.failure == 0)
        return CLIENT_INTERRUPTED;
    if (client->output.failure < 0)
        return output_complain(&client->output);
    fprintf(stderr, "gatherctl %s: %s\n", client->command->name, strerror(-rc));
    return CLIENT_OUTPUT;
}

int client_call_failed(const struct client *client, int rc, const struct co_http_response *response)
{
    return rc == -ENOTCONN ? server_complain(&client->server, response)
                           : client_stopped(client, rc);
}

int client_ask(struct client *client, const struct call *call, struct json_t **ret_document)
{
    CO_CLEANUP(co_http_response_done) struct co_http_response response;
    int rc = server_call(&client->server, call, &response);

    *ret_document = NULL;
    return rc < 0 ? client_call_failed(client, rc, &response)
                  : server_document(&client->server, &response, NULL, ret_document);
}

int client_try_later(const struct client *client, unsigned *n_tries,
                     const struct co_http_response *response)
{
    if (++*n_tries > TRIES_MAX)
        return response->status == 503 ? server_refused(&client->server, response, NULL)
                                       : server_complain(&client->server, response);
    int rc = co_sleep(CO_SECOND);
    return rc < 0 ? client_stopped(client, rc) : CLIENT_OK;
}

bool client_is_id(const char *word)
{
    static const char letters[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";

    return *word != '\0' && strlen(word) < 64 && word[strspn(word, letters)] == '\0';
}

bool client_job_path(const struct client *client, const char *id, const char *rest,
                     char path[CLIENT_PATH_SIZE])
{
    if (client_is_id(id)) {
        snprintf(path, CLIENT_PATH_SIZE, "/v1/jobs/%s%s", id, rest);
        return true;
    }
    fprintf(stderr, "gatherctl %s: '%.80s' is no id of a job: 'gatherctl jobs' lists them\n",
            client->command->name, id);
    return false;
}

static int print(struct client *client, const struct co_http_response *response)
{
    struct buffer *text = &client->output.text;
    int rc = buffer_append(text, response->body, response->body_length);

    if (rc == 0 && text->len > 0 && text->data[text->len - 1] != '\n')
        rc = buffer_append_byte(text, '\n');
    return rc;
}

int client_print(struct client *client, const struct co_http_response *response,
                 const struct json_t *document,
                 int (*show)(struct client *client, const struct json_t *document))
{
    int rc =
        client->options.format == OUTPUT_JSON ? print(client, response) : show(client, document);

    rc = rc ?: output_flush(&client->output);
    return rc < 0 ? client_stopped(client, rc) : CLIENT_OK;
}

static int turn_page(struct page_state *pages, const struct json_t *document)
{
    struct buffer cursor;

    buffer_init(&cursor, sizeof(pages->cursor) - 1);
    int rc = json_text_append(&cursor, document, "/next_cursor");
    snprintf(pages->cursor, sizeof(pages->cursor), "%.*s", (int)cursor.len,
             rc == 1 ? cursor.data : "");
    pages->n_shown++;
    buffer_done(&cursor);
    return rc < 0 ? rc : 0;
}

int client_show(struct client *client, const struct call *call,
                int (*show)(struct client *client, const struct json_t *document))
{
    CO_CLEANUP(co_http_response_done) struct co_http_response response;
    struct json_t *document = NULL;
    int rc = server_call(&client->server, call, &response);

    if (rc < 0)
        return client_call_failed(client, rc, &response);
    int status = server_document(&client->server, &response, NULL, &document);
    if (status == CLIENT_OK && document != NULL) {
        status = client_print(client, &response, document, show);
        rc = turn_page(&client->pages, document);
        if (rc < 0 && status == CLIENT_OK)
            status = client_stopped(client, rc);
    }
    json_document_free(document);
    return status;
}
