/* Generators: a function that hands out one value after another, and stands still in between.
 *
 *     static int count(struct co_gen *self, void *arg, void **ret_result)
 *     {
 *         for (intptr_t i = 0; i < 3; i++) {
 *             int rc = co_gen_yield(self, co_int(i), NULL);
 *             if (rc < 0)
 *                 return rc;
 *         }
 *         return 0;
 *     }
 *
 *     while ((rc = co_gen_next(generator, &value)) > 0)
 *         ...
 *
 * A generator has a stack of its own and needs no loop. It runs as part of whoever resumes it:
 * inside a task it may also call what blocks, and then it is the task that waits. It may be resumed
 * by another task the next time, so a scope or group entered in its body is left before it yields.
 * It belongs to the thread that made it: used by another one, it aborts with a sentence.
 *
 * What resumes a generator answers as read(2) does: 1, *ret_value was yielded; 0, *ret_value was
 * returned (NULL ever after); negative, the body failed with it (0 ever after), or:
 *
 *     -EALREADY  the generator is running, waits inside another task, or another generator
 *                delegates to it
 *     -EINVAL    a value was sent to a generator that has not started, or error is not negative
 *     -ENOMEM    no stack for its first step: it has not started
 *
 * ret_value may be NULL.
 *
 * source  PEP 342, PEP 380
 */
#pragma once

#include <stdbool.h>

#include "base.h"

struct co_gen;

/* The body. What it returns, and *ret_result if that is >= 0, end the generator. It is entered at
 * the first co_gen_next(), and arg is its own from then on. */
typedef int co_gen_fn(struct co_gen *self, void *arg, void **ret_result);

CO_API_BEGIN

/* returns 0, -ENOMEM */
#define co_gen_new(ret_gen, fn, arg) co_gen_new_at(ret_gen, fn, arg, CO_SITE)
int co_gen_new_at(struct co_gen **ret_gen, co_gen_fn *fn, void *arg, const char *site);

/* Closes the generator, and frees it. One that goes on yielding is closed again a few times; then
 * its stack is dropped as it is, and a sentence on stderr says so. NULL is fine.
 *
 * Aborts with a sentence while the generator runs, or another one delegates to it. */
void co_gen_free(struct co_gen *gen);
void co_gen_freep(struct co_gen **gen);

/* Runs it to its next yield, where co_gen_yield() returns 0 with NULL sent. */
int co_gen_next(struct co_gen *gen, void **ret_value);

/* The same, with a value that the yield it stands at receives. */
int co_gen_send(struct co_gen *gen, void *value, void **ret_value);

/* The same, but the yield it stands at fails with `error` (a negative errno). The body may handle
 * that and go on. A generator that has not started ends with it, without being entered; one that
 * has ended answers with it. -ECANCELED closes what the generator delegates to, as co_gen_close()
 * does. */
int co_gen_throw(struct co_gen *gen, int error, void **ret_value);

/* Throws -ECANCELED and expects the body to end.
 *
 * returns    0: it has ended, whatever it returned, or had before; -EBUSY: it yielded instead, and
 *            stands there; -EALREADY; or the other error that the body ended with
 */
int co_gen_close(struct co_gen *gen);

/* Whether it has ended. */
bool co_gen_is_done(const struct co_gen *gen);

/* For the body, and what it calls: hands out a value, and waits to be resumed.
 *
 * returns    0: *ret_sent (unless NULL) is what was sent; negative: what was thrown
 *
 * Aborts with a sentence when called from elsewhere.
 */
int co_gen_yield(struct co_gen *self, void *value, void **ret_sent);

/* For the body: hands out what `inner` yields, until that ends; what is sent and thrown meanwhile
 * goes to inner. Each item costs one switch to the innermost generator and one back, however deep
 * they are nested. `inner` stays the caller's, but only self resumes it until it has ended.
 *
 * returns    0: *ret_result (unless NULL) is what inner returned; NULL if it had ended before;
 *            negative: what inner failed with; -ECANCELED: both are being closed, and inner has
 *            been; -EALREADY: inner is running, or delegated to, which is so if it delegates to
 *            self; -ENOMEM: no stack for inner
 */
int co_gen_yield_from(struct co_gen *self, struct co_gen *inner, void **ret_result);

CO_API_END
