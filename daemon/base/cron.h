/* Times of a calendar, as cron says them: "30 4 1,15 * mon-fri", minute by minute, in UTC.
 *
 * Five fields, with blanks between them:
 *
 *     minute         0-59
 *     hour           0-23
 *     day of month   1-31
 *     month          1-12, or jan-dec
 *     day of week    0-7, or sun-sat; 0 and 7 are both Sunday
 *
 * A field is a list of ranges ("1-5"), single values and "*", each with a step if need be: "*"
 * "/15" is 0,15,30,45, and "5/20" is from 5 to the end by 20. If days of the month and of the week
 * are both restricted, that is, begin with no "*", a day is meant if either says so. @yearly
 * (@annually),
 * @monthly, @weekly, @daily (@midnight) and @hourly stand for what they mean.
 *
 * source  Paul Vixie's crontab(5); the lone start with a step is that of many others
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/err.h"

enum { CRON_TEXT_MAX = 256 };

/* Bit n: it may be n. */
struct cron {
    uint64_t minutes;
    uint32_t hours;
    uint32_t days;     /* from bit 1 */
    uint32_t months;   /* from bit 1 */
    uint32_t weekdays; /* Sunday is bit 0 */
    bool either_day;   /* days or weekdays will do; else it takes both */
};

/* returns 0; -EINVAL with a sentence in err: it is no expression, or one of a day that never comes
 */
int cron_parse(const char *text, struct cron *ret_cron, struct err *err);

/* The first time after an instant: microseconds since 1970, always a whole minute. */
int64_t cron_next(const struct cron *cron, int64_t after);

/* Two times are at least so many microseconds apart, a day at most: all days taken for alike. */
int64_t cron_min_gap_us(const struct cron *cron);
