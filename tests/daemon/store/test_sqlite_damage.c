/* Rows that are not what was written, one at a time: nobody else notices. */
#include "daemon/store/sqlite_damage.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/base/crc32c.h"

#include "tests/daemon/store/scratch.h"
#include "tests/support/runtime.h"

static int64_t take(struct store *store, uint32_t n_items)
{
    int64_t number = 0;

    assert_ok(take_job(store, n_items, NULL, &number));
    return number;
}

static int find(struct store *store, int64_t number)
{
    struct job_record *record = NULL;
    int rc = store_find_number(store, number, &record);

    job_record_unref(record);
    return rc;
}

static int count_listed(struct store *store, size_t limit, bool *ret_more)
{
    struct job_record *records[8];
    int n = store_list(store, &(struct store_query){.status = 0}, limit, records, ret_more);

    for (int i = 0; i < n; i++)
        job_record_unref(records[i]);
    return n;
}

/* --- Records ---------------------------------------------------------------------------------- */

static const char *const damages[] = {
    "UPDATE job SET tally = x'ffffffff'", "UPDATE job SET status = 99",
    "UPDATE job SET rest = -1",           "UPDATE job SET weight = 0",
    "UPDATE job SET n_items = -5",        "UPDATE job SET n_items = 1 << 40",
};
enum { N_DAMAGES = sizeof(damages) / sizeof(*damages) };

static void damage(const char *sql, int64_t number)
{
    char whole[128];

    snprintf(whole, sizeof(whole), "%s WHERE number = %lld", sql, (long long)number);
    scratch_sql(whole);
}

CO_TEST(damaged_record_is_left_out_of_lists)
{
    struct store *store = open_store();
    int64_t first = take(store, 1), second = take(store, 1);
    bool more;

    take(store, 1);
    for (int i = 0; i < N_DAMAGES; i++) {
        ck_assert_int_eq(count_listed(store, 8, &more), i == 0 ? 3 : 2);
        damage(damages[i], second);
        ck_assert_int_eq(find(store, second), -EBADMSG);
        ck_assert_int_eq(count_listed(store, 2, &more), 2);
        ck_assert(!more);
        ck_assert_int_eq(count_listed(store, 1, &more), 1);
        ck_assert(more);
    }
    ck_assert_uint_eq(store->damage.n_said, 1);
    assert_ok(find(store, first));
    ck_assert_int_eq(store_health(store), STORE_OK);
    store_close(store);
}

CO_TEST(job_with_a_damaged_record_that_was_given_up_is_not_claimed_and_expires)
{
    struct store *store = open_store();
    int64_t number = take(store, 600), next, ended;

    damage("UPDATE job SET deadline_at = 1, status = 99", number);
    ck_assert_int_eq(store_overdue(store, 2, 1, &ended, &next), 1);
    assert_ok(store_give_up(store, number, 1000));
    assert_ok(store_give_up(store, number, 2000));
    ck_assert_int_eq(store_overdue(store, 2, 1, &ended, &next), 0);
    ck_assert_int_eq(claim_all(store), 0);
    ck_assert_int_eq(scratch_sql("SELECT ended_at FROM job"), 1000);
    ck_assert_int_eq(scratch_sql("SELECT count(*) FROM turn"), 0);
    assert_ok(store_sweep(store, 3, &next));
    ck_assert_int_gt(next, 1000);
    ck_assert_int_eq(find(store, number), -EBADMSG);
    assert_ok(store_sweep(store, next, &next));
    ck_assert_int_eq(find(store, number), -ENOENT);
    store_close(store);
}

CO_TEST(job_with_a_damaged_record_can_be_forgotten_by_its_id)
{
    struct store *store = open_store();
    struct job_record *record;
    int64_t number = take(store, 1);

    assert_ok(store_find_number(store, number, &record));
    damage(damages[0], number);
    ck_assert_int_eq(store_forget_damaged(store, "", "job_of_nobody"), -ENOENT);
    assert_ok(store_forget_damaged(store, "", record->id));
    ck_assert_int_eq(find(store, number), -ENOENT);
    job_record_unref(record);
    store_close(store);
}

CO_TEST(damaged_weight_gives_a_job_no_more_turns_than_others)
{
    struct store *store = open_store();
    int64_t number = take(store, 1000);

    take(store, 1000);
    damage("UPDATE job SET weight = 0", number);
    ck_assert_int_eq(claim_all(store), 2000);
    store_close(store);
}

/* --- Chunks ----------------------------------------------------------------------------------- */

static const char *const chunk_damages[] = {
    "UPDATE chunk_data SET n_items = n_items + 1", "UPDATE chunk_data SET skip = 1",
    "UPDATE chunk_data SET is_unsafe = 1",         "UPDATE chunk_data SET lines = x'61'",
    "UPDATE chunk_data SET crc32c = crc32c + 1",
};

/* _i: of chunk_damages */
CO_TEST(chunk_is_damaged_whatever_of_it_is)
{
    struct store *store = open_store();
    struct store_claims claims;

    take(store, 5);
    scratch_sql(chunk_damages[_i]);
    assert_ok(store_claim(store, 1, SIZE_MAX, NULL, 0, &claims));
    ck_assert_uint_eq(claims.n_claims, 1);
    ck_assert(claims.claims[0].is_damaged);
    ck_assert(claims.claims[0].chunk.lines == NULL);
    store_claims_done(&claims);
    store_close(store);
}

/* --- Bodies ----------------------------------------------------------------------------------- */

static int64_t take_with_body(struct store *store)
{
    const struct store_result result = {.shape = "s",
                                        .shape_length = 1,
                                        .row = "r",
                                        .row_length = 1,
                                        .body = "body",
                                        .body_length = 4};
    struct store_result results[1] = {result};
    struct job_record *record;

    results[0].job = take(store, 1);
    ck_assert_int_eq(claim_all(store), 1);
    assert_ok(store_find_number(store, results[0].job, &record));
    const struct store_job_change change = {.record = record, .first_seq = 1};
    assert_ok(store_commit(
        store, &(struct store_commit){
                   .results = results, .n_results = 1, .changes = &change, .n_changes = 1}));
    job_record_unref(record);
    return results[0].job;
}

/* returns whether there is one, and it is whole */
static bool has_body(struct store *store, int64_t number)
{
    const struct store_read_options options = {
        .n_items = 1, .max_rows = 1, .max_bytes = 100, .with_bodies = true};
    struct store_page page;

    assert_ok(store_read(store, number, &options, &page));
    ck_assert_uint_eq(page.n_rows, 1);
    const struct store_row *row = &page.rows[0];
    bool has = !row->lacks_body;
    ck_assert(row->has_body);
    ck_assert_uint_eq(row->body_length, has ? 4 : 0);
    ck_assert(!has || memcmp(row->body, "body", 4) == 0);
    store_page_done(&page);
    return has;
}

CO_TEST(damaged_body_is_not_given)
{
    struct store *store = open_store();
    int64_t number = take_with_body(store);

    ck_assert(has_body(store, number));
    scratch_sql("UPDATE result_body SET body = CAST('bodx' AS BLOB)");
    ck_assert(!has_body(store, number));
    scratch_sql("DELETE FROM result_body");
    ck_assert(!has_body(store, number));
    store_close(store);
}

/* --- Version 1 -------------------------------------------------------------------------------- */

/* What version 1 would have made of it. */
static void make_version_1(void)
{
    char sql[128];

    snprintf(sql, sizeof(sql), "UPDATE chunk_data SET crc32c = %u", crc32c("http://a/0", 10));
    scratch_sql(sql);
    scratch_sql("DROP INDEX job_key");
    scratch_sql("DROP INDEX job_status");
    scratch_sql("DROP INDEX job_tenant");
    scratch_sql("CREATE UNIQUE INDEX job_key ON job(key) WHERE key IS NOT NULL");
    scratch_sql("CREATE INDEX job_status ON job(status, number)");
    scratch_sql("DROP TABLE schedule_tally");
    scratch_sql("DROP TABLE schedule_run");
    scratch_sql("DROP TABLE schedule_job");
    scratch_sql("DROP TABLE schedule");
    scratch_sql("DROP TABLE callback");
    scratch_sql("ALTER TABLE job DROP COLUMN has_callback");
    scratch_sql("ALTER TABLE job DROP COLUMN tenant");
    scratch_sql("ALTER TABLE result_body DROP COLUMN crc32c");
    scratch_sql("PRAGMA user_version = 1");
}

CO_TEST(what_version_1_has_written_is_read)
{
    struct store *store = open_store();
    struct store_claims claims;
    int64_t with_body = take_with_body(store), number = take(store, 1);

    store_close(store);
    make_version_1();
    store = open_store();
    ck_assert_int_gt(scratch_sql("PRAGMA user_version"), 1);
    ck_assert(has_body(store, with_body));
    assert_ok(store_claim(store, 2, SIZE_MAX, NULL, 0, &claims));
    ck_assert_uint_eq(claims.n_claims, 2); /* the chunk of the first one was not ended */
    ck_assert(!claims.claims[0].is_damaged && !claims.claims[1].is_damaged);
    store_claims_done(&claims);
    assert_ok(find(store, number));
    store_close(store);
}

Suite *suite_sqlite_damage(void);

Suite *suite_sqlite_damage(void)
{
    Suite *suite = suite_create("daemon/store/sqlite_damage");
    TCase *tcase = tcase_create("all");

    tcase_add_checked_fixture(tcase, scratch_set_up, scratch_tear_down);
    tcase_add_checked_fixture(tcase, scratch_silence, scratch_end_silence);
    tcase_add_test(tcase, damaged_record_is_left_out_of_lists);
    tcase_add_test(tcase, job_with_a_damaged_record_that_was_given_up_is_not_claimed_and_expires);
    tcase_add_test(tcase, job_with_a_damaged_record_can_be_forgotten_by_its_id);
    tcase_add_test(tcase, damaged_weight_gives_a_job_no_more_turns_than_others);
    tcase_add_loop_test(tcase, chunk_is_damaged_whatever_of_it_is, 0,
                        sizeof(chunk_damages) / sizeof(*chunk_damages));
    tcase_add_test(tcase, damaged_body_is_not_given);
    tcase_add_test(tcase, what_version_1_has_written_is_read);
    suite_add_tcase(suite, tcase);
    return suite;
}
