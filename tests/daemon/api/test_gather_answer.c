#include "daemon/api/gather_answer.h"

#include <check.h>
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/api/http_exchange_private.h"
#include "tests/support/fault.h"
#include "tests/support/spec.h"

enum { N_ITEMS = 5 };

static struct result_budget budget;
static struct http_exchange exchange;
static size_t live_before;

static void set_up(void)
{
    live_before = fault_live();
    budget = (struct result_budget){.max = 1 << 20};
    http_exchange_init(&exchange);
}

static void tear_down(void)
{
    http_exchange_done(&exchange);
    ck_assert_uint_eq(budget.used, 0);
    ck_assert_uint_eq(fault_live(), live_before);
}

/* With all items finished, the last one first. */
static struct gather_answer *make(const char *document)
{
    struct gather_answer *answer;
    struct result result;

    ck_assert_int_eq(gather_answer_new(&answer, spec_of(document), &budget), 0);
    struct result_set *set = gather_answer_results(answer);
    for (size_t i = set->spec->n_items; i-- > 0;) {
        result_init(&result);
        result_set_finish(set, i, &result);
    }
    return answer;
}

static struct gather_answer *make_usual(void)
{
    return make("[{\"url\": \"http://a/\", \"repeat\": 4}, \"http://b/\"]");
}

/* Reads all of the answer, so many bytes at a time. */
static char *read_all(size_t max, size_t *ret_length)
{
    const struct http_body_source *source = exchange.answer.source;
    char *text = malloc(source->length + max);
    uint64_t length = 0;

    ck_assert_ptr_nonnull(text);
    while (length < source->length) {
        ssize_t n = source->read(source->arg, length, text + length, max);
        ck_assert_int_gt(n, 0);
        ck_assert_uint_le((size_t)n, max);
        length += (uint64_t)n;
    }
    ck_assert_uint_eq(length, source->length);
    *ret_length = length;
    return text;
}

static json_t *read_json(size_t max)
{
    size_t length;
    char *text = read_all(max, &length);
    json_t *shown = json_loadb(text, length, JSON_REJECT_DUPLICATES, NULL);

    ck_assert_ptr_nonnull(shown);
    ck_assert_int_eq(text[length - 1], '\n');
    free(text);
    return shown;
}

static const size_t sizes[] = {1, 2, 3, 7, 64, 1000, 1 << 20};

START_TEST(answer_is_whole_whatever_the_size_of_its_pieces)
{
    ck_assert_int_eq(gather_answer_send(&exchange, make_usual(), 1234567), 0);
    ck_assert_int_eq(exchange.answer.status, 200);
    json_t *shown = read_json(sizes[_i]);
    ck_assert_str_eq(json_string_value(json_object_get(shown, "object")), "gather");
    ck_assert_double_eq(json_real_value(json_object_get(shown, "elapsed_ms")), 1234.567);
    ck_assert(json_is_object(json_object_get(shown, "counts")));
    ck_assert(json_is_object(json_object_get(shown, "stats")));
    json_t *results = json_object_get(shown, "results");
    ck_assert_uint_eq(json_array_size(results), N_ITEMS);
    for (size_t i = 0; i < N_ITEMS; i++)
        ck_assert_uint_eq(json_integer_value(json_object_get(json_array_get(results, i), "index")),
                          i);
    json_decref(shown);
}
END_TEST

START_TEST(answer_of_one_item_has_one_result)
{
    ck_assert_int_eq(gather_answer_send(&exchange, make("[\"http://a/\"]"), 0), 0);
    json_t *shown = read_json(100);
    ck_assert_uint_eq(json_array_size(json_object_get(shown, "results")), 1);
    json_decref(shown);
}
END_TEST

START_TEST(answer_is_whole_though_results_were_lost)
{
    budget.max = 1000;
    ck_assert_int_eq(gather_answer_send(&exchange, make_usual(), 0), 0);
    json_t *shown = read_json(100);
    json_t *counts = json_object_get(shown, "counts");
    ck_assert_uint_eq(json_array_size(json_object_get(shown, "results")), N_ITEMS);
    ck_assert_int_gt(json_integer_value(json_object_get(counts, "transport_error")), 0);
    json_decref(shown);
}
END_TEST

START_TEST(answer_that_is_given_up_is_freed)
{
    char bytes[10];

    ck_assert_int_eq(gather_answer_send(&exchange, make_usual(), 0), 0);
    const struct http_body_source *source = exchange.answer.source;
    ck_assert_int_eq(source->read(source->arg, 0, bytes, sizeof(bytes)), sizeof(bytes));
}
END_TEST

START_TEST(answer_that_is_not_sent_is_freed)
{
    struct gather_answer *answer = make_usual(), *none = NULL;

    gather_answer_freep(&answer);
    gather_answer_freep(&none);
}
END_TEST

START_TEST(answer_there_is_no_memory_for_takes_its_spec_along)
{
    for (size_t n = 1;; n++) {
        struct job_spec *spec = spec_of("[\"http://a/\"]");
        struct gather_answer *answer;
        fault_arm(n);
        int rc = gather_answer_new(&answer, spec, &budget);
        if (!fault_disarm()) {
            gather_answer_freep(&answer);
            break;
        }
        ck_assert_int_eq(rc, -ENOMEM);
    }
}
END_TEST

START_TEST(answer_that_cannot_be_sent_is_freed)
{
    for (size_t n = 1;; n++) {
        struct gather_answer *answer = make_usual();
        fault_arm(n);
        int rc = gather_answer_send(&exchange, answer, 0);
        if (!fault_disarm())
            break;
        ck_assert_int_eq(rc, -ENOMEM);
        ck_assert_int_eq(exchange.answer.status, 0);
    }
}
END_TEST

Suite *suite_gather_answer(void);

Suite *suite_gather_answer(void)
{
    Suite *suite = suite_create("daemon/api/gather_answer");
    TCase *tcase = tcase_create("all");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_loop_test(tcase, answer_is_whole_whatever_the_size_of_its_pieces, 0,
                        sizeof(sizes) / sizeof(*sizes));
    tcase_add_test(tcase, answer_of_one_item_has_one_result);
    tcase_add_test(tcase, answer_is_whole_though_results_were_lost);
    tcase_add_test(tcase, answer_that_is_given_up_is_freed);
    tcase_add_test(tcase, answer_that_is_not_sent_is_freed);
    tcase_add_test(tcase, answer_there_is_no_memory_for_takes_its_spec_along);
    tcase_add_test(tcase, answer_that_cannot_be_sent_is_freed);
    suite_add_tcase(suite, tcase);
    return suite;
}
