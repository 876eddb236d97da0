#include "daemon/api/http_target.h"

#include <check.h>
#include <string.h>

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

static const struct {
    const char *target, *authority, *path, *query;
} targets[] = {
    {"/", NULL, "/", ""},
    {"/a/b?c=d", NULL, "/a/b", "c=d"},
    {"/a?", NULL, "/a", ""},
    {"/?a?b", NULL, "/", "a?b"},
    {"//a", NULL, "//a", ""},
    {"*", NULL, "*", ""},
    {"http://host/a?b", "host", "/a", "b"},
    {"HTTP://host:80", "host:80", "/", ""},
    {"http://host?b", "host", "/", "b"},
    {"http:///a", "", "/a", ""},
    {"http://[::1]:7480/", "[::1]:7480", "/", ""},
};

START_TEST(target_is_split)
{
    struct http_target target;
    const char *authority = targets[_i].authority;

    ck_assert(http_target_split(targets[_i].target, &target));
    ck_assert_int_eq(target.authority == NULL, authority == NULL);
    if (authority != NULL) {
        ck_assert_uint_eq(target.authority_length, strlen(authority));
        ck_assert_int_eq(strncmp(target.authority, authority, strlen(authority)), 0);
    }
    ck_assert_uint_eq(target.path_length, strlen(targets[_i].path));
    ck_assert_int_eq(strncmp(target.path, targets[_i].path, target.path_length), 0);
    ck_assert_str_eq(target.query, targets[_i].query);
}
END_TEST

static const char *const bad_targets[] = {"",        "a", "?a", "host:80", "https://host/",
                                          "http:/a", "**"};

START_TEST(target_of_another_form_is_refused)
{
    struct http_target target;

    ck_assert(!http_target_split(bad_targets[_i], &target));
}
END_TEST

static const struct {
    const char *encoded, *decoded;
} texts[] = {
    {"", ""},
    {"plain", "plain"},
    {"a%20b", "a b"},
    {"%41%7a%7A", "Azz"},
    {"%C3%bc", "\xc3\xbc"},
    {"%2541", "%41"},
    {"a+b", "a+b"},
};

START_TEST(percent_encoding_is_undone_once)
{
    const char *encoded = texts[_i].encoded;
    char out[32];

    ck_assert(http_percent_is_valid(encoded, strlen(encoded)));
    ck_assert_uint_eq(http_percent_decode(encoded, strlen(encoded), out),
                      strlen(texts[_i].decoded));
    ck_assert_str_eq(out, texts[_i].decoded);
}
END_TEST

static const char *const bad_texts[] = {"%",   "%4",  "a%4",  "%zz", "%4g",
                                        "%g4", "%00", "%%41", "%-1"};

START_TEST(bad_percent_encoding_is_noticed)
{
    ck_assert(!http_percent_is_valid(bad_texts[_i], strlen(bad_texts[_i])));
}
END_TEST

START_TEST(only_the_given_length_is_looked_at)
{
    char out[8];

    ck_assert(http_percent_is_valid("ab%zz", 2));
    ck_assert(!http_percent_is_valid("a%41", 3));
    ck_assert_uint_eq(http_percent_decode("ab%41", 2, out), 2);
    ck_assert_str_eq(out, "ab");
}
END_TEST

START_TEST(text_may_be_decoded_in_place)
{
    char text[] = "%41%42c";

    ck_assert_uint_eq(http_percent_decode(text, strlen(text), text), 3);
    ck_assert_str_eq(text, "ABc");
}
END_TEST

Suite *suite_http_target(void);

Suite *suite_http_target(void)
{
    Suite *suite = suite_create("http_target");
    TCase *tcase = tcase_create("http_target");

    tcase_add_loop_test(tcase, target_is_split, 0, N_ELEMENTS(targets));
    tcase_add_loop_test(tcase, target_of_another_form_is_refused, 0, N_ELEMENTS(bad_targets));
    tcase_add_loop_test(tcase, percent_encoding_is_undone_once, 0, N_ELEMENTS(texts));
    tcase_add_loop_test(tcase, bad_percent_encoding_is_noticed, 0, N_ELEMENTS(bad_texts));
    tcase_add_test(tcase, only_the_given_length_is_looked_at);
    tcase_add_test(tcase, text_may_be_decoded_in_place);
    suite_add_tcase(suite, tcase);
    return suite;
}
