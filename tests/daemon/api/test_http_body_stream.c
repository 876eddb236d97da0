#include "daemon/api/http_body_stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/fault.h"
#include "tests/support/runtime.h"

enum { MAX_BYTES = 1000000 };

static struct http_body_stream stream;
static unsigned n_taken;

static void count_taken(void *arg)
{
    ck_assert_ptr_eq(arg, &stream);
    n_taken++;
}

static void begin(uint64_t max_bytes)
{
    http_body_stream_init(&stream, max_bytes);
    stream.taken = count_taken;
    stream.arg = &stream;
    n_taken = 0;
}

static void add(const char *text)
{
    assert_ok(http_body_stream_add(&stream, text, strlen(text)));
}

static void assert_read(const char *text)
{
    const char *bytes;

    ck_assert_int_eq(http_body_stream_read(&stream, &bytes), (ssize_t)strlen(text));
    ck_assert_mem_eq(bytes, text, strlen(text));
}

static void assert_ends(ssize_t rc)
{
    const char *bytes;

    ck_assert_int_eq(http_body_stream_read(&stream, &bytes), rc);
}

CO_TEST(all_that_has_come_is_read_at_once)
{
    begin(MAX_BYTES);
    add("abc");
    add("de");
    assert_read("abcde");
    add("f");
    assert_read("f");
    ck_assert_uint_eq(n_taken, 2);
    http_body_stream_done(&stream);
}

CO_TEST(what_was_read_stays_while_more_comes)
{
    const char *bytes;

    begin(MAX_BYTES);
    add("abc");
    ck_assert_int_eq(http_body_stream_read(&stream, &bytes), 3);
    add("xxxxx");
    ck_assert_mem_eq(bytes, "abc", 3);
    assert_read("xxxxx");
    http_body_stream_done(&stream);
}

CO_TEST(end_is_told_again_and_again)
{
    begin(MAX_BYTES);
    add("abc");
    http_body_stream_complete(&stream);
    assert_read("abc");
    assert_ends(0);
    assert_ends(0);
    http_body_stream_done(&stream);
}

static int bring(void *arg, void **result)
{
    (void)result;
    if (arg != NULL)
        add(arg);
    else
        http_body_stream_complete(&stream);
    return 0;
}

CO_TEST(reader_waits_for_what_comes)
{
    static char text[] = "abc";

    begin(MAX_BYTES);
    assert_ok(co_create_task("bring", bring, text, NULL));
    assert_read("abc");
    assert_ok(co_create_task("end", bring, NULL, NULL));
    assert_ends(0);
    http_body_stream_done(&stream);
}

static int read_in_vain(void *arg, void **result)
{
    (void)arg;
    (void)result;
    assert_ends(-ECANCELED);
    add("too late");
    assert_ends(-ECANCELED);
    return 0;
}

CO_TEST(reader_that_is_cancelled_gets_nothing_more)
{
    struct co_task *task;

    begin(MAX_BYTES);
    assert_ok(co_create_task("read", read_in_vain, NULL, &task));
    settle();
    co_task_stop(task, "a test");
    assert_read("too late");
    http_body_stream_done(&stream);
}

CO_TEST(limit_may_be_reached_and_not_passed)
{
    begin(5);
    add("abcde");
    assert_read("abcde");
    add("");
    ck_assert(!http_body_stream_is_full(&stream));
    add("f");
    ck_assert(http_body_stream_is_full(&stream));
    assert_ends(-EMSGSIZE);
    add("g");
    ck_assert_uint_eq(stream.incoming.len, 0);
    assert_ends(-EMSGSIZE);
    http_body_stream_done(&stream);
}

CO_TEST(body_that_is_too_large_is_given_up_at_once)
{
    begin(5);
    add("abc");
    add("def");
    http_body_stream_complete(&stream);
    assert_ends(-EMSGSIZE);
    http_body_stream_done(&stream);
}

CO_TEST(it_is_full_until_it_is_read)
{
    static const char block[1024];
    const char *bytes;

    begin(MAX_BYTES);
    for (size_t i = 0; i < BODY_STREAM_AHEAD / sizeof(block); i++) {
        ck_assert(!http_body_stream_is_full(&stream));
        assert_ok(http_body_stream_add(&stream, block, sizeof(block)));
    }
    ck_assert(http_body_stream_is_full(&stream));
    ck_assert_int_eq(http_body_stream_read(&stream, &bytes), BODY_STREAM_AHEAD);
    ck_assert(!http_body_stream_is_full(&stream));
    http_body_stream_done(&stream);
}

/* Whoever adds is told that there is none, and what came before is kept. */
CO_TEST(failing_allocation_is_reported)
{
    static const char block[1024];
    size_t n_added = 0;

    begin(MAX_BYTES);
    for (size_t n = 1; n < 5; n++) {
        fault_arm(1);
        while (http_body_stream_add(&stream, block, sizeof(block)) == 0)
            n_added += sizeof(block);
        ck_assert(fault_disarm());
        ck_assert_uint_eq(stream.incoming.len, n_added);
        assert_ok(http_body_stream_add(&stream, block, sizeof(block)));
        n_added += sizeof(block);
    }
    http_body_stream_done(&stream);
}

Suite *suite_http_body_stream(void);

Suite *suite_http_body_stream(void)
{
    Suite *suite = suite_create("http_body_stream");
    TCase *tcase = tcase_create("http_body_stream");

    tcase_add_test(tcase, all_that_has_come_is_read_at_once);
    tcase_add_test(tcase, what_was_read_stays_while_more_comes);
    tcase_add_test(tcase, end_is_told_again_and_again);
    tcase_add_test(tcase, reader_waits_for_what_comes);
    tcase_add_test(tcase, reader_that_is_cancelled_gets_nothing_more);
    tcase_add_test(tcase, limit_may_be_reached_and_not_passed);
    tcase_add_test(tcase, body_that_is_too_large_is_given_up_at_once);
    tcase_add_test(tcase, it_is_full_until_it_is_read);
    tcase_add_test(tcase, failing_allocation_is_reported);
    suite_add_tcase(suite, tcase);
    return suite;
}
