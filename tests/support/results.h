/* Results for tests. All that they consist of is in the arena, so there is no result_done(). */
#pragma once

#include <stdint.h>

#include "daemon/base/arena.h"
#include "daemon/model/render.h"

#include "tests/support/random.h"

#define RESULTS_EPOCH (INT64_C(1769860800) * 1000000) /* 2026-01-31T12:00:00Z */

/* The i-th result of a job that fetches files from one nginx, a thousand a second from
 * RESULTS_EPOCH on. */
void results_usual(uint32_t i, struct arena *arena, struct result *ret_result);

/* Any result: everything that can be in one may be, or not. */
void results_any(struct random *random, struct arena *arena, struct result *ret_result);

/* The test fails unless a result that was encoded and decoded is shown byte for byte as it was. */
void results_expect_kept(const struct result_place *place, const struct result *result,
                         bool with_body);
