/* Child processes as something to wait for. Start them with posix_spawn(3): a copy of this process
 * made by fork(2) has the loop's descriptors but must not touch the loop. */
#pragma once

#include <sys/types.h>

#include "base.h"

CO_API_BEGIN

/* Waits for a child to end, and reaps it.
 *
 * ret_status  NULL, or as of waitpid(2)
 * returns     0; -ECHILD: no child of ours, or reaped by somebody else; -EMFILE, -ENOMEM, ...;
 *             -ENOSYS: Linux before 5.4; -ECANCELED. After any of these it may still run, and is
 *             not reaped
 * suspends    while it runs
 */
CO_BLOCKS int co_child_wait(pid_t pid, int *ret_status);

CO_API_END
