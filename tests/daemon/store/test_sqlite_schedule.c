/* Schedules and their runs on disk. */
#include "daemon/store/store_schedules.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/fault.h"
#include "tests/support/random.h"
#include "tests/support/runtime.h"
#include "tests/support/stores.h"

#define SECOND INT64_C(1000000)
#define HOUR   (3600 * SECOND)
#define START  (INT64_C(1800000000) * SECOND)

static struct schedule *make(const char *tenant, const char *name)
{
    struct schedule *schedule = schedule_new();

    ck_assert_ptr_nonnull(schedule);
    schedule->tenant = strdup(tenant);
    schedule->name = strdup(name);
    schedule->every_us = SECOND;
    schedule->created_at = START;
    schedule->next_due = START + SECOND;
    return schedule;
}

static int try_to_add(struct schedule *schedule, uint64_t max)
{
    const struct store_schedule_document document = {.job = "[\"http://a/\"]", .job_length = 12};

    return store_schedule_add(the_store, schedule, &document, max);
}

static struct schedule *add(const char *tenant, const char *name)
{
    struct schedule *schedule = make(tenant, name);

    assert_ok(try_to_add(schedule, 1000));
    return schedule;
}

static struct schedule *look_up(const struct schedule *schedule)
{
    struct schedule *found;

    assert_ok(store_schedule_find(the_store, schedule->tenant, schedule->id, &found));
    return found;
}

/* Notes that nothing was run. */
static void note_other(struct schedule *schedule, enum schedule_run_state state, const char *code)
{
    struct schedule_note note = {.schedule = schedule, .n_runs = 1};

    note.runs[0] = (struct schedule_run){.due_at = schedule->next_due,
                                         .n_due = 1,
                                         .started_at = JOB_NEVER,
                                         .ended_at = schedule->next_due,
                                         .state = state};
    strcpy(note.runs[0].code, code);
    schedule->next_due += SECOND;
    assert_ok(store_schedule_note(the_store, &note));
}

/* Notes a run that was started; it is what is given back. */
static struct schedule_run note_started(struct schedule *schedule)
{
    struct schedule_note note = {.schedule = schedule, .n_runs = 1};

    note.runs[0] = (struct schedule_run){.due_at = schedule->next_due,
                                         .n_due = 1,
                                         .started_at = schedule->next_due,
                                         .ended_at = JOB_NEVER,
                                         .state = RUN_STATE_RUNNING,
                                         .job = 1,
                                         .job_id = "job_01JZ9M4T6Q3W8KX2B7V5N0RCFE"};
    schedule->next_due += SECOND;
    assert_ok(store_schedule_note(the_store, &note));
    return note.runs[0];
}

static void end_run(const struct schedule *schedule, struct schedule_run *run, int64_t ended_at,
                    uint64_t n_items, uint64_t n_success)
{
    run->state = RUN_STATE_DONE;
    run->ended_at = ended_at;
    run->n_items = n_items;
    run->n_success = n_success;
    strcpy(run->counts, "{\"total\":7}");
    assert_ok(store_schedule_end_run(the_store, schedule->number, run));
}

static int try_to_forget(const struct schedule *schedule, bool *ret_was_paused)
{
    return store_schedule_forget(the_store, schedule->tenant, schedule->id, ret_was_paused);
}

static void forget(const struct schedule *schedule)
{
    bool was_paused;

    assert_ok(try_to_forget(schedule, &was_paused));
    ck_assert_int_eq(was_paused, schedule->is_paused);
}

/* The names of those that are due, and when the next one is. */
static const char *due(int64_t now, size_t max, int64_t *ret_next)
{
    static char text[64];
    struct schedule *schedules[8];
    int n = store_schedules_due(the_store, now, max, schedules, ret_next);

    ck_assert_int_ge(n, 0);
    text[0] = '\0';
    for (int i = 0; i < n; i++) {
        strcat(text, schedules[i]->name);
        schedule_free(schedules[i]);
    }
    return text;
}

/* --- Schedules -------------------------------------------------------------------------------- */

CO_TEST(schedule_is_found_as_it_was_made)
{
    struct schedule *schedule = make("red", "a");
    char *job;
    size_t length;

    stores_open();
    schedule->labels = strdup("{\"x\":\"y\"}");
    schedule->every_us = 0;
    schedule->cron = strdup("5 4 * * *");
    schedule->jitter_us = 77;
    schedule->overlap = OVERLAP_QUEUE;
    schedule->max_queued = 9;
    assert_ok(try_to_add(schedule, 1));
    ck_assert(schedule_id_is_valid(schedule->id));
    stores_crash();
    struct schedule *found = look_up(schedule);
    ck_assert_str_eq(found->tenant, "red");
    ck_assert_str_eq(found->name, "a");
    ck_assert_str_eq(found->labels, "{\"x\":\"y\"}");
    ck_assert_str_eq(found->cron, "5 4 * * *");
    ck_assert_uint_eq(found->times.minutes, 1 << 5);
    ck_assert_int_eq(found->jitter_us, 77);
    ck_assert_int_eq(found->overlap, OVERLAP_QUEUE);
    ck_assert_uint_eq(found->max_queued, 9);
    ck_assert_int_eq(found->created_at, START);
    ck_assert_int_eq(found->next_due, START + SECOND);
    ck_assert(!found->is_paused && !found->has_last && found->running == 0);
    assert_ok(store_schedule_read_job(the_store, found->number, &job, &length));
    ck_assert_uint_eq(length, 12);
    ck_assert_int_eq(memcmp(job, "[\"http://a/\"]", 12), 0);
    free(job);
    schedule_free(found);
    schedule_free(schedule);
    stores_close();
}

CO_TEST(tenants_have_their_own)
{
    struct schedule *page[4], *found;
    bool more;

    stores_open();
    struct schedule *red = add("red", "a"), *blue = add("blue", "b");
    ck_assert_int_eq(store_schedule_find(the_store, "blue", red->id, &found), -ENOENT);
    ck_assert_int_eq(store_schedule_list(the_store, "blue", NULL, 4, page, &more), 1);
    ck_assert_str_eq(page[0]->name, "b");
    ck_assert(!more);
    schedule_free(page[0]);
    ck_assert_int_eq(store_schedule_list(the_store, "", NULL, 4, page, &more), 0);
    schedule_free(red);
    schedule_free(blue);
    stores_close();
}

CO_TEST(each_tenant_may_have_so_many)
{
    stores_open();
    struct schedule *first = add("red", "a"), *second = make("red", "b"), *other = make("", "c");
    ck_assert_int_eq(try_to_add(second, 1), -EDQUOT);
    assert_ok(try_to_add(other, 1));
    forget(first);
    assert_ok(try_to_add(second, 1));
    schedule_free(first);
    schedule_free(second);
    schedule_free(other);
    stores_close();
}

static int try_with_key(struct schedule *schedule, const char *key, unsigned char mark)
{
    unsigned char fingerprint[STORE_FINGERPRINT_SIZE] = {mark};
    const struct store_schedule_document document = {
        .job = "[]", .job_length = 2, .key = key, .fingerprint = fingerprint};

    return store_schedule_add(the_store, schedule, &document, 1);
}

CO_TEST(key_of_a_tenant_is_that_of_one_schedule)
{
    unsigned char fingerprint[STORE_FINGERPRINT_SIZE];
    char id[SCHEDULE_ID_SIZE];

    stores_open();
    struct schedule *first = make("red", "a"), *second = make("red", "b"), *other = make("", "c");
    ck_assert_int_eq(store_schedule_find_key(the_store, "red", "k", id, fingerprint), -ENOENT);
    assert_ok(try_with_key(first, "k", 1));
    ck_assert_int_eq(try_with_key(second, "k", 2), -EEXIST); /* and not: too many */
    assert_ok(try_with_key(other, "k", 3));
    stores_crash();
    assert_ok(store_schedule_find_key(the_store, "red", "k", id, fingerprint));
    ck_assert_str_eq(id, first->id);
    ck_assert_uint_eq(fingerprint[0], 1);
    forget(first);
    assert_ok(try_with_key(second, "k", 2));
    schedule_free(first);
    schedule_free(second);
    schedule_free(other);
    stores_close();
}

CO_TEST(lists_are_read_in_pages)
{
    struct schedule *page[2];
    bool more;

    stores_open();
    for (char name[] = "a"; name[0] <= 'e'; name[0]++)
        schedule_free(add("", name));
    char names[8] = "", before[SCHEDULE_ID_SIZE] = "";
    do {
        int n =
            store_schedule_list(the_store, NULL, before[0] != '\0' ? before : NULL, 2, page, &more);
        ck_assert_int_gt(n, 0);
        for (int i = 0; i < n; i++) {
            strcat(names, page[i]->name);
            strcpy(before, page[i]->id);
            schedule_free(page[i]);
        }
    } while (more);
    ck_assert_str_eq(names, "edcba");
    stores_close();
}

/* --- What is due ------------------------------------------------------------------------------ */

CO_TEST(those_are_due_whose_time_has_come)
{
    int64_t next;

    stores_open();
    struct schedule *a = add("", "a"), *b = make("", "b"), *paused = make("", "c");
    b->next_due = START + 5 * SECOND;
    paused->is_paused = true;
    paused->next_due = JOB_NEVER;
    assert_ok(try_to_add(b, 9));
    assert_ok(try_to_add(paused, 9));
    ck_assert_str_eq(due(START, 8, &next), "");
    ck_assert_int_eq(next, START + SECOND);
    ck_assert_str_eq(due(START + SECOND, 8, &next), "a");
    ck_assert_int_eq(next, START + 5 * SECOND);
    ck_assert_str_eq(due(START + 5 * SECOND, 1, &next), "a");
    ck_assert_int_eq(next, START + 5 * SECOND);
    ck_assert_str_eq(due(START + 5 * SECOND, 8, &next), "ab");
    ck_assert_int_eq(next, JOB_NEVER);
    schedule_free(a);
    schedule_free(b);
    schedule_free(paused);
    stores_close();
}

CO_TEST(what_waits_is_due_when_nothing_runs)
{
    int64_t next;

    stores_open();
    struct schedule *schedule = add("", "a");
    struct schedule_run run = note_started(schedule);
    schedule->waiting = START + 2 * SECOND;
    schedule->next_due = START + 90 * SECOND;
    struct schedule_note waits = {.schedule = schedule};
    assert_ok(store_schedule_note(the_store, &waits));
    ck_assert_str_eq(due(START + 3 * SECOND, 8, &next), "");
    ck_assert_int_eq(next, START + 90 * SECOND);
    end_run(schedule, &run, START + 3 * SECOND, 1, 1);
    ck_assert_str_eq(due(START + 3 * SECOND, 8, &next), "a");
    schedule->is_paused = true;
    schedule->next_due = JOB_NEVER;
    assert_ok(store_schedule_pause(the_store, schedule));
    ck_assert_str_eq(due(START + 3 * SECOND, 8, &next), "");
    ck_assert_int_eq(next, JOB_NEVER);
    schedule_free(schedule);
    stores_close();
}

CO_TEST(paused_schedule_stays_so_whatever_is_noted)
{
    stores_open();
    struct schedule *schedule = add("", "a"), paused = *schedule;
    paused.is_paused = true;
    paused.next_due = JOB_NEVER;
    assert_ok(store_schedule_pause(the_store, &paused));
    note_other(schedule, RUN_STATE_SKIPPED, "");
    struct schedule *found = look_up(schedule);
    ck_assert(found->is_paused && found->next_due == JOB_NEVER);
    schedule_free(found);
    schedule_free(schedule);
    stores_close();
}

/* --- Runs ------------------------------------------------------------------------------------- */

CO_TEST(run_is_there_from_its_beginning_to_its_end)
{
    struct schedule *running[2];

    stores_open();
    struct schedule *schedule = add("", "a");
    struct schedule_run run = note_started(schedule);
    ck_assert_int_eq(run.number, 1);
    stores_crash();
    ck_assert_int_eq(store_schedules_running(the_store, 0, 2, running), 1);
    ck_assert_int_eq(running[0]->last.number, 1);
    ck_assert_int_eq(running[0]->last.job, 1);
    ck_assert_int_eq(running[0]->last.ended_at, JOB_NEVER);
    schedule_free(running[0]);
    end_run(schedule, &run, START + 7 * SECOND, 7, 5);
    ck_assert_int_eq(store_schedules_running(the_store, 0, 2, running), 0);
    ck_assert_int_eq(store_schedule_end_run(the_store, schedule->number, &run), -ENOENT);
    stores_crash();
    struct schedule *found = look_up(schedule);
    ck_assert(found->has_last && found->running == 0);
    ck_assert_int_eq(found->last.state, RUN_STATE_DONE);
    ck_assert_uint_eq(found->last.n_success, 5);
    ck_assert_str_eq(found->last.counts, "{\"total\":7}");
    ck_assert_str_eq(found->last.job_id, "job_01JZ9M4T6Q3W8KX2B7V5N0RCFE");
    schedule_free(found);
    schedule_free(schedule);
    stores_close();
}

CO_TEST(what_was_not_run_several_times_in_a_row_is_one_run)
{
    struct schedule_run runs[8];
    bool more;

    stores_open();
    struct schedule *schedule = add("", "a");
    for (int i = 0; i < 3; i++)
        note_other(schedule, RUN_STATE_SKIPPED, "");
    note_other(schedule, RUN_STATE_FAILED, "store_full");
    note_other(schedule, RUN_STATE_FAILED, "store_full");
    note_other(schedule, RUN_STATE_FAILED, "quota_exceeded");
    struct schedule_run run = note_started(schedule);
    end_run(schedule, &run, START + HOUR, 1, 1);
    run = note_started(schedule);
    ck_assert_int_eq(store_schedule_runs(the_store, schedule->number, 0, 8, runs, &more), 5);
    ck_assert(!more);
    ck_assert_uint_eq(runs[4].n_due, 3);
    ck_assert_int_eq(runs[4].due_at, START + SECOND);
    ck_assert_int_eq(runs[4].ended_at, START + 3 * SECOND);
    ck_assert_uint_eq(runs[3].n_due, 2);
    ck_assert_str_eq(runs[2].code, "quota_exceeded");
    ck_assert_int_eq(runs[0].state, RUN_STATE_RUNNING);
    ck_assert_int_eq(store_schedule_runs(the_store, schedule->number, 4, 2, runs, &more), 2);
    ck_assert(more && runs[0].number == 3 && runs[1].number == 2);
    schedule_free(schedule);
    stores_close();
}

CO_TEST(so_many_runs_are_kept_and_the_one_that_goes_on)
{
    static struct schedule_run runs[SCHEDULE_RUNS_KEPT + 8];
    static const char *const codes[] = {"store_full", "quota_exceeded"};
    bool more;

    stores_open();
    struct schedule *schedule = add("", "a");
    note_started(schedule);
    for (int i = 0; i < SCHEDULE_RUNS_KEPT + 5; i++)
        note_other(schedule, RUN_STATE_FAILED, codes[i % 2]);
    int n =
        store_schedule_runs(the_store, schedule->number, 0, SCHEDULE_RUNS_KEPT + 8, runs, &more);
    ck_assert_int_eq(n, SCHEDULE_RUNS_KEPT + 1);
    ck_assert_int_eq(runs[n - 1].number, 1);
    ck_assert_int_eq(runs[n - 1].state, RUN_STATE_RUNNING);
    schedule_free(schedule);
    stores_close();
}

CO_TEST(forgotten_schedule_is_gone_with_all_it_has)
{
    struct schedule_run runs[2];
    struct schedule *found;
    char *job;
    size_t length;
    bool more;

    stores_open();
    struct schedule *schedule = add("", "a");
    struct schedule_run run = note_started(schedule);
    bool was_paused;
    ck_assert_int_eq(store_schedule_forget(the_store, "red", schedule->id, &was_paused), -ENOENT);
    forget(schedule);
    ck_assert_int_eq(try_to_forget(schedule, &was_paused), -ENOENT);
    ck_assert_int_eq(store_schedule_find(the_store, "", schedule->id, &found), -ENOENT);
    ck_assert_int_eq(store_schedule_read_job(the_store, schedule->number, &job, &length), -ENOENT);
    ck_assert_int_eq(store_schedule_runs(the_store, schedule->number, 0, 2, runs, &more), 0);
    ck_assert_int_eq(store_schedule_end_run(the_store, schedule->number, &run), -ENOENT);
    struct schedule_note late = {.schedule = schedule};
    ck_assert_int_eq(store_schedule_note(the_store, &late), -ENOENT);
    ck_assert_int_eq(store_schedule_pause(the_store, schedule), -ENOENT);
    schedule_free(schedule);
    stores_close();
}

/* --- Availability ----------------------------------------------------------------------------- */

enum { N_ENDS = 400 };

static struct {
    int64_t at;
    uint64_t n_items, n_success;
} ends[N_ENDS];

/* Of the buckets that have begun within the span. */
static struct schedule_share share_of(const struct schedule_span *span, int64_t now)
{
    struct schedule_share share = {0, 0};

    for (int i = 0; i < N_ENDS; i++) {
        int64_t bucket = ends[i].at / span->bucket_us * span->bucket_us;
        if (bucket > now - span->us && bucket <= now) {
            share.n_items += ends[i].n_items;
            share.n_success += ends[i].n_success;
        }
    }
    return share;
}

CO_TEST(availability_is_the_sum_of_what_has_ended)
{
    struct schedule_share shares[N_SCHEDULE_SPANS];
    struct random random = {7};
    int64_t now = START;

    stores_open();
    struct schedule *schedule = add("", "a");
    for (int i = 0; i < N_ENDS; i++) {
        struct schedule_run run = note_started(schedule);
        now += random_below(&random, i % 50 == 0 ? 400000 : 3600) * SECOND;
        ends[i].at = now;
        ends[i].n_items = 1 + random_below(&random, 100);
        ends[i].n_success = random_below(&random, (uint32_t)ends[i].n_items + 1);
        end_run(schedule, &run, now, ends[i].n_items, ends[i].n_success);
    }
    stores_crash();
    assert_ok(store_schedule_shares(the_store, schedule->number, now, shares));
    for (int i = 0; i < N_SCHEDULE_SPANS; i++) {
        struct schedule_share expected = share_of(&schedule_spans[i], now);
        ck_assert_uint_eq(shares[i].n_items, expected.n_items);
        ck_assert_uint_eq(shares[i].n_success, expected.n_success);
    }
    ck_assert_uint_gt(shares[3].n_items, shares[1].n_items);
    schedule_free(schedule);
    stores_close();
}

/* --- Memory ----------------------------------------------------------------------------------- */

CO_TEST(lack_of_memory_loses_nothing)
{
    stores_open();
    struct schedule *schedule = add("red", "a"), *found;
    schedule->cron = strdup("* * * * *");
    for (size_t n = 1;; n++) {
        size_t before = fault_live();
        fault_arm(n);
        int rc = store_schedule_find(the_store, "red", schedule->id, &found);
        if (!fault_disarm()) {
            assert_ok(rc);
            schedule_free(found);
            break;
        }
        if (rc == 0)
            schedule_free(found);
        else
            ck_assert_int_eq(rc, -ENOMEM);
        ck_assert_uint_eq(fault_live(), before);
    }
    schedule_free(schedule);
    stores_close();
}

Suite *suite_sqlite_schedule(void);

Suite *suite_sqlite_schedule(void)
{
    Suite *suite = suite_create("sqlite_schedule");
    TCase *tcase = tcase_create("sqlite_schedule");

    tcase_add_test(tcase, schedule_is_found_as_it_was_made);
    tcase_add_test(tcase, tenants_have_their_own);
    tcase_add_test(tcase, each_tenant_may_have_so_many);
    tcase_add_test(tcase, key_of_a_tenant_is_that_of_one_schedule);
    tcase_add_test(tcase, lists_are_read_in_pages);
    tcase_add_test(tcase, those_are_due_whose_time_has_come);
    tcase_add_test(tcase, what_waits_is_due_when_nothing_runs);
    tcase_add_test(tcase, paused_schedule_stays_so_whatever_is_noted);
    tcase_add_test(tcase, run_is_there_from_its_beginning_to_its_end);
    tcase_add_test(tcase, what_was_not_run_several_times_in_a_row_is_one_run);
    tcase_add_test(tcase, so_many_runs_are_kept_and_the_one_that_goes_on);
    tcase_add_test(tcase, forgotten_schedule_is_gone_with_all_it_has);
    tcase_add_test(tcase, availability_is_the_sum_of_what_has_ended);
    tcase_add_test(tcase, lack_of_memory_loses_nothing);
    suite_add_tcase(suite, tcase);
    return suite;
}
