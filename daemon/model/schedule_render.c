/* Schedules and their runs as clients see them. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "daemon/model/schedule.h"

#define MINUTE_US INT64_C(60000000)
#define HOUR_US   (60 * MINUTE_US)
#define DAY_US    (24 * HOUR_US)

const struct schedule_span schedule_spans[N_SCHEDULE_SPANS] = {
    {"1h", HOUR_US, MINUTE_US},
    {"24h", DAY_US, HOUR_US},
    {"7d", 7 * DAY_US, HOUR_US},
    {"30d", 30 * DAY_US, HOUR_US},
};

/* Six decimals, rounded down: 1 only when all was a success. */
static void render_share(uint64_t n_success, uint64_t n_items, struct json_writer *w)
{
    char text[32];

    if (n_items == 0) {
        jw_null(w);
        return;
    }
    uint64_t millionths = (uint64_t)((unsigned __int128)n_success * 1000000 / n_items);
    int length = snprintf(text, sizeof(text), "%" PRIu64 ".%06" PRIu64, millionths / 1000000,
                          millionths % 1000000);
    jw_raw(w, text, (size_t)length);
}

static void render_json(const char *text, const char *otherwise, struct json_writer *w)
{
    if (text == NULL || text[0] == '\0')
        text = otherwise;
    jw_raw(w, text, strlen(text));
}

/* --- A run ------------------------------------------------------------------------------------ */

static void render_times(const struct schedule_run *run, struct json_writer *w)
{
    jw_key(w, "total_ms");
    if (run->p50_us < 0 || run->counts[0] == '\0') {
        jw_null(w);
        return;
    }
    jw_object_begin(w);
    jw_key(w, "p50");
    jw_ms(w, run->p50_us);
    jw_key(w, "p99");
    jw_ms(w, run->p99_us);
    jw_object_end(w);
}

static void render_what_came_of_it(const struct schedule_run *run, struct json_writer *w)
{
    jw_key(w, "counts");
    render_json(run->counts, "null", w);
    jw_key(w, "availability");
    render_share(run->n_success, run->n_items, w);
    render_times(run, w);
}

void schedule_run_render(const struct schedule_run *run, struct json_writer *w)
{
    jw_object_begin(w);
    jw_key(w, "object");
    jw_text(w, "schedule_run");
    jw_key(w, "number");
    jw_int(w, run->number);
    jw_key(w, "state");
    jw_text(w, schedule_run_state_names[run->state]);
    jw_key(w, "code");
    jw_text(w, run->code[0] != '\0' ? run->code : NULL);
    jw_key(w, "due_at");
    jw_instant(w, run->due_at);
    jw_key(w, "due_count");
    jw_uint(w, run->n_due);
    jw_key(w, "started_at");
    jw_instant(w, run->started_at);
    jw_key(w, "ended_at");
    jw_instant(w, run->ended_at);
    jw_key(w, "job_id");
    jw_text(w, run->job_id[0] != '\0' ? run->job_id : NULL);
    render_what_came_of_it(run, w);
    jw_object_end(w);
}

/* --- A schedule ------------------------------------------------------------------------------- */

static void render_identity(const struct schedule *schedule, struct json_writer *w)
{
    jw_key(w, "id");
    jw_text(w, schedule->id);
    jw_key(w, "object");
    jw_text(w, "schedule");
    jw_key(w, "name");
    jw_text(w, schedule->name);
    jw_key(w, "labels");
    render_json(schedule->labels, "{}", w);
    jw_key(w, "created_at");
    jw_instant(w, schedule->created_at);
}

static void render_rule(const struct schedule *schedule, struct json_writer *w)
{
    jw_key(w, "every_ms");
    jw_ms(w, schedule->every_us > 0 ? schedule->every_us : -1);
    jw_key(w, "cron");
    jw_text(w, schedule->cron);
    jw_key(w, "jitter_ms");
    jw_ms(w, schedule->jitter_us);
    jw_key(w, "overlap");
    jw_text(w, schedule_overlap_names[schedule->overlap]);
    jw_key(w, "paused");
    jw_bool(w, schedule->is_paused);
}

static void render_state(const struct schedule *schedule, struct json_writer *w)
{
    jw_key(w, "next_run_at");
    jw_instant(w, schedule_time_of(schedule, schedule->next_due));
    jw_key(w, "waiting_due_at");
    jw_instant(w, schedule->waiting);
    jw_key(w, "running");
    jw_bool(w, schedule->running != 0);
    jw_key(w, "last_run");
    if (schedule->has_last)
        schedule_run_render(&schedule->last, w);
    else
        jw_null(w);
}

static void render_shares(const struct schedule_share *shares, struct json_writer *w)
{
    jw_key(w, "availability");
    jw_object_begin(w);
    for (size_t i = 0; i < N_SCHEDULE_SPANS; i++) {
        jw_name(w, schedule_spans[i].name, strlen(schedule_spans[i].name));
        render_share(shares[i].n_success, shares[i].n_items, w);
    }
    jw_object_end(w);
}

static void render_link(const struct schedule *schedule, const char *name, const char *suffix,
                        struct json_writer *w)
{
    char path[64 + SCHEDULE_ID_SIZE];

    snprintf(path, sizeof(path), "/v1/schedules/%s%s", schedule->id, suffix);
    jw_name(w, name, strlen(name));
    jw_text(w, path);
}

void schedule_render(const struct schedule *schedule, const struct schedule_share *shares,
                     struct json_writer *w)
{
    jw_object_begin(w);
    render_identity(schedule, w);
    render_rule(schedule, w);
    render_state(schedule, w);
    if (shares != NULL)
        render_shares(shares, w);
    jw_key(w, "links");
    jw_object_begin(w);
    render_link(schedule, "self", "", w);
    render_link(schedule, "runs", "/runs", w);
    jw_object_end(w);
    jw_object_end(w);
}
