#include "daemon/client/output.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include "daemon/client/exit_status.h"

void output_init(struct output *output)
{
    *output = (struct output){0};
    buffer_init(&output->text, SIZE_MAX);
    terminal_init(&output->terminal, STDOUT_FILENO);
    terminal_init(&output->messages, STDERR_FILENO);
}

void output_done(struct output *output)
{
    buffer_done(&output->text);
}

/* --- Writing ---------------------------------------------------------------------------------- */

/* A reader may take its time, and then Ctrl-C must still get through: a pipe that is said to be
 * writable takes PIPE_BUF bytes without making us wait. */
static bool may_write(int fd)
{
    struct pollfd wanted = {.fd = fd, .events = POLLOUT};

    return poll(&wanted, 1, -1) > 0;
}

static int write_all(int fd, const char *bytes, size_t n)
{
    while (n > 0) {
        ssize_t n_written = may_write(fd) ? write(fd, bytes, n < PIPE_BUF ? n : PIPE_BUF) : -1;
        if (n_written < 0)
            return -errno;
        bytes += n_written;
        n -= (size_t)n_written;
    }
    return 0;
}

/* What cannot be told there cannot be told at all. */
static void tell(struct buffer *text)
{
    (void)write_all(STDERR_FILENO, text->data, text->len);
    buffer_done(text);
}

static void hide_progress(struct output *output)
{
    struct buffer line;

    if (!output->shows_progress)
        return;
    buffer_init(&line, SIZE_MAX);
    (void)progress_clear(&output->progress, &line);
    tell(&line);
}

int output_flush(struct output *output)
{
    if (output->text.len == 0 || output->failure < 0)
        return output->failure;
    if (output->terminal.is_terminal)
        hide_progress(output);
    output->failure = write_all(STDOUT_FILENO, output->text.data, output->text.len);
    output->text.len = 0;
    output_draw_progress(output);
    return output->failure;
}

int output_complain(const struct output *output)
{
    if (output->failure == -EINTR)
        return CLIENT_INTERRUPTED;
    if (output->failure != -EPIPE)
        fprintf(stderr, "gatherctl: the output cannot be written: %s\n",
                strerror(-output->failure));
    return CLIENT_OUTPUT;
}

/* --- Progress --------------------------------------------------------------------------------- */

void output_begin_progress(struct output *output, uint64_t total)
{
    progress_init(&output->progress, &output->messages, co_now());
    output->progress.total = total;
    output->shows_progress = true;
}

void output_draw_progress(struct output *output)
{
    struct buffer line;

    if (!output->shows_progress)
        return;
    buffer_init(&line, SIZE_MAX);
    (void)progress_draw(&output->progress, co_now(), &line);
    tell(&line);
}

void output_end_progress(struct output *output)
{
    hide_progress(output);
    output->shows_progress = false;
}
