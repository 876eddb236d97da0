#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#include "daemon/base/instant.h"
#include "daemon/engine/engine_private.h"
#include "daemon/engine/judge.h"
#include "daemon/engine/retry.h"

/* Before an owner that has said "not now" is asked again. */
#define PAUSE (50 * CO_MILLISECOND)

/* An item that is being fetched; lives on its task's stack but for the way there. */
struct launch {
    struct run *run;
    struct run_piece *piece;
    uint32_t item;
};

/* --- The end of an attempt -------------------------------------------------------------------- */

double engine_random_part(void)
{
    uint32_t bits;

    if (getrandom(&bits, sizeof(bits), GRND_NONBLOCK) != sizeof(bits))
        bits = 0; /* a kernel that has just booted may have no randomness yet */
    return (double)bits / UINT32_MAX;
}

/* Puts an item back that is to be tried again. false: its result is final */
static bool try_again(const struct launch *launch, struct result *result)
{
    struct run *run = launch->run;
    const struct fetch_options *options = run_piece_request(launch->piece, launch->item)->options;
    int64_t pause_us = RETRY_NEVER;
    co_time at;

    if (options->retry.max_attempts > 1)
        pause_us = retry_pause_us(options, result, engine_random_part(), instant_now());
    if (pause_us == RETRY_NEVER ||
        run_keep_attempt(run, launch->piece, launch->item, result, pause_us, &at) < 0)
        return false;
    admission_retry(run->admission, launch->piece, launch->item, at);
    return true;
}

/* Gives the place of an item back that has ended, in whatever way. */
static void leave(const struct launch *launch)
{
    admission_release(launch->run->admission, launch->piece, launch->item);
    run_leave_piece(launch->run, launch->piece);
}

/* Reports an item, unless its owner is gone. */
static void report(const struct launch *launch, int rc, struct result *result)
{
    struct run *run = launch->run;

    if (rc == 0)
        rc = judge_result(run_piece_request(launch->piece, launch->item), result);
    run_name_stop(run, result);
    if (rc == 0 || run->stop != RUN_GOES_ON)
        run_report(run, launch->piece, launch->item, result);
}

/* --- In its task ------------------------------------------------------------------------------ */

static void attempt(const struct launch *launch)
{
    struct run *run = launch->run;
    const struct request *request = run_piece_request(launch->piece, launch->item);
    struct result result;

    run_begin_result(run, launch->piece, launch->item, &result);
    int rc = fetch_attempt(&run->engine->fetcher, request, run->jar, &result);
    bool has_ended = rc < 0 || !try_again(launch, &result);
    if (has_ended)
        report(launch, rc, &result);
    result_done(&result);
    if (has_ended)
        leave(launch);
}

static const struct result_error not_allowed = {
    .code = "resource_exhausted",
    .message = "what has to be kept before it is sent could not be kept",
    .retryable = true,
};

/* Reports an item that was not sent after all. */
static void report_unsent(const struct launch *launch, int rc)
{
    struct run *run = launch->run;

    if (run->stop != RUN_GOES_ON)
        run_report_waiting(run, launch->piece, launch->item);
    else if (rc != -ECANCELED)
        run_report_not_started(run, launch->piece, launch->item, OUTCOME_TRANSPORT_ERROR,
                               &not_allowed);
}

/* Others take its place for a while. */
static void postpone(const struct launch *launch)
{
    admission_retry(launch->run->admission, launch->piece, launch->item, co_clock_now() + PAUSE);
}

/* returns    0: it may be sent; -ECANCELED: not any more; other: its owner's word that it may not
 */
CO_BLOCKS static int ask_owner(const struct launch *launch)
{
    const struct run_owner *owner = &launch->run->owner;

    if (owner->before_sending == NULL || history_contains(&launch->piece->history, launch->item))
        return 0;
    int rc = owner->before_sending(owner->arg, launch->piece, launch->item);
    return launch->run->batch.is_stopped ? -ECANCELED : rc;
}

static int fetch_task(void *arg, void **ret_result)
{
    struct launch launch = *(struct launch *)arg;
    struct engine *engine = launch.run->engine;

    (void)ret_result;
    free(arg);
    int rc = ask_owner(&launch);
    if (rc == 0) {
        attempt(&launch);
    } else if (rc == -EAGAIN) {
        postpone(&launch);
    } else {
        report_unsent(&launch, rc);
        leave(&launch);
    }
    co_event_set(&engine->may_go_on);
    return 0;
}

/* --- Its start -------------------------------------------------------------------------------- */

const struct result_error engine_no_memory = {
    .code = "resource_exhausted",
    .message = "there was no memory to start it",
    .retryable = true,
};

static int launch(const struct launch *item)
{
    struct launch *launch = malloc(sizeof(*launch));
    if (launch == NULL)
        return -ENOMEM;
    *launch = *item;
    int rc = co_group_spawn(&item->run->group, "fetch", fetch_task, launch, NULL);
    if (rc < 0)
        free(launch);
    return rc;
}

static void report_defect(const struct launch *item, const struct request_defect *defect)
{
    const struct result_error error = {.code = defect->code, .message = defect->message};

    run_report_not_started(item->run, item->piece, item->item, OUTCOME_TRANSPORT_ERROR, &error);
}

void engine_start_item(struct run *run, struct run_piece *piece, uint32_t item)
{
    const struct request_defect *defect = run_piece_request(piece, item)->defect;
    const struct launch start = {run, piece, item};

    if (defect != NULL)
        report_defect(&start, defect);
    else if (launch(&start) < 0)
        run_report_not_started(run, piece, item, OUTCOME_TRANSPORT_ERROR, &engine_no_memory);
    else
        return;
    leave(&start);
}
