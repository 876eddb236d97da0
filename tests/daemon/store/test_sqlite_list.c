#include "daemon/store/store.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/fault.h"
#include "tests/support/runtime.h"
#include "tests/support/stores.h"

static const struct job_label web = {"team", "web"}, red = {"color", "red"};

/* Jobs named a, b, c, ...; even ones have ended, those before d are of the team "web", b and c are
 * red. */
static void accept_some(unsigned n)
{
    const struct job_label both[] = {web, red};

    for (unsigned i = 0; i < n; i++) {
        const char name[] = {(char)('a' + i), '\0'};
        const struct test_job job = {.name = name,
                                     .labels = both,
                                     .n_labels = i == 0  ? 1
                                                 : i < 3 ? 2
                                                         : 0};
        struct job_record *record = stores_accept(1, &job);
        if (i % 2 == 0) {
            record->status = JOB_DONE;
            record->ended_at = record->created_at;
            const struct store_job_change change = {.record = record};
            assert_ok(store_commit(the_store,
                                   &(struct store_commit){.changes = &change, .n_changes = 1}));
        }
        job_record_unref(record);
    }
}

/* The names of what is listed, and "..." if there is more. */
static const char *list(struct store_query query, size_t limit)
{
    static char text[64];
    struct job_record *records[16];
    bool more;

    text[0] = '\0';
    int n = store_list(the_store, &query, limit, records, &more);
    ck_assert_int_ge(n, 0);
    for (int i = 0; i < n; i++) {
        strcat(text, records[i]->name);
        job_record_unref(records[i]);
    }
    return more ? strcat(text, "...") : text;
}

static const char *id_of(int64_t number)
{
    static char id[JOB_ID_SIZE];
    struct job_record *record;

    assert_ok(store_find_number(the_store, number, &record));
    strcpy(id, record->id);
    job_record_unref(record);
    return id;
}

CO_TEST(the_newest_come_first)
{
    stores_open();
    ck_assert_str_eq(list((struct store_query){0}, 9), "");
    accept_some(5);
    stores_crash();
    ck_assert_str_eq(list((struct store_query){0}, 9), "edcba");
    ck_assert_str_eq(list((struct store_query){0}, 5), "edcba");
    ck_assert_str_eq(list((struct store_query){0}, 4), "edcb...");
    ck_assert_str_eq(list((struct store_query){.before = id_of(3)}, 9), "ba");
    ck_assert_str_eq(list((struct store_query){.before = id_of(3)}, 1), "b...");
    stores_close();
}

CO_TEST(a_list_goes_on_behind_a_job_that_is_gone)
{
    stores_open();
    accept_some(5);
    const char *third = id_of(3);
    assert_ok(store_forget(the_store, 3));
    ck_assert_str_eq(list((struct store_query){.before = third}, 9), "ba");
    assert_ok(store_forget(the_store, 1));
    assert_ok(store_forget(the_store, 2));
    ck_assert_str_eq(list((struct store_query){.before = third}, 9), "");
    ck_assert_str_eq(list((struct store_query){.before = JOB_ID_PREFIX}, 9), "");
    stores_close();
}

CO_TEST(jobs_are_listed_by_status)
{
    stores_open();
    accept_some(5);
    ck_assert_str_eq(list((struct store_query){.by_status = true, .status = JOB_DONE}, 9), "eca");
    ck_assert_str_eq(list((struct store_query){.by_status = true, .status = JOB_QUEUED}, 1),
                     "d...");
    ck_assert_str_eq(list((struct store_query){.by_status = true, .status = JOB_RUNNING}, 9), "");
    stores_close();
}

CO_TEST(jobs_are_listed_by_labels)
{
    const struct job_label both[] = {web, red}, neither[] = {web, {"color", "blue"}};

    stores_open();
    accept_some(5);
    ck_assert_str_eq(list((struct store_query){.labels = &web, .n_labels = 1}, 9), "cba");
    ck_assert_str_eq(list((struct store_query){.labels = &web, .n_labels = 1}, 2), "cb...");
    ck_assert_str_eq(list((struct store_query){.labels = both, .n_labels = 2}, 9), "cb");
    ck_assert_str_eq(list((struct store_query){.labels = neither, .n_labels = 2}, 9), "");
    ck_assert_str_eq(
        list((struct store_query){.labels = &web, .n_labels = 1, .before = id_of(3)}, 9), "ba");
    ck_assert_str_eq(list(
                         (struct store_query){
                             .labels = both, .n_labels = 2, .by_status = true, .status = JOB_DONE},
                         9),
                     "c");
    stores_close();
}

CO_TEST(without_memory_nothing_is_listed)
{
    struct job_record *records[16];
    bool more;

    stores_open();
    accept_some(3);
    for (size_t n = 1;; n++) {
        size_t before = fault_live();
        fault_arm(n);
        int rc = store_list(the_store, &(struct store_query){0}, 16, records, &more);
        bool failed = fault_disarm();
        for (int i = 0; i < rc; i++)
            job_record_unref(records[i]);
        ck_assert_uint_eq(fault_live(), before);
        if (!failed)
            break;
        ck_assert(rc == 3 || rc == -ENOMEM);
    }
    stores_close();
}

Suite *suite_sqlite_list(void);

Suite *suite_sqlite_list(void)
{
    Suite *suite = suite_create("daemon/store/sqlite_list");
    TCase *tcase = tcase_create("all");

    tcase_add_test(tcase, the_newest_come_first);
    tcase_add_test(tcase, a_list_goes_on_behind_a_job_that_is_gone);
    tcase_add_test(tcase, jobs_are_listed_by_status);
    tcase_add_test(tcase, jobs_are_listed_by_labels);
    tcase_add_test(tcase, without_memory_nothing_is_listed);
    suite_add_tcase(suite, tcase);
    return suite;
}
