/* What a callback says: the body of the request that tells of a job's end. */
#pragma once

#include "daemon/base/buffer.h"
#include "daemon/model/job_record.h"

/* Appends {"type": "job.done", "timestamp", "data"}, where the data is the job as clients get it,
 * without results. record: of a job that has ended. returns 0; -ENOMEM, -EMSGSIZE: the buffer is as
 * before, or has a part of it */
int callback_payload(const struct job_record *record, struct buffer *out);
