/* What all that deals with stored batches calls them: their states, their ids, their times. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "daemon/model/ulid.h"

enum job_status { JOB_QUEUED, JOB_RUNNING, JOB_CANCELING, JOB_DONE, JOB_CANCELED, JOB_N_STATUSES };

const char *job_status_name(enum job_status status);

/* returns 0, -EINVAL */
int job_status_from_name(const char *name, enum job_status *ret_status);

#define JOB_ID_PREFIX "job_"
enum { JOB_ID_SIZE = sizeof(JOB_ID_PREFIX) + ULID_LENGTH };

/* No instant: they are microseconds since 1970. */
#define JOB_NEVER INT64_MIN

/* Whether text could be the id of a job. */
bool job_id_is_valid(const char *text);
