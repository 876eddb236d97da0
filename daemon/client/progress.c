#include "daemon/client/progress.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

enum {
    BAR_WIDTH = 20,
    LINE_MAX_BYTES = 512,
    MINUTE = 60,
    HOUR = 60 * MINUTE,
    LONGEST = 100 * HOUR, /* that is told */
};

#define PACE    (100 * CO_MILLISECOND)
#define MEMORY  (5 * CO_SECOND) /* the rate is that of about so long ago */
#define SECONDS ((double)CO_SECOND)

static const char clear_line[] = "\r\033[K";

void progress_init(struct progress *progress, const struct terminal *terminal, co_time now)
{
    *progress = (struct progress){.terminal = terminal, .started = now, .drawn_at = now};
}

/* --- The rate --------------------------------------------------------------------------------- */

/* In the beginning a plain mean; then what is new counts as much as it is long. */
static void learn_rate(struct progress *progress, co_time now)
{
    co_time since_start = now - progress->started, since_last = now - progress->drawn_at;
    co_time memory = since_start < MEMORY ? since_start : MEMORY;

    if (since_last <= 0)
        return;
    memory = since_last < memory ? memory : since_last;
    double recent = (double)(progress->n_done - progress->n_drawn) * SECONDS / (double)since_last;
    progress->rate += (recent - progress->rate) * (double)since_last / (double)memory;
}

static bool knows_end(const struct progress *progress)
{
    return progress->total > progress->n_done && progress->rate > 0;
}

/* --- The line --------------------------------------------------------------------------------- */

struct line {
    char text[LINE_MAX_BYTES];
    size_t length;
    size_t width; /* of the terminal; in ASCII a column is a byte */
};

/* Adds a part behind those before, if it fits. */
static __attribute__((format(printf, 2, 3))) void add(struct line *line, const char *format, ...)
{
    char part[64];
    const char *gap = line->length > 0 ? "  " : "";
    va_list args;

    va_start(args, format);
    vsnprintf(part, sizeof(part), format, args);
    va_end(args);
    size_t length = strlen(gap) + strlen(part);
    /* Behind the last column some terminals go to the next line. */
    if (line->length + length < line->width && line->length + length < sizeof(line->text))
        line->length += (size_t)snprintf(line->text + line->length,
                                         sizeof(line->text) - line->length, "%s%s", gap, part);
}

static void add_bar(struct line *line, const struct progress *progress)
{
    char bar[BAR_WIDTH + 1];
    uint64_t total = progress->total > progress->n_done ? progress->total : progress->n_done;
    size_t n = (size_t)((double)progress->n_done / (double)total * BAR_WIDTH);

    memset(bar, '-', BAR_WIDTH);
    memset(bar, '#', n);
    bar[BAR_WIDTH] = '\0';
    add(line, "[%s]", bar);
}

static void add_count(struct line *line, const struct progress *progress)
{
    if (progress->total > 0)
        add(line, "%" PRIu64 "/%" PRIu64, progress->n_done, progress->total);
    else
        add(line, "%" PRIu64 " done", progress->n_done);
}

static void add_time_left(struct line *line, const struct progress *progress)
{
    double left = (double)(progress->total - progress->n_done) / progress->rate;

    if (left >= LONGEST)
        return;
    unsigned seconds = (unsigned)left;
    if (seconds >= HOUR)
        add(line, "%u:%02u:%02u left", seconds / HOUR, seconds / MINUTE % 60, seconds % 60);
    else
        add(line, "%u:%02u left", seconds / MINUTE, seconds % 60);
}

static void write_line(struct line *line, const struct progress *progress)
{
    if (progress->total > 0)
        add_bar(line, progress);
    add_count(line, progress);
    add(line, progress->rate < 10 ? "%.1f/s" : "%.0f/s", progress->rate);
    if (progress->n_failed > 0)
        add(line, "%" PRIu64 " failed", progress->n_failed);
    if (knows_end(progress))
        add_time_left(line, progress);
}

/* --- Drawing ---------------------------------------------------------------------------------- */

co_time progress_pause(const struct progress *progress, co_time now)
{
    if (!progress->terminal->can_redraw)
        return CO_NEVER;
    co_time since = now - progress->drawn_at;
    return since < PACE ? PACE - since : 0;
}

int progress_draw(struct progress *progress, co_time now, struct buffer *out)
{
    struct line line = {.width = progress->terminal->width};

    if (progress_pause(progress, now) > 0)
        return 0;
    learn_rate(progress, now);
    write_line(&line, progress);
    progress->drawn_at = now;
    progress->n_drawn = progress->n_done;
    progress->is_drawn = true;
    int rc = buffer_append(out, clear_line, strlen(clear_line));
    return rc < 0 ? rc : buffer_append(out, line.text, line.length);
}

int progress_clear(struct progress *progress, struct buffer *out)
{
    if (!progress->is_drawn)
        return 0;
    progress->is_drawn = false;
    return buffer_append(out, clear_line, strlen(clear_line));
}
