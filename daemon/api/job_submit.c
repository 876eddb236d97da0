/* POST /v1/jobs: a document is checked and stored while it comes, whatever its size, and answered
 * when all of it is on disk. What does not get that far leaves nothing behind. */
#include <errno.h>
#include <string.h>

#include "lib/co/co.h"

#include "daemon/api/answer.h"
#include "daemon/api/api.h"
#include "daemon/api/job_accepted.h"
#include "daemon/api/job_answer.h"
#include "daemon/api/keyed_job.h"
#include "daemon/model/intake.h"

/* Between two slices others have a turn. */
enum { SLICE_BYTES = 32 * 1024 };

struct submission {
    struct http_exchange *exchange;
    struct api *api;
    const char *content_type;
    struct keyed_job keyed;
    struct intake *intake; /* NULL: the document is only compared with an earlier one */
    struct store_upload *upload;
    uint64_t n_queued;      /* items of the tenant's jobs, when they were last counted */
    struct job_record *job; /* what has come of it; NULL: none, and that has been answered */
};

static void submission_done(struct submission *submission)
{
    store_upload_free(submission->upload);
    intake_free(submission->intake);
    job_record_unref(submission->job);
    keyed_job_done(&submission->keyed);
}

/* --- The document ----------------------------------------------------------------------------- */

static int take_slice(struct submission *submission, const char *bytes, size_t n)
{
    submit_key_add(&submission->keyed.key, bytes, n);
    int rc = submission->intake != NULL ? intake_write(submission->intake, bytes, n) : 0;
    return rc == 0 ? co_sleep(0) : rc;
}

static int take_bytes(struct submission *submission, const char *bytes, size_t n)
{
    int rc = 0;

    for (size_t slice; n > 0 && rc == 0; bytes += slice, n -= slice) {
        slice = n < SLICE_BYTES ? n : SLICE_BYTES;
        rc = take_slice(submission, bytes, slice);
    }
    return rc;
}

/* returns 0; 1: it was refused; -errno */
static int receive(struct submission *submission)
{
    const char *bytes;
    ssize_t n;

    while ((n = http_body_read(submission->exchange, &bytes)) > 0) {
        int rc = take_bytes(submission, bytes, (size_t)n);
        if (rc != 0)
            return rc;
    }
    return n < 0 ? (int)n : submit_key_end(&submission->keyed.key);
}

/* --- An earlier document with the same key ---------------------------------------------------- */

static int submit_again(struct submission *submission)
{
    int rc = receive(submission);

    return rc < 0 ? rc : keyed_job_decide(&submission->keyed, &submission->job);
}

/* --- A new one -------------------------------------------------------------------------------- */

/* Where no more would be taken there is no need to receive it. Jobs may have ended since the queue
 * was counted. returns 0; -EDQUOT: n_items are too many; -E2BIG: they always are; -errno */
static int check_quota(struct submission *submission, uint64_t n_items)
{
    uint64_t max = access_max_queued(submission->exchange);

    if (max == 0 || submission->n_queued + n_items <= max)
        return 0;
    if (n_items > max)
        return -E2BIG;
    int rc =
        store_n_queued(submission->api->store, submission->keyed.key.tenant, &submission->n_queued);
    return rc == 0 && submission->n_queued + n_items > max ? -EDQUOT : rc;
}

static int put_chunk(void *arg, const struct job_chunk *chunk)
{
    struct submission *submission = arg;
    int rc = check_quota(submission, (uint64_t)chunk->first + chunk->n_items);

    if (rc == 0)
        rc = store_upload_add(submission->upload, chunk);
    return rc < 0 ? rc : co_sleep(0);
}

static int on_a_thread(co_fn *fn, void *arg)
{
    return co_to_thread(fn, arg, NULL, NULL);
}

/* Taken to be full, it is counted; without a quota it need not be. */
static int count_queue(struct submission *submission)
{
    submission->n_queued = access_max_queued(submission->exchange);
    return check_quota(submission, 1);
}

static int open_upload(struct submission *submission)
{
    struct api *api = submission->api;
    enum store_health health = store_health(api->store);

    if (health != STORE_OK)
        return health == STORE_FULL ? -ENOSPC : -EIO;
    int rc = count_queue(submission);
    if (rc == 0)
        rc = store_upload_new(api->store, &submission->upload);
    if (rc < 0)
        return rc;
    const struct intake_sink sink = {
        .put = put_chunk,
        .arg = submission,
        .elsewhere = on_a_thread,
    };
    return intake_new(&submission->intake, api->parse, submission->content_type, &sink);
}

static int answer_refused(const struct submission *submission)
{
    return answer_refusal(submission->exchange, intake_refusal(submission->intake),
                          intake_defects(submission->intake));
}

static int accept_job(struct submission *submission)
{
    const struct job_owner owner = keyed_job_owner(&submission->keyed);
    struct job_record *record;
    int rc =
        jobs_accept(submission->api->jobs, submission->upload, submission->intake, &owner, &record);

    if (rc == -EEXIST) {
        job_record_unref(record);
        return keyed_job_find(&submission->keyed)
                   ?: keyed_job_decide(&submission->keyed, &submission->job);
    }
    if (rc == 0)
        submission->job = record;
    return rc;
}

static int submit_new(struct submission *submission)
{
    int rc = open_upload(submission);

    if (rc == 0)
        rc = receive(submission);
    if (rc == 0)
        rc = intake_end(submission->intake);
    if (rc == 1)
        return answer_refused(submission);
    return rc < 0 ? rc : accept_job(submission);
}

/* What a submission holds is let go of before anybody waits for its job. */
static int take_in(struct http_exchange *exchange, struct api *api, struct job_record **ret_record)
{
    CO_CLEANUP(submission_done)
    struct submission submission = {
        .exchange = exchange,
        .api = api,
        .content_type = http_header(exchange, "Content-Type"),
    };
    int rc = keyed_job_begin(&submission.keyed, exchange, api, submission.content_type);

    if (rc != 0)
        return rc < 0 ? rc : 0;
    rc = keyed_job_find(&submission.keyed);
    if (rc == 0)
        rc = submit_again(&submission);
    else if (rc == -ENOENT)
        rc = submit_new(&submission);
    *ret_record = co_take(submission.job);
    return rc;
}

int job_submit(struct http_exchange *exchange, void *arg)
{
    struct api *api = arg;
    CO_CLEANUP(job_record_unrefp) struct job_record *record = NULL;
    struct wait_request wait;
    int rc = job_accepted_read_wait(exchange, api, &wait);

    if (rc == 0)
        rc = take_in(exchange, api, &record);
    if (rc == 0 && record != NULL)
        rc = job_accepted_answer(exchange, api, &wait, &record);
    rc = answer_over_quota(exchange, api->store, rc);
    return answer_store_failure(exchange, rc);
}
