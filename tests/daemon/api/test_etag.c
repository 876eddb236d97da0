#include "daemon/api/etag.h"

#include <check.h>
#include <string.h>

#define N_ELEMENTS(array) (sizeof(array) / sizeof(*(array)))

#define TAG "\"job_1-7\""

START_TEST(tag_of_a_job_is_its_id_and_version)
{
    struct job_record record = {.version = 3, .tally.n_finished = 4};
    char etag[ETAG_SIZE];

    strcpy(record.id, "job_1");
    etag_of_job(&record, etag);
    ck_assert_str_eq(etag, TAG);
}
END_TEST

START_TEST(tag_of_the_largest_version_has_room)
{
    char etag[ETAG_SIZE];

    etag_of_version("job_01JZ9M4T6Q3W8KX2B7V5N0RCFE", UINT64_MAX, etag);
    ck_assert_str_eq(etag, "\"job_01JZ9M4T6Q3W8KX2B7V5N0RCFE-18446744073709551615\"");
}
END_TEST

static const struct {
    const char *list;
    bool matches;
} lists[] = {
    {TAG, true},
    {"W/" TAG, true},
    {"\"a\", " TAG, true},
    {"\"a\" ,\tW/\"b,c\",W/" TAG " ", true},
    {",, " TAG, true},
    {"*", true},
    {" * ", true},
    {"", false},
    {"job_1-7", false},
    {"w/" TAG, false},
    {"\"job_1-70\"", false},
    {"\"job_1-\"", false},
    {"\"x " TAG, false},
    {"\"a\", *", false},
    {"W/", false},
    {"\"", false},
    {"\"\"", false},
    {"*, " TAG, false},
};

START_TEST(list_of_tags_is_compared_weakly)
{
    ck_assert_int_eq(etag_is_in(lists[_i].list, TAG), lists[_i].matches);
}
END_TEST

Suite *suite_etag(void);

Suite *suite_etag(void)
{
    Suite *suite = suite_create("daemon/api/etag");
    TCase *tcase = tcase_create("etag");

    tcase_add_test(tcase, tag_of_a_job_is_its_id_and_version);
    tcase_add_test(tcase, tag_of_the_largest_version_has_room);
    tcase_add_loop_test(tcase, list_of_tags_is_compared_weakly, 0, N_ELEMENTS(lists));
    suite_add_tcase(suite, tcase);
    return suite;
}
