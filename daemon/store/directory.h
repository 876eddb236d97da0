/* The directory of a store: made when missing, for us alone, and open in one process at a time.
 *
 * The lock file in it says who has it open, by process id, and is empty when it was closed
 * properly. So whoever gets the lock on one that is not empty comes after a crash.
 */
#pragma once

#include <stdbool.h>

#include "daemon/base/err.h"

struct directory {
    int fd;
    int lock_fd;
    bool was_left_open; /* whoever had it last did not close it properly */
};

#define DIRECTORY_CLOSED                                                                           \
    (struct directory)                                                                             \
    {                                                                                              \
        .fd = -1, .lock_fd = -1                                                                    \
    }

/* Makes and locks it. returns 0; -errno, with a message in err; -EBUSY: somebody else has it */
int directory_open(struct directory *ret_directory, const char *path, struct err *err);

/* Writes into the lock file that we have it, which is on disk when this returns. Before anything
 * else in the directory is changed. returns as above */
int directory_sign(struct directory *directory, struct err *err);

/* properly: what is in it is as it should be, or as it was. Fine for one that is closed. */
void directory_close(struct directory *directory, bool properly);
