#include "daemon/task_dump.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/co/co.h"

#include "daemon/base/log.h"

static void free_text(char **text)
{
    free(*text);
}

static int print_tasks(char **ret_text)
{
    size_t size;
    FILE *file = open_memstream(ret_text, &size);

    if (file == NULL)
        return -ENOMEM;
    co_dump(file);
    return fclose(file) == 0 ? 0 : -ENOMEM;
}

static void log_tasks(void)
{
    CO_CLEANUP(free_text) char *text = NULL;
    char *rest;

    if (print_tasks(&text) < 0) {
        log_event(EVENT_TASKS_UNLISTED, LOG_NO_FIELDS, "no memory to list the tasks in");
        return;
    }
    for (char *line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest))
        log_event(EVENT_TASK_LISTED, LOG_NO_FIELDS, "%s", line);
}

static int dump_on_signal(void *arg, void **ret_result)
{
    static const int signals[] = {SIGUSR1};
    int rc;

    (void)arg, (void)ret_result;
    while ((rc = co_signal_wait(signals, 1)) > 0)
        log_tasks();
    return rc;
}

int task_dump_start(struct co_task **ret_task)
{
    return co_create_task("task dump", dump_on_signal, NULL, ret_task);
}
