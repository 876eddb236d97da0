#include "daemon/api/gather_stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/co/co.h"

#include "daemon/model/result_set.h"

enum { PIECE_BYTES = 16 * 1024 }; /* of rows that go out together */

struct gather_stream {
    struct http_exchange *exchange;
    struct job_spec *spec;
    struct result_set results;
    struct run run;
    uint32_t *order;  /* of the results that are there, as they came */
    size_t n_written; /* of these */
    bool is_over;     /* no more will come */
    struct co_event news;
};

static void gather_stream_done(struct gather_stream *stream)
{
    result_set_done(&stream->results);
    free(stream->order);
    job_spec_free(stream->spec);
}

static int gather_stream_init(struct gather_stream *stream, struct http_exchange *exchange,
                              struct api *api, struct job_spec *spec)
{
    *stream = (struct gather_stream){.exchange = exchange, .spec = spec};
    co_event_init(&stream->news);
    int rc = result_set_init(&stream->results, spec, NULL, api->budget);
    if (rc < 0)
        return rc;
    stream->order = calloc(spec->n_items, sizeof(*stream->order));
    return stream->order != NULL ? 0 : -ENOMEM;
}

/* --- Running ---------------------------------------------------------------------------------- */

static void item_finished(void *arg, struct run_piece *piece, uint32_t item,
                          const struct result *result)
{
    struct gather_stream *stream = arg;
    size_t index = run_piece_index(piece, item);

    stream->order[stream->results.tally.n_finished] = (uint32_t)index;
    result_set_finish(&stream->results, index, result);
    co_event_set(&stream->news);
}

static int run_all(void *arg, void **ret_result)
{
    struct gather_stream *stream = arg;
    int rc = run_execute(&stream->run);

    (void)ret_result;
    stream->is_over = true;
    co_event_set(&stream->news);
    return rc;
}

/* --- Writing ---------------------------------------------------------------------------------- */

static bool has_more(const struct gather_stream *stream)
{
    return stream->n_written < stream->results.tally.n_finished;
}

static int add_row(struct gather_stream *stream, struct buffer *out)
{
    const struct result_row *row = &stream->results.rows[stream->order[stream->n_written++]];
    int rc = buffer_append(out, row->json, row->length);

    return rc < 0 ? rc : buffer_append_byte(out, '\n');
}

static CO_BLOCKS int write_rows(struct gather_stream *stream)
{
    CO_CLEANUP(buffer_done) struct buffer out;
    int rc = 0;

    buffer_init(&out, SIZE_MAX);
    while (rc == 0 && has_more(stream)) {
        out.len = 0;
        while (rc == 0 && has_more(stream) && out.len < PIECE_BYTES)
            rc = add_row(stream, &out);
        if (rc == 0)
            rc = http_answer_write(stream->exchange, out.data, out.len);
    }
    return rc;
}

static CO_BLOCKS int write_as_they_come(struct gather_stream *stream)
{
    int rc = 0;

    while (rc == 0 && !stream->is_over) {
        rc = co_event_wait(&stream->news);
        co_event_clear(&stream->news);
        if (rc == 0)
            rc = write_rows(stream);
    }
    return rc < 0 ? rc : write_rows(stream);
}

static int render_last_line(const struct gather_stream *stream, struct buffer *line)
{
    const struct tally *tally = &stream->results.tally;
    struct json_writer w;

    jw_init(&w, line);
    jw_object_begin(&w);
    jw_literal(&w, "\"type\":\"gather\",\"object\":\"gather\",");
    jw_key(&w, "elapsed_ms");
    jw_ms(&w, (co_now() - stream->run.accepted) / CO_MICROSECOND);
    jw_key(&w, "counts");
    tally_render_counts(tally, 0, &w);
    jw_key(&w, "stats");
    tally_render_stats(tally, &w);
    jw_object_end(&w);
    int rc = jw_finish(&w);
    return rc < 0 ? rc : buffer_append_byte(line, '\n');
}

static CO_BLOCKS int write_last_line(struct gather_stream *stream)
{
    CO_CLEANUP(buffer_done) struct buffer line;

    buffer_init(&line, SIZE_MAX);
    int rc = render_last_line(stream, &line);
    return rc < 0 ? rc : http_answer_write(stream->exchange, line.data, line.len);
}

/* --- Both ------------------------------------------------------------------------------------- */

static CO_BLOCKS int run_and_write(struct gather_stream *stream, struct engine *engine)
{
    const struct run_owner owner = {.finished = item_finished, .arg = stream};
    struct co_group group;

    run_init(&stream->run, engine, stream->spec, &owner);
    co_group_enter(&group, CO_NEVER);
    int rc = co_group_spawn(&group, "gather", run_all, stream, NULL);
    if (rc == 0)
        rc = write_as_they_come(stream);
    if (rc < 0)
        co_group_cancel(&group, rc, "the stream of results is cut");
    rc = co_group_exit(&group, rc);
    return rc < 0 ? rc : write_last_line(stream);
}

static int begin(struct http_exchange *exchange)
{
    int rc = http_answer_header(exchange, "X-Accel-Buffering", "no");

    return rc < 0 ? rc : http_answer_stream(exchange, 200, "application/x-ndjson");
}

int gather_stream(struct http_exchange *exchange, struct api *api, struct job_spec *spec)
{
    CO_CLEANUP(gather_stream_done) struct gather_stream stream;
    int rc = gather_stream_init(&stream, exchange, api, spec);

    if (rc == 0)
        rc = begin(exchange);
    return rc == 0 ? run_and_write(&stream, api->engine) : rc < 0 ? rc : 0;
}
