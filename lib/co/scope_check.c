#include "lib/co/runtime.h"

/* A frame that was left lies below all that are live. What lies on no stack of the task's (a
 * generator's, the heap) is not ours to judge. Not for AddressSanitizer: it has fake frames, and
 * knows what has been left by itself. */
static bool was_left(const struct co_task *task, const struct co_scope *scope, const char *sp)
{
    const char *low = task->stack->low, *high = low + task->stack->size;
    const char *at = (const char *)scope;

    return sp >= low && sp < high && at >= low && at < sp;
}

/* A stack frame of its own, so that those of all callers lie above. */
__attribute__((noinline, no_sanitize("address"))) void
co_scope_check_frames(const struct co_task *task)
{
    const char *sp = __builtin_frame_address(0);

    for (const struct co_scope *scope = task->scope; scope != &task->root; scope = scope->outer)
        if (was_left(task, scope, sp) || scope->task != task)
            co_die("task %s (%s): a function returned without leaving the scope entered at %s",
                   task->name, task->site,
                   scope == task->scope ? task->scope_site : "a place that is lost");
}
