#include "daemon/api/submit_key.h"

#include <check.h>
#include <errno.h>
#include <string.h>

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

static struct submit_keys keys;

static void set_up(void)
{
    submit_keys_init(&keys);
}

static void tear_down(void)
{
    ck_assert(co_list_is_empty(&keys.taken));
}

static const struct {
    const char *text;
    int rc;
} texts[] = {
    {"a", 0},           {"8e03978e-40d5-43dd-bc93-6894a57f9324", 0},
    {"\"quoted\"", 0},  {"!#~", 0},
    {"", -EINVAL},      {" ", -EINVAL},
    {"a b", -EINVAL},   {"a\tb", -EINVAL},
    {"a\x7f", -EINVAL}, {"\xc3\xa4", -EINVAL},
};

START_TEST(key_is_visible_ascii)
{
    struct submit_key key;

    ck_assert_int_eq(submit_key_begin(&key, &keys, "", texts[_i].text, NULL), texts[_i].rc);
    submit_key_done(&key);
}
END_TEST

START_TEST(key_has_255_characters_at_most)
{
    char text[256 + 1];
    struct submit_key key;

    memset(text, 'k', 256);
    text[256] = '\0';
    ck_assert_int_eq(submit_key_begin(&key, &keys, "", text, NULL), -EINVAL);
    submit_key_done(&key);
    text[255] = '\0';
    ck_assert_int_eq(submit_key_begin(&key, &keys, "", text, NULL), 0);
    submit_key_done(&key);
}
END_TEST

START_TEST(key_is_taken_until_it_is_done)
{
    struct submit_key first, second, other;

    ck_assert_int_eq(submit_key_begin(&first, &keys, "", "same", NULL), 0);
    ck_assert_int_eq(submit_key_begin(&other, &keys, "", "other", NULL), 0);
    ck_assert_int_eq(submit_key_begin(&second, &keys, "", "same", NULL), -EBUSY);
    submit_key_done(&second);
    ck_assert_int_eq(submit_key_begin(&second, &keys, "", "same", NULL), -EBUSY);
    submit_key_done(&first);
    ck_assert_int_eq(submit_key_begin(&second, &keys, "", "same", NULL), 0);
    submit_key_done(&second);
    submit_key_done(&other);
}
END_TEST

START_TEST(documents_without_a_key_have_nothing_to_do_with_each_other)
{
    struct submit_key first, second;

    ck_assert_int_eq(submit_key_begin(&first, &keys, "", NULL, "text/plain"), 0);
    ck_assert_int_eq(submit_key_begin(&second, &keys, "", NULL, "text/plain"), 0);
    submit_key_add(&first, "abc", 3);
    ck_assert_int_eq(submit_key_end(&first), 0);
    submit_key_done(&first);
    submit_key_done(&second);
}
END_TEST

/* The fingerprint of a document that comes in pieces, which end in NULL. */
static void fingerprint(const char *content_type, const char *const *pieces,
                        unsigned char ret_fingerprint[SHA256_SIZE])
{
    struct submit_key key;

    ck_assert_int_eq(submit_key_begin(&key, &keys, "", "key", content_type), 0);
    for (; *pieces != NULL; pieces++)
        submit_key_add(&key, *pieces, strlen(*pieces));
    ck_assert_int_eq(submit_key_end(&key), 0);
    memcpy(ret_fingerprint, key.fingerprint, SHA256_SIZE);
    submit_key_done(&key);
}

static const struct {
    const char *content_type;
    const char *pieces[4];
    bool is_same; /* as "abc" of text/plain */
} documents[] = {
    {"text/plain", {"abc"}, true},        {"text/plain", {"a", "", "bc"}, true},
    {"text/plain", {"abcd"}, false},      {"text/plain", {"ab"}, false},
    {"application/json", {"abc"}, false}, {NULL, {"abc"}, false},
    {NULL, {"text/plain", "abc"}, false}, {"text/plainabc", {NULL}, false},
};

START_TEST(fingerprint_is_of_content_type_and_bytes)
{
    static const char *const original[] = {"abc", NULL};
    unsigned char wanted[SHA256_SIZE], got[SHA256_SIZE];

    fingerprint("text/plain", original, wanted);
    fingerprint(documents[_i].content_type, documents[_i].pieces, got);
    ck_assert_int_eq(memcmp(wanted, got, SHA256_SIZE) == 0, documents[_i].is_same);
}
END_TEST

Suite *suite_submit_key(void);

Suite *suite_submit_key(void)
{
    Suite *suite = suite_create("submit_key");
    TCase *tcase = tcase_create("submit_key");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_loop_test(tcase, key_is_visible_ascii, 0, N_ELEMENTS(texts));
    tcase_add_test(tcase, key_has_255_characters_at_most);
    tcase_add_test(tcase, key_is_taken_until_it_is_done);
    tcase_add_test(tcase, documents_without_a_key_have_nothing_to_do_with_each_other);
    tcase_add_loop_test(tcase, fingerprint_is_of_content_type_and_bytes, 0, N_ELEMENTS(documents));
    suite_add_tcase(suite, tcase);
    return suite;
}
