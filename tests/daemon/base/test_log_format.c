#include "daemon/base/log_format.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

#define AT   INT64_C(1769860800000213)
#define TIME "2026-01-31T12:00:00.000213Z"

typedef void formatter(struct log_line *line, const struct log_record *record);

static char written[LOG_LINE_MAX + 1];

static const char *format(formatter *into, const struct log_record *record)
{
    struct log_line line;

    into(&line, record);
    memcpy(written, line.bytes, line.len);
    written[line.len] = '\0';
    return written;
}

static const struct log_field fields[] = {
    {"job_id", "0a1b"},
    {"host", NULL},
    {"error", "a \"b\"\nGATHERD_JOB_ID=c\\"},
    {NULL, NULL},
};

static const struct log_record full = {
    .event = EVENT_STORE_FULL,
    .at = AT,
    .place = {"daemon/x.c", "become_full", 42},
    .fields = fields,
    .message = "the \"disk\"\n<0>is full",
};

START_TEST(text_has_time_level_and_message)
{
    ck_assert_str_eq(format(log_format_text, &full), TIME " error: the \"disk\"\\x0a<0>is full\n");
}
END_TEST

START_TEST(json_is_one_object_in_a_line)
{
    ck_assert_str_eq(format(log_format_json, &full),
                     "{\"time\":\"" TIME "\",\"level\":\"error\",\"event\":\"store.full\","
                     "\"message\":\"the \\\"disk\\\"\\\\x0a<0>is full\",\"job_id\":\"0a1b\","
                     "\"error\":\"a \\\"b\\\"\\\\x0aGATHERD_JOB_ID=c\\\\\\\\\"}\n");
}
END_TEST

START_TEST(entry_of_the_journal_is_a_line_for_each_variable)
{
    char expected[1024];

    snprintf(expected, sizeof(expected),
             "MESSAGE=the \"disk\"\\x0a<0>is full\nPRIORITY=3\nMESSAGE_ID=%s\n"
             "SYSLOG_IDENTIFIER=gatherd\nGATHERD_EVENT=store.full\nCODE_FILE=daemon/x.c\n"
             "CODE_LINE=42\nCODE_FUNC=become_full\nGATHERD_JOB_ID=0a1b\n"
             "GATHERD_ERROR=a \"b\"\\x0aGATHERD_JOB_ID=c\\\\\n",
             event_kinds[EVENT_STORE_FULL].message_id);
    ck_assert_str_eq(format(log_format_journal, &full), expected);
}
END_TEST

static const struct {
    enum event event;
    const char *level;
    const char *priority;
} levels[] = {
    {EVENT_STORE_FULL, "error", "3"},
    {EVENT_LOG_LOST, "warning", "4"},
    {EVENT_DAEMON_READY, "info", "6"},
    {EVENT_HTTP_DIAGNOSTIC, "debug", "7"},
};

START_TEST(level_is_that_of_the_kind)
{
    const struct log_record record = {.event = levels[_i].event, .at = AT, .message = "x"};
    char expected[64];

    snprintf(expected, sizeof(expected), "<%s>x\n", levels[_i].priority);
    ck_assert_str_eq(format(log_format_prefixed, &record), expected);
    snprintf(expected, sizeof(expected), TIME " %s: x\n", levels[_i].level);
    ck_assert_str_eq(format(log_format_text, &record), expected);
    snprintf(expected, sizeof(expected), "\"level\":\"%s\"", levels[_i].level);
    ck_assert_ptr_nonnull(strstr(format(log_format_json, &record), expected));
}
END_TEST

/* Everything as long as it can be, and escaped: an assertion holds that it fits in a line. */
START_TEST(longest_record_is_cut_and_whole)
{
    static formatter *const formatters[] = {log_format_text, log_format_prefixed, log_format_json,
                                            log_format_journal};
    static const size_t max[] = {LOG_MESSAGE_MAX, LOG_MESSAGE_MAX, LOG_LINE_MAX, LOG_LINE_MAX};
    static char bytes[LOG_LINE_MAX];
    memset(bytes, '\n', sizeof(bytes) - 1);
    const struct log_record record = {
        .event = EVENT_STORE_NOTE_UNWRITTEN,
        .at = AT,
        .place = {bytes, bytes, 1 << 30},
        .fields = (const struct log_field[]){{"a_field_with_long_name", bytes},
                                             {"a_field_with_long_name", bytes},
                                             {"a_field_with_long_name", bytes},
                                             {"a_field_with_long_name", bytes},
                                             {"left_out", "x"},
                                             {NULL, NULL}},
        .message = bytes,
    };

    size_t n = strlen(format(formatters[_i], &record));
    ck_assert_uint_gt(n, LOG_MESSAGE_MAX - 64);
    ck_assert_uint_le(n, max[_i]);
    ck_assert_ptr_nonnull(strstr(written, "... [cut]"));
    ck_assert_ptr_null(strcasestr(written, "left_out"));
    ck_assert_int_eq(written[n - 1], '\n');
}
END_TEST

START_TEST(record_needs_no_fields)
{
    const struct log_record record = {.event = EVENT_DAEMON_STOPPED, .at = AT, .message = "bye"};

    ck_assert_str_eq(format(log_format_json, &record),
                     "{\"time\":\"" TIME "\",\"level\":\"info\",\"event\":\"daemon.stopped\","
                     "\"message\":\"bye\"}\n");
}
END_TEST

Suite *suite_log_format(void);

Suite *suite_log_format(void)
{
    Suite *suite = suite_create("daemon/base/log_format");
    TCase *tcase = tcase_create("all");

    tcase_add_test(tcase, text_has_time_level_and_message);
    tcase_add_test(tcase, json_is_one_object_in_a_line);
    tcase_add_test(tcase, entry_of_the_journal_is_a_line_for_each_variable);
    tcase_add_loop_test(tcase, level_is_that_of_the_kind, 0, N_ELEMENTS(levels));
    tcase_add_loop_test(tcase, longest_record_is_cut_and_whole, 0, 4);
    tcase_add_test(tcase, record_needs_no_fields);
    suite_add_tcase(suite, tcase);
    return suite;
}
