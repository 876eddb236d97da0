/* Numbers the origins of a spec: equal numbers, equal scheme, host and port. Whoever keeps
 * something for each origin then needs an array, and no table.
 *
 * Done once, where a spec is made, which is off the loop for a large one.
 */
#pragma once

#include "daemon/model/job_spec.h"

/* Sets each request's origin, and the spec's n_origins. Numbers are given from 0 in order of
 * appearance; requests that cannot be fetched share one.
 *
 * returns    0, -ENOMEM
 */
int origins_number(struct job_spec *spec);
