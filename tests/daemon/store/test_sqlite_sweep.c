#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/store/sqlite_keeping.h"
#include "tests/daemon/store/scratch.h"
#include "tests/support/runtime.h"

static const char all_rows[] =
    "SELECT (SELECT count(*) FROM result) + (SELECT count(*) FROM shape)"
    " + (SELECT count(*) FROM completion) + (SELECT count(*) FROM result_body)"
    " + (SELECT count(*) FROM chunk_data) + (SELECT count(*) FROM chunk)"
    " + (SELECT count(*) FROM head) + (SELECT count(*) FROM turn) + (SELECT count(*) FROM label)"
    " + (SELECT count(*) FROM trash)";

static struct store *open_with(uint64_t max_jobs, uint64_t max_bytes)
{
    struct store_options options = {
        .path = scratch_path("store"), .max_jobs = max_jobs, .max_bytes = max_bytes};
    struct store *store;

    assert_ok(store_open(&store, &options, NULL));
    return store;
}

static int64_t take(struct store *store, uint32_t n_items)
{
    int64_t number = 0;

    assert_ok(take_job(store, n_items, NULL, &number));
    return number;
}

/* A job with all of its results. */
static int64_t take_ended(struct store *store, uint32_t n_items, int64_t ended_at,
                          int64_t expires_at)
{
    int64_t number = take(store, n_items);

    ck_assert_int_ge(claim_all(store), (int)n_items);
    assert_ok(finish_items(store, number, 0, n_items));
    assert_ok(end_job(store, number, ended_at, expires_at));
    return number;
}

static bool is_there(struct store *store, int64_t number)
{
    struct job_record *record = NULL;
    int rc = store_find_number(store, number, &record);

    ck_assert(rc == 0 || rc == -ENOENT);
    job_record_unref(record);
    return rc == 0;
}

/* As often as there is something to do now. returns how often that was; next: when there will be */
static unsigned sweep_all(struct store *store, int64_t now, int64_t *ret_next)
{
    unsigned n = 0;

    do {
        assert_ok(store_sweep(store, now, ret_next));
        ck_assert_uint_lt(++n, 1000);
    } while (*ret_next != JOB_NEVER && *ret_next <= now);
    return n;
}

/* --- Forgetting ------------------------------------------------------------------------------- */

CO_TEST(job_that_was_forgotten_is_not_found_at_once_and_its_rows_go_bit_by_bit)
{
    struct store *store = open_store();
    int64_t number = take_ended(store, 12000, 1, 1000000), next;

    assert_ok(store_forget(store, number));
    ck_assert(!is_there(store, number));
    ck_assert_int_eq(store_forget(store, number), -ENOENT);
    ck_assert_int_gt(scratch_sql("SELECT count(*) FROM result"), 11000);
    ck_assert_uint_ge(sweep_all(store, 2, &next), 3);
    ck_assert_int_eq(next, JOB_NEVER);
    ck_assert_int_eq(scratch_sql(all_rows), 0);
    store_close(store);
}

enum { BODY_BYTES = 1 << 20, N_BODIES = 24 };

static void add_bodies(int64_t number)
{
    char sql[200];

    snprintf(sql, sizeof(sql),
             "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < %d) "
             "INSERT INTO result_body(job, idx, body) SELECT %lld, i, zeroblob(%d) FROM n",
             N_BODIES - 1, (long long)number, BODY_BYTES);
    scratch_sql(sql);
}

CO_TEST(slice_of_what_is_deleted_has_few_bytes_however_few_rows_they_are)
{
    struct store *store = open_store();
    int64_t number = take_ended(store, N_BODIES, 1, 1000000), next, before = N_BODIES;

    add_bodies(number);
    assert_ok(store_forget(store, number));
    while (before > 0) {
        assert_ok(store_sweep(store, 2, &next));
        int64_t after = scratch_sql("SELECT count(*) FROM result_body");
        ck_assert_int_lt(after, before);
        ck_assert_int_le(before - after, 3);
        before = after;
    }
    sweep_all(store, 2, &next);
    ck_assert_int_eq(scratch_sql(all_rows), 0);
    store_close(store);
}

CO_TEST(job_that_runs_can_be_forgotten)
{
    struct store *store = open_store();
    int64_t number = take(store, 1000), next;

    ck_assert_int_eq(claim_all(store), 1000);
    assert_ok(store_forget(store, number));
    ck_assert_int_eq(claim_all(store), 0);
    sweep_all(store, 0, &next);
    ck_assert_int_eq(scratch_sql(all_rows), 0);
    store_close(store);
}

CO_TEST(numbers_are_not_used_again)
{
    struct store *store = open_store();
    int64_t number = take(store, 1), next;

    assert_ok(store_forget(store, number));
    sweep_all(store, 0, &next);
    store_close(store);
    store = open_store();
    ck_assert_int_gt(take(store, 1), number);
    store_close(store);
}

CO_TEST(expired_jobs_are_forgotten_and_no_others)
{
    struct store *store = open_store();
    int64_t first = take_ended(store, 5, 1, 1000), second = take_ended(store, 5, 1, 2000), next;
    int64_t running = take(store, 5);

    sweep_all(store, 999, &next);
    ck_assert_int_eq(next, 1000);
    ck_assert(is_there(store, first));
    sweep_all(store, 1000, &next);
    ck_assert_int_eq(next, 2000);
    ck_assert(!is_there(store, first));
    ck_assert(is_there(store, second));
    sweep_all(store, INT64_MAX, &next);
    ck_assert_int_eq(next, JOB_NEVER);
    ck_assert(!is_there(store, second));
    ck_assert(is_there(store, running));
    store_close(store);
}

/* --- Bounds ----------------------------------------------------------------------------------- */

/* Another one may go for it, also if it is younger. */
CO_TEST(job_stays_until_its_schedule_has_written_what_it_came_to)
{
    struct store *store = open_with(2, UINT64_MAX);
    int64_t run = take_ended(store, 1, 1, 2), other = take_ended(store, 1, 5, 100), next;

    scratch_sql("INSERT INTO schedule_run(schedule, number, due_at, n_due, state, job)"
                " SELECT 1, 1, 1, 1, 0, min(number) FROM job");
    sweep_all(store, 10, &next);
    ck_assert_int_eq(next, 100);
    int64_t third = take(store, 1);
    ck_assert(is_there(store, run) && !is_there(store, other) && is_there(store, third));
    scratch_sql("UPDATE schedule_run SET state = 1");
    sweep_all(store, 10, &next);
    ck_assert(!is_there(store, run));
    store_close(store);
}

CO_TEST(above_the_number_of_jobs_the_oldest_ended_one_goes)
{
    struct store *store = open_with(3, UINT64_MAX);
    int64_t running = take(store, 1), newer = take_ended(store, 1, 20, 1000);
    int64_t older = take_ended(store, 1, 10, 1000), number;

    take(store, 1);
    ck_assert(!is_there(store, older));
    ck_assert(is_there(store, newer));
    take(store, 1);
    ck_assert(!is_there(store, newer));
    ck_assert_int_eq(take_job(store, 1, NULL, &number), -EUSERS);
    ck_assert_int_eq(store_health(store), STORE_OK);
    ck_assert(is_there(store, running));
    store_close(store);
}

CO_TEST(lower_number_of_jobs_is_reached_by_sweeping)
{
    struct store *store = open_store();
    int64_t first = take_ended(store, 1, 1, 1000), running = take(store, 1), next;
    int64_t last = take_ended(store, 1, 2, 1000);

    store_close(store);
    store = open_with(2, UINT64_MAX);
    sweep_all(store, 0, &next);
    ck_assert(!is_there(store, first));
    ck_assert(is_there(store, last));
    ck_assert(is_there(store, running));
    store_close(store);
}

CO_TEST(above_the_number_of_bytes_as_many_jobs_go_as_have_to)
{
    struct store *store = open_store();
    int64_t first = take_ended(store, 5000, 1, 1000), second = take_ended(store, 5000, 2, 1000);
    int64_t running = take(store, 5000), number, next;
    uint64_t used = (uint64_t)scratch_sql("PRAGMA page_count") * 4096;

    store_close(store);
    store = open_with(100, used - 100000);
    sweep_all(store, 0, &next);
    ck_assert(!is_there(store, first));
    ck_assert(is_there(store, second));
    store_close(store);
    store = open_with(100, 100000);
    sweep_all(store, 0, &next);
    ck_assert(!is_there(store, second));
    ck_assert(is_there(store, running));
    ck_assert_int_eq(take_job(store, 1, NULL, &number), -ENOBUFS);
    ck_assert_int_eq(store_health(store), STORE_OK);
    store_close(store);
}

CO_TEST(space_is_given_back_to_the_disk)
{
    struct store *store = open_store();
    int64_t number = take_ended(store, 60000, 1, 1000), next;
    struct store_stats before, after;

    store_close(store);
    store = open_store();
    store_get_stats(store, &before);
    assert_ok(store_forget(store, number));
    sweep_all(store, 0, &next);
    store_close(store);
    store = open_store();
    store_get_stats(store, &after);
    ck_assert_uint_gt(before.file_bytes, 3 << 20);
    ck_assert_uint_lt(after.file_bytes, before.file_bytes - (1 << 20));
    store_close(store);
}

/* --- Uploads ---------------------------------------------------------------------------------- */

CO_TEST(upload_that_is_going_on_is_not_swept)
{
    static char lines[256 * 1024 * 4];
    struct store *store = open_store();
    struct store_upload *upload;
    int64_t next;

    memset(lines, 'x', sizeof(lines));
    const struct job_chunk chunk = {.n_items = 1, .lines = lines, .length = sizeof(lines)};
    assert_ok(store_upload_new(store, &upload));
    assert_ok(store_upload_add(upload, &chunk));
    settle();
    ck_assert_int_eq(scratch_sql("SELECT count(*) FROM chunk_data"), 1);
    sweep_all(store, 0, &next);
    ck_assert_int_eq(scratch_sql("SELECT count(*) FROM chunk_data"), 1);
    store_upload_free(upload);
    settle();
    sweep_all(store, 0, &next);
    ck_assert_int_eq(scratch_sql(all_rows), 0);
    store_close(store);
}

/* Adds a chunk of some 256 KiB, which is sent at once. returns as store_upload_add() */
static int add_much(struct store_upload *upload, uint32_t first)
{
    static char lines[256 * 1024];

    memset(lines, 'x', sizeof(lines));
    const struct job_chunk chunk = {
        .first = first, .n_items = 1, .lines = lines, .length = sizeof(lines)};
    int rc = store_upload_add(upload, &chunk);
    settle();
    return rc;
}

static int add_many(struct store_upload *upload, uint32_t n)
{
    int rc = 0;

    for (uint32_t i = 0; i < n && rc == 0; i++)
        rc = add_much(upload, i);
    return rc;
}

static int accept_it(struct store_upload *upload, uint32_t n_items)
{
    const struct job_spec spec = {.weight = 1};
    const struct store_acceptance acceptance = {
        .head = "{}", .head_length = 2, .spec = &spec, .n_items = n_items, .default_ttl_us = 1};
    struct job_record *record = NULL;
    int rc = store_upload_accept(upload, &acceptance, &record);

    job_record_unref(record);
    return rc;
}

enum { MIB = 1024 * 1024 };

/* The ended job and the upload are more than 4 MiB; both are less by themselves. */
CO_TEST(upload_pushes_out_an_ended_job_when_it_is_accepted_and_not_before)
{
    struct store *store = open_with(100, 4 * MIB);
    int64_t ended = take_ended(store, 60000, 1, 1000), next;
    struct store_upload *upload;

    assert_ok(store_upload_new(store, &upload));
    assert_ok(add_many(upload, 7));
    sweep_all(store, 0, &next);
    ck_assert_int_gt(scratch_sql("PRAGMA page_count"), 4 * MIB / 4096);
    ck_assert(is_there(store, ended));
    assert_ok(accept_it(upload, 7));
    store_upload_free(upload);
    sweep_all(store, 0, &next);
    ck_assert(!is_there(store, ended));
    store_close(store);
}

CO_TEST(upload_that_was_given_up_has_pushed_nothing_out)
{
    struct store *store = open_with(100, 4 * MIB);
    int64_t ended = take_ended(store, 60000, 1, 1000), next;
    struct store_upload *upload;

    for (int i = 0; i < 3; i++) {
        assert_ok(store_upload_new(store, &upload));
        assert_ok(add_many(upload, 7));
        store_upload_free(upload);
        settle();
        sweep_all(store, 0, &next);
    }
    ck_assert(is_there(store, ended));
    store_close(store);
}

/* Half of the room is for uploads, all together. */
CO_TEST(upload_that_does_not_fit_beside_others_is_refused)
{
    struct store *store = open_with(100, 4 * MIB);
    struct store_upload *first, *second;
    int64_t next;

    assert_ok(store_upload_new(store, &first));
    assert_ok(store_upload_new(store, &second));
    assert_ok(add_many(first, 4));
    ck_assert_int_eq(add_many(second, 6), -ENOBUFS);
    ck_assert_int_eq(accept_it(second, 6), -ENOBUFS);
    ck_assert_int_eq(store_health(store), STORE_OK);
    store_upload_free(second);
    settle();
    sweep_all(store, 0, &next);
    assert_ok(add_much(first, 4));
    assert_ok(add_much(first, 5));
    assert_ok(accept_it(first, 6));
    store_upload_free(first);
    store_close(store);
}

CO_TEST(upload_that_does_not_fit_beside_jobs_that_go_on_is_refused)
{
    struct store *store = open_store();
    int64_t running = take(store, 200000);
    struct store_upload *upload;

    store_close(store);
    store = open_with(100, 4 * MIB);
    assert_ok(store_upload_new(store, &upload));
    ck_assert_int_eq(add_many(upload, 6), -ENOBUFS);
    store_upload_free(upload);
    ck_assert(is_there(store, running));
    store_close(store);
}

CO_TEST(upload_that_never_fits_is_told_so)
{
    struct store *store = open_with(100, 4 * MIB);
    struct store_upload *upload;

    assert_ok(store_upload_new(store, &upload));
    ck_assert_int_eq(add_many(upload, 20), -EFBIG);
    store_upload_free(upload);
    ck_assert_int_eq(store_health(store), STORE_OK);
    store_close(store);
}

/* --- Deadlines -------------------------------------------------------------------------------- */

static void set_deadline(int64_t number, int64_t deadline)
{
    char sql[128];

    snprintf(sql, sizeof(sql), "UPDATE job SET deadline_at = %lld WHERE number = %lld",
             (long long)deadline, (long long)number);
    scratch_sql(sql);
}

CO_TEST(overdue_jobs_come_in_order_of_their_deadlines)
{
    struct store *store = open_store();
    int64_t numbers[5], found[5], next;

    for (int i = 0; i < 5; i++)
        numbers[i] = take(store, 1);
    assert_ok(end_job(store, numbers[4], 1, 1000));
    store_close(store);
    for (int i = 0; i < 3; i++)
        set_deadline(numbers[i], 300 - 100 * i);
    set_deadline(numbers[4], 50);
    store = open_store();
    ck_assert_int_eq(store_overdue(store, 99, 5, found, &next), 0);
    ck_assert_int_eq(next, 100);
    ck_assert_int_eq(store_overdue(store, 250, 5, found, &next), 2);
    ck_assert_int_eq(found[0], numbers[2]);
    ck_assert_int_eq(found[1], numbers[1]);
    ck_assert_int_eq(next, 300);
    ck_assert_int_eq(store_overdue(store, 250, 1, found, &next), 1);
    ck_assert_int_eq(found[0], numbers[2]);
    ck_assert_int_eq(next, 200);
    ck_assert_int_eq(store_overdue(store, 300, 3, found, &next), 3);
    ck_assert_int_eq(next, JOB_NEVER);
    store_close(store);
}

Suite *suite_sqlite_sweep(void);

Suite *suite_sqlite_sweep(void)
{
    Suite *suite = suite_create("daemon/store/sqlite_sweep");
    TCase *tcase = tcase_create("all");

    tcase_add_checked_fixture(tcase, scratch_set_up, scratch_tear_down);
    tcase_add_test(tcase, job_that_was_forgotten_is_not_found_at_once_and_its_rows_go_bit_by_bit);
    tcase_add_test(tcase, slice_of_what_is_deleted_has_few_bytes_however_few_rows_they_are);
    tcase_add_test(tcase, job_that_runs_can_be_forgotten);
    tcase_add_test(tcase, numbers_are_not_used_again);
    tcase_add_test(tcase, expired_jobs_are_forgotten_and_no_others);
    tcase_add_test(tcase, job_stays_until_its_schedule_has_written_what_it_came_to);
    tcase_add_test(tcase, above_the_number_of_jobs_the_oldest_ended_one_goes);
    tcase_add_test(tcase, lower_number_of_jobs_is_reached_by_sweeping);
    tcase_add_test(tcase, above_the_number_of_bytes_as_many_jobs_go_as_have_to);
    tcase_add_test(tcase, space_is_given_back_to_the_disk);
    tcase_add_test(tcase, upload_that_is_going_on_is_not_swept);
    tcase_add_test(tcase, upload_pushes_out_an_ended_job_when_it_is_accepted_and_not_before);
    tcase_add_test(tcase, upload_that_was_given_up_has_pushed_nothing_out);
    tcase_add_test(tcase, upload_that_does_not_fit_beside_others_is_refused);
    tcase_add_test(tcase, upload_that_does_not_fit_beside_jobs_that_go_on_is_refused);
    tcase_add_test(tcase, upload_that_never_fits_is_told_so);
    tcase_add_test(tcase, overdue_jobs_come_in_order_of_their_deadlines);
    suite_add_tcase(suite, tcase);
    return suite;
}
