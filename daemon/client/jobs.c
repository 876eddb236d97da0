/* gatherctl jobs, show, watch, cancel, delete: jobs as a whole. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "daemon/client/commands.h"
#include "daemon/client/job_wait.h"
#include "daemon/client/json_table.h"
#include "daemon/client/json_text.h"
#include "daemon/client/query.h"
#include "daemon/model/json_document.h"

/* --- A list ----------------------------------------------------------------------------------- */

static const struct text_column columns[] = {
    {"id", false, 0, 0},    {"status", false, 0, 0},   {"done", true, 0, 0},   {"of", true, 0, 0},
    {"failed", true, 0, 0}, {"accepted", false, 2, 0}, {"name", false, 1, 10},
};

enum {
    N_COLUMNS = sizeof(columns) / sizeof(columns[0]),
    PAGE_MAX = 1000, /* jobs that gatherd shows at once */
};

static void add_job(struct text_table *table, const struct json_t *job)
{
    uint64_t n_finished = json_text_count(job, "/counts/finished");
    uint64_t n_failed = n_finished - json_text_count(job, "/counts/success");
    bool is_running = json_text_is(job, "/status", "running");

    json_table_cell(table, TONE_PLAIN, job, "/id");
    json_table_cell(table, is_running ? TONE_STRONG : TONE_PLAIN, job, "/status");
    text_table_uint(table, TONE_PLAIN, n_finished);
    text_table_uint(table, TONE_PLAIN, json_text_count(job, "/counts/total"));
    text_table_uint(table, n_failed > 0 ? TONE_BAD : TONE_PLAIN, n_failed);
    json_table_cell(table, TONE_PLAIN, job, "/created_at");
    json_table_cell(table, TONE_PLAIN, job, "/name");
}

static int show_list(struct client *client, const struct json_t *page)
{
    struct text_table table;
    const struct json_t *job;

    text_table_init(&table, columns, N_COLUMNS, &client->output.terminal);
    table.has_titles = client->pages.n_shown > 0;
    for (unsigned i = 0; (job = json_text_item(page, i)) != NULL; i++)
        add_job(&table, job);
    if (text_table_n_rows(&table) == 0 && !client->options.is_quiet)
        fputs("There are no such jobs.\n", stderr);
    int rc = text_table_flush(&table, &client->output.text);
    text_table_done(&table);
    return rc;
}

static int make_query(const struct client *client, struct query *query)
{
    const struct options *options = &client->options;

    query_begin(query, "/v1/jobs");
    query_add(query, "status", options->status);
    query_add_count(query, "limit", options->limit ?: PAGE_MAX);
    query_add(query, "cursor", *client->pages.cursor != '\0' ? client->pages.cursor : NULL);
    for (size_t i = 0; i < options->labels.n; i++)
        query_add_label(query, options->labels.items[i]);
    return query_end(query);
}

static CO_BLOCKS int show_page(struct client *client)
{
    struct query query;
    int rc = make_query(client, &query);
    const struct call call = {.method = "GET", .path = query.text.data};
    int status = rc < 0 ? client_stopped(client, rc) : client_show(client, &call, show_list);

    query_done(&query);
    return status;
}

/* All of them, unless there is a limit. */
int command_jobs(struct client *client)
{
    int status = show_page(client);

    while (status == CLIENT_OK && client->options.limit == 0 && *client->pages.cursor != '\0')
        status = show_page(client);
    return status;
}

/* --- One job ---------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    const char *pointer;
} facts[] = {
    {"id", "/id"},
    {"name", "/name"},
    {"status", "/status"},
    {"accepted", "/created_at"},
    {"started", "/started_at"},
    {"ended", "/ended_at"},
    {"kept until", "/expires_at"},
    {"requests", "/counts/total"},
    {"waiting", "/counts/queued"},
    {"running", "/counts/running"},
    {"finished", "/counts/finished"},
    {"as expected", "/counts/success"},
    {"wrong status", "/counts/http_error"},
    {"wrong answer", "/counts/assertion_failed"},
    {"no answer", "/counts/transport_error"},
    {"not allowed", "/counts/blocked"},
    {"interrupted", "/counts/interrupted"},
    {"canceled", "/counts/canceled"},
    {"not needed", "/counts/skipped"},
    {"time, median", "/stats/total_ms/p50"},
    {"time, p99", "/stats/total_ms/p99"},
    {"time, longest", "/stats/total_ms/max"},
    {"bytes received", "/stats/received_bytes"},
    {"statuses", "/stats/status"},
    {"errors", "/stats/errors"},
};

static const struct text_column fact_columns[] = {{"", false, 0, 0}, {"", false, 0, 0}};

/* What did not happen is not worth a line. */
static bool is_worth_telling(const struct json_t *job, const char *pointer)
{
    struct buffer text;

    buffer_init(&text, SIZE_MAX);
    bool is_told = json_text_append(&text, job, pointer) == 1 &&
                   !(text.len == 1 && text.data[0] == '0') &&
                   !(text.len == 2 && memcmp(text.data, "{}", 2) == 0);
    buffer_done(&text);
    return is_told;
}

static int show_job(struct client *client, const struct json_t *job)
{
    struct text_table table;

    text_table_init(&table, fact_columns, 2, &client->output.terminal);
    table.has_titles = true;
    for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++) {
        if (!is_worth_telling(job, facts[i].pointer))
            continue;
        text_table_text(&table, TONE_FAINT, facts[i].name);
        json_table_cell(&table, TONE_PLAIN, job, facts[i].pointer);
    }
    int rc = text_table_flush(&table, &client->output.text);
    text_table_done(&table);
    return rc;
}

int command_show(struct client *client)
{
    char path[CLIENT_PATH_SIZE];
    const struct call call = {.method = "GET", .path = path};

    if (!client_job_path(client, client->words[0], "", path))
        return CLIENT_USAGE;
    return client_show(client, &call, show_job);
}

int command_watch(struct client *client)
{
    char path[CLIENT_PATH_SIZE];
    const struct call call = {.method = "GET", .path = path};
    struct json_t *job;

    if (!client_job_path(client, client->words[0], "", path))
        return CLIENT_USAGE;
    int status = client_ask(client, &call, &job);
    if (status == CLIENT_OK)
        status = job_wait(client, job);
    json_document_free(job);
    return status;
}

/* --- Changes ---------------------------------------------------------------------------------- */

/* Goes on with the others when one fails. returns the first exit status that is not CLIENT_OK */
static CO_BLOCKS int change_each(struct client *client, const char *method, const char *rest)
{
    int status = CLIENT_OK;

    for (int i = 0; i < client->n_words && status != CLIENT_INTERRUPTED; i++) {
        char path[CLIENT_PATH_SIZE];
        const struct call call = {.method = method, .path = path};
        struct json_t *answer = NULL;
        int its_status = client_job_path(client, client->words[i], rest, path)
                             ? client_ask(client, &call, &answer)
                             : CLIENT_USAGE;
        json_document_free(answer);
        if (status == CLIENT_OK || its_status == CLIENT_INTERRUPTED)
            status = its_status;
    }
    return status;
}

int command_cancel(struct client *client)
{
    return change_each(client, "POST", "/cancel");
}

int command_delete(struct client *client)
{
    return change_each(client, "DELETE", "");
}
