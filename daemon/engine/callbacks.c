#include "daemon/engine/callbacks.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/net/url.h"

#include "daemon/base/crash_point.h"
#include "daemon/base/instant.h"
#include "daemon/base/log.h"
#include "daemon/engine/callback_send.h"
#include "daemon/engine/callback_verdict.h"
#include "daemon/engine/due_time.h"
#include "daemon/engine/engine_private.h"
#include "daemon/store/store_callbacks.h"

enum { ATTEMPT_TEXT_SIZE = 192 };

#define LOOK_US (60 * INT64_C(1000000))        /* at least as often: clocks are set */
#define KEPT_US (24 * 3600 * INT64_C(1000000)) /* after the last attempt, if the job is gone */

struct callbacks {
    struct callbacks_options options;
    struct store_callback_due sending[CALLBACKS_AT_A_TIME];
    struct store_callback_due found[CALLBACKS_AT_A_TIME]; /* these, as they were, and others */
    size_t n_sending;
    struct store_callback_lane from; /* where to look next */
    int64_t seen_at;                 /* what the clock said when it was last looked at */
    struct co_group group;           /* of a task for each */
    struct co_event wake;
    bool is_draining;
    struct co_task *task;
};

/* One that is being sent; on its way to its task. */
struct delivery {
    struct callbacks *callbacks;
    int64_t job;
};

/* --- One attempt ------------------------------------------------------------------------------ */

static void write_attempt(char out[ATTEMPT_TEXT_SIZE], unsigned n, int64_t at,
                          const struct result *result)
{
    char instant[INSTANT_TEXT_LEN + 1] = "";

    instant_format(at, instant);
    if (result->response.status > 0)
        snprintf(out, ATTEMPT_TEXT_SIZE,
                 "{\"n\":%u,\"at\":\"%s\",\"status_code\":%d,\"error\":null}", n, instant,
                 result->response.status);
    else
        snprintf(out, ATTEMPT_TEXT_SIZE,
                 "{\"n\":%u,\"at\":\"%s\",\"status_code\":null,\"error\":\"%.64s\"}", n, instant,
                 result->error.code);
}

/* Until the store has taken it, or never will. returns 0: also if it was dropped; -errno */
static CO_BLOCKS int note_at_last(struct callbacks *callbacks,
                                  const struct store_callback_note *note)
{
    int rc;

    while ((rc = store_callback_note(callbacks->options.store, note)) < 0 && rc != -ENOENT) {
        rc = store_watch_wait(callbacks->options.watch, rc);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static void log_given_up(const struct store_callback *callback,
                         const struct store_callback_note *note)
{
    CO_CLEANUP(co_url_done) struct co_url url = {0};

    (void)co_url_parse(callback->url, strlen(callback->url), &url); /* else it has no host */
    log_event(EVENT_CALLBACK_GIVEN_UP, LOG_FIELDS({"job_id", callback->id}, {"host", url.host}),
              "the callback of job %s is given up (%s): %s", callback->id,
              callback_state_name(note->state), note->text);
}

/* It counts when it is on disk. */
static CO_BLOCKS int conclude(struct callbacks *callbacks, int64_t job,
                              const struct store_callback *callback, int64_t began_at,
                              const struct result *result)
{
    struct stats *stats = callbacks->options.stats;
    int64_t now = callbacks->options.now();
    struct callback_verdict verdict =
        callback_judge(result, callback->n_attempts, engine_random_part(), now);
    char text[ATTEMPT_TEXT_SIZE];
    const struct store_callback_note note = {
        .job = job,
        .now = now,
        .state = verdict.state,
        .due_at = now + verdict.pause_us,
        .forget_at = now + KEPT_US,
        .text = text,
    };

    crash_point("after_callback");
    write_attempt(text, callback->n_attempts + 1, began_at, result);
    int rc = note_at_last(callbacks, &note);
    if (rc < 0)
        return rc;
    stats->n_callback_attempts[verdict.outcome]++;
    if (callback_is_settled(verdict.state))
        stats->n_callbacks[verdict.state]++;
    if (callback_is_settled(verdict.state) && verdict.state != CALLBACK_DELIVERED)
        log_given_up(callback, &note);
    return 0;
}

static CO_BLOCKS int send_callback(struct callbacks *callbacks, int64_t job,
                                   const struct store_callback *callback)
{
    const struct callbacks_options *options = &callbacks->options;
    int64_t began_at = options->now();
    struct result result;

    crash_point("before_callback");
    result_init(&result);
    int rc = callback_send(options->fetcher, options->settings, callback, began_at, &result);
    if (rc == 0)
        rc = conclude(callbacks, job, callback, began_at, &result);
    result_done(&result);
    return rc;
}

static CO_BLOCKS int deliver(struct callbacks *callbacks, int64_t job)
{
    CO_CLEANUP(store_callback_done) struct store_callback callback;
    int rc = store_callback_read(callbacks->options.store, job, &callback);

    if (rc == -ENOENT)
        return 0;
    if (rc < 0)
        return rc;
    return callback.state == CALLBACK_PENDING ? send_callback(callbacks, job, &callback) : 0;
}

static void leave(struct callbacks *callbacks, int64_t job)
{
    size_t i = 0;

    while (callbacks->sending[i].job != job)
        i++;
    callbacks->sending[i] = callbacks->sending[--callbacks->n_sending];
    callbacks_wake(callbacks);
}

/* After a failure it is still due, but not at once. */
static CO_BLOCKS int deliver_or_wait(struct callbacks *callbacks, int64_t job)
{
    int rc = deliver(callbacks, job);

    return rc < 0 && rc != -ECANCELED ? store_watch_wait(callbacks->options.watch, rc) : rc;
}

/* Whatever becomes of it, the others go on. */
static int delivery_task(void *arg, void **ret_result)
{
    struct delivery delivery = *(struct delivery *)arg;

    (void)ret_result;
    free(arg);
    int rc = deliver_or_wait(delivery.callbacks, delivery.job);
    leave(delivery.callbacks, delivery.job);
    return rc == -ECANCELED ? rc : 0;
}

/* --- All of them ------------------------------------------------------------------------------ */

static int begin(struct callbacks *callbacks, const struct store_callback_due *due)
{
    struct delivery *delivery = malloc(sizeof(*delivery));

    if (delivery == NULL)
        return -ENOMEM;
    *delivery = (struct delivery){.callbacks = callbacks, .job = due->job};
    int rc = co_group_spawn(&callbacks->group, "callback", delivery_task, delivery, NULL);
    if (rc < 0)
        free(delivery);
    else
        callbacks->sending[callbacks->n_sending++] = *due;
    return rc;
}

static CO_BLOCKS int heed_clock(struct callbacks *callbacks, int64_t now)
{
    int rc = now < callbacks->seen_at
                 ? store_callbacks_clock_set_back(callbacks->options.store, now)
                 : 0;

    if (rc == 0)
        callbacks->seen_at = now;
    return rc;
}

/* ret_next   when there may be more; JOB_NEVER: not before somebody wakes us */
static CO_BLOCKS int begin_due(struct callbacks *callbacks, int64_t *ret_next)
{
    const struct store_callback_query query = {
        .now = callbacks->options.now(),
        .max = CALLBACKS_AT_A_TIME,
        .max_per_host = CALLBACKS_PER_HOST,
        .from = &callbacks->from,
    };

    *ret_next = JOB_NEVER;
    if (callbacks->is_draining)
        return 0;
    int rc = heed_clock(callbacks, query.now);
    size_t n_before = callbacks->n_sending;
    if (rc < 0 || n_before == CALLBACKS_AT_A_TIME)
        return rc;
    memcpy(callbacks->found, callbacks->sending, n_before * sizeof(*callbacks->found));
    int n =
        store_callbacks_due(callbacks->options.store, &query, callbacks->found, n_before, ret_next);
    rc = n < 0 ? n : 0;
    for (size_t i = n_before; rc == 0 && i < (size_t)n && !callbacks->is_draining; i++)
        rc = begin(callbacks, &callbacks->found[i]);
    return rc;
}

static CO_BLOCKS int wait_until(struct callbacks *callbacks, int64_t at)
{
    int64_t now = callbacks->options.now();
    int64_t us = sooner_instant(at, now + LOOK_US) - now;
    struct co_scope scope;

    co_scope_enter(&scope, (us > 0 ? us : 0) * CO_MICROSECOND);
    int rc = co_scope_exit(&scope, co_event_wait(&callbacks->wake));
    return rc == -ETIMEDOUT ? 0 : rc;
}

/* returns -EIO: the store has failed; -ECANCELED */
static CO_BLOCKS int dispatch(struct callbacks *callbacks)
{
    int64_t next;
    int rc;

    do {
        co_event_clear(&callbacks->wake);
        rc = begin_due(callbacks, &next);
        rc = rc < 0 ? store_watch_wait(callbacks->options.watch, rc) : wait_until(callbacks, next);
    } while (rc == 0);
    return rc;
}

static int dispatch_task(void *arg, void **ret_result)
{
    struct callbacks *callbacks = arg;

    (void)ret_result;
    co_group_enter(&callbacks->group, CO_NEVER);
    int rc = co_group_exit(&callbacks->group, dispatch(callbacks));
    return rc == -EIO ? 0 : rc; /* the watch has told everybody */
}

/* --- From beginning to end -------------------------------------------------------------------- */

int callbacks_new(struct callbacks **ret_callbacks, const struct callbacks_options *options)
{
    struct callbacks *callbacks = calloc(1, sizeof(*callbacks));

    if (callbacks == NULL)
        return -ENOMEM;
    callbacks->options = *options;
    callbacks->seen_at = INT64_MAX; /* it may have been set back while we were not there */
    if (options->now == NULL)
        callbacks->options.now = instant_now;
    co_event_init(&callbacks->wake);
    int rc = co_create_task("callbacks", dispatch_task, callbacks, &callbacks->task);
    if (rc < 0) {
        free(callbacks);
        return rc;
    }
    *ret_callbacks = callbacks;
    return 0;
}

void callbacks_free(struct callbacks *callbacks)
{
    if (callbacks == NULL)
        return;
    co_task_stop(callbacks->task, "the jobs are stopping");
    free(callbacks);
}

void callbacks_wake(struct callbacks *callbacks)
{
    co_event_set(&callbacks->wake);
}

void callbacks_drain(struct callbacks *callbacks)
{
    if (callbacks != NULL)
        callbacks->is_draining = true;
}

size_t callbacks_n_sending(const struct callbacks *callbacks)
{
    return callbacks->n_sending;
}
