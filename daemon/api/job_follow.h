/* Sending a job's results to a client while they come, from the store: none is lost and none sent
 * twice, also when the client comes back later with the cursor it had got to.
 *
 *     job_follow_begin(&follow, exchange, api, record, &key);
 *     while ((rc = job_follow_write(&follow)) == 0 && !follow.has_all)
 *         if ((rc = job_follow_wait(&follow, CO_NEVER)) < 0)
 *             break;
 *     job_follow_end(&follow);
 */
#pragma once

#include "lib/co/co.h"

#include "daemon/api/api.h"
#include "daemon/api/result_block.h"
#include "daemon/engine/job_watch.h"

/* How often a client is sent what is new, at most. */
#define JOB_FOLLOW_PACE (CO_SECOND / 20)

struct job_follow {
    struct http_exchange *exchange;
    struct api *api;
    struct job_record *record;   /* as of the last look at it */
    struct result_block_key key; /* of what comes next */
    bool has_all;                /* the job has ended, and all of it was written */
    co_time round_began;
    co_time written_at; /* when the client was sent something last */
    struct job_watch watch;
};

/* The query parameters, and what else says where a client goes on. */
struct follow_query {
    bool has_position; /* the client says where it goes on */
    bool by_outcome;
    enum outcome outcome;
    struct result_cursor from;
    struct result_fields fields;
};

/* Reads the query for a handler of a job. returns as list_query_read() */
int follow_query_read(struct http_exchange *exchange, struct follow_query *ret_query);

/* Takes a reference to the record. It has to be ended, before the exchange is. */
void job_follow_begin(struct job_follow *follow, struct http_exchange *exchange, struct api *api,
                      struct job_record *record, const struct follow_query *query,
                      enum result_frame frame);
void job_follow_end(struct job_follow *follow);

/* Whether nothing is left to be written, now and for ever. To be asked before the answer begins:
 * then there can be another one, if the results cannot be read. returns 0, 1: so it is; as below */
CO_BLOCKS int job_follow_is_over(struct job_follow *follow);

/* Writes all results there are, after those that have been written.
 *
 * returns    0; -ENOENT: the job has been forgotten; -ECANCELED; as the store
 */
CO_BLOCKS int job_follow_write(struct job_follow *follow);

/* As http_answer_write(). */
CO_BLOCKS int job_follow_send(struct job_follow *follow, const char *bytes, size_t n);

/* Waits until there may be more, and the last round is JOB_FOLLOW_PACE ago.
 *
 * returns    0; -ETIMEDOUT: there was nothing; -ECANCELED
 */
CO_BLOCKS int job_follow_wait(struct job_follow *follow, co_time timeout);
