/* A job as it is kept and shown: how far it is and the counts of what came of it, without its
 * requests and results.
 *
 * Instants are microseconds since 1970, or JOB_NEVER.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/json_writer.h"
#include "daemon/model/job.h"
#include "daemon/model/tally.h"

/* What the items of an ended job are that have no result of their own: they were never started, and
 * this is why. So ending a job of a million items writes one row. */
enum job_rest {
    REST_NONE,      /* there are none */
    REST_SATISFIED, /* the gather's policy was */
    REST_DEADLINE,
    REST_CANCELED,
    N_JOB_RESTS
};

enum { JOB_MAX_WEIGHT = 100 };

struct job_record {
    int64_t number;       /* the store's name for it, never used again: from 1, by acceptance */
    char id[JOB_ID_SIZE]; /* the clients'; sorts like the number */
    enum job_status status;
    enum job_rest rest;
    unsigned weight; /* 1..JOB_MAX_WEIGHT */
    int64_t created_at;
    int64_t started_at;
    int64_t ended_at;
    int64_t expires_at;  /* known once ended */
    int64_t deadline_at; /* JOB_NEVER: none */
    int64_t ttl_us;
    uint64_t version;   /* grows with every visible change that the tally does not show */
    bool has_callback;  /* somebody is told of its end: see model/callback.h */
    char *tenant;       /* whose it is; owned, like name and labels. NULL: "" */
    char *name;         /* NULL: none */
    char *labels;       /* as a JSON object */
    struct tally tally; /* knows the number of items; what is missing to it once the job has ended
                           is the rest, and counted as skipped */
    unsigned n_references;
    struct active_job *active; /* of the engine, while it works on it; NULL in any other copy */
};

/* All zeros and JOB_NEVER, with one reference. NULL: no memory */
struct job_record *job_record_new(void);
struct job_record *job_record_ref(struct job_record *record);
void job_record_unref(struct job_record *record);
void job_record_unrefp(struct job_record **record);

/* Brings a record to where another one of the same job is; it may be that one. */
void job_record_update(struct job_record *record, const struct job_record *newer);

static inline bool job_record_has_ended(const struct job_record *record)
{
    return record->ended_at != JOB_NEVER;
}

/* Items that have no result and may still come to one: none of a job that has ended. */
static inline uint64_t job_record_n_pending(const struct job_record *record)
{
    return job_record_has_ended(record) ? 0 : record->tally.n_items - record->tally.n_finished;
}

/* The version that clients see: results count, too. */
uint64_t job_record_version(const struct job_record *record);

/* The "job" object of the contract. n_running: items that are being fetched now. */
void job_record_render(const struct job_record *record, size_t n_running, struct json_writer *w);

/* Its members, in an object that has been begun. */
void job_record_render_members(const struct job_record *record, size_t n_running,
                               struct json_writer *w);

/* How far a job is that has not ended: an object with the "status", "counts" and "progress" of the
 * above. */
void job_record_render_progress(const struct job_record *record, size_t n_running,
                                struct json_writer *w);

/* The outcome, error code and sentence of items that were never started. rest: not REST_NONE */
enum outcome job_rest_outcome(enum job_rest rest);
const struct result_error *job_rest_error(enum job_rest rest);
