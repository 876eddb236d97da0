#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "daemon/store/sqlite_keeping.h"
#include "tests/daemon/store/scratch.h"
#include "tests/daemon/store/story.h"
#include "tests/support/runtime.h"

static void expect_no_backup(const char *path, const char *file, int rc, const char *words)
{
    struct err err = {""};

    ck_assert_int_eq(store_backup(scratch_path("%s", path), scratch_path("%s", file), &err), rc);
    ck_assert_msg(strstr(err.message, words) != NULL, "it says: %s", err.message);
}

/* Has the copy in the place of the store. */
static void restore(const char *file)
{
    rename(scratch_path("store"), scratch_path("original"));
    ck_assert_int_eq(mkdir(scratch_path("store"), 0700), 0);
    ck_assert_int_eq(rename(scratch_path("%s", file), scratch_path("store/" SQLITE_FILE)), 0);
}

static void expect_story(const struct story *story)
{
    struct store *store = open_store();

    ck_assert(story_is_known(store, story));
    ck_assert_int_eq(scratch_sql("PRAGMA auto_vacuum"), 2);
    store_close(store);
}

CO_TEST(live_store_is_copied)
{
    struct story story = {0};
    struct store *store = open_store();
    struct err err = {""};
    struct stat status;

    assert_ok(story_tell(store, &story));
    int rc = store_backup(scratch_path("store"), scratch_path("copy"), &err);
    ck_assert_msg(rc == 0, "%d: %s", rc, err.message);
    ck_assert_int_eq(stat(scratch_path("copy"), &status), 0);
    ck_assert_uint_eq(status.st_mode & 07777, 0600);
    ck_assert_int_eq(take_job(store, 10, NULL, &(int64_t){0}), 0);
    store_close(store);
    restore("copy");
    expect_story(&story);
}

CO_TEST(resting_store_is_copied)
{
    struct story story = {0};
    struct store *store = open_store();

    assert_ok(story_tell(store, &story));
    store_close(store);
    assert_ok(store_backup(scratch_path("store"), scratch_path("copy"), NULL));
    expect_story(&story);
    restore("copy");
    expect_story(&story);
}

CO_TEST(existing_file_is_never_overwritten)
{
    store_close(open_store());
    assert_ok(store_backup(scratch_path("store"), scratch_path("copy"), NULL));
    expect_no_backup("store", "copy", -EEXIST, "copy cannot be made: File exists");
    expect_no_backup("store", "store/" SQLITE_FILE, -EEXIST, "File exists");
}

CO_TEST(what_is_no_store_is_not_copied_and_leaves_nothing)
{
    expect_no_backup("nowhere", "copy", -ENOENT, "there is no store to copy in");
    store_close(open_store());
    expect_no_backup("store", "nowhere/copy", -ENOENT, "copy cannot be made");
    FILE *file = fopen(scratch_path("store/" SQLITE_FILE), "w");
    fputs("something else, and not a database at all, but long enough for a header of one: it has "
          "a hundred bytes",
          file);
    fclose(file);
    expect_no_backup("store", "copy", -EILSEQ, "is not a database of gatherd");
    ck_assert(!scratch_has("copy"));
}

Suite *suite_sqlite_backup(void);

Suite *suite_sqlite_backup(void)
{
    Suite *suite = suite_create("daemon/store/sqlite_backup");
    TCase *tcase = tcase_create("all");

    tcase_add_checked_fixture(tcase, scratch_set_up, scratch_tear_down);
    tcase_add_test(tcase, live_store_is_copied);
    tcase_add_test(tcase, resting_store_is_copied);
    tcase_add_test(tcase, existing_file_is_never_overwritten);
    tcase_add_test(tcase, what_is_no_store_is_not_copied_and_leaves_nothing);
    suite_add_tcase(suite, tcase);
    return suite;
}
