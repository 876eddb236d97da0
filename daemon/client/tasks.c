/* gatherctl tasks: the coroutines of gatherd, as a tree. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "daemon/client/commands.h"
#include "daemon/client/json_table.h"
#include "daemon/client/json_text.h"
#include "daemon/model/json_document.h"

static const struct text_column columns[] = {
    {"task", false, 0, 0},    {"state", false, 0, 0},     {"waits for", false, 0, 0},
    {"since ms", true, 2, 0}, {"stack used", true, 1, 0}, {"started at", false, 3, 12},
};

enum { N_COLUMNS = sizeof(columns) / sizeof(columns[0]) };

/* Two columns for each level. */
static void add_name(struct text_table *table, const struct json_t *task)
{
    struct buffer text;
    uint64_t depth = json_text_count(task, "/depth");

    buffer_init(&text, SIZE_MAX);
    for (uint64_t i = 0; i < depth && table->rc == 0; i++)
        table->rc = buffer_append(&text, "  ", 2);
    int rc = table->rc ?: json_text_append(&text, task, "/name");
    if (rc >= 0)
        text_table_cell(table, depth == 0 ? TONE_STRONG : TONE_PLAIN, text.data, text.len);
    else
        table->rc = rc;
    buffer_done(&text);
}

static void add_number(struct text_table *table, const struct json_t *task, const char *pointer)
{
    double number = json_text_number(task, pointer);

    if (isnan(number))
        text_table_text(table, TONE_FAINT, NULL);
    else
        text_table_uint(table, TONE_PLAIN, (uint64_t)number);
}

static void add_task(struct text_table *table, const struct json_t *task)
{
    bool is_running = !json_text_is(task, "/state", "parked");

    add_name(table, task);
    json_table_cell(table, is_running ? TONE_GOOD : TONE_FAINT, task, "/state");
    json_table_cell(table, TONE_PLAIN, task, "/waits_for");
    add_number(table, task, "/since_ms");
    add_number(table, task, "/stack_used_bytes");
    json_table_cell(table, TONE_FAINT, task, "/site");
}

static int show_tree(struct client *client, const struct json_t *answer)
{
    struct text_table table;
    const struct json_t *task;

    text_table_init(&table, columns, N_COLUMNS, &client->output.terminal);
    for (unsigned i = 0; (task = json_text_item(answer, i)) != NULL; i++)
        add_task(&table, task);
    int rc = text_table_flush(&table, &client->output.text);
    text_table_done(&table);
    return rc;
}

int command_tasks(struct client *client)
{
    const struct call call = {.method = "GET", .path = "/v1/tasks"};

    return client_show(client, &call, show_tree);
}
