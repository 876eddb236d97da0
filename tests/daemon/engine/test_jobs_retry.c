#include "daemon/engine/job_retry.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/daemon/engine/jobs_fixture.h"
#include "tests/support/fault.h"

/* The retry has ended when this returns. */
static struct job_record *retry(struct jobs_fixture *fixture, struct job_record *record)
{
    struct job_record *again;

    assert_ok(jobs_retry(fixture->jobs, record, &(struct job_owner){0}, &again));
    return wait_for_end(fixture, again);
}

/* The URLs of a job's first chunks, as lines. */
static const char *lines_of(struct jobs_fixture *fixture, const struct job_record *record)
{
    static char text[8192];
    const struct store_read_options options = {
        .n_items = (uint32_t)record->tally.n_items, .max_rows = 1000, .max_bytes = 1 << 20};
    struct store_page page;
    size_t length = 0;

    assert_ok(store_read(fixture->store, record->number, &options, &page));
    for (size_t i = 0; i < page.n_chunks; i++) {
        ck_assert_uint_lt(length + page.chunks[i].length + 2, sizeof(text));
        memcpy(text + length, page.chunks[i].lines, page.chunks[i].length);
        length += page.chunks[i].length;
        text[length++] = '\n';
    }
    text[length] = '\0';
    store_page_done(&page);
    return text;
}

JOBS_TEST(failed_items_are_tried_again)
{
    struct job_record *job = wait_for_end(
        fixture, submit(fixture, "{\"name\": \"nightly\", \"urls\": [\"http://127.0.0.1:@/\", "
                                 "\"http://127.0.0.1:@/busy?1\", \"http://127.0.0.1:@/\", "
                                 "\"http://127.0.0.1:@/busy?2\"]}"));
    struct job_record *again = retry(fixture, job);

    ck_assert_str_ne(again->id, job->id);
    ck_assert_str_eq(again->name, "nightly");
    ck_assert_uint_eq(again->tally.n_items, 2);
    ck_assert_uint_eq(again->tally.n_outcomes[OUTCOME_HTTP_ERROR], 2);
    const char *lines = lines_of(fixture, again);
    ck_assert_ptr_nonnull(strstr(lines, "/busy?1\n"));
    ck_assert_ptr_nonnull(strstr(lines, "/busy?2\n"));
    ck_assert_uint_eq(net->origin.n_requests, 6);
    job_record_unref(again);
    job_record_unref(job);
}

JOBS_TEST(requests_keep_what_they_say)
{
    struct job_record *job = wait_for_end(
        fixture,
        submit(fixture,
               "{\"defaults\": {\"headers\": {\"X-All\": \"1\"}}, \"requests\": [{\"url\": "
               "\"http://127.0.0.1:@/busy\", \"method\": \"POST\", \"body\": \"a\\nb\", "
               "\"headers\": {\"X-One\": \"2\"}}]}"));
    struct job_record *again = retry(fixture, job);

    ck_assert_ptr_nonnull(strstr(net->origin.request, "POST /busy"));
    ck_assert_ptr_nonnull(strcasestr(net->origin.request, "X-All: 1"));
    ck_assert_ptr_nonnull(strcasestr(net->origin.request, "X-One: 2"));
    ck_assert_ptr_nonnull(strstr(net->origin.request, "\r\n\r\na\nb"));
    job_record_unref(again);
    job_record_unref(job);
}

JOBS_TEST(items_that_were_never_started_are_tried_again)
{
    struct job_record *job = submit(
        fixture, "{\"limits\": {\"concurrency\": 1}, \"requests\": [\"http://127.0.0.1:@/\", "
                 "{\"url\": \"http://127.0.0.1:@/hang\", \"repeat\": 2}, "
                 "\"http://127.0.0.1:@/?last\"]}");

    job = wait_until_finished(fixture, job, 1);
    job = wait_until_running(fixture, job, 1);
    assert_ok(jobs_cancel(fixture->jobs, job));
    job = wait_for_end(fixture, job);
    net->origin.talk = fake_origin_answer_all;
    struct job_record *again = retry(fixture, job);
    ck_assert_uint_eq(again->tally.n_items, 3);
    ck_assert_uint_eq(again->tally.n_outcomes[OUTCOME_SUCCESS], 3);
    ck_assert_ptr_null(strstr(lines_of(fixture, again), "@/\n"));
    job_record_unref(again);
    job_record_unref(job);
}

static bool is_well;

static void busy_every_third(struct fake_origin *origin, int fd)
{
    while (fake_origin_receive(origin, fd))
        fake_origin_send(fd, !is_well && origin->n_requests % 3 == 0
                                 ? "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"
                                 : "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
}

JOBS_TEST(repetitions_that_failed_are_tried_again)
{
    net->origin.talk = busy_every_third;
    is_well = false;
    struct job_record *job = wait_for_end(
        fixture, submit(fixture, "[{\"url\": \"http://127.0.0.1:@/\", \"repeat\": 600}]"));
    size_t n_failed = job->tally.n_outcomes[OUTCOME_HTTP_ERROR];

    ck_assert_uint_eq(n_failed, 200);
    is_well = true;
    struct job_record *again = retry(fixture, job);
    ck_assert_uint_eq(again->tally.n_items, n_failed);
    ck_assert_uint_eq(again->tally.n_outcomes[OUTCOME_SUCCESS], n_failed);
    job_record_unref(again);
    job_record_unref(job);
}

JOBS_TEST(many_items_are_tried_again)
{
    struct job_record *job = wait_for_end(
        fixture,
        submit(fixture, "{\"requests\": [{\"url\": \"http://127.0.0.1:@/busy\", \"repeat\": "
                        "5000}, \"http://127.0.0.1:@/\"]}"));
    struct job_record *again = retry(fixture, job);

    ck_assert_uint_eq(again->tally.n_items, 5000);
    job_record_unref(again);
    job_record_unref(job);
}

JOBS_TEST(only_what_has_ended_is_tried_again)
{
    struct job_record *job = submit(fixture, "[\"http://127.0.0.1:@/hang\"]");
    struct job_record *again;

    job = wait_until_running(fixture, job, 1);
    ck_assert_int_eq(jobs_retry(fixture->jobs, job, &(struct job_owner){0}, &again), -EALREADY);
    job_record_unref(job);
}

JOBS_TEST(there_is_nothing_to_try_again_after_a_success)
{
    struct job_record *job = wait_for_end(fixture, submit(fixture, "[\"http://127.0.0.1:@/\"]"));
    struct job_record *again;
    bool more;

    ck_assert_int_eq(jobs_retry(fixture->jobs, job, &(struct job_owner){0}, &again), -ENODATA);
    ck_assert_int_eq(jobs_list(fixture->jobs, &(struct store_query){0}, 1, &again, &more), 1);
    ck_assert(!more);
    job_record_unref(again);
    job_record_unref(job);
}

JOBS_TEST(retry_there_is_no_memory_for_leaves_nothing)
{
    struct job_record *job = wait_for_end(
        fixture, submit(fixture, "[{\"url\": \"http://127.0.0.1:@/busy\", \"repeat\": 2}]"));
    struct job_record *again;
    bool more;

    for (size_t n = 1;; n++) {
        fault_arm(n);
        int rc = jobs_retry(fixture->jobs, job, &(struct job_owner){0}, &again);
        if (!fault_disarm())
            break;
        if (rc == 0) {
            again = wait_for_end(fixture, again);
            assert_ok(jobs_delete(fixture->jobs, again));
            job_record_unref(again);
            continue;
        }
        ck_assert_int_eq(rc, -ENOMEM);
        struct job_record *listed;
        ck_assert_int_eq(jobs_list(fixture->jobs, &(struct store_query){0}, 1, &listed, &more), 1);
        ck_assert(!more);
        job_record_unref(listed);
    }
    job_record_unref(wait_for_end(fixture, again));
    job_record_unref(job);
}

Suite *suite_jobs_retry(void);

Suite *suite_jobs_retry(void)
{
    Suite *suite = suite_create("daemon/engine/jobs_retry");
    TCase *tcase = tcase_create("all");

    tcase_add_test(tcase, failed_items_are_tried_again);
    tcase_add_test(tcase, requests_keep_what_they_say);
    tcase_add_test(tcase, items_that_were_never_started_are_tried_again);
    tcase_add_test(tcase, repetitions_that_failed_are_tried_again);
    tcase_add_test(tcase, many_items_are_tried_again);
    tcase_add_test(tcase, only_what_has_ended_is_tried_again);
    tcase_add_test(tcase, there_is_nothing_to_try_again_after_a_success);
    tcase_add_test(tcase, retry_there_is_no_memory_for_leaves_nothing);
    suite_add_tcase(suite, tcase);
    return suite;
}
