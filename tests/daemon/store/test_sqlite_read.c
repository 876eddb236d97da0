#include "daemon/store/store.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/fault.h"
#include "tests/support/runtime.h"
#include "tests/support/stores.h"

enum { MAX_RESULTS = 16 };

static struct job_record *job;
static uint64_t next_seq; /* of the job */

static void begin(uint32_t n_items, const struct test_job *of)
{
    stores_open();
    job = stores_accept(n_items, of);
    next_seq = 1;
}

static void end(void)
{
    job_record_unref(job);
    stores_close();
}

/* A result of an item, whose row is "row 7". */
static struct store_result result_of(uint32_t index, uint8_t outcome)
{
    static char rows[MAX_RESULTS][16];
    static unsigned next;
    char *row = rows[next++ % MAX_RESULTS];

    return (struct store_result){
        .job = job->number,
        .index = index,
        .shape_of = index,
        .outcome = outcome,
        .shape = "shape",
        .shape_length = 5,
        .row = row,
        .row_length = (uint32_t)sprintf(row, "row %u", index),
    };
}

static int try_commit(const struct store_result *results, size_t n)
{
    const struct store_job_change change = {.record = job, .first_seq = next_seq};
    const struct store_commit commit = {
        .results = results, .n_results = n, .changes = &change, .n_changes = 1};

    int rc = store_commit(the_store, &commit);
    if (rc == 0)
        next_seq += n;
    return rc;
}

/* Commits results of items with an outcome each: "7:0 2:3". */
static void commit(const char *text)
{
    struct store_result results[MAX_RESULTS];
    unsigned index, outcome;
    size_t n = 0;
    int length;

    while (sscanf(text, "%u:%u%n", &index, &outcome, &length) == 2) {
        results[n++] = result_of(index, (uint8_t)outcome);
        text += length;
    }
    assert_ok(try_commit(results, n));
}

/* A page as text: "7:0 2:3 | 0+256 ..." are rows and chunks, "..." more rows to come. */
static const char *text_of(const struct store_page *page)
{
    static char text[4096];
    int length = 0;

    for (size_t i = 0; i < page->n_rows; i++) {
        const struct store_row *row = &page->rows[i];
        char expected[16];
        sprintf(expected, "row %u", row->index);
        ck_assert_uint_eq(row->row_length, strlen(expected));
        ck_assert_mem_eq(row->row, expected, row->row_length);
        ck_assert_uint_eq(row->shape_length, 5);
        ck_assert_mem_eq(row->shape, "shape", 5);
        length += sprintf(text + length, "%u:%u ", row->index, row->outcome);
    }
    length += sprintf(text + length, "|");
    for (size_t i = 0; i < page->n_chunks; i++)
        length += sprintf(text + length, " %u+%u%s", page->chunks[i].first, page->chunks[i].n_items,
                          page->chunks[i].lines == NULL ? "!" : "");
    sprintf(text + length, "%s", page->more ? " ..." : "");
    return text;
}

static const char *read_page(struct store_read_options options)
{
    struct store_page page;

    if (options.n_items == 0)
        options.n_items = UINT32_MAX;
    if (options.max_rows == 0)
        options.max_rows = 100;
    if (options.max_bytes == 0)
        options.max_bytes = 1 << 20;
    assert_ok(store_read(the_store, job->number, &options, &page));
    const char *text = text_of(&page);
    store_page_done(&page);
    return text;
}

static const char *read_completed(uint64_t after, size_t max_rows)
{
    struct store_page page;

    assert_ok(store_read_completed(the_store, job->number, after, max_rows, 1 << 20, false, &page));
    const char *text = text_of(&page);
    store_page_done(&page);
    return text;
}

/* --- By index --------------------------------------------------------------------------------- */

CO_TEST(results_are_read_by_index_with_all_chunks)
{
    begin(600, NULL);
    ck_assert_str_eq(read_page((struct store_read_options){0}), "| 0+256 256+256 512+88");
    commit("300:0 7:3 299:0");
    stores_crash();
    ck_assert_str_eq(read_page((struct store_read_options){0}),
                     "7:3 299:0 300:0 | 0+256 256+256 512+88");
    ck_assert_str_eq(read_page((struct store_read_options){.first = 8, .n_items = 292}),
                     "299:0 | 0+256 256+256");
    ck_assert_str_eq(read_page((struct store_read_options){.first = 600}), "|");
    ck_assert_str_eq(read_page((struct store_read_options){.first = 9999, .n_items = 9}), "|");
    end();
}

CO_TEST(a_page_ends_at_its_number_of_rows)
{
    begin(600, NULL);
    commit("7:0 8:0 300:0 301:0");
    ck_assert_str_eq(read_page((struct store_read_options){.max_rows = 2}),
                     "7:0 8:0 | 0+256 256+256 ...");
    ck_assert_str_eq(read_page((struct store_read_options){.first = 9, .max_rows = 2}),
                     "300:0 301:0 | 0+256 256+256 512+88");
    end();
}

CO_TEST(a_page_ends_at_its_number_of_bytes_but_has_one_row)
{
    const struct test_job pairs = {.chunk_items = 2};

    begin(6, &pairs);
    commit("0:0 1:0 2:0 3:0 4:0 5:0");
    ck_assert_str_eq(read_page((struct store_read_options){.max_bytes = 1}), "0:0 | 0+2 ...");
    /* A chunk has 21 bytes, a row 5. */
    ck_assert_str_eq(read_page((struct store_read_options){.max_bytes = 31}),
                     "0:0 1:0 | 0+2 2+2 ...");
    ck_assert_str_eq(read_page((struct store_read_options){.max_bytes = 60}),
                     "0:0 1:0 2:0 | 0+2 2+2 ...");
    end();
}

CO_TEST(a_page_says_how_far_it_tells)
{
    const struct test_job pairs = {.chunk_items = 2};
    struct store_read_options options = {.n_items = 6, .max_rows = 9, .max_bytes = 45};
    struct store_page page;

    begin(8, &pairs);
    commit("0:0");
    assert_ok(store_read(the_store, job->number, &options, &page));
    ck_assert_str_eq(text_of(&page), "0:0 | 0+2 2+2");
    ck_assert_uint_eq(page.end, 4);
    store_page_done(&page);
    options.max_bytes = 1000;
    assert_ok(store_read(the_store, job->number, &options, &page));
    ck_assert_uint_eq(page.end, 6);
    store_page_done(&page);
    end();
}

CO_TEST(a_page_ends_at_its_number_of_bytes_also_where_there_are_no_rows)
{
    const struct test_job pairs = {.chunk_items = 2};
    struct store_read_options options = {.n_items = 8, .max_rows = 9, .max_bytes = 30};
    struct store_page page;

    begin(8, &pairs);
    commit("7:0");
    assert_ok(store_read(the_store, job->number, &options, &page));
    ck_assert_str_eq(text_of(&page), "| 0+2 2+2 ...");
    ck_assert_uint_eq(page.end, 4);
    store_page_done(&page);
    end();
}

CO_TEST(rows_of_one_outcome_come_with_their_chunks)
{
    begin(1000, NULL);
    commit("1:0 2:3 300:3 301:2 302:0 900:3 901:7");
    ck_assert_str_eq(read_page((struct store_read_options){.by_outcome = true, .outcome = 3}),
                     "2:3 300:3 900:3 | 0+256 256+256 768+232");
    ck_assert_str_eq(
        read_page((struct store_read_options){.by_outcome = true, .outcome = 3, .max_rows = 2}),
        "2:3 300:3 | 0+256 256+256 ...");
    ck_assert_str_eq(read_page((struct store_read_options){.by_outcome = true, .outcome = 0}),
                     "1:0 302:0 | 0+256 256+256");
    ck_assert_str_eq(read_page((struct store_read_options){.by_outcome = true, .outcome = 5}), "|");
    end();
}

CO_TEST(failures_of_all_kinds_come_in_order)
{
    begin(1000, NULL);
    commit("1:0 2:3 300:1 301:2 302:0 900:7 901:1");
    ck_assert_str_eq(read_page((struct store_read_options){.failures_only = true}),
                     "2:3 300:1 301:2 900:7 901:1 | 0+256 256+256 768+232");
    ck_assert_str_eq(
        read_page((struct store_read_options){.failures_only = true, .first = 3, .max_rows = 2}),
        "300:1 301:2 | 256+256 ...");
    ck_assert_str_eq(
        read_page((struct store_read_options){.failures_only = true, .first = 302, .n_items = 599}),
        "900:7 | 768+232");
    end();
}

CO_TEST(bodies_are_read_when_they_are_asked_for)
{
    struct store_read_options options = {.n_items = 9, .max_rows = 9, .max_bytes = 1000};
    struct store_page page;

    begin(3, NULL);
    struct store_result results[] = {result_of(0, 0), result_of(1, 0), result_of(2, 0)};
    results[1].body = "hello";
    results[1].body_length = 5;
    results[2].body = "";
    assert_ok(try_commit(results, 3));
    stores_crash();
    assert_ok(store_read(the_store, job->number, &options, &page));
    ck_assert(!page.rows[0].has_body && page.rows[1].has_body && page.rows[2].has_body);
    ck_assert_ptr_null(page.rows[1].body);
    store_page_done(&page);
    options.with_bodies = true;
    assert_ok(store_read(the_store, job->number, &options, &page));
    ck_assert_uint_eq(page.n_rows, 3);
    ck_assert_ptr_null(page.rows[0].body);
    ck_assert_mem_eq(page.rows[1].body, "hello", 5);
    ck_assert_uint_eq(page.rows[1].body_length, 5);
    ck_assert_ptr_nonnull(page.rows[2].body);
    ck_assert_uint_eq(page.rows[2].body_length, 0);
    store_page_done(&page);
    end();
}

CO_TEST(a_job_that_is_not_there_has_no_page)
{
    const struct store_read_options options = {.n_items = 9, .max_rows = 9, .max_bytes = 1000};
    struct store_page page;

    begin(3, NULL);
    ck_assert_int_eq(store_read(the_store, job->number + 1, &options, &page), -ENOENT);
    store_page_done(&page);
    ck_assert_int_eq(store_read_completed(the_store, job->number + 1, 0, 9, 99, false, &page),
                     -ENOENT);
    store_page_done(&page);
    end();
}

/* --- By completion ---------------------------------------------------------------------------- */

CO_TEST(results_are_read_in_order_of_completion)
{
    begin(600, NULL);
    ck_assert_str_eq(read_completed(0, 9), "|");
    commit("300:0 7:3 299:0");
    commit("0:0");
    commit("599:0 1:0");
    stores_crash();
    ck_assert_str_eq(read_completed(0, 9), "300:0 7:3 299:0 0:0 599:0 1:0 | 0+256 256+256 512+88");
    ck_assert_str_eq(read_completed(0, 2), "300:0 7:3 | 0+256 256+256 ...");
    ck_assert_str_eq(read_completed(2, 2), "299:0 0:0 | 0+256 256+256 ...");
    ck_assert_str_eq(read_completed(4, 2), "599:0 1:0 | 0+256 512+88");
    ck_assert_str_eq(read_completed(6, 2), "|");
    end();
}

CO_TEST(a_late_result_changes_nothing_and_leaves_a_gap)
{
    struct store_stats stats;

    begin(9, NULL);
    commit("1:0 2:0");
    commit("3:0 1:5 4:0");
    stores_crash();
    ck_assert_str_eq(read_completed(0, 9), "1:0 2:0 3:0 4:0 | 0+9");
    ck_assert_str_eq(read_completed(3, 9), "4:0 | 0+9");
    ck_assert_str_eq(read_page((struct store_read_options){0}), "1:0 2:0 3:0 4:0 | 0+9");
    commit("2:1");
    store_get_stats(the_store, &stats);
    ck_assert_uint_eq(stats.n_late_results, 1);
    end();
}

/* --- Commits ---------------------------------------------------------------------------------- */

CO_TEST(equal_shapes_are_kept_once)
{
    struct store_read_options options = {.n_items = 9, .max_rows = 9, .max_bytes = 1000};
    struct store_page page;

    begin(3, NULL);
    struct store_result results[] = {result_of(0, 0), result_of(1, 0), result_of(2, 0)};
    results[0].shape = results[1].shape = NULL;
    results[0].shape_of = results[1].shape_of = 2;
    assert_ok(try_commit(results, 3));
    assert_ok(store_read(the_store, job->number, &options, &page));
    ck_assert_mem_eq(page.rows[0].shape, "shape", 5);
    ck_assert_ptr_eq(page.rows[1].shape, page.rows[0].shape);
    store_page_done(&page);
    end();
}

CO_TEST(results_of_many_jobs_are_one_commit)
{
    struct store_result results[8];
    struct job_record *jobs[4];
    struct store_job_change changes[4];

    begin(1, NULL);
    for (size_t i = 0; i < 4; i++) {
        jobs[i] = stores_accept(2, NULL);
        changes[i] = (struct store_job_change){.record = jobs[i], .first_seq = 1};
    }
    for (size_t i = 0; i < 8; i++) {
        results[i] = result_of(1 - (uint32_t)i / 4, 0);
        results[i].job = jobs[i % 4]->number;
    }
    assert_ok(store_commit(
        the_store, &(struct store_commit){
                       .results = results, .n_results = 8, .changes = changes, .n_changes = 4}));
    for (size_t i = 0; i < 4; i++) {
        int64_t own = job->number;
        job->number = jobs[i]->number;
        ck_assert_str_eq(read_completed(0, 9), "1:0 0:0 | 0+2");
        job->number = own;
        job_record_unref(jobs[i]);
    }
    end();
}

CO_TEST(a_record_is_what_was_last_committed_of_it)
{
    struct buffer tally;

    begin(2, NULL);
    job->status = JOB_DONE;
    job->rest = REST_DEADLINE;
    job->version = 9;
    job->started_at = job->created_at + 1;
    job->ended_at = job->created_at + 2;
    job->expires_at = job->created_at + 3;
    job->tally.n_finished = 1;
    job->tally.n_outcomes[OUTCOME_SUCCESS] = 1;
    buffer_init(&tally, 65536);
    assert_ok(tally_encode(&job->tally, &tally));
    const struct store_job_change with_tally = {
        .record = job, .tally = tally.data, .tally_length = tally.len};
    const struct store_job_change without = {.record = job};
    assert_ok(
        store_commit(the_store, &(struct store_commit){.changes = &with_tally, .n_changes = 1}));
    assert_ok(store_commit(the_store, &(struct store_commit){.changes = &without, .n_changes = 1}));
    buffer_done(&tally);
    stores_crash();
    struct job_record *found;
    assert_ok(store_find_number(the_store, job->number, &found));
    ck_assert_int_eq(found->status, JOB_DONE);
    ck_assert_int_eq(found->rest, REST_DEADLINE);
    ck_assert_uint_eq(found->version, 9);
    ck_assert_int_eq(found->started_at, job->started_at);
    ck_assert_int_eq(found->ended_at, job->ended_at);
    ck_assert_int_eq(found->expires_at, job->expires_at);
    ck_assert_uint_eq(found->tally.n_items, 2);
    ck_assert_uint_eq(found->tally.n_finished, 1);
    job_record_unref(found);
    end();
}

CO_TEST(what_is_of_a_forgotten_job_is_left_out)
{
    struct store_stats stats;

    begin(2, NULL);
    assert_ok(store_forget(the_store, job->number));
    commit("0:0 1:0");
    store_get_stats(the_store, &stats);
    ck_assert_uint_eq(stats.n_results, 0);
    ck_assert_uint_eq(stats.n_late_results, 0);
    end();
}

CO_TEST(without_memory_nothing_is_committed_or_read)
{
    const struct store_read_options options = {.n_items = 9, .max_rows = 9, .max_bytes = 1000};
    struct store_page page;

    begin(9, NULL);
    commit("8:0");
    for (size_t n = 1;; n++) {
        const struct store_result results[] = {result_of(0, 0), result_of(1, 3)};
        size_t before = fault_live();
        fault_arm(n);
        int rc = try_commit(results, 2);
        bool failed = fault_disarm();
        ck_assert_uint_eq(fault_live(), before);
        if (!failed)
            break;
        ck_assert(rc == 0 || rc == -ENOMEM);
    }
    for (size_t n = 1;; n++) {
        size_t before = fault_live();
        fault_arm(n);
        int rc = store_read(the_store, job->number, &options, &page);
        bool failed = fault_disarm();
        if (rc == 0)
            ck_assert_uint_eq(page.n_rows, 3);
        store_page_done(&page);
        ck_assert_uint_eq(fault_live(), before);
        if (!failed)
            break;
        ck_assert(rc == 0 || rc == -ENOMEM);
    }
    end();
}

Suite *suite_sqlite_read(void);

Suite *suite_sqlite_read(void)
{
    Suite *suite = suite_create("daemon/store/sqlite_read");
    TCase *tcase = tcase_create("all");

    tcase_add_test(tcase, results_are_read_by_index_with_all_chunks);
    tcase_add_test(tcase, a_page_ends_at_its_number_of_rows);
    tcase_add_test(tcase, a_page_ends_at_its_number_of_bytes_but_has_one_row);
    tcase_add_test(tcase, a_page_ends_at_its_number_of_bytes_also_where_there_are_no_rows);
    tcase_add_test(tcase, a_page_says_how_far_it_tells);
    tcase_add_test(tcase, rows_of_one_outcome_come_with_their_chunks);
    tcase_add_test(tcase, failures_of_all_kinds_come_in_order);
    tcase_add_test(tcase, bodies_are_read_when_they_are_asked_for);
    tcase_add_test(tcase, a_job_that_is_not_there_has_no_page);
    tcase_add_test(tcase, results_are_read_in_order_of_completion);
    tcase_add_test(tcase, a_late_result_changes_nothing_and_leaves_a_gap);
    tcase_add_test(tcase, equal_shapes_are_kept_once);
    tcase_add_test(tcase, results_of_many_jobs_are_one_commit);
    tcase_add_test(tcase, a_record_is_what_was_last_committed_of_it);
    tcase_add_test(tcase, what_is_of_a_forgotten_job_is_left_out);
    tcase_add_test(tcase, without_memory_nothing_is_committed_or_read);
    suite_add_tcase(suite, tcase);
    return suite;
}
