#include "daemon/base/json_writer.h"

#include <check.h>
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>

#include "tests/support/death.h"
#include "tests/support/fault.h"
#include "tests/support/random.h"

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

static struct buffer out;
static struct json_writer w;

static void set_up(void)
{
    buffer_init(&out, 1 << 20);
    jw_init(&w, &out);
}

static void tear_down(void)
{
    buffer_done(&out);
}

static void assert_written(const char *expected)
{
    ck_assert_int_eq(jw_finish(&w), 0);
    ck_assert_int_eq(buffer_append_byte(&out, '\0'), 0);
    ck_assert_str_eq(out.data, expected);
}

static json_t *parse_written(void)
{
    json_error_t error;
    json_t *value = json_loadb(out.data, out.len,
                               JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, &error);

    ck_assert_msg(value != NULL, "%s: %.*s", error.text, (int)out.len, out.data);
    return value;
}

static void write_sample(struct json_writer *writer)
{
    jw_object_begin(writer);
    jw_key(writer, "index");
    jw_uint(writer, 7);
    jw_key(writer, "id");
    jw_text(writer, NULL);
    jw_key(writer, "hops");
    jw_array_begin(writer);
    jw_array_end(writer);
    jw_key(writer, "headers");
    jw_array_begin(writer);
    jw_array_begin(writer);
    jw_text(writer, "etag");
    jw_string(writer, "\"x\"", 3);
    jw_array_end(writer);
    jw_bool(writer, true);
    jw_bool(writer, false);
    jw_array_end(writer);
    jw_key(writer, "tls");
    jw_object_begin(writer);
    jw_object_end(writer);
    jw_name(writer, "na\nme", 5);
    jw_raw(writer, "{\"a\":1}", 7);
    jw_key(writer, "body");
    jw_base64(writer, "foob", 4);
    jw_key(writer, "total_ms");
    jw_ms(writer, 163196);
    jw_key(writer, "started_at");
    jw_instant(writer, 0);
    jw_object_end(writer);
}

static const char sample[] = "{\"index\":7,\"id\":null,\"hops\":[],\"headers\":[[\"etag\","
                             "\"\\\"x\\\"\"],true,false],\"tls\":{},"
                             "\"na\\nme\":{\"a\":1},\"body\":\"Zm9vYg==\",\"total_ms\":163.196,"
                             "\"started_at\":\"1970-01-01T00:00:00.000000Z\"}";

START_TEST(document_is_compact_and_has_its_commas)
{
    write_sample(&w);
    assert_written(sample);
}
END_TEST

START_TEST(scalar_is_a_document)
{
    jw_null(&w);
    assert_written("null");
}
END_TEST

START_TEST(value_is_appended_to_what_is_there)
{
    ck_assert_int_eq(buffer_append(&out, "1,", 2), 0);
    jw_init(&w, &out);
    jw_array_begin(&w);
    jw_array_end(&w);
    assert_written("1,[]");
}
END_TEST

START_TEST(literal_stands_as_it_is)
{
    jw_object_begin(&w);
    jw_literal(&w, "\"object\":\"result\",\"index\":");
    jw_uint(&w, 7);
    jw_literal(&w, "\"tls\":null,");
    jw_object_end(&w);
    assert_written("{\"object\":\"result\",\"index\":7,\"tls\":null}");
}
END_TEST

START_TEST(what_the_caller_could_not_make_fails_the_document)
{
    jw_array_begin(&w);
    jw_fail(&w, -ENOMEM);
    jw_uint(&w, 7);
    jw_array_end(&w);
    ck_assert_int_eq(jw_finish(&w), -ENOMEM);
    ck_assert_uint_eq(out.len, 0);
}
END_TEST

static const struct {
    int64_t value;
    const char *text;
} integers[] = {
    {0, "0"},     {-1, "-1"},
    {42, "42"},   {INT64_MAX, "9223372036854775807"},
    {-10, "-10"}, {INT64_MIN, "-9223372036854775808"},
};

START_TEST(signed_integer_is_written_in_full)
{
    jw_int(&w, integers[_i].value);
    assert_written(integers[_i].text);
}
END_TEST

START_TEST(unsigned_integer_is_written_in_full)
{
    jw_uint(&w, UINT64_MAX);
    assert_written("18446744073709551615");
}
END_TEST

static const struct {
    int64_t microseconds;
    const char *text;
} durations[] = {
    {0, "0.000"},        {1, "0.001"},
    {112, "0.112"},      {999, "0.999"},
    {1000, "1.000"},     {14310, "14.310"},
    {301234, "301.234"}, {INT64_C(5140799822281), "5140799822.281"},
    {-1, "null"},        {INT64_MAX, "9223372036854775.807"},
    {INT64_MIN, "null"},
};

START_TEST(duration_has_three_decimals_or_is_null)
{
    jw_ms(&w, durations[_i].microseconds);
    assert_written(durations[_i].text);
}
END_TEST

static const struct {
    int64_t microseconds;
    const char *text;
} instants[] = {
    {INT64_C(1769860800000213), "\"2026-01-31T12:00:00.000213Z\""},
    {-1, "\"1969-12-31T23:59:59.999999Z\""},
    {INT64_MIN, "null"},
    {INT64_MAX, "null"},
};

START_TEST(instant_is_text_or_null)
{
    jw_instant(&w, instants[_i].microseconds);
    assert_written(instants[_i].text);
}
END_TEST

static const struct {
    const char *bytes;
    size_t len;
    const char *json;
} strings[] = {
    {"", 0, "\"\""},
    {"plain", 5, "\"plain\""},
    {"eight by", 8, "\"eight by\""},
    {"\"\\/", 3, "\"\\\"\\\\/\""},
    {"\b\f\n\r\t", 5, "\"\\b\\f\\n\\r\\t\""},
    {"\0\x01\x1f\x7f", 4, "\"\\u0000\\u0001\\u001f\x7f\""},
    {"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 9, "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\""},
    {"caf\xe9", 4, "\"caf\\u00e9\""},
    {"\xc3\xa9\xc3", 3, "\"\xc3\xa9\\u00c3\""},
    {"\xed\xa0\x80", 3, "\"\\u00ed\\u00a0\\u0080\""},
    {"<script>&'\xe2\x80\xa8", 13, "\"<script>&'\xe2\x80\xa8\""},
    {"aaaaaaa\"", 8, "\"aaaaaaa\\\"\""},
    {"aaaaaaaa\"bbbbbbbb\n", 18, "\"aaaaaaaa\\\"bbbbbbbb\\n\""},
};

START_TEST(string_is_escaped_where_it_must_be)
{
    jw_string(&w, strings[_i].bytes, strings[_i].len);
    assert_written(strings[_i].json);
}
END_TEST

/* The length of the UTF-8 character at bytes by jansson's judgement; 0 if there is none. */
static size_t character_len(const unsigned char *bytes, size_t len)
{
    for (size_t n = 1; n <= 4 && n <= len; n++) {
        json_t *string = json_stringn((const char *)bytes, n);

        json_decref(string);
        if (string != NULL)
            return n;
    }
    return 0;
}

/* What a reader has to get: the bytes, those that are not UTF-8 as Latin-1. */
static size_t expected_text(const unsigned char *bytes, size_t len, char *text)
{
    size_t n_text = 0;

    for (size_t i = 0; i < len;) {
        size_t n = character_len(bytes + i, len - i);

        memcpy(text + n_text, bytes + i, n);
        n_text += n;
        if (n == 0) {
            text[n_text++] = (char)(0xc0 | bytes[i] >> 6);
            text[n_text++] = (char)(0x80 | (bytes[i] & 0x3f));
        }
        i += n > 0 ? n : 1;
    }
    return n_text;
}

static void fill_with_text(struct random *random, unsigned char *bytes, size_t len)
{
    static const char pieces[][5] = {"\"",
                                     "\\",
                                     "\n",
                                     "\x1f",
                                     "\x20",
                                     "\x7f",
                                     "\x80",
                                     "\xff",
                                     "\xc3\xa9",
                                     "\xe2\x82\xac",
                                     "\xf0\x9f\x98\x80"};
    uint32_t n_special = random_below(random, 4);

    for (size_t i = 0; i < len; i++)
        bytes[i] = (unsigned char)('a' + random_below(random, 26));
    for (uint32_t i = 0; i < n_special && len > 0; i++) {
        const char *piece = pieces[random_below(random, N_ELEMENTS(pieces))];
        size_t at = random_below(random, (uint32_t)len);
        size_t n = strlen(piece);

        memcpy(bytes + at, piece, n < len - at ? n : len - at);
    }
}

static void assert_reads_back(const unsigned char *bytes, size_t len)
{
    char text[2048];
    size_t n_text = expected_text(bytes, len, text);

    out.len = 0;
    jw_init(&w, &out);
    jw_string(&w, (const char *)bytes, len);
    ck_assert_int_eq(jw_finish(&w), 0);
    json_t *value = parse_written();
    ck_assert_uint_eq(json_string_length(value), n_text);
    ck_assert_mem_eq(json_string_value(value), text, n_text);
    json_decref(value);
}

START_TEST(text_with_a_few_special_characters_reads_back)
{
    struct random random = {1};
    unsigned char bytes[80];

    for (int round = 0; round < 3000; round++) {
        size_t len = random_below(&random, sizeof(bytes) + 1);

        fill_with_text(&random, bytes, len);
        assert_reads_back(bytes, len);
    }
}
END_TEST

START_TEST(random_bytes_read_back)
{
    struct random random = {2};
    unsigned char bytes[200];

    for (int round = 0; round < 500; round++) {
        size_t len = random_below(&random, sizeof(bytes) + 1);

        for (size_t i = 0; i < len; i++)
            bytes[i] = (unsigned char)random_next(&random);
        assert_reads_back(bytes, len);
    }
}
END_TEST

START_TEST(one_special_byte_is_seen_wherever_it_is)
{
    static const unsigned char specials[] = {0,   0x1f, 0x20, '!',  '"',  '#',
                                             '[', '\\', ']',  0x7f, 0x80, 0xff};
    unsigned char bytes[40];

    for (size_t len = 1; len <= sizeof(bytes); len++) {
        for (size_t i = 0; i < len * sizeof(specials); i++) {
            memset(bytes, 'a', len);
            bytes[i / sizeof(specials)] = specials[i % sizeof(specials)];
            assert_reads_back(bytes, len);
        }
    }
}
END_TEST

START_TEST(texts_of_every_length_read_back)
{
    unsigned char bytes[1024] = {0};

    for (size_t len = 0; len <= sizeof(bytes); len++) {
        memset(bytes, 'a', len);
        assert_reads_back(bytes, len);
        if (len > 0)
            bytes[len - 1] = '"';
        assert_reads_back(bytes, len);
    }
}
END_TEST

/* Where it ends in memory is where the sanitizers watch. */
START_TEST(no_byte_behind_the_text_is_read)
{
    for (size_t len = 0; len < 40; len++) {
        char *text = malloc(len + 1);

        memset(text, 'a', len);
        char *exact = realloc(text, len > 0 ? len : 1);
        jw_init(&w, &out);
        jw_string(&w, exact, len);
        ck_assert_int_eq(jw_finish(&w), 0);
        free(exact);
    }
}
END_TEST

/* Writes a random value and returns the same one as jansson has it. */
static json_t *write_random_value(struct random *random, int depth);

static json_t *write_random_object(struct random *random, int depth)
{
    json_t *object = json_object();
    uint32_t n = random_below(random, 5);

    jw_object_begin(&w);
    for (uint32_t i = 0; i < n; i++) {
        char key[16];

        snprintf(key, sizeof(key), "key\t%u", (unsigned)i);
        jw_name(&w, key, strlen(key));
        json_object_set_new(object, key, write_random_value(random, depth + 1));
    }
    jw_object_end(&w);
    return object;
}

static json_t *write_random_array(struct random *random, int depth)
{
    json_t *array = json_array();
    uint32_t n = random_below(random, 5);

    jw_array_begin(&w);
    for (uint32_t i = 0; i < n; i++)
        json_array_append_new(array, write_random_value(random, depth + 1));
    jw_array_end(&w);
    return array;
}

static json_t *write_random_scalar(struct random *random)
{
    int64_t number = (int64_t)(random_next(random) >> random_below(random, 64));

    switch (random_below(random, 4)) {
    case 0:
        jw_int(&w, number);
        return json_integer(number);
    case 1:
        jw_bool(&w, number & 1);
        return json_boolean(number & 1);
    case 2:
        jw_null(&w);
        return json_null();
    default:
        jw_text(&w, number & 1 ? "odd,\"" : "");
        return json_string(number & 1 ? "odd,\"" : "");
    }
}

static json_t *write_random_value(struct random *random, int depth)
{
    uint32_t kind = random_below(random, 4);

    if (depth < 6 && kind == 0)
        return write_random_object(random, depth);
    if (depth < 6 && kind == 1)
        return write_random_array(random, depth);
    return write_random_scalar(random);
}

START_TEST(random_document_reads_back)
{
    struct random random = {1};

    for (int round = 0; round < 1000; round++) {
        out.len = 0;
        jw_init(&w, &out);
        json_t *expected = write_random_value(&random, 0);
        ck_assert_int_eq(jw_finish(&w), 0);
        json_t *value = parse_written();
        ck_assert(json_equal(value, expected));
        json_decref(value);
        json_decref(expected);
    }
}
END_TEST

/* Only a number may need a little more room than its digits. */
START_TEST(whatever_the_limit_the_document_is_whole_or_not_there)
{
    for (size_t max = 0; max < sizeof(sample) + 32; max++) {
        struct buffer limited;
        struct json_writer writer;

        buffer_init(&limited, max);
        (void)buffer_append(&limited, "head", max > 4 ? 4 : 0);
        size_t before = limited.len;
        jw_init(&writer, &limited);
        write_sample(&writer);
        int rc = jw_finish(&writer);
        if (max < before + sizeof(sample) - 1)
            ck_assert_int_eq(rc, -EMSGSIZE);
        if (max >= before + sizeof(sample) + 24)
            ck_assert_int_eq(rc, 0);
        ck_assert_uint_eq(limited.len, before + (rc == 0 ? sizeof(sample) - 1 : 0));
        if (rc == 0)
            ck_assert_mem_eq(limited.data + before, sample, sizeof(sample) - 1);
        buffer_done(&limited);
    }
}
END_TEST

static void write_large_sample(struct json_writer *writer)
{
    jw_array_begin(writer);
    for (int i = 0; i < 20; i++)
        write_sample(writer);
    jw_array_end(writer);
}

START_TEST(failed_allocation_is_told_at_the_end)
{
    for (size_t n = 1;; n++) {
        size_t before = fault_live();
        struct buffer buffer;
        struct json_writer writer;

        buffer_init(&buffer, 1 << 20);
        jw_init(&writer, &buffer);
        fault_arm(n);
        write_large_sample(&writer);
        bool failed = fault_disarm();
        ck_assert_int_eq(jw_finish(&writer), failed ? -ENOMEM : 0);
        ck_assert_uint_eq(buffer.len == 0, failed);
        buffer_done(&buffer);
        ck_assert_uint_eq(fault_live(), before);
        if (!failed)
            break;
    }
}
END_TEST

static void end_the_document_in_an_object(void)
{
    jw_object_begin(&w);
    (void)jw_finish(&w);
}

static void end_an_empty_document(void)
{
    (void)jw_finish(&w);
}

static void end_what_did_not_begin(void)
{
    jw_array_end(&w);
}

static void (*const misuses[])(void) = {
    end_the_document_in_an_object,
    end_an_empty_document,
    end_what_did_not_begin,
};

START_TEST(a_document_that_is_not_well_formed_is_a_bug)
{
    assert_dies(misuses[_i], SIGABRT, "Assertion");
}
END_TEST

static TCase *misuse_tests(void)
{
    TCase *tcase = tcase_create("misuse");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_loop_test(tcase, a_document_that_is_not_well_formed_is_a_bug, 0,
                        sizeof(misuses) / sizeof(*misuses));
    return tcase;
}

Suite *suite_json_writer(void);

Suite *suite_json_writer(void)
{
    Suite *suite = suite_create("daemon/base/json_writer");
    TCase *tcase = tcase_create("all");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, document_is_compact_and_has_its_commas);
    tcase_add_test(tcase, scalar_is_a_document);
    tcase_add_test(tcase, value_is_appended_to_what_is_there);
    tcase_add_test(tcase, literal_stands_as_it_is);
    tcase_add_test(tcase, what_the_caller_could_not_make_fails_the_document);
    tcase_add_loop_test(tcase, signed_integer_is_written_in_full, 0, N_ELEMENTS(integers));
    tcase_add_test(tcase, unsigned_integer_is_written_in_full);
    tcase_add_loop_test(tcase, duration_has_three_decimals_or_is_null, 0, N_ELEMENTS(durations));
    tcase_add_loop_test(tcase, instant_is_text_or_null, 0, N_ELEMENTS(instants));
    tcase_add_loop_test(tcase, string_is_escaped_where_it_must_be, 0, N_ELEMENTS(strings));
    tcase_add_test(tcase, text_with_a_few_special_characters_reads_back);
    tcase_add_test(tcase, random_bytes_read_back);
    tcase_add_test(tcase, one_special_byte_is_seen_wherever_it_is);
    tcase_add_test(tcase, texts_of_every_length_read_back);
    tcase_add_test(tcase, no_byte_behind_the_text_is_read);
    tcase_add_test(tcase, random_document_reads_back);
    tcase_add_test(tcase, whatever_the_limit_the_document_is_whole_or_not_there);
    tcase_add_test(tcase, failed_allocation_is_told_at_the_end);
    suite_add_tcase(suite, tcase);
    suite_add_tcase(suite, misuse_tests());
    return suite;
}
