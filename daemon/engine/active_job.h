/* A job that is being worked on: its record, its run on the engine, and what of it is in memory.
 *
 * There are two records. Clients see `record`: what has been committed. `next` is what the next
 * commit makes of it; only the recorder changes them. What happens to a job in between is told by
 * its run, by started_at and is_over, and by the results that wait.
 *
 * A chunk is in memory from when it is claimed until the results of all its items have been
 * committed; its requests only as long as they are needed.
 */
#pragma once

#include "lib/co/co.h"

#include "daemon/engine/recorded.h"
#include "daemon/engine/run.h"
#include "daemon/model/job_record.h"
#include "daemon/model/job_text.h"

struct callbacks;
struct job_watches;
struct recorder;
struct store_watch;

enum { ACTIVE_JOB_MAX_PIECES = 1024 };

/* What active jobs work with. */
struct active_context {
    struct engine *engine;
    struct store *store;
    struct store_watch *watch;
    struct recorder *recorder;
    struct job_watches *watches;
    struct callbacks *callbacks;
    struct co_semaphore claiming; /* held while claims are on their way to their jobs */
    struct co_event may_claim;    /* wakes the claimer: less is in memory, or more may be claimed */
    bool has_more;                /* there may be something that it has not been offered */
    size_t n_items, n_bytes;      /* of which the requests are in memory, and of their text */
    uint64_t n_finished;          /* items that have been fetched */
};

struct active_job {
    struct active_context *context;
    struct co_list link; /* in active_jobs */
    struct active_job *next_by_number, *next_by_id;
    unsigned n_references;

    struct job_record *record;
    struct job_record next;  /* its name and labels are record's */
    struct co_event changed; /* wakes who waits, with every change of record; never stays set */

    struct job_head *head;
    struct run run;
    int64_t started_at;    /* when its first chunk came; JOB_NEVER */
    bool is_over;          /* the run is: no more results will come */
    bool is_unreadable;    /* its head: nothing of it can be fetched */
    bool is_deleted;       /* as soon as it has ended: nobody is to hear of that */
    bool was_busy;         /* when chunks were claimed last: it wanted none */
    size_t n_unclaimed;    /* items that have no result and are in no chunk in memory */
    size_t n_items;        /* of which the requests are in memory, */
    size_t n_bytes;        /* of so much text, */
    size_t n_pieces;       /* in so many pieces */
    struct co_list chunks; /* in memory */

    struct co_list dirty;                     /* in the recorder: something is to be written */
    struct recorded *first_waiting, **ending; /* results, in order of completion */
    size_t n_waiting;
    uint64_t n_recorded; /* results there have been: the seq of the last */
    struct shape_cache shapes;
};

/* How far the store knows that the unsafe requests of a chunk are being sent. */
enum chunk_start { CHUNK_NOT_STARTED, CHUNK_STARTING, CHUNK_STARTED };

struct active_chunk {
    struct active_job *job;
    struct co_list link; /* in job->chunks */
    unsigned n_holders;  /* the run, and what waits to be recorded */
    struct run_piece piece;
    struct job_spec *spec; /* NULL: it is not needed any more, or could not be read */
    size_t n_bytes;        /* of the text that was read */
    size_t n_unrecorded;   /* items that have no result in a commit yet */
    bool is_single;        /* when it has ended the next single item can be claimed */
    enum chunk_start start;
    struct co_event started; /* or not: it may be tried again */
    uint32_t first;          /* index in the job of its first item */
    uint32_t n_items;
    struct active_item {
        bool was_sent; /* or may have been: an unsafe request */
        bool has_result;
        struct recorded recorded;
    } items[];
};

/* Wakes the claimer. */
static inline void active_context_may_claim(struct active_context *context, bool has_more)
{
    context->has_more |= has_more;
    co_event_set(&context->may_claim);
}

/* Takes the record and the head over when it succeeds. returns NULL: no memory */
struct active_job *active_job_new(struct active_context *context, struct job_record *record,
                                  struct job_head *head);
struct active_job *active_job_ref(struct active_job *job);
void active_job_unref(struct active_job *job);

static inline bool active_job_has_ended(const struct active_job *job)
{
    return job_record_has_ended(job->record);
}

/* Wakes who waits for a change. */
void active_job_notify(struct active_job *job);

/* A chunk of the job, with one holder. NULL: no memory */
struct active_chunk *active_chunk_new(struct active_job *job, uint32_t first, uint32_t n_items);

/* NULL is fine. */
void active_chunk_release(struct active_chunk *chunk);
