#include "daemon/api/keyed_job.h"

#include <errno.h>
#include <string.h>

#include "lib/co/co.h"

#include "daemon/api/access.h"
#include "daemon/api/answer.h"
#include "daemon/api/problem.h"

int keyed_job_begin(struct keyed_job *keyed, struct http_exchange *exchange, struct api *api,
                    const char *content_type)
{
    *keyed = (struct keyed_job){.exchange = exchange, .api = api};
    int rc = submit_key_begin(&keyed->key, &api->submit_keys, access_tenant(exchange),
                              http_header(exchange, "Idempotency-Key"), content_type);
    return rc < 0 ? answer_bad_key(exchange, rc) ?: 1 : 0;
}

void keyed_job_done(struct keyed_job *keyed)
{
    job_record_unref(keyed->earlier);
    submit_key_done(&keyed->key);
}

int keyed_job_find(struct keyed_job *keyed)
{
    const struct submit_key *key = &keyed->key;

    return key->text == NULL ? -ENOENT
                             : store_find_key(keyed->api->store, key->tenant, key->text,
                                              &keyed->earlier, keyed->earlier_fingerprint);
}

/* As it is now; or was, if it has been forgotten meanwhile. */
static CO_BLOCKS int take_earlier(struct keyed_job *keyed, struct job_record **ret_job)
{
    int rc = jobs_renew(keyed->api->jobs, &keyed->earlier);

    if (rc < 0 && rc != -ENOENT)
        return rc;
    *ret_job = co_take(keyed->earlier);
    return http_answer_header(keyed->exchange, "Idempotent-Replayed", "true");
}

int keyed_job_decide(struct keyed_job *keyed, struct job_record **ret_job)
{
    if (memcmp(keyed->earlier_fingerprint, keyed->key.fingerprint, SHA256_SIZE) == 0)
        return take_earlier(keyed, ret_job);
    return http_answer_problem(keyed->exchange, 422, "idempotency_key_reused",
                               "There is a job with this Idempotency-Key already, of another "
                               "document: a new job needs a key of its own.");
}

struct job_owner keyed_job_owner(const struct keyed_job *keyed)
{
    return (struct job_owner){
        .tenant = keyed->key.tenant,
        .max_queued = access_max_queued(keyed->exchange),
        .key = keyed->key.text,
        .fingerprint = keyed->key.text != NULL ? keyed->key.fingerprint : NULL,
    };
}
