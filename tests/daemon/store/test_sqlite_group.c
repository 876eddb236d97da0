#include "daemon/store/sqlite_private.h"

#include <check.h>
#include <errno.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/runtime.h"
#include "tests/support/stores.h"

/* An operation that writes a row with its letter, and fails if it is told to. */
struct writing {
    struct store_op op;
    char letter;
    int fails_with; /* after it has written; -ENOENT, -EEXIST: before */
};

enum { MAX_WRITINGS = 8 };

static struct writing writings[MAX_WRITINGS];
static char applied[64]; /* letters in order, of all attempts */

static int apply_writing(struct sqlite_connection *connection, struct store_op *op)
{
    struct writing *writing = co_container_of(op, struct writing, op);
    char sql[300];

    strncat(applied, &writing->letter, 1);
    if (writing->fails_with == -ENOENT || writing->fails_with == -EEXIST)
        return writing->fails_with;
    snprintf(
        sql, sizeof(sql),
        "INSERT INTO head VALUES(%1$d, x'%1$02x');"
        "INSERT INTO job(number, id, upload, status, rest, weight, created_at, ttl_us, version,"
        " n_items) VALUES(%1$d, 'job_00000000000000000000000%1$03d', %1$d, 0, 0, 1, 0, 0, 0, 0)",
        writing->letter);
    int rc = sqlite_execute(connection, sql);
    return rc < 0 ? rc : writing->fails_with;
}

static void finished(struct store_op *op)
{
    (void)op;
}

static void submit(size_t i, char letter, enum store_priority priority, int fails_with)
{
    writings[i] = (struct writing){
        .op = {.apply = apply_writing, .finished = finished, .priority = priority, .n_rows = 1},
        .letter = letter,
        .fails_with = fails_with,
    };
    store_submit(the_store, &writings[i].op);
}

/* The letters that were committed. */
static const char *rows(void)
{
    static char text[64];
    size_t n = 0;

    for (int64_t letter = 'a'; letter <= 'z'; letter++) {
        char *head;
        size_t length;
        if (store_read_head(the_store, letter, &head, &length) < 0)
            continue;
        text[n++] = head[0];
        free(head);
    }
    text[n] = '\0';
    return text;
}

static void begin(void)
{
    applied[0] = '\0';
    stores_open();
    settle();
}

static uint64_t n_commits(void)
{
    struct store_stats stats;

    store_get_stats(the_store, &stats);
    return stats.n_commits;
}

CO_TEST(what_comes_together_is_one_commit_in_order_of_priority)
{
    begin();
    uint64_t before = n_commits();
    submit(0, 'k', STORE_KEEPING, 0);
    submit(1, 'a', STORE_ACCEPTS, 0);
    submit(2, 'b', STORE_ACCEPTS, 0);
    submit(3, 'c', STORE_CLAIMS, 0);
    submit(4, 'r', STORE_RESULTS, 0);
    settle();
    ck_assert_str_eq(applied, "rcabk");
    ck_assert_uint_eq(n_commits(), before + 1);
    stores_crash();
    ck_assert_str_eq(rows(), "abckr");
    stores_close();
}

CO_TEST(a_large_group_is_cut_but_every_priority_has_its_share)
{
    begin();
    uint64_t before = n_commits();
    submit(0, 'r', STORE_RESULTS, 0);
    submit(1, 's', STORE_RESULTS, 0);
    submit(2, 'k', STORE_KEEPING, 0);
    submit(3, 'l', STORE_KEEPING, 0);
    writings[0].op.n_bytes = 4 << 20;
    settle();
    ck_assert_str_eq(applied, "rksl");
    ck_assert_uint_eq(n_commits(), before + 2);
    stores_close();
}

static sem_t has_begun, may_go_on;

static int apply_slowly(struct sqlite_connection *connection, struct store_op *op)
{
    int rc = apply_writing(connection, op);

    sem_post(&has_begun);
    while (sem_wait(&may_go_on) < 0)
        continue;
    return rc;
}

static int write_two(void *arg, void **ret_result)
{
    (void)arg, (void)ret_result;
    for (size_t i = 0; i < 2; i++) {
        writings[i] = (struct writing){
            .op = {.apply = i == 0 ? apply_slowly : apply_writing, .n_rows = 1},
            .letter = i == 0 ? 'a' : 'c',
        };
        int rc = store_write(the_store, &writings[i].op);
        if (rc < 0)
            return rc;
    }
    return 0;
}

CO_TEST(what_comes_of_one_group_goes_with_what_has_waited_for_it)
{
    struct co_task *task;

    begin();
    uint64_t before = n_commits();
    sem_init(&has_begun, 0, 0);
    sem_init(&may_go_on, 0, 0);
    assert_ok(co_create_task("writer of two", write_two, NULL, &task));
    while (sem_trywait(&has_begun) < 0)
        assert_ok(co_sleep(0));
    submit(2, 'b', STORE_RESULTS, 0);
    sem_post(&may_go_on);
    assert_ok(co_task_await(task, NULL));
    co_task_unref(task);
    ck_assert_str_eq(applied, "abc");
    ck_assert_uint_eq(n_commits(), before + 2);
    sem_destroy(&has_begun);
    sem_destroy(&may_go_on);
    stores_close();
}

CO_TEST(an_outcome_of_one_does_not_touch_the_others)
{
    begin();
    uint64_t before = n_commits();
    submit(0, 'a', STORE_ACCEPTS, 0);
    submit(1, 'b', STORE_ACCEPTS, _i == 0 ? -ENOENT : -EEXIST);
    submit(2, 'c', STORE_ACCEPTS, 0);
    settle();
    ck_assert_str_eq(applied, "abc");
    ck_assert_int_eq(writings[0].op.rc, 0);
    ck_assert_int_eq(writings[1].op.rc, _i == 0 ? -ENOENT : -EEXIST);
    ck_assert_int_eq(writings[2].op.rc, 0);
    ck_assert_uint_eq(n_commits(), before + 1);
    ck_assert_str_eq(rows(), "ac");
    stores_close();
}

CO_TEST(who_fails_half_way_fails_alone_and_leaves_nothing)
{
    begin();
    submit(0, 'a', STORE_ACCEPTS, 0);
    submit(1, 'b', STORE_ACCEPTS, _i == 0 ? -EMSGSIZE : -ENOMEM);
    submit(2, 'c', STORE_ACCEPTS, 0);
    settle();
    ck_assert_str_eq(applied, "ababc");
    ck_assert_int_eq(writings[0].op.rc, 0);
    ck_assert_int_lt(writings[1].op.rc, 0);
    ck_assert_int_eq(writings[2].op.rc, 0);
    stores_crash();
    ck_assert_str_eq(rows(), "ac");
    stores_close();
}

CO_TEST(after_an_error_of_the_disk_nothing_is_tried_again)
{
    begin();
    submit(0, 'a', STORE_ACCEPTS, 0);
    submit(1, 'b', STORE_ACCEPTS, -EIO);
    submit(2, 'c', STORE_ACCEPTS, 0);
    settle();
    ck_assert_str_eq(applied, "ab");
    for (size_t i = 0; i < 3; i++)
        ck_assert_int_eq(writings[i].op.rc, -EIO);
    ck_assert_int_eq(store_health(the_store), STORE_FAILED);
    submit(3, 'd', STORE_RESULTS, 0);
    settle();
    ck_assert_str_eq(applied, "ab");
    ck_assert_int_eq(writings[3].op.rc, -EIO);
    stores_reopen();
    ck_assert_str_eq(rows(), "");
    stores_close();
}

static int n_refusals;

static int refuse_commit(void *arg)
{
    (void)arg;
    return n_refusals-- > 0;
}

CO_TEST(a_commit_that_fails_fails_all_of_its_group)
{
    begin();
    sqlite3_commit_hook(the_store->writer.connection.database, refuse_commit, NULL);
    n_refusals = _i;
    submit(0, 'a', STORE_ACCEPTS, 0);
    submit(1, 'b', STORE_ACCEPTS, 0);
    settle();
    ck_assert_str_eq(applied, "abab"); /* the second time each by itself */
    ck_assert_int_eq(writings[0].op.rc < 0, _i >= 2);
    ck_assert_int_eq(writings[1].op.rc < 0, _i >= 3);
    ck_assert_str_eq(rows(), _i == 1 ? "ab" : _i == 2 ? "b" : "");
    stores_close();
}

/* --- Damage ----------------------------------------------------------------------------------- */

struct sql_op {
    struct store_op op;
    const char *sql;
};

static int apply_sql(struct sqlite_connection *connection, struct store_op *op)
{
    return sqlite_execute(connection, co_container_of(op, struct sql_op, op)->sql);
}

static void execute(const char *sql)
{
    struct sql_op op = {.op = {.apply = apply_sql, .priority = STORE_KEEPING}, .sql = sql};

    assert_ok(store_write(the_store, &op.op));
}

static const char *const damages[] = {
    "UPDATE chunk_data SET lines = CAST(replace(lines, 'a/1', 'a/7') AS BLOB) WHERE first = 0",
    "DELETE FROM chunk_data WHERE first = 0",
};

CO_TEST(damaged_lines_are_not_given)
{
    const struct store_read_options options = {.n_items = 9, .max_rows = 9, .max_bytes = 1000};
    const struct test_job pairs = {.chunk_items = 2};
    struct store_claims claims;
    struct store_page page;

    begin();
    struct job_record *job = stores_accept(4, &pairs);
    execute(damages[_i]);
    for (unsigned n_tries = 1; n_tries <= 2; n_tries++) {
        assert_ok(store_claim(the_store, 9, SIZE_MAX, NULL, 0, &claims));
        ck_assert_uint_eq(claims.n_claims, 2);
        ck_assert(claims.claims[0].is_damaged && !claims.claims[1].is_damaged);
        ck_assert_uint_eq(claims.claims[0].n_items, 2);
        ck_assert_uint_eq(claims.claims[0].n_tries, n_tries);
        ck_assert_ptr_null(claims.claims[0].chunk.lines);
        ck_assert_uint_eq(claims.claims[1].first, 2);
        store_claims_done(&claims);
        stores_crash();
    }
    assert_ok(store_read(the_store, job->number, &options, &page));
    ck_assert_ptr_null(page.chunks[0].lines);
    ck_assert_ptr_nonnull(page.chunks[page.n_chunks - 1].lines);
    store_page_done(&page);
    job_record_unref(job);
    stores_close();
}

CO_TEST(a_record_that_is_none_is_trouble_of_those_who_ask_for_it_only)
{
    struct job_record *found;

    begin();
    struct job_record *bad = stores_accept(1, NULL), *good = stores_accept(1, NULL);
    execute("UPDATE job SET status = 77 WHERE number = 1");
    ck_assert_int_eq(store_find(the_store, "", bad->id, &found), -EBADMSG);
    assert_ok(store_find(the_store, "", good->id, &found));
    ck_assert_int_eq(store_health(the_store), STORE_OK);
    job_record_unref(found);
    job_record_unref(bad);
    job_record_unref(good);
    stores_close();
}

Suite *suite_sqlite_group(void);

Suite *suite_sqlite_group(void)
{
    Suite *suite = suite_create("daemon/store/sqlite_group");
    TCase *tcase = tcase_create("all");

    tcase_add_test(tcase, what_comes_together_is_one_commit_in_order_of_priority);
    tcase_add_test(tcase, a_large_group_is_cut_but_every_priority_has_its_share);
    tcase_add_test(tcase, what_comes_of_one_group_goes_with_what_has_waited_for_it);
    tcase_add_loop_test(tcase, an_outcome_of_one_does_not_touch_the_others, 0, 2);
    tcase_add_loop_test(tcase, who_fails_half_way_fails_alone_and_leaves_nothing, 0, 2);
    tcase_add_test(tcase, after_an_error_of_the_disk_nothing_is_tried_again);
    tcase_add_loop_test(tcase, a_commit_that_fails_fails_all_of_its_group, 1, 4);
    tcase_add_loop_test(tcase, damaged_lines_are_not_given, 0, 2);
    tcase_add_test(tcase, a_record_that_is_none_is_trouble_of_those_who_ask_for_it_only);
    suite_add_tcase(suite, tcase);
    return suite;
}
