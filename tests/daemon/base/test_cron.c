/* Times of a calendar, against an oracle that looks at every minute and at the text itself. */
#include "daemon/base/cron.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "tests/support/random.h"

#define SECOND INT64_C(1000000)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

/* "2026-01-31 12:00" */
static int64_t at(const char *text)
{
    struct tm date = {0};
    const char *end = strptime(text, "%Y-%m-%d %H:%M", &date);

    ck_assert_msg(end != NULL && *end == '\0', "%s", text);
    return (int64_t)timegm(&date) * SECOND;
}

static const char *show(int64_t instant)
{
    static char text[2][32];
    static unsigned i;
    time_t seconds = (time_t)(instant / SECOND);
    struct tm date;

    i = !i;
    gmtime_r(&seconds, &date);
    strftime(text[i], sizeof(text[i]), "%Y-%m-%d %H:%M", &date);
    return text[i];
}

static struct cron parse(const char *text)
{
    struct err err = {""};
    struct cron cron;
    int rc = cron_parse(text, &cron, &err);

    ck_assert_msg(rc == 0, "%s: %s", text, err.message);
    return cron;
}

/* --- The oracle ------------------------------------------------------------------------------- */

static int number_of(const char *word)
{
    static const char *const words[] = {"jan", "feb", "mar", "apr", "may", "jun",
                                        "jul", "aug", "sep", "oct", "nov", "dec"};
    static const char *const days[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat"};

    for (size_t i = 0; i < N_ELEMENTS(words); i++)
        if (strncasecmp(word, words[i], 3) == 0)
            return (int)i + 1;
    for (size_t i = 0; i < N_ELEMENTS(days); i++)
        if (strncasecmp(word, days[i], 3) == 0)
            return (int)i;
    return atoi(word);
}

/* Whether one part of a list, "a-b/n", has the value; of which max is the largest. */
static bool part_has(const char *part, int value, int min, int max)
{
    const char *slash = strchr(part, '/'), *dash = strchr(part, '-');
    int step = slash != NULL ? atoi(slash + 1) : 1;
    int first = *part == '*' ? min : number_of(part);
    int last = *part == '*'    ? max
               : dash != NULL  ? number_of(dash + 1)
               : slash != NULL ? max
                               : first;

    return value >= first && value <= last && (value - first) % step == 0;
}

static bool list_has(const char *list, int value, int min, int max)
{
    char copy[256], *rest = copy;
    const char *part;

    strcpy(copy, list);
    while ((part = strsep(&rest, ",")) != NULL)
        if (part_has(part, value, min, max))
            return true;
    return false;
}

/* What each field has, value by value. */
struct oracle {
    bool minutes[60], hours[24], days[32], months[13], weekdays[8];
    bool either;
};

static void read_list(bool *values, const char *list, int min, int max)
{
    for (int i = min; i <= max; i++)
        values[i] = list_has(list, i, min, max);
}

static struct oracle read_oracle(const char *text)
{
    struct oracle oracle = {.either = false};
    char fields[5][64];

    ck_assert_int_eq(sscanf(text, "%63s %63s %63s %63s %63s", fields[0], fields[1], fields[2],
                            fields[3], fields[4]),
                     5);
    read_list(oracle.minutes, fields[0], 0, 59);
    read_list(oracle.hours, fields[1], 0, 23);
    read_list(oracle.days, fields[2], 1, 31);
    read_list(oracle.months, fields[3], 1, 12);
    read_list(oracle.weekdays, fields[4], 0, 7);
    oracle.weekdays[0] |= oracle.weekdays[7];
    oracle.either = fields[2][0] != '*' && fields[4][0] != '*';
    return oracle;
}

static bool oracle_has(const struct oracle *oracle, int64_t instant)
{
    time_t seconds = (time_t)(instant / SECOND);
    struct tm date;

    gmtime_r(&seconds, &date);
    bool is_day = oracle->days[date.tm_mday], is_weekday = oracle->weekdays[date.tm_wday];
    return oracle->minutes[date.tm_min] && oracle->hours[date.tm_hour] &&
           oracle->months[date.tm_mon + 1] &&
           (oracle->either ? is_day || is_weekday : is_day && is_weekday);
}

/* Walks the minutes of [from, end) and expects what the oracle says of each. returns how many times
 * there were */
static unsigned walk(const char *text, int64_t from, int64_t end)
{
    struct cron cron = parse(text);
    const struct oracle oracle = read_oracle(text);
    int64_t next = cron_next(&cron, from - 1);
    unsigned n = 0;

    for (int64_t minute = from; minute < end; minute += MINUTE) {
        bool is_due = oracle_has(&oracle, minute);
        if (is_due != (next == minute))
            ck_abort_msg("\"%s\" at %s: next is %s", text, show(minute), show(next));
        if (is_due)
            next = cron_next(&cron, minute);
        n += is_due;
    }
    return n;
}

static const struct {
    const char *text;
    const char *from;
    unsigned days, n;
} walks[] = {
    {"* * * * *", "2026-12-31 00:00", 2, 2 * 1440},
    {"*/7 * * * *", "2026-01-01 00:00", 2, 2 * 24 * 9},
    {"59 23 31 12 *", "2026-01-01 00:00", 730, 2},
    {"0 0 29 2 *", "2023-01-01 00:00", 3653, 3},
    {"30 4 1,15 * 5", "2026-01-01 00:00", 365, 24 + 52 - 2},
    {"0 12 */2 * 1", "2026-01-01 00:00", 365, 26},
    {"5/20 8-18/5 * jan-mar,NOV Mon-fri", "2026-01-01 00:00", 365, 0},
    {"0 0 31 * *", "2026-01-01 00:00", 365, 7},
    {"0 6 * * 5-7", "2026-01-01 00:00", 365, 0},
    {"0 6 13 * 5", "2026-01-01 00:00", 365, 0},
    {"15,45 */6 * * 0,7", "2026-01-01 00:00", 60, 0},
};

/* _i: a walk */
START_TEST(times_are_those_that_a_look_at_every_minute_finds)
{
    int64_t from = at(walks[_i].from);
    unsigned n = walk(walks[_i].text, from, from + walks[_i].days * DAY);

    if (walks[_i].n > 0)
        ck_assert_uint_eq(n, walks[_i].n);
}
END_TEST

static void append_part(struct random *random, char *field, int min, int max)
{
    char *end = field + strlen(field);
    int first = min + (int)random_below(random, (unsigned)(max - min + 1));
    int last = first + (int)random_below(random, (unsigned)(max - first + 1));
    int step = 1 + (int)random_below(random, 7);

    switch (random_below(random, 6)) {
    case 0:
        sprintf(end, "*");
        break;
    case 1:
        sprintf(end, "*/%d", step);
        break;
    case 2:
        sprintf(end, "%d-%d", first, last);
        break;
    case 3:
        sprintf(end, "%d-%d/%d", first, last, step);
        break;
    case 4:
        sprintf(end, "%d/%d", first, step);
        break;
    default:
        sprintf(end, "%d", first);
    }
}

static void append_field(struct random *random, char *text, int min, int max)
{
    unsigned n = 1 + (unsigned)random_below(random, 3);

    for (unsigned i = 0; i < n; i++) {
        strcat(text, i > 0 ? "," : text[0] != '\0' ? " " : "");
        append_part(random, text, min, max);
    }
}

/* _i: a seed */
START_TEST(expressions_at_random_are_as_the_oracle_says)
{
    struct random random = {(uint64_t)_i};
    char text[256] = "";
    struct cron cron;

    append_field(&random, text, 0, 59);
    append_field(&random, text, 0, 23);
    append_field(&random, text, 1, 31);
    append_field(&random, text, 1, 12);
    append_field(&random, text, 0, 7);
    if (cron_parse(text, &cron, NULL) < 0)
        return; /* a day that never comes */
    int64_t from = at("2024-01-01 00:00") + (int64_t)random_below(&random, 1500) * DAY;
    walk(text, from, from + 40 * DAY);
}
END_TEST

/* --- Single times ----------------------------------------------------------------------------- */

static const struct {
    const char *text, *after, *next;
} nexts[] = {
    {"@hourly", "2026-01-31 23:00", "2026-02-01 00:00"},
    {"@daily", "2026-12-31 00:00", "2027-01-01 00:00"},
    {"@midnight", "2028-02-28 12:00", "2028-02-29 00:00"},
    {"@weekly", "2026-11-22 00:00", "2026-11-29 00:00"},
    {"@monthly", "2026-01-01 00:00", "2026-02-01 00:00"},
    {"@yearly", "2026-01-01 00:00", "2027-01-01 00:00"},
    {"@Annually", "2026-01-01 00:00", "2027-01-01 00:00"},
    {"0 0 29 2 *", "2096-02-29 00:00", "2104-02-29 00:00"},
    {"0 0 29 2 */7", "2088-02-29 00:00", "2128-02-29 00:00"}, /* on a Sunday */
    {"0 0 * * sat-sun", "2026-11-21 00:00", "2026-11-22 00:00"},
    {"0 0 * * 0-0", "2026-11-22 00:00", "2026-11-29 00:00"},
    {"  5   4\t* * *  ", "2026-11-22 04:05", "2026-11-23 04:05"},
    {"59 23 31 12 *", "1969-12-31 23:00", "1969-12-31 23:59"},
    {"* * * * *", "1969-12-31 23:58", "1969-12-31 23:59"},
};

/* _i: an expression */
START_TEST(next_time_is_found)
{
    struct cron cron = parse(nexts[_i].text);

    ck_assert_str_eq(show(cron_next(&cron, at(nexts[_i].after))), nexts[_i].next);
}
END_TEST

START_TEST(time_is_after_the_instant_also_within_a_minute)
{
    struct cron cron = parse("* * * * *");

    ck_assert_int_eq(cron_next(&cron, 10 * MINUTE), 11 * MINUTE);
    ck_assert_int_eq(cron_next(&cron, 10 * MINUTE - 1), 10 * MINUTE);
    ck_assert_int_eq(cron_next(&cron, 10 * MINUTE + 1), 11 * MINUTE);
    ck_assert_int_eq(cron_next(&cron, -1), 0);
    ck_assert_int_eq(cron_next(&cron, -MINUTE - 1), -MINUTE);
}
END_TEST

/* --- What is none ----------------------------------------------------------------------------- */

static const struct {
    const char *text, *words;
} bad[] = {
    {"", "minute is missing"},
    {"* * * *", "day of the week is missing"},
    {"* * * * * *", "more than five"},
    {"60 * * * *", "\"60\" is no minute: 0 to 59"},
    {"* 24 * * *", "no hour"},
    {"* * 0 * *", "no day of the month: 1 to 31"},
    {"* * 32 * *", "no day of the month"},
    {"* * * 13 *", "no month: 1 to 12 or names"},
    {"* * * 0 *", "no month"},
    {"* * * * 8", "no day of the week"},
    {"* * * january *", "no month"},
    {"* * * * sunday", "no day of the week"},
    {"jan * * * *", "no minute"},
    {"5-3 * * * *", "no minute"},
    {"*/0 * * * *", "no minute"},
    {"*/ * * * *", "no minute"},
    {"1- * * * *", "no minute"},
    {"1, * * * *", "no minute"},
    {",1 * * * *", "no minute"},
    {"** * * * *", "no minute"},
    {"-1 * * * *", "no minute"},
    {"+1 * * * *", "no minute"},
    {"1.5 * * * *", "no minute"},
    {"1000 * * * *", "no minute"},
    {"18446744073709551616 * * * *", "no minute"},
    {"*/4294967296 * * * *", "no minute"},
    {"@reboot", "@hourly"},
    {"@hourly *", "no such time"},
    {"0 0 30 2 *", "no such day"},
    {"0 0 31 2,4,6,9,11 *", "no such day"},
    {"* * * *\n*", "no month"},
};

/* _i: an expression */
START_TEST(what_is_no_expression_is_said)
{
    struct err err = {""};
    struct cron cron;

    ck_assert_int_eq(cron_parse(bad[_i].text, &cron, &err), -EINVAL);
    ck_assert_msg(strstr(err.message, bad[_i].words) != NULL, "%s", err.message);
}
END_TEST

/* --- Gaps ------------------------------------------------------------------------------------- */

static const struct {
    const char *text;
    int64_t minutes;
} gaps[] = {
    {"* * * * *", 1},    {"*/5 * * * *", 5},      {"*/7 * * * *", 4}, {"0 4 * * *", 1440},
    {"0 4 1 1 *", 1440}, {"0,30 23,0 * * *", 30}, {"@hourly", 60},    {"10 0,12 * * *", 720},
};

/* _i: an expression */
START_TEST(smallest_gap_is_known)
{
    struct cron cron = parse(gaps[_i].text);

    ck_assert_int_eq(cron_min_gap_us(&cron), gaps[_i].minutes * MINUTE);
}
END_TEST

Suite *suite_cron(void);

Suite *suite_cron(void)
{
    Suite *suite = suite_create("cron");
    TCase *tcase = tcase_create("cron");

    tcase_add_loop_test(tcase, times_are_those_that_a_look_at_every_minute_finds, 0,
                        N_ELEMENTS(walks));
    tcase_add_loop_test(tcase, expressions_at_random_are_as_the_oracle_says, 0, 20);
    tcase_add_loop_test(tcase, next_time_is_found, 0, N_ELEMENTS(nexts));
    tcase_add_test(tcase, time_is_after_the_instant_also_within_a_minute);
    tcase_add_loop_test(tcase, what_is_no_expression_is_said, 0, N_ELEMENTS(bad));
    tcase_add_loop_test(tcase, smallest_gap_is_known, 0, N_ELEMENTS(gaps));
    suite_add_tcase(suite, tcase);
    return suite;
}
