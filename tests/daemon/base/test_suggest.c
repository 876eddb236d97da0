#include "daemon/base/suggest.h"

#include <check.h>
#include <string.h>

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

static const char *const names[] = {
    "url", "method", "headers", "timeout_ms", "connect_timeout_ms", "max_redirects", "json", "form",
};

static const struct {
    const char *word, *suggestion;
} words[] = {
    {"url", "url"},
    {"uri", "url"},
    {"urls", "url"},
    {"rul", "url"},
    {"URL", "url"},
    {"xyz", NULL},
    {"", NULL},
    {"u", NULL},
    {"header", "headers"},
    {"haeders", "headers"},
    {"timeout", "timeout_ms"},
    {"timeoutMs", "timeout_ms"},
    {"timout", "timeout_ms"},
    {"connect_timeout", "connect_timeout_ms"},
    {"max-redirects", "max_redirects"},
    {"maxRedirects", "max_redirects"},
    {"redirects", NULL},
    {"from", "form"},
    {"\xff\xfe\xfd", NULL},
};

static const char *suggest(const char *word, size_t len)
{
    struct suggestion suggestion;

    suggest_init(&suggestion, word, len);
    for (size_t i = 0; i < N_ELEMENTS(names); i++)
        suggest_offer(&suggestion, names[i]);
    return suggestion.best;
}

START_TEST(nearest_name_is_suggested_if_it_is_near)
{
    ck_assert_pstr_eq(suggest(words[_i].word, strlen(words[_i].word)), words[_i].suggestion);
}
END_TEST

START_TEST(word_may_be_part_of_a_text)
{
    ck_assert_pstr_eq(suggest("methdo:", 6), "method");
}
END_TEST

START_TEST(nearer_candidate_wins_whatever_the_order)
{
    struct suggestion suggestion;

    for (int turn = 0; turn < 2; turn++) {
        suggest_init(&suggestion, "max_item", 8);
        suggest_offer(&suggestion, turn == 0 ? "max_time" : "max_items");
        suggest_offer(&suggestion, turn == 0 ? "max_items" : "max_time");
        ck_assert_pstr_eq(suggestion.best, "max_items");
    }
}
END_TEST

START_TEST(very_long_word_is_like_nothing)
{
    char word[100];

    memset(word, 'a', sizeof(word));
    ck_assert_ptr_null(suggest(word, sizeof(word)));
}
END_TEST

START_TEST(very_long_candidate_is_like_nothing)
{
    struct suggestion suggestion;
    char word[64], candidate[66];

    memset(word, 'a', sizeof(word));
    memset(candidate, 'a', sizeof(candidate) - 1);
    candidate[65] = '\0';
    suggest_init(&suggestion, word, sizeof(word));
    suggest_offer(&suggestion, candidate);
    ck_assert_ptr_null(suggestion.best);
    candidate[64] = '\0';
    suggest_offer(&suggestion, candidate);
    ck_assert_ptr_eq(suggestion.best, candidate);
}
END_TEST

Suite *suite_suggest(void);

Suite *suite_suggest(void)
{
    Suite *suite = suite_create("daemon/base/suggest");
    TCase *tcase = tcase_create("all");

    tcase_add_loop_test(tcase, nearest_name_is_suggested_if_it_is_near, 0, N_ELEMENTS(words));
    tcase_add_test(tcase, word_may_be_part_of_a_text);
    tcase_add_test(tcase, nearer_candidate_wins_whatever_the_order);
    tcase_add_test(tcase, very_long_word_is_like_nothing);
    tcase_add_test(tcase, very_long_candidate_is_like_nothing);
    suite_add_tcase(suite, tcase);
    return suite;
}
