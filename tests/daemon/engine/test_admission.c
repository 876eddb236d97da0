#include "daemon/engine/admission.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/fault.h"
#include "tests/support/spec.h"

enum { N_BATCHES = 3, UNLIMITED = 1000 };

static struct admission admission;
static struct admission_batch batches[N_BATCHES];
static struct run_piece pieces[N_BATCHES]; /* of batches that are one piece */
static struct job_spec *specs[N_BATCHES];
static size_t live_before;

static void set_up(void)
{
    live_before = fault_live();
}

static void limit(unsigned max_running, unsigned max_running_per_host)
{
    ck_assert_int_eq(admission_init(&admission, max_running, max_running_per_host), 0);
}

static int add_spec(int batch, const struct job_spec *spec, co_time now)
{
    pieces[batch] = (struct run_piece){.spec = spec, .n_items = (uint32_t)spec->n_items};
    return admission_add(&admission, &batches[batch], &pieces[batch], now);
}

static void add_weighed(int batch, unsigned weight, const char *document)
{
    specs[batch] = spec_of(document);
    specs[batch]->weight = weight;
    ck_assert_int_eq(add_spec(batch, specs[batch], 0), 0);
}

static void add(int batch, const char *document)
{
    add_weighed(batch, 1, document);
}

typedef struct run_piece *pick_fn(struct admission *admission, co_time now, uint32_t *ret_item);

static void expect(pick_fn *pick, co_time now, const char *expected)
{
    char gone[1024] = "";
    struct run_piece *piece;
    uint32_t item;

    while ((piece = pick(&admission, now, &item)) != NULL) {
        size_t length = strlen(gone);
        snprintf(gone + length, sizeof(gone) - length, "%s%d:%u", length > 0 ? " " : "",
                 (int)(piece->batch - batches), run_piece_index(piece, item));
    }
    ck_assert_str_eq(gone, expected);
}

/* The next ones that go, as "0:2 1:0": batch and item. */
static void expect_next(co_time now, const char *expected)
{
    expect(admission_next, now, expected);
}

static void retry(int batch, uint32_t index, co_time at)
{
    admission_retry(&admission, &pieces[batch], index, at);
}

/* What has waited for too long, as expect_next(). */
static void expect_expired(co_time now, const char *expected)
{
    expect(admission_expired, now, expected);
}

static void drop(int batch)
{
    ck_assert(!admission_remove(&admission, &batches[batch]));
    job_spec_free(co_take(specs[batch]));
}

/* Whatever a test leaves is given back. */
static void tear_down(void)
{
    for (int i = 0; i < N_BATCHES; i++) {
        if (specs[i] == NULL)
            continue;
        admission_stop(&admission, &batches[i]);
        admission.n_running -= batches[i].n_running;
        batches[i].n_running = 0;
        drop(i);
    }
    admission_done(&admission);
    ck_assert_uint_eq(fault_live(), live_before);
}

static void release(int batch, uint32_t index)
{
    admission_release(&admission, &pieces[batch], index);
}

/* What a stopped batch gives back, as "0 2 1". */
static void expect_waiting(int batch, const char *expected)
{
    char taken[1024] = "";
    struct run_piece *piece;
    uint32_t item;

    while ((piece = admission_take_waiting(&batches[batch], &item)) != NULL) {
        size_t length = strlen(taken);
        snprintf(taken + length, sizeof(taken) - length, "%s%u", length > 0 ? " " : "",
                 run_piece_index(piece, item));
    }
    ck_assert_str_eq(taken, expected);
}

/* --- Order ------------------------------------------------------------------------------------ */

START_TEST(items_of_a_host_go_in_order)
{
    limit(UNLIMITED, UNLIMITED);
    add(0, "[\"http://a/1\", \"http://a/2\", \"http://a/3\", \"http://a/4\"]");
    expect_next(0, "0:0 0:1 0:2 0:3");
}
END_TEST

START_TEST(hosts_take_turns)
{
    limit(UNLIMITED, UNLIMITED);
    add(0, "[\"http://a/\", \"http://a/\", \"http://a/\", \"http://b/\", \"http://b/\", "
           "\"http://c/\"]");
    expect_next(0, "0:0 0:3 0:5 0:1 0:4 0:2");
}
END_TEST

START_TEST(batches_take_turns)
{
    limit(UNLIMITED, UNLIMITED);
    add(0, "[{\"url\": \"http://a/\", \"repeat\": 4}, \"http://b/\"]");
    add(1, "[{\"url\": \"http://a/\", \"repeat\": 2}]");
    expect_next(0, "0:0 1:0 0:4 1:1 0:1 0:2 0:3");
}
END_TEST

START_TEST(new_batch_does_not_wait_for_a_large_one)
{
    limit(2, UNLIMITED);
    add(0, "[{\"url\": \"http://a/\", \"repeat\": 1000}]");
    expect_next(0, "0:0 0:1");
    add(1, "[\"http://b/\"]");
    release(0, 0);
    release(0, 1);
    expect_next(0, "0:2 1:0");
}
END_TEST

START_TEST(origins_differ_by_scheme_host_and_port)
{
    limit(UNLIMITED, 1);
    add(0, "[\"http://a/\", \"http://a:80/x\", \"https://a/\", \"http://a:81/\", \"http://b/\"]");
    expect_next(0, "0:0 0:2 0:3 0:4");
    release(0, 0);
    expect_next(0, "0:1");
}
END_TEST

START_TEST(requests_that_cannot_be_fetched_go_too)
{
    limit(UNLIMITED, UNLIMITED);
    add(0,
        "{\"on_invalid\": \"report\", \"requests\": [\"nonsense\", \"http://a/\", \"ftp://b/\"]}");
    expect_next(0, "0:0 0:1 0:2");
}
END_TEST

/* --- Limits ----------------------------------------------------------------------------------- */

START_TEST(limit_of_all_holds)
{
    limit(3, UNLIMITED);
    add(0, "[\"http://a/\", \"http://b/\", \"http://c/\", \"http://d/\"]");
    add(1, "[\"http://a/\", \"http://b/\"]");
    expect_next(0, "0:0 1:0 0:1");
    release(1, 0);
    expect_next(0, "1:1");
}
END_TEST

START_TEST(limit_of_a_host_holds_for_all_batches_together)
{
    limit(UNLIMITED, 2);
    add(0, "[\"http://a/\", \"http://a/\", \"http://b/\"]");
    add(1, "[\"http://a/\"]");
    expect_next(0, "0:0 1:0 0:2");
    release(1, 0);
    expect_next(0, "0:1");
}
END_TEST

START_TEST(limit_of_a_batch_holds)
{
    limit(UNLIMITED, UNLIMITED);
    add(0, "{\"limits\": {\"concurrency\": 2}, \"urls\": [\"http://a/\", \"http://b/\", "
           "\"http://c/\"]}");
    expect_next(0, "0:0 0:1");
    release(0, 1);
    expect_next(0, "0:2");
}
END_TEST

START_TEST(limit_of_a_batch_for_each_host_holds)
{
    limit(UNLIMITED, UNLIMITED);
    add(0, "{\"limits\": {\"per_host_concurrency\": 1}, \"urls\": [\"http://a/\", \"http://a/\", "
           "\"http://b/\", \"http://b/\"]}");
    expect_next(0, "0:0 0:2");
    release(0, 2);
    expect_next(0, "0:3");
    release(0, 0);
    expect_next(0, "0:1");
}
END_TEST

START_TEST(busy_host_does_not_hold_up_others)
{
    limit(UNLIMITED, 1);
    add(0, "[{\"url\": \"http://a/\", \"repeat\": 100}, \"http://b/\"]");
    add(1, "[{\"url\": \"http://a/\", \"repeat\": 100}, \"http://c/\"]");
    expect_next(0, "0:0 1:100 0:100");
}
END_TEST

START_TEST(batches_take_turns_at_a_busy_host)
{
    limit(UNLIMITED, 1);
    add(0, "[{\"url\": \"http://a/\", \"repeat\": 3}]");
    expect_next(0, "0:0");
    add(1, "[{\"url\": \"http://a/\", \"repeat\": 3}]");
    add(2, "[{\"url\": \"http://a/\", \"repeat\": 3}]");
    release(0, 0);
    expect_next(0, "0:1"); /* it came into the line first */
    release(0, 1);
    expect_next(0, "1:0");
    release(1, 0);
    expect_next(0, "2:0");
    release(2, 0);
    expect_next(0, "0:2");
    release(0, 2);
    expect_next(0, "1:1");
    release(1, 1);
    expect_next(0, "2:1");
}
END_TEST

/* --- Places that are kept --------------------------------------------------------------------- */

/* Batch 0 is the first in the line of host a; 1 and 2 wait behind it. */
static void fill_line(const char *first)
{
    limit(UNLIMITED, 1);
    add(2, "[\"http://a/\"]");
    expect_next(0, "2:0");
    add(0, first);
    add(1, "[\"http://a/\"]");
}

START_TEST(free_place_is_kept_for_the_first_in_line)
{
    fill_line("[\"http://a/\"]");
    expect_next(0, "");
    release(2, 0);
    admission_stop(&admission, &batches[2]);
    drop(2);
    add(2, "[\"http://a/\"]"); /* comes late */
    expect_next(0, "0:0");
}
END_TEST

START_TEST(place_kept_for_a_stopped_batch_goes_to_the_next_in_line)
{
    fill_line("[\"http://a/\"]");
    release(2, 0);
    admission_stop(&admission, &batches[0]);
    expect_next(0, "1:0");
}
END_TEST

START_TEST(place_is_not_kept_for_a_batch_at_its_limit)
{
    fill_line("{\"limits\": {\"concurrency\": 1}, \"urls\": [\"http://a/\", \"http://b/\"]}");
    expect_next(0, "0:1");
    release(2, 0);
    expect_next(0, "1:0");
    release(0, 1);
    expect_next(0, "");
    release(1, 0);
    expect_next(0, "0:0");
}
END_TEST

START_TEST(place_kept_for_a_batch_that_reaches_its_limit_goes_to_the_next_in_line)
{
    fill_line("{\"limits\": {\"concurrency\": 1}, \"urls\": [\"http://b/\", \"http://a/\"]}");
    release(2, 0);
    expect_next(0, "0:0 1:0");
}
END_TEST

/* --- Time ------------------------------------------------------------------------------------- */

START_TEST(rate_spaces_the_starts_on_each_host)
{
    limit(UNLIMITED, UNLIMITED);
    add(0, "{\"limits\": {\"per_host_rate\": {\"requests\": 10, \"per_ms\": 1000}}, \"urls\": "
           "[\"http://a/\", \"http://a/\", \"http://b/\", \"http://a/\"]}");
    expect_next(0, "0:0 0:2");
    ck_assert_int_eq(admission_next_time(&admission), 100 * CO_MILLISECOND);
    expect_next(99 * CO_MILLISECOND, "");
    expect_next(100 * CO_MILLISECOND, "0:1");
    expect_next(350 * CO_MILLISECOND, "0:3");
    ck_assert_int_eq(admission_next_time(&admission), CO_NEVER);
}
END_TEST

START_TEST(rate_of_one_batch_does_not_slow_another)
{
    limit(UNLIMITED, UNLIMITED);
    add(0, "{\"limits\": {\"per_host_rate\": {\"requests\": 1, \"per_ms\": 1000}}, \"urls\": "
           "[\"http://a/\", \"http://a/\"]}");
    add(1, "[\"http://a/\", \"http://a/\"]");
    expect_next(0, "0:0 1:0 1:1");
}
END_TEST

START_TEST(rate_counts_from_the_start_not_from_the_end)
{
    limit(UNLIMITED, UNLIMITED);
    add(0, "{\"limits\": {\"per_host_concurrency\": 1, \"per_host_rate\": {\"requests\": 1, "
           "\"per_ms\": 10}}, \"urls\": [\"http://a/\", \"http://a/\", \"http://a/\"]}");
    expect_next(0, "0:0");
    ck_assert_int_eq(admission_next_time(&admission), CO_NEVER);
    expect_next(50 * CO_MILLISECOND, "");
    release(0, 0);
    expect_next(50 * CO_MILLISECOND, "0:1");
    release(0, 1);
    expect_next(50 * CO_MILLISECOND, "");
    ck_assert_int_eq(admission_next_time(&admission), 60 * CO_MILLISECOND);
}
END_TEST

START_TEST(repetitions_wait_for_their_time)
{
    limit(UNLIMITED, UNLIMITED);
    add(0, "[{\"url\": \"http://a/\", \"repeat\": {\"count\": 3, \"interval_ms\": 20}}, "
           "\"http://a/\"]");
    expect_next(0, "0:0 0:3");
    ck_assert_int_eq(admission_next_time(&admission), 20 * CO_MILLISECOND);
    expect_next(45 * CO_MILLISECOND, "0:1 0:2");
    ck_assert_int_eq(admission_next_time(&admission), CO_NEVER);
}
END_TEST

START_TEST(repetition_in_the_far_future_does_not_come_now)
{
    limit(UNLIMITED, UNLIMITED);
    add(0, "[{\"url\": \"http://a/\", \"repeat\": {\"count\": 3, \"interval_ms\": 86400000}}]");
    specs[0]->items[2].repetition = UINT32_MAX;
    admission_stop(&admission, &batches[0]);
    ck_assert(!admission_remove(&admission, &batches[0]));
    ck_assert_int_eq(add_spec(0, specs[0], CO_SECOND), 0);
    expect_next(CO_SECOND, "0:0");
    expect_next(86401 * CO_SECOND, "0:1");
    ck_assert_int_eq(admission_next_time(&admission), CO_NEVER);
    expect_next(CO_NEVER - 1, "");
}
END_TEST

START_TEST(arrival_of_an_item_does_not_cost_its_host_the_turn)
{
    limit(1, UNLIMITED);
    add(0, "[{\"url\": \"http://a/\", \"repeat\": {\"count\": 3, \"interval_ms\": 1}}, "
           "\"http://b/\", \"http://a/\", \"http://b/\"]");
    expect_next(0, "0:0");
    release(0, 0);
    expect_next(CO_MILLISECOND, "0:3");
    release(0, 3);
    expect_next(2 * CO_MILLISECOND, "0:4");
}
END_TEST

START_TEST(arrival_of_an_item_does_not_cost_its_batch_the_place_in_line)
{
    limit(UNLIMITED, 1);
    add(2, "[\"http://a/\"]");
    expect_next(0, "2:0");
    add(0, "[\"http://a/\", {\"url\": \"http://a/\", \"repeat\": {\"count\": 2, \"interval_ms\": "
           "1}}]");
    add(1, "[\"http://a/\"]");
    expect_next(CO_MILLISECOND, "");
    release(2, 0);
    expect_next(CO_MILLISECOND, "0:0");
}
END_TEST

/* --- Retries ---------------------------------------------------------------------------------- */

START_TEST(place_of_an_item_that_backs_off_is_free)
{
    limit(1, 1);
    add(0, "[\"http://a/1\", \"http://a/2\"]");
    expect_next(0, "0:0");
    retry(0, 0, CO_SECOND);
    expect_next(0, "0:1");
}
END_TEST

START_TEST(item_that_has_backed_off_is_the_first_in_its_lane)
{
    limit(1, UNLIMITED);
    add(0, "[{\"url\": \"http://a/\", \"repeat\": 4}]");
    expect_next(0, "0:0");
    retry(0, 0, 10);
    ck_assert_int_eq(admission_next_time(&admission), 10);
    expect_next(9, "0:1");
    release(0, 1);
    expect_next(10, "0:0");
    release(0, 0);
    expect_next(10, "0:2");
}
END_TEST

START_TEST(limits_hold_for_what_comes_again)
{
    limit(UNLIMITED, UNLIMITED);
    add(0, "{\"limits\": {\"per_host_concurrency\": 1, \"per_host_rate\": {\"requests\": 1, "
           "\"per_ms\": 10}}, \"urls\": [\"http://a/1\", \"http://a/2\"]}");
    expect_next(0, "0:0");
    retry(0, 0, CO_MILLISECOND);
    expect_next(2 * CO_MILLISECOND, "");
    expect_next(10 * CO_MILLISECOND, "0:0");
    retry(0, 0, 11 * CO_MILLISECOND);
    ck_assert_int_eq(admission_next_time(&admission), 11 * CO_MILLISECOND);
    expect_next(11 * CO_MILLISECOND, "");
    expect_next(20 * CO_MILLISECOND, "0:0");
    release(0, 0);
    expect_next(30 * CO_MILLISECOND, "0:1");
}
END_TEST

START_TEST(item_that_backs_off_is_among_those_a_stopped_batch_gives_back)
{
    limit(UNLIMITED, UNLIMITED);
    add(0, "[\"http://a/1\", \"http://a/2\", \"http://b/\"]");
    expect_next(0, "0:0 0:2 0:1");
    retry(0, 1, CO_SECOND);
    release(0, 0);
    admission_stop(&admission, &batches[0]);
    ck_assert_int_eq(admission_next_time(&admission), CO_NEVER);
    expect_waiting(0, "1");
    retry(0, 2, CO_SECOND);
    expect_next(2 * CO_SECOND, "");
    expect_waiting(0, "2");
}
END_TEST

/* --- Having waited for too long --------------------------------------------------------------- */

START_TEST(item_that_has_waited_for_too_long_does_not_go)
{
    limit(1, UNLIMITED);
    add(0, "{\"defaults\": {\"queue_timeout_ms\": 5}, \"urls\": [\"http://a/1\", "
           "\"http://a/2\", \"http://b/\"]}");
    expect_next(0, "0:0");
    ck_assert_int_eq(admission_next_time(&admission), 5 * CO_MILLISECOND);
    expect_expired(5 * CO_MILLISECOND - 1, "");
    expect_expired(5 * CO_MILLISECOND, "0:1 0:2");
    release(0, 0);
    expect_next(5 * CO_MILLISECOND, "");
    ck_assert_int_eq(admission_next_time(&admission), CO_NEVER);
}
END_TEST

START_TEST(each_item_has_its_own_time_to_wait)
{
    limit(1, UNLIMITED);
    add(0, "[\"http://a/0\", {\"url\": \"http://a/1\", \"queue_timeout_ms\": 9}, "
           "{\"url\": \"http://a/2\", \"queue_timeout_ms\": 3}, \"http://a/3\", "
           "{\"url\": \"http://b/\", \"queue_timeout_ms\": 6}]");
    expect_next(0, "0:0");
    expect_expired(4 * CO_MILLISECOND, "0:2");
    expect_expired(6 * CO_MILLISECOND, "0:4");
    expect_expired(100 * CO_MILLISECOND, "0:1");
    release(0, 0);
    expect_next(100 * CO_MILLISECOND, "0:3");
}
END_TEST

START_TEST(wait_counts_from_when_an_item_is_due)
{
    limit(1, UNLIMITED);
    add(0, "[\"http://b/\", {\"url\": \"http://a/\", \"queue_timeout_ms\": 5, \"repeat\": "
           "{\"count\": 2, \"interval_ms\": 20}}]");
    expect_next(0, "0:0");
    expect_expired(24 * CO_MILLISECOND, "0:1");
    expect_expired(25 * CO_MILLISECOND, "0:2");
}
END_TEST

START_TEST(wait_after_a_back_off_counts_anew)
{
    limit(1, UNLIMITED);
    add(0, "[{\"url\": \"http://a/\", \"queue_timeout_ms\": 5}, \"http://b/\"]");
    expect_next(0, "0:0");
    retry(0, 0, 50 * CO_MILLISECOND);
    expect_next(0, "0:1");
    expect_expired(54 * CO_MILLISECOND, "");
    expect_expired(55 * CO_MILLISECOND, "0:0");
}
END_TEST

START_TEST(place_kept_for_what_has_waited_for_too_long_goes_to_the_next_in_line)
{
    fill_line("[{\"url\": \"http://a/\", \"queue_timeout_ms\": 5}]");
    release(2, 0);
    expect_expired(5 * CO_MILLISECOND, "0:0");
    expect_next(5 * CO_MILLISECOND, "1:0");
}
END_TEST

START_TEST(what_has_waited_for_too_long_is_given_back_if_the_batch_is_stopped_first)
{
    limit(1, UNLIMITED);
    add(0, "{\"defaults\": {\"queue_timeout_ms\": 5}, \"urls\": [\"http://a/1\", "
           "\"http://a/2\"]}");
    expect_next(0, "0:0");
    expect_next(CO_SECOND, "");
    admission_stop(&admission, &batches[0]);
    expect_expired(CO_SECOND, "");
    expect_waiting(0, "1");
}
END_TEST

/* --- Weights ---------------------------------------------------------------------------------- */

START_TEST(turns_are_shared_as_the_weights_say)
{
    limit(UNLIMITED, UNLIMITED);
    add(0, "[{\"url\": \"http://a/\", \"repeat\": 2}]");
    add_weighed(1, 3, "[{\"url\": \"http://a/\", \"repeat\": 6}]");
    expect_next(0, "1:0 1:1 1:2 0:0 1:3 1:4 1:5 0:1");
}
END_TEST

START_TEST(batch_that_comes_late_does_not_get_the_turns_it_missed)
{
    limit(4, UNLIMITED);
    add(0, "[{\"url\": \"http://a/\", \"repeat\": 8}]");
    expect_next(0, "0:0 0:1 0:2 0:3");
    add(1, "[{\"url\": \"http://b/\", \"repeat\": 8}]");
    for (uint32_t i = 0; i < 4; i++)
        release(0, i);
    expect_next(0, "0:4 1:0 0:5 1:1");
}
END_TEST

START_TEST(batch_that_comes_back_does_not_get_the_turns_it_missed)
{
    limit(1, UNLIMITED);
    add(0, "[{\"url\": \"http://a/\", \"repeat\": 6}]");
    add(1, "[{\"url\": \"http://b/\", \"repeat\": {\"count\": 2, \"interval_ms\": 1}}, "
           "{\"url\": \"http://b/\", \"repeat\": {\"count\": 2, \"interval_ms\": 1}}]");
    static const char *const turns[] = {"0:0", "1:0", "0:1", "1:2", "0:2", "0:3"};
    for (size_t i = 0; i < 6; i++) {
        expect_next(0, turns[i]);
        release(turns[i][0] - '0', (uint32_t)(turns[i][2] - '0'));
    }
    expect_next(CO_MILLISECOND, "1:1");
    release(1, 1);
    expect_next(CO_MILLISECOND, "0:4");
    release(0, 4);
    expect_next(CO_MILLISECOND, "1:3");
}
END_TEST

/* --- Large batches ---------------------------------------------------------------------------- */

enum { N_LARGE = 10000 };

static void add_large(int batch)
{
    char document[128];

    snprintf(document, sizeof(document), "[{\"url\": \"http://a/\", \"repeat\": %d}]", N_LARGE);
    add(batch, document);
}

START_TEST(large_batch_is_queued_bit_by_bit)
{
    limit(2 * N_LARGE, N_LARGE);
    add_large(0);
    add(1, "[\"http://b/\"]");
    ck_assert_int_le(admission_next_time(&admission), 0);
    ck_assert_uint_lt(batches[0].n_queued, N_LARGE / 2);
    ck_assert_uint_eq(batches[1].n_queued, 1);
    while (admission_queue(&admission))
        continue;
    ck_assert_int_eq(admission_next_time(&admission), CO_NEVER);
    uint32_t item, n = 0;
    while (admission_next(&admission, 0, &item) != NULL)
        n++;
    ck_assert_uint_eq(n, N_LARGE + 1);
}
END_TEST

START_TEST(stopped_batch_gives_back_what_was_not_yet_queued)
{
    limit(1, 1);
    add_large(0);
    expect_next(0, "0:0");
    admission_stop(&admission, &batches[0]);
    ck_assert(!admission_queue(&admission));
    uint32_t item, n = 0;
    while (admission_take_waiting(&batches[0], &item))
        ck_assert_uint_eq(item, ++n);
    ck_assert_uint_eq(n, N_LARGE - 1);
}
END_TEST

/* --- Ending ----------------------------------------------------------------------------------- */

START_TEST(stopped_batch_lets_nothing_go_and_gives_back_the_rest)
{
    limit(2, UNLIMITED);
    add(0, "[{\"url\": \"http://a/\", \"repeat\": {\"count\": 2, \"interval_ms\": 5}}, "
           "\"http://b/\", \"http://a/\", \"http://b/\"]");
    add(1, "[\"http://a/\"]");
    expect_next(0, "0:0 1:0");
    admission_stop(&admission, &batches[0]);
    release(0, 0);
    expect_next(CO_SECOND, "");
    ck_assert_int_eq(admission_next_time(&admission), CO_NEVER);
    expect_waiting(0, "1 2 3 4");
    expect_waiting(0, "");
}
END_TEST

START_TEST(stopping_again_changes_nothing)
{
    limit(1, 1);
    add(0, "[\"http://a/\", \"http://a/\"]");
    expect_next(0, "0:0");
    admission_stop(&admission, &batches[0]);
    admission_stop(&admission, &batches[0]);
    release(0, 0);
    expect_waiting(0, "1");
}
END_TEST

START_TEST(batch_can_be_stopped_before_anything_went)
{
    limit(1, 1);
    add(0, "[\"http://a/\", \"http://b/\"]");
    admission_stop(&admission, &batches[0]);
    expect_waiting(0, "0 1");
}
END_TEST

START_TEST(hosts_are_forgotten_with_their_last_batch)
{
    limit(UNLIMITED, UNLIMITED);
    add(0, "[\"http://a/\", \"http://b/\", \"http://a/\"]");
    add(1, "[\"http://b/\", \"http://c/\"]");
    ck_assert_uint_eq(admission.n_hosts, 3);
    admission_stop(&admission, &batches[0]);
    drop(0);
    ck_assert_uint_eq(admission.n_hosts, 2);
    expect_next(0, "1:0 1:1");
}
END_TEST

/* --- Memory ----------------------------------------------------------------------------------- */

enum { N_ARRAYS = 3, N_SPEC_HOSTS = 3 };

START_TEST(batch_there_is_no_memory_for_leaves_no_trace)
{
    struct job_spec *spec = spec_of("[\"http://a/\", \"http://b/\", \"http://c/\"]");

    limit(UNLIMITED, UNLIMITED);
    add(0, "[\"http://b/\"]");
    for (size_t n = 1; n <= N_ARRAYS; n++) {
        size_t live = fault_live();
        fault_arm(n);
        int rc = add_spec(1, spec, 0);
        ck_assert(fault_disarm());
        ck_assert_int_eq(rc, -ENOMEM);
        ck_assert_uint_eq(fault_live(), live);
        ck_assert_uint_eq(admission.n_hosts, 1);
        ck_assert_int_eq(admission_next_time(&admission), CO_NEVER);
    }
    job_spec_free(spec);
    expect_next(0, "0:0");
}
END_TEST

START_TEST(host_there_is_no_memory_for_shares_its_places_with_the_like)
{
    limit(UNLIMITED, 1);
    specs[0] = spec_of("[\"http://a/\", \"http://b/\", \"http://c/\"]");
    fault_arm_sticky(N_ARRAYS + 2);
    ck_assert_int_eq(add_spec(0, specs[0], 0), 0);
    ck_assert(fault_disarm());
    ck_assert_uint_eq(admission.n_hosts, 1);
    expect_next(0, "0:0 0:1");
    release(0, 1);
    expect_next(0, "0:2");
}
END_TEST

START_TEST(admission_there_is_no_memory_for_is_not_made)
{
    for (size_t n = 1; n <= 2; n++) {
        fault_arm(n);
        ck_assert_int_eq(admission_init(&admission, 1, 1), -ENOMEM);
        ck_assert(fault_disarm());
        ck_assert_uint_eq(fault_live(), live_before);
    }
    limit(1, 1);
}
END_TEST

Suite *suite_admission(void);

Suite *suite_admission(void)
{
    Suite *suite = suite_create("daemon/engine/admission");
    TCase *tcase = tcase_create("all");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, items_of_a_host_go_in_order);
    tcase_add_test(tcase, hosts_take_turns);
    tcase_add_test(tcase, batches_take_turns);
    tcase_add_test(tcase, new_batch_does_not_wait_for_a_large_one);
    tcase_add_test(tcase, origins_differ_by_scheme_host_and_port);
    tcase_add_test(tcase, requests_that_cannot_be_fetched_go_too);
    tcase_add_test(tcase, limit_of_all_holds);
    tcase_add_test(tcase, limit_of_a_host_holds_for_all_batches_together);
    tcase_add_test(tcase, limit_of_a_batch_holds);
    tcase_add_test(tcase, limit_of_a_batch_for_each_host_holds);
    tcase_add_test(tcase, busy_host_does_not_hold_up_others);
    tcase_add_test(tcase, batches_take_turns_at_a_busy_host);
    tcase_add_test(tcase, free_place_is_kept_for_the_first_in_line);
    tcase_add_test(tcase, place_kept_for_a_stopped_batch_goes_to_the_next_in_line);
    tcase_add_test(tcase, place_is_not_kept_for_a_batch_at_its_limit);
    tcase_add_test(tcase, place_kept_for_a_batch_that_reaches_its_limit_goes_to_the_next_in_line);
    tcase_add_test(tcase, rate_spaces_the_starts_on_each_host);
    tcase_add_test(tcase, rate_of_one_batch_does_not_slow_another);
    tcase_add_test(tcase, rate_counts_from_the_start_not_from_the_end);
    tcase_add_test(tcase, repetitions_wait_for_their_time);
    tcase_add_test(tcase, repetition_in_the_far_future_does_not_come_now);
    tcase_add_test(tcase, arrival_of_an_item_does_not_cost_its_host_the_turn);
    tcase_add_test(tcase, arrival_of_an_item_does_not_cost_its_batch_the_place_in_line);
    tcase_add_test(tcase, place_of_an_item_that_backs_off_is_free);
    tcase_add_test(tcase, item_that_has_backed_off_is_the_first_in_its_lane);
    tcase_add_test(tcase, limits_hold_for_what_comes_again);
    tcase_add_test(tcase, item_that_backs_off_is_among_those_a_stopped_batch_gives_back);
    tcase_add_test(tcase, item_that_has_waited_for_too_long_does_not_go);
    tcase_add_test(tcase, each_item_has_its_own_time_to_wait);
    tcase_add_test(tcase, wait_counts_from_when_an_item_is_due);
    tcase_add_test(tcase, wait_after_a_back_off_counts_anew);
    tcase_add_test(tcase, place_kept_for_what_has_waited_for_too_long_goes_to_the_next_in_line);
    tcase_add_test(tcase, what_has_waited_for_too_long_is_given_back_if_the_batch_is_stopped_first);
    tcase_add_test(tcase, turns_are_shared_as_the_weights_say);
    tcase_add_test(tcase, batch_that_comes_late_does_not_get_the_turns_it_missed);
    tcase_add_test(tcase, batch_that_comes_back_does_not_get_the_turns_it_missed);
    tcase_add_test(tcase, large_batch_is_queued_bit_by_bit);
    tcase_add_test(tcase, stopped_batch_gives_back_what_was_not_yet_queued);
    tcase_add_test(tcase, stopped_batch_lets_nothing_go_and_gives_back_the_rest);
    tcase_add_test(tcase, stopping_again_changes_nothing);
    tcase_add_test(tcase, batch_can_be_stopped_before_anything_went);
    tcase_add_test(tcase, hosts_are_forgotten_with_their_last_batch);
    tcase_add_test(tcase, batch_there_is_no_memory_for_leaves_no_trace);
    tcase_add_test(tcase, host_there_is_no_memory_for_shares_its_places_with_the_like);
    tcase_add_test(tcase, admission_there_is_no_memory_for_is_not_made);
    suite_add_tcase(suite, tcase);
    return suite;
}
