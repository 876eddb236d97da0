/* A database gets from version to version in steps, each of which is taken wholly or not at all:
 * here with steps that are made up.
 */
#include <check.h>
#include <signal.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/store/sqlite_keeping.h"
#include "tests/daemon/store/scratch.h"

/* Each dies in its middle, if it is the one that is to. */
static const char *const steps[] = {
    "CREATE TABLE a(x); SELECT maybe_die(0); INSERT INTO a VALUES(1)",
    "CREATE TABLE b AS SELECT x, 2 AS y FROM a; SELECT maybe_die(1); DROP TABLE a",
    "ALTER TABLE b ADD COLUMN z; SELECT maybe_die(2); UPDATE b SET z = 3; CREATE INDEX b_z ON b(z)",
};

enum { N_STEPS = sizeof(steps) / sizeof(*steps) };

static int deadly_step;

static void maybe_die(sqlite3_context *context, int n, sqlite3_value **values)
{
    (void)context, (void)n;
    if (sqlite3_value_int(values[0]) == deadly_step)
        kill(getpid(), SIGKILL);
}

static sqlite3 *open_database(void)
{
    sqlite3 *database;

    ck_assert_int_eq(sqlite3_open(scratch_path("store/" SQLITE_FILE), &database), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(database, "PRAGMA journal_mode=WAL", NULL, NULL, NULL),
                     SQLITE_OK);
    ck_assert_int_eq(
        sqlite3_create_function(database, "maybe_die", 1, SQLITE_UTF8, NULL, maybe_die, NULL, NULL),
        SQLITE_OK);
    return database;
}

static int migrate(const char *const *with, size_t n, struct err *err)
{
    sqlite3 *database = open_database();
    int rc = sqlite_migrate(database, with, n, err);

    ck_assert(sqlite3_get_autocommit(database));
    ck_assert_int_eq(sqlite3_close(database), SQLITE_OK);
    return rc;
}

static void set_up(void)
{
    scratch_set_up();
    ck_assert_int_eq(mkdir(scratch_path("store"), 0700), 0);
    deadly_step = -1;
}

START_TEST(steps_are_taken_in_order_and_once)
{
    ck_assert_int_eq(migrate(steps, 1, NULL), 0);
    ck_assert_int_eq(scratch_sql("PRAGMA user_version"), 1);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(migrate(steps, N_STEPS, NULL), 0);
        ck_assert_int_eq(scratch_sql("PRAGMA user_version"), N_STEPS);
        ck_assert_int_eq(scratch_sql("SELECT 100 * x + 10 * y + z FROM b"), 123);
    }
}
END_TEST

/* _i: the step in which it is killed */
START_TEST(who_is_killed_in_a_step_has_not_taken_it)
{
    int status;
    pid_t child = fork();

    if (child == 0) {
        deadly_step = _i;
        migrate(steps, N_STEPS, NULL);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status));
    ck_assert_int_eq(scratch_sql("PRAGMA user_version"), _i);
    ck_assert_int_eq(scratch_sql("SELECT count(*) FROM sqlite_schema WHERE name = 'b'"), _i == 2);
    ck_assert_int_eq(migrate(steps, N_STEPS, NULL), 0);
    ck_assert_int_eq(scratch_sql("SELECT 100 * x + 10 * y + z FROM b"), 123);
}
END_TEST

START_TEST(step_that_fails_leaves_the_version_before_it)
{
    static const char *const broken[] = {"CREATE TABLE a(x)", "INSERT INTO a VALUES(1); nonsense"};
    struct err err = {""};

    ck_assert_int_lt(migrate(broken, 2, &err), 0);
    ck_assert_ptr_nonnull(strstr(err.message, "nonsense"));
    ck_assert_int_eq(scratch_sql("PRAGMA user_version"), 1);
    ck_assert_int_eq(scratch_sql("SELECT count(*) FROM a"), 0);
}
END_TEST

Suite *suite_sqlite_migrate(void);

Suite *suite_sqlite_migrate(void)
{
    Suite *suite = suite_create("daemon/store/sqlite_migrate");
    TCase *tcase = tcase_create("all");

    tcase_add_checked_fixture(tcase, set_up, scratch_tear_down);
    tcase_add_test(tcase, steps_are_taken_in_order_and_once);
    tcase_add_loop_test(tcase, who_is_killed_in_a_step_has_not_taken_it, 0, N_STEPS);
    tcase_add_test(tcase, step_that_fails_leaves_the_version_before_it);
    suite_add_tcase(suite, tcase);
    return suite;
}
