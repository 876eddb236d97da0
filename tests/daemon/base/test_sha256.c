#include "daemon/base/sha256.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

/* From FIPS 180-4's examples, and the digest of nothing. */
static const struct {
    const char *text;
    const char *digest;
} examples[] = {
    {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
};

static void expect_digest(struct sha256 *sha256, const char *expected)
{
    unsigned char digest[SHA256_SIZE];
    char text[2 * SHA256_SIZE + 1];

    ck_assert(sha256_finish(sha256, digest));
    for (size_t i = 0; i < SHA256_SIZE; i++)
        sprintf(text + 2 * i, "%02x", digest[i]);
    ck_assert_str_eq(text, expected);
}

START_TEST(digest_is_that_of_the_standard)
{
    const char *text = examples[_i].text;
    struct sha256 sha256;

    ck_assert_int_eq(sha256_init(&sha256), 0);
    sha256_update(&sha256, text, strlen(text));
    expect_digest(&sha256, examples[_i].digest);
    sha256_done(&sha256);
}
END_TEST

START_TEST(pieces_make_the_same_digest)
{
    const char *text = examples[2].text;
    struct sha256 sha256;

    ck_assert_int_eq(sha256_init(&sha256), 0);
    for (; *text != '\0'; text++)
        sha256_update(&sha256, text, 1);
    expect_digest(&sha256, examples[2].digest);
    sha256_done(&sha256);
}
END_TEST

START_TEST(restart_forgets_what_came)
{
    struct sha256 sha256;

    ck_assert_int_eq(sha256_init(&sha256), 0);
    for (int i = 0; i < 3; i++) {
        sha256_update(&sha256, "something", 9);
        sha256_restart(&sha256);
        sha256_update(&sha256, "abc", 3);
        expect_digest(&sha256, examples[1].digest);
        sha256_restart(&sha256);
    }
    sha256_done(&sha256);
}
END_TEST

START_TEST(done_twice_is_fine)
{
    struct sha256 sha256 = {0};

    sha256_done(&sha256);
    sha256_done(&sha256);
}
END_TEST

/* --- HMAC ------------------------------------------------------------------------------------- */

/* source RFC 4231, test cases 1, 2 and 6 */
static const struct {
    char fill; /* of the key, so many times; 0: the key is a text */
    size_t n;
    const char *key, *text, *code;
} codes[] = {
    {0x0b, 20, NULL, "Hi There",
     "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
    {0, 4, "Jefe", "what do ya want for nothing?",
     "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
    {(char)0xaa, 131, NULL, "Test Using Larger Than Block-Size Key - Hash Key First",
     "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
};

START_TEST(code_is_that_of_the_standard)
{
    unsigned char code[SHA256_SIZE];
    char key[131], text[2 * SHA256_SIZE + 1];

    memset(key, codes[_i].fill, sizeof(key));
    ck_assert(sha256_hmac(codes[_i].key != NULL ? codes[_i].key : key, codes[_i].n, codes[_i].text,
                          strlen(codes[_i].text), code));
    for (size_t i = 0; i < SHA256_SIZE; i++)
        sprintf(text + 2 * i, "%02x", code[i]);
    ck_assert_str_eq(text, codes[_i].code);
}
END_TEST

Suite *suite_sha256(void);

Suite *suite_sha256(void)
{
    Suite *suite = suite_create("daemon/base/sha256");
    TCase *tcase = tcase_create("all");

    tcase_add_loop_test(tcase, digest_is_that_of_the_standard, 0, N_ELEMENTS(examples));
    tcase_add_test(tcase, pieces_make_the_same_digest);
    tcase_add_test(tcase, restart_forgets_what_came);
    tcase_add_test(tcase, done_twice_is_fine);
    tcase_add_loop_test(tcase, code_is_that_of_the_standard, 0, N_ELEMENTS(codes));
    suite_add_tcase(suite, tcase);
    return suite;
}
