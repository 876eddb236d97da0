#include "daemon/api/schedule_answer.h"

#include <errno.h>

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
    {-EBADMSG, 500, "schedule_damaged", "What is stored of this schedule is damaged."},
};

int answer_schedule_failure(struct http_exchange *exchange, int rc)
{
    for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++)
        if (failures[i].rc == rc)
            return http_answer_problem(exchange, failures[i].status, failures[i].code, "%s",
                                       failures[i].detail);
    return rc >= 0 ? 0 : answer_store_failure(exchange, rc);
}
