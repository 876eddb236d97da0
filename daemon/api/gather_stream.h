/* A gather whose results go out as they come: asyncio.as_completed over HTTP. A line of JSON for
 * each, with its index, then one with the counts: without that one the stream was cut. */
#pragma once

#include "daemon/api/api.h"
#include "daemon/model/job_spec.h"

/* Takes spec over, runs it, and answers. What a slow client has not read yet counts in the
 * result_budget, as an answer that is sent at the end does. */
CO_BLOCKS int gather_stream(struct http_exchange *exchange, struct api *api, struct job_spec *spec);
