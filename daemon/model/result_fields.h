/* A choice of members of a result, for who does not want them all.
 *
 * They are named as in docs/results.md: "status_code", "timings.total_ms", "redirects.hops.url".
 * With a member comes all that is in it; what is in an array is chosen in each of its elements.
 * "index" is always there, so that results can be told from each other.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_writer;

/* All zeros: nothing was chosen, so everything is shown. */
struct result_fields {
    uint64_t bits[2]; /* bit i: the i-th name there is */
};

/* returns 0; -EINVAL: no member has that name */
int result_fields_add(struct result_fields *fields, const char *name, size_t length);

/* What may have been meant by a name that no member has; NULL: nothing is near enough. */
const char *result_field_nearest(const char *name, size_t length);

/* Adds those of a list such as "id,timings.total_ms". returns as result_fields_add() */
int result_fields_add_list(struct result_fields *fields, const char *names);

bool result_fields_is_all(const struct result_fields *fields);
bool result_fields_is_same(const struct result_fields *a, const struct result_fields *b);

/* Cuts a result that has just been written down to what was chosen.
 *
 * start      where it begins in w->out */
void result_fields_cut(const struct result_fields *fields, struct json_writer *w, size_t start);
