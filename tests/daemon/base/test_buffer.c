#include "daemon/base/buffer.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>

#include "tests/support/fault.h"
#include "tests/support/random.h"

START_TEST(new_buffer_holds_no_memory)
{
    struct buffer buffer;
    size_t before = fault_live();

    buffer_init(&buffer, 10);
    ck_assert_ptr_null(buffer.data);
    ck_assert_uint_eq(buffer.len, 0);
    ck_assert_uint_eq(fault_live(), before);
    buffer_done(&buffer);
}
END_TEST

START_TEST(done_accepts_null)
{
    buffer_done(NULL);
}
END_TEST

START_TEST(buffer_of_maximum_zero_takes_only_nothing)
{
    struct buffer buffer;

    buffer_init(&buffer, 0);
    ck_assert_int_eq(buffer_append(&buffer, NULL, 0), 0);
    ck_assert_int_eq(buffer_append_byte(&buffer, 'a'), -EMSGSIZE);
    ck_assert_ptr_null(buffer.data);
}
END_TEST

START_TEST(maximum_can_be_reached_but_not_passed)
{
    struct buffer buffer;

    buffer_init(&buffer, 1000);
    for (size_t i = 0; i < 1000; i++)
        ck_assert_int_eq(buffer_append_byte(&buffer, (char)i), 0);
    ck_assert_int_eq(buffer_append_byte(&buffer, 'x'), -EMSGSIZE);
    ck_assert_int_eq(buffer_append(&buffer, "x", 1), -EMSGSIZE);
    ck_assert_int_eq(buffer_reserve(&buffer, SIZE_MAX), -EMSGSIZE);
    ck_assert_uint_eq(buffer.len, 1000);
    ck_assert_uint_eq(buffer.cap, 1000);
    buffer_done(&buffer);
}
END_TEST

START_TEST(append_that_is_too_long_changes_nothing)
{
    struct buffer buffer;

    buffer_init(&buffer, 4);
    ck_assert_int_eq(buffer_append(&buffer, "abc", 3), 0);
    ck_assert_int_eq(buffer_append(&buffer, "de", 2), -EMSGSIZE);
    ck_assert_uint_eq(buffer.len, 3);
    ck_assert_mem_eq(buffer.data, "abc", 3);
    buffer_done(&buffer);
}
END_TEST

START_TEST(reserved_room_can_be_written)
{
    struct buffer buffer;

    buffer_init(&buffer, 5000);
    ck_assert_int_eq(buffer_append(&buffer, "head", 4), 0);
    ck_assert_int_eq(buffer_reserve(&buffer, 4096), 0);
    memset(buffer.data + buffer.len, 'x', 4096);
    ck_assert_uint_ge(buffer.cap - buffer.len, 4096);
    ck_assert_mem_eq(buffer.data, "head", 4);
    buffer_done(&buffer);
}
END_TEST

START_TEST(done_buffer_can_be_filled_again)
{
    struct buffer buffer;

    buffer_init(&buffer, 3);
    ck_assert_int_eq(buffer_append(&buffer, "abc", 3), 0);
    buffer_done(&buffer);
    ck_assert_int_eq(buffer_append(&buffer, "def", 3), 0);
    ck_assert_mem_eq(buffer.data, "def", 3);
    buffer_done(&buffer);
}
END_TEST

START_TEST(taken_bytes_belong_to_the_caller)
{
    struct buffer buffer;
    size_t len;

    buffer_init(&buffer, 10);
    ck_assert_int_eq(buffer_append(&buffer, "abc", 3), 0);
    char *bytes = buffer_take(&buffer, &len);
    ck_assert_uint_eq(len, 3);
    ck_assert_mem_eq(bytes, "abc", 3);
    ck_assert_ptr_null(buffer.data);
    ck_assert_int_eq(buffer_append(&buffer, "d", 1), 0);
    ck_assert_mem_eq(bytes, "abc", 3);
    free(bytes);
    buffer_done(&buffer);
}
END_TEST

START_TEST(taking_from_an_empty_buffer_gives_null)
{
    struct buffer buffer;
    size_t len = 7;

    buffer_init(&buffer, 10);
    ck_assert_ptr_null(buffer_take(&buffer, &len));
    ck_assert_uint_eq(len, 0);
}
END_TEST

START_TEST(growth_is_amortised)
{
    struct buffer buffer;
    size_t n_moves = 0, cap = 0;
    int rc = 0;

    buffer_init(&buffer, 1 << 20);
    for (size_t i = 0; i < 1 << 20; i++) {
        rc |= buffer_append_byte(&buffer, 'x');
        n_moves += buffer.cap != cap;
        cap = buffer.cap;
    }
    ck_assert_int_eq(rc, 0);
    ck_assert_uint_le(n_moves, 13);
    buffer_done(&buffer);
}
END_TEST

START_TEST(random_appends_add_up_to_what_was_appended)
{
    enum { MAX = 4000 };
    struct random random = {1};
    char bytes[300], expected[MAX];

    for (int round = 0; round < 300; round++) {
        struct buffer buffer;
        size_t len = 0;

        buffer_init(&buffer, random_below(&random, MAX + 1));
        for (int step = 0; step < 60; step++) {
            size_t n = random_below(&random, sizeof(bytes) + 1);
            memset(bytes, (int)random_next(&random), sizeof(bytes));
            int rc =
                n == 1 ? buffer_append_byte(&buffer, bytes[0]) : buffer_append(&buffer, bytes, n);
            ck_assert_int_eq(rc, len + n <= buffer.max ? 0 : -EMSGSIZE);
            if (rc == 0)
                memcpy(expected + len, bytes, n);
            len += rc == 0 ? n : 0;
            ck_assert_uint_eq(buffer.len, len);
            ck_assert_uint_le(buffer.cap, buffer.max);
        }
        if (len > 0)
            ck_assert_mem_eq(buffer.data, expected, len);
        buffer_done(&buffer);
    }
}
END_TEST

START_TEST(failed_allocation_leaves_the_bytes_as_they_were)
{
    for (size_t n = 1;; n++) {
        size_t before = fault_live();
        struct buffer buffer;
        size_t len = 0;
        int rc = 0;

        buffer_init(&buffer, 1 << 16);
        fault_arm(n);
        while (len < 10000 && (rc = buffer_append(&buffer, "0123456789", 10)) == 0)
            len += 10;
        bool failed = fault_disarm();
        ck_assert_int_eq(rc, failed ? -ENOMEM : 0);
        ck_assert_uint_eq(buffer.len, len);
        for (size_t i = 0; i < len; i += 10)
            ck_assert_mem_eq(buffer.data + i, "0123456789", 10);
        buffer_done(&buffer);
        ck_assert_uint_eq(fault_live(), before);
        if (!failed)
            break;
    }
}
END_TEST

Suite *suite_buffer(void);

Suite *suite_buffer(void)
{
    Suite *suite = suite_create("daemon/base/buffer");
    TCase *tcase = tcase_create("all");

    tcase_add_test(tcase, new_buffer_holds_no_memory);
    tcase_add_test(tcase, done_accepts_null);
    tcase_add_test(tcase, buffer_of_maximum_zero_takes_only_nothing);
    tcase_add_test(tcase, maximum_can_be_reached_but_not_passed);
    tcase_add_test(tcase, append_that_is_too_long_changes_nothing);
    tcase_add_test(tcase, reserved_room_can_be_written);
    tcase_add_test(tcase, done_buffer_can_be_filled_again);
    tcase_add_test(tcase, taken_bytes_belong_to_the_caller);
    tcase_add_test(tcase, taking_from_an_empty_buffer_gives_null);
    tcase_add_test(tcase, growth_is_amortised);
    tcase_add_test(tcase, random_appends_add_up_to_what_was_appended);
    tcase_add_test(tcase, failed_allocation_leaves_the_bytes_as_they_were);
    suite_add_tcase(suite, tcase);
    return suite;
}
