/* A client's document of a schedule: when, and the document of the job.
 *
 * The job is checked as it would be by POST /v1/jobs, wholly; what is wrong with it is noted with
 * pointers that begin with /job. It is kept as text, and read again whenever it is due.
 */
#pragma once

#include "daemon/base/cron.h"
#include "daemon/model/intake.h"
#include "daemon/model/parse.h"
#include "daemon/model/schedule.h"

/* Bytes of the document of the job, as compact JSON: its members may have any order. */
enum { SCHEDULE_JOB_MAX = INTAKE_WHOLE_MAX };

#define SCHEDULE_EVERY_MIN_US INT64_C(1000000)
#define SCHEDULE_EVERY_MAX_US (INT64_C(366) * 86400 * 1000000)

struct schedule_document {
    struct job_spec *spec; /* owns all texts; its name and labels are the schedule's */
    int64_t every_us;      /* 0: by cron */
    const char *cron;      /* NULL: by interval */
    struct cron times;
    int64_t jitter_us;
    enum schedule_overlap overlap;
    bool is_paused;
    const char *job;
    size_t job_length;
};

/* Parses one, on any thread: large ones take as long as a job's.
 *
 * returns    0: the caller owes one schedule_document_done(); 1: refused; -ENOMEM
 */
int schedule_parse(const struct parse_settings *settings, const char *bytes, size_t length,
                   struct defect_list *defects, struct parse_refusal *ret_refusal,
                   struct schedule_document *ret_document);
void schedule_document_done(struct schedule_document *document);
