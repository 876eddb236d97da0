#include "daemon/client/input.h"

#include <check.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "lib/co/co.h"

#include "daemon/base/buffer.h"

#include "tests/support/fault.h"

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

/* Bytes that come in slices, as out of a pipe; then the end, or a failure. */
struct slices {
    const char *bytes;
    size_t n_bytes;
    size_t slice_max;
    int failure;
};

static struct slices slices;
static struct buffer items;
static struct err err;

static ssize_t read_slice(void *arg, char *bytes, size_t max)
{
    struct slices *from = arg;
    size_t n = from->n_bytes < max ? from->n_bytes : max;

    n = n < from->slice_max ? n : from->slice_max;
    if (n == 0)
        return from->failure;
    memcpy(bytes, from->bytes, n);
    from->bytes += n;
    from->n_bytes -= n;
    return (ssize_t)n;
}

static void set_up(void)
{
    buffer_init(&items, SIZE_MAX);
    slices = (struct slices){.slice_max = SIZE_MAX};
}

/* A thread keeps the stack of a generator for the next. */
static int yield_nothing(struct co_gen *self, void *arg, void **ret_result)
{
    (void)self, (void)arg, (void)ret_result;
    return 0;
}

static void warm_up(void)
{
    struct co_gen *gen;

    ck_assert_int_eq(co_gen_new(&gen, yield_nothing, NULL), 0);
    ck_assert_int_eq(co_gen_next(gen, NULL), 0);
    co_gen_free(gen);
}

static void tear_down(void)
{
    buffer_done(&items);
}

static int read_all(struct input *input)
{
    struct input_item item;
    int rc;

    while ((rc = input_next(input, &item)) > 0) {
        char line[24];
        int n = snprintf(line, sizeof(line), "%lu ", item.line);
        rc = buffer_append(&items, line, (size_t)n) ?: buffer_append(&items, item.json, item.length)
                 ?: buffer_append_byte(&items, '\n');
        if (rc < 0)
            break;
    }
    return rc;
}

static int read_settings(const struct input_settings *settings, const char *name)
{
    const struct input_source source = {.name = name, .read = read_slice, .arg = &slices};
    struct input *input;

    items.len = 0;
    err.message[0] = '\0';
    int rc = input_new(&input, &source, settings, &err);
    if (rc < 0)
        return rc;
    rc = read_all(input);
    input_free(input);
    return rc < 0 ? rc : buffer_append_byte(&items, '\0');
}

static int read_text(const char *name, const char *text, size_t length, size_t slice_max)
{
    const struct input_settings settings = {.format = NULL};

    slices.bytes = text;
    slices.n_bytes = length;
    slices.slice_max = slice_max;
    return read_settings(&settings, name);
}

static const struct {
    const char *name, *text, *items;
} inputs[] = {
    {"empty", "", ""},
    {"blank", "\n  \n# nothing\n", ""},
    {"list", "https://one.example/\n", "1 \"https://one.example/\"\n"},
    {"list", "# a\n\n  https://one.example/\t\r\nhttp://two.example/?a=b#c",
     "3 \"https://one.example/\"\n4 \"http://two.example/?a=b#c\"\n"},
    {"list", "\xef\xbb\xbfhttps://one.example/\n", "1 \"https://one.example/\"\n"},
    {"lines", "\"https://one.example/\"\n\n{\"url\": \"https://two.example/\", \"method\":\"PUT\"}",
     "1 \"https://one.example/\"\n3 {\"url\": \"https://two.example/\", \"method\":\"PUT\"}\n"},
    {"array", " [\"https://one.example/\",\n {\"url\":\n\"https://two.example/\"}]\n",
     "1 \"https://one.example/\"\n2 {\"url\": \"https://two.example/\"}\n"},
    {"array", "[]", ""},
    {"map",
     "<?xml version='1.0'?>\n<urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'>\n"
     "<url><loc> https://one.example/?a=1&amp;b=2\n</loc><lastmod>2026-01-01</lastmod></url>\n"
     "<url><loc><![CDATA[https://two.example/]]></loc></url></urlset>",
     "4 \"https://one.example/?a=1&b=2\"\n5 \"https://two.example/\"\n"},
    {"map",
     "<s:urlset xmlns:s='a' xmlns:i='b'><s:url><s:loc>https://one.example/</s:loc>"
     "<i:image><i:loc>https://image.example/</i:loc></i:image></s:url></s:urlset>",
     "1 \"https://one.example/\"\n"},
    {"map",
     "<urlset><x><loc>https://one.example/</loc></x><loc>https://two.example/</loc></urlset>", ""},
    {"config", "url = \"https://one.example/\"",
     "1 {\"url\":\"https://one.example/\",\"follow_redirects\":false}\n"},
    {"config",
     "# two\nurl: https://one.example/ # the first\n-X PUT\nlocation\nurl https://two.example/\n"
     "next\n--url \"https://three.example/\"\n-L\n",
     "2 {\"url\":\"https://one.example/\",\"method\":\"PUT\"}\n"
     "5 {\"url\":\"https://two.example/\",\"method\":\"PUT\"}\n"
     "7 {\"url\":\"https://three.example/\"}\n"},
    {"config",
     "-L\nurl=https://one.example/\nheader = \"X-A: 1\"\n-H \"x-a:2\"\nheader=\"Accept:\"\n"
     "header=\"X-Empty;\"\nuser-agent=\"a \\\"b\\\" c\"",
     "2 {\"url\":\"https://one.example/\",\"headers\":{\"X-A\":[\"1\",\"2\"],\"Accept\":null,"
     "\"X-Empty\":[\"\"],\"User-Agent\":[\"a \\\"b\\\" c\"]}}\n"},
    {"config", "-L\nurl=https://one.example/\ndata=a=1\n-d b=2\n",
     "2 {\"url\":\"https://one.example/\",\"headers\":{\"Content-Type\":"
     "[\"application/x-www-form-urlencoded\"]},\"body\":\"a=1&b=2\"}\n"},
    {"config", "-L\nurl=https://one.example/\njson=\"{\\\"a\\\":1}\"\n-H \"content-type: a/b\"",
     "2 {\"url\":\"https://one.example/\",\"headers\":{\"content-type\":[\"a/b\"],"
     "\"Accept\":[\"application/json\"]},\"body\":\"{\\\"a\\\":1}\"}\n"},
    {"config", "-L\nurl=https://one.example/\ndata-raw=\"\xff\"\n-H \"content-type:\"",
     "2 {\"url\":\"https://one.example/\",\"headers\":{\"content-type\":null},"
     "\"body_base64\":\"/w==\"}\n"},
    {"config",
     "-L\nurl=https://one.example/\nuser=u:p:q\ndigest\n-m 2.5\nconnect-timeout 1\nmax-redirs=3\n"
     "retry 2\n-k\n-4\nhttp1.1\nresolve=one.example:443:192.0.2.1\nproxy=http://proxy.example/",
     "2 {\"url\":\"https://one.example/\",\"auth\":{\"type\":\"digest\",\"username\":\"u\","
     "\"password\":\"p:q\"},\"http_version\":\"1.1\",\"ip_version\":\"4\","
     "\"proxy\":\"http://proxy.example/\",\"tls\":{\"verify\":false},"
     "\"resolve\":[\"one.example:443:192.0.2.1\"],\"timeout_ms\":2500,"
     "\"connect_timeout_ms\":1000,\"max_redirects\":3,\"retry\":{\"max_attempts\":3}}\n"},
    {"config", "-L\nurl=https://one.example/\noauth2-bearer=abc\n-I\n-XPUT\n-b a=b",
     "2 {\"url\":\"https://one.example/\",\"method\":\"PUT\",\"headers\":{\"Cookie\":[\"a=b\"]},"
     "\"auth\":{\"type\":\"bearer\",\"token\":\"abc\"}}\n"},
};

START_TEST(requests_come_out_as_json_however_they_are_written)
{
    static const size_t slice_sizes[] = {SIZE_MAX, 1, 7};

    for (size_t i = 0; i < N_ELEMENTS(slice_sizes); i++) {
        int rc =
            read_text(inputs[_i].name, inputs[_i].text, strlen(inputs[_i].text), slice_sizes[i]);
        ck_assert_str_eq(err.message, "");
        ck_assert_int_eq(rc, 0);
        ck_assert_str_eq(items.data, inputs[_i].items);
    }
}
END_TEST

static const struct {
    const char *name, *text, *message;
} refused[] = {
    {"list", "https://one.example/\n\nftp://two.example/",
     "list:3: this is no URL: only URLs that begin with "},
    {"a.ndjson", "\n{\"url\": }", "a.ndjson:2: this is not JSON"},
    {"a.ndjson", "https://one.example/",
     "a.ndjson:1: neither a URL in quotes nor an object begins here"},
    {"array", "[\"https://one.example/\",\n7]",
     "array:2: neither a URL in quotes nor an object begins here"},
    {"array", "[\"https://one.example/\"", "array: it is not JSON, or goes on behind the array"},
    {"array", "[\"https://one.example/\"] 7", "array: it is not JSON, or goes on behind the array"},
    {"map", "<sitemapindex>\n</sitemapindex>",
     "map:1: this is an index of sitemaps, not a sitemap: give those it names"},
    {"map", "<html>", "map:1: this is no sitemap: its root is <html>, not <urlset>"},
    {"map", "<urlset>\n<url></urlset>", "map:2: this is not XML: mismatched tag"},
    {"map", "<urlset>", "map:1: this is not XML: no element found"},
    {"map", "<!DOCTYPE urlset [\n<!ENTITY a \"b\">]><urlset/>",
     "map:2: entities that are declared are not read"},
    {"map", "<urlset><url>\n<loc/></url></urlset>", "map:2: this is no URL: "},
    {"config", "-L", "config:1: there is no url before this"},
    {"config", "url=https://one.example/\nnext\nnext", "config:3: there is no url before this"},
    {"config", "-L\nurl=ftp://one.example/", "config:2: this is no URL: "},
    {"config", "-L\noutput = a",
     "config:2: output: this option of curl means nothing here; take it out"},
    {"config", "-L\n-o a", "config:2: o: this option of curl means nothing here; take it out"},
    {"config", "-L\nheadder = a",
     "config:2: headder: this option of curl means nothing here; is header meant?"},
    {"config", "-L\nurl", "config:2: url: its value is missing"},
    {"config", "-L 7", "config:1: L: it takes no value"},
    {"config", "-L\nheader=\"a", "config:2: header: the closing quote is missing"},
    {"config", "-L\nheader=A: b",
     "config:2: header: a value with spaces has to be in double quotes"},
    {"config", "-L\nheader=a", "config:2: header: a header is written as \"Name: value\""},
    {"config", "-L\ndata=@a",
     "config:2: data: a body in a file is not read: write it here, or use NDJSON"},
    {"config", "-L\nmax-time=soon", "config:2: max-time: it wants seconds, at most a day of them"},
    {"config", "-L\nmax-redirs=-1", "config:2: max-redirs: it wants a number from 0 to 1000"},
    {"config", "-L\nuser=u", "config:2: user: the password is missing: nobody is asked for it"},
    {"config", "-L\ncookie=jar.txt", "config:2: cookie: cookies in a file are not read"},
};

START_TEST(what_makes_no_sense_is_told_with_its_line)
{
    int rc = read_text(refused[_i].name, refused[_i].text, strlen(refused[_i].text), 5);

    ck_assert_int_eq(rc, -EINVAL);
    if (strncmp(err.message, refused[_i].message, strlen(refused[_i].message)) != 0)
        ck_assert_str_eq(err.message, refused[_i].message);
}
END_TEST

START_TEST(items_before_a_mistake_are_there)
{
    const char *text = "https://one.example/\nwrong\n";

    ck_assert_int_eq(read_text("list", text, strlen(text), SIZE_MAX), -EINVAL);
    ck_assert_int_eq(memcmp(items.data, "1 \"https://one.example/\"\n", items.len), 0);
}
END_TEST

START_TEST(url_may_be_left_to_the_daemon_to_check)
{
    const struct input_settings settings = {.takes_any_text = true};

    slices.bytes = "wrong\n";
    slices.n_bytes = strlen(slices.bytes);
    ck_assert_int_eq(read_settings(&settings, "list"), 0);
    ck_assert_str_eq(items.data, "1 \"wrong\"\n");
}
END_TEST

START_TEST(format_that_is_named_is_taken)
{
    const struct input_settings settings = {.format = "ndjson"};

    slices.bytes = "https://one.example/\n";
    slices.n_bytes = strlen(slices.bytes);
    ck_assert_int_eq(read_settings(&settings, "list"), -EINVAL);
}
END_TEST

START_TEST(format_that_is_unknown_is_told_with_those_there_are)
{
    struct input_settings settings = {.format = "sitmap"};

    ck_assert_int_eq(read_settings(&settings, "list"), -EINVAL);
    ck_assert_str_eq(err.message, "there is no format 'sitmap': is 'sitemap' meant?");
    settings.format = "pdf";
    ck_assert_int_eq(read_settings(&settings, "list"), -EINVAL);
    ck_assert_str_eq(err.message,
                     "there is no format 'pdf'; there are urls, ndjson, json, sitemap, curl");
}
END_TEST

START_TEST(failure_to_read_is_told)
{
    const struct input_settings settings = {.format = NULL};

    slices.failure = -EIO;
    ck_assert_int_eq(read_settings(&settings, "list"), -EIO);
    ck_assert_str_eq(err.message, "list: Input/output error");
}
END_TEST

/* "https://one.example/\n", as gzip -n makes it. */
static const unsigned char zipped[] = {
    0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x03, 0xcb, 0x28, 0x29, 0x29,
    0x28, 0xb6, 0xd2, 0xd7, 0xcf, 0xcf, 0x4b, 0xd5, 0x4b, 0xad, 0x48, 0xcc, 0x2d, 0xc8,
    0x49, 0xd5, 0xe7, 0x02, 0x00, 0x8f, 0xab, 0xec, 0xf7, 0x15, 0x00, 0x00, 0x00};

START_TEST(what_is_compressed_is_read_as_well)
{
    const char *bytes = (const char *)zipped;
    static const size_t slice_sizes[] = {SIZE_MAX, 1};

    for (size_t i = 0; i < N_ELEMENTS(slice_sizes); i++) {
        ck_assert_int_eq(read_text("list.gz", bytes, sizeof(zipped), slice_sizes[i]), 0);
        ck_assert_str_eq(items.data, "1 \"https://one.example/\"\n");
    }
}
END_TEST

START_TEST(compressed_members_follow_each_other)
{
    char twice[2 * sizeof(zipped)];

    memcpy(twice, zipped, sizeof(zipped));
    memcpy(twice + sizeof(zipped), zipped, sizeof(zipped));
    ck_assert_int_eq(read_text("list.gz", twice, sizeof(twice), 10), 0);
    ck_assert_str_eq(items.data, "1 \"https://one.example/\"\n2 \"https://one.example/\"\n");
}
END_TEST

START_TEST(compressed_bytes_that_are_cut_off_are_told)
{
    ck_assert_int_eq(read_text("a.gz", (const char *)zipped, sizeof(zipped) - 1, SIZE_MAX),
                     -EBADMSG);
    ck_assert_str_eq(err.message, "a.gz: Bad message");
}
END_TEST

START_TEST(first_line_is_enough_to_tell_the_format)
{
    const struct input_settings settings = {.format = NULL};
    const struct input_source source = {.name = "stdin", .read = read_slice, .arg = &slices};
    struct input_item item;
    struct input *input;

    slices = (struct slices){.bytes = "https://one.example/\n",
                             .n_bytes = 21,
                             .slice_max = SIZE_MAX,
                             .failure = -EAGAIN};
    ck_assert_int_eq(input_new(&input, &source, &settings, &err), 0);
    ck_assert_int_eq(input_next(input, &item), 1);
    ck_assert_uint_eq(item.line, 1);
    input_free(input);
}
END_TEST

START_TEST(input_may_be_left_at_any_time)
{
    const struct input_settings settings = {.format = NULL};
    const struct input_source source = {.name = "x", .read = read_slice, .arg = &slices};
    struct input_item item;
    struct input *input;

    warm_up();
    size_t before = fault_live();
    slices.bytes = inputs[_i].text;
    slices.n_bytes = strlen(inputs[_i].text);
    ck_assert_int_eq(input_new(&input, &source, &settings, &err), 0);
    ck_assert_int_ge(input_next(input, &item), 0);
    input_free(input);
    ck_assert_uint_eq(fault_live(), before);
}
END_TEST

START_TEST(lack_of_memory_is_told_and_leaves_nothing)
{
    warm_up();
    for (size_t n = 1;; n++) {
        size_t before = fault_live();

        fault_arm(n);
        int rc = read_text(inputs[_i].name, inputs[_i].text, strlen(inputs[_i].text), SIZE_MAX);
        bool has_failed = fault_disarm();
        buffer_done(&items);
        if (!has_failed)
            break;
        ck_assert_int_eq(rc, -ENOMEM);
        ck_assert_uint_eq(fault_live(), before);
    }
}
END_TEST

START_TEST(every_format_has_a_name_and_a_word_about_it)
{
    size_t n = 0;

    while (input_format_name(n) != NULL)
        ck_assert_ptr_nonnull(input_format_about(n++));
    ck_assert_uint_eq(n, 5);
    ck_assert_ptr_null(input_format_about(n));
}
END_TEST

Suite *suite_input(void);

Suite *suite_input(void)
{
    Suite *suite = suite_create("daemon/client/input");
    TCase *tcase = tcase_create("all");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_loop_test(tcase, requests_come_out_as_json_however_they_are_written, 0,
                        N_ELEMENTS(inputs));
    tcase_add_loop_test(tcase, what_makes_no_sense_is_told_with_its_line, 0, N_ELEMENTS(refused));
    tcase_add_test(tcase, items_before_a_mistake_are_there);
    tcase_add_test(tcase, url_may_be_left_to_the_daemon_to_check);
    tcase_add_test(tcase, format_that_is_named_is_taken);
    tcase_add_test(tcase, format_that_is_unknown_is_told_with_those_there_are);
    tcase_add_test(tcase, failure_to_read_is_told);
    tcase_add_test(tcase, what_is_compressed_is_read_as_well);
    tcase_add_test(tcase, compressed_members_follow_each_other);
    tcase_add_test(tcase, compressed_bytes_that_are_cut_off_are_told);
    tcase_add_test(tcase, first_line_is_enough_to_tell_the_format);
    tcase_add_loop_test(tcase, input_may_be_left_at_any_time, 0, N_ELEMENTS(inputs));
    tcase_add_loop_test(tcase, lack_of_memory_is_told_and_leaves_nothing, 0, N_ELEMENTS(inputs));
    tcase_add_test(tcase, every_format_has_a_name_and_a_word_about_it);
    suite_add_tcase(suite, tcase);
    return suite;
}
