#include "daemon/base/http_date.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "daemon/base/decimal.h"

#define US_PER_SECOND INT64_C(1000000)
#define US_PER_DAY    (86400 * US_PER_SECOND)
#define US_PER_YEAR   (31556952 * US_PER_SECOND) /* of the calendar's 400, on average */
#define END_INSTANT   (2932897 * US_PER_DAY)     /* 10000-01-01 */

enum { FIRST_DAY_OF_1970 = 719468, YEARS_AHEAD_MAX = 50 };

struct date {
    int year, month, day, hour, minute, second;
};

/* The forms: 'd' is a digit, 's' a digit or a blank before one; 'W' and 'm' are the names of a day
 * and a month, 'L' the long name of a day. All else stands for itself. */
static const struct form {
    const char *pattern;
    const char *fields; /* what the numbers are, in order: Year, Day, Hour, mInute, Second */
    bool has_short_year;
} forms[] = {
    {"W, dd m dddd dd:dd:dd GMT", "DYHIS", false},
    {"L, dd-m-dd dd:dd:dd GMT", "DYHIS", true},
    {"W m sd dd:dd:dd dddd", "DHISY", false},
};

static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
static const char *const days[] = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                   "Friday", "Saturday", "Sunday"};

enum { SHORT_NAME = 3, N_MONTHS = 12, N_DAYS = 7 };

/* --- Reading ---------------------------------------------------------------------------------- */

/* returns the length of the name that the text begins with; 0: none of them */
static size_t match_name(const char *text, const char *const *names, int n_names, bool is_short,
                         int *ret_index)
{
    for (int i = 0; i < n_names; i++) {
        size_t length = is_short ? SHORT_NAME : strlen(names[i]);
        if (strncmp(text, names[i], length) == 0) {
            *ret_index = i;
            return length;
        }
    }
    return 0;
}

/* Reads digits as long as the pattern has them. returns how many; 0: something else is there */
static size_t match_number(const char *text, const char *pattern, int *ret_number)
{
    size_t n = 0;

    *ret_number = 0;
    for (; pattern[n] == 'd' || pattern[n] == 's'; n++) {
        if (pattern[n] == 's' && text[n] == ' ')
            continue;
        if (text[n] < '0' || text[n] > '9')
            return 0;
        *ret_number = 10 * *ret_number + (text[n] - '0');
    }
    return n;
}

static int *field_of(struct date *date, char field)
{
    switch (field) {
    case 'Y':
        return &date->year;
    case 'D':
        return &date->day;
    case 'H':
        return &date->hour;
    case 'I':
        return &date->minute;
    default:
        return &date->second;
    }
}

/* One step through pattern and text. returns how far the text goes on; 0: it does not match */
static size_t match_step(const char *text, const char **pattern, const char **fields,
                         struct date *ret_date)
{
    size_t n;
    int ignored;

    switch (**pattern) {
    case 'W':
        return match_name(text, days, N_DAYS, true, &ignored);
    case 'L':
        return match_name(text, days, N_DAYS, false, &ignored);
    case 'm':
        return match_name(text, months, N_MONTHS, true, &ret_date->month);
    case 'd':
    case 's':
        n = match_number(text, *pattern, field_of(ret_date, *(*fields)++));
        *pattern += n > 0 ? n - 1 : 0;
        return n;
    default:
        return *text == **pattern;
    }
}

static bool match(const char *text, const struct form *form, struct date *ret_date)
{
    const char *fields = form->fields;

    for (const char *pattern = form->pattern; *pattern != '\0'; pattern++) {
        size_t n = match_step(text, &pattern, &fields, ret_date);
        if (n == 0)
            return false;
        text += n;
    }
    return *text == '\0';
}

/* --- The calendar ----------------------------------------------------------------------------- */

static bool is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static bool is_valid(const struct date *date)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int length = lengths[date->month] + (date->month == 1 && is_leap(date->year));

    /* The 60th second is a leap second, which our clocks do not have: it is the next one's first.
     */
    return date->day >= 1 && date->day <= length && date->hour <= 23 && date->minute <= 59 &&
           date->second <= 60;
}

/* Days since 1970. Years begin in March here, so that a leap day is the last day of its year. */
static int64_t day_number(const struct date *date)
{
    int year = date->year - (date->month < 2) + 400; /* not negative, whatever the date */
    int month = (date->month + 10) % 12;             /* since March */
    int64_t leap_days = year / 4 - year / 100 + year / 400;

    return INT64_C(365) * year + leap_days + (153 * month + 2) / 5 + date->day - 1 - 146097 -
           FIRST_DAY_OF_1970;
}

static int64_t instant_of(const struct date *date)
{
    int64_t second = 3600 * date->hour + 60 * date->minute + date->second;

    return day_number(date) * US_PER_DAY + second * US_PER_SECOND;
}

/* The leap second behind the last day there is would be one of the year 10000, which nobody can
 * write. returns 0, -EINVAL */
static int find_instant(const struct date *date, int64_t *ret_instant)
{
    int64_t instant = is_valid(date) ? instant_of(date) : END_INSTANT;

    if (instant >= END_INSTANT)
        return -EINVAL;
    *ret_instant = instant;
    return 0;
}

/* A year of two digits: the latest there is, if not more than 50 years from now. */
static void complete_year(struct date *date, int64_t now)
{
    int this_year = 1970 + (int)(now / US_PER_YEAR);
    int latest = this_year + YEARS_AHEAD_MAX;

    date->year += (latest - date->year) / 100 * 100;
}

int http_date_parse(const char *text, int64_t now, int64_t *ret_instant)
{
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        struct date date = {0};
        if (!match(text, &forms[i], &date))
            continue;
        if (forms[i].has_short_year)
            complete_year(&date, now);
        return find_instant(&date, ret_instant);
    }
    return -EINVAL;
}

/* --- Writing ---------------------------------------------------------------------------------- */

/* The inverse of day_number(), with the same years. */
static struct date date_of_day(int64_t day)
{
    int64_t since_0 = day + FIRST_DAY_OF_1970;
    int64_t era = (since_0 >= 0 ? since_0 : since_0 - 146096) / 146097; /* of 400 years */
    int in_era = (int)(since_0 - era * 146097);
    int year = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
    int in_year = in_era - (365 * year + year / 4 - year / 100);
    int month = (5 * in_year + 2) / 153; /* since March */

    return (struct date){
        .year = (int)era * 400 + year + (month >= 10),
        .month = (month + 2) % N_MONTHS,
        .day = in_year - (153 * month + 2) / 5 + 1,
    };
}

static char *put_text(char *at, const char *text, size_t length)
{
    memcpy(at, text, length);
    return at + length;
}

void http_date_format(int64_t instant, char text[static HTTP_DATE_SIZE])
{
    int64_t day = instant / US_PER_DAY - (instant % US_PER_DAY < 0);
    uint32_t second = (uint32_t)((instant - day * US_PER_DAY) / US_PER_SECOND);
    struct date date = date_of_day(day);
    char *at = put_text(text, days[((day + 3) % N_DAYS + N_DAYS) % N_DAYS], SHORT_NAME);

    at = put_text(at, ", ", 2);
    at = decimal_put_pair(at, (uint32_t)date.day);
    *at++ = ' ';
    at = put_text(at, months[date.month], SHORT_NAME);
    *at++ = ' ';
    at = decimal_put_pair(at, (uint32_t)date.year / 100);
    at = decimal_put_pair(at, (uint32_t)date.year % 100);
    *at++ = ' ';
    at = decimal_put_pair(at, second / 3600);
    *at++ = ':';
    at = decimal_put_pair(at, second / 60 % 60);
    *at++ = ':';
    at = decimal_put_pair(at, second % 60);
    memcpy(at, " GMT", sizeof(" GMT"));
}

/* --- Reading what was written ----------------------------------------------------------------- */

/* returns -1: these are not two digits */
static int read_pair(const char *text)
{
    unsigned tens = (unsigned)(text[0] - '0'), ones = (unsigned)(text[1] - '0');

    return tens <= 9 && ones <= 9 ? (int)(10 * tens + ones) : -1;
}

static int read_month(const char *text)
{
    int month = 0;

    while (month < N_MONTHS && memcmp(text, months[month], SHORT_NAME) != 0)
        month++;
    return month < N_MONTHS ? month : -1;
}

/* Only that there are numbers is looked at here: writing them again tells whether they are sound.
 */
int http_date_parse_fixdate(const char *text, int64_t *ret_instant)
{
    enum { DAY = 5, MONTH = 8, CENTURY = 12, YEAR = 14, HOUR = 17, MINUTE = 20, SECOND = 23 };
    char canonical[HTTP_DATE_SIZE];
    int64_t instant;

    if (strnlen(text, HTTP_DATE_SIZE) != HTTP_DATE_SIZE - 1)
        return -EINVAL;
    int day = read_pair(text + DAY), month = read_month(text + MONTH);
    int century = read_pair(text + CENTURY), year = read_pair(text + YEAR);
    int hour = read_pair(text + HOUR), minute = read_pair(text + MINUTE);
    int second = read_pair(text + SECOND);
    if ((day | month | century | year | hour | minute | second) < 0)
        return -EINVAL;
    const struct date date = {100 * century + year, month, day, hour, minute, second};
    if (find_instant(&date, &instant) < 0)
        return -EINVAL;
    http_date_format(instant, canonical);
    if (memcmp(text, canonical, sizeof(canonical)) != 0)
        return -EINVAL;
    *ret_instant = instant;
    return 0;
}
