#include "daemon/base/log_limit.h"

static bool has_room(const struct log_limit *limit, int64_t now_us)
{
    return limit->whole_at - now_us <= (int64_t)(LOG_LIMIT_BURST - 1) * LOG_LIMIT_PERIOD_US;
}

bool log_limit_take(struct log_limit *limit, int64_t now_us)
{
    if (!has_room(limit, now_us)) {
        limit->n_left_out++;
        return false;
    }
    limit->whole_at = (limit->whole_at > now_us ? limit->whole_at : now_us) + LOG_LIMIT_PERIOD_US;
    return true;
}

unsigned long log_limit_settle(struct log_limit *limit, int64_t now_us)
{
    unsigned long n = limit->n_left_out;

    if (!has_room(limit, now_us))
        return 0;
    limit->n_left_out = 0;
    return n;
}
