#include "daemon/base/log.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/base/log_limit.h"

static int read_end, write_end;
static char records[1 << 17];

static int64_t now_us;

static int64_t hand_wound(void)
{
    return now_us;
}

static void set_up(void)
{
    int ends[2];

    ck_assert_int_eq(pipe2(ends, O_NONBLOCK | O_CLOEXEC), 0);
    read_end = ends[0];
    write_end = ends[1];
    unsetenv("JOURNAL_STREAM");
    log_init(write_end);
    log_set_level(LOG_LEVEL_INFO);
    log_set_format(LOG_FORMAT_TEXT);
    log_set_clock(hand_wound);
}

static void tear_down(void)
{
    log_init(STDERR_FILENO);
    log_set_level(LOG_LEVEL_INFO);
    log_set_format(LOG_FORMAT_TEXT);
    log_set_clock(NULL);
    close(read_end);
    close(write_end);
}

static void lead_to_journal(void)
{
    char stream[64];
    struct stat stat;

    ck_assert_int_eq(fstat(write_end, &stat), 0);
    snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)stat.st_dev, (uintmax_t)stat.st_ino);
    setenv("JOURNAL_STREAM", stream, 1);
    log_init(write_end);
    unsetenv("JOURNAL_STREAM");
}

static void set_up_prefixed(void)
{
    set_up();
    lead_to_journal();
}

/* All that was logged since the last time. */
static const char *read_records(void)
{
    ssize_t n = read(read_end, records, sizeof(records) - 1);

    records[n > 0 ? n : 0] = '\0';
    return records;
}

/* --- Lines ------------------------------------------------------------------------------------ */

START_TEST(record_has_the_time)
{
    int end = 0;

    log_event(EVENT_STORE_FULL, LOG_NO_FIELDS, "%s %d", "answer", 42);
    read_records();
    ck_assert_int_eq(sscanf(records, "%*4d-%*2d-%*2dT%*2d:%*2d:%*2d.%*6dZ error: %n", &end), 0);
    ck_assert_str_eq(records + end, "answer 42\n");
}
END_TEST

START_TEST(stream_of_somebody_else_is_not_the_journal)
{
    setenv("JOURNAL_STREAM", "1:2", 1);
    log_init(write_end);
    log_set_format(LOG_FORMAT_AUTO);
    unsetenv("JOURNAL_STREAM");
    log_event(EVENT_DAEMON_READY, LOG_NO_FIELDS, "x");
    ck_assert_ptr_nonnull(strstr(read_records(), " info: x\n"));
}
END_TEST

START_TEST(json_has_the_fields)
{
    log_set_format(LOG_FORMAT_JSON);
    log_event(EVENT_JOB_DAMAGED, LOG_FIELDS({"job_id", "j"}, {"path", NULL}), "job %s", "j");
    ck_assert_ptr_nonnull(strstr(read_records(), ",\"event\":\"job.damaged\",\"message\":\"job j\","
                                                 "\"job_id\":\"j\"}\n"));
}
END_TEST

START_TEST(levels_beyond_the_set_one_are_ignored)
{
    int n_evaluated = 0;

    log_set_level(LOG_LEVEL_WARNING);
    log_event(EVENT_DAEMON_READY, LOG_NO_FIELDS, "%d", ++n_evaluated);
    log_event(EVENT_HTTP_DIAGNOSTIC, LOG_NO_FIELDS, "%d", ++n_evaluated);
    ck_assert_str_eq(read_records(), "");
    ck_assert_int_eq(n_evaluated, 0);
    log_event(EVENT_EGRESS_WIDE, LOG_NO_FIELDS, "%d", ++n_evaluated);
    ck_assert_str_eq(read_records(), "<4>1\n");
}
END_TEST

START_TEST(long_message_is_cut)
{
    char message[5000];

    memset(message, 'a', sizeof(message) - 1);
    message[sizeof(message) - 1] = '\0';
    log_event(EVENT_DAEMON_READY, LOG_NO_FIELDS, "%s", message);
    ck_assert_uint_eq(strlen(read_records()), 2048);
    ck_assert_str_eq(records + 2038, "... [cut]\n");
}
END_TEST

START_TEST(errno_can_be_logged_and_stays)
{
    errno = ENOENT;
    log_event(EVENT_REQUEST_FAILED, LOG_NO_FIELDS, "%m");
    ck_assert_int_eq(errno, ENOENT);
    ck_assert_str_eq(read_records(), "<3>No such file or directory\n");
}
END_TEST

/* --- Nobody reads ----------------------------------------------------------------------------- */

static void fill_pipe(void)
{
    while (write(write_end, "", 1) == 1)
        ;
}

static void empty_pipe(void)
{
    while (read(read_end, records, sizeof(records)) > 0)
        ;
}

/* The pipe blocks here: logging to it must not. */
START_TEST(full_pipe_drops_records_and_says_so_later)
{
    unsigned long before = log_n_dropped();

    fill_pipe();
    ck_assert_int_eq(fcntl(write_end, F_SETFL, 0), 0);
    log_event(EVENT_DAEMON_READY, LOG_NO_FIELDS, "lost");
    log_event(EVENT_DAEMON_READY, LOG_NO_FIELDS, "lost as well");
    ck_assert_uint_eq(log_n_dropped() - before, 2);

    empty_pipe();
    log_event(EVENT_DAEMON_READY, LOG_NO_FIELDS, "there again");
    ck_assert_str_eq(read_records(), "<4>log: 2 records were lost\n<6>there again\n");
    log_event(EVENT_DAEMON_READY, LOG_NO_FIELDS, "once is enough");
    ck_assert_str_eq(read_records(), "<6>once is enough\n");
}
END_TEST

START_TEST(closed_descriptor_drops_records)
{
    unsigned long before = log_n_dropped();
    int fd = dup(write_end);

    close(fd);
    log_init(fd);
    log_event(EVENT_DAEMON_READY, LOG_NO_FIELDS, "nowhere to go");
    ck_assert_uint_eq(log_n_dropped() - before, 1);
    log_init(write_end);
    log_event(EVENT_DAEMON_READY, LOG_NO_FIELDS, "settles it");
}
END_TEST

/* --- Too many --------------------------------------------------------------------------------- */

static unsigned n_lines(const char *text)
{
    unsigned n = 0;

    for (; (text = strchr(text, '\n')) != NULL; text++)
        n++;
    return n;
}

static void log_failures(unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        log_event(EVENT_REQUEST_FAILED, LOG_NO_FIELDS, "failure");
}

START_TEST(next_record_of_a_kind_says_how_many_were_left_out)
{
    log_failures(LOG_LIMIT_BURST + 30);
    ck_assert_uint_eq(n_lines(read_records()), LOG_LIMIT_BURST);
    now_us += LOG_LIMIT_PERIOD_US;
    log_failures(1);
    ck_assert_str_eq(read_records(),
                     "<4>30 more records of request.failed were left out\n<3>failure\n");
    now_us += LOG_LIMIT_PERIOD_US;
    log_failures(1);
    ck_assert_str_eq(read_records(), "<3>failure\n");
}
END_TEST

START_TEST(time_says_how_many_were_left_out)
{
    log_failures(LOG_LIMIT_BURST + 30);
    log_report_left_out();
    ck_assert_uint_eq(n_lines(read_records()), LOG_LIMIT_BURST);
    now_us += LOG_LIMIT_PERIOD_US;
    log_report_left_out();
    ck_assert_str_eq(read_records(), "<4>30 more records of request.failed were left out\n");
    log_report_left_out();
    ck_assert_str_eq(read_records(), "");
}
END_TEST

START_TEST(kinds_are_limited_each_by_itself)
{
    log_failures(LOG_LIMIT_BURST + 1);
    read_records();
    log_event(EVENT_STORE_FULL, LOG_NO_FIELDS, "full");
    ck_assert_str_eq(read_records(), "<3>full\n");
}
END_TEST

START_TEST(start_and_stop_are_never_left_out)
{
    for (unsigned i = 0; i < 10 * LOG_LIMIT_BURST; i++)
        log_event(EVENT_DAEMON_STOPPING, LOG_NO_FIELDS, "stopping");
    ck_assert_uint_eq(n_lines(read_records()), 10 * LOG_LIMIT_BURST);
}
END_TEST

START_TEST(what_is_not_wanted_is_not_left_out)
{
    log_set_level(LOG_LEVEL_ERROR);
    for (unsigned i = 0; i < 2 * LOG_LIMIT_BURST; i++)
        log_event(EVENT_CALLBACK_GIVEN_UP, LOG_NO_FIELDS, "given up");
    now_us += LOG_LIMIT_PERIOD_US;
    log_report_left_out();
    ck_assert_str_eq(read_records(), "");
}
END_TEST

/* --- The journal ------------------------------------------------------------------------------ */

static char directory[] = "/tmp/test_log.XXXXXX";
static char journal_path[sizeof(directory) + sizeof("/socket")];
static int journal;

static void listen_as_journal(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    snprintf(address.sun_path, sizeof(address.sun_path), "%s", journal_path);
    journal = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(journal, (const struct sockaddr *)&address, sizeof(address)), 0);
}

static void end_journal(void)
{
    close(journal);
    ck_assert_int_eq(unlink(journal_path), 0);
}

static void set_up_journal(void)
{
    set_up_prefixed();
    strcpy(directory + sizeof(directory) - 7, "XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
    snprintf(journal_path, sizeof(journal_path), "%s/socket", directory);
    listen_as_journal();
    log_set_journal(journal_path);
    log_set_format(LOG_FORMAT_AUTO);
}

static void tear_down_journal(void)
{
    log_set_journal(NULL);
    end_journal();
    ck_assert_int_eq(rmdir(directory), 0);
    tear_down();
}

static const char *read_entry(void)
{
    ssize_t n = recv(journal, records, sizeof(records) - 1, 0);

    records[n > 0 ? n : 0] = '\0';
    return records;
}

START_TEST(entry_says_where_it_was_logged)
{
    char place[128];

    log_event(EVENT_JOB_DAMAGED, LOG_FIELDS({"job_id", "j"}), "a\nPRIORITY=0");
    snprintf(place, sizeof(place), "\nCODE_FILE=%s\nCODE_LINE=%d\nCODE_FUNC=", __FILE__,
             __LINE__ - 2);
    read_entry();
    ck_assert_int_eq(strncmp(records, "MESSAGE=a\\x0aPRIORITY=0\nPRIORITY=3\n", 35), 0);
    ck_assert_ptr_nonnull(strstr(records, place));
    ck_assert_ptr_nonnull(strstr(records, "\nGATHERD_JOB_ID=j\n"));
    ck_assert_str_eq(read_records(), "");
}
END_TEST

START_TEST(without_its_socket_the_journal_gets_lines)
{
    end_journal();
    log_event(EVENT_DAEMON_READY, LOG_NO_FIELDS, "x");
    ck_assert_str_eq(read_records(), "<6>x\n");
    listen_as_journal();
    log_event(EVENT_DAEMON_READY, LOG_NO_FIELDS, "y");
    ck_assert_int_eq(strncmp(read_entry(), "MESSAGE=y\n", 10), 0);
    ck_assert_str_eq(read_records(), "");
}
END_TEST

START_TEST(busy_journal_is_not_waited_for)
{
    for (unsigned i = 0; i < 1000; i++)
        log_event(EVENT_DAEMON_READY, LOG_NO_FIELDS, "x");
    ck_assert_ptr_nonnull(strstr(read_records(), "<6>x\n"));
}
END_TEST

START_TEST(format_that_was_asked_for_is_taken)
{
    log_set_format(LOG_FORMAT_TEXT);
    log_event(EVENT_DAEMON_READY, LOG_NO_FIELDS, "x");
    ck_assert_str_eq(read_records(), "<6>x\n");
    log_init(write_end); /* without $JOURNAL_STREAM */
    log_set_format(LOG_FORMAT_JOURNAL);
    log_event(EVENT_DAEMON_READY, LOG_NO_FIELDS, "y");
    ck_assert_str_eq(read_records(), "");
    ck_assert_int_eq(strncmp(read_entry(), "MESSAGE=y\n", 10), 0);
}
END_TEST

/* --- All of it -------------------------------------------------------------------------------- */

static TCase *text_tests(void)
{
    TCase *tcase = tcase_create("text");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, record_has_the_time);
    tcase_add_test(tcase, stream_of_somebody_else_is_not_the_journal);
    tcase_add_test(tcase, json_has_the_fields);
    return tcase;
}

static TCase *prefixed_tests(void)
{
    TCase *tcase = tcase_create("prefixed");

    tcase_add_checked_fixture(tcase, set_up_prefixed, tear_down);
    tcase_add_test(tcase, levels_beyond_the_set_one_are_ignored);
    tcase_add_test(tcase, long_message_is_cut);
    tcase_add_test(tcase, errno_can_be_logged_and_stays);
    tcase_add_test(tcase, full_pipe_drops_records_and_says_so_later);
    tcase_add_test(tcase, closed_descriptor_drops_records);
    tcase_add_test(tcase, next_record_of_a_kind_says_how_many_were_left_out);
    tcase_add_test(tcase, time_says_how_many_were_left_out);
    tcase_add_test(tcase, kinds_are_limited_each_by_itself);
    tcase_add_test(tcase, start_and_stop_are_never_left_out);
    tcase_add_test(tcase, what_is_not_wanted_is_not_left_out);
    return tcase;
}

static TCase *journal_tests(void)
{
    TCase *tcase = tcase_create("journal");

    tcase_add_checked_fixture(tcase, set_up_journal, tear_down_journal);
    tcase_add_test(tcase, entry_says_where_it_was_logged);
    tcase_add_test(tcase, without_its_socket_the_journal_gets_lines);
    tcase_add_test(tcase, busy_journal_is_not_waited_for);
    tcase_add_test(tcase, format_that_was_asked_for_is_taken);
    return tcase;
}

Suite *suite_log(void);

Suite *suite_log(void)
{
    Suite *suite = suite_create("daemon/base/log");

    suite_add_tcase(suite, text_tests());
    suite_add_tcase(suite, prefixed_tests());
    suite_add_tcase(suite, journal_tests());
    return suite;
}
