/* Makes a new job of what has come to nothing in an old one. */
#pragma once

#include "lib/co/base.h"

#include "daemon/engine/job_owner.h"
#include "daemon/model/parse.h"
#include "daemon/store/store.h"

struct job_retry_options {
    struct store *store;
    const struct parse_settings *parse;
    int64_t default_ttl_us;
};

/* Uploads the items of a job that have ended without success, those that were never started
 * included, in their order and with the same head. A repetition stays the one that it was.
 *
 * record       has ended
 * ret_record   owed one job_record_unref()
 * owner        of the new job
 * returns      0; -ENODATA: all were a success; -EBADMSG: what is stored cannot be read; as the
 *              store
 */
CO_BLOCKS int job_retry(const struct job_retry_options *options, const struct job_record *record,
                        const struct job_owner *owner, struct job_record **ret_record);
