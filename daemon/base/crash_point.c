#include "daemon/base/crash_point.h"

#ifdef CRASH_POINTS

#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void crash_point(const char *name)
{
    static atomic_ulong n_times;
    const char *wish = getenv("GATHERD_CRASH_AT");
    size_t length = strlen(name);

    if (wish == NULL || strncmp(wish, name, length) != 0)
        return;
    if (wish[length] != '\0' && wish[length] != ':')
        return;
    unsigned long n = wish[length] == ':' ? strtoul(wish + length + 1, NULL, 10) : 1;
    if (atomic_fetch_add(&n_times, 1) + 1 == n)
        kill(getpid(), SIGKILL);
}

#endif
