/* What a request prefers: `Prefer: wait=30`, `Prefer: respond-async`.
 *
 * Of a preference that is there more than once the first counts; those that nobody here knows are
 * left alone.
 *
 * source  RFC 7240
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct preferences {
    bool waits;
    uint64_t wait_ms;
    bool responds_async;
};

/* How long to wait: seconds (`30`), or with a unit, as a setting has it (`30s`, `500ms`). What is
 * too long for a number is the longest there is. returns 0, -EINVAL */
int wait_time_parse(const char *text, size_t length, uint64_t *ret_ms);

/* Takes in one value of the header. All zeros are those of a request without any.
 *
 * returns    0; -EINVAL: its wait is no time
 */
int preferences_add(struct preferences *preferences, const char *value);
