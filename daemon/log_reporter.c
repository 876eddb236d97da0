#include "daemon/log_reporter.h"

#include "lib/co/co.h"

#include "daemon/base/log.h"
#include "daemon/base/log_limit.h"

static int report(void *arg, void **ret_result)
{
    int rc;

    (void)arg, (void)ret_result;
    while ((rc = co_sleep(LOG_LIMIT_PERIOD_US * CO_MICROSECOND)) == 0)
        log_report_left_out();
    return rc;
}

int log_reporter_start(struct co_task **ret_task)
{
    return co_create_task("log reporter", report, NULL, ret_task);
}
