#include "lib/co/runtime.h"

/* Said once of a task, and again only when it has become twice as slow. */
static void report_slow(struct co_task *task, co_time duration)
{
    const struct co_report report = {.kind = CO_REPORT_SLOW_STEP, .duration = duration};

    task->slowest_step = duration;
    co_report(task, report, "task %s (%s) ran for %lld ms without letting others run%s%s",
              task->name, task->site, (long long)(duration / CO_MILLISECOND),
              task->state == CO_PARKED ? ", then waited for " : "",
              task->state == CO_PARKED ? task->waits_for->word : "");
}

void co_step_ended(struct co_loop *loop)
{
    struct co_task *task = loop->current;
    co_time now = loop->clock->now(loop), duration = now - loop->step_began;

    if (task != NULL && duration > loop->slow_step && duration >= 2 * task->slowest_step)
        report_slow(task, duration);
    loop->step_began = now;
}
