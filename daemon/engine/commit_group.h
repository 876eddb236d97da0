/* What goes into one commit: results of some jobs, the chunks that end with them, and the records
 * of the jobs as they are then.
 */
#pragma once

#include "daemon/engine/active_job.h"
#include "daemon/engine/stats.h"
#include "daemon/store/store.h"

struct commit_group;

enum {
    COMMIT_GROUP_RESULTS = 4096,
    COMMIT_GROUP_BYTES = 4 << 20,
};

/* returns 0, -ENOMEM */
int commit_group_new(struct commit_group **ret_group);

/* What is in it is lost. NULL is fine. */
void commit_group_free(struct commit_group *group);

bool commit_group_is_empty(const struct commit_group *group);
bool commit_group_is_full(const struct commit_group *group);
size_t commit_group_n_results(const struct commit_group *group);
size_t commit_group_n_bytes(const struct commit_group *group);

/* Takes what waits of a job, as much as there is room for, and moves its next record on. The group
 * must not be full, and the job not be in it. */
void commit_group_add(struct commit_group *group, struct active_job *job);

/* Writes it all; when that fails, it can be tried again.
 *
 * returns    as store_commit()
 */
CO_BLOCKS int commit_group_write(struct commit_group *group, struct store *store);

/* After it was too large for the store: leaves out the largest body, which is shown as truncated.
 * returns false: there is none */
bool commit_group_drop_body(struct commit_group *group);

/* After it has been written: makes it visible. The group is empty then. */
void commit_group_publish(struct commit_group *group, struct stats *stats);
