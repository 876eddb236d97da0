#include "daemon/api/wait.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/co/co.h"

#include "daemon/api/prefer.h"
#include "daemon/api/problem.h"

/* --- Asking ----------------------------------------------------------------------------------- */

const char wait_expects[] = "how long to wait: seconds, or a time such as 30s or 500ms";

int wait_take(const char *value, struct wait_request *wait)
{
    wait->is_asked = true;
    return wait_time_parse(value, strlen(value), &wait->ms);
}

static int answer_bad_preference(struct http_exchange *exchange, const char *value)
{
    return http_answer_problem(exchange, 400, "bad_preference", "In 'Prefer: %.100s', wait is %s.",
                               value, wait_expects)
               ?: 1;
}

int wait_request_end(struct http_exchange *exchange, uint64_t max_ms, struct wait_request *wait)
{
    struct preferences preferences = {.waits = false};
    const char *value = NULL;

    while ((value = http_header_next(exchange, "Prefer", value)) != NULL)
        if (preferences_add(&preferences, value) < 0)
            return answer_bad_preference(exchange, value);
    wait->responds_async = preferences.responds_async;
    if (!wait->is_asked && preferences.waits)
        wait->ms = preferences.wait_ms;
    wait->is_asked |= preferences.waits;
    if (wait->ms > max_ms)
        wait->ms = max_ms;
    return 0;
}

int wait_answer_applied(struct http_exchange *exchange, const struct wait_request *wait,
                        bool is_async)
{
    char applied[64] = "", time[32];
    bool is_whole = wait->ms % 1000 == 0;

    is_async = is_async && wait->responds_async;
    snprintf(time, sizeof(time), "wait=%" PRIu64 "%s", is_whole ? wait->ms / 1000 : wait->ms,
             is_whole ? "" : "ms");
    snprintf(applied, sizeof(applied), "%s%s%s", is_async ? "respond-async" : "",
             is_async && wait->is_asked ? ", " : "", wait->is_asked ? time : "");
    return *applied != '\0' ? http_answer_header(exchange, "Preference-Applied", applied) : 0;
}

/* --- Waiting ---------------------------------------------------------------------------------- */

struct waiting {
    struct jobs *jobs;
    bool (*is_wanted)(void *arg, const struct job_record *record);
    void *arg;
    struct job_record **record;
    struct job_watch watch;
};

static bool is_over(const struct waiting *waiting)
{
    const struct job_record *record = *waiting->record;

    return job_record_has_ended(record) ||
           (waiting->is_wanted != NULL && waiting->is_wanted(waiting->arg, record));
}

/* What woke us has brought the record, so a crowd need not ask the store. */
static int take_record(struct waiting *waiting)
{
    struct job_record *record = waiting->watch.record;

    if (record == NULL)
        return -ENOENT;
    job_record_unref(*waiting->record);
    *waiting->record = job_record_ref(record);
    return 0;
}

static CO_BLOCKS int wait_for_changes(struct waiting *waiting)
{
    int rc = jobs_renew(waiting->jobs, waiting->record);

    while (rc == 0 && !is_over(waiting)) {
        rc = job_watch_wait(&waiting->watch);
        if (rc == 0)
            rc = take_record(waiting);
    }
    return rc;
}

static CO_BLOCKS int wait_for_a_while(struct waiting *waiting, co_time time)
{
    struct co_scope scope;

    co_scope_enter(&scope, time);
    int rc = co_scope_exit(&scope, wait_for_changes(waiting));
    return rc == -ETIMEDOUT || rc == -ESHUTDOWN ? jobs_renew(waiting->jobs, waiting->record) : rc;
}

int wait_for_job(struct jobs *jobs, const struct wait_request *wait,
                 bool (*is_wanted)(void *arg, const struct job_record *record), void *arg,
                 struct job_record **record)
{
    struct waiting waiting = {.jobs = jobs, .is_wanted = is_wanted, .arg = arg, .record = record};

    if (!wait->is_asked || is_over(&waiting))
        return 0;
    if (is_wanted == NULL)
        job_watch_begin_for_end(jobs_watches(jobs), &waiting.watch, (*record)->number);
    else
        job_watch_begin(jobs_watches(jobs), &waiting.watch, (*record)->number);
    int rc = wait_for_a_while(&waiting, (co_time)wait->ms * CO_MILLISECOND);
    job_watch_end(&waiting.watch);
    return rc;
}
