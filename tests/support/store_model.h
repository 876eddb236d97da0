/* What a store should show, kept in arrays: told of each call, it checks what the store says.
 *
 * It does not know in which order jobs have their turns, only what could be claimed.
 */
#pragma once

#include "daemon/store/store.h"
#include "tests/support/stores.h"

enum { MODEL_MAX_JOBS = 64, MODEL_MAX_ITEMS = 64, MODEL_MAX_SEQ = 256 };

enum model_state { NEVER_CLAIMED, CLAIMED, RETURNED, SINGLE, SINGLE_CLAIMED, GONE };

/* What is claimed as one. */
struct model_piece {
    uint32_t first, n_items;
    uint32_t chunk_first, chunk_n_items; /* where its lines are */
    enum model_state state;
    unsigned tries, n_results;
    bool is_started, was_started;
};

struct model_job {
    struct job_record *record;
    struct test_job of;
    uint32_t n_items;
    bool is_forgotten;
    bool has_ended;
    struct model_piece pieces[2 * MODEL_MAX_ITEMS];
    size_t n_pieces;
    int outcomes[MODEL_MAX_ITEMS];    /* -1: no result */
    int64_t completed[MODEL_MAX_SEQ]; /* item of each seq from 1 on; -1: a gap */
    uint64_t next_seq;
};

struct store_model {
    struct model_job jobs[MODEL_MAX_JOBS];
    size_t n_jobs;
};

/* The model owns the record from now on. */
void model_accepted(struct store_model *model, struct job_record *record, uint32_t n_items,
                    const struct test_job *of);

/* Checks claims against what could be claimed, and notes them. */
void model_claimed(struct store_model *model, const struct store_claims *claims, size_t max,
                   const int64_t *busy, size_t n_busy);

/* A result was committed. */
void model_completed(struct model_job *job, uint32_t item, int outcome);

/* Whether all items of a piece have a result. */
bool model_piece_is_done(const struct model_job *job, const struct model_piece *piece);

/* The job has ended, and what is claimed of it is nobody's. */
void model_dropped(struct model_job *job);

/* Claims were given back, or whoever had them died. */
void model_released(struct store_model *model);
void model_died(struct store_model *model);

/* Compares all that the_store shows. */
void model_check(const struct store_model *model);

void model_done(struct store_model *model);
