#include "daemon/base/pack.h"

#include <check.h>
#include <errno.h>

#include "tests/support/random.h"

static struct buffer buffer;
static struct packer packer;

static void set_up(void)
{
    buffer_init(&buffer, 1 << 20);
    packer = (struct packer){.out = &buffer};
}

static void tear_down(void)
{
    buffer_done(&buffer);
}

static struct unpacker reader(void)
{
    ck_assert_int_eq(packer.rc, 0);
    return (struct unpacker){.at = buffer.data, .end = buffer.data + buffer.len};
}

static void expect_end(const struct unpacker *unpacker)
{
    ck_assert(!unpacker->is_bad);
    ck_assert_ptr_eq(unpacker->at, unpacker->end);
}

static const struct {
    uint64_t number;
    size_t n_bytes;
} numbers[] = {
    {0, 1},     {1, 1},          {127, 1},       {128, 2},         {16383, 2},
    {16384, 3}, {UINT32_MAX, 5}, {INT64_MAX, 9}, {UINT64_MAX, 10}, {UINT64_C(1) << 63, 10},
};

START_TEST(number_takes_as_many_bytes_as_it_has_digits)
{
    pack_uint(&packer, numbers[_i].number);
    ck_assert_uint_eq(buffer.len, numbers[_i].n_bytes);
    struct unpacker unpacker = reader();
    ck_assert_uint_eq(unpack_uint(&unpacker), numbers[_i].number);
    expect_end(&unpacker);
}
END_TEST

START_TEST(any_number_comes_back)
{
    struct random random = {1};

    for (int i = 0; i < 10000; i++) {
        uint64_t number = random_next(&random) >> random_below(&random, 64);
        buffer.len = 0;
        pack_uint(&packer, number);
        pack_int(&packer, (int64_t)number);
        pack_int(&packer, -(int64_t)(number >> 1));
        struct unpacker unpacker = reader();
        ck_assert_uint_eq(unpack_uint(&unpacker), number);
        ck_assert_int_eq(unpack_int(&unpacker), (int64_t)number);
        ck_assert_int_eq(unpack_int(&unpacker), -(int64_t)(number >> 1));
        expect_end(&unpacker);
    }
}
END_TEST

START_TEST(smallest_number_comes_back)
{
    pack_int(&packer, INT64_MIN);
    struct unpacker unpacker = reader();
    ck_assert_int_eq(unpack_int(&unpacker), INT64_MIN);
    expect_end(&unpacker);
}
END_TEST

START_TEST(texts_are_read_in_place)
{
    pack_text(&packer, "abc");
    pack_text(&packer, "");
    pack_text(&packer, NULL);
    pack_blob(&packer, "a\0b", 3);
    pack_blob(&packer, NULL, 0);
    struct unpacker unpacker = reader();
    const char *text = unpack_text(&unpacker);
    size_t n;
    ck_assert_str_eq(text, "abc");
    ck_assert(text > buffer.data && text < buffer.data + buffer.len);
    ck_assert_str_eq(unpack_text(&unpacker), "");
    ck_assert_ptr_null(unpack_text(&unpacker));
    ck_assert_mem_eq(unpack_blob(&unpacker, &n), "a\0b", 3);
    ck_assert_uint_eq(n, 3);
    (void)unpack_blob(&unpacker, &n);
    ck_assert_uint_eq(n, 0);
    expect_end(&unpacker);
}
END_TEST

static void expect_bad(const char *bytes, size_t n, void (*read)(struct unpacker *))
{
    struct unpacker unpacker = {.at = bytes, .end = bytes + n};

    read(&unpacker);
    ck_assert(unpacker.is_bad);
    ck_assert_uint_eq(unpack_uint(&unpacker), 0);
    ck_assert_ptr_null(unpack_text(&unpacker));
    ck_assert_ptr_null(unpack_bytes(&unpacker, 0));
}

static void read_uint(struct unpacker *unpacker)
{
    ck_assert_uint_eq(unpack_uint(unpacker), 0);
}

static void read_below_3(struct unpacker *unpacker)
{
    ck_assert_uint_eq(unpack_below(unpacker, 3), 0);
}

static void read_count(struct unpacker *unpacker)
{
    ck_assert_uint_eq(unpack_count(unpacker), 0);
}

static void read_text(struct unpacker *unpacker)
{
    ck_assert_ptr_null(unpack_text(unpacker));
}

START_TEST(what_is_not_there_is_bad_and_stays_so)
{
    expect_bad("", 0, read_uint);
    expect_bad("\x80", 1, read_uint);
    expect_bad("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10, read_uint);
    expect_bad("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11, read_uint);
    expect_bad("\x03", 1, read_below_3);
    expect_bad("\x02\x00", 2, read_count);
    expect_bad("\x03xx", 3, read_text);
    expect_bad("\x02xx", 3, read_text); /* it does not end in a NUL */
    expect_bad("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01x", 11, read_text);
}
END_TEST

START_TEST(first_failure_sticks)
{
    buffer.max = 12;
    pack_uint(&packer, 1);
    ck_assert_int_eq(packer.rc, 0);
    pack_text(&packer, "longer than there is room");
    ck_assert_int_eq(packer.rc, -EMSGSIZE);
    size_t length = buffer.len;
    pack_uint(&packer, 1);
    pack_bytes(&packer, "x", 1);
    ck_assert_uint_eq(buffer.len, length);
    ck_assert_int_eq(packer.rc, -EMSGSIZE);
}
END_TEST

Suite *suite_pack(void);

Suite *suite_pack(void)
{
    Suite *suite = suite_create("daemon/base/pack");
    TCase *tcase = tcase_create("all");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_loop_test(tcase, number_takes_as_many_bytes_as_it_has_digits, 0,
                        sizeof(numbers) / sizeof(*numbers));
    tcase_add_test(tcase, any_number_comes_back);
    tcase_add_test(tcase, smallest_number_comes_back);
    tcase_add_test(tcase, texts_are_read_in_place);
    tcase_add_test(tcase, what_is_not_there_is_bad_and_stays_so);
    tcase_add_test(tcase, first_failure_sticks);
    suite_add_tcase(suite, tcase);
    return suite;
}
