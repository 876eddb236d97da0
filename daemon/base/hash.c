#include "daemon/base/hash.h"

#include <pthread.h>
#include <sys/random.h>

static uint64_t seed;

/* A kernel that has just booted may have no randomness yet, and where we lie in memory will do. */
static void draw_seed(void)
{
    if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) != sizeof(seed))
        seed = (uintptr_t)&seed;
}

uint64_t hash_text(const char *text)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    (void)pthread_once(&once, draw_seed);
    uint64_t hash = seed ^ 14695981039346656037u;
    for (; *text != '\0'; text++)
        hash = (hash ^ (unsigned char)*text) * 1099511628211u;
    return hash ^ hash >> 32; /* the low bits choose the bucket */
}
