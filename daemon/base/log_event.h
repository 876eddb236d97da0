/* The kinds of records there are: log_events.def has a row for each. */
#pragma once

#include <stdbool.h>

enum log_level {
    LOG_LEVEL_ERROR,   /* somebody has to do something */
    LOG_LEVEL_WARNING, /* somebody may have to */
    LOG_LEVEL_INFO,    /* what a reader of the journal expects: start, stop, reload */
    LOG_LEVEL_DEBUG,
};

extern const char *const log_level_names[]; /* by level; ends with NULL */

/* returns    0
 *            -EINVAL: no level has that name */
int log_level_from_name(const char *name, enum log_level *ret_level);

#define EVENT(symbol, ...) EVENT_##symbol,
enum event {
#include "daemon/base/log_events.def"
    N_EVENTS
};
#undef EVENT

struct event_kind {
    const char *name; /* "store.full" */
    enum log_level level;
    bool is_limited;        /* log_limit.h */
    const char *message_id; /* of the journal: 128 bits as hexadecimal digits */
};

extern const struct event_kind event_kinds[N_EVENTS];
