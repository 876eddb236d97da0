/* Whose a job is: what is asked for is asked for of one tenant. */
#include "daemon/store/store.h"

#include <check.h>
#include <errno.h>
#include <string.h>

#include "tests/support/runtime.h"
#include "tests/support/stores.h"

static struct job_record *accept_for(const char *tenant, const char *name)
{
    const struct job_label label = {"team", "web"};
    const struct test_job job = {.tenant = tenant, .name = name, .labels = &label, .n_labels = 1};

    return stores_accept(1, &job);
}

static int find(const char *tenant, const char *id)
{
    struct job_record *record = NULL;
    int rc = store_find(the_store, tenant, id, &record);

    job_record_unref(record);
    return rc;
}

/* The names of what is listed. */
static const char *list(const struct store_query *query)
{
    static char text[16];
    struct job_record *records[8];
    bool more;
    int n = store_list(the_store, query, 8, records, &more);

    ck_assert_int_ge(n, 0);
    text[0] = '\0';
    for (int i = 0; i < n; i++) {
        strcat(text, records[i]->name);
        job_record_unref(records[i]);
    }
    return text;
}

CO_TEST(job_is_found_by_its_tenant_only)
{
    stores_open();
    struct job_record *red = accept_for("red", "a"), *nobodys = accept_for(NULL, "b");
    stores_crash();
    assert_ok(find("red", red->id));
    ck_assert_int_eq(find("blue", red->id), -ENOENT);
    ck_assert_int_eq(find("RED", red->id), -ENOENT);
    ck_assert_int_eq(find("", red->id), -ENOENT);
    ck_assert_int_eq(find("red", nobodys->id), -ENOENT);
    assert_ok(find("", nobodys->id));
    assert_ok(find(NULL, nobodys->id));
    ck_assert_int_eq(store_forget_damaged(the_store, "blue", red->id), -ENOENT);
    assert_ok(find("red", red->id));
    job_record_unref(red);
    job_record_unref(nobodys);
    stores_close();
}

CO_TEST(record_knows_whose_it_is)
{
    struct job_record *found;

    stores_open();
    struct job_record *record = accept_for("red", "a");
    ck_assert_str_eq(record->tenant, "red");
    stores_crash();
    assert_ok(store_find_number(the_store, record->number, &found));
    ck_assert_str_eq(found->tenant, "red");
    job_record_unref(record);
    job_record_unref(found);
    stores_close();
}

CO_TEST(lists_are_of_one_tenant)
{
    const struct job_label label = {"team", "web"};
    static const struct {
        const char *tenant, *names;
    } lists[] = {{"red", "ca"}, {"blue", "b"}, {"", "d"}, {NULL, "d"}, {"green", ""}};

    stores_open();
    job_record_unref(accept_for("red", "a"));
    job_record_unref(accept_for("blue", "b"));
    job_record_unref(accept_for("red", "c"));
    job_record_unref(accept_for("", "d"));
    for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
        struct store_query query = {.tenant = lists[i].tenant};
        ck_assert_str_eq(list(&query), lists[i].names);
        query.by_status = true;
        ck_assert_str_eq(list(&query), lists[i].names);
        query.labels = &label;
        query.n_labels = 1;
        ck_assert_str_eq(list(&query), lists[i].names);
    }
    stores_close();
}

CO_TEST(keys_of_two_tenants_have_nothing_to_do_with_each_other)
{
    const struct test_job red = {.tenant = "red", .key = "k"};
    const struct test_job blue = {.tenant = "blue", .key = "k"};
    unsigned char fingerprint[STORE_FINGERPRINT_SIZE];
    struct job_record *found;

    stores_open();
    struct job_record *of_red = stores_accept(1, &red), *of_blue = stores_accept(1, &blue);
    ck_assert_int_ne(of_red->number, of_blue->number);
    assert_ok(store_find_key(the_store, "blue", "k", &found, fingerprint));
    ck_assert_int_eq(found->number, of_blue->number);
    job_record_unref(found);
    ck_assert_int_eq(store_find_key(the_store, "green", "k", &found, fingerprint), -ENOENT);
    ck_assert_int_eq(stores_try(1, &red, &found), -EEXIST);
    ck_assert_int_eq(found->number, of_red->number);
    job_record_unref(found);
    job_record_unref(of_red);
    job_record_unref(of_blue);
    stores_close();
}

static void expect_queued(const char *tenant, uint64_t expected)
{
    uint64_t n;

    assert_ok(store_n_queued(the_store, tenant, &n));
    ck_assert_uint_eq(n, expected);
}

CO_TEST(items_count_until_their_job_has_ended)
{
    const struct test_job red = {.tenant = "red"};

    stores_open();
    expect_queued("red", 0);
    struct job_record *first = stores_accept(3000, &red), *second = stores_accept(7, &red);
    expect_queued("red", 3007);
    expect_queued("blue", 0);
    first->status = JOB_CANCELED;
    first->ended_at = first->created_at;
    const struct store_job_change change = {.record = first};
    assert_ok(store_commit(the_store, &(struct store_commit){.changes = &change, .n_changes = 1}));
    expect_queued("red", 7);
    stores_crash();
    expect_queued("red", 7);
    assert_ok(store_forget(the_store, second->number));
    expect_queued("red", 0);
    job_record_unref(first);
    job_record_unref(second);
    stores_close();
}

CO_TEST(job_that_would_be_too_much_leaves_nothing)
{
    const struct test_job other = {.tenant = "blue"};
    const struct test_job job = {.tenant = "red", .max_queued = 10};
    struct job_record *record;

    stores_open();
    job_record_unref(stores_accept(100, &other));
    ck_assert_int_eq(stores_try(11, &job, &record), -E2BIG);
    job_record_unref(stores_accept(10, &job));
    ck_assert_int_eq(stores_try(1, &job, &record), -EDQUOT);
    expect_queued("red", 10);
    ck_assert_int_eq(store_health(the_store), STORE_OK);
    stores_close();
}

/* Two that fit, each by itself. */
static int accept_six(void *arg, void **ret_result)
{
    const struct test_job job = {.tenant = "red", .max_queued = 10};
    struct job_record *record = NULL;

    (void)ret_result;
    *(int *)arg = stores_try(6, &job, &record);
    job_record_unref(record);
    return 0;
}

CO_TEST(of_two_that_come_at_once_one_is_too_much)
{
    struct co_group group;
    int rcs[2];

    stores_open();
    co_group_enter(&group, CO_NEVER);
    for (int i = 0; i < 2; i++)
        assert_ok(co_group_spawn(&group, "accept", accept_six, &rcs[i], NULL));
    assert_ok(co_group_exit(&group, 0));
    ck_assert_int_eq(rcs[0] + rcs[1], -EDQUOT);
    expect_queued("red", 6);
    stores_close();
}

Suite *suite_sqlite_tenant(void);

Suite *suite_sqlite_tenant(void)
{
    Suite *suite = suite_create("daemon/store/sqlite_tenant");
    TCase *tcase = tcase_create("all");

    tcase_add_test(tcase, job_is_found_by_its_tenant_only);
    tcase_add_test(tcase, record_knows_whose_it_is);
    tcase_add_test(tcase, lists_are_of_one_tenant);
    tcase_add_test(tcase, keys_of_two_tenants_have_nothing_to_do_with_each_other);
    tcase_add_test(tcase, items_count_until_their_job_has_ended);
    tcase_add_test(tcase, job_that_would_be_too_much_leaves_nothing);
    tcase_add_test(tcase, of_two_that_come_at_once_one_is_too_much);
    suite_add_tcase(suite, tcase);
    return suite;
}
