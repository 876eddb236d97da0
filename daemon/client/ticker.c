#include "daemon/client/ticker.h"

static int run(void *arg, void **ret_result)
{
    struct ticker *ticker = arg;
    int rc;

    (void)ret_result;
    while ((rc = co_sleep(ticker->interval)) == 0)
        ticker->tick(ticker->arg);
    return rc;
}

int ticker_begin(struct ticker *ticker, co_time interval, void (*tick)(void *arg), void *arg)
{
    *ticker = (struct ticker){.tick = tick, .arg = arg, .interval = interval};
    co_group_enter(&ticker->group, CO_NEVER);
    int rc = co_group_spawn(&ticker->group, "ticker", run, ticker, NULL);
    return rc < 0 ? co_group_exit(&ticker->group, rc) : 0;
}

int ticker_end(struct ticker *ticker, int rc)
{
    co_group_cancel(&ticker->group, 0, "it is over");
    int group_rc = co_group_exit(&ticker->group, 0);

    return rc < 0 ? rc : group_rc;
}
