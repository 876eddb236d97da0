#include "daemon/api/result_page.h"

#include <check.h>
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/model/result_codec.h"

#include "tests/support/fault.h"
#include "tests/support/random.h"
#include "tests/support/results.h"
#include "tests/support/runtime.h"
#include "tests/support/scale.h"
#include "tests/support/stores.h"

enum { MAX_ITEMS = 700, MAX_PAGES = 5000 };

#define NO_RESULT N_OUTCOMES

static const struct parse_settings settings = {
    .max_items = MAX_ITEMS,
    .max_arena_bytes = 1 << 24,
    .json_room = 1 << 24,
    .max_capture_bytes = 1 << 20,
    .max_redirects = 10,
    .max_attempts = 10,
    .defaults = {.method = "GET", .capture_body = true, .capture_max_bytes = 1 << 24},
};

/* What the store must know. */
static struct job_record *job;
static enum outcome outcomes[MAX_ITEMS]; /* NO_RESULT: none yet */
static uint32_t order[MAX_ITEMS];        /* in which they came */
static uint64_t n_done;

/* Results that are to be committed together. */
static struct {
    struct store_result results[64];
    size_t n_results;
    struct arena arena;
} group;

static void begin(uint32_t n_items)
{
    stores_open();
    job = stores_accept(n_items, NULL);
    tally_init(&job->tally, n_items);
    arena_init(&group.arena, 1 << 24);
    n_done = 0;
    for (uint32_t i = 0; i < n_items; i++)
        outcomes[i] = NO_RESULT;
}

static void end(void)
{
    job_record_unref(job);
    stores_close();
}

/* --- Results ---------------------------------------------------------------------------------- */

static void commit_group(void)
{
    const struct store_job_change change = {.record = job,
                                            .first_seq = n_done - group.n_results + 1};
    const struct store_commit commit = {
        .results = group.results, .n_results = group.n_results, .changes = &change, .n_changes = 1};

    assert_ok(store_commit(the_store, &commit));
    arena_done(&group.arena);
    group.n_results = 0;
}

static char *keep(const struct buffer *bytes)
{
    return arena_copy(&group.arena, bytes->data, bytes->len);
}

static void add_row(uint32_t index, enum outcome outcome, const struct buffer *shape,
                    const struct buffer *row, const char *body)
{
    if (group.n_results == sizeof(group.results) / sizeof(group.results[0]))
        commit_group();
    group.results[group.n_results++] = (struct store_result){
        .job = job->number,
        .index = index,
        .shape_of = index,
        .outcome = (uint8_t)outcome,
        .shape = keep(shape),
        .shape_length = (uint32_t)shape->len,
        .row = keep(row),
        .row_length = (uint32_t)row->len,
        .body = body,
        .body_length = body != NULL ? strlen(body) : 0,
    };
    outcomes[index] = outcome;
    order[n_done++] = index;
    job->tally.n_finished++;
    job->tally.n_outcomes[outcome]++;
}

static void finish(uint32_t index, enum outcome outcome, const char *body)
{
    struct buffer shape, row;
    struct arena arena;
    struct result result;

    buffer_init(&shape, 1 << 20);
    buffer_init(&row, 1 << 20);
    arena_init(&arena, 1 << 20);
    results_usual(index, &arena, &result);
    result.outcome = outcome;
    assert_ok(result_encode(&result, n_done + 1, job->created_at, &shape, &row));
    add_row(index, outcome, &shape, &row, body);
    arena_done(&arena);
    buffer_done(&row);
    buffer_done(&shape);
}

/* Mostly successes; some items have no result yet. */
static void finish_some(struct random *random, uint32_t n_items)
{
    for (uint32_t n = n_items; n > 0; n--) {
        uint32_t index = random_below(random, n_items);
        bool is_success = random_below(random, 4) > 0;
        if (outcomes[index] == NO_RESULT)
            finish(index,
                   is_success ? OUTCOME_SUCCESS : (enum outcome)random_below(random, N_OUTCOMES),
                   NULL);
        if (random_below(random, 40) == 0)
            commit_group();
    }
    commit_group();
}

static void cancel(void)
{
    job->status = JOB_CANCELED;
    job->rest = REST_CANCELED;
    job->ended_at = job->created_at + 1000000;
}

/* --- Pages ------------------------------------------------------------------------------------ */

struct shown {
    json_t *data;
    struct result_cursor next;
    bool more;
};

static int try_page(const struct result_query *query, struct buffer *out, struct shown *ret_shown)
{
    CO_CLEANUP(result_view_done) struct result_view view;
    struct json_writer w;
    int rc = result_view_init(the_store, &settings, job, &view);

    if (rc < 0)
        return rc;
    jw_init(&w, out);
    jw_array_begin(&w);
    rc = result_page_write(the_store, &view, query, &w, &ret_shown->next, &ret_shown->more);
    jw_array_end(&w);
    return rc < 0 ? rc : jw_finish(&w);
}

static struct shown page(const struct result_query *query)
{
    struct shown shown;
    struct buffer out;

    buffer_init(&out, 1 << 26);
    assert_ok(try_page(query, &out, &shown));
    shown.data = json_loadb(out.data, out.len, JSON_REJECT_DUPLICATES, NULL);
    ck_assert_ptr_nonnull(shown.data);
    ck_assert_uint_le(json_array_size(shown.data), query->limit);
    buffer_done(&out);
    return shown;
}

static const char *text_at(const json_t *result, const char *name)
{
    return json_string_value(json_object_get(result, name));
}

static uint32_t index_of(const json_t *result)
{
    return (uint32_t)json_integer_value(json_object_get(result, "index"));
}

static void expect_shown(const json_t *result)
{
    uint32_t index = index_of(result);
    enum outcome outcome = outcomes[index];
    char url[64];

    stores_line(&(struct test_job){0}, index, url, sizeof(url));
    if (outcome == NO_RESULT && job->rest == REST_NONE) {
        ck_assert_str_eq(text_at(result, "state"), "pending");
        return;
    }
    ck_assert_str_eq(text_at(json_object_get(result, "request"), "url"), url);
    ck_assert_str_eq(text_at(result, "outcome"),
                     outcome_name(outcome == NO_RESULT ? OUTCOME_SKIPPED : outcome));
}

/* Whether an item belongs to what was asked for. */
static bool is_wanted(const struct result_query *query, uint32_t index)
{
    enum outcome outcome = outcomes[index];

    if (outcome == NO_RESULT && job->rest == REST_NONE)
        return !query->by_outcome && !query->as_completed;
    if (outcome == NO_RESULT)
        outcome = OUTCOME_SKIPPED;
    return !query->by_outcome || query->outcome == outcome;
}

/* The items that were asked for, in order. returns how many */
static size_t expected_items(const struct result_query *query, uint32_t n_items, uint32_t *items)
{
    size_t n = 0;

    for (uint64_t i = 0; query->as_completed && i < n_done; i++)
        if (is_wanted(query, order[i]))
            items[n++] = order[i];
    for (uint32_t i = 0; i < n_items; i++)
        if ((!query->as_completed || outcomes[i] == NO_RESULT) && is_wanted(query, i))
            items[n++] = i;
    return n;
}

/* Reads all pages. */
static void expect_pages(struct result_query query, uint32_t n_items)
{
    uint32_t items[MAX_ITEMS];
    size_t n_expected = expected_items(&query, n_items, items), n = 0;

    for (int i = 0; i < MAX_PAGES; i++) {
        struct shown shown = page(&query);
        for (size_t at = 0; at < json_array_size(shown.data); at++, n++) {
            const json_t *result = json_array_get(shown.data, at);
            ck_assert_uint_lt(n, n_expected);
            ck_assert_uint_eq(index_of(result), items[n]);
            expect_shown(result);
        }
        json_decref(shown.data);
        query.from = shown.next;
        if (!shown.more) {
            ck_assert_uint_eq(n, n_expected);
            return;
        }
    }
    ck_abort_msg("there is no end of pages");
}

static void expect_any_pages(struct random *random, uint32_t n_items)
{
    uint32_t least = n_items > 100 ? 60 : 1; /* so that there are some pages, but not too many */

    for (int i = 0; i < 12; i++)
        expect_pages(
            (struct result_query){
                .limit = least + random_below(random, i % 3 == 0 ? 900 : 90),
                .as_completed = random_below(random, 2) == 0,
                .by_outcome = random_below(random, 2) == 0,
                .outcome = (enum outcome)random_below(random, N_OUTCOMES),
            },
            n_items);
}

CO_TEST(pages_have_every_result_once_and_in_order)
{
    struct random random = {(uint64_t)_i};
    uint32_t n_items = 1 + random_below(&random, _i % 2 == 0 ? MAX_ITEMS : 40);

    begin(n_items);
    expect_any_pages(&random, n_items);
    finish_some(&random, n_items);
    expect_any_pages(&random, n_items);
    cancel();
    expect_any_pages(&random, n_items);
    end();
}

CO_TEST(who_follows_gets_every_result_once)
{
    struct random random = {(uint64_t)_i};
    struct result_query query = {.limit = 7, .as_completed = true};
    uint64_t n = 0;

    begin(100);
    while (n < n_done || n_done < 80) {
        if (n_done < 80)
            finish_some(&random, 100);
        struct shown shown = page(&query);
        for (size_t at = 0; at < json_array_size(shown.data); at++, n++)
            ck_assert_uint_eq(index_of(json_array_get(shown.data, at)), order[n]);
        ck_assert_int_eq(shown.more, n < n_done);
        json_decref(shown.data);
        query.from = shown.next;
    }
    end();
}

CO_TEST(page_of_large_bodies_ends_early)
{
    size_t length = 3 << 20;
    char *body = calloc(1, length + 1);
    struct result_query query = {.limit = 100};

    memset(body, 'x', length);
    begin(4);
    for (uint32_t i = 0; i < 4; i++)
        finish(i, OUTCOME_SUCCESS, body);
    commit_group();
    free(body);
    struct shown shown = page(&query);
    ck_assert_uint_lt(json_array_size(shown.data), 4);
    ck_assert(shown.more);
    json_decref(shown.data);
    expect_pages(query, 4);
    end();
}

/* --- Damage, and what is gone ----------------------------------------------------------------- */

CO_TEST(damaged_result_is_shown_as_such)
{
    struct buffer shape = {.data = (char[]){"x"}, .len = 1};
    const struct result_query query = {.limit = 10};

    begin(3);
    finish(0, OUTCOME_SUCCESS, NULL);
    add_row(1, OUTCOME_BLOCKED, &shape, &shape, NULL);
    commit_group();
    struct shown shown = page(&query);
    const json_t *damaged = json_array_get(shown.data, 1);
    ck_assert_str_eq(text_at(damaged, "outcome"), "blocked");
    ck_assert_str_eq(text_at(json_object_get(damaged, "error"), "code"), "internal");
    ck_assert_uint_eq(json_array_size(shown.data), 3);
    json_decref(shown.data);
    end();
}

CO_TEST(result_that_an_ended_job_lacks_is_not_pending_for_ever)
{
    const struct result_query query = {.limit = 10};

    begin(1);
    job->status = JOB_DONE;
    job->ended_at = job->created_at;
    struct shown shown = page(&query);
    const json_t *lost = json_array_get(shown.data, 0);
    ck_assert_str_eq(text_at(lost, "state"), "finished");
    ck_assert_str_eq(text_at(json_object_get(lost, "error"), "code"), "internal");
    json_decref(shown.data);
    end();
}

CO_TEST(forgotten_job_has_no_pages)
{
    const struct result_query query = {.limit = 10};
    struct shown shown;
    struct buffer out;

    begin(3);
    buffer_init(&out, 1 << 20);
    assert_ok(store_forget(the_store, job->number));
    ck_assert_int_eq(try_page(&query, &out, &shown), -ENOENT);
    buffer_done(&out);
    end();
}

CO_TEST(without_memory_there_is_no_page)
{
    const struct result_query query = {.limit = 10, .as_completed = _i == 1};
    struct shown shown;
    struct buffer out;

    begin(30);
    for (uint32_t i = 0; i < 20; i++)
        finish(i, OUTCOME_SUCCESS, i == 3 ? "body" : NULL);
    commit_group();
    for (size_t n = 1;; n++) {
        buffer_init(&out, 1 << 20);
        size_t before = fault_live();
        fault_arm(n);
        int rc = try_page(&query, &out, &shown);
        bool has_failed = fault_disarm();
        buffer_done(&out);
        ck_assert_uint_eq(fault_live(), before);
        if (!has_failed)
            break;
        ck_assert_int_eq(rc, -ENOMEM);
    }
    end();
}

Suite *suite_result_page(void);

Suite *suite_result_page(void)
{
    Suite *suite = suite_create("daemon/api/result_page");
    TCase *tcase = tcase_create("all");

    tcase_add_loop_test(tcase, pages_have_every_result_once_and_in_order, 0, 10 / (int)every(5));
    tcase_add_loop_test(tcase, who_follows_gets_every_result_once, 0, 5 / (int)every(5));
    tcase_add_test(tcase, page_of_large_bodies_ends_early);
    tcase_add_test(tcase, damaged_result_is_shown_as_such);
    tcase_add_test(tcase, result_that_an_ended_job_lacks_is_not_pending_for_ever);
    tcase_add_test(tcase, forgotten_job_has_no_pages);
    tcase_add_loop_test(tcase, without_memory_there_is_no_page, 0, 2);
    suite_add_tcase(suite, tcase);
    return suite;
}
