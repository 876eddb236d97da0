#include "daemon/base/log_line.h"

#include <check.h>
#include <stdbool.h>
#include <string.h>

#include "daemon/base/utf8.h"

#include "tests/support/random.h"

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))
#define CUT_MARK          "... [cut]"

static char written[LOG_LINE_MAX + 1];

static const char *write_text(const char *text, size_t max, enum log_quoting quoting)
{
    struct log_line line = {0};

    log_line_put_text(&line, text, max, quoting);
    memcpy(written, line.bytes, line.len);
    written[line.len] = '\0';
    return written;
}

static const struct {
    const char *text, *plain, *json;
} texts[] = {
    {"plain text", "plain text", "plain text"},
    {"", "", ""},
    {"{\"json\"}", "{\"json\"}", "{\\\"json\\\"}"},
    {"a\n<0>forged", "a\\x0a<0>forged", "a\\\\x0a<0>forged"},
    {"a\nMESSAGE=forged", "a\\x0aMESSAGE=forged", "a\\\\x0aMESSAGE=forged"},
    {"a\",\"level\":\"forged", "a\",\"level\":\"forged", "a\\\",\\\"level\\\":\\\"forged"},
    {"a\r\x1b[31mb\tc\x7f", "a\\x0d\\x1b[31mb\\x09c\\x7f", "a\\\\x0d\\\\x1b[31mb\\\\x09c\\\\x7f"},
    {"C:\\x0a", "C:\\\\x0a", "C:\\\\\\\\x0a"},
    {"caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80", "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80",
     "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"},
    {"caf\xe9", "caf\\xe9", "caf\\\\xe9"},
    {"\xc0\x8a", "\\xc0\\x8a", "\\\\xc0\\\\x8a"},
    {"\xc2\x9b"
     "31m",
     "\\xc2\\x9b31m", "\\\\xc2\\\\x9b31m"},
    {"a\xe2\x80\xae"
     "b",
     "a\\xe2\\x80\\xaeb", "a\\\\xe2\\\\x80\\\\xaeb"},
    {"\xe2\x81\xa6\xe2\x81\xa9", "\\xe2\\x81\\xa6\\xe2\\x81\\xa9",
     "\\\\xe2\\\\x81\\\\xa6\\\\xe2\\\\x81\\\\xa9"},
    {"\xe2\x80\xa8\xd8\x9c", "\\xe2\\x80\\xa8\\xd8\\x9c", "\\\\xe2\\\\x80\\\\xa8\\\\xd8\\\\x9c"},
};

START_TEST(what_could_forge_or_hide_something_is_escaped)
{
    ck_assert_str_eq(write_text(texts[_i].text, 200, LOG_PLAIN), texts[_i].plain);
    ck_assert_str_eq(write_text(texts[_i].text, 200, LOG_JSON), texts[_i].json);
}
END_TEST

static bool is_harmless(const char *text)
{
    size_t len = strlen(text);

    for (size_t i = 0; i < len; i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
            return false;
    return utf8_is_valid(text, len);
}

START_TEST(random_bytes_become_harmless_text)
{
    struct random random = {1};
    char bytes[401];

    for (int round = 0; round < 2000; round++) {
        for (size_t i = 0; i < sizeof(bytes) - 1; i++)
            bytes[i] = (char)(1 + random_below(&random, 255));
        bytes[sizeof(bytes) - 1] = '\0';
        ck_assert(is_harmless(write_text(bytes, LOG_LINE_MAX, LOG_PLAIN)));
        ck_assert(is_harmless(write_text(bytes, LOG_LINE_MAX, LOG_JSON)));
    }
}
END_TEST

/* What a text repeats, of one to 24 bytes when written. */
static const char *const pieces[] = {"a", "\xc3\xa9", "\n", "\xe2\x80\xae", "\"", "\\"};

START_TEST(long_text_is_cut_between_characters_and_marked)
{
    enum { MAX = 100 };
    const char *piece = pieces[_i / 2];
    enum log_quoting quoting = _i % 2 == 0 ? LOG_PLAIN : LOG_JSON;
    size_t n_written = strlen(write_text(piece, MAX, quoting));
    char text[2 * MAX + 8] = "";

    for (size_t n = 1; n <= MAX; n++) {
        strcat(text, piece);
        bool fits = n * n_written <= MAX - strlen(CUT_MARK);
        const char *mark = strstr(write_text(text, MAX, quoting), CUT_MARK);
        ck_assert_uint_le(strlen(written), MAX);
        ck_assert(is_harmless(written));
        ck_assert_int_eq(mark == NULL, fits);
        if (mark != NULL)
            ck_assert_uint_eq((size_t)(mark - written) % n_written, 0);
        if (strlen(text) + strlen(piece) >= sizeof(text))
            break;
    }
}
END_TEST

START_TEST(text_goes_after_what_is_there)
{
    struct log_line line = {0};

    log_line_put_string(&line, "a=");
    log_line_put_text(&line, "b", 20, LOG_PLAIN);
    log_line_put(&line, "\n", 1);
    ck_assert_uint_eq(line.len, 4);
    ck_assert_mem_eq(line.bytes, "a=b\n", 4);
}
END_TEST

Suite *suite_log_line(void);

Suite *suite_log_line(void)
{
    Suite *suite = suite_create("daemon/base/log_line");
    TCase *tcase = tcase_create("all");

    tcase_add_loop_test(tcase, what_could_forge_or_hide_something_is_escaped, 0, N_ELEMENTS(texts));
    tcase_add_test(tcase, random_bytes_become_harmless_text);
    tcase_add_loop_test(tcase, long_text_is_cut_between_characters_and_marked, 0,
                        2 * N_ELEMENTS(pieces));
    tcase_add_test(tcase, text_goes_after_what_is_there);
    suite_add_tcase(suite, tcase);
    return suite;
}
