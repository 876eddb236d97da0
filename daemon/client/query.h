/* A path and its query. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/buffer.h"

struct query {
    struct buffer text; /* ends in NUL after query_end() */
    int rc;
    bool has_one;
};

void query_begin(struct query *query, const char *path);
void query_add(struct query *query, const char *name, const char *value); /* NULL: nothing */
void query_add_count(struct query *query, const char *name, uint64_t value);
void query_add_label(struct query *query, const char *label); /* NAME=VALUE, or NAME of any value */

/* returns 0, -ENOMEM */
int query_end(struct query *query);
void query_done(struct query *query);
