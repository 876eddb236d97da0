#include <check.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/stat.h>

#include "daemon/store/sqlite_keeping.h"
#include "tests/daemon/store/scratch.h"
#include "tests/support/runtime.h"
#include "tests/support/scale.h"

static long log_bytes(void)
{
    struct stat status;

    return stat(scratch_path("store/" SQLITE_FILE "-wal"), &status) == 0 ? status.st_size : -1;
}

/* Adds so much to the log, in several commits. */
static void write_mebibytes(struct store *store, unsigned n)
{
    static char lines[1 << 19];

    memset(lines, 'x', sizeof(lines));
    const struct job_chunk chunk = {.n_items = 1, .lines = lines, .length = sizeof(lines)};
    for (unsigned i = 0; i < 2 * n; i++) {
        struct store_upload *upload;
        assert_ok(store_upload_new(store, &upload));
        assert_ok(store_upload_add(upload, &chunk));
        settle();
        store_upload_free(upload);
    }
    settle();
}

CO_TEST(log_is_started_over_when_it_is_large)
{
    struct store *store = open_store();

    write_mebibytes(store, 60);
    ck_assert_int_lt(log_bytes(), 24 << 20);
    ck_assert_int_ge(scratch_sql("PRAGMA page_count"), 60 * 256);
    store_close(store);
    ck_assert_int_eq(log_bytes(), -1);
}

/* A snapshot of somebody else, as of a backup. */
static sqlite3 *begin_reading(void)
{
    sqlite3 *reader;

    ck_assert_int_eq(
        sqlite3_open_v2(scratch_path("store/" SQLITE_FILE), &reader, SQLITE_OPEN_READONLY, NULL),
        SQLITE_OK);
    ck_assert_int_eq(sqlite3_db_config(reader, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL),
                     SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(reader, "BEGIN; SELECT count(*) FROM job", NULL, NULL, NULL),
                     SQLITE_OK);
    return reader;
}

CO_TEST(log_grows_while_somebody_reads_and_shrinks_afterwards)
{
    struct store *store = open_store();
    sqlite3 *reader = begin_reading();

    scratch_silence();
    write_mebibytes(store, 300);
    scratch_end_silence();
    ck_assert_int_gt(log_bytes(), 300 << 20);
    ck_assert_int_eq(store_health(store), STORE_OK);
    ck_assert_int_eq(sqlite3_close(reader), SQLITE_OK);
    write_mebibytes(store, 20);
    ck_assert_int_le(log_bytes(), 64 << 20);
    store_close(store);
}

Suite *suite_sqlite_checkpoint(void);

Suite *suite_sqlite_checkpoint(void)
{
    Suite *suite = suite_create("daemon/store/sqlite_checkpoint");
    TCase *tcase = tcase_create("all");

    tcase_add_checked_fixture(tcase, scratch_set_up, scratch_tear_down);
    tcase_add_test(tcase, log_is_started_over_when_it_is_large);
    if (scaled(50) == 50) /* it takes writing half a gigabyte */
        tcase_add_test(tcase, log_grows_while_somebody_reads_and_shrinks_afterwards);
    suite_add_tcase(suite, tcase);
    return suite;
}
