/* Tasks that do not get on, and what they wait for. */
#include <stdio.h>

#include "lib/co/runtime.h"
#include "lib/co/tree.h"

enum { MAX_WORDS = 256 }; /* longer ones are cut */

static void describe(const struct co_task *task, char *words, size_t size)
{
    const struct co_wait_kind *kind = task->waits_for;

    if (task->state != CO_PARKED) {
        snprintf(words, size, "goes on without end");
        return;
    }
    const struct co_task *holder = co_task_holder(task);
    if (kind->is_fd)
        snprintf(words, size, "waits for %s %d", kind->word, (int)(intptr_t)task->waits_on);
    else if (holder == NULL)
        snprintf(words, size, "waits for %s", kind->word);
    else
        snprintf(words, size, "waits for %s%s %s (%s)", kind->word,
                 holder == task->waits_on ? "" : " held by task", holder->name, holder->site);
}

static void report(const struct co_task *task, enum co_report_kind kind, const char *problem)
{
    char words[MAX_WORDS];

    describe(task, words, sizeof(words));
    co_report(task, (struct co_report){.kind = kind}, "%s: task %s (%s) %s", problem, task->name,
              task->site, words);
}

static void report_all(const struct co_loop *loop, enum co_report_kind kind, const char *problem)
{
    for (struct co_tree_place place = co_tree_first(loop); place.task != NULL; co_tree_next(&place))
        report(place.task, kind, problem);
}

void co_report_deadlock(const struct co_loop *loop)
{
    report_all(loop, CO_REPORT_DEADLOCK, "deadlock");
}

void co_report_stuck(const struct co_loop *loop)
{
    report_all(loop, CO_REPORT_STUCK, "the loop cannot end");
}
