#include "daemon/model/job.h"

#include <errno.h>
#include <string.h>

static const char *const status_names[JOB_N_STATUSES] = {
    [JOB_QUEUED] = "queued", [JOB_RUNNING] = "running",   [JOB_CANCELING] = "canceling",
    [JOB_DONE] = "done",     [JOB_CANCELED] = "canceled",
};

const char *job_status_name(enum job_status status)
{
    return status_names[status];
}

int job_status_from_name(const char *name, enum job_status *ret_status)
{
    for (enum job_status i = 0; i < JOB_N_STATUSES; i++) {
        if (strcmp(status_names[i], name) == 0) {
            *ret_status = i;
            return 0;
        }
    }
    return -EINVAL;
}

bool job_id_is_valid(const char *text)
{
    size_t prefix = strlen(JOB_ID_PREFIX);

    return strncmp(text, JOB_ID_PREFIX, prefix) == 0 && strlen(text) == JOB_ID_SIZE - 1 &&
           strspn(text + prefix, ulid_digits) == ULID_LENGTH;
}
