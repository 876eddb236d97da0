#include "daemon/client/result_sink.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "daemon/base/csv_writer.h"
#include "daemon/client/json_table.h"
#include "daemon/client/json_text.h"
#include "daemon/client/result_columns.h"
#include "daemon/client/result_spool.h"
#include "daemon/client/text_table.h"
#include "daemon/model/json_document.h"

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

struct result_form {
    int (*begin)(struct result_sink *sink);
    int (*add)(struct result_sink *sink, const struct result *result);
    int (*flush)(struct result_sink *sink);
    int (*end)(struct result_sink *sink, const struct result *last);
};

enum { ENOUGH_BYTES = 64 * 1024 };

static int write_if_enough(struct result_sink *sink)
{
    return sink->output->text.len >= ENOUGH_BYTES ? output_flush(sink->output) : 0;
}

static int begin_nothing(struct result_sink *sink)
{
    (void)sink;
    return 0;
}

static int write_now(struct result_sink *sink)
{
    return output_flush(sink->output);
}

static int end_nothing(struct result_sink *sink, const struct result *last)
{
    (void)last;
    return output_flush(sink->output);
}

/* --- Lines ------------------------------------------------------------------------------------ */

static int add_line(struct result_sink *sink, const struct result *result)
{
    struct buffer *text = &sink->output->text;

    return buffer_append(text, result->line, result->length) ?:
           buffer_append_byte(text, '\n') ?:
           write_if_enough(sink);
}

static int end_lines(struct result_sink *sink, const struct result *last)
{
    int rc = last != NULL ? add_line(sink, last) : 0;

    return rc ?: output_flush(sink->output);
}

/* --- One document ----------------------------------------------------------------------------- */

static int begin_document(struct result_sink *sink)
{
    return result_spool_new(&sink->spool);
}

static int keep(struct result_sink *sink, const struct result *result)
{
    double index = json_text_number(result->document, "/index");

    return index >= 0 ? result_spool_add(sink->spool, (uint64_t)index, result->line, result->length)
                      : -EINVAL;
}

static int flush_nothing(struct result_sink *sink)
{
    (void)sink;
    return 0;
}

struct listing {
    struct result_sink *sink;
    bool has_one;
};

static int list(void *arg, const char *line, size_t length)
{
    struct listing *listing = arg;
    struct buffer *text = &listing->sink->output->text;
    const char *separator = listing->has_one ? ",\n" : "\n";

    listing->has_one = true;
    return buffer_append(text, separator, strlen(separator)) ?:
           buffer_append(text, line, length) ?:
           write_if_enough(listing->sink);
}

/* The last line of a stream is the document of a gather, but for its results. */
static int open_document(struct buffer *text, const struct result *last)
{
    static const char results[] = "\"results\":[";

    if (last == NULL)
        return buffer_append(text, "{", 1) ?: buffer_append(text, results, strlen(results));
    return buffer_append(text, last->line, last->length - 1) ?:
           buffer_append(text, ",", 1) ?:
           buffer_append(text, results, strlen(results));
}

static int end_document(struct result_sink *sink, const struct result *last)
{
    struct buffer *text = &sink->output->text;
    struct listing listing = {.sink = sink};

    int rc = open_document(text, last) ?:
             result_spool_each(sink->spool, list, &listing) ?:
             buffer_append(text, "\n]}\n", 4) ?:
             output_flush(sink->output);
    result_spool_free(sink->spool);
    sink->spool = NULL;
    return rc;
}

/* --- A table for spreadsheets ----------------------------------------------------------------- */

static int begin_csv(struct result_sink *sink)
{
    struct csv_writer csv;

    csv_init(&csv, &sink->output->text);
    for (size_t i = 0; i < n_result_columns; i++)
        csv_text(&csv, result_columns[i].name);
    csv_end_row(&csv);
    return csv.rc;
}

static void add_csv_cell(struct csv_writer *csv, const struct result_column *column,
                         const struct json_t *document, struct buffer *text)
{
    double number = column->is_ms ? json_text_number(document, column->pointer) : NAN;

    if (column->is_ms && !isnan(number)) {
        csv_ms(csv, (int64_t)(number * 1000 + 0.5));
        return;
    }
    text->len = 0;
    int rc = json_text_append(text, document, column->pointer);
    if (rc == 1)
        csv_string(csv, text->data, text->len);
    else
        csv_empty(csv);
    if (rc < 0)
        csv->rc = rc;
}

static int add_csv(struct result_sink *sink, const struct result *result)
{
    struct csv_writer csv;
    struct buffer text;

    csv_init(&csv, &sink->output->text);
    buffer_init(&text, SIZE_MAX);
    for (size_t i = 0; i < n_result_columns; i++)
        add_csv_cell(&csv, &result_columns[i], result->document, &text);
    csv_end_row(&csv);
    buffer_done(&text);
    return csv.rc ?: write_if_enough(sink);
}

/* --- A table for people ----------------------------------------------------------------------- */

enum shown_as { AS_TEXT, AS_COUNT, AS_MS, AS_STATUS };

static const struct {
    struct text_column column;
    const char *pointer;
    enum shown_as as;
} shown[] = {
    {{"#", true, 0, 0}, "/index", AS_COUNT},
    {{"status", false, 0, 0}, NULL, AS_STATUS},
    {{"total", true, 0, 0}, "/timings/total_ms", AS_MS},
    {{"queue", true, 1, 0}, "/timings/queue_ms", AS_MS},
    {{"dns", true, 4, 0}, "/timings/dns_ms", AS_MS},
    {{"connect", true, 5, 0}, "/timings/connect_ms", AS_MS},
    {{"tls", true, 6, 0}, "/timings/tls_ms", AS_MS},
    {{"send", true, 2, 0}, "/timings/send_ms", AS_MS},
    {{"wait", true, 7, 0}, "/timings/wait_ms", AS_MS},
    {{"receive", true, 3, 0}, "/timings/receive_ms", AS_MS},
    {{"url", false, 8, 20}, "/request/url", AS_TEXT},
};

static const struct text_column *shown_columns(void)
{
    static struct text_column columns[N_ELEMENTS(shown)];

    for (size_t i = 0; i < N_ELEMENTS(shown); i++)
        columns[i] = shown[i].column;
    return columns;
}

static int begin_table(struct result_sink *sink)
{
    sink->table = malloc(sizeof(*sink->table));
    if (sink->table == NULL)
        return -ENOMEM;
    text_table_init(sink->table, shown_columns(), N_ELEMENTS(shown), &sink->output->terminal);
    return 0;
}

static void add_ms(struct text_table *table, const struct json_t *document, const char *pointer)
{
    double ms = json_text_number(document, pointer);
    char text[32];

    snprintf(text, sizeof(text), "%.*f", ms < 100 ? 1 : 0, ms);
    text_table_text(table, isnan(ms) ? TONE_FAINT : TONE_PLAIN, isnan(ms) ? NULL : text);
}

/* Of a failure that is not about the status its name, else the status. */
static void add_status(struct text_table *table, const struct json_t *document)
{
    bool is_good = json_text_is(document, "/outcome", "success");
    bool has_status = !isnan(json_text_number(document, "/status_code"));
    bool is_named = is_good || json_text_is(document, "/outcome", "http_error");
    const char *pointer =
        json_document_find(document, "/error/code") != NULL ? "/error/code" : "/outcome";

    json_table_cell(table, is_good ? TONE_GOOD : TONE_BAD, document,
                    has_status && is_named ? "/status_code" : pointer);
}

static int add_row(struct result_sink *sink, const struct result *result)
{
    for (size_t i = 0; i < N_ELEMENTS(shown); i++)
        if (shown[i].as == AS_STATUS)
            add_status(sink->table, result->document);
        else if (shown[i].as == AS_MS)
            add_ms(sink->table, result->document, shown[i].pointer);
        else
            json_table_cell(sink->table, TONE_PLAIN, result->document, shown[i].pointer);
    return sink->table->rc;
}

static int flush_table(struct result_sink *sink)
{
    if (text_table_n_rows(sink->table) == 0)
        return 0; /* nor are there titles of nothing */
    return text_table_flush(sink->table, &sink->output->text) ?: output_flush(sink->output);
}

static int end_table(struct result_sink *sink, const struct result *last)
{
    int rc = flush_table(sink);

    (void)last;
    text_table_done(sink->table);
    free(sink->table);
    sink->table = NULL;
    return rc;
}

/* --- All forms -------------------------------------------------------------------------------- */

static const struct result_form forms[] = {
    [OUTPUT_TABLE] = {begin_table, add_row, flush_table, end_table},
    [OUTPUT_JSON] = {begin_document, keep, flush_nothing, end_document},
    [OUTPUT_NDJSON] = {begin_nothing, add_line, write_now, end_lines},
    [OUTPUT_CSV] = {begin_csv, add_csv, write_now, end_nothing},
};

int result_sink_begin(struct result_sink *ret_sink, enum output_format format,
                      struct output *output)
{
    *ret_sink = (struct result_sink){.form = &forms[format], .output = output};
    return ret_sink->form->begin(ret_sink);
}

int result_sink_add(struct result_sink *sink, const struct result *result)
{
    return sink->form->add(sink, result);
}

int result_sink_flush(struct result_sink *sink)
{
    return sink->form->flush(sink);
}

int result_sink_end(struct result_sink *sink, const struct result *last)
{
    return sink->form->end(sink, last);
}
