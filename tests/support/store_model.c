#include "tests/support/store_model.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* --- Jobs ------------------------------------------------------------------------------------- */

static void cut(struct model_job *job)
{
    uint32_t max = job->of.chunk_items > 0 ? job->of.chunk_items : CHUNK_ITEMS;

    for (uint32_t first = 0; first < job->n_items; first += max) {
        uint32_t left = job->n_items - first, n = left < max ? left : max;
        job->pieces[job->n_pieces++] = (struct model_piece){
            .first = first, .n_items = n, .chunk_first = first, .chunk_n_items = n};
    }
}

void model_accepted(struct store_model *model, struct job_record *record, uint32_t n_items,
                    const struct test_job *of)
{
    struct model_job *job = &model->jobs[model->n_jobs++];

    ck_assert_uint_le(model->n_jobs, MODEL_MAX_JOBS);
    *job = (struct model_job){.record = record, .of = *of, .n_items = n_items, .next_seq = 1};
    for (uint32_t i = 0; i < n_items; i++)
        job->outcomes[i] = -1;
    cut(job);
}

static struct model_job *find_job(struct store_model *model, int64_t number)
{
    for (size_t i = 0; i < model->n_jobs; i++)
        if (model->jobs[i].record->number == number)
            return &model->jobs[i];
    ck_abort_msg("job %ld is unknown", (long)number);
}

void model_dropped(struct model_job *job)
{
    job->has_ended = true;
    for (size_t i = 0; i < job->n_pieces; i++)
        job->pieces[i].state = GONE;
}

void model_done(struct store_model *model)
{
    for (size_t i = 0; i < model->n_jobs; i++)
        job_record_unref(model->jobs[i].record);
}

/* --- Results ---------------------------------------------------------------------------------- */

void model_completed(struct model_job *job, uint32_t item, int outcome)
{
    bool is_late = job->outcomes[item] >= 0;

    ck_assert_uint_lt(job->next_seq, MODEL_MAX_SEQ);
    job->completed[job->next_seq++] = is_late ? -1 : (int64_t)item;
    if (!is_late)
        job->outcomes[item] = outcome;
}

static unsigned count_results(const struct model_job *job, const struct model_piece *piece)
{
    unsigned n = 0;

    for (uint32_t i = 0; i < piece->n_items; i++)
        n += job->outcomes[piece->first + i] >= 0;
    return n;
}

bool model_piece_is_done(const struct model_job *job, const struct model_piece *piece)
{
    return count_results(job, piece) == piece->n_items;
}

/* --- Claims ----------------------------------------------------------------------------------- */

static bool is_busy(const struct model_job *job, const int64_t *busy, size_t n_busy)
{
    for (size_t i = 0; i < n_busy; i++)
        if (busy[i] == job->record->number)
            return true;
    return false;
}

static bool must_be_split(const struct model_job *job, const struct model_piece *piece)
{
    bool has_progress = count_results(job, piece) > piece->n_results;

    return piece->state == RETURNED && piece->tries >= STORE_TRIES_BEFORE_SPLIT && !has_progress;
}

static bool can_be_claimed_whole(const struct model_job *job, const struct model_piece *piece)
{
    return piece->state == NEVER_CLAIMED ||
           (piece->state == RETURNED && !must_be_split(job, piece));
}

/* Has it an item that can be claimed alone? */
static bool has_single(const struct model_job *job, const struct model_piece *piece)
{
    return piece->state == SINGLE ||
           (must_be_split(job, piece) && !model_piece_is_done(job, piece));
}

static size_t count_claimable(struct store_model *model, const int64_t *busy, size_t n_busy)
{
    bool single_is_claimed = false, single_is_ready = false;
    size_t n = 0;

    for (size_t i = 0; i < model->n_jobs; i++) {
        const struct model_job *job = &model->jobs[i];
        for (size_t j = 0; j < job->n_pieces; j++) {
            const struct model_piece *piece = &job->pieces[j];
            single_is_claimed |= piece->state == SINGLE_CLAIMED;
            if (is_busy(job, busy, n_busy))
                continue;
            n += can_be_claimed_whole(job, piece);
            single_is_ready |= has_single(job, piece);
        }
    }
    return n + (single_is_ready && !single_is_claimed);
}

static void split(struct model_job *job, struct model_piece *piece)
{
    for (uint32_t i = 0; i < piece->n_items; i++) {
        if (job->outcomes[piece->first + i] >= 0)
            continue;
        struct model_piece *single = &job->pieces[job->n_pieces++];
        *single = *piece;
        single->first = piece->first + i;
        single->n_items = 1;
        single->state = SINGLE;
    }
    piece->state = GONE;
}

static struct model_piece *find_piece(struct model_job *job, const struct store_claim *claim)
{
    for (size_t i = 0; i < job->n_pieces; i++) {
        struct model_piece *piece = &job->pieces[i];
        bool is_first = piece->first == claim->first && piece->state != GONE;
        if (is_first && piece->n_items == claim->n_items && !must_be_split(job, piece))
            return piece;
    }
    return NULL;
}

/* A single of a chunk that is split by now. */
static struct model_piece *split_for(struct model_job *job, const struct store_claim *claim)
{
    for (size_t i = 0; i < job->n_pieces; i++) {
        struct model_piece *piece = &job->pieces[i];
        if (must_be_split(job, piece) && claim->first - piece->first < piece->n_items) {
            split(job, piece);
            return find_piece(job, claim);
        }
    }
    return NULL;
}

static void check_lines(const struct model_job *job, const struct job_chunk *chunk)
{
    const char *next = chunk->lines;
    char line[4096];

    for (uint32_t i = 0; i < chunk->n_items; i++) {
        stores_line(&job->of, chunk->first + i, line, sizeof(line));
        ck_assert_mem_eq(next, line, strlen(line));
        next += strlen(line) + 1;
    }
    ck_assert_ptr_eq(next, chunk->lines + chunk->length + 1);
}

static void check_claim(const struct model_job *job, const struct model_piece *piece,
                        const struct store_claim *claim)
{
    ck_assert(!claim->is_damaged);
    ck_assert_uint_eq(claim->chunk.first, piece->chunk_first);
    ck_assert_uint_eq(claim->chunk.n_items, piece->chunk_n_items);
    ck_assert_int_eq(claim->chunk.is_unsafe, job->of.is_unsafe);
    ck_assert_uint_eq(claim->n_tries, piece->tries);
    ck_assert_int_eq(claim->was_started, piece->was_started);
    for (uint32_t i = 0; i < claim->chunk.n_items; i++)
        ck_assert_int_eq(claim->has_result[i / 64] >> i % 64 & 1,
                         job->outcomes[claim->chunk.first + i] >= 0);
    check_lines(job, &claim->chunk);
}

static void note_try(const struct model_job *job, struct model_piece *piece)
{
    unsigned n_results = count_results(job, piece);

    if (piece->state == RETURNED) {
        if (n_results > piece->n_results)
            piece->tries = 0;
        piece->n_results = n_results;
    }
    piece->tries++;
    piece->state = piece->state == SINGLE ? SINGLE_CLAIMED : CLAIMED;
}

static void note_claim(struct store_model *model, const struct store_claim *claim)
{
    struct model_job *job = find_job(model, claim->job);
    struct model_piece *piece = find_piece(job, claim);

    if (piece == NULL)
        piece = split_for(job, claim);
    ck_assert_ptr_nonnull(piece);
    ck_assert(piece->state != CLAIMED && piece->state != SINGLE_CLAIMED);
    note_try(job, piece);
    check_claim(job, piece, claim);
}

void model_claimed(struct store_model *model, const struct store_claims *claims, size_t max,
                   const int64_t *busy, size_t n_busy)
{
    size_t n = count_claimable(model, busy, n_busy);

    ck_assert_uint_eq(claims->n_claims, n < max ? n : max);
    for (size_t i = 0; i < claims->n_claims; i++) {
        ck_assert(!is_busy(find_job(model, claims->claims[i].job), busy, n_busy));
        note_claim(model, &claims->claims[i]);
    }
}

static void give_back(struct model_piece *piece)
{
    if (piece->state == CLAIMED)
        piece->state = RETURNED;
    else if (piece->state == SINGLE_CLAIMED)
        piece->state = SINGLE;
    piece->is_started = false;
}

static void release_piece(struct model_piece *piece)
{
    if (piece->state == CLAIMED || piece->state == SINGLE_CLAIMED)
        piece->tries--;
    give_back(piece);
}

static void lose_piece(struct model_piece *piece)
{
    piece->was_started |= piece->is_started;
    give_back(piece);
}

static void for_each_piece(struct store_model *model, void (*fn)(struct model_piece *piece))
{
    for (size_t i = 0; i < model->n_jobs; i++)
        for (size_t j = 0; j < model->jobs[i].n_pieces; j++)
            fn(&model->jobs[i].pieces[j]);
}

void model_released(struct store_model *model)
{
    for_each_piece(model, release_piece);
}

void model_died(struct store_model *model)
{
    for_each_piece(model, lose_piece);
}

/* --- What is shown ---------------------------------------------------------------------------- */

static void check_record(const struct model_job *job)
{
    struct job_record *found;

    int rc = store_find(the_store, "", job->record->id, &found);
    ck_assert_int_eq(rc, job->is_forgotten ? -ENOENT : 0);
    if (rc < 0)
        return;
    ck_assert_int_eq(found->number, job->record->number);
    ck_assert_int_eq(found->status, job->record->status);
    ck_assert_uint_eq(found->version, job->record->version);
    ck_assert_int_eq(found->ended_at, job->record->ended_at);
    ck_assert_uint_eq(found->tally.n_items, job->n_items);
    job_record_unref(found);
}

static void check_row(const struct model_job *job, const struct store_row *row, uint32_t item)
{
    ck_assert_uint_eq(row->index, item);
    ck_assert_int_eq(row->outcome, job->outcomes[item]);
    ck_assert_uint_eq(row->row_length, sizeof(item));
    ck_assert_mem_eq(row->row, &item, sizeof(item));
    ck_assert_uint_eq(row->has_body, item % 2);
    ck_assert_uint_eq(row->shape_length, 1);
    ck_assert_int_eq(row->shape[0], '0' + job->outcomes[item]);
}

static void check_rows(const struct model_job *job)
{
    const struct store_read_options options = {.n_items = UINT32_MAX,
                                               .max_rows = SIZE_MAX,
                                               .max_bytes = SIZE_MAX / 2,
                                               .with_bodies = true};
    struct store_page page;
    size_t n = 0;

    ck_assert_int_eq(store_read(the_store, job->record->number, &options, &page), 0);
    for (uint32_t i = 0; i < job->n_items; i++)
        if (job->outcomes[i] >= 0)
            check_row(job, &page.rows[n++], i);
    ck_assert_uint_eq(page.n_rows, n);
    for (size_t i = 0; i < page.n_chunks; i++)
        check_lines(job, &page.chunks[i]);
    store_page_done(&page);
}

static void check_failures(const struct model_job *job)
{
    const struct store_read_options options = {.n_items = UINT32_MAX,
                                               .max_rows = SIZE_MAX,
                                               .max_bytes = SIZE_MAX / 2,
                                               .failures_only = true};
    struct store_page page;
    size_t n = 0;

    ck_assert_int_eq(store_read(the_store, job->record->number, &options, &page), 0);
    for (uint32_t i = 0; i < job->n_items; i++)
        if (job->outcomes[i] > 0)
            check_row(job, &page.rows[n++], i);
    ck_assert_uint_eq(page.n_rows, n);
    store_page_done(&page);
}

/* From somewhere on, depending on the job. */
static void check_order(const struct model_job *job)
{
    uint64_t after = (uint64_t)job->record->number % job->next_seq;
    struct store_page page;
    size_t n = 0;

    ck_assert_int_eq(store_read_completed(the_store, job->record->number, after, SIZE_MAX,
                                          SIZE_MAX / 2, false, &page),
                     0);
    for (uint64_t seq = after + 1; seq < job->next_seq; seq++)
        if (job->completed[seq] >= 0)
            check_row(job, &page.rows[n++], (uint32_t)job->completed[seq]);
    ck_assert_uint_eq(page.n_rows, n);
    store_page_done(&page);
}

static void check_list(const struct store_model *model)
{
    struct job_record *records[MODEL_MAX_JOBS];
    bool more;
    size_t next = model->n_jobs;

    int n = store_list(the_store, &(struct store_query){0}, MODEL_MAX_JOBS, records, &more);
    ck_assert_int_ge(n, 0);
    ck_assert(!more);
    for (int i = 0; i < n; i++) {
        while (model->jobs[--next].is_forgotten)
            continue;
        ck_assert_str_eq(records[i]->id, model->jobs[next].record->id);
        job_record_unref(records[i]);
    }
    while (next > 0)
        ck_assert(model->jobs[--next].is_forgotten);
}

void model_check(const struct store_model *model)
{
    check_list(model);
    for (size_t i = 0; i < model->n_jobs; i++) {
        const struct model_job *job = &model->jobs[i];
        check_record(job);
        if (job->is_forgotten)
            continue;
        check_rows(job);
        check_failures(job);
        check_order(job);
    }
}
