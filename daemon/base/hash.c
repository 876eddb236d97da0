#include "daemon/base/hash.h"

#include <pthread.h>
#include <string.h>

#include "lib/net/siphash.h"

static struct co_siphash_key key;

static void draw_key(void)
{
    key = co_siphash_random_key();
}

uint64_t hash_text(const char *text)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    (void)pthread_once(&once, draw_key);
    return co_siphash(&key, text, strlen(text));
}
