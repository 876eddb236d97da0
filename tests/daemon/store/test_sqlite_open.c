#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/store/sqlite_keeping.h"
#include "tests/daemon/store/scratch.h"
#include "tests/support/fault.h"
#include "tests/support/runtime.h"

static void write_file(const char *path, const char *bytes, size_t length)
{
    FILE *file = fopen(path, "w");

    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, length, file), length);
    ck_assert_int_eq(fclose(file), 0);
}

static void flip_byte(const char *path, long offset)
{
    FILE *file = fopen(path, "r+");

    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fseek(file, offset, SEEK_SET), 0);
    int byte = getc(file);
    ck_assert_int_ne(byte, EOF);
    ck_assert_int_eq(fseek(file, offset, SEEK_SET), 0);
    putc(byte ^ 0x55, file);
    ck_assert_int_eq(fclose(file), 0);
}

static void copy_file(const char *from, const char *to)
{
    static char bytes[8 << 20];
    FILE *file = fopen(from, "r");

    ck_assert_ptr_nonnull(file);
    size_t length = fread(bytes, 1, sizeof(bytes), file);
    ck_assert_uint_lt(length, sizeof(bytes));
    fclose(file);
    write_file(to, bytes, length);
}

static void make_store_directory(void)
{
    ck_assert_int_eq(mkdir(scratch_path("store"), 0700), 0);
}

/* --- Opening and closing ---------------------------------------------------------------------- */

CO_TEST(new_store_is_made_for_us_alone)
{
    struct stat status;
    struct store *store = open_store();

    ck_assert_int_eq(store_health(store), STORE_OK);
    ck_assert_int_eq(stat(scratch_path("store/gatherd.db"), &status), 0);
    ck_assert_uint_eq(status.st_mode & 07777, 0600);
    ck_assert_int_eq(stat(scratch_path("store/gatherd.db-wal"), &status), 0);
    ck_assert_uint_eq(status.st_mode & 07777, 0600);
    store_close(store);
    ck_assert_int_eq(scratch_sql("PRAGMA application_id"), SQLITE_APPLICATION_ID);
    ck_assert_int_eq(scratch_sql("PRAGMA user_version"), 9);
    ck_assert_int_eq(scratch_sql("PRAGMA auto_vacuum"), 2);
}

CO_TEST(what_was_taken_is_there_after_opening_again)
{
    struct store *store = open_store();
    int64_t number;

    assert_ok(take_job(store, 1000, NULL, &number));
    ck_assert_int_eq(claim_all(store), 1000);
    assert_ok(finish_items(store, number, 0, 512));
    store_close(store);
    ck_assert(!scratch_has("store/gatherd.db-wal"));
    store = open_store();
    ck_assert_int_eq(count_results(store, number), 512);
    ck_assert_int_eq(claim_all(store), 1000 - 512);
    store_close(store);
}

CO_TEST(second_daemon_on_it_is_refused)
{
    struct store *store = open_store();

    expect_no_store(&scratch_options, -EBUSY, "in use by another process");
    store_close(store);
    store_close(open_store());
    store_close(NULL);
}

CO_TEST(null_is_no_complaint_too_many)
{
    struct store_options options = scratch_options;
    struct store *store;

    options.path = scratch_path("store");
    assert_ok(store_open(&store, &options, NULL));
    ck_assert_int_eq(store_open(&store, &options, NULL), -EBUSY);
    store_close(store);
}

/* --- Whose it is ------------------------------------------------------------------------------ */

CO_TEST(file_of_somebody_else_is_refused_and_left_alone)
{
    static const char text[] = "these are somebody's notes, which happen to have this name\n";
    char kept[sizeof(text)] = "";

    make_store_directory();
    write_file(scratch_path("store/gatherd.db"), text, sizeof(text));
    expect_no_store(&scratch_options, -EILSEQ, "gatherd.db is not a database of gatherd");
    FILE *file = fopen(scratch_path("store/gatherd.db"), "r");
    ck_assert_uint_eq(fread(kept, 1, sizeof(kept), file), sizeof(text));
    fclose(file);
    ck_assert_str_eq(kept, text);
}

CO_TEST(database_of_somebody_else_is_refused)
{
    struct store_options options = scratch_options;

    make_store_directory();
    scratch_sql("CREATE TABLE t(x)");
    options.start_empty = true;
    expect_no_store(&options, -EILSEQ, "is not a database of gatherd");
    ck_assert_int_eq(scratch_sql("SELECT count(*) FROM sqlite_schema"), 1);
    ck_assert_int_eq(scratch_sql("PRAGMA application_id"), 0);
}

static void set_version(int64_t version)
{
    char sql[48];

    snprintf(sql, sizeof(sql), "PRAGMA user_version=%" PRId64, version);
    scratch_sql(sql);
}

/* Leaves a log behind, as a process does that was killed. */
static void change_and_crash(const char *sql)
{
    sqlite3 *database;

    ck_assert_int_eq(sqlite3_open(scratch_path("store/gatherd.db"), &database), SQLITE_OK);
    ck_assert_int_eq(sqlite3_db_config(database, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL),
                     SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(database, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(database);
    ck_assert(scratch_has("store/gatherd.db-wal"));
}

static const struct {
    const char *sql;
    bool is_of_gatherd;
    int rc;
    const char *words;
} untouchable[] = {
    {"PRAGMA journal_mode=WAL; CREATE TABLE t(x); INSERT INTO t VALUES(7)", false, -EILSEQ,
     "is not a database of gatherd; it is left alone"},
    {"PRAGMA application_id=77; PRAGMA journal_mode=WAL; CREATE TABLE t(x)", false, -EILSEQ,
     "is not a database of gatherd; it is left alone"},
    {"PRAGMA user_version=1000; CREATE TABLE t(x)", true, -EPROTONOSUPPORT,
     "newer gatherd (version 1000 "},
};

static bool is_same_file(const char *a, const char *b)
{
    static char left[1 << 20], right[1 << 20];
    FILE *files[] = {fopen(a, "r"), fopen(b, "r")};

    size_t n_left = fread(left, 1, sizeof(left), files[0]);
    size_t n_right = fread(right, 1, sizeof(right), files[1]);
    fclose(files[0]);
    fclose(files[1]);
    return n_left == n_right && n_left > 0 && memcmp(left, right, n_left) == 0;
}

/* It may be in use, so what its owner has in the log stays there. */
CO_TEST(what_is_refused_is_left_as_it_was)
{
    struct stat status;

    if (untouchable[_i].is_of_gatherd)
        store_close(open_store());
    else
        make_store_directory();
    change_and_crash(untouchable[_i].sql);
    copy_file(scratch_path("store/gatherd.db"), scratch_path("db"));
    copy_file(scratch_path("store/gatherd.db-wal"), scratch_path("wal"));
    expect_no_store(&scratch_options, untouchable[_i].rc, untouchable[_i].words);
    ck_assert(is_same_file(scratch_path("store/gatherd.db"), scratch_path("db")));
    ck_assert(is_same_file(scratch_path("store/gatherd.db-wal"), scratch_path("wal")));
    assert_ok(stat(scratch_path("store/gatherd.lock"), &status));
    ck_assert_int_eq(status.st_size, 0); /* nothing was in use that would have to be checked */
}

CO_TEST(newer_version_is_refused)
{
    store_close(open_store());
    int64_t version = scratch_sql("PRAGMA user_version");
    set_version(version + 1);
    expect_no_store(&scratch_options, -EPROTONOSUPPORT, "newer gatherd (version ");
    ck_assert_int_eq(scratch_sql("PRAGMA user_version"), version + 1);
    set_version(version);
    store_close(open_store());
}

/* --- Crashes ---------------------------------------------------------------------------------- */

/* Leaves a directory "store" as a daemon does that is killed, by copying it while it is open. */
static int64_t leave_crashed(uint32_t n_items, uint32_t n_finished)
{
    struct store *store = open_store();
    int64_t number;

    assert_ok(take_job(store, n_items, NULL, &number));
    ck_assert_int_eq(claim_all(store), (int)n_items);
    assert_ok(finish_items(store, number, 0, n_finished));
    mkdir(scratch_path("copy"), 0700);
    copy_file(scratch_path("store/gatherd.db"), scratch_path("copy/gatherd.db"));
    copy_file(scratch_path("store/gatherd.db-wal"), scratch_path("copy/gatherd.db-wal"));
    copy_file(scratch_path("store/gatherd.lock"), scratch_path("copy/gatherd.lock"));
    store_close(store);
    rename(scratch_path("store"), scratch_path("closed"));
    rename(scratch_path("copy"), scratch_path("store"));
    return number;
}

static enum store_integrity integrity_of(const struct store *store)
{
    struct store_stats stats;

    store_get_stats(store, &stats);
    return stats.integrity;
}

CO_TEST(claimed_chunks_are_ready_again_after_a_crash)
{
    int64_t number = leave_crashed(1000, 512);
    struct store *store = open_store();

    ck_assert_int_eq(count_results(store, number), 512);
    ck_assert_int_eq(claim_all(store), 1000 - 512);
    store_close(store);
}

CO_TEST(after_a_crash_the_database_is_checked)
{
    leave_crashed(1000, 512);
    struct store *store = open_store();

    ck_assert_int_eq(integrity_of(store), STORE_CHECKING);
    settle();
    ck_assert_int_eq(integrity_of(store), STORE_SOUND);
    store_close(store);
    store = open_store();
    ck_assert_int_eq(integrity_of(store), STORE_NOT_CHECKED);
    store_close(store);
}

CO_TEST(closing_does_not_wait_for_the_check)
{
    leave_crashed(1000, 512);
    store_close(open_store());
}

/* --- Damage ----------------------------------------------------------------------------------- */

CO_TEST(damaged_header_is_refused_with_instructions)
{
    int64_t number;
    struct store *store = open_store();

    assert_ok(take_job(store, 10, NULL, &number));
    store_close(store);
    flip_byte(scratch_path("store/gatherd.db"), 3);
    expect_no_store(&scratch_options, -EBADMSG, ".recover");
    expect_no_store(&scratch_options, -EBADMSG, "is damaged (file is not a database)");
    ck_assert(!scratch_has("store/*corrupt*"));
    flip_byte(scratch_path("store/gatherd.db"), 3);
    store = open_store();
    ck_assert_int_eq(claim_all(store), 10);
    store_close(store);
}

CO_TEST(damaged_log_is_refused_rather_than_cut)
{
    int64_t number = leave_crashed(2000, 1024);

    flip_byte(scratch_path("store/gatherd.db-wal"), 32 + 24 + 100);
    expect_no_store(&scratch_options, -EBADMSG, "its log cannot be read from frame 1 on");
    flip_byte(scratch_path("store/gatherd.db-wal"), 32 + 24 + 100);
    struct store *store = open_store();
    ck_assert_int_eq(count_results(store, number), 1024);
    store_close(store);
}

CO_TEST(emptied_database_with_a_log_is_refused)
{
    leave_crashed(10, 0);
    ck_assert_int_eq(truncate(scratch_path("store/gatherd.db"), 0), 0);
    expect_no_store(&scratch_options, -EBADMSG, "it is empty, but its log is not");
    ck_assert(scratch_has("store/gatherd.db-wal"));
}

CO_TEST(starting_empty_keeps_what_was_damaged)
{
    struct store_options options = scratch_options;
    struct store *store;

    leave_crashed(2000, 1024);
    flip_byte(scratch_path("store/gatherd.db-wal"), 32 + 24 + 100);
    options.path = scratch_path("store");
    options.start_empty = true;
    assert_ok(store_open(&store, &options, NULL));
    ck_assert_int_eq(claim_all(store), 0);
    store_close(store);
    ck_assert(scratch_has("store/gatherd.db.corrupt-2*Z"));
    ck_assert(scratch_has("store/gatherd.db.corrupt-2*Z-wal"));
}

CO_TEST(starting_empty_changes_nothing_if_all_is_sound)
{
    struct store_options options = scratch_options;
    int64_t number = leave_crashed(1000, 512);
    struct store *store;

    options.path = scratch_path("store");
    options.start_empty = true;
    assert_ok(store_open(&store, &options, NULL));
    ck_assert_int_eq(count_results(store, number), 512);
    store_close(store);
    ck_assert(!scratch_has("store/*corrupt*"));
}

/* Overwrites the pages of the results. */
static void damage_results(void)
{
    char page[4096];
    int64_t root = scratch_sql("SELECT rootpage FROM sqlite_schema WHERE name = 'result'");

    memset(page, 0xa5, sizeof(page));
    FILE *file = fopen(scratch_path("store/gatherd.db"), "r+");
    ck_assert_int_eq(fseek(file, (root - 1) * 4096, SEEK_SET), 0);
    ck_assert_uint_eq(fwrite(page, 1, sizeof(page), file), sizeof(page));
    fclose(file);
}

CO_TEST(damage_that_is_met_makes_the_store_fail)
{
    int64_t number, other;
    struct store *store = open_store();

    assert_ok(take_job(store, 10, NULL, &number));
    store_close(store);
    damage_results();
    store = open_store();
    ck_assert_int_eq(finish_items(store, number, 0, 10), -EBADMSG);
    ck_assert_int_eq(store_health(store), STORE_FAILED);
    ck_assert(store_health_changed(store)->is_set);
    ck_assert_int_eq(take_job(store, 1, NULL, &other), -EIO);
    store_close(store);
}

CO_TEST(check_finds_damage_and_the_next_start_is_refused_until_it_is_repaired)
{
    leave_crashed(1000, 512);
    struct store *store = open_store();
    settle();
    store_close(store);
    copy_file(scratch_path("store/gatherd.db"), scratch_path("sound"));
    damage_results();
    write_file(scratch_path("store/gatherd.lock"), "1\n", 2);
    store = open_store();
    settle();
    ck_assert_int_eq(integrity_of(store), STORE_DAMAGED);
    ck_assert_int_eq(store_health(store), STORE_FAILED);
    store_close(store);
    expect_no_store(&scratch_options, -EBADMSG, "is damaged (");
    copy_file(scratch_path("sound"), scratch_path("store/gatherd.db"));
    store_close(open_store());
    ck_assert(!scratch_has("store/gatherd.damaged"));
}

/* --- Memory ----------------------------------------------------------------------------------- */

CO_TEST(store_there_is_no_memory_for_is_not_opened)
{
    struct store_options options = scratch_options;
    struct store *store = NULL;

    store_close(open_store());
    options.path = scratch_path("store");
    for (size_t n = 1;; n++) {
        size_t before = fault_live();
        fault_arm(n);
        int rc = store_open(&store, &options, NULL);
        if (!fault_disarm())
            break;
        ck_assert_int_eq(rc, -ENOMEM);
        settle();
        ck_assert_uint_eq(fault_live(), before);
    }
    store_close(store);
}

Suite *suite_sqlite_open(void);

Suite *suite_sqlite_open(void)
{
    Suite *suite = suite_create("daemon/store/sqlite_open");
    TCase *tcase = tcase_create("all");

    tcase_add_checked_fixture(tcase, scratch_set_up, scratch_tear_down);
    tcase_add_test(tcase, new_store_is_made_for_us_alone);
    tcase_add_test(tcase, what_was_taken_is_there_after_opening_again);
    tcase_add_test(tcase, second_daemon_on_it_is_refused);
    tcase_add_test(tcase, null_is_no_complaint_too_many);
    tcase_add_test(tcase, file_of_somebody_else_is_refused_and_left_alone);
    tcase_add_test(tcase, database_of_somebody_else_is_refused);
    tcase_add_loop_test(tcase, what_is_refused_is_left_as_it_was, 0,
                        sizeof(untouchable) / sizeof(*untouchable));
    tcase_add_test(tcase, newer_version_is_refused);
    tcase_add_test(tcase, claimed_chunks_are_ready_again_after_a_crash);
    tcase_add_test(tcase, after_a_crash_the_database_is_checked);
    tcase_add_test(tcase, closing_does_not_wait_for_the_check);
    tcase_add_test(tcase, damaged_header_is_refused_with_instructions);
    tcase_add_test(tcase, damaged_log_is_refused_rather_than_cut);
    tcase_add_test(tcase, emptied_database_with_a_log_is_refused);
    tcase_add_test(tcase, starting_empty_keeps_what_was_damaged);
    tcase_add_test(tcase, starting_empty_changes_nothing_if_all_is_sound);
    tcase_add_test(tcase, damage_that_is_met_makes_the_store_fail);
    tcase_add_test(tcase, check_finds_damage_and_the_next_start_is_refused_until_it_is_repaired);
    tcase_add_test(tcase, store_there_is_no_memory_for_is_not_opened);
    suite_add_tcase(suite, tcase);
    return suite;
}
