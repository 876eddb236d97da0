/* Callbacks in the store: from the acceptance of their jobs to their end, and when they are due. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/store/sqlite_keeping.h"
#include "daemon/store/store_callbacks.h"
#include "tests/daemon/store/scratch.h"
#include "tests/support/fault.h"
#include "tests/support/runtime.h"

enum { ENDED = 1000, LATER = 5000, MAX = 16, PER_HOST = 2 };

static const char payload[] = "{\"type\":\"job.done\"}";

static struct job_record *accept_of(struct store *store, const char *tenant,
                                    const struct job_callback *callback)
{
    const struct job_spec spec = {.weight = 1, .callback = callback};
    const struct store_acceptance acceptance = {
        .head = "{}",
        .head_length = 2,
        .spec = &spec,
        .default_ttl_us = 1000000,
        .tenant = tenant,
    };
    struct store_upload *upload;
    struct job_record *record;

    assert_ok(store_upload_new(store, &upload));
    assert_ok(store_upload_accept(upload, &acceptance, &record));
    store_upload_free(upload);
    return record;
}

static struct job_record *accept_at(struct store *store, const char *tenant, const char *host)
{
    char url[300];
    const struct job_callback callback = {.url = url, .host = host, .secret_ref = "hook"};

    snprintf(url, sizeof(url), "http://%s/", host);
    return accept_of(store, tenant, &callback);
}

static void end(struct store *store, struct job_record *record, int64_t ended_at)
{
    const struct store_job_change change = {
        .record = record,
        .drops_chunks = true,
        .callback = payload,
        .callback_length = strlen(payload),
    };
    const struct store_commit commit = {.changes = &change, .n_changes = 1};

    record->status = JOB_DONE;
    record->ended_at = ended_at;
    record->expires_at = ended_at + 1;
    assert_ok(store_commit(store, &commit));
}

/* One that is due since then. returns its number */
static int64_t take_due_of(struct store *store, const char *tenant, const char *host,
                           int64_t ended_at)
{
    struct job_record *record = accept_at(store, tenant, host);
    int64_t number = record->number;

    end(store, record, ended_at);
    job_record_unref(record);
    return number;
}

static int64_t take_due(struct store *store, const char *host, int64_t ended_at)
{
    return take_due_of(store, NULL, host, ended_at);
}

/* So many of a tenant, each to a host that nobody else's go to. */
static void take_many_of(struct store *store, const char *tenant, int n)
{
    char host[48];

    for (int i = 0; i < n; i++) {
        snprintf(host, sizeof(host), "host-%d.%s", i, tenant);
        take_due_of(store, tenant, host, ENDED);
    }
}

/* returns its state; -ENOENT. found: NULL, or owed one store_callback_done() */
static int look(struct store *store, int64_t number, struct store_callback *ret_found)
{
    struct store_callback callback;
    int rc = store_callback_read(store, number, &callback);

    if (rc == 0)
        rc = (int)callback.state;
    if (ret_found != NULL)
        *ret_found = callback;
    else
        store_callback_done(&callback);
    return rc;
}

static int note_attempt(struct store *store, int64_t number, enum callback_state state,
                        int64_t due_at)
{
    const struct store_callback_note attempt = {
        .job = number,
        .now = ENDED,
        .state = state,
        .due_at = due_at,
        .forget_at = 9000,
        .text = "{\"n\":1}",
    };

    return store_callback_note(store, &attempt);
}

struct looking {
    struct store_callback_due sending[MAX];
    int n;
    int64_t next;
    struct store_callback_lane from;
};

static struct looking find_due(struct store *store, int64_t now, const struct looking *before)
{
    struct looking looking = {.n = 0};
    const struct store_callback_query query = {
        .now = now, .max = MAX, .max_per_host = PER_HOST, .from = &looking.from};

    if (before != NULL)
        looking = *before;
    looking.n =
        store_callbacks_due(store, &query, looking.sending, (size_t)looking.n, &looking.next);
    ck_assert_int_ge(looking.n, 0);
    return looking;
}

static uint64_t n_pending(struct store *store)
{
    struct store_stats stats;

    store_get_stats(store, &stats);
    return stats.n_callbacks;
}

static void sweep(struct store *store, int64_t now)
{
    int64_t next;

    do {
        assert_ok(store_sweep(store, now, &next));
    } while (next != JOB_NEVER && next <= now);
}

/* --- Its life --------------------------------------------------------------------------------- */

CO_TEST(it_waits_for_the_end_of_its_job)
{
    struct store *store = open_store();
    struct job_record *record = accept_at(store, NULL, "a");

    ck_assert(record->has_callback);
    ck_assert_int_eq(look(store, record->number, NULL), CALLBACK_WAITING);
    ck_assert_int_eq(find_due(store, LATER, NULL).n, 0);
    ck_assert_uint_eq(n_pending(store), 0);
    end(store, record, ENDED);
    ck_assert_int_eq(find_due(store, ENDED, NULL).n, 1);
    ck_assert_uint_eq(n_pending(store), 1);
    job_record_unref(record);
    store_close(store);
}

CO_TEST(it_has_all_that_is_needed)
{
    struct store *store = open_store();
    struct job_record *record = accept_at(store, NULL, "a");
    struct store_callback callback;

    end(store, record, ENDED);
    ck_assert_int_eq(look(store, record->number, &callback), CALLBACK_PENDING);
    ck_assert_str_eq(callback.id, record->id);
    ck_assert_str_eq(callback.url, "http://a/");
    ck_assert_str_eq(callback.secret_ref, "hook");
    ck_assert_str_eq(callback.payload, payload);
    ck_assert_uint_eq(callback.payload_length, strlen(payload));
    ck_assert_str_eq(callback.attempts, "");
    ck_assert_int_eq(callback.due_at, ENDED);
    store_callback_done(&callback);
    job_record_unref(record);
    store_close(store);
}

CO_TEST(a_job_without_one_has_none)
{
    struct store *store = open_store();
    struct job_record *record = accept_of(store, NULL, NULL);

    ck_assert(!record->has_callback);
    ck_assert_int_eq(look(store, record->number, NULL), -ENOENT);
    end(store, record, ENDED);
    ck_assert_int_eq(find_due(store, LATER, NULL).n, 0);
    job_record_unref(record);
    store_close(store);
}

CO_TEST(it_is_there_when_the_store_is_opened_again)
{
    struct store *store = open_store();
    int64_t number = take_due(store, "a", ENDED);
    struct job_record *record;

    store_close(store);
    store = open_store();
    ck_assert_uint_eq(n_pending(store), 1);
    ck_assert_int_eq(find_due(store, ENDED, NULL).n, 1);
    assert_ok(store_find_number(store, number, &record));
    ck_assert(record->has_callback);
    job_record_unref(record);
    store_close(store);
}

CO_TEST(other_tenants_do_not_find_it)
{
    const struct job_callback to = {.url = "http://a/", .host = "a"};
    struct store *store = open_store();
    struct job_record *record = accept_of(store, "mine", &to);
    struct store_callback callback;

    ck_assert_int_eq(store_callback_find(store, "other", record->id, &callback), -ENOENT);
    store_callback_done(&callback);
    ck_assert_int_eq(store_callback_find(store, NULL, record->id, &callback), -ENOENT);
    store_callback_done(&callback);
    assert_ok(store_callback_find(store, "mine", record->id, &callback));
    ck_assert_ptr_null(callback.secret_ref);
    store_callback_done(&callback);
    job_record_unref(record);
    store_close(store);
}

/* --- Attempts --------------------------------------------------------------------------------- */

CO_TEST(an_attempt_is_noted_and_the_next_is_due_later)
{
    struct store *store = open_store();
    int64_t number = take_due(store, "a", ENDED);
    struct store_callback callback;

    assert_ok(note_attempt(store, number, CALLBACK_PENDING, LATER));
    assert_ok(note_attempt(store, number, CALLBACK_PENDING, LATER));
    ck_assert_int_eq(look(store, number, &callback), CALLBACK_PENDING);
    ck_assert_uint_eq(callback.n_attempts, 2);
    ck_assert_str_eq(callback.attempts, "{\"n\":1},{\"n\":1}");
    store_callback_done(&callback);
    struct looking looking = find_due(store, LATER - 1, NULL);
    ck_assert_int_eq(looking.n, 0);
    ck_assert_int_eq(looking.next, LATER);
    ck_assert_int_eq(find_due(store, LATER, NULL).n, 1);
    store_close(store);
}

CO_TEST(what_is_settled_is_not_sent_again)
{
    struct store *store = open_store();
    int64_t number = take_due(store, "a", ENDED);
    struct store_callback callback;

    assert_ok(note_attempt(store, number, CALLBACK_DELIVERED, LATER));
    ck_assert_int_eq(look(store, number, &callback), CALLBACK_DELIVERED);
    ck_assert_ptr_null(callback.payload);
    ck_assert_int_eq(callback.due_at, JOB_NEVER);
    store_callback_done(&callback);
    ck_assert_int_eq(find_due(store, LATER, NULL).n, 0);
    ck_assert_uint_eq(n_pending(store), 0);
    ck_assert_int_eq(note_attempt(store, number, CALLBACK_PENDING, LATER), -ENOENT);
    store_close(store);
}

/* --- Which are due ---------------------------------------------------------------------------- */

CO_TEST(the_earliest_go_first)
{
    struct store *store = open_store();
    int64_t late = take_due(store, "a", ENDED + 2), early = take_due(store, "b", ENDED);

    struct looking looking = find_due(store, LATER, NULL);
    ck_assert_int_eq(looking.n, 2);
    ck_assert_int_eq(looking.sending[0].job, early);
    ck_assert_int_eq(looking.sending[1].job, late);
    ck_assert_int_eq(find_due(store, ENDED, NULL).next, ENDED + 2);
    store_close(store);
}

CO_TEST(what_is_being_sent_is_not_found_again)
{
    struct store *store = open_store();

    take_due(store, "a", ENDED);
    struct looking looking = find_due(store, LATER, NULL);
    ck_assert_int_eq(find_due(store, LATER, &looking).n, 1);
    store_close(store);
}

CO_TEST(a_host_has_its_share_and_others_theirs)
{
    struct store *store = open_store();

    for (int i = 0; i < 100; i++)
        take_due(store, "busy", ENDED);
    take_due(store, "other", ENDED + 1);
    take_due(store, "third", LATER);
    struct looking looking = find_due(store, ENDED + 1, NULL);
    ck_assert_int_eq(looking.n, PER_HOST + 1);
    ck_assert_str_eq(looking.sending[PER_HOST].lane.host, "other");
    ck_assert_int_eq(looking.next, LATER);
    ck_assert_int_eq(find_due(store, LATER, &looking).n, PER_HOST + 2);
    store_close(store);
}

CO_TEST(no_more_are_found_than_may_be_sent)
{
    struct store *store = open_store();
    char tenant[16];

    for (int i = 0; i < 2 * MAX; i++) {
        snprintf(tenant, sizeof(tenant), "tenant-%d", i);
        take_many_of(store, tenant, 1 + i);
    }
    struct looking looking = {.n = 0};
    for (int n = -1; n < looking.n;) {
        n = looking.n;
        looking = find_due(store, LATER, &looking);
    }
    ck_assert_int_le(looking.n, MAX);
    ck_assert_int_ge(looking.n, MAX - 1);
    store_close(store);
}

CO_TEST(tenant_has_no_more_places_than_are_left_for_others)
{
    struct store *store = open_store();

    take_many_of(store, "red", 10 * MAX);
    struct looking looking = find_due(store, LATER, NULL);
    ck_assert_int_eq(looking.n, MAX / 2);
    take_many_of(store, "blue", 10 * MAX);
    looking = find_due(store, LATER, &looking);
    ck_assert_int_eq(looking.n, MAX / 2 + MAX / 4);
    take_many_of(store, "green", 1);
    looking = find_due(store, LATER, &looking);
    ck_assert_int_eq(looking.n, MAX / 2 + MAX / 4 + 1);
    ck_assert_str_eq(looking.sending[MAX / 2 + MAX / 4].lane.tenant, "green");
    store_close(store);
}

/* What is in front hangs, so its hosts have their share; what is behind it, in more lanes than are
 * looked at at once, is found all the same. */
CO_TEST(nothing_is_passed_over_for_good)
{
    enum { N_HANGING = 100, N_OTHERS = 200 };
    struct store *store = open_store();
    struct looking looking = {.n = 0};
    int n_sent = 0, n_looks = 0;

    for (int i = 0; i < N_HANGING; i++)
        take_due(store, "hangs", ENDED - 1);
    take_many_of(store, "", N_OTHERS);
    while (n_sent < N_OTHERS) {
        looking = find_due(store, LATER, &looking);
        ck_assert(looking.n > PER_HOST || looking.next != JOB_NEVER);
        for (; looking.n > PER_HOST; n_sent++)
            assert_ok(note_attempt(store, looking.sending[--looking.n].job, CALLBACK_DELIVERED, 0));
        ck_assert_int_lt(++n_looks, N_OTHERS);
    }
    ck_assert_str_eq(looking.sending[0].lane.host, "hangs");
    ck_assert_str_eq(looking.sending[1].lane.host, "hangs");
    store_close(store);
}

CO_TEST(clock_that_is_set_back_delays_nothing)
{
    enum { SECOND = 1000000 };
    struct store *store = open_store();
    int64_t number = take_due(store, "a", ENDED);

    assert_ok(note_attempt(store, number, CALLBACK_PENDING, LATER)); /* at ENDED */
    assert_ok(store_callbacks_clock_set_back(store, ENDED - SECOND));
    ck_assert_int_eq(find_due(store, LATER - 1, NULL).n, 0);
    assert_ok(store_callbacks_clock_set_back(store, ENDED - SECOND - 1));
    ck_assert_int_eq(find_due(store, ENDED - SECOND - 1, NULL).n, 1);
    store_close(store);
}

/* --- The end of a job's life ------------------------------------------------------------------ */

CO_TEST(one_that_is_pending_outlives_its_job)
{
    struct store *store = open_store();
    int64_t number = take_due(store, "a", ENDED);
    struct job_record *record;

    sweep(store, LATER);
    ck_assert_int_eq(store_find_number(store, number, &record), -ENOENT);
    ck_assert_int_eq(find_due(store, LATER, NULL).n, 1);
    assert_ok(note_attempt(store, number, CALLBACK_DELIVERED, LATER));
    sweep(store, 9000 - 1);
    ck_assert_int_eq(look(store, number, NULL), CALLBACK_DELIVERED);
    sweep(store, 9000);
    ck_assert_int_eq(look(store, number, NULL), -ENOENT);
    ck_assert_int_eq(scratch_sql("SELECT count(*) FROM callback"), 0);
    store_close(store);
}

CO_TEST(one_that_is_settled_goes_with_its_job)
{
    struct store *store = open_store();
    int64_t number = take_due(store, "a", ENDED);

    assert_ok(note_attempt(store, number, CALLBACK_FAILED, LATER));
    sweep(store, ENDED);
    ck_assert_int_eq(look(store, number, NULL), CALLBACK_FAILED);
    sweep(store, LATER);
    ck_assert_int_eq(look(store, number, NULL), -ENOENT);
    store_close(store);
}

CO_TEST(who_deletes_a_job_deletes_its_callback)
{
    struct store *store = open_store();
    int64_t number = take_due(store, "a", ENDED);

    assert_ok(store_forget(store, number));
    ck_assert_int_eq(look(store, number, NULL), -ENOENT);
    ck_assert_int_eq(note_attempt(store, number, CALLBACK_PENDING, LATER), -ENOENT);
    ck_assert_uint_eq(n_pending(store), 0);
    store_close(store);
}

CO_TEST(not_too_many_outlive_their_jobs)
{
    struct store *store = open_store();
    int64_t number = take_due(store, "a", ENDED);
    char sql[300];

    store_close(store);
    snprintf(sql, sizeof(sql),
             "WITH RECURSIVE n(i) AS (SELECT 1000 UNION ALL SELECT i + 1 FROM n LIMIT %d)"
             " INSERT INTO callback(job, id, tenant, url, host, state, due_at)"
             " SELECT i, i, '', 'http://b/', 'b', 1, 9000 FROM n",
             STORE_CALLBACKS_KEPT);
    scratch_sql(sql);
    store = open_store();
    sweep(store, LATER);
    ck_assert_int_eq(look(store, number, NULL), -ENOENT);
    ck_assert_uint_eq(n_pending(store), STORE_CALLBACKS_KEPT);
    store_close(store);
}

/* --- What goes wrong -------------------------------------------------------------------------- */

CO_TEST(a_state_that_there_is_not_does_no_harm)
{
    struct store *store = open_store();
    int64_t number = take_due(store, "a", ENDED);

    store_close(store);
    scratch_sql("UPDATE callback SET state = 99");
    store = open_store();
    ck_assert_int_eq(look(store, number, NULL), CALLBACK_PENDING);
    assert_ok(note_attempt(store, number, CALLBACK_FAILED, LATER));
    store_close(store);
}

CO_TEST(without_memory_it_is_read_later)
{
    struct store *store = open_store();
    int64_t number = take_due(store, "a", ENDED);
    int rc;

    for (size_t n = 1;; n++) {
        size_t before = fault_live();
        fault_arm(n);
        rc = look(store, number, NULL);
        if (!fault_disarm())
            break;
        ck_assert(rc == -ENOMEM || rc == CALLBACK_PENDING);
        ck_assert_uint_eq(fault_live(), before);
    }
    ck_assert_int_eq(rc, CALLBACK_PENDING);
    store_close(store);
}

Suite *suite_sqlite_callback(void);

Suite *suite_sqlite_callback(void)
{
    Suite *suite = suite_create("daemon/store/sqlite_callback");
    TCase *tcase = tcase_create("all");

    tcase_add_checked_fixture(tcase, scratch_set_up, scratch_tear_down);
    tcase_add_test(tcase, it_waits_for_the_end_of_its_job);
    tcase_add_test(tcase, it_has_all_that_is_needed);
    tcase_add_test(tcase, a_job_without_one_has_none);
    tcase_add_test(tcase, it_is_there_when_the_store_is_opened_again);
    tcase_add_test(tcase, other_tenants_do_not_find_it);
    tcase_add_test(tcase, an_attempt_is_noted_and_the_next_is_due_later);
    tcase_add_test(tcase, what_is_settled_is_not_sent_again);
    tcase_add_test(tcase, the_earliest_go_first);
    tcase_add_test(tcase, what_is_being_sent_is_not_found_again);
    tcase_add_test(tcase, a_host_has_its_share_and_others_theirs);
    tcase_add_test(tcase, no_more_are_found_than_may_be_sent);
    tcase_add_test(tcase, tenant_has_no_more_places_than_are_left_for_others);
    tcase_add_test(tcase, nothing_is_passed_over_for_good);
    tcase_add_test(tcase, clock_that_is_set_back_delays_nothing);
    tcase_add_test(tcase, one_that_is_pending_outlives_its_job);
    tcase_add_test(tcase, one_that_is_settled_goes_with_its_job);
    tcase_add_test(tcase, who_deletes_a_job_deletes_its_callback);
    tcase_add_test(tcase, not_too_many_outlive_their_jobs);
    tcase_add_test(tcase, a_state_that_there_is_not_does_no_harm);
    tcase_add_test(tcase, without_memory_it_is_read_later);
    suite_add_tcase(suite, tcase);
    return suite;
}
