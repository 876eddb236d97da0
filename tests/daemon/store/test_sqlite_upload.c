#include "daemon/store/store.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/fault.h"
#include "tests/support/runtime.h"
#include "tests/support/scale.h"
#include "tests/support/stores.h"

enum { LARGE = 40000 }; /* items: several slices */

static void expect_found(const char *id, int expected)
{
    struct job_record *record;

    ck_assert_int_eq(store_find(the_store, "", id, &record), expected);
    if (expected == 0)
        job_record_unref(record);
}

static size_t count_jobs(void)
{
    struct job_record *records[16];
    bool more;

    int n = store_list(the_store, &(struct store_query){0}, 16, records, &more);
    ck_assert_int_ge(n, 0);
    ck_assert(!more);
    for (int i = 0; i < n; i++)
        job_record_unref(records[i]);
    return (size_t)n;
}

/* Claims all of the only job and checks that its lines are what was added. */
static void expect_lines(uint32_t n_items, const struct test_job *job)
{
    struct store_claims claims;
    uint32_t n = 0;

    assert_ok(store_claim(the_store, 4096, SIZE_MAX, NULL, 0, &claims));
    for (size_t i = 0; i < claims.n_claims; i++) {
        const struct job_chunk *chunk = &claims.claims[i].chunk;
        ck_assert(!claims.claims[i].is_damaged);
        ck_assert_uint_eq(chunk->first, n);
        const char *next = chunk->lines;
        for (uint32_t j = 0; j < chunk->n_items; j++) {
            char line[256];
            stores_line(job, n++, line, sizeof(line));
            ck_assert_mem_eq(next, line, strlen(line));
            next += strlen(line) + 1;
        }
        ck_assert_ptr_eq(next, chunk->lines + chunk->length + 1);
    }
    ck_assert_uint_eq(n, n_items);
    store_claims_done(&claims);
}

CO_TEST(an_accepted_job_is_found_with_all_that_was_said_of_it)
{
    const struct job_label labels[] = {{"team", "web"}, {"run", "7 \"x\""}};
    const struct test_job job = {.weight = 7,
                                 .name = "nightly",
                                 .labels = labels,
                                 .n_labels = 2,
                                 .deadline_us = 5000000,
                                 .ttl_us = 60000000};

    stores_open();
    struct job_record *accepted = stores_accept(3, &job);
    stores_crash();
    struct job_record *found;
    assert_ok(store_find(the_store, "", accepted->id, &found));
    ck_assert_int_eq(found->number, accepted->number);
    ck_assert_str_eq(found->id, accepted->id);
    ck_assert_int_eq(found->status, JOB_QUEUED);
    ck_assert_int_eq(found->rest, REST_NONE);
    ck_assert_uint_eq(found->weight, 7);
    ck_assert_int_eq(found->created_at, accepted->created_at);
    ck_assert_int_eq(found->started_at, JOB_NEVER);
    ck_assert_int_eq(found->ended_at, JOB_NEVER);
    ck_assert_int_eq(found->expires_at, JOB_NEVER);
    ck_assert_int_eq(found->deadline_at, accepted->created_at + 5000000);
    ck_assert_int_eq(found->ttl_us, 60000000);
    ck_assert_str_eq(found->name, "nightly");
    ck_assert_str_eq(found->labels, "{\"team\":\"web\",\"run\":\"7 \\\"x\\\"\"}");
    ck_assert_uint_eq(found->tally.n_items, 3);
    job_record_unref(accepted);
    job_record_unref(found);
    stores_close();
}

CO_TEST(a_job_without_anything_said_has_defaults)
{
    stores_open();
    struct job_record *record = stores_accept(1, NULL);
    ck_assert_ptr_null(record->name);
    ck_assert_ptr_null(record->labels);
    ck_assert_int_eq(record->deadline_at, JOB_NEVER);
    ck_assert_int_eq(record->ttl_us, INT64_C(3600000000));
    char *head;
    size_t length;
    assert_ok(store_read_head(the_store, record->number, &head, &length));
    ck_assert_uint_eq(length, 2);
    ck_assert_mem_eq(head, "{}", 2);
    free(head);
    ck_assert_int_eq(store_read_head(the_store, record->number + 1, &head, &length), -ENOENT);
    job_record_unref(record);
    stores_close();
}

CO_TEST(a_small_job_is_one_commit)
{
    struct store_stats before, after;

    stores_open();
    store_get_stats(the_store, &before);
    job_record_unref(stores_accept(1000, NULL));
    store_get_stats(the_store, &after);
    ck_assert_uint_eq(after.n_commits, before.n_commits + 1);
    ck_assert_uint_eq(after.n_jobs, 1);
    stores_close();
}

CO_TEST(a_large_job_keeps_its_lines)
{
    const struct test_job job = {.line_bytes = 100};

    stores_open();
    job_record_unref(stores_accept(LARGE, &job));
    stores_crash();
    expect_lines(LARGE, &job);
    stores_close();
}

CO_TEST(a_broken_upload_leaves_nothing_behind)
{
    struct store_upload *upload;

    stores_open();
    assert_ok(store_upload_new(the_store, &upload));
    assert_ok(stores_add_items(upload, NULL, 0, (uint32_t)_i));
    store_upload_free(upload);
    ck_assert_uint_eq(count_jobs(), 0);
    stores_crash();
    ck_assert_uint_eq(count_jobs(), 0);
    job_record_unref(stores_accept(5, NULL));
    expect_lines(5, NULL);
    stores_close();
}

CO_TEST(an_upload_that_the_crash_broke_leaves_nothing_behind)
{
    struct store_upload *upload;

    stores_open();
    assert_ok(store_upload_new(the_store, &upload));
    assert_ok(stores_add_items(upload, NULL, 0, LARGE));
    settle();
    stores_die();
    store_upload_free(upload);
    stores_revive();
    ck_assert_uint_eq(count_jobs(), 0);
    job_record_unref(stores_accept(5, NULL));
    expect_lines(5, NULL);
    stores_close();
}

CO_TEST(numbers_and_ids_follow_the_order_of_acceptance)
{
    struct store_upload *slow;

    stores_open();
    assert_ok(store_upload_new(the_store, &slow));
    assert_ok(stores_add_items(slow, NULL, 0, LARGE));
    struct job_record *first = stores_accept(1, NULL);
    stores_die();
    store_upload_free(slow);
    stores_revive();
    struct job_record *second = stores_accept(1, NULL);
    ck_assert_int_gt(second->number, first->number);
    ck_assert_str_gt(second->id, first->id);
    job_record_unref(first);
    job_record_unref(second);
    stores_close();
}

/* --- Idempotency-Key -------------------------------------------------------------------------- */

CO_TEST(a_key_is_accepted_once)
{
    const struct test_job job = {.key = "k1"};
    unsigned char fingerprint[STORE_FINGERPRINT_SIZE];
    struct job_record *again, *found;

    stores_open();
    ck_assert_int_eq(store_find_key(the_store, "", "k1", &found, fingerprint), -ENOENT);
    struct job_record *record = stores_accept(2, &job);
    stores_crash();
    ck_assert_int_eq(stores_try((uint32_t)_i, &job, &again), -EEXIST);
    ck_assert_int_eq(again->number, record->number);
    assert_ok(store_find_key(the_store, "", "k1", &found, fingerprint));
    ck_assert_int_eq(found->number, record->number);
    ck_assert_mem_eq(fingerprint, "k1\0\0", 4);
    ck_assert_uint_eq(count_jobs(), 1);
    expect_lines(2, &job);
    job_record_unref(record);
    job_record_unref(again);
    job_record_unref(found);
    stores_close();
}

static int accept_with_key(void *arg, void **ret_result)
{
    const struct test_job job = {.key = "same"};
    struct job_record *record;

    (void)ret_result;
    int rc = stores_try(1, &job, &record);
    ck_assert(rc == 0 || rc == -EEXIST);
    *(int64_t *)arg = record->number;
    job_record_unref(record);
    return rc == 0;
}

CO_TEST(of_many_with_one_key_at_once_one_is_accepted)
{
    int64_t numbers[10];
    struct co_group group;

    stores_open();
    co_group_enter(&group, CO_NEVER);
    for (size_t i = 0; i < 10; i++)
        assert_ok(co_group_spawn(&group, "client", accept_with_key, &numbers[i], NULL));
    assert_ok(co_group_exit(&group, 0));
    for (size_t i = 1; i < 10; i++)
        ck_assert_int_eq(numbers[i], numbers[0]);
    ck_assert_uint_eq(count_jobs(), 1);
    stores_close();
}

/* --- Trouble ---------------------------------------------------------------------------------- */

CO_TEST(a_cancelled_caller_does_not_leave_a_job_half_done)
{
    struct co_scope scope;
    struct job_record *record;

    stores_open();
    co_scope_enter(&scope, CO_NEVER);
    co_scope_cancel(&scope, 0, "the test");
    assert_ok(stores_try(3, NULL, &record));
    assert_ok(co_scope_exit(&scope, 0));
    expect_found(record->id, 0);
    job_record_unref(record);
    stores_close();
}

CO_TEST(without_memory_nothing_is_accepted_and_nothing_leaks)
{
    struct job_record *record;
    size_t n = 1;

    stores_open();
    job_record_unref(stores_accept(1, NULL)); /* what the loop makes for its threads stays */
    for (;; n++) {
        size_t before = fault_live();
        fault_arm(n);
        int rc = stores_try((uint32_t)_i, NULL, &record);
        bool failed = fault_disarm();
        settle();
        if (!failed)
            break;
        if (rc == 0) {
            job_record_unref(record);
            continue;
        }
        ck_assert_int_eq(rc, -ENOMEM);
        ck_assert_uint_eq(fault_live(), before);
    }
    ck_assert_uint_gt(n, 3);
    job_record_unref(record);
    stores_close();
}

Suite *suite_sqlite_upload(void);

Suite *suite_sqlite_upload(void)
{
    Suite *suite = suite_create("daemon/store/sqlite_upload");
    TCase *tcase = tcase_create("all");

    tcase_add_test(tcase, an_accepted_job_is_found_with_all_that_was_said_of_it);
    tcase_add_test(tcase, a_job_without_anything_said_has_defaults);
    tcase_add_test(tcase, a_small_job_is_one_commit);
    tcase_add_test(tcase, a_large_job_keeps_its_lines);
    tcase_add_test(tcase, an_upload_that_the_crash_broke_leaves_nothing_behind);
    tcase_add_test(tcase, numbers_and_ids_follow_the_order_of_acceptance);
    tcase_add_loop_test(tcase, a_broken_upload_leaves_nothing_behind, 100, 101);
    tcase_add_loop_test(tcase, a_broken_upload_leaves_nothing_behind, LARGE, LARGE + 1);
    tcase_add_loop_test(tcase, a_key_is_accepted_once, 2, 3);
    tcase_add_loop_test(tcase, a_key_is_accepted_once, LARGE, LARGE + 1);
    tcase_add_test(tcase, of_many_with_one_key_at_once_one_is_accepted);
    tcase_add_test(tcase, a_cancelled_caller_does_not_leave_a_job_half_done);
    tcase_add_loop_test(tcase, without_memory_nothing_is_accepted_and_nothing_leaks, 2, 3);
    tcase_add_loop_test(tcase, without_memory_nothing_is_accepted_and_nothing_leaks, LARGE,
                        LARGE + 1);
    suite_add_tcase(suite, tcase);
    return suite;
}
