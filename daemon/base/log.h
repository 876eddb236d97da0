/* Log records for operators: one line of stderr each, or of the journal.
 *
 * Records often hold what a client or an origin sent, so nothing that could forge a second record,
 * drive a terminal or turn text around passes unescaped. Writing never waits: if nobody reads
 * stderr, records are dropped, counted, and the count is logged when there is room again. A
 * function of the daemon logs or returns an error, not both; lib/ never logs. */
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

/* Log to fd from now on; without this, to stderr. Records are given a time stamp, or if
 * $JOURNAL_STREAM says that fd leads to the journal, which has its own, a priority. */
void log_init(int fd);

/* Records of levels beyond this one are ignored; LOG_LEVEL_INFO to begin with. */
void log_set_level(enum log_level level);
enum log_level log_get_level(void);

/* How many records were lost so far. */
unsigned long log_n_dropped(void);

/* One record; the arguments are evaluated only if it is wanted. Ends without a newline. Escaped
 * bytes look like \x1b, a backslash like \\. Cut at 2 KiB, and marked as cut then. Leaves errno
 * alone. */
#define log_error(...)   log_at(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_at(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...)    log_at(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)   log_at(LOG_LEVEL_DEBUG, __VA_ARGS__)

#define log_at(level, ...)                                                                         \
    do {                                                                                           \
        if ((level) <= log_get_level())                                                            \
            log_write((level), __VA_ARGS__);                                                       \
    } while (false)

void log_write(enum log_level level, const char *format, ...)
    __attribute__((cold, format(printf, 2, 3)));
