/* gather: many calls beside each other, their results in the order of the calls. */
#pragma once

#include "base.h"

struct co_call {
    const char *name; /* a literal */
    co_fn *fn;
    void *arg;
};

struct co_result {
    int rc;      /* status of the call */
    void *value; /* NULL when it failed */
};

enum co_gather_mode {
    CO_FAIL_FAST,     /* the first failure cancels the rest */
    CO_RETURN_ERRORS, /* failures are results like others */
};

CO_API_BEGIN

/* Runs all calls, at most `limit` at a time (0: no limit). results[i] is that of calls[i], whatever
 * the order they finished in. Every fn is entered exactly once, in order; those that are left after
 * a cancel or a failure are entered cancelled. results may be NULL; then a failure after the first
 * is reported (CO_REPORT_SUPPRESSED).
 *
 * returns    0; with CO_FAIL_FAST the first failure, after all others have ended; -ECANCELED;
 *            -ENOMEM: some were entered cancelled for want of a stack
 * suspends   until every call has ended
 * source     asyncio.gather(return_exceptions=)
 */
#define co_gather(calls, n_calls, results, limit, mode)                                            \
    co_gather_at(calls, n_calls, results, limit, mode, CO_SITE)
CO_BLOCKS int co_gather_at(const struct co_call *calls, size_t n_calls, struct co_result *results,
                           unsigned limit, enum co_gather_mode mode, const char *site);

CO_API_END
