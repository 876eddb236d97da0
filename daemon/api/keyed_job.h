/* A job that is asked for with an Idempotency-Key, or without one: if there is a job of that key
 * already, it is that one and no other.
 *
 *     rc = keyed_job_begin(&keyed, exchange, api, content_type);
 *     submit_key_add(&keyed.key, ...), what is asked for; submit_key_end(&keyed.key)
 *     rc = keyed_job_find(&keyed);
 *     if (rc == 0)
 *         rc = keyed_job_decide(&keyed, &job);
 *     else if (rc == -ENOENT)
 *         make one with keyed_job_owner(), and if that finds -EEXIST, find and decide
 *     keyed_job_done(&keyed);
 */
#pragma once

#include "daemon/api/api.h"
#include "daemon/api/submit_key.h"
#include "daemon/engine/jobs.h"

struct keyed_job {
    struct http_exchange *exchange;
    struct api *api;
    struct submit_key key;
    struct job_record *earlier; /* of this key; NULL: none was found */
    unsigned char earlier_fingerprint[SHA256_SIZE];
};

/* content_type  as in submit_key_begin()
 * returns       0; 1: the key is none, or taken, and that has been answered; -errno. In any case
 *               keyed_job_done() may be called
 */
int keyed_job_begin(struct keyed_job *keyed, struct http_exchange *exchange, struct api *api,
                    const char *content_type);
void keyed_job_done(struct keyed_job *keyed);

/* returns 0: there is a job with this key; -ENOENT; -errno */
CO_BLOCKS int keyed_job_find(struct keyed_job *keyed);

/* That job, if what was asked for is the same as then. Else that has been answered, and ret_job
 * stays as it was. returns 0, -errno */
CO_BLOCKS int keyed_job_decide(struct keyed_job *keyed, struct job_record **ret_job);

/* Whose a new job is; borrowed from keyed. */
struct job_owner keyed_job_owner(const struct keyed_job *keyed);
