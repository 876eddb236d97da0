/* Results as entries of an HTTP archive, which a browser's network panel opens: one for each
 * request that was sent, so also one for each redirect.
 *
 * Phases become timings as they are there: `connect` includes `ssl`, `blocked` is the wait in the
 * queue, and -1 is what did not happen. Values of headers that are credentials become ***, and the
 * bodies of requests are left out. What the format has no member for is in `_gatherd`.
 *
 * source  "HTTP Archive (HAR) format", version 1.2
 */
#pragma once

#include "daemon/model/render.h"

/* Writes the entries of a result as elements of an array: none if nothing was sent. */
void render_har_entries(struct json_writer *w, const struct result_place *place,
                        const struct result *result);
