/* A disk that SQLite has bad luck with: a call that changes something fails, or there is no space.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

void fault_vfs_install(void);
void fault_vfs_remove(void);

/* Lets the n-th write, sync, truncation or removal from now on fail with EIO; 1 is the next one.
 * The others are done, also those after it. */
void fault_vfs_arm(size_t n);

/* returns whether one was made to fail since fault_vfs_arm() */
bool fault_vfs_disarm(void);

/* How many of these calls came after the one that failed. */
size_t fault_vfs_n_after(void);

/* Lets the n-th write from now on fail with ENOSPC, and all after it; 0: there is space again. */
void fault_vfs_fill_at(size_t n);
