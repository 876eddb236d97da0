/* Blocking work on threads of its own. */
#pragma once

#include "base.h"

CO_API_BEGIN

/* Runs fn(arg) on a thread of the loop's pool, which is made on first use, and waits for it. fn
 * must not call this library.
 *
 * abandoned  NULL: a caller that is cancelled meanwhile waits for fn all the same. Else it returns
 *            -ECANCELED at once, and arg belongs to abandoned(arg), which is called on the loop's
 *            thread as soon as fn is through with it
 * returns    fn's status; -ECANCELED, -EAGAIN: no thread could be made, -ENOMEM: fn was not
 *            entered, and arg is the caller's, unless it went to abandoned() as above
 * suspends   always
 * source     asyncio.to_thread, trio.to_thread.run_sync(abandon_on_cancel=)
 */
CO_BLOCKS int co_to_thread(co_fn *fn, void *arg, void **ret_result, void (*abandoned)(void *arg));

CO_API_END
