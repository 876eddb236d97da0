#include "daemon/base/http_date.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define US_PER_SECOND INT64_C(1000000)
#define US_PER_DAY    (86400 * US_PER_SECOND)
#define US_PER_YEAR   (31556952 * US_PER_SECOND) /* of the calendar's 400, on average */

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
        if (!is_valid(&date))
            return -EINVAL;
        *ret_instant = instant_of(&date);
        return 0;
    }
    return -EINVAL;
}
