/* Whether a result is as the client expects it. */
#pragma once

#include "lib/co/base.h"

#include "daemon/model/job_spec.h"
#include "daemon/model/result.h"

/* Judges the last attempt of an item. A body that was kept for this alone is gone afterwards.
 *
 * result    with a response of the expected status becomes `assertion_failed` if a check fails
 * returns   0; -ECANCELED: it was given up, and the result is `canceled`
 * suspends  while a large body is looked at, which a thread does
 */
CO_BLOCKS int judge_result(const struct request *request, struct result *result);
