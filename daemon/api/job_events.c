/* /v1/jobs/{id}/events: a job's course as server-sent events.
 *
 *     job        the job, at first and whenever its status has changed
 *     result     one result; its id is where to go on behind it
 *     progress   the counts, at most once a second
 *     end        the job, when it has ended and all results were sent
 *
 * source  WHATWG HTML, "Server-sent events" */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/co/co.h"

#include "daemon/api/access.h"
#include "daemon/api/answer.h"
#include "daemon/api/api.h"
#include "daemon/api/job_answer.h"
#include "daemon/api/job_follow.h"
#include "daemon/api/job_stream.h"
#include "daemon/api/problem.h"

/* So long is nothing sent at most: who listens, and all proxies between, know that we are there. */
#define HEARTBEAT (15 * CO_SECOND)
#define PROGRESS  (1 * CO_SECOND)

static const char heartbeat[] = ":\n\n";

struct listener_state {
    struct job_follow follow;
    bool knows_job;
    enum job_status status; /* that was sent last */
    size_t n_finished;
    co_time progress_at; /* when they were */
};

/* --- Events ----------------------------------------------------------------------------------- */

typedef void event_render(const struct job_record *record, size_t n_running, struct json_writer *w);

/* id  where to go on behind it; "" as before */
static int render_event(const char *name, const char *id, event_render *render,
                        const struct job_record *record, struct buffer *out)
{
    const char *name_of_id = *id != '\0' ? "\nid: " : "";
    char head[RESULT_CURSOR_SIZE + 64];
    struct json_writer w;

    snprintf(head, sizeof(head), "event: %s%s%s\ndata: ", name, name_of_id, id);
    int rc = buffer_append(out, head, strlen(head));
    if (rc < 0)
        return rc;
    jw_init(&w, out);
    render(record, jobs_n_running(record), &w);
    rc = jw_finish(&w);
    return rc < 0 ? rc : buffer_append(out, "\n\n", 2);
}

static CO_BLOCKS int send_event_with_id(struct listener_state *state, const char *name,
                                        const char *id, event_render *render)
{
    CO_CLEANUP(buffer_done) struct buffer out;

    buffer_init(&out, SIZE_MAX);
    int rc = render_event(name, id, render, state->follow.record, &out);
    return rc < 0 ? rc : job_follow_send(&state->follow, out.data, out.len);
}

static CO_BLOCKS int send_event(struct listener_state *state, const char *name,
                                event_render *render)
{
    return send_event_with_id(state, name, "", render);
}

/* With an id also where there was no result: with it a browser that comes again is told to stay
 * away. */
static CO_BLOCKS int send_end(struct listener_state *state)
{
    char id[RESULT_CURSOR_SIZE];

    result_cursor_format(&state->follow.key.from, id);
    return send_event_with_id(state, "end", id, job_record_render);
}

/* Once it has ended, "end" says so. */
static CO_BLOCKS int send_job(struct listener_state *state)
{
    const struct job_record *record = state->follow.record;

    if (state->knows_job && (state->status == record->status || job_record_has_ended(record)))
        return 0;
    state->knows_job = true;
    state->status = record->status;
    state->n_finished = record->tally.n_finished;
    state->progress_at = co_now();
    return send_event(state, "job", job_record_render);
}

static bool has_progressed(const struct listener_state *state)
{
    return state->follow.record->tally.n_finished != state->n_finished;
}

static CO_BLOCKS int send_progress(struct listener_state *state)
{
    if (!has_progressed(state) || co_now() < state->progress_at + PROGRESS)
        return 0;
    state->n_finished = state->follow.record->tally.n_finished;
    state->progress_at = co_now();
    return send_event(state, "progress", job_record_render_progress);
}

/* --- Following -------------------------------------------------------------------------------- */

static CO_BLOCKS int send_news(struct listener_state *state)
{
    int rc = job_follow_write(&state->follow);

    if (rc == 0 && state->follow.has_all)
        return send_end(state);
    if (rc == 0)
        rc = send_job(state);
    return rc == 0 ? send_progress(state) : rc;
}

/* Until there is something to be sent. returns 0; -ETIMEDOUT: a heartbeat; -ECANCELED */
static CO_BLOCKS int wait_for_news(struct listener_state *state)
{
    co_time heartbeat_at = state->follow.written_at + HEARTBEAT;
    co_time at = heartbeat_at;

    if (has_progressed(state) && state->progress_at + PROGRESS < at)
        at = state->progress_at + PROGRESS;
    int rc = job_follow_wait(&state->follow, at > co_now() ? at - co_now() : 0);
    return rc == -ETIMEDOUT && co_now() < heartbeat_at ? 0 : rc;
}

static CO_BLOCKS int send_all(struct listener_state *state)
{
    int rc = send_job(state);

    if (rc == 0)
        rc = send_news(state);
    while (rc == 0 && !state->follow.has_all) {
        rc = wait_for_news(state);
        rc = rc == -ETIMEDOUT ? job_follow_send(&state->follow, heartbeat, strlen(heartbeat))
             : rc == 0        ? send_news(state)
                              : rc;
    }
    return rc;
}

static CO_BLOCKS int listen_to(struct http_exchange *exchange, struct listener_state *state)
{
    int rc = job_stream_begin(exchange, "text/event-stream");

    return rc != 0 ? (rc < 0 ? rc : 0) : job_stream_end(send_all(state));
}

/* An EventSource comes again when its stream has ended, unless it is told that this was all. */
static CO_BLOCKS int follow(struct http_exchange *exchange, struct api *api,
                            struct job_record *record, const struct follow_query *query)
{
    struct listener_state state = {.knows_job = false};

    job_follow_begin(&state.follow, exchange, api, record, query, FRAME_EVENTS);
    int rc = job_follow_is_over(&state.follow);
    if (rc < 0)
        rc = answer_job_failure(exchange, rc);
    else if (rc == 1 && query->has_position)
        rc = http_answer(exchange, 204, NULL, NULL);
    else
        rc = listen_to(exchange, &state);
    job_follow_end(&state.follow);
    return rc;
}

/* --- The handler ------------------------------------------------------------------------------ */

/* What the browser remembers is newer than what the page's URL says.
 *
 * returns    as list_query_read() */
static int read_last_id(struct http_exchange *exchange, struct follow_query *query)
{
    const char *last = http_header(exchange, "Last-Event-ID");

    if (last == NULL || *last == '\0')
        return 0;
    query->has_position = true;
    if (result_cursor_parse(last, &query->from) == 0)
        return 0;
    return http_answer_problem(exchange, 400, "bad_last_event_id",
                               "'%.100s' is not the id of an event of this job.", last)
               ?: 1;
}

int job_events(struct http_exchange *exchange, void *arg)
{
    static const char *const types[] = {"text/event-stream"};
    struct api *api = arg;
    struct follow_query query;
    CO_CLEANUP(job_record_unrefp) struct job_record *record = NULL;
    size_t type;
    int rc = answer_choose(exchange, types, 1, &type);

    if (rc == 0)
        rc = follow_query_read(exchange, &query);
    if (rc == 0)
        rc = read_last_id(exchange, &query);
    if (rc != 0)
        return rc < 0 ? rc : 0;
    rc = jobs_find(api->jobs, access_tenant(exchange), http_path_param(exchange, 0), &record);
    return rc < 0 ? answer_job_failure(exchange, rc) : follow(exchange, api, record, &query);
}
