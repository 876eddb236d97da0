#include "daemon/store/wal.h"

#include <check.h>
#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/daemon/store/scratch.h"
#include "tests/support/fault.h"

enum { PAGE = 4096, FRAME = 24 + PAGE, HEADER = 32, COMMITS = 10 };

static char *bytes; /* of a log with some commits */
static long size;
static long ends[COMMITS]; /* of the commits, in frames */

static void execute(sqlite3 *database, const char *sql)
{
    char *message = NULL;

    ck_assert_msg(sqlite3_exec(database, sql, NULL, NULL, &message) == SQLITE_OK, "%s", message);
}

static long size_of(const char *path)
{
    struct stat status;

    ck_assert_int_eq(stat(path, &status), 0);
    return status.st_size;
}

static void read_log(void)
{
    FILE *file = fopen(scratch_path("db-wal"), "r");

    bytes = malloc((size_t)size);
    ck_assert_ptr_nonnull(bytes);
    ck_assert_uint_eq(fread(bytes, 1, (size_t)size, file), size);
    fclose(file);
}

static void set_up(void)
{
    sqlite3 *database;

    scratch_set_up();
    ck_assert_int_eq(sqlite3_open(scratch_path("db"), &database), SQLITE_OK);
    execute(database, "PRAGMA page_size=4096; PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0;"
                      "CREATE TABLE t(x); PRAGMA wal_checkpoint(TRUNCATE)");
    for (int i = 0; i < COMMITS; i++) {
        execute(database, "BEGIN; INSERT INTO t VALUES(randomblob(9000)); COMMIT");
        ends[i] = (size_of(scratch_path("db-wal")) - HEADER) / FRAME;
    }
    size = size_of(scratch_path("db-wal"));
    read_log();
    sqlite3_close(database);
}

static void tear_down(void)
{
    free(bytes);
    scratch_tear_down();
}

/* What the check says of so many bytes of the log. */
static int check(long length, struct wal_damage *ret_damage)
{
    FILE *file = fopen(scratch_path("log"), "w");

    ck_assert_uint_eq(fwrite(bytes, 1, (size_t)length, file), length);
    ck_assert_int_eq(fclose(file), 0);
    return wal_check(scratch_path("log"), PAGE, ret_damage);
}

START_TEST(whole_log_is_fine)
{
    struct wal_damage damage;

    ck_assert_int_eq(check(size, &damage), 0);
    ck_assert_int_eq(check(0, &damage), 0);
    ck_assert_int_eq(wal_check(scratch_path("missing"), PAGE, &damage), 0);
    ck_assert_int_lt(wal_check(scratch_path("db/x"), PAGE, &damage), 0);
}
END_TEST

START_TEST(log_that_ends_anywhere_is_fine)
{
    struct wal_damage damage;

    for (long length = 0; length <= size; length += length < 2 * FRAME ? 100 : 1000)
        ck_assert_int_eq(check(length, &damage), 0);
}
END_TEST

static long commit_of_frame(long frame)
{
    long i = 0;

    while (ends[i] <= frame)
        i++;
    return i;
}

/* In the last commit it is what a power cut may have left, before it is not. */
START_TEST(flipped_byte_is_found_unless_it_is_in_the_last_commit)
{
    for (long at = 0; at < size; at += at < HEADER + 60 ? 1 : 613) {
        struct wal_damage damage;
        long frame = at < HEADER ? 0 : (at - HEADER) / FRAME;
        bool is_late = commit_of_frame(frame) == COMMITS - 1;

        bytes[at] ^= 0x20;
        ck_assert_msg(check(size, &damage) == !is_late, "at %ld", at);
        if (!is_late && at >= HEADER)
            ck_assert_uint_eq(damage.at_frame, frame + 1);
        bytes[at] ^= 0x20;
    }
}
END_TEST

START_TEST(frames_of_an_earlier_log_behind_the_end_are_fine)
{
    struct wal_damage damage;

    for (long i = ends[2]; i < ends[COMMITS - 1]; i++)
        bytes[HEADER + i * FRAME + 8]++;
    ck_assert_int_eq(check(size, &damage), 0);
}
END_TEST

START_TEST(check_there_is_no_memory_for_says_so)
{
    struct wal_damage damage;

    ck_assert_int_eq(check(size, &damage), 0);
    fault_arm(1);
    ck_assert_int_eq(wal_check(scratch_path("log"), PAGE, &damage), -ENOMEM);
    ck_assert(fault_disarm());
}
END_TEST

Suite *suite_wal(void);

Suite *suite_wal(void)
{
    Suite *suite = suite_create("daemon/store/wal");
    TCase *tcase = tcase_create("all");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, whole_log_is_fine);
    tcase_add_test(tcase, log_that_ends_anywhere_is_fine);
    tcase_add_test(tcase, flipped_byte_is_found_unless_it_is_in_the_last_commit);
    tcase_add_test(tcase, frames_of_an_earlier_log_behind_the_end_are_fine);
    tcase_add_test(tcase, check_there_is_no_memory_for_says_so);
    suite_add_tcase(suite, tcase);
    return suite;
}
