/* A schedule: a job that is to be made again and again, by an interval or a calendar; and its runs.
 *
 * When it is due is a matter of the wall clock and the schedule alone: by an interval at
 * created_at + k * every_us, whatever the runs before took. So nothing drifts, and whoever asks
 * later, also after a crash, gets the same instants. To each of them some jitter is added, which is
 * a hash of the schedule and the instant, and never as much as two are apart.
 *
 * Instants are microseconds since 1970, or JOB_NEVER.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/cron.h"
#include "daemon/model/job.h"
#include "daemon/model/job_record.h"

#define SCHEDULE_ID_PREFIX "schedule_"
enum { SCHEDULE_ID_SIZE = sizeof(SCHEDULE_ID_PREFIX) + ULID_LENGTH };

enum {
    SCHEDULE_RUNS_KEPT = 1000,      /* of each schedule */
    SCHEDULE_MISSES_COUNTED = 1000, /* in one go: what is more counts as so many */
    SCHEDULE_COUNTS_SIZE = 384,     /* of a "counts" object, with the NUL */
    SCHEDULE_CODE_SIZE = 48,        /* of what kept a run from starting */
};

/* What becomes of a run that is due while the one before has not ended. */
enum schedule_overlap {
    OVERLAP_SKIP,
    OVERLAP_QUEUE, /* it is run when that has ended; one at most waits */
};
extern const char *const schedule_overlap_names[]; /* ends with NULL */

enum schedule_run_state {
    RUN_STATE_RUNNING,
    RUN_STATE_DONE,
    RUN_STATE_CANCELED, /* its job was, or was deleted */
    RUN_STATE_SKIPPED,  /* the one before had not ended */
    RUN_STATE_MISSED,   /* gatherd was not there, or too late */
    RUN_STATE_FAILED,   /* there is no job: see its code */
    N_RUN_STATES
};
extern const char *const schedule_run_state_names[N_RUN_STATES];

/* What happened once it was due; or several times in a row, if nothing was run. */
struct schedule_run {
    int64_t number;     /* counts the schedule's, from 1 */
    int64_t due_at;     /* of the first, without jitter */
    uint64_t n_due;     /* how many */
    int64_t started_at; /* when its job was made */
    int64_t ended_at;   /* when that ended; or when it was known that there is none */
    enum schedule_run_state state;
    char code[SCHEDULE_CODE_SIZE]; /* why it is RUN_STATE_FAILED */
    int64_t job;                   /* number; 0: none */
    char job_id[JOB_ID_SIZE];
    uint64_t n_items, n_success;
    int64_t p50_us, p99_us;            /* of its items' times; -1: there are none */
    char counts[SCHEDULE_COUNTS_SIZE]; /* the job's, as a JSON object; "": not yet */
};

struct schedule {
    int64_t number;
    char id[SCHEDULE_ID_SIZE];
    char *tenant; /* whose it is; NULL: "" */
    char *name;
    char *labels;     /* a JSON object; NULL: none */
    int64_t every_us; /* 0: by the calendar */
    char *cron;       /* the expression; NULL: by interval */
    struct cron times;
    int64_t jitter_us;
    enum schedule_overlap overlap;
    bool is_paused;
    uint64_t max_queued; /* items of the tenant's jobs that have not ended; 0: any number */
    int64_t created_at;
    int64_t next_due; /* without jitter; JOB_NEVER: it is paused */
    int64_t waiting;  /* due, but the run before has not ended; JOB_NEVER: none is */
    int64_t running;  /* number of the run that has not ended; 0: none */
    int64_t n_runs;   /* number of the last run */
    bool has_last;    /* of its runs */
    struct schedule_run last;
};

/* All zeros and JOB_NEVER. NULL: no memory */
struct schedule *schedule_new(void);
void schedule_free(struct schedule *schedule); /* NULL is fine */
void schedule_freep(struct schedule **schedule);

/* Whether text could be the id of a schedule. */
bool schedule_id_is_valid(const char *text);

/* The first due instant after another. */
int64_t schedule_due_after(const struct schedule *schedule, int64_t after);

/* When a due instant comes: with its jitter. JOB_NEVER stays. */
int64_t schedule_time_of(const struct schedule *schedule, int64_t due);

/* At least so many microseconds are between two due instants. */
int64_t schedule_min_gap_us(const struct schedule *schedule);

/* What has come after `due`, which is over, until now: all but the first one may as well be
 * forgotten.
 *
 * ret_missed   the first due instant after it that has come, too; JOB_NEVER: none has
 * ret_n        how many have
 * ret_next     the first that is yet to come
 */
void schedule_catch_up(const struct schedule *schedule, int64_t due, int64_t now,
                       int64_t *ret_missed, uint64_t *ret_n, int64_t *ret_next);

/* Takes into a run what its job has come to. job: NULL: it was forgotten */
void schedule_run_end(struct schedule_run *run, const struct job_record *job, int64_t now);

/* --- As clients see it ------------------------------------------------------------------------ */

/* Spans of time of which it is told how much was a success. */
struct schedule_span {
    const char *name;  /* "24h" */
    int64_t us;        /* how long */
    int64_t bucket_us; /* and how precisely: runs are counted by when they have ended */
};
enum { N_SCHEDULE_SPANS = 4 };
extern const struct schedule_span schedule_spans[N_SCHEDULE_SPANS];

struct schedule_share {
    uint64_t n_items, n_success;
};

/* shares     of schedule_spans; NULL: they are left out */
void schedule_render(const struct schedule *schedule, const struct schedule_share *shares,
                     struct json_writer *w);
void schedule_run_render(const struct schedule_run *run, struct json_writer *w);
