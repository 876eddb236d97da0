#include "daemon/model/json_split.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/support/fault.h"

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

enum { HEAD_MAX = 1000, ELEMENT_MAX = 100 };

/* What was handed out: each element with its index and its place, "0@1:1=5 1@1:3={}". */
static char taken[4096];
static int take_result;

static int take(void *arg, const char *text, size_t length)
{
    const struct json_split *split = arg;
    struct text_place place = json_split_place(split);
    size_t used = strlen(taken);

    snprintf(taken + used, sizeof(taken) - used, "%s%zu@%zu:%zu=%.*s", used > 0 ? " " : "",
             split->n_elements, place.line, place.column, (int)length, text);
    return take_result;
}

static struct json_split split;

static void set_up(void)
{
    taken[0] = '\0';
    take_result = 0;
    json_split_init(&split, HEAD_MAX, ELEMENT_MAX, take, &split);
}

static void tear_down(void)
{
    json_split_done(&split);
}

/* In slices of a size, each in a block of its own. */
static int write_all(const char *text, size_t size)
{
    size_t length = strlen(text);
    int rc = 0;

    for (size_t at = 0; rc == 0 && at < length; at += size) {
        size_t n = length - at < size ? length - at : size;
        char *slice = malloc(n);
        memcpy(slice, text + at, n);
        rc = json_split_write(&split, slice, n);
        free(slice);
    }
    return rc ?: json_split_end(&split);
}

/* --- What is taken out, and what is left ------------------------------------------------------ */

static const struct {
    const char *text, *elements, *head;
} documents[] = {
    {"[]", "", "[]"},
    {"[1]", "0@1:1=1", "[]"},
    {" \n [ \"a\" , {\"b\" : [ ]}\n,null ] \n", "0@2:3=\"a\" 1@2:9={\"b\" : [ ]} 2@3:1=null",
     " \n []"
     " \n"},
    {"{\"urls\":[\"a\",\"b\"]}", "0@1:9=\"a\" 1@1:13=\"b\"", "{\"urls\":[]}"},
    {"{\"name\":\"x\", \"requests\" : [1,2] , \"weight\":3}", "0@1:27=1 1@1:29=2",
     "{\"name\":\"x\", \"requests\" : [] , \"weight\":3}"},
    /* Strings hide what looks like structure. */
    {"[\"]\",\"\\\"]\",\"\\\\\",{\"}\":\"{\\\"\"}]",
     "0@1:1=\"]\" 1@1:5=\"\\\"]\" 2@1:11=\"\\\\\" 3@1:16={\"}\":\"{\\\"\"}", "[]"},
    /* A character is a column, however many bytes it has. */
    {"[\"\xc3\xbc\xe2\x82\xac\",5]", "0@1:1=\"\xc3\xbc\xe2\x82\xac\" 1@1:6=5", "[]"},
    /* Only at the top, and only as a key. */
    {"{\"a\":{\"urls\":[1]},\"b\":[\"urls\",[2]],\"c\":\"urls\"}", "",
     "{\"a\":{\"urls\":[1]},\"b\":[\"urls\",[2]],\"c\":\"urls\"}"},
    {"{\"urls\":5,\"url\":[1],\"urlss\":[2]}", "", "{\"urls\":5,\"url\":[1],\"urlss\":[2]}"},
    {"{\"\\u0075\\u0072ls\":[1]}", "0@1:19=1", "{\"\\u0075\\u0072ls\":[]}"},
    {"{\"\\u0175rls\":[1],\"\\u00zzurls\":[2],\"urls\\u0000\":[3]}", "",
     "{\"\\u0175rls\":[1],\"\\u00zzurls\":[2],\"urls\\u0000\":[3]}"},
    {"5", "", "5"},
    {"", "", ""},
    /* Each array that is there too often begins anew. */
    {"{\"urls\":[1,2],\"requests\":[3]}", "0@1:9=1 1@1:11=2 0@1:26=3",
     "{\"urls\":[],\"requests\":[]}"},
    /* Where it is wrong the head goes on. */
    {"[1,]", "0@1:1=1", "[\"\",]"},
    {"[1 2]", "0@1:1=1", "[\"\"2]"},
    {"[,1]", "", "[,1]"},
    {"[1}, {\"urls\":[2]}", "0@1:1=1", "[\"\"}, {\"urls\":[2]}"},
    {"[1] [2]", "0@1:1=1", "[] [2]"},
    {"[1,2", "0@1:1=1 1@1:3=2", "["},
    {"[1,\"x", "0@1:1=1 1@1:3=\"x", "["},
    {"[{\"a\":[", "0@1:1={\"a\":[", "["},
    {"{\"urls\":[1", "0@1:9=1", "{\"urls\":["},
};

static void check_document(int which, size_t size)
{
    json_split_done(&split);
    set_up();
    ck_assert_int_eq(write_all(documents[which].text, size), 0);
    ck_assert_str_eq(taken, documents[which].elements);
    ck_assert_uint_eq(split.head.len, strlen(documents[which].head));
    ck_assert_int_eq(memcmp(split.head.data ?: "", documents[which].head, split.head.len), 0);
}

START_TEST(elements_are_handed_out_and_the_rest_is_the_head)
{
    for (size_t size = 1; size <= strlen(documents[_i].text) + 1; size++)
        check_document(_i, size);
}
END_TEST

START_TEST(a_cut_says_where_the_document_goes_on)
{
    ck_assert_int_eq(write_all("{\"x\":1,\n\"urls\":[1,\n 2,\n\n3 ],\"y\":2}", 3), 0);
    ck_assert_uint_eq(split.n_cuts, 1);
    ck_assert_uint_eq(split.cuts[0].here.line, 2);
    ck_assert_uint_eq(split.cuts[0].here.column, 8);
    ck_assert_uint_eq(split.cuts[0].there.line, 5);
    ck_assert_uint_eq(split.cuts[0].there.column, 2);
    ck_assert(!split.is_broken);
}
END_TEST

START_TEST(more_arrays_than_there_can_be_are_left_in_the_head)
{
    static const char text[] = "{\"urls\":[1],\"urls\":[2],\"urls\":[3],\"urls\":[4],\"urls\":[5]}";

    ck_assert_int_eq(write_all(text, sizeof(text)), 0);
    ck_assert_uint_eq(split.n_cuts, JSON_SPLIT_CUTS_MAX);
    ck_assert_ptr_nonnull(memmem(split.head.data, split.head.len, "[5]", 3));
}
END_TEST

START_TEST(a_key_without_end_is_no_key)
{
    char text[500];

    memset(text, 'u', sizeof(text));
    memcpy(text, "{\"", 2);
    strcpy(text + sizeof(text) - 8, "\":[1]}");
    ck_assert_int_eq(write_all(text, 10), 0);
    ck_assert_uint_eq(split.n_cuts, 0);
}
END_TEST

/* --- Limits ----------------------------------------------------------------------------------- */

START_TEST(an_element_or_a_head_that_is_too_large_ends_it)
{
    char text[HEAD_MAX + 10];

    memset(text, '1', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    ck_assert_int_eq(write_all(text, (size_t)_i), -EMSGSIZE);
    json_split_done(&split);
    set_up();
    text[0] = '[';
    strcpy(text + 1 + ELEMENT_MAX, ",2]");
    ck_assert_int_eq(write_all(text, (size_t)_i), 0);
    json_split_done(&split);
    set_up();
    strcpy(text + 1 + ELEMENT_MAX, "1]");
    ck_assert_int_eq(write_all(text, (size_t)_i), -EMSGSIZE);
}
END_TEST

START_TEST(who_takes_the_elements_may_end_it)
{
    take_result = -ECANCELED;
    ck_assert_int_eq(write_all("[1,2]", 2), -ECANCELED);
    ck_assert_str_eq(taken, "0@1:1=1");
}
END_TEST

START_TEST(every_allocation_may_fail)
{
    for (size_t n = 1;; n++) {
        size_t before = fault_live();

        set_up();
        fault_arm(n);
        int rc = json_split_write(&split, "{\"x\":1,\"urls\":[{\"a\"", 18)
                     ?: json_split_write(&split, ":1},2]}", 7) ?: json_split_end(&split);
        bool failed = fault_disarm();
        json_split_done(&split);
        ck_assert_uint_eq(fault_live(), before);
        if (!failed)
            break;
        ck_assert_int_eq(rc, -ENOMEM);
    }
}
END_TEST

Suite *suite_json_split(void);

Suite *suite_json_split(void)
{
    Suite *suite = suite_create("daemon/model/json_split");
    TCase *tcase = tcase_create("split");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_loop_test(tcase, elements_are_handed_out_and_the_rest_is_the_head, 0,
                        N_ELEMENTS(documents));
    tcase_add_test(tcase, a_cut_says_where_the_document_goes_on);
    tcase_add_test(tcase, more_arrays_than_there_can_be_are_left_in_the_head);
    tcase_add_test(tcase, a_key_without_end_is_no_key);
    tcase_add_loop_test(tcase, an_element_or_a_head_that_is_too_large_ends_it, 1, 9);
    tcase_add_test(tcase, who_takes_the_elements_may_end_it);
    tcase_add_test(tcase, every_allocation_may_fail);
    suite_add_tcase(suite, tcase);
    return suite;
}
