/* Damage inside SQLite's write-ahead log, which SQLite itself does not tell from its end.
 *
 * A log ends where the checksums end, because a power cut may leave anything behind the last commit
 * that was synced. So a flipped byte would make SQLite drop all that was committed after it,
 * without a word. But who syncs each commit before it writes the next one leaves at most one behind
 * the end; where there are more, something has happened to the log.
 *
 * source  https://www.sqlite.org/fileformat2.html#the_write_ahead_log
 */
#pragma once

#include <stdint.h>

/* What is behind the place where the checksums end. */
struct wal_damage {
    uint64_t at_frame; /* from 1 */
    uint64_t n_commits;
};

/* Reads a log that nobody has open.
 *
 * returns    0: it is fine, or not there; 1: damaged; -errno
 */
int wal_check(const char *file, uint32_t page_bytes, struct wal_damage *ret_damage);
