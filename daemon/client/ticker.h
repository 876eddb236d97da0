/* What is done again and again beside something that takes its time. */
#pragma once

#include "lib/co/co.h"

struct ticker {
    struct co_group group;
    void (*tick)(void *arg);
    void *arg;
    co_time interval;
};

/* From now on tick is called every interval, until ticker_end(). returns 0, -ENOMEM */
int ticker_begin(struct ticker *ticker, co_time interval, void (*tick)(void *arg), void *arg);

/* rc        of what went on meanwhile
 * returns   rc
 * suspends  for a moment */
int ticker_end(struct ticker *ticker, int rc);
