/* The head of a stored job, as text and as what it says; and its chunks. */
#pragma once

#include "lib/co/base.h"

#include "daemon/model/job_text.h"
#include "daemon/store/store.h"

struct stored_head {
    char *text;
    size_t length;
    struct job_head *head;
};

/* A large head is not parsed on the loop.
 *
 * ret_head   owed one stored_head_done(), whatever is returned
 * returns    0; -EBADMSG: it cannot be read any more; as store_read_head()
 */
CO_BLOCKS int stored_head_read(struct store *store, const struct parse_settings *settings,
                               int64_t number, struct stored_head *ret_head);
void stored_head_done(struct stored_head *head);

/* Takes a head that says nothing instead. returns 0, -ENOMEM */
int stored_head_substitute(struct stored_head *head, const struct parse_settings *settings);

/* The same as job_chunk_parse(), but not on the loop if the chunk is large: a request of some
 * megabytes takes seconds. */
CO_BLOCKS int stored_chunk_parse(const struct job_head *head, const struct job_chunk *chunk,
                                 struct job_spec **ret_spec);
