#include "daemon/base/log_event.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

const char *const log_level_names[] = {
    [LOG_LEVEL_ERROR] = "error",
    [LOG_LEVEL_WARNING] = "warning",
    [LOG_LEVEL_INFO] = "info",
    [LOG_LEVEL_DEBUG] = "debug",
    NULL,
};

enum { ALWAYS = false, LIMITED = true };

#define EVENT(symbol, name, level, pace, message_id, meaning)                                      \
    {name, LOG_LEVEL_##level, pace, message_id},
const struct event_kind event_kinds[N_EVENTS] = {
#include "daemon/base/log_events.def"
};
#undef EVENT

int log_level_from_name(const char *name, enum log_level *ret_level)
{
    for (unsigned i = 0; log_level_names[i] != NULL; i++)
        if (strcmp(name, log_level_names[i]) == 0) {
            *ret_level = (enum log_level)i;
            return 0;
        }
    return -EINVAL;
}
