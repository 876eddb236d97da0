/* What becomes of schedules when the clock on the wall is set back.
 *
 * They have run at times that are yet to come, and run next after those: so nothing is run a second
 * time. But a clock that was wrong by years, before somebody asked for the time, would stop them
 * for as long. So after more than an hour they begin anew.
 */
#pragma once

#include "lib/co/co.h"

#include "daemon/store/store_schedules.h"

/* For who finds that the clock says less than before, or may: schedules that have run at times more
 * than an hour from now are due next as if they were resumed now. Nobody else may deal with them
 * meanwhile.
 *
 * returns    0; as the store
 */
CO_BLOCKS int schedule_clock_set_back(struct store *store, int64_t now);
