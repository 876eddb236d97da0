#include "daemon/model/tally.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/net/http.h"

#include "daemon/base/pack.h"

#include "tests/support/fault.h"
#include "tests/support/random.h"
#include "tests/support/results.h"

static struct tally tally, decoded;
static struct buffer buffer;

static void set_up(void)
{
    buffer_init(&buffer, 1 << 20);
}

static void tear_down(void)
{
    buffer_done(&buffer);
}

/* With results of all outcomes, statuses and durations, and all codes that a fetch can have. */
static void fill(struct random *random, size_t n)
{
    tally_init(&tally, n + random_below(random, 3));
    for (size_t i = 0; i < n; i++) {
        const struct tally_entry entry = {
            .error_code = co_http_error_name((enum co_http_error)random_below(random, 20)),
            .total_us = (int64_t)(random_next(random) >> (25 + random_below(random, 39))) - 1,
            .received_bytes = random_next(random) >> 30,
            .status = (uint16_t)random_below(random, 1100),
            .outcome = (uint8_t)random_below(random, N_OUTCOMES),
            .was_retried = random_below(random, 5) == 0,
        };
        tally_add_entry(&tally, &entry);
    }
}

static void encode(void)
{
    buffer.len = 0;
    ck_assert_int_eq(tally_encode(&tally, &buffer), 0);
}

/* From a block of just that size. */
static int decode(size_t length)
{
    char *bytes = malloc(length + !length);
    int rc = tally_decode(&decoded, memcpy(bytes, buffer.data, length), length);

    free(bytes);
    return rc;
}

static void show(const struct tally *shown, struct buffer *out)
{
    struct json_writer writer;

    buffer_init(out, 1 << 20);
    jw_init(&writer, out);
    jw_array_begin(&writer);
    tally_render_counts(shown, 0, &writer);
    tally_render_stats(shown, &writer);
    jw_array_end(&writer);
    ck_assert_int_eq(jw_finish(&writer), 0);
}

static void expect_same(void)
{
    struct buffer before, after;

    show(&tally, &before);
    show(&decoded, &after);
    ck_assert_uint_eq(before.len, after.len);
    ck_assert_mem_eq(before.data, after.data, before.len);
    buffer_done(&before);
    buffer_done(&after);
}

/* It goes on as the one it was made of, too. */
START_TEST(any_tally_comes_back)
{
    struct random random = {(uint64_t)_i};

    fill(&random, (size_t)1 << _i);
    encode();
    ck_assert_int_eq(decode(buffer.len), 0);
    expect_same();
    tally_add_rest(&tally, tally.n_items - tally.n_finished, OUTCOME_SKIPPED, "canceled");
    tally_add_rest(&decoded, decoded.n_items - decoded.n_finished, OUTCOME_SKIPPED, "canceled");
    expect_same();
}
END_TEST

START_TEST(usual_tally_is_some_hundred_bytes)
{
    struct random random = {1};
    const struct tally_entry failed = {
        .error_code = "connect_refused", .total_us = 100, .outcome = OUTCOME_TRANSPORT_ERROR};

    tally_init(&tally, 1000000);
    for (int i = 0; i < 100000; i++) {
        const struct tally_entry entry = {
            .total_us = 500 + random_below(&random, 100000), .received_bytes = 1000, .status = 200};
        tally_add_entry(&tally, &entry);
    }
    tally_add_entry(&tally, &failed);
    encode();
    ck_assert_uint_lt(buffer.len, 1000);
}
END_TEST

START_TEST(unknown_code_counts_as_internal)
{
    const struct tally_entry entry = {.error_code = "a_code_of_tomorrow", .total_us = -1};

    tally_init(&tally, 1);
    tally_add_entry(&tally, &entry);
    encode();
    ck_assert_int_eq(decode(buffer.len), 0);
    ck_assert_uint_eq(decoded.n_error_codes, 1);
    ck_assert_str_eq(decoded.errors[0].code, "internal");
    ck_assert_uint_eq(decoded.errors[0].n, 1);
}
END_TEST

START_TEST(tally_that_was_cut_is_refused)
{
    struct random random = {2};

    fill(&random, 100);
    encode();
    for (size_t n = 0; n < buffer.len; n++)
        ck_assert_int_eq(decode(n), -EBADMSG);
    ck_assert_int_eq(buffer_append_byte(&buffer, 0), 0);
    ck_assert_int_eq(decode(buffer.len), -EBADMSG);
}
END_TEST

START_TEST(flipped_bytes_do_no_harm)
{
    struct random random = {(uint64_t)_i};

    fill(&random, 100);
    encode();
    for (int i = 0; i < 5000; i++) {
        size_t at = random_below(&random, (uint32_t)buffer.len);
        char was = buffer.data[at];
        buffer.data[at] = (char)random_next(&random);
        int rc = decode(buffer.len);
        ck_assert(rc == 0 || rc == -EBADMSG);
        if (rc == 0) {
            struct buffer shown;
            ck_assert_uint_le(decoded.n_finished, decoded.n_items);
            show(&decoded, &shown);
            buffer_done(&shown);
        }
        if (random_below(&random, 4) > 0)
            buffer.data[at] = was;
    }
}
END_TEST

START_TEST(without_memory_nothing_is_encoded)
{
    struct random random = {3};

    fill(&random, 1000);
    for (size_t n = 1;; n++) {
        buffer_done(&buffer);
        fault_arm(n);
        int rc = tally_encode(&tally, &buffer);
        if (!fault_disarm())
            break;
        ck_assert_int_eq(rc, -ENOMEM);
    }
}
END_TEST

/* --- Entries ---------------------------------------------------------------------------------- */

START_TEST(entry_counts_as_its_result)
{
    struct random random = {(uint64_t)_i};
    struct arena arena;
    struct result result;

    arena_init(&arena, 1 << 24);
    tally_init(&tally, 100);
    tally_init(&decoded, 100);
    for (int i = 0; i < 100; i++) {
        results_any(&random, &arena, &result);
        struct tally_entry entry = tally_entry(&result);
        tally_add(&tally, &result);
        tally_add_entry(&decoded, &entry);
    }
    expect_same();
    arena_done(&arena);
}
END_TEST

START_TEST(rest_counts_as_many_as_it_is)
{
    tally_init(&tally, 1000000);
    tally_add_rest(&tally, 999999, OUTCOME_SKIPPED, "canceled");
    ck_assert_uint_eq(tally.n_finished, 999999);
    ck_assert_uint_eq(tally.n_outcomes[OUTCOME_SKIPPED], 999999);
    ck_assert_uint_eq(tally.errors[0].n, 999999);
    ck_assert_uint_eq(tally.total_us.n, 0);
    tally_add_rest(&tally, 0, OUTCOME_SKIPPED, "deadline_exceeded");
    ck_assert_uint_eq(tally.n_error_codes, 1);
}
END_TEST

Suite *suite_tally_codec(void);

Suite *suite_tally_codec(void)
{
    Suite *suite = suite_create("daemon/model/tally_codec");
    TCase *tcase = tcase_create("all");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_loop_test(tcase, any_tally_comes_back, 0, 16);
    tcase_add_test(tcase, usual_tally_is_some_hundred_bytes);
    tcase_add_test(tcase, unknown_code_counts_as_internal);
    tcase_add_test(tcase, tally_that_was_cut_is_refused);
    tcase_add_loop_test(tcase, flipped_bytes_do_no_harm, 0, 10);
    tcase_add_test(tcase, without_memory_nothing_is_encoded);
    tcase_add_loop_test(tcase, entry_counts_as_its_result, 0, 5);
    tcase_add_test(tcase, rest_counts_as_many_as_it_is);
    suite_add_tcase(suite, tcase);
    return suite;
}
