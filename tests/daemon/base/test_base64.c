#include "daemon/base/base64.h"

#include <check.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "tests/support/random.h"

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

/* RFC 4648, section 10, and the two characters those do not reach. */
static const struct {
    const char *bytes, *text;
} examples[] = {
    {"", ""},
    {"f", "Zg=="},
    {"fo", "Zm8="},
    {"foo", "Zm9v"},
    {"foob", "Zm9vYg=="},
    {"fooba", "Zm9vYmE="},
    {"foobar", "Zm9vYmFy"},
    {"\xfb\xef\xff", "++//"},
};

START_TEST(bytes_are_encoded)
{
    char text[16] = "";
    size_t n = strlen(examples[_i].bytes);

    ck_assert_ptr_eq(base64_encode(text, examples[_i].bytes, n), text + base64_encoded_len(n));
    ck_assert_str_eq(text, examples[_i].text);
}
END_TEST

static unsigned value_of(char character)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    return (unsigned)(strchr(alphabet, character) - alphabet);
}

static unsigned bit_of_bytes(const unsigned char *bytes, size_t i)
{
    return bytes[i / 8] >> (7 - i % 8) & 1;
}

static unsigned bit_of_text(const char *text, size_t i)
{
    return value_of(text[i / 6]) >> (5 - i % 6) & 1;
}

START_TEST(every_bit_is_where_it_belongs)
{
    struct random random = {1};
    unsigned char bytes[48];
    char text[64];

    for (int round = 0; round < 1000; round++) {
        size_t n = random_below(&random, sizeof(bytes) + 1);
        for (size_t i = 0; i < n; i++)
            bytes[i] = (unsigned char)random_next(&random);
        base64_encode(text, bytes, n);
        size_t n_same = 0;
        for (size_t i = 0; i < 8 * n; i++)
            n_same += bit_of_bytes(bytes, i) == bit_of_text(text, i);
        ck_assert_uint_eq(n_same, 8 * n);
    }
}
END_TEST

START_TEST(text_is_decoded)
{
    char bytes[16] = "";
    size_t n;

    ck_assert_int_eq(base64_decode(bytes, examples[_i].text, strlen(examples[_i].text), &n), 0);
    ck_assert_uint_eq(n, strlen(examples[_i].bytes));
    ck_assert_str_eq(bytes, examples[_i].bytes);
}
END_TEST

static const char *const bad_texts[] = {
    "Z",        "Zg",     "Zg=",   "Zh==", "Zm9=", "=",    "====",    "Z===",
    "Zg==Zg==", "Zm9v\n", " Zm9v", "Zm 9", "Zm9-", "Zm9_", "Zm9\xff", "Z=9v",
};

START_TEST(text_that_is_never_written_is_refused)
{
    char bytes[16];
    size_t n = 7;

    ck_assert_int_eq(base64_decode(bytes, bad_texts[_i], strlen(bad_texts[_i]), &n), -EINVAL);
    ck_assert_uint_eq(n, 7);
}
END_TEST

/* So a text that is accepted is the only one for its bytes. */
START_TEST(text_that_is_accepted_is_what_would_be_written)
{
    static const char characters[] = "AQgw+/9=";
    struct random random = {1};

    for (int round = 0; round < 20000; round++) {
        char text[8], again[8], bytes[6];
        size_t n;

        for (size_t i = 0; i < sizeof(text); i++)
            text[i] = characters[random_below(&random, sizeof(characters) - 1)];
        if (base64_decode(bytes, text, sizeof(text), &n) == 0) {
            ck_assert_ptr_eq(base64_encode(again, bytes, n), again + sizeof(again));
            ck_assert_mem_eq(again, text, sizeof(text));
        }
    }
}
END_TEST

Suite *suite_base64(void);

Suite *suite_base64(void)
{
    Suite *suite = suite_create("daemon/base/base64");
    TCase *tcase = tcase_create("all");

    tcase_add_loop_test(tcase, bytes_are_encoded, 0, N_ELEMENTS(examples));
    tcase_add_test(tcase, every_bit_is_where_it_belongs);
    tcase_add_loop_test(tcase, text_is_decoded, 0, N_ELEMENTS(examples));
    tcase_add_loop_test(tcase, text_that_is_never_written_is_refused, 0, N_ELEMENTS(bad_texts));
    tcase_add_test(tcase, text_that_is_accepted_is_what_would_be_written);
    suite_add_tcase(suite, tcase);
    return suite;
}
