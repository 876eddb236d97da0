#include "daemon/client/request_document.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/client/options.h"

#include "tests/support/runtime.h"

static char path[] = "/tmp/gatherctl-test-XXXXXX";
static struct options options;
static struct request_document document;
static struct err err;

static void set_up(void)
{
    memcpy(path + strlen(path) - 6, "XXXXXX", 6);
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    close(fd);
    options = (struct options){0};
    err = (struct err){""};
}

static void tear_down(void)
{
    unlink(path);
}

static void write_file(const char *text)
{
    FILE *file = fopen(path, "w");

    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    ck_assert_int_eq(fclose(file), 0);
}

static int make(const char *url)
{
    char *words[] = {(char *)url, NULL};

    return request_document_make(&document, &options, url != NULL, words, &err);
}

static const char *made(const char *url)
{
    ck_assert_msg(make(url) == 0, "%s", err.message);
    ck_assert_int_eq(buffer_append_byte(&document.json, '\0'), 0);
    return document.json.data;
}

CO_TEST(url_is_a_request)
{
    ck_assert_str_eq(made("http://a/"), "{\"defaults\":{},\"requests\":[\"http://a/\"]}");
    ck_assert_uint_eq(document.n_requests, 1);
    request_document_done(&document);
}

CO_TEST(options_become_members)
{
    options.timeout_ms = 1500;
    options.stays = true;
    options.concurrency = 7;
    options.until = "2";
    options.fails_fast = true;
    options.headers = (struct option_texts){{"X-A: b"}, 1};
    options.expected_statuses = (struct option_texts){{"200", "3xx"}, 2};
    options.labels = (struct option_texts){{"team=web"}, 1};
    ck_assert_str_eq(made("http://a/"),
                     "{\"defaults\":{\"follow_redirects\":false,\"timeout_ms\":1500,"
                     "\"expect\":{\"status\":[200,\"3xx\"]},\"headers\":{\"X-A\":\"b\"}},"
                     "\"limits\":{\"concurrency\":7},"
                     "\"gather\":{\"until\":{\"successes\":2},\"on_failure\":\"cancel_rest\"},"
                     "\"labels\":{\"team\":\"web\"},\"requests\":[\"http://a/\"]}");
    request_document_done(&document);
}

CO_TEST(what_defaults_do_not_have_is_in_each_request)
{
    options.repeat = 3;
    options.data = "x";
    options.files = (struct option_texts){{path}, 1};
    write_file("{\"url\":\"http://b/\",\"id\":\"b\"}\n");
    options.input_format = "ndjson";
    ck_assert_str_eq(made("http://a/"),
                     "{\"defaults\":{},\"requests\":["
                     "{\"repeat\":3,\"body\":\"x\",\"url\":\"http://a/\"},"
                     "{\"repeat\":3,\"body\":\"x\",\"url\":\"http://b/\",\"id\":\"b\"}]}");
    ck_assert_uint_eq(document.n_requests, 6);
    request_document_done(&document);
}

CO_TEST(members_are_json_or_else_text)
{
    options.members = (struct option_texts){{"max_redirects=2", "http_version=1.1", "proxy=null",
                                             "auth={\"type\":\"bearer\"}", "id=a b"},
                                            5};
    ck_assert_str_eq(
        made("http://a/"),
        "{\"defaults\":{\"max_redirects\":2,\"http_version\":1.1,\"proxy\":null,"
        "\"auth\":{\"type\":\"bearer\"},\"id\":\"a b\"},\"requests\":[\"http://a/\"]}");
    request_document_done(&document);
}

CO_TEST(places_of_items_are_known)
{
    options.files = (struct option_texts){{path}, 1};
    write_file("# first\nhttp://a/\n\nhttp://b/\n");
    ck_assert_ptr_nonnull(strstr(made(NULL), "[\"http://a/\",\"http://b/\"]"));
    ck_assert_uint_eq(document.n_items, 2);
    ck_assert_str_eq(document.places[1].source, path);
    ck_assert_uint_eq(document.places[1].line, 4);
    request_document_done(&document);
}

CO_TEST(data_of_a_file_is_sent_as_bytes)
{
    char data[64];

    write_file("\xff\n");
    snprintf(data, sizeof(data), "@%s", path);
    options.data = data;
    ck_assert_ptr_nonnull(strstr(made("http://a/"), "{\"body_base64\":\"/wo=\",\"url\":"));
    request_document_done(&document);
}

static void assert_refused(const char *why)
{
    ck_assert_int_eq(make("http://a/"), -EINVAL);
    ck_assert_msg(strstr(err.message, why) != NULL, "%s", err.message);
}

CO_TEST(header_without_a_value_is_refused)
{
    options.headers = (struct option_texts){{"X-A"}, 1};
    assert_refused("NAME: VALUE");
    request_document_done(&document);
}

CO_TEST(label_without_a_value_is_refused)
{
    options.labels = (struct option_texts){{"team"}, 1};
    assert_refused("NAME=VALUE");
    request_document_done(&document);
}

CO_TEST(member_without_a_value_is_refused)
{
    options.members = (struct option_texts){{"timeout_ms"}, 1};
    assert_refused("NAME=JSON");
    request_document_done(&document);
}

CO_TEST(file_that_is_not_there_is_named)
{
    options.files = (struct option_texts){{"/nowhere/urls.txt"}, 1};
    assert_refused("/nowhere/urls.txt: No such file");
    request_document_done(&document);
}

CO_TEST(file_without_urls_is_nothing_to_fetch)
{
    options.files = (struct option_texts){{path}, 1};
    ck_assert_int_eq(make(NULL), -EINVAL);
    ck_assert_ptr_nonnull(strstr(err.message, "nothing to fetch"));
    request_document_done(&document);
}

Suite *suite_request_document(void);

Suite *suite_request_document(void)
{
    Suite *suite = suite_create("request_document");
    TCase *tcase = tcase_create("request_document");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, url_is_a_request);
    tcase_add_test(tcase, options_become_members);
    tcase_add_test(tcase, what_defaults_do_not_have_is_in_each_request);
    tcase_add_test(tcase, members_are_json_or_else_text);
    tcase_add_test(tcase, places_of_items_are_known);
    tcase_add_test(tcase, data_of_a_file_is_sent_as_bytes);
    tcase_add_test(tcase, header_without_a_value_is_refused);
    tcase_add_test(tcase, label_without_a_value_is_refused);
    tcase_add_test(tcase, member_without_a_value_is_refused);
    tcase_add_test(tcase, file_that_is_not_there_is_named);
    tcase_add_test(tcase, file_without_urls_is_nothing_to_fetch);
    suite_add_tcase(suite, tcase);
    return suite;
}
