#include "daemon/base/log.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/base/utf8.h"

#include "tests/support/random.h"

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

enum {
    RECORD_LEN_MAX = 2048,
    UNCUT_LEN_MAX = RECORD_LEN_MAX - sizeof("... [cut]") + 1,
};

static int read_end, write_end;
static char records[1 << 17];

static void set_up(void)
{
    int ends[2];

    ck_assert_int_eq(pipe2(ends, O_NONBLOCK | O_CLOEXEC), 0);
    read_end = ends[0];
    write_end = ends[1];
    unsetenv("JOURNAL_STREAM");
    log_init(write_end);
    log_set_level(LOG_LEVEL_INFO);
}

static void tear_down(void)
{
    log_init(STDERR_FILENO);
    log_set_level(LOG_LEVEL_INFO);
    close(read_end);
    close(write_end);
}

static void set_up_journal(void)
{
    char stream[64];
    struct stat stat;

    set_up();
    ck_assert_int_eq(fstat(write_end, &stat), 0);
    snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)stat.st_dev, (uintmax_t)stat.st_ino);
    setenv("JOURNAL_STREAM", stream, 1);
    log_init(write_end);
    unsetenv("JOURNAL_STREAM");
}

/* All that was logged since the last time. */
static const char *read_records(void)
{
    ssize_t n = read(read_end, records, sizeof(records) - 1);

    records[n > 0 ? n : 0] = '\0';
    return records;
}

START_TEST(record_has_time_and_level_without_a_journal)
{
    int end = 0;

    log_error("%s %d", "answer", 42);
    read_records();
    ck_assert_int_eq(sscanf(records, "%*4d-%*2d-%*2dT%*2d:%*2d:%*2d.%*6dZ error: %n", &end), 0);
    ck_assert_str_eq(records + end, "answer 42\n");
}
END_TEST

static const struct {
    enum log_level level;
    const char *record;
} priorities[] = {
    {LOG_LEVEL_ERROR, "<3>x\n"},
    {LOG_LEVEL_WARNING, "<4>x\n"},
    {LOG_LEVEL_INFO, "<6>x\n"},
    {LOG_LEVEL_DEBUG, "<7>x\n"},
};

START_TEST(record_has_a_priority_for_the_journal)
{
    log_set_level(LOG_LEVEL_DEBUG);
    log_at(priorities[_i].level, "x");
    ck_assert_str_eq(read_records(), priorities[_i].record);
}
END_TEST

START_TEST(journal_of_another_stream_is_not_ours)
{
    setenv("JOURNAL_STREAM", "1:2", 1);
    log_init(write_end);
    unsetenv("JOURNAL_STREAM");
    log_info("x");
    ck_assert_int_ne(read_records()[0], '<');
}
END_TEST

static const struct {
    const char *message, *record;
} escapes[] = {
    {"plain text, {\"json\"}", "<6>plain text, {\"json\"}\n"},
    {"a\n<0>forged", "<6>a\\x0a<0>forged\n"},
    {"a\r\x1b[31mb\tc\x7f", "<6>a\\x0d\\x1b[31mb\\x09c\\x7f\n"},
    {"C:\\x0a", "<6>C:\\\\x0a\n"},
    {"caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80", "<6>caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80\n"},
    {"caf\xe9", "<6>caf\\xe9\n"},
    {"\xc0\x8a", "<6>\\xc0\\x8a\n"},
    {"\xc2\x9b"
     "31m",
     "<6>\\xc2\\x9b31m\n"},
    {"a\xe2\x80\xae"
     "b",
     "<6>a\\xe2\\x80\\xaeb\n"},
    {"\xe2\x81\xa6\xe2\x81\xa9", "<6>\\xe2\\x81\\xa6\\xe2\\x81\\xa9\n"},
    {"\xe2\x80\xa8\xd8\x9c", "<6>\\xe2\\x80\\xa8\\xd8\\x9c\n"},
    {"", "<6>\n"},
};

START_TEST(what_could_forge_or_hide_something_is_escaped)
{
    log_info("%s", escapes[_i].message);
    ck_assert_str_eq(read_records(), escapes[_i].record);
}
END_TEST

static bool is_one_harmless_line(const char *text)
{
    size_t len = strlen(text);

    for (size_t i = 0; i + 1 < len; i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
            return false;
    return len > 0 && text[len - 1] == '\n' && utf8_is_valid(text, len);
}

START_TEST(random_bytes_make_one_line_of_harmless_text)
{
    struct random random = {1};
    char bytes[400];

    for (int round = 0; round < 2000; round++) {
        for (size_t i = 0; i < sizeof(bytes); i++)
            bytes[i] = (char)(1 + random_below(&random, 255));
        log_info("%.*s", (int)sizeof(bytes), bytes);
        ck_assert(is_one_harmless_line(read_records()));
    }
}
END_TEST

/* What a message repeats, and from how many bytes on the record is nearly full: the pieces take
 * one, two, four and twelve bytes in it. */
static const struct {
    const char *piece;
    size_t from;
} long_messages[] = {
    {"a", 1900},
    {"\xc3\xa9", 1900},
    {"\n", 450},
    {"\xe2\x80\xae", 480},
};

START_TEST(long_record_is_cut_and_marked)
{
    const char *piece = long_messages[_i].piece;
    size_t from = long_messages[_i].from, n = strlen(piece);
    char message[2100] = "";
    bool cut = false;

    for (size_t len = 0; len + n < sizeof(message) && len < from + 200; len += n) {
        memcpy(message + len, piece, n + 1);
        if (len < from)
            continue;
        log_info("%s", message);
        size_t n_record = strlen(read_records());
        cut = strstr(records, "... [cut]\n") != NULL;
        ck_assert_uint_le(n_record, RECORD_LEN_MAX);
        ck_assert_uint_eq(cut, n_record > UNCUT_LEN_MAX);
        ck_assert(is_one_harmless_line(records));
    }
    ck_assert(cut);
}
END_TEST

START_TEST(levels_beyond_the_set_one_are_ignored)
{
    int n_evaluated = 0;

    log_set_level(LOG_LEVEL_WARNING);
    log_info("%d", ++n_evaluated);
    log_debug("%d", ++n_evaluated);
    ck_assert_str_eq(read_records(), "");
    ck_assert_int_eq(n_evaluated, 0);
    log_warning("%d", ++n_evaluated);
    ck_assert_str_eq(read_records(), "<4>1\n");
}
END_TEST

START_TEST(errno_can_be_logged_and_stays)
{
    errno = ENOENT;
    log_info("%m");
    ck_assert_int_eq(errno, ENOENT);
    ck_assert_str_eq(read_records(), "<6>No such file or directory\n");
}
END_TEST

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
    log_info("lost");
    log_info("lost as well");
    ck_assert_uint_eq(log_n_dropped() - before, 2);

    empty_pipe();
    log_info("there again");
    ck_assert_str_eq(read_records(), "<4>log: 2 records were lost\n<6>there again\n");
    log_info("once is enough");
    ck_assert_str_eq(read_records(), "<6>once is enough\n");
}
END_TEST

START_TEST(closed_descriptor_drops_records)
{
    unsigned long before = log_n_dropped();
    int fd = dup(write_end);

    close(fd);
    log_init(fd);
    log_info("nowhere to go");
    ck_assert_uint_eq(log_n_dropped() - before, 1);
}
END_TEST

START_TEST(level_has_a_name)
{
    enum log_level level = LOG_LEVEL_ERROR;

    ck_assert_int_eq(log_level_from_name(log_level_names[_i], &level), 0);
    ck_assert_uint_eq(level, (unsigned)_i);
}
END_TEST

START_TEST(unknown_name_is_no_level)
{
    enum log_level level = LOG_LEVEL_DEBUG;

    ck_assert_int_eq(log_level_from_name("Info", &level), -EINVAL);
    ck_assert_int_eq(log_level_from_name("", &level), -EINVAL);
    ck_assert_uint_eq(level, LOG_LEVEL_DEBUG);
}
END_TEST

static TCase *terminal_tests(void)
{
    TCase *tcase = tcase_create("terminal");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, record_has_time_and_level_without_a_journal);
    tcase_add_test(tcase, journal_of_another_stream_is_not_ours);
    return tcase;
}

static TCase *journal_tests(void)
{
    TCase *tcase = tcase_create("journal");

    tcase_add_checked_fixture(tcase, set_up_journal, tear_down);
    tcase_add_loop_test(tcase, record_has_a_priority_for_the_journal, 0, N_ELEMENTS(priorities));
    tcase_add_loop_test(tcase, what_could_forge_or_hide_something_is_escaped, 0,
                        N_ELEMENTS(escapes));
    tcase_add_test(tcase, random_bytes_make_one_line_of_harmless_text);
    tcase_add_loop_test(tcase, long_record_is_cut_and_marked, 0, N_ELEMENTS(long_messages));
    tcase_add_test(tcase, levels_beyond_the_set_one_are_ignored);
    tcase_add_test(tcase, errno_can_be_logged_and_stays);
    tcase_add_test(tcase, full_pipe_drops_records_and_says_so_later);
    tcase_add_test(tcase, closed_descriptor_drops_records);
    return tcase;
}

Suite *suite_log(void);

Suite *suite_log(void)
{
    Suite *suite = suite_create("daemon/base/log");
    TCase *names = tcase_create("names");

    tcase_add_loop_test(names, level_has_a_name, LOG_LEVEL_ERROR, LOG_LEVEL_DEBUG + 1);
    tcase_add_test(names, unknown_name_is_no_level);
    suite_add_tcase(suite, names);
    suite_add_tcase(suite, terminal_tests());
    suite_add_tcase(suite, journal_tests());
    return suite;
}
