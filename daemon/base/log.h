/* Log records for operators: a line of stderr each, or an entry of the journal.
 *
 *     log_event(EVENT_STORE_FULL, LOG_FIELDS({"path", path}), "the disk of %s is full", path);
 *
 * What kind a record is (log_events.def) says its level, how it is found again, and what operators
 * read about it in docs/operations.md. Say in the message what has happened, and what they can do
 * if that differs from time to time. Never a URL: those hold secrets. A host is enough.
 *
 * Records often hold what a client or an origin sent, so nothing that could forge a second record,
 * drive a terminal or turn text around passes unescaped, in any format. Writing never waits: if
 * nobody reads stderr, records are dropped, counted, and the count is logged when there is room
 * again. Of a kind that comes too often some are left out (log_limit.h), and that is logged, too. A
 * function of the daemon logs or returns an error, not both; lib/ never logs. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/log_event.h"
#include "daemon/base/log_record.h"

/* One record; the arguments are evaluated only if it is wanted. Ends without a newline. Escaped
 * bytes look like \x1b, a backslash like \\. Cut at 2 KiB, its fields at 256 bytes, and marked as
 * cut then. Leaves errno alone. For any thread.
 *
 * fields     LOG_FIELDS(...) or LOG_NO_FIELDS */
#define log_event(event, fields, ...)                                                              \
    do {                                                                                           \
        if (log_is_wanted(event))                                                                  \
            log_write((event), (struct log_place){__FILE__, __func__, __LINE__}, (fields),         \
                      __VA_ARGS__);                                                                \
    } while (false)

/* What it is about: up to LOG_FIELDS_MAX pairs of a name and a text, {"job_id", id}. Where the text
 * is NULL the field is left out. docs/operations.md lists the names. */
#define LOG_FIELDS(...) ((const struct log_field[]){__VA_ARGS__, {NULL, NULL}})
#define LOG_NO_FIELDS   ((const struct log_field *)NULL)

enum log_format {
    LOG_FORMAT_AUTO, /* the journal's if $JOURNAL_STREAM says that we write to it, else text */
    LOG_FORMAT_TEXT,
    LOG_FORMAT_JSON,
    LOG_FORMAT_JOURNAL, /* what cannot be sent to it is text */
};

extern const char *const log_format_names[]; /* by format; ends with NULL */

/* Log to fd from now on; without this, to stderr. Text is given a time stamp, or if $JOURNAL_STREAM
 * says that fd leads to the journal, which has its own, a priority. */
void log_init(int fd);

/* LOG_FORMAT_TEXT to begin with. After log_init(). */
void log_set_format(enum log_format format);

/* Records of levels beyond this one are ignored; LOG_LEVEL_INFO to begin with. */
void log_set_level(enum log_level level);

bool log_is_wanted(enum event event);

/* Logs how many were left out of kinds that may be written again. To be called now and then. */
void log_report_left_out(void);

/* How many records were lost so far. */
unsigned long log_n_dropped(void);

/* For tests: another socket than that of the journal, another clock than the monotonic one, by
 * which nothing has been written yet. NULL: the usual one. The path is borrowed. */
void log_set_journal(const char *path);
void log_set_clock(int64_t (*now_us)(void));

void log_write(enum event event, struct log_place place, const struct log_field *fields,
               const char *format, ...) __attribute__((cold, format(printf, 4, 5)));
