/* What a spec says, as text, so that two can be compared: every member that matters, by value. */
#pragma once

#include "daemon/model/job_spec.h"

/* What is not about requests. To be freed. */
char *spec_dump_head(const struct job_spec *spec);

/* One of its items, with all of its request but the origin's number. To be freed. */
char *spec_dump_item(const struct job_spec *spec, size_t index);
