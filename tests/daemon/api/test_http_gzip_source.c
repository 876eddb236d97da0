#include "daemon/api/http_gzip_source.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "tests/support/fault.h"

enum { MAX_BYTES = 300000 };

static char plain[MAX_BYTES], packed[2 * MAX_BYTES], unpacked[MAX_BYTES];
static unsigned n_done;
static uint64_t breaks_at;

static ssize_t read_plain(void *arg, uint64_t position, char *bytes, size_t max)
{
    (void)arg;
    if (position >= breaks_at)
        return -EIO;
    memcpy(bytes, plain + position, max);
    return (ssize_t)max;
}

static void count_done(void *arg)
{
    (void)arg;
    n_done++;
}

static void set_up(void)
{
    unsigned value = 1;

    n_done = 0;
    breaks_at = UINT64_MAX;
    for (size_t i = 0; i < MAX_BYTES; i++)
        plain[i] = (char)((value = value * 1103515245 + 12345) >> (i % 3 == 0 ? 24 : 30));
}

static int begin(struct http_body_source *ret_source, size_t length, bool lies_in_memory)
{
    const struct http_body_source from = {
        .bytes = lies_in_memory ? plain : NULL,
        .read = lies_in_memory ? NULL : read_plain,
        .done = count_done,
        .length = length,
    };

    return http_gzip_source_init(ret_source, &from);
}

/* returns what the last read did; *ret_n is how many bytes there were before */
static ssize_t read_all(const struct http_body_source *source, size_t *ret_n)
{
    ssize_t n;

    *ret_n = 0;
    while ((n = source->read(source->arg, *ret_n, packed + *ret_n, 5000)) > 0)
        *ret_n += (size_t)n;
    return n;
}

static size_t unpack(size_t n)
{
    z_stream z = {.next_in = (unsigned char *)packed, .avail_in = (unsigned)n};

    ck_assert_int_eq(inflateInit2(&z, 15 + 16), Z_OK);
    z.next_out = (unsigned char *)unpacked;
    z.avail_out = MAX_BYTES;
    int rc = inflate(&z, Z_FINISH);
    ck_assert_int_eq(rc, Z_STREAM_END);
    ck_assert_uint_eq(z.avail_in, 0);
    inflateEnd(&z);
    return MAX_BYTES - z.avail_out;
}

static const size_t lengths[] = {1, 100, 16 * 1024 - 1, 16 * 1024, 16 * 1024 + 1, MAX_BYTES};

START_TEST(what_was_compressed_is_what_was_given)
{
    for (int lies_in_memory = 0; lies_in_memory <= 1; lies_in_memory++) {
        struct http_body_source source;
        size_t n;
        ck_assert_int_eq(begin(&source, lengths[_i], lies_in_memory), 0);
        ck_assert_uint_eq(source.length, HTTP_LENGTH_UNKNOWN);
        ck_assert_int_eq(read_all(&source, &n), 0);
        ck_assert_uint_eq(unpack(n), lengths[_i]);
        ck_assert_int_eq(memcmp(unpacked, plain, lengths[_i]), 0);
        source.done(source.arg);
    }
    ck_assert_uint_eq(n_done, 2);
}
END_TEST

START_TEST(source_that_fails_fails)
{
    struct http_body_source source;
    size_t n;

    breaks_at = 50000;
    ck_assert_int_eq(begin(&source, MAX_BYTES, false), 0);
    ck_assert_int_eq(read_all(&source, &n), -EIO);
    source.done(source.arg);
    ck_assert_uint_eq(n_done, 1);
}
END_TEST

START_TEST(failing_allocation_is_reported)
{
    for (size_t n = 1;; n++) {
        size_t before = fault_live();
        struct http_body_source source;
        fault_arm(n);
        int rc = begin(&source, MAX_BYTES, true);
        size_t n_read;
        ssize_t last = rc == 0 ? read_all(&source, &n_read) : rc;
        bool has_failed = fault_disarm();
        if (rc == 0)
            source.done(source.arg);
        ck_assert_uint_eq(fault_live(), before);
        if (!has_failed)
            break;
        ck_assert_int_eq(last, -ENOMEM);
    }
}
END_TEST

Suite *suite_http_gzip_source(void);

Suite *suite_http_gzip_source(void)
{
    Suite *suite = suite_create("http_gzip_source");
    TCase *tcase = tcase_create("http_gzip_source");

    tcase_add_checked_fixture(tcase, set_up, NULL);
    tcase_add_loop_test(tcase, what_was_compressed_is_what_was_given, 0,
                        sizeof(lengths) / sizeof(lengths[0]));
    tcase_add_test(tcase, source_that_fails_fails);
    tcase_add_test(tcase, failing_allocation_is_reported);
    suite_add_tcase(suite, tcase);
    return suite;
}
