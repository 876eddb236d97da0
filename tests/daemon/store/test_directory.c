#include "daemon/store/directory.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/daemon/store/scratch.h"

static struct directory directory;
static struct err err;

static void set_up(void)
{
    scratch_set_up();
    err = (struct err){""};
    directory = DIRECTORY_CLOSED;
}

static void tear_down(void)
{
    directory_close(&directory, true);
    scratch_tear_down();
}

static void open_it(void)
{
    ck_assert_int_eq(directory_open(&directory, scratch_path("a/b"), &err), 0);
    ck_assert_int_eq(directory_sign(&directory, &err), 0);
}

static void expect_failure(const char *path, int rc, const char *words)
{
    ck_assert_int_eq(directory_open(&directory, path, &err), rc);
    ck_assert_msg(strstr(err.message, words) != NULL, "it says: %s", err.message);
    ck_assert_int_eq(directory.fd, -1);
}

START_TEST(directory_is_made_for_us_alone)
{
    struct stat status;

    open_it();
    ck_assert_int_eq(stat(scratch_path("a/b"), &status), 0);
    ck_assert_uint_eq(status.st_mode & 07777, 0700);
}
END_TEST

START_TEST(directory_that_is_there_stays_as_it_is)
{
    struct stat status;

    mkdir(scratch_path("a"), 0755);
    mkdir(scratch_path("a/b"), 0750);
    open_it();
    ck_assert_int_eq(stat(scratch_path("a/b"), &status), 0);
    ck_assert_uint_eq(status.st_mode & 07777, 0750);
}
END_TEST

START_TEST(only_one_has_it_and_is_named)
{
    struct directory other;
    char words[64];

    open_it();
    snprintf(words, sizeof(words), "in use by another process, %ld", (long)getpid());
    ck_assert_int_eq(directory_open(&other, scratch_path("a/b"), &err), -EBUSY);
    ck_assert_msg(strstr(err.message, words) != NULL, "it says: %s", err.message);
}
END_TEST

START_TEST(who_died_with_it_does_not_have_it_any_more)
{
    int status;
    pid_t child = fork();

    if (child == 0) {
        open_it();
        _exit(0);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    open_it();
    ck_assert(directory.was_left_open);
}
END_TEST

START_TEST(closing_properly_is_remembered)
{
    open_it();
    ck_assert(!directory.was_left_open);
    directory_close(&directory, true);
    open_it();
    ck_assert(!directory.was_left_open);
    directory_close(&directory, false);
    open_it();
    ck_assert(directory.was_left_open);
}
END_TEST

START_TEST(file_in_its_place_is_named)
{
    close(open(scratch_path("file"), O_CREAT | O_WRONLY, 0600));
    expect_failure(scratch_path("file"), -ENOTDIR, "have to be directories");
    err = (struct err){""};
    expect_failure(scratch_path("file/b"), -ENOTDIR, "have to be directories");
}
END_TEST

/* Root may do everything, so it is somebody else who tries. */
START_TEST(directory_of_somebody_else_is_refused)
{
    mkdir(scratch_path("a"), 0700);
    chmod(scratch, 0755);
    bool is_root = geteuid() == 0 && seteuid(65534) == 0;
    if (!is_root)
        chmod(scratch_path("a"), 0500);
    expect_failure(scratch_path("a/b"), -EACCES, "readable and writable for the user");
    if (is_root)
        ck_assert_int_eq(seteuid(0), 0);
    chmod(scratch_path("a"), 0700);
}
END_TEST

START_TEST(file_system_that_is_read_only_is_refused)
{
    expect_failure("/proc/gatherd", -ENOENT, "cannot be made");
    err = (struct err){""};
    if (access("/sys", W_OK) < 0 && errno == EROFS)
        expect_failure("/sys/gatherd", -EROFS, "can be written to");
}
END_TEST

START_TEST(path_that_is_too_long_is_refused)
{
    static char path[6000];

    memset(path, 'a', sizeof(path) - 1);
    path[0] = '/';
    expect_failure(path, -ENAMETOOLONG, "the store /aaa");
}
END_TEST

Suite *suite_directory(void);

Suite *suite_directory(void)
{
    Suite *suite = suite_create("daemon/store/directory");
    TCase *tcase = tcase_create("all");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, directory_is_made_for_us_alone);
    tcase_add_test(tcase, directory_that_is_there_stays_as_it_is);
    tcase_add_test(tcase, only_one_has_it_and_is_named);
    tcase_add_test(tcase, who_died_with_it_does_not_have_it_any_more);
    tcase_add_test(tcase, closing_properly_is_remembered);
    tcase_add_test(tcase, file_in_its_place_is_named);
    tcase_add_test(tcase, directory_of_somebody_else_is_refused);
    tcase_add_test(tcase, file_system_that_is_read_only_is_refused);
    tcase_add_test(tcase, path_that_is_too_long_is_refused);
    suite_add_tcase(suite, tcase);
    return suite;
}
