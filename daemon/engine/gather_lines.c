#include "daemon/engine/gather_lines.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/co/co.h"

#include "daemon/base/json_writer.h"

enum { PIECE_BYTES = 16 * 1024 }; /* of rows that go out together */

void gather_lines_done(struct gather_lines *gather)
{
    result_set_done(&gather->results);
    free(gather->order);
}

int gather_lines_init(struct gather_lines *gather, struct job_spec *spec,
                      struct result_budget *budget, gather_lines_fn *write, void *arg)
{
    *gather = (struct gather_lines){.write = write, .arg = arg, .spec = spec};
    co_event_init(&gather->news);
    int rc = result_set_init(&gather->results, spec, NULL, budget);
    if (rc < 0)
        return rc;
    gather->order = calloc(spec->n_items, sizeof(*gather->order));
    return gather->order != NULL ? 0 : -ENOMEM;
}

/* --- Running ---------------------------------------------------------------------------------- */

static void item_finished(void *arg, struct run_piece *piece, uint32_t item,
                          const struct result *result)
{
    struct gather_lines *gather = arg;
    size_t index = run_piece_index(piece, item);

    gather->order[gather->results.tally.n_finished] = (uint32_t)index;
    result_set_finish(&gather->results, index, result);
    co_event_set(&gather->news);
}

static int run_all(void *arg, void **ret_result)
{
    struct gather_lines *gather = arg;
    int rc = run_execute(&gather->run);

    (void)ret_result;
    gather->is_over = true;
    co_event_set(&gather->news);
    return rc;
}

/* --- Writing ---------------------------------------------------------------------------------- */

static bool has_more(const struct gather_lines *gather)
{
    return gather->n_written < gather->results.tally.n_finished;
}

static int add_row(struct gather_lines *gather, struct buffer *out)
{
    const struct result_row *row = &gather->results.rows[gather->order[gather->n_written++]];
    int rc = buffer_append(out, row->json, row->length);

    return rc < 0 ? rc : buffer_append_byte(out, '\n');
}

static CO_BLOCKS int write_rows(struct gather_lines *gather)
{
    CO_CLEANUP(buffer_done) struct buffer out;
    int rc = 0;

    buffer_init(&out, SIZE_MAX);
    while (rc == 0 && has_more(gather)) {
        out.len = 0;
        while (rc == 0 && has_more(gather) && out.len < PIECE_BYTES)
            rc = add_row(gather, &out);
        if (rc == 0)
            rc = gather->write(gather->arg, out.data, out.len);
    }
    /* Since the last write nothing has come. */
    if (rc == 0)
        result_set_forget(&gather->results);
    return rc;
}

static CO_BLOCKS int write_as_they_come(struct gather_lines *gather)
{
    int rc = 0;

    while (rc == 0 && !gather->is_over) {
        rc = co_event_wait(&gather->news);
        co_event_clear(&gather->news);
        if (rc == 0)
            rc = write_rows(gather);
    }
    return rc < 0 ? rc : write_rows(gather);
}

static int render_last_line(const struct gather_lines *gather, struct buffer *line)
{
    const struct tally *tally = &gather->results.tally;
    struct json_writer w;

    jw_init(&w, line);
    jw_object_begin(&w);
    jw_literal(&w, "\"type\":\"gather\",\"object\":\"gather\",");
    jw_key(&w, "elapsed_ms");
    jw_ms(&w, (co_clock_now() - gather->run.accepted) / CO_MICROSECOND);
    jw_key(&w, "counts");
    tally_render_counts(tally, 0, &w);
    jw_key(&w, "stats");
    tally_render_stats(tally, &w);
    jw_object_end(&w);
    int rc = jw_finish(&w);
    return rc < 0 ? rc : buffer_append_byte(line, '\n');
}

static CO_BLOCKS int write_last_line(struct gather_lines *gather)
{
    CO_CLEANUP(buffer_done) struct buffer line;

    buffer_init(&line, SIZE_MAX);
    int rc = render_last_line(gather, &line);
    return rc < 0 ? rc : gather->write(gather->arg, line.data, line.len);
}

/* --- Both ------------------------------------------------------------------------------------- */

int gather_lines_run(struct gather_lines *gather, struct engine *engine)
{
    const struct run_owner owner = {.finished = item_finished, .arg = gather};
    struct co_group group;

    run_init(&gather->run, engine, gather->spec, &owner);
    co_group_enter(&group, CO_NEVER);
    int rc = co_group_spawn(&group, "gather", run_all, gather, NULL);
    if (rc == 0)
        rc = write_as_they_come(gather);
    if (rc < 0)
        co_group_cancel(&group, rc, "the stream of results is cut");
    rc = co_group_exit(&group, rc);
    return rc < 0 ? rc : write_last_line(gather);
}
