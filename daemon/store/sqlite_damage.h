/* Jobs whose records cannot be read. */
#pragma once

#include "daemon/store/sqlite_keeping.h"

struct damaged_job {
    int64_t number;
    char id[JOB_ID_SIZE];
};

/* Which it is, of a row that begins with job.number and job.id. */
void sqlite_damaged_job(sqlite3_stmt *statement, struct damaged_job *ret_job);

/* Logs that there is one, unless that has been said before. On the loop. */
void store_say_damaged_job(struct store *store, const struct damaged_job *job);
