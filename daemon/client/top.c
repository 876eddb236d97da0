/* gatherctl top: what goes on, again and again. */
#include <errno.h>
#include <math.h>
#include <stdio.h>

#include "daemon/client/commands.h"
#include "daemon/client/json_table.h"
#include "daemon/client/json_text.h"
#include "daemon/model/json_document.h"

#define INTERVAL CO_SECOND

static const char *const outcomes[] = {
    "success", "http_error",  "assertion_failed", "transport_error",
    "blocked", "interrupted", "canceled",         "skipped",
};

static const struct json_column columns[] = {
    {{"job", false, 0, 0}, "/id"},
    {{"status", false, 0, 0}, "/status"},
    {{"done", true, 0, 0}, "/counts/finished"},
    {{"of", true, 0, 0}, "/counts/total"},
    {{"as expected", true, 0, 0}, "/counts/success"},
    {{"name", false, 1, 8}, "/name"},
};

struct top {
    struct client *client;
    co_time seen_at;
    uint64_t n_finished; /* then */
    double rate;         /* a second; NAN: not known yet */
};

static uint64_t count_finished(const struct json_t *stats)
{
    uint64_t n = 0;
    char pointer[64];

    for (size_t i = 0; i < sizeof(outcomes) / sizeof(outcomes[0]); i++) {
        snprintf(pointer, sizeof(pointer), "/items/finished/%s", outcomes[i]);
        n += json_text_count(stats, pointer);
    }
    return n;
}

static void note(struct top *top, const struct json_t *stats)
{
    uint64_t n_finished = count_finished(stats);
    double seconds = (double)(co_now() - top->seen_at) / CO_SECOND;

    top->rate = top->seen_at != 0 && n_finished >= top->n_finished && seconds > 0
                    ? (double)(n_finished - top->n_finished) / seconds
                    : NAN;
    top->seen_at = co_now();
    top->n_finished = n_finished;
}

static int say_totals(const struct top *top, const struct json_t *stats, struct buffer *out)
{
    char text[512], rate[32] = "";
    int n;

    if (!isnan(top->rate))
        snprintf(rate, sizeof(rate), ", %.0f/s", top->rate);
    n = snprintf(
        text, sizeof(text),
        "gatherd %s%s, up %.0f s, loop late by %.1f ms (p99), store %.1f MiB\n"
        "%.0f running, %.0f queued, %.0f finished%s, %.0f of them as expected\n\n",
        top->client->server.name, json_text_is_true(stats, "/draining") ? " (being stopped)" : "",
        json_text_number(stats, "/uptime_ms") / 1000, json_text_number(stats, "/loop_lag_ms/p99"),
        json_text_number(stats, "/store/file_bytes") / (1 << 20),
        json_text_number(stats, "/items/running"), json_text_number(stats, "/items/queued"),
        (double)top->n_finished, rate, json_text_number(stats, "/items/finished/success"));
    return buffer_append(out, text, (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1);
}

/* The screen anew, where there is one. */
static int begin_screen(struct output *output)
{
    static const char clear[] = "\033[H\033[J";

    return output->terminal.can_redraw ? buffer_append(&output->text, clear, strlen(clear)) : 0;
}

static int draw(struct top *top, const struct json_t *stats, const struct json_t *jobs)
{
    struct output *output = &top->client->output;

    note(top, stats);
    int rc = begin_screen(output) ?: say_totals(top, stats, &output->text);
    if (rc == 0)
        rc = json_table_show(output, jobs, columns, sizeof(columns) / sizeof(columns[0]));
    return rc < 0 ? rc : output_flush(output);
}

static CO_BLOCKS int look(struct top *top)
{
    const struct call asks[] = {
        {.method = "GET", .path = "/v1/stats"},
        {.method = "GET", .path = "/v1/jobs?limit=15"},
    };
    struct json_t *stats = NULL, *jobs = NULL;
    int status = client_ask(top->client, &asks[0], &stats);

    if (status == CLIENT_OK)
        status = client_ask(top->client, &asks[1], &jobs);
    if (status == CLIENT_OK) {
        int rc = draw(top, stats, jobs);
        status = rc < 0 ? client_stopped(top->client, rc) : CLIENT_OK;
    }
    json_document_free(stats);
    json_document_free(jobs);
    return status;
}

int command_top(struct client *client)
{
    struct top top = {.client = client};
    bool again = client->output.terminal.is_terminal && !client->options.once;
    int status = look(&top);

    while (status == CLIENT_OK && again) {
        if (co_sleep(INTERVAL) < 0)
            return CLIENT_OK; /* that is how one leaves it */
        status = look(&top);
    }
    return status == CLIENT_INTERRUPTED && again ? CLIENT_OK : status;
}
