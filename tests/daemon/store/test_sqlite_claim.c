#include "daemon/store/store.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/fault.h"
#include "tests/support/runtime.h"
#include "tests/support/stores.h"

/* The numbers of jobs, by letter: a is the first. */
static int64_t numbers[26];

static void accept_job(char letter, uint32_t n_items, const struct test_job *job)
{
    struct job_record *record = stores_accept(n_items, job);

    numbers[letter - 'a'] = record->number;
    job_record_unref(record);
}

static char letter_of(int64_t number)
{
    for (int i = 0; i < 26; i++)
        if (numbers[i] == number)
            return (char)('a' + i);
    return '?';
}

/* What is claimed, as text: "a0+2 b0+1" are the first two items of a and the first of b; with " x3"
 * behind if it was the third try, and "!" if it was started by somebody. */
static const char *claim_of(size_t max, size_t max_items, const int64_t *busy, size_t n_busy)
{
    static char text[4096];
    struct store_claims claims;
    int length = 0;

    text[0] = '\0';
    assert_ok(store_claim(the_store, max, max_items, busy, n_busy, &claims));
    for (size_t i = 0; i < claims.n_claims; i++) {
        const struct store_claim *claim = &claims.claims[i];
        length += sprintf(text + length, "%s%c%u+%u", i > 0 ? " " : "", letter_of(claim->job),
                          claim->first, claim->n_items);
        if (claim->n_tries > 1)
            length += sprintf(text + length, "x%u", claim->n_tries);
        if (claim->was_started)
            length += sprintf(text + length, "!");
    }
    store_claims_done(&claims);
    return text;
}

static const char *claim_but(size_t max, const int64_t *busy, size_t n_busy)
{
    return claim_of(max, SIZE_MAX, busy, n_busy);
}

static const char *claim(size_t max)
{
    return claim_but(max, NULL, 0);
}

/* Commits results of items, and the end of a chunk, if it has a first item. */
static void commit(char letter, uint32_t first, uint32_t n_items, int64_t ended)
{
    struct store_result results[8];
    const struct store_chunk_end end = {.job = numbers[letter - 'a'], .first = (uint32_t)ended};
    const struct store_commit commit = {
        .results = results, .n_results = n_items, .ended = &end, .n_ended = ended >= 0};

    for (uint32_t i = 0; i < n_items; i++)
        results[i] = (struct store_result){
            .job = numbers[letter - 'a'],
            .index = first + i,
            .shape_of = first,
            .shape = i == 0 ? "shape" : NULL,
            .shape_length = i == 0 ? 5 : 0,
            .row = "row",
            .row_length = 3,
        };
    assert_ok(store_commit(the_store, &commit));
}

static void commit_end_of_job(char letter)
{
    struct job_record *record;

    assert_ok(store_find_number(the_store, numbers[letter - 'a'], &record));
    record->status = JOB_CANCELED;
    record->ended_at = record->created_at + 1;
    record->rest = REST_CANCELED;
    const struct store_job_change change = {.record = record, .drops_chunks = true};
    assert_ok(store_commit(the_store, &(struct store_commit){.changes = &change, .n_changes = 1}));
    job_record_unref(record);
}

/* --- Order ------------------------------------------------------------------------------------ */

CO_TEST(chunks_are_claimed_once_and_in_order)
{
    const struct test_job pairs = {.chunk_items = 2};

    stores_open();
    accept_job('a', 5, &pairs);
    ck_assert_str_eq(claim(2), "a0+2 a2+2");
    ck_assert_str_eq(claim(9), "a4+1");
    ck_assert_str_eq(claim(9), "");
    stores_close();
}

CO_TEST(no_chunk_is_claimed_after_one_with_which_there_are_enough_items)
{
    const struct test_job pairs = {.chunk_items = 2};

    stores_open();
    accept_job('a', 10, &pairs);
    ck_assert_str_eq(claim_of(9, 1, NULL, 0), "a0+2");
    ck_assert_str_eq(claim_of(9, 3, NULL, 0), "a2+2 a4+2");
    ck_assert_str_eq(claim_of(9, 4, NULL, 0), "a6+2 a8+2");
    stores_close();
}

CO_TEST(a_small_job_does_not_wait_behind_a_big_one)
{
    const struct test_job singles = {.chunk_items = 1};

    stores_open();
    accept_job('a', 100, &singles);
    ck_assert_str_eq(claim(3), "a0+1 a1+1 a2+1");
    accept_job('b', 2, &singles);
    ck_assert_str_eq(claim(4), "a3+1 b0+1 a4+1 b1+1");
    ck_assert_str_eq(claim(2), "a5+1 a6+1");
    stores_close();
}

CO_TEST(a_heavier_job_has_more_turns)
{
    const struct test_job light = {.chunk_items = 1}, heavy = {.chunk_items = 1, .weight = 3};

    stores_open();
    accept_job('a', 10, &light);
    accept_job('b', 10, &heavy);
    ck_assert_str_eq(claim(8), "a0+1 b0+1 b1+1 b2+1 b3+1 a1+1 b4+1 b5+1");
    stores_close();
}

CO_TEST(busy_jobs_are_left_out_and_lose_nothing)
{
    const struct test_job singles = {.chunk_items = 1};

    stores_open();
    accept_job('a', 3, &singles);
    accept_job('b', 3, &singles);
    accept_job('c', 3, &singles);
    const int64_t busy[] = {numbers[0], numbers[2]};
    ck_assert_str_eq(claim_but(2, busy, 2), "b0+1 b1+1");
    ck_assert_str_eq(claim(9), "a0+1 c0+1 a1+1 c1+1 a2+1 b2+1 c2+1");
    stores_close();
}

/* --- Coming back ------------------------------------------------------------------------------ */

CO_TEST(after_a_crash_what_was_claimed_is_claimed_again)
{
    const struct test_job pairs = {.chunk_items = 2};

    stores_open();
    accept_job('a', 6, &pairs);
    accept_job('b', 2, &pairs);
    ck_assert_str_eq(claim(3), "a0+2 b0+2 a2+2");
    stores_crash();
    ck_assert_str_eq(claim(9), "a0+2x2 b0+2x2 a2+2x2 a4+2");
    stores_close();
}

CO_TEST(what_has_ended_is_not_claimed_again)
{
    const struct test_job pairs = {.chunk_items = 2};

    stores_open();
    accept_job('a', 4, &pairs);
    ck_assert_str_eq(claim(2), "a0+2 a2+2");
    commit('a', 0, 2, 0);
    stores_crash();
    ck_assert_str_eq(claim(9), "a2+2x2");
    commit('a', 2, 2, 2);
    stores_crash();
    ck_assert_str_eq(claim(9), "");
    stores_close();
}

CO_TEST(a_claim_says_which_items_have_a_result)
{
    struct store_claims claims;

    stores_open();
    accept_job('a', 256, NULL);
    ck_assert_str_eq(claim(1), "a0+256");
    commit('a', 3, 1, -1);
    commit('a', 63, 2, -1);
    commit('a', 255, 1, -1);
    stores_crash();
    assert_ok(store_claim(the_store, 1, SIZE_MAX, NULL, 0, &claims));
    ck_assert_uint_eq(claims.claims[0].has_result[0], UINT64_C(1) << 63 | 1 << 3);
    ck_assert_uint_eq(claims.claims[0].has_result[1], 1);
    ck_assert_uint_eq(claims.claims[0].has_result[2], 0);
    ck_assert_uint_eq(claims.claims[0].has_result[3], UINT64_C(1) << 63);
    store_claims_done(&claims);
    stores_close();
}

CO_TEST(a_clean_stop_is_not_a_try)
{
    const struct test_job pairs = {.chunk_items = 2};

    stores_open();
    accept_job('a', 4, &pairs);
    ck_assert_str_eq(claim(1), "a0+2");
    stores_crash();
    for (int i = 0; i < 10; i++) {
        ck_assert_str_eq(claim(2), "a0+2x2 a2+2");
        assert_ok(store_release(the_store));
        stores_reopen();
    }
    stores_close();
}

CO_TEST(what_a_job_that_has_ended_had_is_nobodys)
{
    const struct test_job pairs = {.chunk_items = 2};

    stores_open();
    accept_job('a', 8, &pairs);
    accept_job('b', 2, &pairs);
    ck_assert_str_eq(claim(1), "a0+2");
    commit_end_of_job('a');
    ck_assert_int_eq(store_start(the_store, numbers[0], 0), -ENOENT);
    assert_ok(store_release(the_store));
    ck_assert_str_eq(claim(9), "b0+2");
    stores_crash();
    ck_assert_str_eq(claim(9), "b0+2x2");
    stores_close();
}

/* --- Unsafe requests -------------------------------------------------------------------------- */

CO_TEST(who_claims_after_a_crash_learns_what_may_have_been_sent)
{
    const struct test_job pairs = {.chunk_items = 2, .is_unsafe = true};

    stores_open();
    accept_job('a', 4, &pairs);
    ck_assert_str_eq(claim(2), "a0+2 a2+2");
    assert_ok(store_start(the_store, numbers[0], 2));
    ck_assert_int_eq(store_start(the_store, numbers[0], 4), -ENOENT);
    stores_crash();
    ck_assert_str_eq(claim(2), "a0+2x2 a2+2x2!");
    /* Also if that one dies, or stops, before it has said what became of them. */
    assert_ok(store_release(the_store));
    ck_assert_str_eq(claim(2), "a0+2x2 a2+2x2!");
    assert_ok(store_start(the_store, numbers[0], 2));
    assert_ok(store_release(the_store));
    ck_assert_str_eq(claim(2), "a0+2x2 a2+2x2!");
    stores_crash();
    ck_assert_str_eq(claim(2), "a0+2x3 a2+2x3!");
    stores_close();
}

CO_TEST(what_was_started_and_released_was_not_sent)
{
    const struct test_job pairs = {.chunk_items = 2, .is_unsafe = true};

    stores_open();
    accept_job('a', 2, &pairs);
    ck_assert_str_eq(claim(1), "a0+2");
    assert_ok(store_start(the_store, numbers[0], 0));
    assert_ok(store_release(the_store));
    ck_assert_str_eq(claim(1), "a0+2");
    stores_close();
}

CO_TEST(what_may_have_been_sent_is_claimed_whatever_its_turn)
{
    const struct test_job pairs = {.chunk_items = 2, .is_unsafe = true};
    struct store_claims claims;

    stores_open();
    accept_job('a', 6, &pairs);
    ck_assert_str_eq(claim(2), "a0+2 a2+2");
    assert_ok(store_start(the_store, numbers[0], 2));
    stores_crash();
    assert_ok(store_claim_started(the_store, numbers[0], 9, &claims));
    ck_assert_uint_eq(claims.n_claims, 1);
    ck_assert_uint_eq(claims.claims[0].first, 2);
    ck_assert(claims.claims[0].was_started);
    store_claims_done(&claims);
    assert_ok(store_claim_started(the_store, numbers[0], 9, &claims));
    ck_assert_uint_eq(claims.n_claims, 0);
    store_claims_done(&claims);
    ck_assert_str_eq(claim(9), "a0+2x2 a4+2");
    stores_close();
}

CO_TEST(nothing_was_started_of_a_job_that_is_forgotten)
{
    struct store_claims claims;

    stores_open();
    accept_job('a', 2, NULL);
    assert_ok(store_forget(the_store, numbers[0]));
    assert_ok(store_claim_started(the_store, numbers[0], 9, &claims));
    ck_assert_uint_eq(claims.n_claims, 0);
    store_claims_done(&claims);
    ck_assert_int_eq(store_health(the_store), STORE_OK);
    stores_close();
}

/* --- Chunks that come to nothing -------------------------------------------------------------- */

static void die_of(const char *claimed)
{
    ck_assert_str_eq(claim(9), claimed);
    stores_crash();
}

CO_TEST(a_chunk_that_comes_to_nothing_is_claimed_item_by_item)
{
    stores_open();
    accept_job('a', 3, NULL);
    die_of("a0+3");
    die_of("a0+3x2");
    die_of("a0+3x3");
    die_of("a0+1x4");
    die_of("a0+1x5");
    die_of("a0+1x6");
    ck_assert_str_eq(claim(9), "a0+1x7"); /* who claims it gives it up */
    ck_assert_str_eq(claim(9), "");
    commit('a', 0, 1, 0);
    ck_assert_str_eq(claim(9), "a1+1x4");
    commit('a', 1, 1, 1);
    ck_assert_str_eq(claim(9), "a2+1x4");
    commit('a', 2, 1, 2);
    ck_assert_str_eq(claim(9), "");
    stores_crash();
    ck_assert_str_eq(claim(9), "");
    stores_close();
}

CO_TEST(results_in_between_begin_the_count_anew)
{
    stores_open();
    accept_job('a', 10, NULL);
    die_of("a0+10");
    die_of("a0+10x2");
    ck_assert_str_eq(claim(9), "a0+10x3");
    commit('a', 4, 1, -1);
    stores_crash();
    die_of("a0+10");
    die_of("a0+10x2");
    die_of("a0+10x3");
    /* Item 4 has its result. */
    const char *const singles[] = {"a0+1x4", "a1+1x4", "a2+1x4", "a3+1x4", "a5+1x4"};
    for (size_t i = 0; i < 5; i++) {
        uint32_t item = (uint32_t)(i < 4 ? i : 5);
        ck_assert_str_eq(claim(9), singles[i]);
        commit('a', item, 1, item);
    }
    stores_close();
}

CO_TEST(one_single_is_claimed_at_a_time_and_others_go_on_beside_it)
{
    const struct test_job pairs = {.chunk_items = 2};

    stores_open();
    accept_job('a', 4, &pairs);
    for (int i = 0; i < 3; i++)
        (void)claim(2), stores_crash();
    accept_job('b', 4, &pairs);
    ck_assert_str_eq(claim(9), "b0+2 b2+2 a0+1x4");
    ck_assert_str_eq(claim(9), "");
    const int64_t busy[] = {numbers[0]};
    commit('a', 0, 1, 0);
    ck_assert_str_eq(claim_but(9, busy, 1), "");
    ck_assert_str_eq(claim(9), "a1+1x4");
    assert_ok(store_release(the_store));
    ck_assert_str_eq(claim(1), "a1+1x4");
    ck_assert_str_eq(claim(9), "b0+2 b2+2");
    stores_close();
}

CO_TEST(a_single_has_the_lines_of_its_chunk_and_what_is_known_of_it)
{
    const struct test_job unsafe = {.is_unsafe = true};
    struct store_claims claims;

    stores_open();
    accept_job('a', 3, &unsafe);
    ck_assert_str_eq(claim(9), "a0+3");
    assert_ok(store_start(the_store, numbers[0], 0));
    stores_crash();
    die_of("a0+3x2!");
    die_of("a0+3x3!");
    assert_ok(store_claim(the_store, 9, SIZE_MAX, NULL, 0, &claims));
    ck_assert_uint_eq(claims.n_claims, 1);
    ck_assert(claims.claims[0].was_started);
    ck_assert_uint_eq(claims.claims[0].chunk.n_items, 3);
    ck_assert(claims.claims[0].chunk.is_unsafe);
    ck_assert_uint_eq(claims.claims[0].chunk.length, 3 * 10 + 2);
    store_claims_done(&claims);
    stores_close();
}

/* --- Trouble ---------------------------------------------------------------------------------- */

CO_TEST(without_memory_nothing_is_claimed)
{
    struct store_claims claims;

    stores_open();
    accept_job('a', 300, NULL);
    for (size_t n = 1;; n++) {
        size_t before = fault_live();
        fault_arm(n);
        int rc = store_claim(the_store, 2, SIZE_MAX, NULL, 0, &claims);
        if (!fault_disarm())
            break;
        if (rc == 0)
            ck_assert_uint_eq(claims.n_claims, 2);
        store_claims_done(&claims);
        ck_assert_uint_eq(fault_live(), before);
        if (rc == 0)
            assert_ok(store_release(the_store));
        else
            ck_assert_int_eq(rc, -ENOMEM);
    }
    ck_assert_uint_eq(claims.n_claims, 2);
    ck_assert_uint_eq(claims.claims[1].n_tries, 1);
    store_claims_done(&claims);
    stores_close();
}

Suite *suite_sqlite_claim(void);

Suite *suite_sqlite_claim(void)
{
    Suite *suite = suite_create("daemon/store/sqlite_claim");
    TCase *tcase = tcase_create("all");

    tcase_add_test(tcase, chunks_are_claimed_once_and_in_order);
    tcase_add_test(tcase, no_chunk_is_claimed_after_one_with_which_there_are_enough_items);
    tcase_add_test(tcase, a_small_job_does_not_wait_behind_a_big_one);
    tcase_add_test(tcase, a_heavier_job_has_more_turns);
    tcase_add_test(tcase, busy_jobs_are_left_out_and_lose_nothing);
    tcase_add_test(tcase, after_a_crash_what_was_claimed_is_claimed_again);
    tcase_add_test(tcase, what_has_ended_is_not_claimed_again);
    tcase_add_test(tcase, a_claim_says_which_items_have_a_result);
    tcase_add_test(tcase, a_clean_stop_is_not_a_try);
    tcase_add_test(tcase, what_a_job_that_has_ended_had_is_nobodys);
    tcase_add_test(tcase, who_claims_after_a_crash_learns_what_may_have_been_sent);
    tcase_add_test(tcase, what_was_started_and_released_was_not_sent);
    tcase_add_test(tcase, what_may_have_been_sent_is_claimed_whatever_its_turn);
    tcase_add_test(tcase, nothing_was_started_of_a_job_that_is_forgotten);
    tcase_add_test(tcase, a_chunk_that_comes_to_nothing_is_claimed_item_by_item);
    tcase_add_test(tcase, results_in_between_begin_the_count_anew);
    tcase_add_test(tcase, one_single_is_claimed_at_a_time_and_others_go_on_beside_it);
    tcase_add_test(tcase, a_single_has_the_lines_of_its_chunk_and_what_is_known_of_it);
    tcase_add_test(tcase, without_memory_nothing_is_claimed);
    suite_add_tcase(suite, tcase);
    return suite;
}
