#include "lib/net/siphash.h"

#include <endian.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

struct state {
    uint64_t a, b, c, d;
};

static uint64_t rotate(uint64_t word, unsigned n_bits)
{
    return word << n_bits | word >> (64 - n_bits);
}

static void mix(struct state *s, unsigned n_rounds)
{
    while (n_rounds-- > 0) {
        s->a += s->b;
        s->c += s->d;
        s->b = rotate(s->b, 13) ^ s->a;
        s->d = rotate(s->d, 16) ^ s->c;
        s->a = rotate(s->a, 32);
        s->c += s->b;
        s->a += s->d;
        s->b = rotate(s->b, 17) ^ s->c;
        s->d = rotate(s->d, 21) ^ s->a;
        s->c = rotate(s->c, 32);
    }
}

static void absorb(struct state *s, uint64_t word)
{
    s->d ^= word;
    mix(s, 2);
    s->a ^= word;
}

uint64_t co_siphash(const struct co_siphash_key *key, const void *bytes, size_t n)
{
    const uint64_t *k = key->halves;
    struct state s = {k[0] ^ 0x736f6d6570736575, k[1] ^ 0x646f72616e646f6d,
                      k[0] ^ 0x6c7967656e657261, k[1] ^ 0x7465646279746573};
    const char *at = bytes;
    uint64_t word, last = 0;

    for (const char *end = at + n / 8 * 8; at < end; at += 8) {
        memcpy(&word, at, 8);
        absorb(&s, le64toh(word));
    }
    memcpy(&last, at, n % 8);
    absorb(&s, le64toh(last) | (uint64_t)n << 56);
    s.c ^= 0xff;
    mix(&s, 4);
    return s.a ^ s.b ^ s.c ^ s.d;
}

/* Early at boot there may be no random bytes yet: then where and when we are has to do. */
struct co_siphash_key co_siphash_random_key(void)
{
    struct co_siphash_key key;
    struct timespec now;

    if (getrandom(&key, sizeof(key), GRND_NONBLOCK) == sizeof(key))
        return key;
    clock_gettime(CLOCK_REALTIME, &now);
    key.halves[0] = (uintptr_t)&key;
    key.halves[1] = (uint64_t)now.tv_nsec;
    return key;
}
