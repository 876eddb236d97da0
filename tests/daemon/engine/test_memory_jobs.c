#include "daemon/engine/memory_jobs.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/fault.h"
#include "tests/support/net.h"
#include "tests/support/spec.h"

enum { MAX_JOBS = 3 };

static struct egress *egress;
static struct engine *engine;
static struct result_budget budget;
static struct memory_store *store;
static struct memory_jobs jobs;

/* /hang is never answered, /busy not well. */
static void talk(struct fake_origin *origin, int fd)
{
    while (fake_origin_receive(origin, fd)) {
        if (strstr(origin->request, " /hang") != NULL)
            fake_origin_linger(fd);
        else if (strstr(origin->request, " /busy") != NULL)
            fake_origin_send(fd, "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n");
        else
            fake_origin_send(fd, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    }
}

static void begin(struct net *net)
{
    static const char *const open[] = {"127.0.0.0/8"};
    const struct memory_store_options options = {
        .max_jobs = MAX_JOBS, .default_ttl_us = INT64_C(3600) * 1000000, .budget = &budget};

    budget = (struct result_budget){.max = 1 << 20};
    net->origin.talk = talk;
    assert_ok(egress_new(&egress, open, 1, NULL, 0, NULL));
    const struct fetcher fetcher = {.session = net->session,
                                    .egress = egress,
                                    .max_header_bytes = 64 * 1024,
                                    .max_body_bytes = 1024 * 1024};
    assert_ok(engine_new(&engine, &fetcher, 100, 100));
    assert_ok(memory_store_new(&store, &options));
    assert_ok(memory_jobs_init(&jobs, engine, store));
}

static void end(void)
{
    memory_jobs_done(&jobs);
    memory_store_free(store);
    engine_free(engine);
    egress_free(egress);
    ck_assert_uint_eq(budget.used, 0);
}

#define JOBS_TEST(test_name)                                                                       \
    static void test_name##_with(struct net *net);                                                 \
    NET_TEST(test_name)                                                                            \
    {                                                                                              \
        begin(net);                                                                                \
        test_name##_with(net);                                                                     \
        end();                                                                                     \
    }                                                                                              \
    static void test_name##_with(CK_ATTRIBUTE_UNUSED struct net *net)

/* The caller owes a job_unref(). */
static struct job *submit(struct net *net, const char *document)
{
    struct job *job;

    assert_ok(memory_jobs_submit(&jobs, spec_at(net->origin.port, document), &job));
    return job;
}

static void wait_for_end(const struct job *job)
{
    while (!job_has_ended(job))
        assert_ok(co_sleep(0));
    ck_assert_ptr_null(job->run);
    ck_assert_uint_eq(memory_jobs_n_running(job), 0);
}

static size_t count(const struct job *job, enum outcome outcome)
{
    return job->results.tally.n_outcomes[outcome];
}

static bool is_stored(const char *id)
{
    struct job *job;

    if (memory_store_find(store, id, &job) < 0)
        return false;
    job_unref(job);
    return true;
}

#define TWO_OF_THREE                                                                               \
    "{\"limits\": {\"concurrency\": 2}, \"requests\": [{\"url\": \"http://127.0.0.1:@/hang\", "    \
    "\"repeat\": 3}]}"

/* --- Running ------------------------------------------------------------------------------------
 */

JOBS_TEST(job_runs_to_its_end)
{
    struct job *job = submit(net, "[\"http://127.0.0.1:@/\", \"http://10.0.0.1/\"]");

    ck_assert_int_eq(job->status, JOB_QUEUED);
    wait_for_end(job);
    ck_assert_int_eq(job->status, JOB_DONE);
    ck_assert_uint_eq(count(job, OUTCOME_SUCCESS), 1);
    ck_assert_uint_eq(count(job, OUTCOME_BLOCKED), 1);
    ck_assert(job->created_at <= job->started_at && job->started_at <= job->ended_at);
    ck_assert_int_gt(job->expires_at, job->ended_at);
    ck_assert_ptr_nonnull(
        memmem(job->results.rows[0].json, job->results.rows[0].length, job->id, strlen(job->id)));
    job_unref(job);
}

JOBS_TEST(jobs_run_beside_each_other)
{
    struct job *first = submit(net, TWO_OF_THREE);
    struct job *second = submit(net, "[\"http://127.0.0.1:@/\"]");

    wait_for_end(second);
    ck_assert_int_eq(first->status, JOB_RUNNING);
    ck_assert_uint_eq(memory_jobs_n_running(first), 2);
    job_unref(first);
    job_unref(second);
}

JOBS_TEST(policy_that_ends_a_job_makes_it_done)
{
    struct job *job = submit(net, "{\"gather\": {\"until\": \"first_success\"}, \"urls\": "
                                  "[\"http://127.0.0.1:@/\", \"http://127.0.0.1:@/hang\"]}");

    wait_for_end(job);
    ck_assert_int_eq(job->status, JOB_DONE);
    ck_assert_uint_eq(count(job, OUTCOME_CANCELED), 1);
    job_unref(job);
}

/* --- Waiting to be tried again ------------------------------------------------------------------
 */

static struct job *submit_what_backs_off(struct net *net, const char *deadline)
{
    char document[256];

    snprintf(document, sizeof(document),
             "{%s\"requests\": [{\"url\": \"http://127.0.0.1:@/busy\", \"retry\": "
             "{\"backoff_ms\": 5000, \"jitter\": 0}}, \"http://127.0.0.1:@/\"]}",
             deadline);
    struct job *job = submit(net, document);
    while (job->results.tally.n_finished == 0 || engine_n_running(engine) > 0)
        assert_ok(co_sleep(0));
    ck_assert_uint_eq(engine_n_waiting(engine), 1);
    ck_assert_uint_eq(memory_jobs_n_running(job), 0);
    return job;
}

JOBS_TEST(job_goes_on_when_its_items_have_backed_off)
{
    struct job *job = submit_what_backs_off(net, "");

    ck_assert_int_eq(job->status, JOB_RUNNING);
    while (!job_has_ended(job)) {
        if (engine_n_running(engine) == 0)
            wind(CO_SECOND);
        assert_ok(co_sleep(0));
    }
    ck_assert_int_eq(job->status, JOB_DONE);
    ck_assert_uint_eq(count(job, OUTCOME_HTTP_ERROR), 1);
    ck_assert_uint_eq(engine_stats(engine)->n_retries, 2);
    job_unref(job);
}

JOBS_TEST(job_can_be_canceled_while_its_items_back_off)
{
    struct job *job = submit_what_backs_off(net, "");

    memory_jobs_cancel(job);
    ck_assert_uint_eq(engine_n_waiting(engine), 0);
    wait_for_end(job);
    ck_assert_int_eq(job->status, JOB_CANCELED);
    ck_assert_uint_eq(count(job, OUTCOME_SUCCESS), 1);
    ck_assert_uint_eq(count(job, OUTCOME_CANCELED), 1);
    job_unref(job);
}

JOBS_TEST(deadline_ends_a_job_whose_items_back_off)
{
    struct job *job = submit_what_backs_off(net, "\"deadline_ms\": 6000, ");

    wind(6 * CO_SECOND);
    wait_for_end(job);
    ck_assert_int_eq(job->status, JOB_DONE);
    ck_assert_uint_eq(job->results.tally.n_finished, 2);
    job_unref(job);
}

JOBS_TEST(jobs_are_counted)
{
    struct job *first = submit(net, "[\"http://127.0.0.1:@/\"]");
    struct job *second = submit(net, TWO_OF_THREE);
    const struct stats *stats = engine_stats(engine);

    wait_for_end(first);
    ck_assert_uint_eq(stats->n_jobs_accepted, 2);
    ck_assert_uint_eq(stats->n_jobs_done, 1);
    memory_jobs_cancel(second);
    wait_for_end(second);
    ck_assert_uint_eq(stats->n_jobs_canceled, 1);
    ck_assert_uint_eq(stats->n_finished[OUTCOME_SUCCESS], 1);
    ck_assert_uint_eq(stats->n_finished[OUTCOME_CANCELED] + stats->n_finished[OUTCOME_SKIPPED], 3);
    job_unref(first);
    job_unref(second);
}

/* --- Giving up ----------------------------------------------------------------------------------
 */

JOBS_TEST(canceled_job_keeps_what_it_has)
{
    struct job *job =
        submit(net, "{\"limits\": {\"concurrency\": 1}, \"urls\": [\"http://127.0.0.1:@/\", "
                    "\"http://127.0.0.1:@/hang\", \"http://127.0.0.1:@/\"]}");

    while (strstr(net->origin.request, "/hang") == NULL)
        assert_ok(co_sleep(0));
    memory_jobs_cancel(job);
    ck_assert_int_eq(job->status, JOB_CANCELING);
    ck_assert(!job_has_ended(job));
    wait_for_end(job);
    ck_assert_int_eq(job->status, JOB_CANCELED);
    ck_assert_uint_eq(count(job, OUTCOME_SUCCESS), 1);
    ck_assert_uint_eq(count(job, OUTCOME_CANCELED), 1);
    ck_assert_uint_eq(count(job, OUTCOME_SKIPPED), 1);
    job_unref(job);
}

JOBS_TEST(job_can_be_canceled_before_it_starts)
{
    struct job *job = submit(net, TWO_OF_THREE);

    memory_jobs_cancel(job);
    wait_for_end(job);
    ck_assert_int_eq(job->status, JOB_CANCELED);
    ck_assert_uint_eq(count(job, OUTCOME_SKIPPED), 3);
    ck_assert_uint_eq(net->origin.n_connections, 0);
    job_unref(job);
}

JOBS_TEST(canceling_again_changes_nothing)
{
    struct job *job = submit(net, TWO_OF_THREE);

    memory_jobs_cancel(job);
    uint64_t version = job->version;
    memory_jobs_cancel(job);
    ck_assert_uint_eq(job->version, version);
    wait_for_end(job);
    version = job->version;
    memory_jobs_cancel(job);
    ck_assert_uint_eq(job->version, version);
    ck_assert_int_eq(job->status, JOB_CANCELED);
    job_unref(job);
}

JOBS_TEST(job_may_be_forgotten_while_it_runs)
{
    struct job *job = submit(net, TWO_OF_THREE);

    assert_ok(co_event_wait(&net->origin.asked));
    memory_jobs_cancel(job);
    assert_ok(memory_store_remove(store, job));
    job_unref(job);
    while (net->origin.n_open > 0)
        assert_ok(co_sleep(0));
    settle();
}

JOBS_TEST(jobs_that_run_at_the_end_are_canceled)
{
    struct job *job = submit(net, TWO_OF_THREE);

    assert_ok(co_event_wait(&net->origin.asked));
    job_unref(job); /* the store has it */
}

JOBS_TEST(jobs_that_have_not_begun_at_the_end_are_canceled)
{
    job_unref(submit(net, TWO_OF_THREE));
}

/* --- Keeping ------------------------------------------------------------------------------------
 */

JOBS_TEST(ended_job_is_forgotten_when_its_time_has_come)
{
    struct job *job = submit(net, "{\"ttl_ms\": 0.001, \"urls\": [\"http://127.0.0.1:@/\"]}");
    char id[JOB_ID_SIZE];

    strcpy(id, job->id);
    ck_assert(is_stored(id));
    wait_for_end(job);
    job_unref(job);
    while (is_stored(id))
        assert_ok(co_sleep(0));
}

JOBS_TEST(running_job_is_not_forgotten_however_long_it_takes)
{
    struct job *job = submit(net, "{\"ttl_ms\": 0.001, \"urls\": [\"http://127.0.0.1:@/hang\"]}");

    assert_ok(co_event_wait(&net->origin.asked));
    settle();
    ck_assert(is_stored(job->id));
    job_unref(job);
}

JOBS_TEST(full_store_takes_no_more)
{
    struct job *job;

    for (int i = 0; i < MAX_JOBS; i++)
        job_unref(submit(net, TWO_OF_THREE));
    size_t live = fault_live();
    ck_assert_int_eq(memory_jobs_submit(&jobs, spec_of("[\"http://a/\"]"), &job), -ENOSPC);
    ck_assert_uint_eq(fault_live(), live);
}

JOBS_TEST(job_there_is_no_memory_for_leaves_nothing)
{
    struct job *job;
    bool more;

    for (size_t n = 1;; n++) {
        struct job_spec *spec = spec_of("[\"http://10.0.0.1/\"]");
        fault_arm(n);
        int rc = memory_jobs_submit(&jobs, spec, &job);
        if (!fault_disarm())
            break;
        ck_assert_int_eq(rc, -ENOMEM);
        ck_assert_int_eq(memory_store_list(store, &(struct memory_store_query){0}, 1, &job, &more),
                         0);
    }
    wait_for_end(job);
    job_unref(job);
}

JOBS_TEST(job_whose_items_there_is_no_memory_for_is_done)
{
    struct job *job = submit(net, TWO_OF_THREE);

    fault_arm(1);
    wait_for_end(job);
    ck_assert(fault_disarm());
    ck_assert_int_eq(job->status, JOB_DONE);
    ck_assert_uint_eq(count(job, OUTCOME_TRANSPORT_ERROR), 3);
    ck_assert_str_eq(job->results.tally.errors[0].code, "resource_exhausted");
    job_unref(job);
}

JOBS_TEST(jobs_there_is_no_memory_for_may_be_done)
{
    struct memory_jobs other;

    for (size_t n = 1;; n++) {
        fault_arm(n);
        int rc = memory_jobs_init(&other, engine, store);
        bool failed = fault_disarm();
        memory_jobs_done(&other);
        ck_assert_int_eq(rc, failed ? -ENOMEM : 0);
        if (!failed)
            break;
    }
}

Suite *suite_memory_jobs(void);

Suite *suite_memory_jobs(void)
{
    Suite *suite = suite_create("daemon/engine/jobs");
    TCase *tcase = tcase_create("all");

    tcase_add_test(tcase, job_runs_to_its_end);
    tcase_add_test(tcase, jobs_run_beside_each_other);
    tcase_add_test(tcase, policy_that_ends_a_job_makes_it_done);
    tcase_add_test(tcase, job_goes_on_when_its_items_have_backed_off);
    tcase_add_test(tcase, job_can_be_canceled_while_its_items_back_off);
    tcase_add_test(tcase, deadline_ends_a_job_whose_items_back_off);
    tcase_add_test(tcase, jobs_are_counted);
    tcase_add_test(tcase, canceled_job_keeps_what_it_has);
    tcase_add_test(tcase, job_can_be_canceled_before_it_starts);
    tcase_add_test(tcase, canceling_again_changes_nothing);
    tcase_add_test(tcase, job_may_be_forgotten_while_it_runs);
    tcase_add_test(tcase, jobs_that_run_at_the_end_are_canceled);
    tcase_add_test(tcase, jobs_that_have_not_begun_at_the_end_are_canceled);
    tcase_add_test(tcase, ended_job_is_forgotten_when_its_time_has_come);
    tcase_add_test(tcase, running_job_is_not_forgotten_however_long_it_takes);
    tcase_add_test(tcase, full_store_takes_no_more);
    tcase_add_test(tcase, job_there_is_no_memory_for_leaves_nothing);
    tcase_add_test(tcase, job_whose_items_there_is_no_memory_for_is_done);
    tcase_add_test(tcase, jobs_there_is_no_memory_for_may_be_done);
    suite_add_tcase(suite, tcase);
    return suite;
}
