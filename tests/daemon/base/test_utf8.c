#include "daemon/base/utf8.h"

#include <check.h>
#include <stdint.h>
#include <string.h>

#include "tests/support/random.h"

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

static const struct {
    const char *bytes;
    size_t len;
    uint32_t code_point;
} characters[] = {
    {"A", 1, 'A'},
    {"\0", 1, 0},
    {"\x7f", 1, 0x7f},
    {"\xc2\x80", 2, 0x80},
    {"\xdf\xbf", 2, 0x7ff},
    {"\xe0\xa0\x80", 3, 0x800},
    {"\xed\x9f\xbf", 3, 0xd7ff},
    {"\xee\x80\x80", 3, 0xe000},
    {"\xef\xbf\xbf", 3, 0xffff},
    {"\xf0\x90\x80\x80", 4, 0x10000},
    {"\xf4\x8f\xbf\xbf", 4, 0x10ffff},
};

START_TEST(character_is_decoded)
{
    char padded[8] = "\xff\xff\xff\xff\xff\xff\xff";
    uint32_t code_point;

    memcpy(padded, characters[_i].bytes, characters[_i].len);
    ck_assert_uint_eq(utf8_decode(padded, sizeof(padded), &code_point), characters[_i].len);
    ck_assert_uint_eq(code_point, characters[_i].code_point);
}
END_TEST

START_TEST(character_that_is_cut_is_none)
{
    uint32_t code_point = 7;

    for (size_t len = 0; len < characters[_i].len; len++)
        ck_assert_uint_eq(utf8_decode(characters[_i].bytes, len, &code_point), 0);
    ck_assert_uint_eq(code_point, 7);
}
END_TEST

static const char *const broken[] = {
    "\x80",             /* a continuation alone */
    "\xbf",             /* another */
    "\xc0\x80",         /* overlong NUL */
    "\xc1\xbf",         /* overlong DEL */
    "\xe0\x9f\xbf",     /* overlong U+07FF */
    "\xf0\x8f\xbf\xbf", /* overlong U+FFFF */
    "\xed\xa0\x80",     /* U+D800, a surrogate */
    "\xed\xbf\xbf",     /* U+DFFF, another */
    "\xf4\x90\x80\x80", /* U+110000 */
    "\xf8\x88\x80\x80\x80",
    "\xfc\x84\x80\x80\x80\x80",
    "\xfe",
    "\xff",
    "\xc3(",
    "\xe2\x82(",
    "\xf0\x9f\x98(",
};

START_TEST(broken_character_is_none)
{
    uint32_t code_point;

    ck_assert_uint_eq(utf8_decode(broken[_i], strlen(broken[_i]), &code_point), 0);
    ck_assert(!utf8_is_valid(broken[_i], strlen(broken[_i])));
}
END_TEST

/* The inverse, for a round trip through every character there is. */
static size_t encode(uint32_t c, char out[4])
{
    static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
    size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

    for (size_t i = n; i-- > 1; c >>= 6)
        out[i] = (char)(0x80 | (c & 0x3f));
    out[0] = (char)(lead[n] | c);
    return n;
}

START_TEST(every_character_is_decoded_and_every_surrogate_refused)
{
    for (uint32_t c = 0; c <= 0x110000; c++) {
        bool exists = c <= 0x10ffff && (c < 0xd800 || c > 0xdfff);
        uint32_t code_point = c;
        char bytes[4];
        size_t n = encode(c, bytes);

        if (utf8_decode(bytes, n, &code_point) != (exists ? n : 0) || code_point != c)
            ck_abort_msg("U+%04X", (unsigned)c);
    }
}
END_TEST

/* Whatever the bytes around it, one broken byte makes text invalid, at any distance from the words
 * that are skipped as a whole. */
START_TEST(validity_is_that_of_every_character)
{
    struct random random = {1};
    char text[64];

    for (int round = 0; round < 3000; round++) {
        size_t len = 0;
        while (len < sizeof(text) - 4)
            len +=
                encode(random_below(&random, random_below(&random, 2) ? 0x80 : 0xd800), text + len);
        len = random_below(&random, (uint32_t)len + 1);
        len = utf8_whole(text, len);
        ck_assert(utf8_is_valid(text, len));
        if (len > 0) {
            text[random_below(&random, (uint32_t)len)] = (char)0xff;
            ck_assert(!utf8_is_valid(text, len));
        }
    }
}
END_TEST

static const struct {
    const char *text;
    size_t len, whole;
} cuts[] = {
    {"", 0, 0},
    {"ab", 2, 2},
    {"a\xc3\xa9", 3, 3},
    {"a\xc3\xa9", 2, 1},
    {"a\xe2\x82\xac", 4, 4},
    {"a\xe2\x82\xac", 3, 1},
    {"a\xe2\x82\xac", 2, 1},
    {"\xf0\x9f\x98\x80", 4, 4},
    {"\xf0\x9f\x98\x80", 3, 0},
    {"\xf0\x9f\x98\x80", 1, 0},
    {"\x80\x80\x80\x80\x80", 5, 5},
    {"\x80\x80", 2, 2},
    {"\xff", 1, 1},
    {"a\x80", 2, 2},
};

START_TEST(cut_text_ends_with_a_whole_character)
{
    ck_assert_uint_eq(utf8_whole(cuts[_i].text, cuts[_i].len), cuts[_i].whole);
}
END_TEST

Suite *suite_utf8(void);

Suite *suite_utf8(void)
{
    Suite *suite = suite_create("daemon/base/utf8");
    TCase *tcase = tcase_create("all");

    tcase_add_loop_test(tcase, character_is_decoded, 0, N_ELEMENTS(characters));
    tcase_add_loop_test(tcase, character_that_is_cut_is_none, 0, N_ELEMENTS(characters));
    tcase_add_loop_test(tcase, broken_character_is_none, 0, N_ELEMENTS(broken));
    tcase_add_test(tcase, every_character_is_decoded_and_every_surrogate_refused);
    tcase_add_test(tcase, validity_is_that_of_every_character);
    tcase_add_loop_test(tcase, cut_text_ends_with_a_whole_character, 0, N_ELEMENTS(cuts));
    suite_add_tcase(suite, tcase);
    return suite;
}
