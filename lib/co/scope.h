/* Cancel scopes: a region of one task that can be given up, by a deadline or by anybody who holds
 * the scope.
 *
 * A scope lives in the frame that enters it, and scopes nest like braces: leave them in reverse
 * order, in the same task, before the function returns. Cancellation is level-triggered: inside a
 * cancelled scope every blocking call fails with -ECANCELED at once, again and again, until the
 * scope is left. A call that had already succeeded keeps its result; the cancel shows at the next.
 *
 *     struct co_scope scope;
 *     co_scope_enter(&scope, 500 * CO_MILLISECOND);
 *     int rc = fetch(...);                    // -ECANCELED when the time is up
 *     rc = co_scope_exit(&scope, rc);         // becomes -ETIMEDOUT
 *
 * The scopes of a task end in its root scope, whose outer scope is that of the task's group: so
 * scopes form one tree over all tasks of a loop, and cancelling one reaches everything below.
 *
 * source  trio's cancel scopes; asyncio.timeout
 */
#pragma once

#include <stdbool.h>

#include "base.h"
#include "timer.h"

struct co_task;

enum co_scope_kind { CO_SCOPE_PLAIN, CO_SCOPE_GROUP, CO_SCOPE_ROOT };

struct co_scope {
    struct co_scope *outer; /* NULL only around everything */
    struct co_task *task;   /* who entered it */
    struct co_timer timer;  /* armed while a deadline is ahead */
    const char *site;       /* where it was entered */
    const char *why;        /* once cancelled: a literal */
    const char
        *cancelled_by; /* once cancelled: name of the task that did it; NULL: none, a timer */
    const char *cancelled_at; /* and where in its code; NULL: a timer */
    int cancel_rc;            /* once cancelled: what leaving it returns */
    enum co_scope_kind kind;
    bool cancelled;
    bool shielded; /* cancels from further out do not come in */
};

CO_API_BEGIN

/* Opens a scope that is cancelled after `timeout` nanoseconds, or CO_NEVER. */
#define co_scope_enter(scope, timeout) co_scope_enter_at(scope, timeout, false, CO_SITE)

/* Opens a scope that cancels from outside do not reach, for clean-up that has to block. Its own
 * timeout still does, so give it one. */
#define co_scope_shield(scope, timeout) co_scope_enter_at(scope, timeout, true, CO_SITE)

/* Both of them: a scope entered at `site`, shielded or not. */
void co_scope_enter_at(struct co_scope *scope, co_time timeout, bool shielded, const char *site);

/* Moves the deadline to `timeout` nanoseconds from now, or takes it away: CO_NEVER. A scope that is
 * cancelled stays so. source: asyncio.Timeout.reschedule */
void co_scope_reschedule(struct co_scope *scope, co_time timeout);

/* Gives the region up; leaving it will return rc (negative, or 0 for a deliberate stop). Only the
 * first cancel counts. `why` is a literal. Callable from any task of the loop. */
#define co_scope_cancel(scope, rc, why) co_scope_cancel_at(scope, rc, why, CO_SITE)
void co_scope_cancel_at(struct co_scope *scope, int rc, const char *why, const char *site);

/* Closes the scope that was entered last.
 *
 * returns    rc, unless it is -ECANCELED because of this scope alone: then -ETIMEDOUT if its
 *            deadline passed, or what co_scope_cancel() was given
 */
int co_scope_exit(struct co_scope *scope, int rc);

/* 0, or -ECANCELED when the caller is inside a cancelled scope. Never switches. */
int co_checkpoint(void);

/* Calls fn(arg) in a scope with a deadline, in the same task.
 *
 * returns    fn's status; -ETIMEDOUT when it was cancelled by the deadline
 * suspends   if fn does
 * source     asyncio.wait_for
 */
CO_BLOCKS int co_timeout(co_time timeout, co_fn *fn, void *arg, void **ret_result);

CO_API_END
