/* Identifiers that sort by the time they were made at.
 *
 * source  the ULID specification: 48 bits of milliseconds and 80 random ones, in Crockford's base
 * 32; within one millisecond, or when the clock goes back, the random part is counted up
 */
#pragma once

#include <stdint.h>

extern const char ulid_digits[]; /* the 32 */

enum { ULID_LENGTH = 26, ULID_N_RANDOM = 10 };

/* Makes them; starts as zeroes. Holds the last one made, which the next one is later than. */
struct ulid_source {
    int64_t milliseconds;
    uint8_t random[ULID_N_RANDOM]; /* big-endian */
};

/* Those to come are later than this one, which another source has made. returns 0; -EINVAL: it is
 * none */
int ulid_resume(struct ulid_source *source, const char *text);

/* Writes the next one, and a NUL. */
void ulid_next(struct ulid_source *source, int64_t milliseconds, char text[ULID_LENGTH + 1]);
