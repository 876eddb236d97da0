#include "daemon/base/crc32c.h"

#include <check.h>
#include <string.h>

/* Of RFC 3720 B.4, and the usual check value. */
START_TEST(known_values)
{
    unsigned char bytes[32];

    ck_assert_uint_eq(crc32c("", 0), 0);
    ck_assert_uint_eq(crc32c("123456789", 9), 0xe3069283);
    memset(bytes, 0, sizeof(bytes));
    ck_assert_uint_eq(crc32c(bytes, sizeof(bytes)), 0x8a9136aa);
    memset(bytes, 0xff, sizeof(bytes));
    ck_assert_uint_eq(crc32c(bytes, sizeof(bytes)), 0x62a8ab43);
    for (unsigned char i = 0; i < sizeof(bytes); i++)
        bytes[i] = i;
    ck_assert_uint_eq(crc32c(bytes, sizeof(bytes)), 0x46dd794e);
}
END_TEST

START_TEST(any_flipped_bit_shows)
{
    unsigned char bytes[37] = "what is kept on disk";
    uint32_t sound = crc32c(bytes, sizeof(bytes));

    for (size_t bit = 0; bit < 8 * sizeof(bytes); bit++) {
        bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
        ck_assert_uint_ne(crc32c(bytes, sizeof(bytes)), sound);
        bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
    }
}
END_TEST

Suite *suite_crc32c(void);

Suite *suite_crc32c(void)
{
    Suite *suite = suite_create("daemon/base/crc32c");
    TCase *tcase = tcase_create("all");

    tcase_add_test(tcase, known_values);
    tcase_add_test(tcase, any_flipped_bit_shows);
    suite_add_tcase(suite, tcase);
    return suite;
}
