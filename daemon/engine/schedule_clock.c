#include "daemon/engine/schedule_clock.h"

#include <errno.h>

#include "daemon/base/log.h"

enum { BATCH = 64 };

#define PATIENCE_US (3600 * INT64_C(1000000))

/* What is due before then has been dealt with, it seems. */
static bool is_ahead(const struct schedule *schedule, int64_t now)
{
    return schedule_due_after(schedule, now + PATIENCE_US) < schedule->next_due;
}

static CO_BLOCKS int begin_anew(struct store *store, struct schedule *schedule, int64_t now)
{
    struct schedule_note note = {.schedule = schedule};

    if (!is_ahead(schedule, now))
        return 0;
    schedule->next_due = schedule_due_after(schedule, now);
    if (schedule->waiting > now)
        schedule->waiting = now;
    int rc = store_schedule_note(store, &note);
    if (rc == 0)
        log_event(EVENT_SCHEDULE_CLOCK, LOG_FIELDS({"schedule_id", schedule->id}),
                  "the clock was set back: schedule %s goes on from now", schedule->id);
    return rc == -ENOENT ? 0 : rc;
}

static CO_BLOCKS int begin_all_anew(struct store *store, struct schedule **schedules, int n,
                                    int64_t now)
{
    int rc = 0;

    for (int i = 0; i < n; i++) {
        if (rc == 0)
            rc = begin_anew(store, schedules[i], now);
        schedule_free(schedules[i]);
    }
    return rc;
}

int schedule_clock_set_back(struct store *store, int64_t now)
{
    struct schedule *schedules[BATCH];
    int64_t after = 0;
    int rc = 0, n;

    do {
        n = store_schedules_ahead(store, now + PATIENCE_US, after, BATCH, schedules);
        if (n > 0)
            after = schedules[n - 1]->number;
        rc = n < 0 ? n : begin_all_anew(store, schedules, n, now);
    } while (rc == 0 && n == BATCH);
    return rc;
}
