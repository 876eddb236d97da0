#include "daemon/api/job_answer.h"

#include <errno.h>
#include <stdio.h>

#include "daemon/api/access.h"
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

static const struct {
    int rc;
    int status;
    const char *code;
    const char *retry_after;
    const char *detail;
} failures[] = {
    {-ENOSPC, 507, "store_full", "10",
     "The disk of the job store has too little space: store.min_free_bytes are to be left. Make "
     "room on it. Jobs that were accepted are safe."},
    {-ENOBUFS, 507, "store_full", "10",
     "There is no room in store.max_bytes: jobs that have not ended take it, or those that are "
     "being received take half of it. Wait for them, cancel some, or raise the limit."},
    {-EUSERS, 507, "store_full", "10",
     "There are jobs.max_jobs jobs already, and none has ended that could go. Wait for them, "
     "cancel some, or raise the limit."},
    {-EFBIG, 413, "too_large", NULL,
     "The requests of this job take more than half of store.max_bytes. Make several jobs of "
     "them, or raise the limit."},
    {-EIO, 503, "store_failed", "10",
     "The job store has failed, and gatherd ends: see its log and the disk. Jobs that were "
     "accepted are safe."},
    {-EBADMSG, 500, "job_damaged", NULL,
     "What is stored of this job is damaged. Deleting it forgets it; the others do not notice."},
};

static int answer_failure(struct http_exchange *exchange, size_t i)
{
    int rc = 0;

    if (failures[i].retry_after != NULL)
        rc = http_answer_header(exchange, "Retry-After", failures[i].retry_after);
    return rc
               ?: http_answer_problem(exchange, failures[i].status, failures[i].code, "%s",
                                      failures[i].detail);
}

int answer_over_quota(struct http_exchange *exchange, struct store *store, int rc)
{
    uint64_t n_queued;

    if (rc == -E2BIG)
        return quota_refuse_size(exchange, http_token(exchange));
    if (rc != -EDQUOT)
        return rc;
    rc = store_n_queued(store, access_tenant(exchange), &n_queued);
    return rc < 0 ? rc : quota_refuse_job(exchange, http_token(exchange), n_queued);
}

int answer_store_failure(struct http_exchange *exchange, int rc)
{
    for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++)
        if (failures[i].rc == rc)
            return answer_failure(exchange, i);
    return rc;
}

int answer_job_failure(struct http_exchange *exchange, int rc)
{
    if (rc >= 0)
        return 0;
    return rc == -ENOENT ? answer_no_such_job(exchange) : answer_store_failure(exchange, rc);
}
