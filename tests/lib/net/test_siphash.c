#include "lib/net/siphash.h"

#include <check.h>
#include <string.h>

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

/* Of the authors: the key is 00 01 02 ... 0f, and so the input is, as long as it is. */
static const struct {
    size_t length;
    uint64_t hash;
} vectors[] = {
    {0, 0x726fdb47dd0e0e31}, {1, 0x74f839c593dc67fd}, {2, 0x0d6c8009d9a94f5a},
    {7, 0xab0200f58b01d137}, {8, 0x93f5f5799a932462}, {15, 0xa129ca6149be45e5},
};

START_TEST(the_hash_is_that_of_the_authors)
{
    const struct co_siphash_key key = {{0x0706050403020100, 0x0f0e0d0c0b0a0908}};
    unsigned char input[16];

    for (size_t i = 0; i < sizeof(input); i++)
        input[i] = (unsigned char)i;
    ck_assert_uint_eq(co_siphash(&key, input, vectors[_i].length), vectors[_i].hash);
}
END_TEST

START_TEST(another_key_gives_another_hash)
{
    struct co_siphash_key a = co_siphash_random_key(), b = co_siphash_random_key();

    ck_assert_uint_ne(co_siphash(&a, "text", 4), co_siphash(&b, "text", 4));
}
END_TEST

Suite *suite_siphash(void);

Suite *suite_siphash(void)
{
    Suite *suite = suite_create("siphash");
    TCase *tcase = tcase_create("siphash");

    tcase_add_loop_test(tcase, the_hash_is_that_of_the_authors, 0, N_ELEMENTS(vectors));
    tcase_add_test(tcase, another_key_gives_another_hash);
    suite_add_tcase(suite, tcase);
    return suite;
}
