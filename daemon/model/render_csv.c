#include "daemon/model/render_csv.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

/* What a cell is made of. */
struct row {
    const struct result_place *place;
    const struct request *request;
    const struct result *result; /* NULL: pending */
};

/* --- What is known from the beginning --------------------------------------------------------- */

static void write_index(struct csv_writer *csv, const struct row *row)
{
    csv_uint(csv, row->place->first + row->place->index);
}

static void write_id(struct csv_writer *csv, const struct row *row)
{
    csv_text(csv, row->request->id);
}

static void write_repetition(struct csv_writer *csv, const struct row *row)
{
    if (row->request->n_repeats > 1)
        csv_uint(csv, row->place->spec->items[row->place->index].repetition);
    else
        csv_empty(csv);
}

static void write_state(struct csv_writer *csv, const struct row *row)
{
    csv_text(csv, row->result != NULL ? "finished" : "pending");
}

static void write_method(struct csv_writer *csv, const struct row *row)
{
    csv_text(csv, row->request->options->method);
}

static void write_url(struct csv_writer *csv, const struct row *row)
{
    const struct request *request = row->request;

    csv_text(csv, request->defect != NULL ? request->url_text : request->url.text);
}

/* --- What only a result has ------------------------------------------------------------------- */

static void write_seq(struct csv_writer *csv, const struct row *row)
{
    if (row->place->seq > 0)
        csv_uint(csv, row->place->seq);
    else
        csv_empty(csv);
}

static void write_outcome(struct csv_writer *csv, const struct row *row)
{
    csv_text(csv, outcome_name(row->result->outcome));
}

static void write_status_code(struct csv_writer *csv, const struct row *row)
{
    int status = row->result->response.status;

    if (status > 0)
        csv_uint(csv, (uint64_t)status);
    else
        csv_empty(csv);
}

static void write_error(struct csv_writer *csv, const struct row *row)
{
    csv_text(csv, row->result->error.code);
}

static void write_error_message(struct csv_writer *csv, const struct row *row)
{
    csv_text(csv, row->result->error.code != NULL ? row->result->error.message : NULL);
}

static void write_attempts(struct csv_writer *csv, const struct row *row)
{
    csv_uint(csv, result_n_attempts(row->result));
}

static void write_started_at(struct csv_writer *csv, const struct row *row)
{
    csv_instant(csv, row->result->started_at);
}

static void write_finished_at(struct csv_writer *csv, const struct row *row)
{
    csv_instant(csv, row->result->finished_at);
}

static void write_effective_url(struct csv_writer *csv, const struct row *row)
{
    const char *final = row->result->final_url.text;

    csv_text(csv, final != NULL ? final : row->request->url.text);
}

static void write_remote_ip(struct csv_writer *csv, const struct row *row)
{
    const struct co_address *remote = &row->result->response.remote;
    char text[CO_ADDRESS_TEXT_SIZE];

    csv_text(csv, remote->family != AF_UNSPEC ? co_address_format(remote, text) : NULL);
}

static void write_content_type(struct csv_writer *csv, const struct row *row)
{
    csv_text(csv, co_http_response_header(&row->result->response, "content-type"));
}

static void write_body_bytes(struct csv_writer *csv, const struct row *row)
{
    csv_uint(csv, row->result->response.decoded_bytes);
}

static void write_sha256(struct csv_writer *csv, const struct row *row)
{
    char text[2 * sizeof(row->result->hash) + 1] = "";

    for (size_t i = 0; row->result->has_hash && i < sizeof(row->result->hash); i++)
        sprintf(text + 2 * i, "%02x", row->result->hash[i]);
    csv_text(csv, text);
}

/* --- The table -------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    void (*write)(struct csv_writer *csv, const struct row *row);
    bool needs_result;
} columns[] = {
    {"index", write_index, false},
    {"id", write_id, false},
    {"repetition", write_repetition, false},
    {"seq", write_seq, true},
    {"state", write_state, false},
    {"outcome", write_outcome, true},
    {"method", write_method, false},
    {"url", write_url, false},
    {"effective_url", write_effective_url, true},
    {"status_code", write_status_code, true},
    {"error", write_error, true},
    {"error_message", write_error_message, true},
    {"attempts", write_attempts, true},
    {"started_at", write_started_at, true},
    {"finished_at", write_finished_at, true},
    {"remote_ip", write_remote_ip, true},
    {"content_type", write_content_type, true},
    {"body_bytes", write_body_bytes, true},
    {"sha256", write_sha256, true},
};

enum { N_COLUMNS = sizeof(columns) / sizeof(columns[0]) };

void render_csv_header(struct csv_writer *csv)
{
    for (size_t i = 0; i < N_COLUMNS; i++)
        csv_text(csv, columns[i].name);
    for (const char *const *name = result_timing_names; *name != NULL; name++)
        csv_text(csv, *name);
    csv_end_row(csv);
}

void render_csv_row(struct csv_writer *csv, const struct result_place *place,
                    const struct result *result)
{
    const struct row row = {place, job_spec_request(place->spec, place->index), result};

    for (size_t i = 0; i < N_COLUMNS; i++) {
        if (columns[i].needs_result && result == NULL)
            csv_empty(csv);
        else
            columns[i].write(csv, &row);
    }
    for (const char *const *name = result_timing_names; *name != NULL; name++)
        csv_ms(csv, result != NULL ? result_timing_us(result, *name) : -1);
    csv_end_row(csv);
}
