/* Schedules and runs of rows, for the files that deal with them. */
#pragma once

#include "daemon/store/sqlite_private.h"
#include "daemon/store/store_schedules.h"

/* Of a row that begins with SCHEDULE_RUN_COLUMNS. returns 0, -ENOMEM, STORE_DAMAGED_CONTENT */
int sqlite_schedule_run(sqlite3_stmt *statement, struct schedule_run *ret_run);

/* Of a row that is SCHEDULE_COLUMNS. One whose rule cannot be read is never due again. returns 0,
 * -ENOMEM, STORE_DAMAGED_CONTENT */
int sqlite_schedule(sqlite3_stmt *statement, struct schedule **ret_schedule);

/* When there is something to do for the schedule of such a row. */
int64_t sqlite_schedule_wake(sqlite3_stmt *statement);
