#include "daemon/client/result_stream.h"

#include <check.h>
#include <errno.h>
#include <stdint.h>

#include "tests/support/fault.h"
#include "tests/support/runtime.h"

#define FIRST  "{\"object\":\"result\",\"index\":0,\"seq\":7,\"outcome\":\"success\"}\n"
#define SECOND "{\"object\":\"result\",\"index\":1,\"seq\":8,\"outcome\":\"http_error\"}\n"
#define LAST   "{\"type\":\"gather\",\"object\":\"gather\",\"counts\":{\"total\":2}}\n"

static struct output output;
static struct options options;
static struct result_stream stream;

/* Lines are kept in output.text until there are many. */
static void begin(void)
{
    output = (struct output){0};
    buffer_init(&output.text, SIZE_MAX);
    assert_ok(result_stream_begin(&stream, &options, &output));
}

/* Nothing of it reaches our own standard output. */
static void end(void)
{
    output.failure = -EPIPE;
    (void)result_stream_end(&stream);
    buffer_done(&output.text);
}

static void set_up(void)
{
    options = (struct options){.format = OUTPUT_NDJSON};
}

static void take(const char *text)
{
    result_stream_take(&stream, text, strlen(text));
}

static void assert_text(const char *text)
{
    ck_assert_uint_eq(output.text.len, strlen(text));
    ck_assert_mem_eq(output.text.data, text, strlen(text));
}

CO_TEST(results_are_counted_and_passed_on)
{
    begin();
    take(FIRST SECOND);
    assert_text(FIRST SECOND);
    ck_assert_uint_eq(stream.n_results, 2);
    ck_assert_uint_eq(stream.n_failed, 1);
    ck_assert_uint_eq(output.progress.n_done, 2);
    ck_assert_uint_eq(output.progress.n_failed, 1);
    ck_assert_int_eq(stream.rc, 0);
    end();
}

CO_TEST(bytes_may_come_one_by_one)
{
    begin();
    for (const char *at = FIRST SECOND LAST; *at != '\0'; at++)
        result_stream_take(&stream, at, 1);
    assert_text(FIRST SECOND);
    ck_assert(stream.ending_came);
    end();
}

CO_TEST(line_that_ends_the_stream_is_no_result)
{
    begin();
    take(LAST);
    ck_assert(stream.ending_came);
    ck_assert_uint_eq(stream.n_results, 0);
    ck_assert_uint_eq(stream.last.len, strlen(LAST) - 1);
    take(LAST); /* there is only one */
    ck_assert_uint_eq(stream.last.len, strlen(LAST) - 1);
    end();
}

CO_TEST(last_result_tells_where_to_go_on)
{
    begin();
    ck_assert_str_eq(stream.last_seq, "");
    take(FIRST SECOND);
    ck_assert_str_eq(stream.last_seq, "8");
    end();
}

CO_TEST(piece_of_a_line_is_forgotten_when_it_is_cut)
{
    begin();
    take(FIRST "{\"object\":\"res");
    result_stream_cut(&stream);
    take(SECOND);
    assert_text(FIRST SECOND);
    ck_assert_uint_eq(stream.n_unreadable, 0);
    end();
}

CO_TEST(empty_lines_and_other_objects_are_passed_over)
{
    begin();
    take("\n\n{\"object\":\"progress\"}\n[]\n" FIRST);
    assert_text(FIRST);
    ck_assert_uint_eq(stream.n_unreadable, 0);
    end();
}

CO_TEST(line_that_cannot_be_read_is_counted)
{
    begin();
    take("<html>\n" FIRST);
    assert_text(FIRST);
    ck_assert_uint_eq(stream.n_unreadable, 1);
    end();
}

CO_TEST(only_those_that_failed_may_be_wanted)
{
    options.only_failed = true;
    begin();
    take(FIRST SECOND);
    assert_text(SECOND);
    ck_assert_uint_eq(stream.n_results, 2);
    end();
}

CO_TEST(enough_is_a_number_or_never)
{
    begin();
    take(FIRST);
    ck_assert(!result_stream_has_enough(&stream));
    stream.n_enough = 2;
    ck_assert(!result_stream_has_enough(&stream));
    take(SECOND);
    ck_assert(result_stream_has_enough(&stream));
    end();
}

struct reading {
    size_t n; /* the allocation that fails */
    bool has_failed;
};

static int read_with_fault(void *arg, void **result)
{
    struct reading *reading = arg;

    (void)result;
    stream.reader = co_self();
    fault_arm(reading->n);
    take(FIRST SECOND LAST);
    reading->has_failed = fault_disarm();
    ck_assert_int_eq(stream.rc, reading->has_failed ? -ENOMEM : 0);
    return co_checkpoint();
}

CO_TEST(lack_of_memory_cancels_the_reader)
{
    struct reading reading = {.has_failed = true};

    options.format = (enum output_format)_i;
    for (reading.n = 1; reading.has_failed; reading.n++) {
        struct co_task *reader;
        begin();
        assert_ok(co_create_task("reader", read_with_fault, &reading, &reader));
        int rc = co_task_await(reader, NULL);
        ck_assert_int_eq(rc, reading.has_failed ? -ECANCELED : 0);
        co_task_unref(reader);
        end();
    }
    ck_assert_uint_gt(reading.n, 4);
}

Suite *suite_result_stream(void);

Suite *suite_result_stream(void)
{
    Suite *suite = suite_create("daemon/client/result_stream");
    TCase *tcase = tcase_create("all");

    tcase_add_checked_fixture(tcase, set_up, NULL);
    tcase_add_test(tcase, results_are_counted_and_passed_on);
    tcase_add_test(tcase, bytes_may_come_one_by_one);
    tcase_add_test(tcase, line_that_ends_the_stream_is_no_result);
    tcase_add_test(tcase, last_result_tells_where_to_go_on);
    tcase_add_test(tcase, piece_of_a_line_is_forgotten_when_it_is_cut);
    tcase_add_test(tcase, empty_lines_and_other_objects_are_passed_over);
    tcase_add_test(tcase, line_that_cannot_be_read_is_counted);
    tcase_add_test(tcase, only_those_that_failed_may_be_wanted);
    tcase_add_test(tcase, enough_is_a_number_or_never);
    tcase_add_loop_test(tcase, lack_of_memory_cancels_the_reader, 0, OUTPUT_CSV + 1);
    suite_add_tcase(suite, tcase);
    return suite;
}
