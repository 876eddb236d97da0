/* Batches that are fed: see also test_admission_random.c. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/engine/admission.h"
#include "tests/support/fault.h"
#include "tests/support/spec.h"

enum { MAX_PIECES = 8, UNLIMITED = 1000 };

static struct admission admission;
static struct admission_batch batch;
static struct job_spec *head;
static struct run_piece pieces[MAX_PIECES];
static unsigned n_pieces;
static uint32_t n_items; /* of all pieces */
static size_t live_before;

static void set_up(void)
{
    live_before = fault_live();
    n_pieces = n_items = 0;
    ck_assert_int_eq(admission_init(&admission, UNLIMITED, UNLIMITED), 0);
}

static void open_batch(const char *document, unsigned n_places)
{
    const struct admission_room room = {.n_places = n_places, .n_items = 1000};

    head = spec_of(document);
    ck_assert_int_eq(admission_open(&admission, &batch, head, &room, 0), 0);
    admission_start(&admission, &batch);
}

#define HEAD(members) "{" members "\"urls\": [\"http://head/\"]}"
#define RATED         HEAD("\"limits\": {\"per_host_rate\": {\"requests\": 1, \"per_ms\": 1}}, ")

/* Adds a piece of all items of a document. returns as admission_feed() */
static int feed(co_time now, const char *document)
{
    struct job_spec *spec = spec_of(document);
    struct run_piece *piece = &pieces[n_pieces];

    *piece = (struct run_piece){.spec = spec, .n_items = (uint32_t)spec->n_items, .first = n_items};
    int rc = admission_feed(&admission, &batch, piece, now);
    if (rc == 0) {
        n_pieces++;
        n_items += piece->n_items;
    } else {
        job_spec_free(spec);
    }
    return rc;
}

static void end_item(struct run_piece *piece)
{
    if (admission_end_item(piece))
        job_spec_free((struct job_spec *)co_take(piece->spec));
}

static struct run_piece *piece_with(uint32_t index)
{
    struct run_piece *piece = pieces;

    while (index >= piece->first + piece->n_items)
        piece++;
    return piece;
}

static void release(uint32_t index)
{
    struct run_piece *piece = piece_with(index);

    admission_release(&admission, piece, index - piece->first);
    end_item(piece);
}

/* The next ones that go, as "0 2 1". */
static void expect_next(co_time now, const char *expected)
{
    char gone[256] = "";
    struct run_piece *piece;
    uint32_t item;

    while ((piece = admission_next(&admission, now, &item)) != NULL) {
        size_t length = strlen(gone);
        snprintf(gone + length, sizeof(gone) - length, "%s%u", length > 0 ? " " : "",
                 run_piece_index(piece, item));
    }
    ck_assert_str_eq(gone, expected);
}

/* Whatever runs is given up. */
static void close_batch(void)
{
    struct run_piece *piece;

    admission.n_running -= batch.n_running;
    batch.n_running = 0;
    admission_stop(&admission, &batch);
    while ((piece = admission_take_piece(&batch)) != NULL)
        job_spec_free((struct job_spec *)co_take(piece->spec));
    while (admission_remove(&admission, &batch))
        continue;
    job_spec_free(co_take(head));
}

static void tear_down(void)
{
    if (head != NULL)
        close_batch();
    admission_done(&admission);
    ck_assert_uint_eq(fault_live(), live_before);
}

/* --- Pieces ----------------------------------------------------------------------------------- */

START_TEST(host_has_one_lane_for_all_pieces)
{
    open_batch(HEAD("\"limits\": {\"per_host_concurrency\": 1}, "), 2);
    ck_assert_int_eq(feed(0, "[\"http://a/\", \"http://b/\"]"), 0);
    ck_assert_int_eq(feed(0, "[\"http://b/\", \"http://a/\", \"http://c/\"]"), 0);
    ck_assert_uint_eq(admission.n_hosts, 3);
    expect_next(0, "0 1 4");
    release(0);
    expect_next(0, "3");
    release(1);
    expect_next(0, "2");
}
END_TEST

START_TEST(place_is_free_when_the_last_item_has_ended)
{
    open_batch(HEAD(), 1);
    ck_assert_int_eq(feed(0, "[\"http://a/\", \"http://a/\"]"), 0);
    ck_assert_int_eq(feed(0, "[\"http://a/\"]"), -EAGAIN);
    expect_next(0, "0 1");
    release(1);
    ck_assert(!admission_has_room(&batch));
    release(0);
    ck_assert(admission_has_room(&batch));
    ck_assert_int_eq(feed(0, "[\"http://a/\"]"), 0);
    expect_next(0, "2");
}
END_TEST

START_TEST(lanes_go_with_their_items)
{
    open_batch(HEAD(), 2);
    ck_assert_int_eq(feed(0, "[\"http://a/\", \"http://b/\", \"http://a/\"]"), 0);
    expect_next(0, "0 1 2");
    release(0);
    release(1);
    ck_assert_uint_eq(admission.n_hosts, 1);
    release(2);
    ck_assert_uint_eq(admission.n_hosts, 0);
    ck_assert_int_eq(feed(0, "[\"http://b/\"]"), 0);
    ck_assert_uint_eq(admission.n_hosts, 1);
    expect_next(0, "3");
}
END_TEST

START_TEST(lane_stays_while_an_item_of_it_backs_off)
{
    open_batch(HEAD("\"limits\": {\"per_host_concurrency\": 1}, "), 2);
    ck_assert_int_eq(feed(0, "[\"http://a/\"]"), 0);
    expect_next(0, "0");
    admission_retry(&admission, &pieces[0], 0, 10);
    ck_assert_int_eq(feed(0, "[\"http://a/\"]"), 0);
    expect_next(0, "1");
    expect_next(10, "");
    release(1);
    expect_next(10, "0");
}
END_TEST

START_TEST(only_what_a_host_can_use_soon_is_ready)
{
    open_batch(HEAD("\"limits\": {\"per_host_concurrency\": 2}, "), 2);
    ck_assert_int_eq(feed(0, "[{\"url\": \"http://a/\", \"repeat\": 9}, \"http://b/\"]"), 0);
    ck_assert_uint_eq(admission_n_ready(&batch), 5);
    expect_next(0, "0 9 1");
    ck_assert_uint_eq(admission_n_ready(&batch), 4);
    close_batch();
    open_batch(RATED, 2);
    ck_assert_int_eq(feed(0, "[{\"url\": \"http://a/\", \"repeat\": 9}, \"http://b/\"]"), 0);
    ck_assert_uint_eq(admission_n_ready(&batch), 2);
}
END_TEST

START_TEST(batch_that_was_accepted_before_all_clocks_began_is_due)
{
    const struct admission_room room = {.n_places = 1, .n_items = 3};

    head = spec_of(HEAD());
    ck_assert_int_eq(admission_open(&admission, &batch, head, &room, -3600 * CO_SECOND), 0);
    admission_start(&admission, &batch);
    ck_assert_int_eq(feed(0, "[{\"url\": \"http://a/\", \"repeat\": {\"count\": 3, "
                             "\"interval_ms\": 1800000}}]"),
                     0);
    expect_next(0, "0 1 2");
}
END_TEST

/* --- Rates ------------------------------------------------------------------------------------ */

START_TEST(rate_is_remembered_while_a_host_has_no_items)
{
    open_batch(RATED, 2);
    ck_assert_int_eq(feed(0, "[\"http://a/\"]"), 0);
    expect_next(0, "0");
    release(0);
    ck_assert_uint_eq(admission.n_hosts, 1);
    ck_assert_int_eq(feed(0, "[\"http://a/\"]"), 0);
    expect_next(0, "");
    expect_next(CO_MILLISECOND, "1");
}
END_TEST

START_TEST(rate_that_is_over_is_forgotten)
{
    open_batch(RATED, 2);
    ck_assert_int_eq(feed(0, "[\"http://a/\", \"http://b/\"]"), 0);
    expect_next(0, "0 1");
    release(0);
    release(1);
    ck_assert_int_eq(admission_next_time(&admission), CO_MILLISECOND);
    expect_next(CO_MILLISECOND, "");
    ck_assert_uint_eq(admission.n_hosts, 0);
    ck_assert_int_eq(admission_next_time(&admission), CO_NEVER);
}
END_TEST

/* --- Many hosts ------------------------------------------------------------------------------- */

enum { N_HOSTS = 70000, REMEMBERED = 65536 };

static struct {
    char origins[N_HOSTS][24];
    struct request requests[N_HOSTS];
    struct item items[N_HOSTS];
} many;

static struct job_spec spec_of_many(void)
{
    static const struct fetch_options no_options;

    for (uint32_t i = 0; i < N_HOSTS; i++) {
        snprintf(many.origins[i], sizeof(many.origins[i]), "http://host-%u:80", i);
        many.requests[i] = (struct request){.url.origin = many.origins[i], .options = &no_options};
        many.items[i] = (struct item){i, 0};
    }
    return (struct job_spec){.requests = many.requests,
                             .n_requests = N_HOSTS,
                             .items = many.items,
                             .n_items = N_HOSTS,
                             .limits.per_host_interval_us = 1000000};
}

static void run_piece_of_many(const struct job_spec *spec, uint32_t first)
{
    uint32_t n = N_HOSTS - first < RUN_PIECE_ITEMS ? N_HOSTS - first : RUN_PIECE_ITEMS, item;
    struct run_piece piece = {.spec = spec, .offset = first, .n_items = n, .first = first};

    ck_assert_int_eq(admission_feed(&admission, &batch, &piece, 0), 0);
    for (; n > 0; n--) {
        ck_assert_ptr_eq(admission_next(&admission, 0, &item), &piece);
        admission_release(&admission, &piece, item);
        ck_assert_int_eq(admission_end_item(&piece), n == 1);
    }
}

START_TEST(rates_of_so_many_hosts_are_remembered_and_no_more)
{
    const struct admission_room room = {.n_places = 2, .n_items = N_HOSTS};
    const struct job_spec spec = spec_of_many();

    ck_assert_int_eq(admission_open(&admission, &batch, &spec, &room, 0), 0);
    admission_start(&admission, &batch);
    for (uint32_t first = 0; first < N_HOSTS; first += RUN_PIECE_ITEMS)
        run_piece_of_many(&spec, first);
    ck_assert_uint_eq(admission.n_hosts, REMEMBERED);
    run_piece_of_many(&spec, 0); /* the first hosts have been forgotten, */
    struct run_piece last = {.spec = &spec, .offset = N_HOSTS - 1, .n_items = 1};
    ck_assert_int_eq(admission_feed(&admission, &batch, &last, 0), 0);
    expect_next(0, ""); /* and the last has not */
    admission_stop(&admission, &batch);
    ck_assert_ptr_eq(admission_take_piece(&batch), &last);
    while (admission_remove(&admission, &batch))
        continue;
}
END_TEST

/* --- Memory ----------------------------------------------------------------------------------- */

START_TEST(window_there_is_no_memory_for_leaves_no_trace)
{
    const struct admission_room room = {.n_places = 4, .n_items = 1000};
    size_t n = 1;
    int rc;

    head = spec_of(RATED);
    do {
        size_t live = fault_live();
        fault_arm(n++);
        rc = admission_open(&admission, &batch, head, &room, 0);
        if (!fault_disarm())
            break;
        ck_assert_int_eq(rc, -ENOMEM);
        ck_assert_uint_eq(fault_live(), live);
        admission_pause(&admission, false);
    } while (rc < 0);
    ck_assert_int_eq(rc, 0);
    ck_assert_uint_gt(n, 6);
}
END_TEST

START_TEST(hosts_there_is_no_memory_for_share_a_lane)
{
    open_batch(HEAD("\"limits\": {\"per_host_concurrency\": 1}, "), 2);
    struct job_spec *spec = spec_of("[\"http://a/\", \"http://b/\"]");
    pieces[n_pieces++] = (struct run_piece){.spec = spec, .n_items = 2};
    fault_arm_sticky(1);
    ck_assert_int_eq(admission_feed(&admission, &batch, &pieces[0], 0), 0);
    ck_assert(fault_disarm());
    ck_assert_uint_eq(admission.n_hosts, 0);
    expect_next(0, "0");
    release(0);
    expect_next(0, "1");
}
END_TEST

Suite *suite_admission_window(void);

Suite *suite_admission_window(void)
{
    Suite *suite = suite_create("daemon/engine/admission_window");
    TCase *tcase = tcase_create("all");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, host_has_one_lane_for_all_pieces);
    tcase_add_test(tcase, place_is_free_when_the_last_item_has_ended);
    tcase_add_test(tcase, lanes_go_with_their_items);
    tcase_add_test(tcase, lane_stays_while_an_item_of_it_backs_off);
    tcase_add_test(tcase, only_what_a_host_can_use_soon_is_ready);
    tcase_add_test(tcase, batch_that_was_accepted_before_all_clocks_began_is_due);
    tcase_add_test(tcase, rate_is_remembered_while_a_host_has_no_items);
    tcase_add_test(tcase, rate_that_is_over_is_forgotten);
    tcase_add_test(tcase, rates_of_so_many_hosts_are_remembered_and_no_more);
    tcase_add_test(tcase, window_there_is_no_memory_for_leaves_no_trace);
    tcase_add_test(tcase, hosts_there_is_no_memory_for_share_a_lane);
    suite_add_tcase(suite, tcase);
    return suite;
}
