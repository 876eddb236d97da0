/* Numbers that look random and are the same in every run, so that a failure can be repeated.
 *
 * source  Steele, Lea, Flood: Fast splittable pseudorandom number generators (2014)
 */
#pragma once

#include <stdint.h>

struct random {
    uint64_t state; /* the seed at first; any value will do */
};

static inline uint64_t random_next(struct random *random)
{
    uint64_t mixed = random->state += 0x9e3779b97f4a7c15;

    mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9;
    mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111eb;
    return mixed ^ mixed >> 31;
}

/* Below limit, which is small. */
static inline uint32_t random_below(struct random *random, uint32_t limit)
{
    return (uint32_t)(random_next(random) % limit);
}
