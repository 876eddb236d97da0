#include "daemon/base/log.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/base/instant.h"
#include "daemon/base/utf8.h"

#define CUT_MARK "... [cut]"

enum {
    RECORD_SIZE_MAX = 2048, /* below PIPE_BUF, so that a pipe takes it whole or not at all */
    MESSAGE_END = RECORD_SIZE_MAX - sizeof(CUT_MARK), /* the mark's NUL stands for the newline */
};

struct record {
    size_t len;
    char bytes[RECORD_SIZE_MAX];
};

const char *const log_level_names[] = {
    [LOG_LEVEL_ERROR] = "error",
    [LOG_LEVEL_WARNING] = "warning",
    [LOG_LEVEL_INFO] = "info",
    [LOG_LEVEL_DEBUG] = "debug",
    NULL,
};

static const char journal_priorities[] = {
    [LOG_LEVEL_ERROR] = '3',
    [LOG_LEVEL_WARNING] = '4',
    [LOG_LEVEL_INFO] = '6',
    [LOG_LEVEL_DEBUG] = '7',
};

static struct {
    int fd;
    enum log_level level;
    bool to_journal;
} settings = {.fd = STDERR_FILENO, .level = LOG_LEVEL_INFO};

static atomic_ulong n_dropped;
static atomic_ulong n_dropped_unreported;

int log_level_from_name(const char *name, enum log_level *ret_level)
{
    for (unsigned i = 0; log_level_names[i] != NULL; i++)
        if (strcmp(name, log_level_names[i]) == 0) {
            *ret_level = (enum log_level)i;
            return 0;
        }
    return -EINVAL;
}

/* source  systemd.exec(5), $JOURNAL_STREAM */
static bool leads_to_journal(int fd)
{
    const char *stream = getenv("JOURNAL_STREAM");
    char own[64];
    struct stat stat;

    if (stream == NULL || fstat(fd, &stat) != 0)
        return false;
    snprintf(own, sizeof(own), "%ju:%ju", (uintmax_t)stat.st_dev, (uintmax_t)stat.st_ino);
    return strcmp(stream, own) == 0;
}

void log_init(int fd)
{
    settings.fd = fd;
    settings.to_journal = leads_to_journal(fd);
}

void log_set_level(enum log_level level)
{
    settings.level = level;
}

enum log_level log_get_level(void)
{
    return settings.level;
}

unsigned long log_n_dropped(void)
{
    return n_dropped;
}

static void put(struct record *record, const char *bytes, size_t n)
{
    memcpy(record->bytes + record->len, bytes, n);
    record->len += n;
}

static void put_prefix(struct record *record, enum log_level level)
{
    if (settings.to_journal) {
        put(record, (char[]){'<', journal_priorities[level], '>'}, 3);
        return;
    }
    record->len += instant_format(instant_now(), record->bytes + record->len);
    put(record, " ", 1);
    put(record, log_level_names[level], strlen(log_level_names[level]));
    put(record, ": ", 2);
}

struct range {
    uint32_t first, last;
};

/* Controls, and what makes a terminal break lines or show text in another order than it has. The
 * backslash is here so that escapes can be told from text. */
static bool is_harmful(uint32_t code_point)
{
    static const struct range harmful[] = {
        {0, 0x1f},        {'\\', '\\'},     {0x7f, 0x9f},     {0x61c, 0x61c},
        {0x200e, 0x200f}, {0x2028, 0x202e}, {0x2066, 0x2069},
    };

    for (size_t i = 0; i < sizeof(harmful) / sizeof(harmful[0]); i++)
        if (code_point >= harmful[i].first && code_point <= harmful[i].last)
            return true;
    return false;
}

static size_t escape(char *out, const char *bytes, size_t n)
{
    static const char hex[] = "0123456789abcdef";

    if (bytes[0] == '\\') {
        memcpy(out, "\\\\", 2);
        return 2;
    }
    for (size_t i = 0; i < n; i++) {
        unsigned char byte = (unsigned char)bytes[i];

        memcpy(out + 4 * i, (char[]){'\\', 'x', hex[byte >> 4], hex[byte & 15]}, 4);
    }
    return 4 * n;
}

static void put_message(struct record *record, const char *text, size_t len)
{
    size_t n;

    for (size_t i = 0; i < len; i += n) {
        char escaped[4 * 4];
        uint32_t code_point;
        const char *out = text + i;

        n = utf8_decode(out, len - i, &code_point);
        size_t n_out = n;
        if (n == 0 || is_harmful(code_point)) {
            n = n > 0 ? n : 1;
            n_out = escape(escaped, out, n);
            out = escaped;
        }
        if (record->len + n_out > MESSAGE_END) {
            put(record, CUT_MARK, strlen(CUT_MARK));
            return;
        }
        put(record, out, n_out);
    }
}

static void format_record(struct record *record, enum log_level level, const char *format,
                          va_list args)
{
    char message[RECORD_SIZE_MAX]; /* what does not fit would not fit below either */

    if (vsnprintf(message, sizeof(message), format, args) < 0)
        message[0] = '\0';
    record->len = 0;
    put_prefix(record, level);
    put_message(record, message, strlen(message));
    put(record, "\n", 1);
}

/* Asking first is what keeps a full pipe from blocking the loop. Making it non-blocking would do so
 * for everybody who shares it. */
static bool write_without_waiting(const struct record *record)
{
    struct pollfd pollfd = {.fd = settings.fd, .events = POLLOUT};
    ssize_t n;

    if (poll(&pollfd, 1, 0) != 1)
        return false;
    do
        n = write(settings.fd, record->bytes, record->len);
    while (n < 0 && errno == EINTR);
    return n == (ssize_t)record->len;
}

static bool write_record(enum log_level level, const char *format, va_list args)
{
    struct record record;

    format_record(&record, level, format, args);
    return write_without_waiting(&record);
}

__attribute__((format(printf, 2, 3))) static bool try_to_log(enum log_level level,
                                                             const char *format, ...)
{
    va_list args;

    va_start(args, format);
    bool written = write_record(level, format, args);
    va_end(args);
    return written;
}

static void report_dropped(void)
{
    unsigned long n = atomic_exchange(&n_dropped_unreported, 0);

    if (n > 0 && !try_to_log(LOG_LEVEL_WARNING, "log: %lu records were lost", n))
        atomic_fetch_add(&n_dropped_unreported, n);
}

void log_write(enum log_level level, const char *format, ...)
{
    int saved_errno = errno;
    va_list args;

    report_dropped();
    errno = saved_errno; /* for %m */
    va_start(args, format);
    if (!write_record(level, format, args)) {
        atomic_fetch_add(&n_dropped, 1);
        atomic_fetch_add(&n_dropped_unreported, 1);
    }
    va_end(args);
    errno = saved_errno;
}
