/* Points at which a test may have the process die as by kill -9: $GATHERD_CRASH_AT is the name of a
 * point, or name:n, and it dies when it comes there, or comes there for the n-th time.
 *
 * There are such points only if configured with --enable-crash-points, as developers' builds are.
 */
#pragma once

#ifdef CRASH_POINTS
/* Any thread may come to one. */
void crash_point(const char *name);
#else
static inline void crash_point(const char *name)
{
    (void)name;
}
#endif
