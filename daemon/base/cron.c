#include "daemon/base/cron.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

enum { MINUTES_PER_DAY = 24 * 60, MAX_MONTHS = 400 * 12, N_FIELDS = 5 };

#define MINUTE_US INT64_C(60000000)
#define BLANKS    " \t"

/* --- Reading ---------------------------------------------------------------------------------- */

struct field {
    const char *name;
    unsigned min, max;
    const char *const *words; /* for min, min + 1, ...; ends with NULL */
};

static const char *const no_words[] = {NULL};
static const char *const month_words[] = {"jan", "feb", "mar", "apr", "may", "jun", "jul",
                                          "aug", "sep", "oct", "nov", "dec", NULL};
static const char *const weekday_words[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat", NULL};

enum { MINUTE, HOUR, DAY, MONTH, WEEKDAY };
enum { SUNDAY_AGAIN = 7 };

static const struct field fields[N_FIELDS] = {
    [MINUTE] = {"minute", 0, 59, no_words},
    [HOUR] = {"hour", 0, 23, no_words},
    [DAY] = {"day of the month", 1, 31, no_words},
    [MONTH] = {"month", 1, 12, month_words},
    [WEEKDAY] = {"day of the week", 0, SUNDAY_AGAIN, weekday_words},
};

static const struct {
    const char *name, *meaning;
} macros[] = {
    {"@yearly", "0 0 1 1 *"}, {"@annually", "0 0 1 1 *"}, {"@monthly", "0 0 1 * *"},
    {"@weekly", "0 0 * * 0"}, {"@daily", "0 0 * * *"},    {"@midnight", "0 0 * * *"},
    {"@hourly", "0 * * * *"},
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* At most three digits: more are out of any range. returns 0, -EINVAL */
static int read_number(const char **at, unsigned *ret_number)
{
    const char *start = *at;
    unsigned number = 0;

    for (; is_digit(**at) && *at - start < 3; ++*at)
        number = number * 10 + (unsigned)(**at - '0');
    *ret_number = number;
    return *at == start || is_digit(**at) ? -EINVAL : 0;
}

static int read_word(const struct field *field, const char **at, unsigned *ret_value)
{
    for (unsigned i = 0; field->words[i] != NULL; i++) {
        if (strncasecmp(*at, field->words[i], strlen(field->words[i])) == 0) {
            *at += strlen(field->words[i]);
            *ret_value = field->min + i;
            return 0;
        }
    }
    return -EINVAL;
}

static int read_value(const struct field *field, const char **at, unsigned *ret_value)
{
    int rc = is_digit(**at) ? read_number(at, ret_value) : read_word(field, at, ret_value);

    return rc == 0 && (*ret_value < field->min || *ret_value > field->max) ? -EINVAL : rc;
}

struct range {
    unsigned first, last, step;
};

/* "sat-sun" ends with the other Sunday. */
static int read_end(const struct field *field, const char **at, struct range *range)
{
    int rc = read_value(field, at, &range->last);

    if (field == &fields[WEEKDAY] && range->last == 0 && range->first > 0)
        range->last = SUNDAY_AGAIN;
    return rc == 0 && range->last < range->first ? -EINVAL : rc;
}

/* "*", "7" or "1-5" */
static int read_bounds(const struct field *field, const char **at, struct range *range)
{
    *range = (struct range){field->min, field->max, 1};
    if (**at == '*') {
        ++*at;
        return 0;
    }
    int rc = read_value(field, at, &range->first);
    if (rc < 0)
        return rc;
    if (**at == '-') {
        ++*at;
        return read_end(field, at, range);
    }
    range->last = **at == '/' ? field->max : range->first;
    return 0;
}

static int read_range(const struct field *field, const char **at, struct range *range)
{
    int rc = read_bounds(field, at, range);

    if (rc < 0 || **at != '/')
        return rc;
    ++*at;
    rc = read_number(at, &range->step);
    return rc == 0 && range->step == 0 ? -EINVAL : rc;
}

/* Up to a blank or the end. */
static int read_field(const struct field *field, const char **at, uint64_t *ret_set)
{
    struct range range;
    bool goes_on;

    *ret_set = 0;
    do {
        int rc = read_range(field, at, &range);
        if (rc < 0)
            return rc;
        for (unsigned i = range.first; i <= range.last; i += range.step)
            *ret_set |= UINT64_C(1) << i;
        goes_on = **at == ',';
        *at += goes_on;
    } while (goes_on);
    return **at == '\0' || strchr(BLANKS, **at) != NULL ? 0 : -EINVAL;
}

/* returns 0, -EINVAL */
static int expand(const char **text, struct err *err)
{
    for (size_t i = 0; i < sizeof(macros) / sizeof(*macros); i++) {
        if (strcasecmp(*text, macros[i].name) == 0) {
            *text = macros[i].meaning;
            return 0;
        }
    }
    if (**text != '@')
        return 0;
    return err_set(err, -EINVAL,
                   "\"%.20s\" is no such time: there are @yearly, @annually, @monthly, @weekly, "
                   "@daily, @midnight and @hourly",
                   *text);
}

static int refuse_field(const struct field *field, const char *at, struct err *err)
{
    if (*at == '\0')
        return err_set(err, -EINVAL, "the %s is missing: there are to be five fields", field->name);
    return err_set(err, -EINVAL, "\"%.*s\" is no %s: %u to %u%s, with lists, ranges and steps",
                   (int)strcspn(at, BLANKS), at, field->name, field->min, field->max,
                   field->words[0] != NULL ? " or names of three letters" : "");
}

static int read_fields(const char *at, uint64_t sets[N_FIELDS], bool has_star[N_FIELDS],
                       struct err *err)
{
    for (size_t i = 0; i < N_FIELDS; i++) {
        const char *start = at += strspn(at, BLANKS);
        has_star[i] = *at == '*';
        if (read_field(&fields[i], &at, &sets[i]) < 0)
            return refuse_field(&fields[i], start, err);
    }
    at += strspn(at, BLANKS);
    return *at == '\0' ? 0 : err_set(err, -EINVAL, "there are more than five fields: \"%s\"", at);
}

/* --- Days ------------------------------------------------------------------------------------- */

static int days_of_month(const struct tm *date)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int year = date->tm_year + 1900;
    bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return days[date->tm_mon] + (date->tm_mon == 1 && is_leap);
}

static bool day_matches(const struct cron *cron, const struct tm *date)
{
    bool is_day = (cron->days >> date->tm_mday & 1) != 0;
    bool is_weekday = (cron->weekdays >> date->tm_wday & 1) != 0;

    return cron->either_day ? is_day || is_weekday : is_day && is_weekday;
}

static void skip_days(struct tm *date, int n)
{
    date->tm_mday += n;
    date->tm_wday = (date->tm_wday + n) % 7;
    date->tm_hour = date->tm_min = 0;
}

/* From a day of the month before, or the one that would follow its last. */
static void begin_month(struct tm *date)
{
    skip_days(date, days_of_month(date) + 1 - date->tm_mday);
    date->tm_mday = 1;
    date->tm_year += date->tm_mon == 11;
    date->tm_mon = (date->tm_mon + 1) % 12;
}

/* Goes on to the first time of the day that is not over yet. returns whether there is one */
static bool find_time(const struct cron *cron, struct tm *date)
{
    for (; date->tm_hour < 24; date->tm_hour++, date->tm_min = 0) {
        uint64_t minutes = cron->minutes >> date->tm_min << date->tm_min;
        if ((cron->hours >> date->tm_hour & 1) == 0 || minutes == 0)
            continue;
        date->tm_min = __builtin_ctzll(minutes);
        return true;
    }
    return false;
}

static bool find_in_month(const struct cron *cron, struct tm *date)
{
    int n_days = days_of_month(date);

    for (; date->tm_mday <= n_days; skip_days(date, 1))
        if (day_matches(cron, date) && find_time(cron, date))
            return true;
    return false;
}

/* The calendar is the same every 400 years: what has not come by then never does. */
static bool find(const struct cron *cron, struct tm *date)
{
    for (int n = 0; n <= MAX_MONTHS; n++) {
        if ((cron->months >> (date->tm_mon + 1) & 1) != 0 && find_in_month(cron, date))
            return true;
        begin_month(date);
    }
    return false;
}

/* --- For all ---------------------------------------------------------------------------------- */

int cron_parse(const char *text, struct cron *ret_cron, struct err *err)
{
    uint64_t sets[N_FIELDS] = {0};
    bool has_star[N_FIELDS] = {false};
    int rc = expand(&text, err);

    if (rc == 0)
        rc = read_fields(text, sets, has_star, err);
    if (rc < 0)
        return rc;
    const struct cron cron = {
        .minutes = sets[MINUTE],
        .hours = (uint32_t)sets[HOUR],
        .days = (uint32_t)sets[DAY],
        .months = (uint32_t)sets[MONTH],
        .weekdays = (uint32_t)(sets[WEEKDAY] | sets[WEEKDAY] >> SUNDAY_AGAIN),
        .either_day = !has_star[DAY] && !has_star[WEEKDAY],
    };
    struct tm epoch = {.tm_year = 70, .tm_mday = 1, .tm_wday = 4};
    if (!find(&cron, &epoch))
        return err_set(err, -EINVAL, "there is no such day, so it would never run");
    *ret_cron = cron;
    return 0;
}

int64_t cron_next(const struct cron *cron, int64_t after)
{
    int64_t minute = (after - (after % MINUTE_US + MINUTE_US) % MINUTE_US) / MINUTE_US + 1;
    time_t seconds = (time_t)(minute * 60);
    struct tm date;

    gmtime_r(&seconds, &date);
    if (!find(cron, &date))
        return INT64_MAX; /* cron_parse() has seen that there is one */
    return (int64_t)timegm(&date) * 1000000;
}

static bool is_time(const struct cron *cron, int minute_of_day)
{
    return (cron->hours >> (minute_of_day / 60) & 1) != 0 &&
           (cron->minutes >> (minute_of_day % 60) & 1) != 0;
}

int64_t cron_min_gap_us(const struct cron *cron)
{
    int first = -1, last = -1, gap = MINUTES_PER_DAY;

    for (int i = 0; i < MINUTES_PER_DAY; i++) {
        if (!is_time(cron, i))
            continue;
        if (first < 0)
            first = i;
        else if (i - last < gap)
            gap = i - last;
        last = i;
    }
    int over_night = MINUTES_PER_DAY - last + first;
    return (over_night < gap ? over_night : gap) * MINUTE_US;
}
