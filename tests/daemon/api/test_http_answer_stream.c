#include "daemon/api/http_answer_stream.h"

#include <check.h>
#include <errno.h>
#include <string.h>
#include <zlib.h>

#include "tests/support/fault.h"
#include "tests/support/random.h"
#include "tests/support/runtime.h"

enum { MUCH = 1000000 };

static struct http_answer_stream stream;
static char bytes[MUCH], got[2 * MUCH];
static size_t n_got;
static unsigned n_news;

static void count_news(void *arg)
{
    (void)arg;
    n_news++;
}

static void begin(bool is_gzipped)
{
    http_answer_stream_init(&stream);
    stream.news = count_news;
    n_news = 0;
    n_got = 0;
    assert_ok(http_answer_stream_begin(&stream, is_gzipped));
    for (size_t i = 0; i < MUCH; i++)
        bytes[i] = (char)('a' + i * i % 11 % 26);
}

/* Takes what there is. returns what the last call did */
static ssize_t take_all(void)
{
    ssize_t n;

    while ((n = http_answer_stream_take(&stream, got + n_got, 7000)) > 0)
        n_got += (size_t)n;
    return n;
}

static int write_much(void *arg, void **result)
{
    int rc = http_answer_stream_write(&stream, bytes, MUCH);

    (void)arg;
    (void)result;
    http_answer_stream_end(&stream, rc);
    return 0;
}

/* Inflates what was got. returns how many bytes it became; they are compared */
static size_t inflate_all(bool *ret_is_whole)
{
    static char plain[MUCH];
    z_stream z = {.next_in = (unsigned char *)got, .avail_in = (unsigned)n_got};

    ck_assert_int_eq(inflateInit2(&z, 15 + 16), Z_OK);
    z.next_out = (unsigned char *)plain;
    z.avail_out = sizeof(plain);
    *ret_is_whole = inflate(&z, Z_SYNC_FLUSH) == Z_STREAM_END;
    size_t n = sizeof(plain) - z.avail_out;
    inflateEnd(&z);
    ck_assert_int_eq(memcmp(plain, bytes, n), 0);
    return n;
}

CO_TEST(what_is_written_comes_out)
{
    begin(false);
    ck_assert_int_eq(take_all(), -EAGAIN);
    assert_ok(http_answer_stream_write(&stream, "one", 3));
    assert_ok(http_answer_stream_write(&stream, " two", 4));
    ck_assert_uint_gt(n_news, 0);
    ck_assert_int_eq(take_all(), -EAGAIN);
    ck_assert_int_eq(memcmp(got, "one two", n_got), 0);
    http_answer_stream_end(&stream, 0);
    ck_assert_int_eq(take_all(), 0);
    http_answer_stream_done(&stream);
}

CO_TEST(writer_waits_while_nobody_takes)
{
    struct co_task *task;

    begin(_i);
    assert_ok(co_create_task("writer", write_much, NULL, &task));
    for (;;) {
        settle();
        ck_assert_uint_le(stream.outgoing.len, ANSWER_STREAM_BYTES);
        ssize_t n = http_answer_stream_take(&stream, got + n_got, 5000);
        if (n <= 0) {
            ck_assert_int_eq(n, 0);
            break;
        }
        n_got += (size_t)n;
    }
    assert_ok(co_task_await(task, NULL));
    co_task_unref(task);
    bool is_whole = true;
    size_t n = _i ? inflate_all(&is_whole) : n_got;
    ck_assert_uint_eq(n, MUCH);
    ck_assert(is_whole);
    http_answer_stream_done(&stream);
}

CO_TEST(each_piece_can_be_read_before_the_next)
{
    bool is_whole;

    begin(true);
    for (size_t n = 0; n < 5000; n += 1000) {
        assert_ok(http_answer_stream_write(&stream, bytes + n, 1000));
        take_all();
        ck_assert_uint_eq(inflate_all(&is_whole), n + 1000);
        ck_assert(!is_whole);
    }
    http_answer_stream_end(&stream, 0);
    ck_assert_int_eq(take_all(), 0);
    ck_assert_uint_eq(inflate_all(&is_whole), 5000);
    ck_assert(is_whole);
    http_answer_stream_done(&stream);
}

CO_TEST(nothing_is_kept_for_a_client_that_has_all)
{
    begin(false);
    size_t before = fault_live();
    assert_ok(http_answer_stream_write(&stream, bytes, 1000));
    ck_assert_uint_gt(fault_live(), before);
    ck_assert_int_eq(take_all(), -EAGAIN);
    ck_assert_uint_eq(fault_live(), before);
    http_answer_stream_done(&stream);
}

CO_TEST(failure_comes_behind_what_was_written)
{
    begin(false);
    assert_ok(http_answer_stream_write(&stream, "abc", 3));
    http_answer_stream_end(&stream, -EIO);
    ck_assert_int_eq(take_all(), -EIO);
    ck_assert_uint_eq(n_got, 3);
    http_answer_stream_done(&stream);
}

CO_TEST(failing_allocation_is_reported)
{
    for (size_t n = 1;; n++) {
        size_t before = fault_live();
        http_answer_stream_init(&stream);
        fault_arm(n);
        int rc = http_answer_stream_begin(&stream, true);
        if (rc == 0)
            rc = http_answer_stream_write(&stream, bytes, 1000);
        bool has_failed = fault_disarm();
        http_answer_stream_done(&stream);
        ck_assert_uint_eq(fault_live(), before);
        if (!has_failed)
            break;
        ck_assert_int_eq(rc, -ENOMEM);
    }
}

Suite *suite_http_answer_stream(void);

Suite *suite_http_answer_stream(void)
{
    Suite *suite = suite_create("http_answer_stream");
    TCase *tcase = tcase_create("http_answer_stream");

    tcase_add_test(tcase, what_is_written_comes_out);
    tcase_add_loop_test(tcase, writer_waits_while_nobody_takes, 0, 2);
    tcase_add_test(tcase, each_piece_can_be_read_before_the_next);
    tcase_add_test(tcase, nothing_is_kept_for_a_client_that_has_all);
    tcase_add_test(tcase, failure_comes_behind_what_was_written);
    tcase_add_test(tcase, failing_allocation_is_reported);
    suite_add_tcase(suite, tcase);
    return suite;
}
