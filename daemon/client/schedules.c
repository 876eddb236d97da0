/* gatherctl schedules: what is run again and again. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/base/suggest.h"
#include "daemon/client/commands.h"
#include "daemon/client/json_table.h"
#include "daemon/client/json_text.h"
#include "daemon/client/request_document.h"
#include "daemon/model/json_document.h"

static const struct json_column columns[] = {
    {{"id", false, 0, 0}, "/id"},
    {{"name", false, 4, 8}, "/name"},
    {{"every ms", true, 0, 0}, "/every_ms"},
    {{"cron", false, 0, 0}, "/cron"},
    {{"paused", false, 0, 0}, "/paused"},
    {{"next run", false, 1, 0}, "/next_run_at"},
    {{"last run", false, 2, 0}, "/last_run/state"},
    {{"as expected", true, 3, 0}, "/last_run/availability"},
};

static const struct json_column run_columns[] = {
    {{"run", true, 0, 0}, "/number"},
    {{"state", false, 0, 0}, "/state"},
    {{"due", false, 1, 0}, "/due_at"},
    {{"as expected", true, 0, 0}, "/availability"},
    {{"median ms", true, 3, 0}, "/total_ms/p50"},
    {{"p99 ms", true, 2, 0}, "/total_ms/p99"},
    {{"job", false, 0, 0}, "/job_id"},
};

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

static int show_list(struct client *client, const struct json_t *page)
{
    int n = json_table_show(&client->output, page, columns, N_ELEMENTS(columns));

    if (n == 0 && !client->options.is_quiet)
        fputs("There are no schedules: 'gatherctl schedules add FILE' makes one.\n", stderr);
    return n < 0 ? n : 0;
}

static int show_runs(struct client *client, const struct json_t *page)
{
    int n = json_table_show(&client->output, page, run_columns, N_ELEMENTS(run_columns));

    if (n == 0 && !client->options.is_quiet)
        fputs("It has not run yet.\n", stderr);
    return n < 0 ? n : 0;
}

static int show_line(struct client *client, const struct json_t *document, const char *pointer)
{
    int rc = json_text_append(&client->output.text, document, pointer);

    return rc == 1 ? buffer_append_byte(&client->output.text, '\n') : rc;
}

static int show_id(struct client *client, const struct json_t *schedule)
{
    return show_line(client, schedule, "/id");
}

static int show_job(struct client *client, const struct json_t *run)
{
    return show_line(client, run, "/job_id");
}

static int show_nothing(struct client *client, const struct json_t *document)
{
    (void)client, (void)document;
    return 0;
}

/* What can be done; %s is the id of a schedule. */
static const struct verb {
    const char *name, *method, *path;
    int (*show)(struct client *client, const struct json_t *document);
} verbs[] = {
    {"list", "GET", "/v1/schedules?limit=1000", show_list},
    {"runs", "GET", "/v1/schedules/%s/runs", show_runs},
    {"pause", "POST", "/v1/schedules/%s/pause", show_nothing},
    {"resume", "POST", "/v1/schedules/%s/resume", show_nothing},
    {"run", "POST", "/v1/schedules/%s/run", show_job},
    {"delete", "DELETE", "/v1/schedules/%s", show_nothing},
};

static bool takes_id(const struct verb *verb)
{
    return strstr(verb->path, "%s") != NULL;
}

static int complain_of_verb(const char *word)
{
    struct suggestion suggestion;

    suggest_init(&suggestion, word, strlen(word));
    for (size_t i = 0; i < N_ELEMENTS(verbs); i++)
        suggest_offer(&suggestion, verbs[i].name);
    suggest_offer(&suggestion, "add");
    fprintf(stderr, "gatherctl schedules: '%s' cannot be done with schedules", word);
    fprintf(stderr, suggestion.best != NULL ? "; did you mean %s?\n" : "\n", suggestion.best);
    fputs("Try 'gatherctl schedules --help'.\n", stderr);
    return CLIENT_USAGE;
}

static int complain_of_words(const struct verb *verb)
{
    fprintf(stderr, "gatherctl schedules: %s takes %s\n", verb->name,
            takes_id(verb) ? "the id of a schedule, as list shows it" : "nothing more");
    return CLIENT_USAGE;
}

static CO_BLOCKS int execute(struct client *client, const struct verb *verb)
{
    char path[CLIENT_PATH_SIZE];
    const struct call call = {.method = verb->method, .path = path};
    const char *marker = strstr(verb->path, "%s");

    if (client->n_words > 2 || (client->n_words == 2) != takes_id(verb) ||
        (takes_id(verb) && !client_is_id(client->words[1])))
        return complain_of_words(verb);
    if (marker != NULL)
        snprintf(path, sizeof(path), "%.*s%s%s", (int)(marker - verb->path), verb->path,
                 client->words[1], marker + strlen("%s"));
    else
        snprintf(path, sizeof(path), "%s", verb->path);
    return client_show(client, &call, verb->show);
}

/* The document is what POST /v1/schedules takes, out of a file. */
static CO_BLOCKS int add(struct client *client)
{
    struct buffer json;
    struct err err = {""};

    if (client->n_words != 2) {
        fputs("gatherctl schedules: add takes a FILE with the schedule as JSON; - is standard "
              "input\n",
              stderr);
        return CLIENT_USAGE;
    }
    int rc = request_file_read(client->words[1], &json, &err);
    const struct call call = {.method = "POST",
                              .path = "/v1/schedules",
                              .content_type = "application/json",
                              .body = json.data,
                              .body_length = json.len,
                              .key = client->options.key};
    int status = rc == 0 ? client_show(client, &call, show_id)
                 : rc != -ECANCELED && *err.message != '\0'
                     ? client_complain(client, CLIENT_USAGE, &err)
                     : client_stopped(client, rc);
    buffer_done(&json);
    return status;
}

int command_schedules(struct client *client)
{
    const char *word = client->n_words > 0 ? client->words[0] : "list";

    if (strcmp(word, "add") == 0)
        return add(client);
    for (size_t i = 0; i < N_ELEMENTS(verbs); i++)
        if (strcmp(verbs[i].name, word) == 0)
            return execute(client, &verbs[i]);
    return complain_of_verb(word);
}
