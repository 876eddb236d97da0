#include "daemon/model/result_codec.h"
#include "daemon/model/result_codec_private.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/fault.h"
#include "tests/support/random.h"
#include "tests/support/results.h"
#include "tests/support/scale.h"
#include "tests/support/spec.h"

static struct job_spec *spec;
static struct arena arena, decoded_arena;
static struct buffer shape, row;
static struct result result, decoded;
static size_t live_before;

static void set_up(void)
{
    live_before = fault_live();
    spec = spec_of("[{\"url\": \"http://one.example/\", \"capture\": {\"body\": \"full\"},"
                   " \"expect\": {\"status\": [200]}}]");
    arena_init(&arena, 1 << 24);
    arena_init(&decoded_arena, 1 << 24);
    buffer_init(&shape, 1 << 20);
    buffer_init(&row, 1 << 20);
}

static void tear_down(void)
{
    buffer_done(&row);
    buffer_done(&shape);
    arena_done(&decoded_arena);
    arena_done(&arena);
    job_spec_free(spec);
    ck_assert_uint_eq(fault_live(), live_before);
}

static void encode(uint64_t seq)
{
    shape.len = row.len = 0;
    ck_assert_int_eq(result_encode(&result, seq, RESULTS_EPOCH, &shape, &row), 0);
}

/* From blocks of just that size, so that nobody reads beyond them unseen. */
static int decode_parts(const char *shape_bytes, size_t shape_length, const char *row_bytes,
                        size_t row_length, struct result *ret_result, uint64_t *ret_seq)
{
    char *shape_copy = malloc(shape_length + !shape_length);
    char *row_copy = malloc(row_length + !row_length);
    const struct encoded_result encoded = {
        .shape = memcpy(shape_copy, shape_bytes, shape_length),
        .shape_length = shape_length,
        .row = memcpy(row_copy, row_bytes, row_length),
        .row_length = row_length,
    };
    int rc = result_decode(&encoded, RESULTS_EPOCH, &decoded_arena, ret_result, ret_seq);

    if (rc == 0) {
        struct buffer out;
        struct json_writer writer;
        const struct result_place place = {.spec = spec, .seq = *ret_seq};
        buffer_init(&out, 1 << 22);
        jw_init(&writer, &out);
        render_result(&writer, &place, ret_result, true);
        ck_assert_int_eq(jw_finish(&writer), 0);
        buffer_done(&out);
    }
    free(shape_copy);
    free(row_copy);
    arena_done(&decoded_arena);
    return rc;
}

/* --- What went in comes out ------------------------------------------------------------------- */

START_TEST(any_result_is_shown_as_it_was)
{
    struct random random = {(uint64_t)_i};

    for (int i = 0; i < 200; i++) {
        const struct result_place place = {.spec = spec, .seq = random_next(&random) >> (i % 64)};
        results_any(&random, &arena, &result);
        results_expect_kept(&place, &result, i % 2 == 0);
        arena_done(&arena);
    }
}
END_TEST

START_TEST(usual_result_is_shown_as_it_was)
{
    for (uint32_t i = 0; i < 100; i++) {
        const struct result_place place = {.spec = spec, .seq = i + 1};
        results_usual(1000003 * i, &arena, &result);
        results_expect_kept(&place, &result, true);
    }
}
END_TEST

START_TEST(result_of_nothing_is_shown_as_it_was)
{
    const struct result_place place = {.spec = spec};

    result_init(&result);
    results_expect_kept(&place, &result, true);
}
END_TEST

START_TEST(error_code_is_a_static_one_again)
{
    char code[] = "connect_refused";
    uint64_t seq;
    struct encoded_result encoded;

    result_init(&result);
    result_fail(&result, OUTCOME_TRANSPORT_ERROR, code, "connect", "it was refused");
    encode(1);
    encoded = (struct encoded_result){shape.data, shape.len, row.data, row.len, NULL, 0};
    ck_assert_int_eq(result_decode(&encoded, RESULTS_EPOCH, &decoded_arena, &decoded, &seq), 0);
    ck_assert_ptr_eq(decoded.error.code, co_http_error_name(CO_HTTP_CONNECT_REFUSED));
}
END_TEST

/* --- Size ------------------------------------------------------------------------------------- */

START_TEST(usual_results_share_a_shape_and_their_rows_are_small)
{
    struct buffer first;
    size_t n_bytes = 0;

    results_usual(0, &arena, &result);
    encode(1);
    first = shape;
    buffer_init(&shape, 1 << 20);
    for (uint32_t i = 1; i < 1000000; i += 997) {
        results_usual(i, &arena, &result);
        encode(i + 1);
        ck_assert_uint_eq(shape.len, first.len);
        ck_assert_mem_eq(shape.data, first.data, first.len);
        n_bytes += row.len;
        arena_done(&arena);
    }
    buffer_done(&first);
    ck_assert_uint_lt(n_bytes / (1000000 / 997), 40);
}
END_TEST

/* --- Damage ----------------------------------------------------------------------------------- */

static void expect_sound(int rc)
{
    if (rc != 0 && rc != -EBADMSG && rc != -ENOMEM)
        ck_abort_msg("decoding said %d", rc);
}

/* Decodes parts whose checksum is right, whatever they are. */
static int decode_sealed(size_t shape_length, size_t row_length)
{
    struct buffer sealed;
    uint32_t sum = result_checksum(shape.data, shape_length, row.data, row_length);
    uint64_t seq;

    buffer_init(&sealed, 1 << 20);
    ck_assert_int_eq(buffer_append(&sealed, row.data, row_length), 0);
    ck_assert_int_eq(buffer_append(&sealed, &sum, sizeof(sum)), 0);
    int rc = decode_parts(shape.data, shape_length, sealed.data, sealed.len, &decoded, &seq);
    buffer_done(&sealed);
    return rc;
}

START_TEST(result_that_was_cut_is_refused)
{
    struct random random = {(uint64_t)_i};
    size_t row_length;

    results_any(&random, &arena, &result);
    encode(7);
    row_length = row.len - sizeof(uint32_t);
    for (size_t n = 0; n < shape.len; n++)
        ck_assert_int_eq(decode_sealed(n, row_length), -EBADMSG);
    for (size_t n = 0; n < row_length; n++)
        ck_assert_int_eq(decode_sealed(shape.len, n), -EBADMSG);
}
END_TEST

START_TEST(bytes_after_a_result_are_refused)
{
    results_usual(0, &arena, &result);
    encode(7);
    size_t row_length = row.len - sizeof(uint32_t);
    ck_assert_int_eq(decode_sealed(shape.len, row_length), 0);
    ck_assert_int_eq(decode_sealed(shape.len, row_length + 1), -EBADMSG);
    ck_assert_int_eq(buffer_append_byte(&shape, 0), 0);
    ck_assert_int_eq(decode_sealed(shape.len, row_length), -EBADMSG);
}
END_TEST

START_TEST(flipped_byte_is_noticed)
{
    struct random random = {(uint64_t)_i};
    uint64_t seq;

    results_any(&random, &arena, &result);
    encode(7);
    for (size_t i = 0; i < shape.len + row.len; i++) {
        char *byte = i < shape.len ? &shape.data[i] : &row.data[i - shape.len];
        char flipped = (char)(1 + random_below(&random, 255));
        *byte ^= flipped;
        ck_assert_int_eq(decode_parts(shape.data, shape.len, row.data, row.len, &decoded, &seq),
                         -EBADMSG);
        *byte ^= flipped;
    }
}
END_TEST

START_TEST(flipped_bytes_do_no_harm)
{
    struct random random = {(uint64_t)_i};

    results_any(&random, &arena, &result);
    encode(7);
    for (int i = 0; i < 2000; i++) {
        struct buffer *spoilt = random_below(&random, 2) == 0 ? &shape : &row;
        size_t at = random_below(&random, (uint32_t)spoilt->len);
        char was = spoilt->data[at];
        spoilt->data[at] = (char)random_next(&random);
        expect_sound(decode_sealed(shape.len, row.len - sizeof(uint32_t)));
        if (random_below(&random, 4) > 0)
            spoilt->data[at] = was;
    }
}
END_TEST

START_TEST(form_of_a_newer_version_is_refused)
{
    results_usual(0, &arena, &result);
    encode(7);
    size_t row_length = row.len - sizeof(uint32_t);
    row.data[0]++;
    ck_assert_int_eq(decode_sealed(shape.len, row_length), -EBADMSG);
    row.data[0]--;
    shape.data[0]++;
    ck_assert_int_eq(decode_sealed(shape.len, row_length), -EBADMSG);
}
END_TEST

/* --- Memory ----------------------------------------------------------------------------------- */

START_TEST(without_memory_nothing_is_encoded)
{
    struct random random = {(uint64_t)_i};

    results_any(&random, &arena, &result);
    for (size_t n = 1;; n++) {
        buffer_done(&shape);
        buffer_done(&row);
        fault_arm(n);
        int rc = result_encode(&result, 1, RESULTS_EPOCH, &shape, &row);
        if (!fault_disarm())
            break;
        ck_assert_int_eq(rc, -ENOMEM);
    }
}
END_TEST

START_TEST(without_room_nothing_is_encoded)
{
    results_usual(0, &arena, &result);
    encode(1);
    row.max = row.len - 1;
    buffer_done(&row);
    shape.len = 0;
    ck_assert_int_eq(result_encode(&result, 1, RESULTS_EPOCH, &shape, &row), -EMSGSIZE);
}
END_TEST

START_TEST(without_memory_nothing_is_decoded)
{
    struct random random = {(uint64_t)_i};
    struct encoded_result encoded;
    uint64_t seq;

    results_any(&random, &arena, &result);
    encode(1);
    encoded = (struct encoded_result){shape.data, shape.len, row.data, row.len, NULL, 0};
    for (size_t n = 1;; n++) {
        arena_done(&decoded_arena);
        fault_arm(n);
        int rc = result_decode(&encoded, RESULTS_EPOCH, &decoded_arena, &decoded, &seq);
        if (!fault_disarm())
            break;
        ck_assert_int_eq(rc, -ENOMEM);
    }
}
END_TEST

Suite *suite_result_codec(void);

Suite *suite_result_codec(void)
{
    Suite *suite = suite_create("daemon/model/result_codec");
    TCase *tcase = tcase_create("all");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_loop_test(tcase, any_result_is_shown_as_it_was, 0, 20 / (int)every(5));
    tcase_add_test(tcase, usual_result_is_shown_as_it_was);
    tcase_add_test(tcase, result_of_nothing_is_shown_as_it_was);
    tcase_add_test(tcase, error_code_is_a_static_one_again);
    tcase_add_test(tcase, usual_results_share_a_shape_and_their_rows_are_small);
    tcase_add_loop_test(tcase, result_that_was_cut_is_refused, 0, 10 / (int)every(5));
    tcase_add_test(tcase, bytes_after_a_result_are_refused);
    tcase_add_loop_test(tcase, flipped_byte_is_noticed, 0, 20 / (int)every(5));
    tcase_add_loop_test(tcase, flipped_bytes_do_no_harm, 0, 20 / (int)every(5));
    tcase_add_test(tcase, form_of_a_newer_version_is_refused);
    tcase_add_loop_test(tcase, without_memory_nothing_is_encoded, 0, 10 / (int)every(5));
    tcase_add_test(tcase, without_room_nothing_is_encoded);
    tcase_add_loop_test(tcase, without_memory_nothing_is_decoded, 0, 10 / (int)every(5));
    suite_add_tcase(suite, tcase);
    return suite;
}
