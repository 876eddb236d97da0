#include "daemon/base/process.h"

#include <check.h>
#include <fcntl.h>
#include <unistd.h>

#include "daemon/base/instant.h"

START_TEST(numbers_are_those_of_this_process)
{
    struct process_numbers numbers;

    process_read(&numbers);
    ck_assert_int_gt(numbers.cpu_us, 0);
    ck_assert_int_le(numbers.started_at, instant_now());
    ck_assert_int_gt(numbers.started_at, instant_now() - INT64_C(86400000000));
    ck_assert_uint_ge(numbers.n_threads, 1);
    ck_assert_uint_gt(numbers.resident_bytes, 100000);
    ck_assert_uint_gt(numbers.virtual_bytes, numbers.resident_bytes);
    ck_assert_uint_ge(numbers.max_open_files, numbers.n_open_files);
}
END_TEST

START_TEST(open_files_are_counted)
{
    struct process_numbers before, after;

    process_read(&before);
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    process_read(&after);
    close(fd);
    ck_assert_uint_eq(after.n_open_files, before.n_open_files + 1);
}
END_TEST

START_TEST(program_is_known_by_its_name)
{
    ck_assert(process_may_run(getpid(), "unit_tests"));
    ck_assert(!process_may_run(getpid(), "nit_tests"));
    ck_assert(!process_may_run(getpid(), "unit_tests2"));
    ck_assert(process_may_run(1L << 30, "unit_tests")); /* there is none, which kill() will say */
}
END_TEST

Suite *suite_process(void);

Suite *suite_process(void)
{
    Suite *suite = suite_create("process");
    TCase *tcase = tcase_create("all");

    tcase_add_test(tcase, numbers_are_those_of_this_process);
    tcase_add_test(tcase, open_files_are_counted);
    tcase_add_test(tcase, program_is_known_by_its_name);
    suite_add_tcase(suite, tcase);
    return suite;
}
