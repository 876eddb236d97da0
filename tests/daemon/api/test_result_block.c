#include "daemon/api/result_block.h"

#include <check.h>
#include <errno.h>
#include <string.h>

#include "daemon/model/result_codec.h"

#include "tests/support/fault.h"
#include "tests/support/results.h"
#include "tests/support/runtime.h"
#include "tests/support/stores.h"

enum { N_ITEMS = 500 };

static const struct parse_settings settings = {
    .max_items = N_ITEMS,
    .max_arena_bytes = 1 << 24,
    .json_room = 1 << 24,
    .max_capture_bytes = 1 << 20,
    .max_redirects = 10,
    .max_attempts = 10,
    .defaults = {.method = "GET"},
};

static struct job_record *job;
static struct result_blocks blocks;
static struct result_block_source source;

static void begin(void)
{
    stores_open();
    job = stores_accept(N_ITEMS, NULL);
    tally_init(&job->tally, N_ITEMS);
    blocks = (struct result_blocks){.n_uses = 0};
    source = (struct result_block_source){.store = the_store, .parse = &settings};
}

static void end(void)
{
    result_blocks_done(&blocks);
    job_record_unref(job);
    stores_close();
}

/* Commits the result of the next item. */
static void finish_one(void)
{
    uint32_t index = (uint32_t)job->tally.n_finished;
    struct buffer shape, row;
    struct arena arena;
    struct result result;

    buffer_init(&shape, 1 << 20);
    buffer_init(&row, 1 << 20);
    arena_init(&arena, 1 << 20);
    results_usual(index, &arena, &result);
    assert_ok(result_encode(&result, index + 1, job->created_at, &shape, &row));
    const struct store_result stored = {
        .job = job->number,
        .index = index,
        .shape_of = index,
        .outcome = (uint8_t)result.outcome,
        .shape = shape.data,
        .shape_length = (uint32_t)shape.len,
        .row = row.data,
        .row_length = (uint32_t)row.len,
    };
    const struct store_job_change change = {.record = job, .first_seq = index + 1};
    const struct store_commit commit = {
        .results = &stored, .n_results = 1, .changes = &change, .n_changes = 1};
    assert_ok(store_commit(the_store, &commit));
    job->tally.n_finished++;
    job->tally.n_outcomes[result.outcome]++;
    arena_done(&arena);
    buffer_done(&row);
    buffer_done(&shape);
}

static void finish(unsigned n)
{
    while (n-- > 0)
        finish_one();
}

static struct result_block_key key_from(enum result_frame frame, uint64_t after)
{
    return (struct result_block_key){
        .job = job->number,
        .frame = frame,
        .from = {.next = after},
    };
}

static struct result_block *get(enum result_frame frame, uint64_t after)
{
    const struct result_block_key key = key_from(frame, after);
    struct result_block *block;

    assert_ok(result_blocks_get(&blocks, &source, job, &key, &block));
    return block;
}

static size_t count(const struct result_block *block, const char *what)
{
    const char *at = block->bytes.data;
    const char *end = at + block->bytes.len;
    size_t n = 0;

    while (at != NULL && (at = memmem(at, (size_t)(end - at), what, strlen(what))) != NULL) {
        at += strlen(what);
        n++;
    }
    return n;
}

/* --- Sharing ---------------------------------------------------------------------------------- */

CO_TEST(same_block_is_made_once)
{
    begin();
    finish(3);
    struct result_block *first = get(FRAME_LINES, 0);
    struct result_block *second = get(FRAME_LINES, 0);
    struct result_block *other = get(FRAME_EVENTS, 0);
    ck_assert_ptr_eq(first, second);
    ck_assert_ptr_ne(first, other);
    ck_assert_uint_eq(count(first, "\n"), 3);
    ck_assert_uint_eq(count(other, "event: result\n"), 3);
    ck_assert_uint_eq(count(other, "id: 3\n"), 1);
    result_block_unref(first);
    result_block_unref(second);
    result_block_unref(other);
    end();
}

static struct result_block *got[100];

static int get_one(void *arg, void **result)
{
    const struct result_block_key key = key_from(FRAME_LINES, 0);

    (void)result;
    return result_blocks_get(&blocks, &source, job, &key, arg);
}

CO_TEST(who_comes_while_a_block_is_made_waits_for_it)
{
    struct co_group all;

    begin();
    finish(3);
    co_group_enter(&all, CO_NEVER);
    for (int i = 0; i < 100; i++)
        assert_ok(co_group_spawn(&all, "reader", get_one, &got[i], NULL));
    assert_ok(co_group_exit(&all, 0));
    ck_assert_uint_eq(got[0]->n_references, 1 + 100);
    for (int i = 0; i < 100; i++)
        result_block_unref(got[i]);
    ck_assert_uint_eq(got[0]->n_references, 1);
    end();
}

CO_TEST(cancelled_maker_leaves_the_making_to_the_next)
{
    struct co_task *maker, *next;
    struct result_block *block = NULL;

    begin();
    finish(3);
    assert_ok(co_create_task("maker", get_one, &got[0], &maker));
    assert_ok(co_create_task("next", get_one, &block, &next));
    assert_ok(co_sleep(0));
    co_cancel(maker, "a test");
    assert_ok(co_task_await(next, NULL));
    co_task_stop(maker, "a test");
    co_task_unref(next);
    ck_assert_uint_eq(count(block, "\n"), 3);
    result_block_unref(block);
    end();
}

/* --- Following -------------------------------------------------------------------------------- */

CO_TEST(block_without_results_counts_for_its_version_only)
{
    begin();
    struct result_block *empty = get(FRAME_LINES, 0);
    ck_assert_uint_eq(empty->bytes.len, 0);
    ck_assert(empty->is_last);
    struct result_block *again = get(FRAME_LINES, 0);
    ck_assert_ptr_eq(again, empty);
    finish(1);
    struct result_block *full = get(FRAME_LINES, 0);
    ck_assert_uint_eq(count(full, "\n"), 1);
    result_block_unref(empty);
    result_block_unref(again);
    result_block_unref(full);
    end();
}

CO_TEST(block_with_results_stays_and_the_next_has_what_came_later)
{
    begin();
    finish(3);
    struct result_block *first = get(FRAME_LINES, 0);
    finish(2);
    struct result_block *same = get(FRAME_LINES, 0);
    struct result_block *next = get(FRAME_LINES, same->next.next);
    ck_assert_ptr_eq(first, same);
    ck_assert_uint_lt(same->version, job_record_version(job));
    ck_assert_uint_eq(count(next, "\n"), 2);
    ck_assert_uint_eq(next->version, job_record_version(job));
    ck_assert(next->is_last);
    result_block_unref(first);
    result_block_unref(same);
    result_block_unref(next);
    end();
}

/* Follows the chain to its end. returns how many results were in it */
static size_t follow(enum result_frame frame)
{
    const char *what = frame == FRAME_LINES ? "\n" : "event: result\n";
    uint64_t after = 0;
    size_t n = 0;

    for (bool is_last = false; !is_last;) {
        struct result_block *block = get(frame, after);
        n += count(block, what);
        ck_assert_uint_le(block->bytes.len, 2 * RESULT_BLOCK_BYTES);
        after = block->next.next;
        is_last = block->is_last && block->version == job_record_version(job);
        result_block_unref(block);
    }
    return n;
}

CO_TEST(chain_of_blocks_has_every_result_once)
{
    begin();
    finish(N_ITEMS / 2);
    ck_assert_uint_eq(follow(FRAME_LINES), N_ITEMS / 2);
    finish(N_ITEMS / 2);
    ck_assert_uint_eq(follow(FRAME_LINES), N_ITEMS);
    ck_assert_uint_eq(follow(FRAME_EVENTS), N_ITEMS);
    end();
}

CO_TEST(block_lives_as_long_as_it_is_used)
{
    begin();
    finish(RESULT_BLOCKS_KEPT + 10);
    struct result_block *first = get(FRAME_LINES, 0);
    for (uint64_t after = 1; after < RESULT_BLOCKS_KEPT + 5; after++)
        result_block_unref(get(FRAME_LINES, after));
    struct result_block *again = get(FRAME_LINES, 0);
    ck_assert_ptr_ne(first, again);
    ck_assert_uint_eq(first->bytes.len, again->bytes.len);
    ck_assert_int_eq(memcmp(first->bytes.data, again->bytes.data, again->bytes.len), 0);
    result_block_unref(first);
    result_block_unref(again);
    end();
}

/* --- Failures --------------------------------------------------------------------------------- */

CO_TEST(forgotten_job_has_no_blocks)
{
    const struct result_block_key key = {.frame = FRAME_LINES};
    struct result_block *block;

    begin();
    finish(1);
    assert_ok(store_forget(the_store, job->number));
    ck_assert_int_eq(result_blocks_get(&blocks, &source, job, &key, &block), -ENOENT);
    end();
}

CO_TEST(failing_allocation_is_reported_and_forgotten)
{
    begin();
    finish(3);
    for (size_t n = 1;; n++) {
        const struct result_block_key key = key_from(FRAME_EVENTS, 0);
        struct result_block *block = NULL;
        fault_arm(n);
        int rc = result_blocks_get(&blocks, &source, job, &key, &block);
        bool has_failed = fault_disarm();
        ck_assert(rc == 0 || rc == -ENOMEM);
        if (rc == 0) {
            ck_assert_uint_eq(count(block, "event: result\n"), 3);
            result_block_unref(block);
        }
        if (!has_failed)
            break;
        result_blocks_done(&blocks);
    }
    end();
}

Suite *suite_result_block(void);

Suite *suite_result_block(void)
{
    Suite *suite = suite_create("result_block");
    TCase *tcase = tcase_create("result_block");

    tcase_add_test(tcase, same_block_is_made_once);
    tcase_add_test(tcase, who_comes_while_a_block_is_made_waits_for_it);
    tcase_add_test(tcase, cancelled_maker_leaves_the_making_to_the_next);
    tcase_add_test(tcase, block_without_results_counts_for_its_version_only);
    tcase_add_test(tcase, block_with_results_stays_and_the_next_has_what_came_later);
    tcase_add_test(tcase, chain_of_blocks_has_every_result_once);
    tcase_add_test(tcase, block_lives_as_long_as_it_is_used);
    tcase_add_test(tcase, forgotten_job_has_no_blocks);
    tcase_add_test(tcase, failing_allocation_is_reported_and_forgotten);
    suite_add_tcase(suite, tcase);
    return suite;
}
