/* The tasks of a loop as text. Whole numbers only: printing a double takes kilobytes of stack. */
#include "lib/co/inspect.h"

#include "lib/co/task.h"

enum {
    MAX_INDENT = 32, /* levels; deeper ones are told by their parent's number only */
    SITE_COLUMN = 64,
};

/* Milliseconds, as seconds: "2.500". */
#define SECONDS_FORMAT "%lld.%03d"
#define SECONDS(time)  (long long)((time) / CO_SECOND), (int)((time) / CO_MILLISECOND % 1000)

static int print_wait(FILE *file, const struct co_task_info *info)
{
    int n = fprintf(file, "waits " SECONDS_FORMAT " s for %s", SECONDS(co_now() - info->since),
                    info->waits_for);

    if (info->fd >= 0)
        n += fprintf(file, " %d", info->fd);
    if (info->waits_for_id != 0)
        n += fprintf(file, " (#%llu %s)", (unsigned long long)info->waits_for_id,
                     info->waits_for_name);
    if (info->waits_in_circle)
        n += fprintf(file, " in a circle");
    return n;
}

static int print_limits(FILE *file, const struct co_task_info *info)
{
    int n = 0;

    if (info->deadline != CO_NEVER)
        n += fprintf(file, ", " SECONDS_FORMAT " s left", SECONDS(info->deadline - co_now()));
    if (info->cancelled != NULL) {
        n += fprintf(file, ", cancelled");
        if (info->cancelled_at != NULL)
            n += fprintf(file, " at %s", info->cancelled_at);
        if (info->cancelled_by != NULL)
            n += fprintf(file, " by %s", info->cancelled_by);
        n += fprintf(file, ": %s", info->cancelled);
    }
    return n;
}

static int print_task(void *arg, const struct co_task_info *info)
{
    FILE *file = arg;
    unsigned indent = info->depth < MAX_INDENT ? info->depth : MAX_INDENT;
    int n = fprintf(file, "%*s%s  #%llu  ", 2 * (int)indent, "", info->name,
                    (unsigned long long)info->id);

    n += info->waits_for != NULL ? print_wait(file, info) : fprintf(file, "%s", info->state);
    n += print_limits(file, info);
    fprintf(file, "%*s  %s", n < SITE_COLUMN ? SITE_COLUMN - n : 0, "", info->site);
    if (info->stack_size > 0)
        fprintf(file, "  stack %zu of %zu", info->stack_used, info->stack_size);
    fputc('\n', file);
    return 0;
}

static int print_stack_use(void *arg, const struct co_stack_use *use)
{
    fprintf(arg, "stack %zu at most  %s  %s  %llu ended\n", use->max_used, use->name, use->site,
            (unsigned long long)use->n_ended);
    return 0;
}

void co_dump(FILE *file)
{
    (void)co_tasks_visit(print_task, file);
    (void)co_stack_use_visit(print_stack_use, file);
}
