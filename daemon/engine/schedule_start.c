#include "daemon/engine/schedule_start.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/crash_point.h"
#include "daemon/model/intake.h"
#include "daemon/store/store_schedules.h"

/* Between two slices others have a turn. */
enum { SLICE_BYTES = 32 * 1024, KEY_SIZE = SCHEDULE_ID_SIZE + 48 };

struct starting {
    const struct schedule_start *start;
    const struct schedule *schedule;
    int64_t due_at;
    char *text; /* of the job's document */
    size_t length;
    struct intake *intake;
    struct store_upload *upload;
    struct job_record *job;
};

static void starting_done(struct starting *starting)
{
    store_upload_free(starting->upload);
    intake_free(starting->intake);
    job_record_unref(starting->job);
    free(starting->text);
}

static int put_chunk(void *upload, const struct job_chunk *chunk)
{
    return store_upload_add(upload, chunk) ?: co_sleep(0);
}

static int on_a_thread(co_fn *fn, void *arg)
{
    return co_to_thread(fn, arg, NULL, NULL);
}

static CO_BLOCKS int prepare(struct starting *starting)
{
    const struct schedule_start *start = starting->start;
    int rc = store_schedule_read_job(start->store, starting->schedule->number, &starting->text,
                                     &starting->length);

    if (rc == 0)
        rc = store_upload_new(start->store, &starting->upload);
    if (rc < 0)
        return rc;
    const struct intake_sink sink = {
        .put = put_chunk, .arg = starting->upload, .elsewhere = on_a_thread};
    return intake_new(&starting->intake, start->parse, "application/json", &sink);
}

/* returns as intake_end() */
static CO_BLOCKS int take_in(struct starting *starting)
{
    const char *at = starting->text;
    int rc = 0;

    for (size_t left = starting->length, n; rc == 0 && left > 0; at += n, left -= n) {
        n = left < SLICE_BYTES ? left : SLICE_BYTES;
        rc = intake_write(starting->intake, at, n);
        if (rc == 0 && left > n)
            rc = co_sleep(0);
    }
    return rc == 0 ? intake_end(starting->intake) : rc;
}

/* The same only if we have died, or could not write it, between making the job and noting that; the
 * count alone would also be that of the next run by hand. No client can send such a key: its first
 * character is not visible. */
static void make_key(const struct schedule *schedule, int64_t due_at, char key[KEY_SIZE])
{
    snprintf(key, KEY_SIZE, "\001%s/%" PRId64 "@%" PRId64, schedule->id, schedule->n_runs + 1,
             due_at);
}

static CO_BLOCKS int accept_job(struct starting *starting)
{
    static const unsigned char no_fingerprint[STORE_FINGERPRINT_SIZE];
    const struct schedule *schedule = starting->schedule;
    char key[KEY_SIZE];
    const struct job_owner owner = {
        .tenant = schedule->tenant,
        .max_queued = schedule->max_queued,
        .key = key,
        .fingerprint = no_fingerprint,
    };

    make_key(schedule, starting->due_at, key);
    int rc = jobs_accept(starting->start->jobs, starting->upload, starting->intake, &owner,
                         &starting->job);
    crash_point("after_run_before_note");
    return rc == -EEXIST ? 0 : rc; /* it was made, and then we died */
}

/* --- What can go wrong ------------------------------------------------------------------------ */

static const struct {
    int rc;
    const char *code;
} failures[] = {
    /* the store */
    {-ENOSPC, "store_full"},
    {-ENOBUFS, "store_full"},
    {-EUSERS, "store_full"},
    {-EFBIG, "too_large"},
    {-EBADMSG, "schedule_damaged"},
    /* the quota */
    {-EDQUOT, "quota_exceeded"},
    {-E2BIG, "too_many_items"},
    /* the machine */
    {-ENOMEM, "resource_exhausted"},
};

static void fail(struct schedule_run *run, const char *code)
{
    run->state = RUN_STATE_FAILED;
    run->ended_at = run->started_at;
    run->started_at = JOB_NEVER;
    snprintf(run->code, sizeof(run->code), "%s", code);
}

/* returns 0: that is all there is to say of it; else rc */
static int explain(struct schedule_run *run, int rc)
{
    for (size_t i = 0; i < sizeof(failures) / sizeof(*failures); i++) {
        if (failures[i].rc == rc) {
            fail(run, failures[i].code);
            return 0;
        }
    }
    return rc;
}

int schedule_start(const struct schedule_start *start, const struct schedule *schedule,
                   struct schedule_run *run)
{
    CO_CLEANUP(starting_done)
    struct starting starting = {.start = start, .schedule = schedule, .due_at = run->due_at};
    int rc = prepare(&starting);

    if (rc == 0)
        rc = take_in(&starting);
    if (rc == 1) {
        fail(run, intake_refusal(starting.intake)->code);
        return 0;
    }
    if (rc == 0)
        rc = accept_job(&starting);
    if (rc < 0)
        return explain(run, rc);
    run->state = RUN_STATE_RUNNING;
    run->job = starting.job->number;
    memcpy(run->job_id, starting.job->id, sizeof(run->job_id));
    return 0;
}
