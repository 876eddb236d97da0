/* Plain URLs are those of which libcurl's parser makes the same text: it is asked about each. */

#include "lib/net/url_plain.h"

#include <check.h>
#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/net/url.h"
#include "tests/support/fault.h"
#include "tests/support/random.h"

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

static bool is_plain(const char *text)
{
    struct co_url_plain plain;

    return co_url_plain_read(text, strlen(text), &plain);
}

/* --- Against libcurl -------------------------------------------------------------------------- */

static bool same_text(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool same_url(const struct co_url *a, const struct co_url *b)
{
    return same_text(a->text, b->text) && same_text(a->origin, b->origin) &&
           same_text(a->host, b->host) && same_text(a->user, b->user) &&
           same_text(a->password, b->password) && co_address_equal(&a->address, &b->address) &&
           a->port == b->port && a->is_https == b->is_https;
}

/* A fragment is never plain, and never part of the result. */
static int parse_by_libcurl(const char *text, struct co_url *ret_url)
{
    char with_fragment[CO_URL_MAX_LENGTH + 2];
    size_t length = (size_t)snprintf(with_fragment, sizeof(with_fragment), "%s#", text);

    return co_url_parse(with_fragment, length, ret_url);
}

static void expect_as_libcurl(const char *text)
{
    struct co_url url = {0}, expected = {0}, resolved = {0}, base = {0};
    int rc = co_url_parse(text, strlen(text), &url);

    ck_assert_msg(rc == parse_by_libcurl(text, &expected), "%s: %d", text, rc);
    ck_assert_msg(same_url(&url, &expected), "%s: %s, %s", text, url.text, expected.text);
    ck_assert_msg(!is_plain(text) || (rc == 0 && strcmp(url.text, text) == 0), "%s", text);

    ck_assert_int_eq(co_url_parse("https://u@base/x?y", 18, &base), 0);
    rc = co_url_resolve(&base, text, strlen(text), &resolved);
    if (is_plain(text))
        ck_assert_msg(rc == 0 && same_url(&resolved, &expected), "%s: %d", text, rc);
    co_url_done(&base);
    co_url_done(&resolved);
    co_url_done(&expected);
    co_url_done(&url);
}

/* --- What is plain, and what is not ----------------------------------------------------------- */

static const char *const plain[] = {
    "http://a/",
    "https://a/",
    "http://www.example.com/",
    "http://www.example.com:8080/",
    "https://www.example.com:80/",
    "http://www.example.com:443/",
    "http://xn--fa-hia.de/",
    "http://under_score.example/",
    "http://-a-.b-/",
    "http://1.2.example/",
    "http://127.0.0.1/",
    "http://127.0.0.1:65535/",
    "https://0.0.0.0:1/",
    "http://a/b/c.d/e..f/~g",
    "http://a/b?c=d&e=/f//g/../h/./i?j",
    "http://a/A-Z_!$&'()*+,;=:@",
    "http://a/b/",
};

START_TEST(a_usual_url_is_plain)
{
    ck_assert_msg(is_plain(plain[_i]), "%s", plain[_i]);
    expect_as_libcurl(plain[_i]);
}
END_TEST

static const char *const not_plain[] = {
    "",
    "http://",
    "http:///",
    "http://a",
    "http://a?b",
    "http:/a/",
    "HTTP://a/",
    "ftp://a/",
    "//a/",
    "http://A/",
    "http://a./",
    "http://.a/",
    "http://a..b/",
    "http://u@a/",
    "http://u:p@a/",
    "http://a:/",
    "http://a:80/",
    "https://a:443/",
    "http://a:0/",
    "http://a:01/",
    "http://a:65536/",
    "http://a:99999/",
    "http://a:123456/",
    "http://a:8o/",
    "http://1/",
    "http://127.1/",
    "http://127.0.0.01/",
    "http://127.0.0.1./",
    "http://256.0.0.1/",
    "http://0x7f.1/",
    "http://a.0x1/",
    "http://a.1/",
    "http://a.-1/",
    "http://a._b/",
    "http://[::1]/",
    "http://a%41/",
    "http://fa\u00df.de/",
    "http://a//b",
    "http://a/./b",
    "http://a/../b",
    "http://a/.b",
    "http://a/b/..",
    "http://a/b/.",
    "http://a/%41",
    "http://a/b c",
    "http://a/\u00e4",
    "http://a/\"",
    "http://a/<",
    "http://a/[",
    "http://a/^",
    "http://a/`",
    "http://a/{",
    "http://a/|",
    "http://a/\\",
    "http://a/\x7f",
    "http://a/b?",
    "http://a/b?c#d",
    "http://a/b#",
    "http://a/b?%",
    "http://a/b?\"",
    "http://a123456789012345678901234567890123456789012345678901234567890123/",
};

START_TEST(what_is_the_least_unusual_is_not_plain)
{
    ck_assert_msg(!is_plain(not_plain[_i]), "%s", not_plain[_i]);
}
END_TEST

START_TEST(bytes_behind_the_length_do_not_count)
{
    struct co_url_plain found;

    ck_assert(co_url_plain_read("http://a/b\"", 10, &found));
    ck_assert(!co_url_plain_read("http://a/b", 8, &found));
    ck_assert(!co_url_plain_read("http://a/\0b", 11, &found));
    ck_assert(!co_url_plain_read("http://a\0/b", 11, &found));
}
END_TEST

/* --- Limits ----------------------------------------------------------------------------------- */

START_TEST(longest_host_is_plain)
{
    char text[400] = "http://";

    for (size_t length = 250; length <= 256; length++) {
        char *end = text + strlen("http://");
        for (size_t i = 0; i < length; i++)
            *end++ = i % 60 == 59 && i + 1 < length ? '.' : 'a';
        strcpy(end, "/");
        ck_assert_int_eq(is_plain(text), length <= 253);
        expect_as_libcurl(text);
    }
}
END_TEST

START_TEST(longest_url_is_plain_and_a_longer_one_is_none)
{
    static char text[CO_URL_MAX_LENGTH + 10] = "http://a/";
    struct co_url url;

    memset(text + strlen(text), 'b', CO_URL_MAX_LENGTH - strlen(text));
    ck_assert_uint_eq(strlen(text), CO_URL_MAX_LENGTH);
    ck_assert_int_eq(co_url_parse(text, strlen(text), &url), 0);
    co_url_done(&url);
    strcat(text, "b");
    ck_assert_int_eq(co_url_parse(text, strlen(text), &url), CO_URL_TOO_LONG);
}
END_TEST

START_TEST(there_may_be_no_memory_for_it)
{
    struct co_url url;

    fault_arm(1);
    int rc = co_url_parse("http://a/", 9, &url);
    ck_assert(fault_disarm());
    ck_assert_int_eq(rc, -ENOMEM);
}
END_TEST

/* --- Random ----------------------------------------------------------------------------------- */

static const char *pick(struct random *random, const char *const *words, uint32_t n_words)
{
    return words[random_below(random, n_words)];
}

#define PICK(random, words) pick(random, words, N_ELEMENTS(words))

/* Mostly plain parts, with those in between that nearly are. */
static void append_host(struct random *random, char *text)
{
    static const char *const labels[] = {
        "a",   "www", "example", "xn--fa-hia", "0", "127", "1a",  "255", "256",  "00",
        "0x1", "-",   "_",       "a-b",        "",  "A",   "%41", "u@h", "[::1]"};
    static const char *const tops[] = {"com", "de", "a1", "1a", "1", "0x1", "x-", "-", "0", "b."};

    for (uint32_t n = random_below(random, 4); n > 0; n--)
        strcat(strcat(text, PICK(random, labels)), ".");
    strcat(text, PICK(random, tops));
}

static void append_path(struct random *random, char *text)
{
    static const char *const pieces[] = {"/",  "/",  "/", "a",  "b.c", "-_~", "%41", ".",
                                         "..", "/.", "?", "=&", "@:",  "!$'", "()*", "+,;",
                                         "{",  "\"", "|", "^",  "%",   "[",   "0",   "Z"};

    strcat(text, "/");
    for (uint32_t n = random_below(random, 8); n > 0; n--)
        strcat(text, PICK(random, pieces));
}

static void make_url(struct random *random, char text[static 256])
{
    static const char *const schemes[] = {"http://", "http://", "https://", "https://", "Http://"};
    static const char *const ports[] = {"",    "",     "",       "",   ":8080", ":1",
                                        ":80", ":443", ":65536", ":0", ":08",   ":"};

    strcpy(text, PICK(random, schemes));
    append_host(random, text);
    strcat(text, PICK(random, ports));
    append_path(random, text);
}

START_TEST(libcurl_makes_the_same_of_every_url)
{
    struct random random = {6};
    size_t n_plain = 0;

    for (int i = 0; i < 60000; i++) {
        char text[256];
        make_url(&random, text);
        n_plain += is_plain(text);
        expect_as_libcurl(text);
    }
    ck_assert_uint_gt(n_plain, 1500);
}
END_TEST

/* Each byte at each place of a plain URL. */
START_TEST(libcurl_makes_the_same_with_any_byte_anywhere)
{
    static const char usual[] = "http://w1.ex-a.de:81/p/q.r?s=t";

    for (size_t at = 0; at < strlen(usual); at++) {
        for (int byte = 1; byte < 256; byte++) {
            char text[sizeof(usual)];
            strcpy(text, usual);
            text[at] = (char)byte;
            if (byte != '#')
                expect_as_libcurl(text);
        }
    }
}
END_TEST

static void set_up(void)
{
    ck_assert_ptr_nonnull(setlocale(LC_CTYPE, "C.UTF-8"));
}

Suite *suite_url_plain(void);

Suite *suite_url_plain(void)
{
    Suite *suite = suite_create("url_plain");
    TCase *tcase = tcase_create("url_plain");

    tcase_add_checked_fixture(tcase, set_up, NULL);
    tcase_add_loop_test(tcase, a_usual_url_is_plain, 0, N_ELEMENTS(plain));
    tcase_add_loop_test(tcase, what_is_the_least_unusual_is_not_plain, 0, N_ELEMENTS(not_plain));
    tcase_add_test(tcase, bytes_behind_the_length_do_not_count);
    tcase_add_test(tcase, longest_host_is_plain);
    tcase_add_test(tcase, longest_url_is_plain_and_a_longer_one_is_none);
    tcase_add_test(tcase, there_may_be_no_memory_for_it);
    tcase_add_test(tcase, libcurl_makes_the_same_of_every_url);
    tcase_add_test(tcase, libcurl_makes_the_same_with_any_byte_anywhere);
    suite_add_tcase(suite, tcase);
    return suite;
}
