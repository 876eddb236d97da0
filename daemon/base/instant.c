#include "daemon/base/instant.h"

#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "daemon/base/decimal.h"

#define US_PER_SECOND INT64_C(1000000)
#define US_PER_DAY    (86400 * US_PER_SECOND)
#define FIRST_INSTANT (-719528 * US_PER_DAY) /* 0000-01-01 */
#define END_INSTANT   (2932897 * US_PER_DAY) /* 10000-01-01 */
#define DAYS_PER_ERA  146097                 /* 400 years: then the calendar repeats */
#define DATE_LEN      (sizeof("2026-01-31T") - 1)
#define EPOCH_DAY     (719468 + DAYS_PER_ERA) /* 1970-01-01, in days since -400-03-01 */

struct date {
    uint32_t year, month, day;
};

int64_t instant_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec * US_PER_SECOND + now.tv_nsec / 1000;
}

/* Years begin in March here, so that a leap day is the last day of its year. The day is counted
 * from -400-03-01, so that no division meets a negative number. */
static struct date date_of_day(uint32_t day)
{
    uint32_t day_of_era = day % DAYS_PER_ERA;
    uint32_t leap_days = day_of_era / 1460 - day_of_era / 36524 + day_of_era / 146096;
    uint32_t year_of_era = (day_of_era - leap_days) / 365;
    uint32_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    uint32_t months_since_march = (5 * day_of_year + 2) / 153;
    bool after_new_year = months_since_march >= 10;

    return (struct date){
        .year = day / DAYS_PER_ERA * 400 + year_of_era - 400 + after_new_year,
        .month = after_new_year ? months_since_march - 9 : months_since_march + 3,
        .day = day_of_year - (153 * months_since_march + 2) / 5 + 1,
    };
}

static char *put_pair_and(char *out, uint32_t value, char separator)
{
    out = decimal_put_pair(out, value);
    *out++ = separator;
    return out;
}

static void write_date(char *out, struct date date)
{
    out = decimal_put_pair(out, date.year / 100);
    out = put_pair_and(out, date.year % 100, '-');
    out = put_pair_and(out, date.month, '-');
    put_pair_and(out, date.day, 'T');
}

/* Nearly all instants are of the same day as the one before. */
static char *put_date(char *out, uint32_t day)
{
    static _Thread_local struct {
        uint32_t day; /* 0 is no day that has a text */
        char text[DATE_LEN];
    } last;

    if (day != last.day) {
        write_date(last.text, date_of_day(day));
        last.day = day;
    }
    memcpy(out, last.text, DATE_LEN);
    return out + DATE_LEN;
}

static char *put_time(char *out, uint32_t second, uint32_t microsecond)
{
    out = put_pair_and(out, second / 3600, ':');
    out = put_pair_and(out, second / 60 % 60, ':');
    out = put_pair_and(out, second % 60, '.');
    out = decimal_put_pair(out, microsecond / 10000);
    out = decimal_put_pair(out, microsecond / 100 % 100);
    return put_pair_and(out, microsecond % 100, 'Z');
}

size_t instant_format(int64_t instant, char out[INSTANT_TEXT_LEN])
{
    if (instant < FIRST_INSTANT || instant >= END_INSTANT)
        return 0;

    uint64_t since = (uint64_t)(instant + EPOCH_DAY * US_PER_DAY);
    uint64_t of_day = since % US_PER_DAY;
    out = put_date(out, (uint32_t)(since / US_PER_DAY));
    put_time(out, (uint32_t)(of_day / US_PER_SECOND), (uint32_t)(of_day % US_PER_SECOND));
    return INSTANT_TEXT_LEN;
}
