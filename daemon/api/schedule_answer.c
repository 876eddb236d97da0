#include "daemon/api/schedule_answer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "daemon/api/answer.h"
#include "daemon/api/job_answer.h"
#include "daemon/api/problem.h"

int answer_schedule(struct http_exchange *exchange, int status, const struct schedule *schedule,
                    const struct schedule_share *shares)
{
    struct json_writer w;
    struct buffer body;

    answer_begin(&w, &body);
    schedule_render(schedule, shares, &w);
    return answer_json(exchange, status, &w, &body);
}

/* --- A run by hand ---------------------------------------------------------------------------- */

static int answer_started(struct http_exchange *exchange, const struct schedule_run *run)
{
    char location[JOB_ID_SIZE + sizeof("/v1/jobs/")];
    struct json_writer w;
    struct buffer body;

    snprintf(location, sizeof(location), "/v1/jobs/%s", run->job_id);
    int rc = http_answer_header(exchange, "Location", location);
    if (rc < 0)
        return rc;
    answer_begin(&w, &body);
    schedule_run_render(run, &w);
    return answer_json(exchange, 202, &w, &body);
}

/* Why there is no job, as POST /v1/jobs would answer it; the last row is for all other codes, which
 * are about the document. */
static const struct {
    int status;
    const char *code;
    const char *detail;
    const char *retry_after;
} refusals[] = {
    {507, "store_full", "there is no room for its job.", "10"},
    {429, "quota_exceeded", "with its job the tenant would have too many items.", "10"},
    {413, "too_many_items", "its job alone has more items than the tenant may have.", NULL},
    {413, "too_large", "its requests take more than half of store.max_bytes.", NULL},
    {503, "resource_exhausted", "there is not enough memory for its job.", "1"},
    {500, "schedule_damaged", "what is stored of its job is damaged.", NULL},
    {422, NULL, "its job is not taken as it is: POST /v1/jobs says what is wrong with it.", NULL},
};

static int answer_not_started(struct http_exchange *exchange, const struct schedule_run *run)
{
    int rc = 0;
    size_t i = 0;

    while (refusals[i].code != NULL && strcmp(refusals[i].code, run->code) != 0)
        i++;
    if (refusals[i].retry_after != NULL)
        rc = http_answer_header(exchange, "Retry-After", refusals[i].retry_after);
    return rc
               ?: http_answer_problem(exchange, refusals[i].status, run->code,
                                      "Run %" PRId64 " of the schedule could not be started: %s",
                                      run->number, refusals[i].detail);
}

int answer_schedule_run(struct http_exchange *exchange, const struct schedule_run *run)
{
    return run->state == RUN_STATE_FAILED ? answer_not_started(exchange, run)
                                          : answer_started(exchange, run);
}

/* --- Failures --------------------------------------------------------------------------------- */

static const struct {
    int rc;
    int status;
    const char *code;
    const char *detail;
} failures[] = {
    {-ENOENT, 404, "schedule_not_found",
     "There is no such schedule: it never existed, or was deleted."},
    {-EBUSY, 409, "schedule_running",
     "A run of this schedule has not ended: wait for its end, or cancel its job."},
    {-EDQUOT, 429, "too_many_schedules",
     "There are as many schedules as there may be (schedules.max_schedules): delete one."},
    {-EBADMSG, 500, "schedule_damaged",
     "What is stored of this schedule is damaged. Deleting it forgets it; the others do not "
     "notice."},
};

int answer_schedule_failure(struct http_exchange *exchange, int rc)
{
    for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++)
        if (failures[i].rc == rc)
            return http_answer_problem(exchange, failures[i].status, failures[i].code, "%s",
                                       failures[i].detail);
    return rc >= 0 ? 0 : answer_store_failure(exchange, rc);
}
