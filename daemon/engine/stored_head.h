/* The head of a stored job, as text and as what it says. */
#pragma once

#include "lib/co/base.h"

#include "daemon/model/job_text.h"
#include "daemon/store/store.h"

struct stored_head {
    char *text;
    size_t length;
    struct job_head *head;
};

/* ret_head   owed one stored_head_done(), whatever is returned
 * returns    0; -EBADMSG: it cannot be read any more; as store_read_head()
 */
CO_BLOCKS int stored_head_read(struct store *store, const struct parse_settings *settings,
                               int64_t number, struct stored_head *ret_head);
void stored_head_done(struct stored_head *head);

/* Takes a head that says nothing instead. returns 0, -ENOMEM */
int stored_head_substitute(struct stored_head *head, const struct parse_settings *settings);
