#include "daemon/model/schedule.h"

#include <stdlib.h>
#include <string.h>

#include "lib/net/siphash.h"

const char *const schedule_overlap_names[] = {
    [OVERLAP_SKIP] = "skip", [OVERLAP_QUEUE] = "queue", NULL};

const char *const schedule_run_state_names[N_RUN_STATES] = {
    [RUN_STATE_RUNNING] = "running",   [RUN_STATE_DONE] = "done",
    [RUN_STATE_CANCELED] = "canceled", [RUN_STATE_SKIPPED] = "skipped",
    [RUN_STATE_MISSED] = "missed",     [RUN_STATE_FAILED] = "failed_to_start",
};

/* --- Life ------------------------------------------------------------------------------------- */

struct schedule *schedule_new(void)
{
    struct schedule *schedule = calloc(1, sizeof(*schedule));

    if (schedule == NULL)
        return NULL;
    schedule->next_due = schedule->waiting = JOB_NEVER;
    return schedule;
}

void schedule_free(struct schedule *schedule)
{
    if (schedule == NULL)
        return;
    free(schedule->tenant);
    free(schedule->name);
    free(schedule->labels);
    free(schedule->cron);
    free(schedule);
}

void schedule_freep(struct schedule **schedule)
{
    schedule_free(*schedule);
}

bool schedule_id_is_valid(const char *text)
{
    size_t prefix = sizeof(SCHEDULE_ID_PREFIX) - 1;

    return strncmp(text, SCHEDULE_ID_PREFIX, prefix) == 0 &&
           strspn(text + prefix, ulid_digits) == ULID_LENGTH && text[prefix + ULID_LENGTH] == '\0';
}

/* --- When ------------------------------------------------------------------------------------- */

/* The first of created_at + k * every_us that is after an instant. That may be long before it was
 * created, if the clock was wrong then. */
static int64_t next_of_interval(const struct schedule *schedule, int64_t after)
{
    int64_t every = schedule->every_us, over = (after - schedule->created_at) % every;

    return after - over + (over < 0 ? 0 : every);
}

int64_t schedule_due_after(const struct schedule *schedule, int64_t after)
{
    return schedule->every_us > 0 ? next_of_interval(schedule, after)
                                  : cron_next(&schedule->times, after);
}

/* The same on every machine and in every run: the key is no secret. */
static int64_t jitter_of(const struct schedule *schedule, int64_t due)
{
    static const struct co_siphash_key key = {{0, 0}};
    char bytes[sizeof(schedule->id) + sizeof(due)];

    if (schedule->jitter_us == 0)
        return 0;
    memcpy(bytes, schedule->id, sizeof(schedule->id));
    memcpy(bytes + sizeof(schedule->id), &due, sizeof(due));
    return (int64_t)(co_siphash(&key, bytes, sizeof(bytes)) % ((uint64_t)schedule->jitter_us + 1));
}

int64_t schedule_time_of(const struct schedule *schedule, int64_t due)
{
    return due == JOB_NEVER || due == INT64_MAX ? due : due + jitter_of(schedule, due);
}

int64_t schedule_min_gap_us(const struct schedule *schedule)
{
    return schedule->every_us > 0 ? schedule->every_us : cron_min_gap_us(&schedule->times);
}

/* All due instants more than jitter_us ago have come for sure. Of an interval they need not be gone
 * through; of a calendar there may be a million, and nobody wants to know exactly. */
void schedule_catch_up(const struct schedule *schedule, int64_t due, int64_t now,
                       int64_t *ret_missed, uint64_t *ret_n, int64_t *ret_next)
{
    int64_t next = schedule_due_after(schedule, due), sure = now - schedule->jitter_us;
    uint64_t n = 0;

    *ret_missed = schedule_time_of(schedule, next) <= now ? next : JOB_NEVER;
    while (schedule_time_of(schedule, next) <= now) {
        if (n++ == SCHEDULE_MISSES_COUNTED && next < sure)
            next = sure;
        next = schedule_due_after(schedule, next);
    }
    *ret_n = n < SCHEDULE_MISSES_COUNTED ? n : SCHEDULE_MISSES_COUNTED;
    *ret_next = next;
}

/* --- How a run ends --------------------------------------------------------------------------- */

static void take_times(struct schedule_run *run, const struct histogram *total_us)
{
    run->p50_us = run->p99_us = -1;
    if (total_us->n == 0)
        return;
    run->p50_us = (int64_t)histogram_percentile(total_us, 0.50);
    run->p99_us = (int64_t)histogram_percentile(total_us, 0.99);
}

/* Larger counts than fit are left out: there are none. */
static void take_counts(struct schedule_run *run, const struct tally *tally)
{
    struct buffer text;
    struct json_writer w;

    buffer_init(&text, sizeof(run->counts) - 1);
    jw_init(&w, &text);
    tally_render_counts(tally, 0, &w);
    if (jw_finish(&w) == 0) {
        memcpy(run->counts, text.data, text.len);
        run->counts[text.len] = '\0';
    }
    buffer_done(&text);
}

static void take_tally(struct schedule_run *run, const struct tally *tally)
{
    run->n_items = tally->n_items;
    run->n_success = tally->n_outcomes[OUTCOME_SUCCESS];
    take_times(run, &tally->total_us);
    take_counts(run, tally);
}

static void take_tally_and_rest(struct schedule_run *run, const struct job_record *job)
{
    struct tally whole = job->tally;

    tally_add_rest(&whole, whole.n_items - whole.n_finished, job_rest_outcome(job->rest),
                   job_rest_error(job->rest)->code);
    take_tally(run, &whole);
}

void schedule_run_end(struct schedule_run *run, const struct job_record *job, int64_t now)
{
    run->state = job != NULL && job->status == JOB_DONE ? RUN_STATE_DONE : RUN_STATE_CANCELED;
    run->ended_at = job != NULL && job_record_has_ended(job) ? job->ended_at : now;
    run->p50_us = run->p99_us = -1;
    if (job == NULL)
        return;
    if (job->tally.n_finished < job->tally.n_items && job->rest != REST_NONE)
        take_tally_and_rest(run, job);
    else
        take_tally(run, &job->tally);
}
