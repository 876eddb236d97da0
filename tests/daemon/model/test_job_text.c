#include "daemon/model/job_text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/daemon/model/parse_fixture.h"
#include "tests/support/fault.h"

static struct job_head *head;
static struct job_spec *spec;

/* The texts as they are. */
static int read_head(const char *text)
{
    return job_head_parse(&parse_settings, text, strlen(text), &parsed.defects, &parsed.refusal,
                          &head);
}

static int read_chunk(const char *lines, uint32_t skip, uint32_t n_items)
{
    const struct job_chunk chunk = {
        .n_items = n_items,
        .skip = skip,
        .lines = lines,
        .length = strlen(lines),
    };

    return job_chunk_parse(head, &chunk, &spec);
}

/* With " for '. */
static int try_head(const char *text)
{
    char *copy = with_double_quotes(text);
    int rc = read_head(copy);

    free(copy);
    return rc;
}

static int try_chunk(const char *lines, uint32_t skip, uint32_t n_items)
{
    char *copy = with_double_quotes(lines);
    int rc = read_chunk(copy, skip, n_items);

    free(copy);
    return rc;
}

static const struct job_spec *must_read(const char *head_text, const char *lines, uint32_t n_items)
{
    ck_assert_int_eq(try_head(head_text), 0);
    ck_assert_int_eq(try_chunk(lines, 0, n_items), 0);
    return spec;
}

static void free_all(void)
{
    job_spec_free(spec);
    job_head_free(head);
    spec = NULL;
    head = NULL;
}

/* --- The head --------------------------------------------------------------------------------- */

START_TEST(a_head_says_all_but_requests)
{
    ck_assert_int_eq(try_head("{'name':'x','labels':{'a':'b'},'weight':7,'deadline_ms':5}"), 0);
    const struct job_spec *said = job_head_spec(head);

    ck_assert_str_eq(said->name, "x");
    ck_assert_str_eq(said->labels[0].value, "b");
    ck_assert_uint_eq(said->weight, 7);
    ck_assert_int_eq(said->deadline_us, 5000);
    ck_assert_uint_eq(said->n_items, 0);
}
END_TEST

static const struct {
    const char *text;
    int status;
} bad_heads[] = {
    {"", 400},
    {"{'name':'x'", 400},
    {"[]", 422},
    {"{'name':5}", 422},
    {"{'defaults':{'proxy':'http://gone.example/'}}", 422},
};

START_TEST(a_head_that_cannot_be_read_is_refused)
{
    ck_assert_int_eq(try_head(bad_heads[_i].text), 1);
    ck_assert_int_eq(parsed.refusal.status, bad_heads[_i].status);
    ck_assert_ptr_null(head);
    ck_assert_int_eq(parsed.defects.n_found > 0, bad_heads[_i].status == 422);
}
END_TEST

/* --- Requests --------------------------------------------------------------------------------- */

START_TEST(a_chunk_is_lines_of_urls_and_objects)
{
    must_read("{'name':'x','defaults':{'method':'HEAD'}}",
              "http://a/\n{'url':'http://b/','method':'PUT'}\n'http://\\u0061/'", 3);
    ck_assert_str_eq(spec->name, "x");
    ck_assert_str_eq(job_spec_request(spec, 0)->url.text, "http://a/");
    ck_assert_str_eq(job_spec_request(spec, 0)->options->method, "HEAD");
    ck_assert_str_eq(job_spec_request(spec, 1)->options->method, "PUT");
    ck_assert_uint_eq(job_spec_request(spec, 2)->origin, job_spec_request(spec, 0)->origin);
    ck_assert_uint_eq(spec->n_origins, 2);
}
END_TEST

START_TEST(a_chunk_may_begin_and_end_within_the_repetitions_of_a_request)
{
    ck_assert_int_eq(try_head("{}"), 0);
    ck_assert_int_eq(try_chunk("{'url':'http://a/','repeat':{'count':5,'interval_ms':10}}\n"
                               "{'url':'http://b/','repeat':9}",
                               3, 4),
                     0);
    ck_assert_uint_eq(spec->n_items, 4);
    ck_assert_uint_eq(spec->items[0].repetition, 3);
    ck_assert_int_eq(job_spec_delay_us(spec, 0), 30000);
    ck_assert_int_eq(job_spec_delay_us(spec, 1), 40000);
    ck_assert_uint_eq(spec->items[2].request, 1);
    ck_assert_uint_eq(spec->items[2].repetition, 0);
    ck_assert_uint_eq(spec->items[3].repetition, 1);
    ck_assert_uint_eq(job_spec_request(spec, 3)->n_repeats, 9);
}
END_TEST

static const struct {
    const char *lines;
    uint32_t skip, n_items;
} bad_chunks[] = {
    {"http://a/", 0, 0},
    {"http://a/", 0, 2},
    {"http://a/", 1, 1},
    {"http://a/\nhttp://b/", 0, 1},
    {"{'url':'http://a/','repeat':3}", 1, 3},
    {"{'url':'http://a/','repeat':3}\nhttp://b/", 1, 2},
    {"{'url':'http://a/'", 0, 1},
    {"{'url':'http://a/','url':'http://b/'}", 0, 1},
    {"{'url':'http://a/','repeat':4294967295}\n{'url':'http://a/','repeat':4294967295}", 0, 1},
};

START_TEST(lines_that_are_not_those_items_are_damage)
{
    ck_assert_int_eq(try_head("{}"), 0);
    ck_assert_int_eq(try_chunk(bad_chunks[_i].lines, bad_chunks[_i].skip, bad_chunks[_i].n_items),
                     -EBADMSG);
    ck_assert_ptr_null(spec);
}
END_TEST

START_TEST(a_chunk_is_not_bound_by_limits_on_what_is_accepted)
{
    ck_assert_int_eq(try_head("{}"), 0);
    parse_settings.max_items = 1;
    ck_assert_int_eq(try_chunk("http://a/\nhttp://b/", 0, 2), 0);
}
END_TEST

/* --- What cannot be run any more -------------------------------------------------------------- */

static const struct {
    const char *line, *code, *url, *word;
} spoilt[] = {
    {"{'url':'http://u:hidden@a/x','proxy':'http://gone.example/'}", "internal", "http://a/x",
     "proxies"},
    {"{'url':'http://a/','auth':{'type':'bearer','secret_ref':'gone'}}", "internal", "http://a/",
     "secret"},
    {"{'url':'http://a/','max_redirects':99}", "internal", "http://a/", "from"},
    {"{'url':5}", "internal", "", "string"},
    {"ftp://u:hidden@a/", "unsupported_scheme", "ftp://***@a/", ""},
    {"{'url':'nonsense'}", "invalid_url", "nonsense", ""},
    {"", "invalid_url", "", ""},
};

/* It was accepted with white space, for which it had more room. */
START_TEST(a_chunk_may_take_more_memory_than_a_document)
{
    parse_settings.json_room = 0;
    must_read("{'labels':{'a':''}}",
              "{'url':'http://a/','json':[{},{},{},{},{},{},{},{},{},{},{},{}]}", 1);
}
END_TEST

START_TEST(a_request_that_cannot_be_read_any_more_has_a_defect_and_the_others_have_none)
{
    char lines[500];

    snprintf(lines, sizeof(lines), "http://x/\n%s\nhttp://y/", spoilt[_i].line);
    must_read("{}", lines, 3);
    const struct request *request = job_spec_request(spec, 1);

    ck_assert_str_eq(request->defect->code, spoilt[_i].code);
    ck_assert_ptr_nonnull(strstr(request->defect->message, spoilt[_i].word));
    ck_assert_ptr_null(strstr(request->defect->message, "hidden"));
    ck_assert_str_eq(request->url_text, spoilt[_i].url);
    ck_assert_ptr_null(request->url.text);
    ck_assert_ptr_null(job_spec_request(spec, 0)->defect);
    ck_assert_ptr_null(job_spec_request(spec, 2)->defect);
}
END_TEST

START_TEST(a_defect_keeps_the_repetitions)
{
    must_read("{}", "{'url':'http://a/','max_redirects':99,'repeat':3}", 3);
    ck_assert_uint_eq(spec->items[2].repetition, 2);
    ck_assert_ptr_nonnull(job_spec_request(spec, 2)->defect);
}
END_TEST

/* --- Safety ----------------------------------------------------------------------------------- */

static const struct {
    const char *method;
    bool is_safe;
} methods[] = {
    {"GET", true},  {"HEAD", true}, {"OPTIONS", true}, {"TRACE", true},   {"POST", false},
    {"PUT", false}, {"get", false}, {"PATCH", false},  {"DELETE", false}, {"PURGE", false},
};

START_TEST(methods_that_change_nothing_are_safe)
{
    const struct fetch_options options = {.method = methods[_i].method};
    const struct request request = {.options = &options};

    ck_assert_int_eq(request_is_safe(&request), methods[_i].is_safe);
}
END_TEST

/* --- Memory ----------------------------------------------------------------------------------- */

static const char *const lines_to_read[] = {
    "http://u:p@a/\n{'url':'http://b/','json':[1],'headers':{'a':'b'},'repeat':2}",
    "{'url':'http://b/','max_redirects':99}\nnonsense\n{'url':'http://b/','auth':{'type':'x'}}",
};

START_TEST(every_allocation_may_fail)
{
    char *lines = with_double_quotes(lines_to_read[_i]);
    size_t n = 1;

    for (;; n++) {
        size_t before = fault_live();

        fault_arm(n);
        int rc = read_head("{\"name\":\"x\",\"defaults\":{\"headers\":{\"x\":\"y\"}}}")
                     ?: read_chunk(lines, 0, 3);
        bool failed = fault_disarm();
        free_all();
        ck_assert_int_eq(rc, failed ? -ENOMEM : 0);
        ck_assert_uint_eq(fault_live(), before);
        if (!failed)
            break;
    }
    ck_assert_uint_gt(n, 8);
    free(lines);
}
END_TEST

Suite *suite_job_text(void);

Suite *suite_job_text(void)
{
    Suite *suite = suite_create("daemon/model/job_text");
    TCase *tcase = parse_case(suite, "job_text");

    tcase_add_checked_fixture(tcase, NULL, free_all);
    tcase_add_test(tcase, a_head_says_all_but_requests);
    tcase_add_loop_test(tcase, a_head_that_cannot_be_read_is_refused, 0, N_ELEMENTS(bad_heads));
    tcase_add_test(tcase, a_chunk_is_lines_of_urls_and_objects);
    tcase_add_test(tcase, a_chunk_may_begin_and_end_within_the_repetitions_of_a_request);
    tcase_add_loop_test(tcase, lines_that_are_not_those_items_are_damage, 0,
                        N_ELEMENTS(bad_chunks));
    tcase_add_test(tcase, a_chunk_is_not_bound_by_limits_on_what_is_accepted);
    tcase_add_test(tcase, a_chunk_may_take_more_memory_than_a_document);
    tcase_add_loop_test(
        tcase, a_request_that_cannot_be_read_any_more_has_a_defect_and_the_others_have_none, 0,
        N_ELEMENTS(spoilt));
    tcase_add_test(tcase, a_defect_keeps_the_repetitions);
    tcase_add_loop_test(tcase, methods_that_change_nothing_are_safe, 0, N_ELEMENTS(methods));
    tcase_add_loop_test(tcase, every_allocation_may_fail, 0, N_ELEMENTS(lines_to_read));
    return suite;
}
