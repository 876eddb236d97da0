/* Databases of all earlier versions, made with the steps by which they really came about, and with
 * rows in all tables that have something to lose. */
#include <check.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/store/sqlite_keeping.h"
#include "tests/daemon/store/scratch.h"
#include "tests/support/runtime.h"

enum { N_ITEMS = 300, N_FINISHED = 256 };

/* What reads the version, begins, writes the version and ends. */
enum { N_FRAME_STATEMENTS = 4 };

/* --- Databases -------------------------------------------------------------------------------- */

static void run(sqlite3 *database, const char *sql)
{
    ck_assert_msg(sqlite3_exec(database, sql, NULL, NULL, NULL) == SQLITE_OK, "%s: %s", sql,
                  sqlite3_errmsg(database));
}

static int run_row(void *database, int n_columns, char **values, char **names)
{
    (void)n_columns, (void)names;
    run(database, values[0]);
    return 0;
}

static sqlite3 *open_file(const char *name)
{
    sqlite3 *database;

    ck_assert_int_eq(sqlite3_open(scratch_path("%s", name), &database), SQLITE_OK);
    return database;
}

static void attach(sqlite3 *database, const char *name, const char *as)
{
    char sql[160];

    snprintf(sql, sizeof(sql), "ATTACH '%s' AS %s", scratch_path("%s", name), as);
    run(database, sql);
}

/* As this program leaves it: a job under way, and a row of what is in no job. */
static int64_t fill_store(void)
{
    struct store *store = open_store();
    int64_t job;

    assert_ok(take_job(store, N_ITEMS, "key", &job));
    ck_assert_int_eq(claim_all(store), N_ITEMS);
    assert_ok(finish_items(store, job, 0, N_FINISHED));
    store_close(store);
    scratch_sql("INSERT INTO callback(job, id, tenant, url, host, state, due_at)"
                " VALUES(1, 'job_1', '', 'http://a/', 'a', 0, 1)");
    scratch_sql("INSERT INTO schedule(number, id, tenant, name, every_us, jitter_us, overlap,"
                " is_paused, max_queued, created_at) VALUES(1, 'sch_1', '', '', 1, 0, 0, 1, 1, 1)");
    return job;
}

/* What an earlier version has columns for. */
static void copy_rows(sqlite3 *database, const char *from)
{
    attach(database, from, "source");
    int rc = sqlite3_exec(
        database,
        "SELECT printf('INSERT INTO main.%s(%s) SELECT %s FROM source.%s', name, columns, columns,"
        " name) FROM (SELECT name, (SELECT group_concat(name) FROM pragma_table_info(t.name))"
        " AS columns FROM main.sqlite_schema t WHERE type = 'table' AND name NOT LIKE 'sqlite_%')",
        run_row, database, NULL);
    ck_assert_int_eq(rc, SQLITE_OK);
    run(database, "DETACH source");
}

static void make_version(sqlite3 *database, size_t version)
{
    assert_ok(sqlite_make_ours(database, NULL));
    run(database, "PRAGMA journal_mode=WAL");
    assert_ok(sqlite_migrate(database, sqlite_versions, version, NULL));
}

/* Puts one in the place of the store's, with the rows that it had. */
static void go_back_to(size_t version)
{
    ck_assert_int_eq(rename(scratch_path("store/" SQLITE_FILE), scratch_path("newest")), 0);
    sqlite3 *database = open_file("store/" SQLITE_FILE);
    make_version(database, version);
    copy_rows(database, "newest");
    ck_assert_int_eq(sqlite3_close(database), SQLITE_OK);
    ck_assert_int_eq(scratch_sql("PRAGMA user_version"), (int64_t)version);
}

/* --- What they have become -------------------------------------------------------------------- */

#define OBJECTS(of) "SELECT type, name, tbl_name, sql FROM " of ".sqlite_schema"

static int say_difference(void *arg, int n_columns, char **values, char **names)
{
    (void)arg, (void)n_columns, (void)names;
    ck_abort_msg("one of them only has %s: %s", values[0], values[1]);
    return 1;
}

/* The store's database has all of a new one of this version, and nothing else. */
static void expect_schema(size_t version)
{
    sqlite3 *database = open_file("model");
    make_version(database, version);
    ck_assert_int_eq(sqlite3_close(database), SQLITE_OK);
    database = open_file("store/" SQLITE_FILE);
    attach(database, "model", "model");
    int rc = sqlite3_exec(
        database,
        "SELECT name, sql FROM (" OBJECTS("main") " EXCEPT " OBJECTS(
            "model") ") UNION ALL "
                     "SELECT name, sql FROM (" OBJECTS("model") " EXCEPT " OBJECTS("main") ")",
        say_difference, NULL, NULL);
    ck_assert_int_eq(rc, SQLITE_OK);
    ck_assert_int_eq(sqlite3_close(database), SQLITE_OK);
}

static void expect_rows(int64_t job, size_t version)
{
    struct store *store = open_store();

    ck_assert_int_eq(count_results(store, job), N_FINISHED);
    ck_assert_int_eq(claim_all(store), N_ITEMS - N_FINISHED);
    store_close(store);
    ck_assert_int_eq(scratch_sql("SELECT count(*) FROM callback"), version >= 4);
    ck_assert_int_eq(scratch_sql("SELECT count(*) FROM schedule"), version >= 5);
}

/* _i: the version */
CO_TEST(database_of_an_earlier_version_becomes_as_a_new_one_and_keeps_its_rows)
{
    int64_t job = fill_store();

    go_back_to((size_t)_i);
    store_close(open_store());
    ck_assert_int_eq(scratch_sql("PRAGMA user_version"), SQLITE_N_VERSIONS);
    expect_schema(SQLITE_N_VERSIONS);
    expect_rows(job, (size_t)_i);
}

/* --- Dying on the way ------------------------------------------------------------------------- */

static int die_maybe(unsigned kind, void *n_left, void *statement, void *text)
{
    (void)kind, (void)statement, (void)text;
    if (--*(int *)n_left == 0)
        kill(getpid(), SIGKILL);
    return 0;
}

/* Takes the steps up to a version, but is killed before the n-th statement. */
static bool is_killed_at(int n, size_t version)
{
    int status;
    pid_t child = fork();

    if (child == 0) {
        sqlite3 *database = open_file("store/" SQLITE_FILE);
        sqlite3_trace_v2(database, SQLITE_TRACE_STMT, die_maybe, &n);
        _exit(sqlite_migrate(database, sqlite_versions, version, NULL) == 0 ? 0 : 1);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
    return WIFSIGNALED(status);
}

/* _i: the version before the step */
CO_TEST(who_is_killed_anywhere_in_a_step_has_the_version_before_it)
{
    int64_t job = fill_store();
    int n = 1;

    go_back_to((size_t)_i);
    for (; is_killed_at(n, (size_t)_i + 1); n++) {
        ck_assert_int_eq(scratch_sql("PRAGMA user_version"), _i);
        expect_schema((size_t)_i);
    }
    ck_assert_int_gt(n, N_FRAME_STATEMENTS + 1);
    ck_assert_int_eq(scratch_sql("PRAGMA user_version"), _i + 1);
    if (_i > 0)
        expect_rows(job, (size_t)_i);
}

Suite *suite_sqlite_schema(void);

Suite *suite_sqlite_schema(void)
{
    Suite *suite = suite_create("daemon/store/sqlite_schema");
    TCase *tcase = tcase_create("all");

    tcase_add_checked_fixture(tcase, scratch_set_up, scratch_tear_down);
    tcase_add_loop_test(tcase,
                        database_of_an_earlier_version_becomes_as_a_new_one_and_keeps_its_rows, 1,
                        SQLITE_N_VERSIONS);
    tcase_add_loop_test(tcase, who_is_killed_anywhere_in_a_step_has_the_version_before_it, 0,
                        SQLITE_N_VERSIONS);
    suite_add_tcase(suite, tcase);
    return suite;
}
