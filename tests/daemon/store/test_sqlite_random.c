/* Random calls, and a model that knows what should come of them. A failure names its seed: run that
 * alone with STORE_SEED=N. */
#include "daemon/base/instant.h"
#include "daemon/store/store.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/support/random.h"
#include "tests/support/runtime.h"
#include "tests/support/scale.h"
#include "tests/support/store_model.h"

enum { N_STEPS = 120, MAX_RESULTS = 64, MAX_CHANGES = 8 };

static struct store_model *model;
static struct random dice;

static bool one_in(uint32_t n)
{
    return random_below(&dice, n) == 0;
}

/* --- Taking in -------------------------------------------------------------------------------- */

static struct test_job random_job(void)
{
    return (struct test_job){
        .weight = 1 + random_below(&dice, 100),
        .chunk_items = 1 + random_below(&dice, 8),
        .is_unsafe = one_in(3),
        .line_bytes = one_in(8) ? 4000 : 0, /* 64 of these are more than a slice */
        .name = one_in(2) ? "name" : NULL,
    };
}

static void accept_one(void)
{
    struct test_job job = random_job();
    uint32_t n_items = one_in(4) ? 64 : 1 + random_below(&dice, 20);

    if (model->n_jobs < MODEL_MAX_JOBS)
        model_accepted(model, stores_accept(n_items, &job), n_items, &job);
}

static void abort_one(void)
{
    struct test_job job = random_job();
    struct store_upload *upload;

    assert_ok(store_upload_new(the_store, &upload));
    assert_ok(stores_add_items(upload, &job, 0, 1 + random_below(&dice, 200)));
    store_upload_free(upload);
}

/* --- Working ---------------------------------------------------------------------------------- */

static struct model_job *pick_job(void)
{
    return model->n_jobs > 0 ? &model->jobs[random_below(&dice, (uint32_t)model->n_jobs)] : NULL;
}

/* Something that is claimed; NULL: not this time. */
static struct model_piece *pick_claimed(struct model_job *job)
{
    for (int i = 0; job != NULL && job->n_pieces > 0 && i < 20; i++) {
        struct model_piece *piece = &job->pieces[random_below(&dice, (uint32_t)job->n_pieces)];
        if (piece->state == CLAIMED || piece->state == SINGLE_CLAIMED)
            return piece;
    }
    return NULL;
}

static void claim_some(void)
{
    size_t max = one_in(4) ? 1000 : random_below(&dice, 5);
    int64_t busy[MODEL_MAX_JOBS];
    struct store_claims claims;
    size_t n_busy = 0;

    for (size_t i = 0; i < model->n_jobs; i++)
        if (one_in(4))
            busy[n_busy++] = model->jobs[i].record->number;
    assert_ok(store_claim(the_store, max, SIZE_MAX, busy, n_busy, &claims));
    model_claimed(model, &claims, max, busy, n_busy);
    store_claims_done(&claims);
}

static void start_one(void)
{
    struct model_job *job = pick_job();
    struct model_piece *piece = pick_claimed(job);

    if (piece == NULL)
        return;
    assert_ok(store_start(the_store, job->record->number, piece->first));
    piece->is_started = true;
}

/* --- Commits ---------------------------------------------------------------------------------- */

static struct commit {
    struct store_result results[MAX_RESULTS];
    uint32_t items[MAX_RESULTS]; /* their rows */
    char shapes[MAX_RESULTS];
    struct store_chunk_end ended[MAX_RESULTS];
    struct store_job_change changes[MAX_CHANGES];
    struct store_commit commit;
} next;

static void add_result(struct model_job *job, uint32_t item)
{
    size_t n = next.commit.n_results++;
    int outcome = (int)random_below(&dice, N_OUTCOMES);

    next.items[n] = item;
    next.shapes[n] = (char)('0' + outcome);
    next.results[n] = (struct store_result){
        .job = job->record->number,
        .index = item,
        .shape_of = item,
        .outcome = (uint8_t)outcome,
        .shape = &next.shapes[n],
        .shape_length = 1,
        .row = (const char *)&next.items[n],
        .row_length = sizeof(item),
        .body = item % 2 != 0 ? "body" : NULL,
        .body_length = item % 2 != 0 ? 4 : 0,
    };
    model_completed(job, item, outcome);
}

static bool is_full(const struct model_job *job)
{
    return next.commit.n_results == MAX_RESULTS || job->next_seq == MODEL_MAX_SEQ;
}

/* Some items of what is claimed, or all; some have a result already. */
static void add_results(struct model_job *job, struct model_piece *piece)
{
    bool all = one_in(2);

    for (uint32_t i = 0; i < piece->n_items; i++) {
        uint32_t item = piece->first + i;
        bool is_late = job->outcomes[item] >= 0;
        if (!is_full(job) && (is_late ? one_in(10) : all || one_in(2)))
            add_result(job, item);
    }
    if (model_piece_is_done(job, piece) && (all || one_in(2))) {
        next.ended[next.commit.n_ended++] =
            (struct store_chunk_end){.job = job->record->number, .first = piece->first};
        piece->state = GONE;
    }
}

static void add_change(struct model_job *job, uint64_t first_seq)
{
    bool ends = one_in(10);

    job->record->version++;
    job->record->status = ends ? JOB_CANCELED : JOB_RUNNING;
    if (ends)
        job->record->ended_at = job->record->created_at + 1;
    next.changes[next.commit.n_changes++] = (struct store_job_change){
        .record = job->record, .first_seq = first_seq, .drops_chunks = ends};
    if (ends)
        model_dropped(job);
}

static bool has_change(const struct model_job *job)
{
    for (size_t i = 0; i < next.commit.n_changes; i++)
        if (next.changes[i].record == job->record)
            return true;
    return false;
}

static void commit_some(void)
{
    next.commit = (struct store_commit){
        .results = next.results, .ended = next.ended, .changes = next.changes};
    for (uint32_t i = 1 + random_below(&dice, MAX_CHANGES); i > 0; i--) {
        struct model_job *job = pick_job();
        if (job == NULL || job->has_ended || job->is_forgotten || has_change(job))
            continue;
        uint64_t first_seq = job->next_seq;
        for (uint32_t j = random_below(&dice, 4); j > 0; j--) {
            struct model_piece *piece = pick_claimed(job);
            if (piece != NULL)
                add_results(job, piece);
        }
        add_change(job, first_seq);
    }
    assert_ok(store_commit(the_store, &next.commit));
}

/* --- Endings ---------------------------------------------------------------------------------- */

static void forget_one(void)
{
    struct model_job *job = pick_job();
    int64_t later;

    if (job == NULL || !one_in(4))
        return;
    ck_assert_int_eq(store_forget(the_store, job->record->number), job->is_forgotten ? -ENOENT : 0);
    job->is_forgotten = true;
    model_dropped(job);
    assert_ok(store_sweep(the_store, 0, &later));
}

static void release_all(void)
{
    assert_ok(store_release(the_store));
    model_released(model);
}

static void stop_and_start(void)
{
    release_all();
    stores_reopen();
    model_check(model);
}

static void die_and_start(void)
{
    model_died(model);
    stores_crash();
    model_check(model);
}

static const struct {
    void (*fn)(void);
    uint32_t share;
} steps[] = {
    {accept_one, 10}, {abort_one, 2},   {claim_some, 25},    {start_one, 8},     {commit_some, 25},
    {forget_one, 3},  {release_all, 2}, {stop_and_start, 3}, {die_and_start, 8},
};

static void take_step(void)
{
    uint32_t total = 0, i = 0;

    for (size_t j = 0; j < sizeof(steps) / sizeof(*steps); j++)
        total += steps[j].share;
    for (uint32_t at = random_below(&dice, total); at >= steps[i].share; i++)
        at -= steps[i].share;
    steps[i].fn();
}

static void run_seed(uint64_t seed)
{
    dice = (struct random){seed};
    *model = (struct store_model){0};
    stores_open();
    for (int i = 0; i < N_STEPS; i++)
        take_step();
    die_and_start();
    model_done(model);
    stores_close();
}

static uint64_t number_from(const char *variable, uint64_t otherwise)
{
    const char *text = getenv(variable);

    return text != NULL ? strtoull(text, NULL, 0) : otherwise;
}

/* Each time others. What fails is found again with its seed, which is printed before it begins:
 * STORE_SEED=... STORE_SEQUENCES=1. */
CO_TEST(random_calls_leave_what_the_model_says)
{
    uint64_t seed = number_from("STORE_SEED", (uint64_t)instant_now());
    uint64_t n = number_from("STORE_SEQUENCES", scaled(50) > 1 ? 10 : 1);

    model = malloc(sizeof(*model));
    ck_assert_ptr_nonnull(model);
    for (; n > 0; n--, seed++) {
        printf("STORE_SEED=%llu\n", (unsigned long long)seed);
        run_seed(seed);
    }
    free(model);
}

Suite *suite_sqlite_random(void);

Suite *suite_sqlite_random(void)
{
    Suite *suite = suite_create("daemon/store/sqlite_random");
    TCase *tcase = tcase_create("all");

    tcase_set_timeout(tcase, 300 + (double)number_from("STORE_SEQUENCES", 0));
    tcase_add_test(tcase, random_calls_leave_what_the_model_says);
    suite_add_tcase(suite, tcase);
    return suite;
}
