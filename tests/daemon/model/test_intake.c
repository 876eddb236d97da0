/* That a document is read as job_parse() reads it is checked with every document of the parser's
 * tests: parse_fixture.c. Here are the chunks, the limits, and large documents. */

#include "daemon/model/intake.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/model/intake_private.h"

#include "tests/daemon/model/parse_fixture.h"
#include "tests/support/fault.h"

enum { MIB = 1024 * 1024 };

/* The chunks that have come, "first+n items" each, with "^skip" and "!" for unsafe ones. */
static struct {
    char text[64 * 1024];
    char lines[64 * 1024]; /* with "\n--\n" between them */
    size_t n_chunks;
    uint32_t next;
    int result;
} got;

static void append(char *text, size_t size, const char *more, size_t n)
{
    size_t length = strlen(text);

    if (length + n < size)
        *(char *)mempcpy(text + length, more, n) = '\0';
}

static int put(void *arg, const struct job_chunk *chunk)
{
    char text[100];

    (void)arg;
    snprintf(text, sizeof(text), "%s%u+%u", got.n_chunks > 0 ? " " : "", chunk->first,
             chunk->n_items);
    if (chunk->skip > 0)
        snprintf(text + strlen(text), 50, "^%u", chunk->skip);
    append(text, sizeof(text), "!", chunk->is_unsafe);
    append(got.text, sizeof(got.text), text, strlen(text));
    append(got.lines, sizeof(got.lines), "\n--\n", got.n_chunks > 0 ? 4 : 0);
    append(got.lines, sizeof(got.lines), chunk->lines, chunk->length);
    ck_assert_uint_eq(chunk->first, got.next);
    ck_assert_ptr_null(memchr(chunk->lines, '\0', chunk->length));
    got.next += chunk->n_items;
    got.n_chunks++;
    return got.result;
}

static const struct intake_sink sink = {.put = put};
static struct intake *intake;

static void forget(void)
{
    intake_free(intake);
    intake = NULL;
    memset(&got, 0, sizeof(got));
}

static void begin(const char *content_type)
{
    forget();
    ck_assert_int_eq(intake_new(&intake, &parse_settings, content_type, &sink), 0);
}

static int take(const char *content_type, const char *text)
{
    char *copy = with_double_quotes(text);

    begin(content_type);
    int rc = intake_write(intake, copy, strlen(copy)) ?: intake_end(intake);
    free(copy);
    return rc;
}

/* "[" and so on, in pieces: `n` times `item`, with a comma between them. */
static int write_many(const char *item, size_t n)
{
    size_t length = strlen(item);
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < n; i++)
        rc = (i > 0 ? intake_write(intake, ",", 1) : 0) ?: intake_write(intake, item, length);
    return rc;
}

static int write_text(const char *text)
{
    return intake_write(intake, text, strlen(text));
}

/* Over what is there, without a NUL. */
static void overlay(char *text, const char *piece)
{
    memcpy(text, piece, strlen(piece));
}

/* A piece of a document that is too large to be held. */
static int write_spaces(size_t n)
{
    char *spaces = malloc(n);

    memset(spaces, ' ', n);
    int rc = intake_write(intake, spaces, n);
    free(spaces);
    return rc;
}

static void must_be_refused(int rc, int status, const char *code, const char *word)
{
    ck_assert_int_eq(rc, 1);
    ck_assert_int_eq(intake_refusal(intake)->status, status);
    ck_assert_str_eq(intake_refusal(intake)->code, code);
    ck_assert_msg(strstr(intake_refusal(intake)->detail, word) != NULL, "%s",
                  intake_refusal(intake)->detail);
}

/* --- Chunks ----------------------------------------------------------------------------------- */

static const struct {
    const char *text, *chunks;
} layouts[] = {
    {"['http://a/']", "0+1"},
    {"[{'url':'http://a/','repeat':256},'http://b/']", "0+256 256+1"},
    {"['http://b/',{'url':'http://a/','repeat':600},'http://b/']", "0+256 256+256^255 512+90^511"},
    {"[{'url':'http://a/','repeat':512},'http://b/']", "0+256 256+256^256 512+1"},
    {"['http://a/',{'url':'http://a/','body':'x','repeat':20},'http://b/']",
     "0+1 1+16! 17+4^16! 21+1"},
    {"[{'url':'http://a/','method':'PUT'},{'url':'http://a/','method':'DELETE'},"
     "{'url':'http://a/','method':'HEAD'}]",
     "0+2! 2+1"},
    {"{'defaults':{'method':'POST'},'urls':['http://a/','http://b/']}", "0+2!"},
};

START_TEST(items_are_put_into_chunks_of_their_kind)
{
    ck_assert_int_eq(take(NULL, layouts[_i].text), 0);
    ck_assert_str_eq(got.text, layouts[_i].chunks);
    ck_assert_uint_eq(intake_n_items(intake), got.next);
}
END_TEST

static const struct {
    const char *type, *text, *lines;
} stored[] = {
    {"text/plain", "# c\r\n http://a/ \r\n\nhttp://b/#x\n", "http://a/\nhttp://b/#x"},
    {NULL, "['http://a/',{'url':'http://b/'},{ 'url' : 'http://c/' }]",
     "http://a/\nhttp://b/\nhttp://c/"},
    {NULL, "[{'url':'http://a/',\n  'id' : ' \\' {' , 'json' : [ 1 , 'a b' ] }]",
     "{'url':'http://a/','id':' \\' {','json':[1,'a b']}"},
    {NULL, "['http:\\/\\/a/']", "'http:\\/\\/a/'"},
    {NULL, "{'on_invalid':'report','urls':['','{','\\'','a\\nb','[',' x','# x','\\u00fc']}",
     "''\n'{'\n'\\''\n'a\\nb'\n[\n x\n# x\n'\\u00fc'"},
    {"application/x-ndjson", " 'http://a/' \n{'url':'http://u:p@b/'}\r\n",
     "http://a/\nhttp://u:p@b/"},
};

START_TEST(a_line_is_what_the_client_wrote_as_short_as_can_be)
{
    char *lines = with_double_quotes(stored[_i].lines);

    ck_assert_int_eq(take(stored[_i].type, stored[_i].text), 0);
    ck_assert_str_eq(got.lines, lines);
    free(lines);
}
END_TEST

START_TEST(long_requests_make_short_chunks)
{
    char *url = malloc(100000);

    memset(url, 'x', 100000);
    overlay(url, "http://a/");
    strcpy(url + 7999, "\n");
    begin("text/plain");
    for (int i = 0; i < 40; i++)
        ck_assert_int_eq(write_text(url), 0);
    ck_assert_int_eq(intake_end(intake), 0);
    ck_assert_str_eq(got.text, "0+32 32+8");
    free(url);
}
END_TEST

/* --- The head --------------------------------------------------------------------------------- */

static const struct {
    const char *text, *head;
} heads[] = {
    {"['http://a/']", "{}"},
    {"{'urls':['http://a/']}", "{}"},
    {"{ 'name' : 'x y', 'requests' : [ 'http://a/' ],\n'ttl_ms' : 5.5 }",
     "{'name':'x y','ttl_ms':5.5}"},
};

static void check_head(const char *head)
{
    char *want = with_double_quotes(head);
    const char *text;
    size_t length;

    intake_head(intake, &text, &length);
    ck_assert_uint_eq(length, strlen(want));
    ck_assert_int_eq(memcmp(text, want, length), 0);
    free(want);
}

START_TEST(the_head_is_the_document_without_its_requests)
{
    ck_assert_int_eq(take(NULL, heads[_i].text), 0);
    check_head(heads[_i].head);
    ck_assert_uint_eq(intake_head_spec(intake)->n_items, 0);
}
END_TEST

START_TEST(lines_have_no_head)
{
    ck_assert_int_eq(take("text/plain", "http://a/"), 0);
    check_head("{}");
}
END_TEST

/* --- Large documents -------------------------------------------------------------------------- */

START_TEST(a_large_document_may_say_all_but_how_to_read_requests_behind_them)
{
    begin(NULL);
    ck_assert_int_eq(write_text("{\"defaults\":{\"method\":\"HEAD\"},\"requests\":["), 0);
    ck_assert_int_eq(write_many("\"http://a.example/a/rather/long/path\"", 30000), 1);
    must_be_refused(1, 413, "too_many_items", "1000");

    parse_settings.max_items = 30000;
    begin(NULL);
    ck_assert_int_eq(write_text("{\"defaults\":{\"method\":\"HEAD\"},\"requests\":["), 0);
    ck_assert_int_eq(write_many("\"http://a.example/a/rather/long/path\"", 30000), 0);
    ck_assert_uint_gt(got.n_chunks, 50);
    ck_assert_int_eq(write_text("],\"name\":\"x\"}"), 0);
    ck_assert_int_eq(intake_end(intake), 0);
    ck_assert_uint_eq(got.next, 30000);
    ck_assert_str_eq(intake_head_spec(intake)->name, "x");
    check_head("{'defaults':{'method':'HEAD'},'name':'x'}");
}
END_TEST

static const char *const late[] = {"\"defaults\":{}", "\"on_invalid\":\"report\""};

START_TEST(what_requests_need_must_come_before_them_in_a_large_document)
{
    begin(NULL);
    ck_assert_int_eq(write_text("{\"requests\":[\"nonsense\","), 0);
    ck_assert_int_eq(write_spaces(INTAKE_WHOLE_MAX), 0);
    ck_assert_int_eq(write_text("\"http://a/\"],"), 0);
    ck_assert_int_eq(write_text(late[_i]), 0);
    ck_assert_int_eq(write_text("}"), 0);
    must_be_refused(intake_end(intake), 422, "misplaced_member", "1048576");
    ck_assert_uint_eq(intake_defects(intake)->n_found, 1);
    ck_assert_str_eq(intake_defects(intake)->defects[0].code, "misplaced_member");
    ck_assert_uint_eq(got.n_chunks, 0);
}
END_TEST

START_TEST(what_is_not_requests_may_not_be_large)
{
    begin(NULL);
    ck_assert_int_eq(write_text("{\"name\":\""), 0);
    must_be_refused(write_spaces(INTAKE_WHOLE_MAX), 413, "too_large", "not requests");
    must_be_refused(write_text("\"}"), 413, "too_large", "not requests");
    must_be_refused(intake_end(intake), 413, "too_large", "not requests");

    begin(NULL);
    ck_assert_int_eq(write_text("{\"urls\":[\"http://a/\"],\"name\":\""), 0);
    ck_assert_int_eq(write_spaces(INTAKE_HEAD_MAX), 0);
    ck_assert_int_eq(write_text("\"}"), 0);
    must_be_refused(intake_end(intake), 413, "too_large", "131072");
}
END_TEST

static size_t n_elsewhere;

static int run_elsewhere(int (*fn)(void *arg, void **ret_result), void *arg)
{
    n_elsewhere++;
    return fn(arg, NULL);
}

/* A head that says "200" so often. */
static int take_statuses(int n, bool is_streamed)
{
    const struct intake_sink with_threads = {.put = put, .elsewhere = run_elsewhere};

    forget();
    n_elsewhere = 0;
    ck_assert_int_eq(intake_new(&intake, &parse_settings, NULL, &with_threads), 0);
    intake->held_max = is_streamed ? 0 : intake->held_max;
    ck_assert_int_eq(write_text("{\"defaults\":{\"expect\":{\"status\":["), 0);
    ck_assert_int_eq(write_many("200", (size_t)n), 0);
    return write_text("]}},\"urls\":[\"http://a/\"]}") ?: intake_end(intake);
}

START_TEST(a_large_head_is_read_elsewhere)
{
    ck_assert_int_eq(take_statuses(100, _i), 0);
    ck_assert_uint_eq(n_elsewhere, 0);
    ck_assert_int_eq(take_statuses(30000, _i), 0);
    ck_assert_uint_eq(n_elsewhere, 2);
    ck_assert_str_eq(got.text, "0+1");
    ck_assert_uint_eq(intake_n_items(intake), 1);
}
END_TEST

/* 75 bytes for each of these that are 3. */
START_TEST(a_request_of_too_many_small_values_is_refused)
{
    size_t before = fault_live();

    begin(NULL);
    ck_assert_int_eq(write_text("[{\"url\":\"http://a/\",\"json\":["), 0);
    ck_assert_int_eq(write_many("{}", MIB / 3), 0);
    int rc = write_text("]}]") ?: intake_end(intake);
    must_be_refused(rc, 413, "too_large", "small values");
    forget();
    ck_assert_uint_eq(fault_live(), before);
}
END_TEST

static const struct {
    const char *type, *start, *code;
    int status;
} hopeless[] = {
    {NULL, "http://a/", "invalid_json", 400},
    {"image/png", "http://a/", "unsupported_media_type", 415},
    {NULL, "[1 2]", "invalid_json", 400},
    {NULL, "[1] [2", "invalid_json", 400},
};

START_TEST(a_large_document_that_is_none_is_refused_for_that)
{
    begin(hopeless[_i].type);
    int rc = write_text(hopeless[_i].start) ?: write_spaces(2 * MIB) ?: intake_end(intake);
    must_be_refused(rc, hopeless[_i].status, hopeless[_i].code, "");
}
END_TEST

static const struct {
    const char *type, *start;
} endless[] = {
    {NULL, "[\""},
    {NULL, "[{\"url\":\""},
    {NULL, "{\"urls\":[5"},
    {"application/x-ndjson", "\"http://a/\"\n\""},
    {"text/plain", "http://a/"},
};

START_TEST(a_request_without_end_is_refused)
{
    char *text = malloc(INTAKE_ELEMENT_MAX + 1);

    memset(text, '5', INTAKE_ELEMENT_MAX + 1);
    begin(endless[_i].type);
    ck_assert_int_eq(write_text(endless[_i].start), 0);
    must_be_refused(intake_write(intake, text, INTAKE_ELEMENT_MAX + 1), 413, "too_large",
                    "16777216");
    free(text);
}
END_TEST

START_TEST(a_first_line_of_ndjson_may_be_long)
{
    char *text = malloc(3 * MIB);

    memset(text, 'x', 3 * MIB);
    overlay(text, "{\"url\":\"http://a/\",\"body\":\"");
    overlay(text + 3 * MIB - 3, "\"}\n");
    begin("application/x-ndjson");
    ck_assert_int_eq(intake_write(intake, text, 2 * MIB), 0);
    ck_assert_int_eq(intake_write(intake, text + 2 * MIB, MIB), 0);
    ck_assert_int_eq(write_text("\"http://b/\""), 0);
    ck_assert_int_eq(intake_end(intake), 0);
    ck_assert_str_eq(got.text, "0+1! 1+1");
    free(text);
}
END_TEST

START_TEST(repetitions_of_a_large_request_have_a_limit)
{
    char *text = malloc(8 * MIB + 100);

    parse_settings.max_items = 1000000;
    parse_settings.max_arena_bytes = (size_t)1 << 30;
    memset(text, 'x', 8 * MIB + 100);
    overlay(text, "[{\"url\":\"http://a/\",\"repeat\":100000,\"body\":\"");
    strcpy(text + 8 * MIB, "\"}]");
    begin(NULL);
    must_be_refused(write_text(text), 413, "too_large", "repeated");
    free(text);
}
END_TEST

/* --- Defects ---------------------------------------------------------------------------------- */

START_TEST(after_a_defect_nothing_more_is_put_but_all_is_checked)
{
    begin("text/plain");
    for (int i = 0; i < 300; i++)
        ck_assert_int_eq(write_text("http://a/\n"), 0);
    ck_assert_int_eq(write_text("nonsense\n"), 0);
    for (int i = 0; i < 300; i++)
        ck_assert_int_eq(write_text("http://a/\n"), 0);
    ck_assert_int_eq(write_text("ftp://a/\n"), 0);
    must_be_refused(intake_end(intake), 422, "invalid_request", "2 errors");
    ck_assert_str_eq(got.text, "0+256");
    ck_assert_str_eq(intake_defects(intake)->defects[1].pointer, "/601");
}
END_TEST

START_TEST(defects_of_the_head_come_before_those_of_requests)
{
    begin(NULL);
    ck_assert_int_eq(write_text("{\"name\":5,\"urls\":["), 0);
    ck_assert_int_eq(write_spaces(INTAKE_WHOLE_MAX), 0);
    ck_assert_int_eq(write_text("\"http://a/\",\"x\"],\"weight\":0}"), 0);
    must_be_refused(intake_end(intake), 422, "invalid_request", "3 errors");
    ck_assert_str_eq(intake_defects(intake)->defects[0].pointer, "/name");
    ck_assert_str_eq(intake_defects(intake)->defects[1].pointer, "/weight");
    ck_assert_str_eq(intake_defects(intake)->defects[2].pointer, "/urls/1");
    ck_assert_uint_eq(got.n_chunks, 0);
}
END_TEST

/* --- The sink, and memory --------------------------------------------------------------------- */

static const int failures[] = {-ENOSPC, -EINVAL, -EMSGSIZE, -ECANCELED};

START_TEST(what_the_sink_says_is_what_the_caller_gets)
{
    begin("text/plain");
    got.result = failures[_i];
    ck_assert_int_eq(write_text("http://a/\n"), 0);
    ck_assert_int_eq(intake_end(intake), failures[_i]);
    begin(NULL);
    got.result = failures[_i];
    ck_assert_int_eq(write_text("[{\"url\":\"http://a/\",\"repeat\":256}"), 0);
    ck_assert_int_eq(intake_end(intake), failures[_i]);
    ck_assert_uint_eq(got.n_chunks, 1);
}
END_TEST

/* One chunk after the other, with no more alive than with the first. */
START_TEST(memory_does_not_grow_with_the_requests)
{
    char line[] = "{\"url\":\"http://u:p@a/\",\"headers\":{\"x\":\"y\"},\"id\":\"12345678\"}\n";
    size_t after_some = 0;

    parse_settings.max_items = 100000;
    begin(_i == 0 ? "application/x-ndjson" : NULL);
    ck_assert_int_eq(_i == 0 ? 0 : write_text("["), 0);
    ck_assert_int_eq(_i == 0 ? 0 : write_spaces(INTAKE_WHOLE_MAX), 0);
    line[sizeof(line) - 2] = _i == 0 ? '\n' : ',';
    for (int i = 0; i < 6 * CHUNK_ITEMS; i++) {
        ck_assert_int_eq(write_text(line), 0);
        if (i == 2 * CHUNK_ITEMS - 1)
            after_some = fault_live();
    }
    ck_assert_uint_le(fault_live(), after_some);
    ck_assert_uint_ge(got.n_chunks, 5);
}
END_TEST

static const struct {
    const char *type, *text;
    bool is_streamed;
    int rc;
} documents[] = {
    {NULL, "{'name':'x','urls':['http://a/',{'url':'http://b/','body':'x'}]}", false, 0},
    {NULL, "{'urls':['http://a/',{'url':'http://b/','body':'x'}],'weight':2}", true, 0},
    {NULL, "{'name':5,'urls':['x',{'url':'http://b/','body':'x'}]}", true, 1},
    {NULL, "['http://a/' 5]", true, 1},
    {"image/png", "['http://a/',{'a':}]", true, 1},
    {"application/x-ndjson", "'http://u:p@a/'\n{'url':'http://b/','json':[1],'repeat':300}", false,
     0},
    {"text/uri-list", "http://a/\nnonsense", false, 1},
};

/* In slices that cut everything. */
static int take_in_pieces(const char *type, const char *text, bool is_streamed)
{
    int rc = intake_new(&intake, &parse_settings, type, &sink);

    if (rc == 0 && is_streamed)
        intake->held_max = 0;
    for (; rc == 0 && *text != '\0'; text++)
        rc = intake_write(intake, text, 1);
    return rc ?: intake_end(intake);
}

START_TEST(every_allocation_may_fail)
{
    char *text = with_double_quotes(documents[_i].text);
    size_t n = 1;

    for (;; n++) {
        size_t before = fault_live();

        fault_arm(n);
        int rc = take_in_pieces(documents[_i].type, text, documents[_i].is_streamed);
        bool failed = fault_disarm();
        forget();
        ck_assert_msg(rc == (failed ? -ENOMEM : documents[_i].rc) ||
                          (failed && documents[_i].rc == 1 && rc == 1),
                      "allocation %zu: %d", n, rc);
        ck_assert_uint_eq(fault_live(), before);
        if (!failed)
            break;
    }
    ck_assert_uint_gt(n, 4);
    free(text);
}
END_TEST

Suite *suite_intake(void);

Suite *suite_intake(void)
{
    Suite *suite = suite_create("daemon/model/intake");
    TCase *tcase = parse_case(suite, "chunks");

    tcase_add_checked_fixture(tcase, NULL, forget);
    tcase_add_loop_test(tcase, items_are_put_into_chunks_of_their_kind, 0, N_ELEMENTS(layouts));
    tcase_add_loop_test(tcase, a_line_is_what_the_client_wrote_as_short_as_can_be, 0,
                        N_ELEMENTS(stored));
    tcase_add_test(tcase, long_requests_make_short_chunks);
    tcase_add_loop_test(tcase, the_head_is_the_document_without_its_requests, 0, N_ELEMENTS(heads));
    tcase_add_test(tcase, lines_have_no_head);

    tcase = parse_case(suite, "large");
    tcase_add_checked_fixture(tcase, NULL, forget);
    tcase_add_test(tcase, a_large_document_may_say_all_but_how_to_read_requests_behind_them);
    tcase_add_loop_test(tcase, what_requests_need_must_come_before_them_in_a_large_document, 0,
                        N_ELEMENTS(late));
    tcase_add_test(tcase, what_is_not_requests_may_not_be_large);
    tcase_add_loop_test(tcase, a_large_head_is_read_elsewhere, 0, 2);
    tcase_add_test(tcase, a_request_of_too_many_small_values_is_refused);
    tcase_add_loop_test(tcase, a_large_document_that_is_none_is_refused_for_that, 0,
                        N_ELEMENTS(hopeless));
    tcase_add_loop_test(tcase, a_request_without_end_is_refused, 0, N_ELEMENTS(endless));
    tcase_add_test(tcase, a_first_line_of_ndjson_may_be_long);
    tcase_add_test(tcase, repetitions_of_a_large_request_have_a_limit);

    tcase = parse_case(suite, "ways out");
    tcase_add_checked_fixture(tcase, NULL, forget);
    tcase_add_test(tcase, after_a_defect_nothing_more_is_put_but_all_is_checked);
    tcase_add_test(tcase, defects_of_the_head_come_before_those_of_requests);
    tcase_add_loop_test(tcase, what_the_sink_says_is_what_the_caller_gets, 0, N_ELEMENTS(failures));
    tcase_add_loop_test(tcase, memory_does_not_grow_with_the_requests, 0, 2);
    tcase_add_loop_test(tcase, every_allocation_may_fail, 0, N_ELEMENTS(documents));
    return suite;
}
