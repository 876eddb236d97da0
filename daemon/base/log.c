#include "daemon/base/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "daemon/base/instant.h"
#include "daemon/base/log_format.h"
#include "daemon/base/log_limit.h"
#include "daemon/base/log_sink.h"

#define HERE ((struct log_place){__FILE__, __func__, __LINE__})

const char *const log_format_names[] = {
    [LOG_FORMAT_AUTO] = "auto",
    [LOG_FORMAT_TEXT] = "text",
    [LOG_FORMAT_JSON] = "json",
    [LOG_FORMAT_JOURNAL] = "journal",
    NULL,
};

static int64_t monotonic_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static struct {
    int fd;
    int journal_fd; /* -1: nothing is sent there */
    const char *journal;
    enum log_format format;
    enum log_level level;
    bool leads_to_journal; /* fd does */
    int64_t (*now_us)(void);
} settings = {
    .fd = STDERR_FILENO,
    .journal_fd = -1,
    .journal = LOG_JOURNAL_SOCKET,
    .format = LOG_FORMAT_TEXT,
    .level = LOG_LEVEL_INFO,
    .now_us = monotonic_us,
};

static struct {
    pthread_mutex_t mutex;
    struct log_limit of[N_EVENTS];
} limits = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static atomic_ulong n_dropped;
static atomic_ulong n_dropped_unreported;

void log_init(int fd)
{
    settings.fd = fd;
    settings.leads_to_journal = log_leads_to_journal(fd);
}

static bool is_for_journal(void)
{
    return settings.format == LOG_FORMAT_JOURNAL ||
           (settings.format == LOG_FORMAT_AUTO && settings.leads_to_journal);
}

void log_set_format(enum log_format format)
{
    settings.format = format;
    if (settings.journal_fd >= 0)
        close(settings.journal_fd);
    settings.journal_fd = is_for_journal() ? log_open_socket() : -1;
}

void log_set_level(enum log_level level)
{
    settings.level = level;
}

void log_set_journal(const char *path)
{
    settings.journal = path != NULL ? path : LOG_JOURNAL_SOCKET;
}

void log_set_clock(int64_t (*now_us)(void))
{
    settings.now_us = now_us != NULL ? now_us : monotonic_us;
    memset(limits.of, 0, sizeof(limits.of));
}

bool log_is_wanted(enum event event)
{
    return event_kinds[event].level <= settings.level;
}

unsigned long log_n_dropped(void)
{
    return n_dropped;
}

/* --- Writing ---------------------------------------------------------------------------------- */

static bool send_to_journal(const struct log_record *record)
{
    struct log_line line;

    log_format_journal(&line, record);
    return log_send_datagram(settings.journal_fd, settings.journal, &line);
}

static bool write_to_fd(const struct log_record *record)
{
    struct log_line line;

    if (settings.format == LOG_FORMAT_JSON)
        log_format_json(&line, record);
    else if (settings.leads_to_journal)
        log_format_prefixed(&line, record);
    else
        log_format_text(&line, record);
    return log_write_line(settings.fd, &line);
}

static bool write_record(struct log_record record, const char *format, va_list args)
{
    char message[LOG_MESSAGE_MAX]; /* what does not fit would not fit in a line either */

    if (vsnprintf(message, sizeof(message), format, args) < 0)
        message[0] = '\0';
    record.at = instant_now();
    record.message = message;
    return (is_for_journal() && send_to_journal(&record)) || write_to_fd(&record);
}

__attribute__((format(printf, 2, 3))) static bool try_to_log(struct log_record record,
                                                             const char *format, ...)
{
    va_list args;

    va_start(args, format);
    bool written = write_record(record, format, args);
    va_end(args);
    return written;
}

/* --- What was not written --------------------------------------------------------------------- */

static void drop(unsigned long n)
{
    atomic_fetch_add(&n_dropped, n);
    atomic_fetch_add(&n_dropped_unreported, n);
}

static void report_dropped(void)
{
    unsigned long n = atomic_exchange(&n_dropped_unreported, 0);

    if (n > 0 && !try_to_log((struct log_record){.event = EVENT_LOG_LOST, .place = HERE},
                             "log: %lu records were lost", n))
        atomic_fetch_add(&n_dropped_unreported, n);
}

static void report_left_out(enum event event, unsigned long n)
{
    const char *name = event_kinds[event].name;
    const struct log_record record = {
        .event = EVENT_LOG_LEFT_OUT, .place = HERE, .fields = LOG_FIELDS({"kind", name})};

    if (n > 0 && !try_to_log(record, "%lu more records of %s were left out", n, name))
        drop(1);
}

static unsigned long settle(enum event event)
{
    pthread_mutex_lock(&limits.mutex);
    unsigned long n = log_limit_settle(&limits.of[event], settings.now_us());
    pthread_mutex_unlock(&limits.mutex);
    return n;
}

void log_report_left_out(void)
{
    for (unsigned i = 0; i < N_EVENTS; i++)
        report_left_out((enum event)i, settle((enum event)i));
}

static bool may_be_written(enum event event)
{
    if (!event_kinds[event].is_limited)
        return true;
    report_left_out(event, settle(event));
    pthread_mutex_lock(&limits.mutex);
    bool may = log_limit_take(&limits.of[event], settings.now_us());
    pthread_mutex_unlock(&limits.mutex);
    return may;
}

void log_write(enum event event, struct log_place place, const struct log_field *fields,
               const char *format, ...)
{
    struct log_record record = {.event = event, .place = place, .fields = fields};
    int saved_errno = errno;
    va_list args;

    if (may_be_written(event)) {
        report_dropped();
        errno = saved_errno; /* for %m */
        va_start(args, format);
        if (!write_record(record, format, args))
            drop(1);
        va_end(args);
    }
    errno = saved_errno;
}
