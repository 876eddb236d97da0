/* Lines that are wanted in another order than they come in: kept in a temporary file, so that there
 * may be many.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct result_spool;

/* returns 0, -ENOMEM, -errno of making a temporary file */
int result_spool_new(struct result_spool **ret_spool);
void result_spool_free(struct result_spool *spool); /* NULL is fine */

/* returns 0, -ENOMEM, -errno; -EEXIST: there is one with that index */
int result_spool_add(struct result_spool *spool, uint64_t index, const char *line, size_t length);

/* Hands out all lines by index, whatever is missing between them.
 *
 * returns    0; -errno; the first status of take that is negative
 */
int result_spool_each(struct result_spool *spool,
                      int (*take)(void *arg, const char *line, size_t length), void *arg);
