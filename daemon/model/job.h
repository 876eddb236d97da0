/* A stored batch: what was asked, how far it is, and what came of it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/co/list.h"

#include "daemon/base/json_writer.h"
#include "daemon/model/job_spec.h"
#include "daemon/model/result_set.h"
#include "daemon/model/ulid.h"

enum job_status { JOB_QUEUED, JOB_RUNNING, JOB_CANCELING, JOB_DONE, JOB_CANCELED, JOB_N_STATUSES };

const char *job_status_name(enum job_status status);

/* returns 0, -EINVAL */
int job_status_from_name(const char *name, enum job_status *ret_status);

#define JOB_ID_PREFIX "job_"
enum { JOB_ID_SIZE = sizeof(JOB_ID_PREFIX) + ULID_LENGTH };
#define JOB_NEVER INT64_MIN

/* Instants are microseconds since 1970, or JOB_NEVER. Reference counted: what has been deleted is
 * still whole for who is reading or running it. */
struct job {
    char id[JOB_ID_SIZE]; /* sorts by creation */
    struct job_spec *spec;
    enum job_status status;
    int64_t created_at;
    int64_t started_at;
    int64_t ended_at;
    int64_t expires_at; /* known once ended */
    int64_t ttl_us;
    struct result_set results;
    uint64_t version; /* grows with every visible change */
    unsigned n_references;
    struct co_list link; /* of the store; by creation */
    struct run *run;     /* of the engine, while it runs */
};

/* Makes a job of a spec, which it owns from now on, with one reference for the caller. Its id is
 * later than those of all jobs made with the same `ids`.
 *
 * returns    0, -ENOMEM (and spec is still the caller's)
 */
int job_new(struct job_spec *spec, struct ulid_source *ids, int64_t default_ttl_us,
            struct result_budget *budget, struct job **ret_job);
struct job *job_ref(struct job *job);
void job_unref(struct job *job);
void job_unrefp(struct job **job);

/* Whether text could be the id of a job. */
bool job_id_is_valid(const char *text);

static inline bool job_has_ended(const struct job *job)
{
    return job->ended_at != JOB_NEVER;
}

/* Moves it on; the times follow. */
void job_start(struct job *job);
void job_end(struct job *job, enum job_status status);

/* The "job" object of the contract. n_running: items that are being fetched now. */
void job_render(const struct job *job, size_t n_running, struct json_writer *w);
