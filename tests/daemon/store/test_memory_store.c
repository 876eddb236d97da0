#include "daemon/store/memory_store.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/base/instant.h"
#include "tests/support/fault.h"
#include "tests/support/spec.h"

#define MINUTE_US (INT64_C(60) * 1000000)

enum { MAX_JOBS = 5 };

static struct result_budget budget;
static struct memory_store *store;
static struct job *jobs[2 * MAX_JOBS]; /* references of the test */
static size_t n_jobs;
static size_t live_before;

static void set_up(void)
{
    const struct memory_store_options options = {
        .max_jobs = MAX_JOBS, .default_ttl_us = MINUTE_US, .budget = &budget};

    live_before = fault_live();
    budget = (struct result_budget){.max = 1 << 20};
    n_jobs = 0;
    ck_assert_int_eq(memory_store_new(&store, &options), 0);
}

static void tear_down(void)
{
    for (size_t i = 0; i < n_jobs; i++)
        job_unref(jobs[i]);
    memory_store_free(store);
    ck_assert_uint_eq(budget.used, 0);
    ck_assert_uint_eq(fault_live(), live_before);
}

static struct job *add_document(const char *document)
{
    struct job *job;

    ck_assert_int_eq(memory_store_add(store, spec_of(document), &job), 0);
    jobs[n_jobs++] = job;
    return job;
}

static struct job *add(void)
{
    return add_document("[\"http://a/\"]");
}

static struct job *add_ended(void)
{
    struct job *job = add();

    job_end(job, JOB_DONE);
    return job;
}

static bool is_there(const struct job *job)
{
    struct job *found;
    int rc = memory_store_find(store, job->id, &found);

    ck_assert(rc == 0 || rc == -ENOENT);
    if (rc < 0)
        return false;
    ck_assert_ptr_eq(found, job);
    job_unref(found);
    return true;
}

static void expect_refused(int expected)
{
    struct job_spec *spec = spec_of("[\"http://a/\"]");
    struct job *job;

    ck_assert_int_eq(memory_store_add(store, spec, &job), expected);
    job_spec_free(spec);
}

/* --- Finding ---------------------------------------------------------------------------------- */

START_TEST(what_was_added_is_found)
{
    struct job *first = add(), *second = add();

    ck_assert(is_there(first));
    ck_assert(is_there(second));
}
END_TEST

START_TEST(what_was_never_added_is_not_found)
{
    struct job *job;

    add();
    ck_assert_int_eq(memory_store_find(store, "job_01JZ9M4T6Q3W8KX2B7V5N0RCFE", &job), -ENOENT);
    ck_assert_int_eq(memory_store_find(store, "", &job), -ENOENT);
}
END_TEST

START_TEST(what_was_removed_is_gone_but_whole)
{
    struct job *job = add();

    ck_assert_int_eq(memory_store_remove(store, job), 0);
    ck_assert(!is_there(job));
    ck_assert_uint_eq(job->spec->n_items, 1);
    ck_assert_int_eq(memory_store_remove(store, job), -ENOENT);
}
END_TEST

/* --- Bounds ----------------------------------------------------------------------------------- */

START_TEST(full_store_forgets_the_oldest_ended_job)
{
    struct job *running = add(), *older = add_ended(), *newer = add_ended();

    add();
    add();
    add();
    ck_assert(is_there(running));
    ck_assert(!is_there(older));
    ck_assert(is_there(newer));
}
END_TEST

START_TEST(store_full_of_running_jobs_takes_no_more)
{
    for (int i = 0; i < MAX_JOBS; i++)
        add();
    expect_refused(-ENOSPC);
    for (int i = 0; i < MAX_JOBS; i++)
        ck_assert(is_there(jobs[i]));
    job_end(jobs[3], JOB_DONE);
    add();
    ck_assert(!is_there(jobs[3]));
}
END_TEST

/* Gives a job a result of so many bytes at least, and drops the test's reference. */
static void fill(struct job *job, size_t n_bytes)
{
    static char text[4000];
    struct co_http_header header = {"x", text};
    struct result result;

    memset(text, 'x', n_bytes);
    text[n_bytes] = '\0';
    result_init(&result);
    result.response.headers = &header;
    result.response.n_headers = 1;
    result_set_finish(&job->results, 0, &result);
    ck_assert_ptr_eq(jobs[--n_jobs], job);
    job_unref(job);
}

START_TEST(bytes_of_results_count_too)
{
    struct job *old = add_ended();
    char id[JOB_ID_SIZE];

    strcpy(id, old->id);
    fill(old, 3000);
    struct job *running = add();
    fill(running, 1000);
    budget.max = budget.used;
    add();
    ck_assert_int_eq(memory_store_find(store, id, &old), -ENOENT);
    ck_assert(is_there(running));
    budget.max = budget.used;
    expect_refused(-ENOSPC);
}
END_TEST

/* --- Expiry ----------------------------------------------------------------------------------- */

START_TEST(expired_jobs_are_forgotten)
{
    struct job *running = add(), *first = add_ended(), *second = add_ended();

    first->expires_at = 1000;
    second->expires_at = 2000;
    ck_assert_int_eq(memory_store_expire(store, 999), 1000);
    ck_assert(is_there(first));
    ck_assert_int_eq(memory_store_expire(store, 1000), 2000);
    ck_assert(!is_there(first));
    ck_assert(is_there(second));
    ck_assert_int_eq(memory_store_expire(store, INT64_MAX), JOB_NEVER);
    ck_assert(!is_there(second));
    ck_assert(is_there(running));
}
END_TEST

START_TEST(next_expiry_is_the_earliest)
{
    struct job *first = add_ended(), *second = add_ended();

    first->expires_at = 5000;
    second->expires_at = 3000;
    ck_assert_int_eq(memory_store_expire(store, 0), 3000);
}
END_TEST

START_TEST(empty_store_has_nothing_that_expires)
{
    ck_assert_int_eq(memory_store_expire(store, instant_now()), JOB_NEVER);
}
END_TEST

/* --- Lists ------------------------------------------------------------------------------------ */

/* Lists and compares with jobs[] by their numbers: "210". */
static bool expect_list(const struct memory_store_query *query, size_t limit, const char *expected)
{
    struct job *found[16];
    char numbers[32] = "";
    bool more;
    int n = memory_store_list(store, query, limit, found, &more);

    for (int i = 0; i < n; i++) {
        for (size_t k = 0; k < n_jobs; k++)
            if (jobs[k] == found[i])
                sprintf(numbers + strlen(numbers), "%zu", k);
        job_unref(found[i]);
    }
    ck_assert_str_eq(numbers, expected);
    return more;
}

START_TEST(list_begins_with_the_newest)
{
    for (int i = 0; i < 4; i++)
        add();
    ck_assert(!expect_list(&(struct memory_store_query){0}, 10, "3210"));
    ck_assert(!expect_list(&(struct memory_store_query){0}, 4, "3210"));
    ck_assert(expect_list(&(struct memory_store_query){0}, 3, "321"));
}
END_TEST

START_TEST(empty_store_has_an_empty_list)
{
    ck_assert(!expect_list(&(struct memory_store_query){0}, 10, ""));
}
END_TEST

START_TEST(pages_go_on_where_the_last_one_ended)
{
    for (int i = 0; i < MAX_JOBS; i++)
        add();
    ck_assert(expect_list(&(struct memory_store_query){0}, 2, "43"));
    ck_assert(expect_list(&(struct memory_store_query){.before = jobs[3]->id}, 2, "21"));
    ck_assert(!expect_list(&(struct memory_store_query){.before = jobs[1]->id}, 2, "0"));
    ck_assert(!expect_list(&(struct memory_store_query){.before = jobs[0]->id}, 2, ""));
}
END_TEST

START_TEST(pages_stay_where_they_are_while_jobs_come_and_go)
{
    for (int i = 0; i < 4; i++)
        add();
    ck_assert(expect_list(&(struct memory_store_query){0}, 2, "32"));
    add();
    ck_assert_int_eq(memory_store_remove(store, jobs[2]), 0);
    ck_assert(!expect_list(&(struct memory_store_query){.before = jobs[2]->id}, 2, "10"));
}
END_TEST

START_TEST(list_of_a_status_has_only_that)
{
    add();
    add_ended();
    add();
    job_start(jobs[2]);
    ck_assert(
        !expect_list(&(struct memory_store_query){.by_status = true, .status = JOB_DONE}, 9, "1"));
    ck_assert(!expect_list(&(struct memory_store_query){.by_status = true, .status = JOB_QUEUED}, 9,
                           "0"));
    ck_assert(!expect_list(&(struct memory_store_query){.by_status = true, .status = JOB_RUNNING},
                           1, "2"));
}
END_TEST

START_TEST(all_labels_must_match)
{
    const struct job_label wanted[] = {{"team", "web"}, {"env", "test"}};

    add_document("{\"labels\": {\"team\": \"web\"}, \"urls\": [\"http://a/\"]}");
    add_document("{\"labels\": {\"env\": \"test\", \"team\": \"web\"}, \"urls\": [\"http://a/\"]}");
    add_document("{\"labels\": {\"env\": \"live\", \"team\": \"web\"}, \"urls\": [\"http://a/\"]}");
    add();
    expect_list(&(struct memory_store_query){.labels = wanted, .n_labels = 2}, 9, "1");
    expect_list(&(struct memory_store_query){.labels = wanted, .n_labels = 1}, 9, "210");
    expect_list(&(struct memory_store_query){.labels = wanted, .n_labels = 0}, 9, "3210");
}
END_TEST

/* --- Memory ----------------------------------------------------------------------------------- */

START_TEST(job_there_is_no_memory_for_is_not_accepted)
{
    struct job_spec *spec = spec_of("[\"http://a/\"]");
    struct job *job;

    for (size_t n = 1;; n++) {
        fault_arm(n);
        int rc = memory_store_add(store, spec, &job);
        if (!fault_disarm())
            break;
        ck_assert_int_eq(rc, -ENOMEM);
        expect_list(&(struct memory_store_query){0}, 9, "");
    }
    jobs[n_jobs++] = job;
    expect_list(&(struct memory_store_query){0}, 9, "0");
}
END_TEST

START_TEST(store_there_is_no_memory_for_is_not_made)
{
    struct memory_store *other;

    fault_arm(1);
    ck_assert_int_eq(memory_store_new(&other, &(struct memory_store_options){.max_jobs = 1}),
                     -ENOMEM);
    fault_disarm();
    memory_store_free(NULL);
}
END_TEST

Suite *suite_memory_store(void);

Suite *suite_memory_store(void)
{
    Suite *suite = suite_create("daemon/store/memory");
    TCase *tcase = tcase_create("all");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, what_was_added_is_found);
    tcase_add_test(tcase, what_was_never_added_is_not_found);
    tcase_add_test(tcase, what_was_removed_is_gone_but_whole);
    tcase_add_test(tcase, full_store_forgets_the_oldest_ended_job);
    tcase_add_test(tcase, store_full_of_running_jobs_takes_no_more);
    tcase_add_test(tcase, bytes_of_results_count_too);
    tcase_add_test(tcase, expired_jobs_are_forgotten);
    tcase_add_test(tcase, next_expiry_is_the_earliest);
    tcase_add_test(tcase, empty_store_has_nothing_that_expires);
    tcase_add_test(tcase, list_begins_with_the_newest);
    tcase_add_test(tcase, empty_store_has_an_empty_list);
    tcase_add_test(tcase, pages_go_on_where_the_last_one_ended);
    tcase_add_test(tcase, pages_stay_where_they_are_while_jobs_come_and_go);
    tcase_add_test(tcase, list_of_a_status_has_only_that);
    tcase_add_test(tcase, all_labels_must_match);
    tcase_add_test(tcase, job_there_is_no_memory_for_is_not_accepted);
    tcase_add_test(tcase, store_there_is_no_memory_for_is_not_made);
    suite_add_tcase(suite, tcase);
    return suite;
}
