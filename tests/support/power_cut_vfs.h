/* A disk that keeps what was synced, and of the rest whatever it likes, when the power goes.
 *
 * What SQLite writes to a file is pending until that file is synced. At a cut each pending write is
 * kept, dropped or torn: of each of its sectors either all or nothing is there. A file that was
 * never synced may be missing altogether, one that was removed without a sync may be back. After a
 * cut every call fails, as nobody is there to make one: what the disk would have is in a directory
 * of its own then.
 *
 * source  SQLite's own crash tests (src/test6.c)
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void power_cut_install(void);
void power_cut_remove(void);

/* Has the power go at the n-th sync from now on, 1 is the next one, 0: not before power_cut_now().
 *
 * seed    what becomes of what is pending
 * into    the directory that gets the files then; kept as a pointer
 */
void power_cut_arm(size_t n, uint64_t seed, const char *into);

void power_cut_now(void);

bool power_cut_has_happened(void);
