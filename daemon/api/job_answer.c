#include "daemon/api/job_answer.h"

#include <errno.h>
#include <stdio.h>

#include "daemon/api/answer.h"
#include "daemon/api/problem.h"
#include "daemon/engine/jobs.h"

int answer_job(struct http_exchange *exchange, int status, const struct job_record *record)
{
    struct json_writer w;
    struct buffer body;

    answer_begin(&w, &body);
    job_record_render(record, jobs_n_running(record), &w);
    return answer_json(exchange, status, &w, &body);
}

int answer_job_accepted(struct http_exchange *exchange, const struct job_record *record)
{
    char location[JOB_ID_SIZE + sizeof("/v1/jobs/")];

    snprintf(location, sizeof(location), "/v1/jobs/%s", record->id);
    int rc = http_answer_header(exchange, "Location", location);
    if (rc == 0)
        rc = http_answer_header(exchange, "Retry-After", "1");
    return rc < 0 ? rc : answer_job(exchange, 202, record);
}

static const struct {
    int rc;
    int status;
    const char *code;
    const char *detail;
} failures[] = {
    {-ENOSPC, 507, "store_full",
     "There is no room for another job: the disk has less than store.min_free_bytes left, or jobs "
     "that have not ended fill store.max_bytes or jobs.max_jobs. Make room on the disk, delete "
     "jobs, or raise the limit. Jobs that were accepted are safe."},
    {-EIO, 503, "store_failed",
     "The job store has failed, and gatherd ends: see its log and the disk. Jobs that were "
     "accepted are safe."},
};

int answer_store_failure(struct http_exchange *exchange, int rc)
{
    for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++)
        if (failures[i].rc == rc)
            return http_answer_header(exchange, "Retry-After", "10")
                       ?: http_answer_problem(exchange, failures[i].status, failures[i].code, "%s",
                                              failures[i].detail);
    return rc;
}

int answer_job_failure(struct http_exchange *exchange, int rc)
{
    if (rc >= 0)
        return 0;
    return rc == -ENOENT ? answer_no_such_job(exchange) : answer_store_failure(exchange, rc);
}
