/* When somebody who sleeps has to be awake: at an instant that others may make sooner. */
#pragma once

#include "lib/co/co.h"

#include "daemon/base/instant.h"
#include "daemon/model/job.h"

struct due_time {
    int64_t at; /* JOB_NEVER */
    struct co_event sooner;
};

static inline void due_time_init(struct due_time *due)
{
    due->at = JOB_NEVER;
    co_event_init(&due->sooner);
}

/* The sooner of two instants, each of which may be JOB_NEVER. */
static inline int64_t sooner_instant(int64_t a, int64_t b)
{
    return a == JOB_NEVER ? b : b == JOB_NEVER ? a : a < b ? a : b;
}

static inline void due_by(struct due_time *due, int64_t instant)
{
    if (instant == JOB_NEVER || sooner_instant(due->at, instant) == due->at)
        return;
    due->at = instant;
    co_event_set(&due->sooner);
}
