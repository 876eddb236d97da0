#include "daemon/engine/recorded.h"

#include <check.h>
#include <errno.h>
#include <string.h>

#include "daemon/model/result_codec.h"

#include "tests/support/fault.h"
#include "tests/support/results.h"

static struct result_encoder encoder;
static struct shape_cache shapes;
static struct job_record record;
static struct arena arena;
static struct recorded recorded;

static void set_up(void)
{
    ck_assert_int_eq(result_encoder_init(&encoder), 0);
    memset(&shapes, 0, sizeof(shapes));
    record = (struct job_record){.number = 7, .created_at = RESULTS_EPOCH};
    arena_init(&arena, 16 << 20);
    memset(&recorded, 0, sizeof(recorded));
}

static void tear_down(void)
{
    recorded_done(&recorded);
    arena_done(&arena);
    result_encoder_done(&encoder);
}

static void keep(uint32_t index, const struct result *result)
{
    recorded_done(&recorded);
    recorded_init(&recorded, &encoder, &shapes, &record, index, index + 1, result);
}

/* Reads back what was kept, with the shape of the item that brought it. */
static struct result read_back(const char *shape, size_t shape_length, uint64_t *ret_seq)
{
    const struct encoded_result encoded = {
        .shape = shape,
        .shape_length = shape_length,
        .row = recorded.result.row,
        .row_length = recorded.result.row_length,
        .body = recorded.result.body,
        .body_length = recorded.result.body_length,
    };
    struct result result;

    ck_assert_int_eq(result_decode(&encoded, record.created_at, &arena, &result, ret_seq), 0);
    return result;
}

START_TEST(result_is_kept)
{
    struct result result;
    uint64_t seq;

    results_usual(3, &arena, &result);
    keep(3, &result);
    ck_assert_int_eq(recorded.result.job, 7);
    ck_assert_uint_eq(recorded.result.index, 3);
    ck_assert_uint_eq(recorded.result.shape_of, 3);
    struct result back = read_back(recorded.result.shape, recorded.result.shape_length, &seq);
    ck_assert_uint_eq(seq, 4);
    ck_assert_int_eq(back.response.status, result.response.status);
    ck_assert_int_eq(back.total_us, result.total_us);
}
END_TEST

START_TEST(shape_is_kept_once)
{
    struct result result;

    for (uint32_t i = 0; i < 100; i++) {
        results_usual(i, &arena, &result);
        keep(i, &result);
        ck_assert_uint_eq(recorded.result.shape_of, 0);
        ck_assert_int_eq(recorded.result.shape != NULL, i == 0);
        ck_assert_int_eq(recorded.bytes != NULL, i == 0);
    }
}
END_TEST

START_TEST(any_result_is_kept)
{
    struct random random = {(uint64_t)_i + 1};

    for (uint32_t i = 0; i < 50; i++) {
        struct result result;
        uint64_t seq;
        results_any(&random, &arena, &result);
        memset(&shapes, 0, sizeof(shapes));
        keep(i, &result);
        struct result back = read_back(recorded.result.shape, recorded.result.shape_length, &seq);
        ck_assert_int_eq(back.outcome, result.outcome);
        ck_assert_uint_eq(back.n_attempts, result.n_attempts);
        ck_assert_uint_eq(recorded.result.body_length,
                          result.response.body != NULL ? result.response.body_length : 0);
        ck_assert_int_eq(recorded.result.body != NULL, result.response.body != NULL);
    }
}
END_TEST

START_TEST(without_memory_the_result_says_so)
{
    struct result result;
    uint64_t seq;

    results_usual(5, &arena, &result);
    fault_arm_sticky(1);
    keep(5, &result);
    ck_assert(fault_disarm());
    ck_assert_int_eq(recorded.result.outcome, OUTCOME_TRANSPORT_ERROR);
    ck_assert_str_eq(recorded.entry.error_code, "resource_exhausted");
    struct result back = read_back(recorded.result.shape, recorded.result.shape_length, &seq);
    ck_assert_str_eq(back.error.code, "resource_exhausted");
    ck_assert_int_eq(back.finished_at, result.finished_at);
    ck_assert_uint_eq(seq, 6);

    keep(6, &result);
    ck_assert_uint_eq(recorded.result.shape_of, 6); /* the one before was not remembered */
}
END_TEST

START_TEST(without_memory_there_is_no_encoder)
{
    for (size_t n = 1;; n++) {
        struct result_encoder other;
        size_t live = fault_live();
        fault_arm(n);
        int rc = result_encoder_init(&other);
        if (!fault_disarm()) {
            result_encoder_done(&other);
            break;
        }
        ck_assert_int_eq(rc, -ENOMEM);
        ck_assert_uint_eq(fault_live(), live);
    }
}
END_TEST

Suite *suite_recorded(void);

Suite *suite_recorded(void)
{
    Suite *suite = suite_create("daemon/engine/recorded");
    TCase *tcase = tcase_create("all");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, result_is_kept);
    tcase_add_test(tcase, shape_is_kept_once);
    tcase_add_loop_test(tcase, any_result_is_kept, 0, 5);
    tcase_add_test(tcase, without_memory_the_result_says_so);
    tcase_add_test(tcase, without_memory_there_is_no_encoder);
    suite_add_tcase(suite, tcase);
    return suite;
}
