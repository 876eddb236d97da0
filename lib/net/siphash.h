/* A hash that nobody who does not know the key can steer: for tables whose keys come from outside,
 * and short enough to be taken of every request.
 *
 * source  Aumasson and Bernstein, "SipHash: a fast short-input PRF"; this is SipHash-2-4
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct co_siphash_key {
    uint64_t halves[2];
};

/* A key of random bytes. */
struct co_siphash_key co_siphash_random_key(void);

uint64_t co_siphash(const struct co_siphash_key *key, const void *bytes, size_t n);
