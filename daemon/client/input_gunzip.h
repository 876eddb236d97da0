/* A source of bytes that another one has compressed with gzip. */
#pragma once

#include "daemon/client/input.h"

struct input_gunzip;

/* bytes      that have been read of the source already; copied
 * returns    0, -ENOMEM */
int input_gunzip_new(struct input_gunzip **ret_gunzip, const struct input_source *source,
                     const char *bytes, size_t n_bytes);
void input_gunzip_free(struct input_gunzip *gunzip); /* NULL is fine */

/* Whether these bytes begin as gzip does. */
bool input_is_gzip(const char *bytes, size_t n_bytes);

/* As the read() of a source; -EBADMSG: it is damaged, or cut off. */
ssize_t input_gunzip_read(void *arg, char *bytes, size_t max);
