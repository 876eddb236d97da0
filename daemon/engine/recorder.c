#include "daemon/engine/recorder.h"

#include <errno.h>
#include <stdlib.h>

#include "daemon/base/crash_point.h"
#include "daemon/engine/commit_group.h"

/* So long what is not urgent waits for more, to go with it. */
#define LINGER (10 * CO_MILLISECOND)

struct recorder {
    struct store *store;
    struct store_watch *watch;
    struct stats *stats;
    struct result_encoder encoder;
    struct co_list dirty;       /* jobs of which something is to be written, in turn */
    struct co_event has_work;   /* there is such a job */
    struct co_event is_urgent;  /* and it should not have to wait */
    co_time due;                /* when it goes all the same */
    struct commit_group *group; /* that is being written */
    size_t n_results, n_bytes;  /* that wait, those of the group included */
    struct co_task *task;
};

/* --- Taking in -------------------------------------------------------------------------------- */

static void check_backlog(struct recorder *recorder)
{
    bool too_much =
        recorder->n_results >= RECORDER_MAX_RESULTS || recorder->n_bytes >= RECORDER_MAX_BYTES;

    store_watch_set_backlog(recorder->watch, too_much);
}

static void mark_dirty(struct recorder *recorder, struct active_job *job)
{
    if (co_list_is_empty(&recorder->dirty))
        recorder->due = co_now() + LINGER;
    if (!co_list_is_linked(&job->dirty))
        co_list_append(&recorder->dirty, &job->dirty);
    co_event_set(&recorder->has_work);
}

void recorder_hurry(struct recorder *recorder)
{
    if (!co_list_is_empty(&recorder->dirty))
        co_event_set(&recorder->is_urgent);
}

/* Whether its end comes with the results that wait. */
static bool has_all(const struct active_job *job)
{
    return job->next.tally.n_finished + job->n_waiting == job->next.tally.n_items;
}

void recorder_add(struct recorder *recorder, struct active_chunk *chunk, uint32_t item,
                  const struct result *result)
{
    struct active_job *job = chunk->job;
    struct recorded *recorded = &chunk->items[item].recorded;

    recorded_init(recorded, &recorder->encoder, &job->shapes, job->record, chunk->first + item,
                  ++job->n_recorded, result);
    recorded->chunk = chunk;
    recorded->next = NULL;
    chunk->items[item].has_result = true;
    *job->ending = recorded;
    job->ending = &recorded->next;
    job->n_waiting++;
    recorder->n_results++;
    recorder->n_bytes += recorded_size(recorded);
    mark_dirty(recorder, job);
    if (chunk->items[item].was_sent || has_all(job) || recorder->n_results >= COMMIT_GROUP_RESULTS)
        recorder_hurry(recorder);
    check_backlog(recorder);
}

void recorder_touch_soon(struct recorder *recorder, struct active_job *job)
{
    if (!job_record_has_ended(&job->next))
        mark_dirty(recorder, job);
}

void recorder_touch(struct recorder *recorder, struct active_job *job)
{
    recorder_touch_soon(recorder, job);
    recorder_hurry(recorder);
}

size_t recorder_n_results(const struct recorder *recorder)
{
    return recorder->n_results;
}

/* --- Writing ---------------------------------------------------------------------------------- */

/* Jobs go in turn: what does not fit comes after all others. */
static void fill_group(struct recorder *recorder)
{
    while (!co_list_is_empty(&recorder->dirty) && !commit_group_is_full(recorder->group)) {
        struct co_list *first = co_list_take_first(&recorder->dirty);
        struct active_job *job = co_container_of(first, struct active_job, dirty);
        commit_group_add(recorder->group, job);
        if (job->n_waiting > 0)
            mark_dirty(recorder, job);
    }
    if (co_list_is_empty(&recorder->dirty)) {
        co_event_clear(&recorder->has_work);
        co_event_clear(&recorder->is_urgent);
    }
}

/* Writes the group, once. */
static CO_BLOCKS int write_group(struct recorder *recorder)
{
    int rc = commit_group_write(recorder->group, recorder->store);

    /* Not to be expected (STORE_BODY_MAX), but the job could not end, nor any other. */
    while (rc == -EMSGSIZE && commit_group_drop_body(recorder->group))
        rc = commit_group_write(recorder->group, recorder->store);
    if (rc < 0)
        return rc;
    crash_point("after_commit_before_publish");
    recorder->n_results -= commit_group_n_results(recorder->group);
    recorder->n_bytes -= commit_group_n_bytes(recorder->group);
    commit_group_publish(recorder->group, recorder->stats);
    check_backlog(recorder);
    return 0;
}

/* The same until it has been written. returns 0, -EIO, -ECANCELED */
static CO_BLOCKS int write_group_at_last(struct recorder *recorder)
{
    int rc = write_group(recorder);

    while (rc < 0) {
        rc = store_watch_wait(recorder->watch, rc);
        if (rc < 0)
            return rc;
        rc = write_group(recorder);
    }
    return 0;
}

static CO_BLOCKS int wait_for_work(struct recorder *recorder)
{
    int rc = co_event_wait(&recorder->has_work);
    struct co_scope scope;

    if (rc < 0)
        return rc;
    co_scope_enter(&scope, recorder->due - co_now());
    rc = co_scope_exit(&scope, co_event_wait(&recorder->is_urgent));
    return rc == -ETIMEDOUT ? 0 : rc;
}

static int record(void *arg, void **ret_result)
{
    struct recorder *recorder = arg;
    int rc;

    (void)ret_result;
    while ((rc = wait_for_work(recorder)) == 0) {
        fill_group(recorder);
        if (commit_group_n_results(recorder->group) > 0)
            crash_point("after_result_before_commit");
        rc = write_group_at_last(recorder);
        if (rc < 0)
            break;
    }
    return rc == -EIO ? 0 : rc; /* the watch has told everybody */
}

/* --- From beginning to end -------------------------------------------------------------------- */

/* Jobs that could not be written live on. */
static void destroy(struct recorder *recorder)
{
    while (!co_list_is_empty(&recorder->dirty))
        co_list_take_first(&recorder->dirty);
    commit_group_free(recorder->group);
    result_encoder_done(&recorder->encoder);
    free(recorder);
}

int recorder_new(struct recorder **ret_recorder, struct store *store, struct store_watch *watch,
                 struct stats *stats)
{
    struct recorder *recorder = calloc(1, sizeof(*recorder));

    if (recorder == NULL)
        return -ENOMEM;
    *recorder = (struct recorder){.store = store, .watch = watch, .stats = stats};
    co_list_init(&recorder->dirty);
    co_event_init(&recorder->has_work);
    co_event_init(&recorder->is_urgent);
    int rc = result_encoder_init(&recorder->encoder);
    if (rc == 0)
        rc = commit_group_new(&recorder->group);
    if (rc == 0)
        rc = co_create_task("recorder", record, recorder, &recorder->task);
    if (rc < 0) {
        destroy(recorder);
        return rc;
    }
    *ret_recorder = recorder;
    return 0;
}

/* What the task has not come to, or could not write. returns 0, -errno */
static CO_BLOCKS int write_rest(struct recorder *recorder)
{
    int rc = 0;

    do {
        if (commit_group_is_empty(recorder->group))
            fill_group(recorder);
    } while (!commit_group_is_empty(recorder->group) && (rc = write_group(recorder)) == 0);
    return rc;
}

int recorder_free(struct recorder *recorder)
{
    if (recorder == NULL)
        return 0;
    co_task_stop(recorder->task, "the jobs are stopping");
    int rc = write_rest(recorder);
    destroy(recorder);
    return rc;
}
