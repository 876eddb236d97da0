#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/co/runtime.h"

enum { MAX_SENTENCE = 512 }; /* longer ones are cut */

static void say(const char *format, va_list arguments)
{
    fputs("libgather: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
}

void co_die(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    say(format, arguments);
    va_end(arguments);
    abort();
}

void co_warn(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    say(format, arguments);
    va_end(arguments);
}

static void print(void *arg, const struct co_report *report)
{
    (void)arg;
    fprintf(stderr, "libgather: %s\n", report->text);
}

void co_report(const struct co_task *task, struct co_report report, const char *format, ...)
{
    const struct co_loop *loop = task->loop;
    char sentence[MAX_SENTENCE];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(sentence, sizeof(sentence), format, arguments);
    va_end(arguments);
    if (report.task == NULL) {
        report.task = task->name;
        report.site = task->site;
    }
    report.text = sentence;
    (loop->report != NULL ? loop->report : print)(loop->report_arg, &report);
}
