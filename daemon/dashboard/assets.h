/* The dashboard: a page, its style and its modules, which are part of the program. They are files
 * of this folder, listed in assets.def, and used as they stand there: nothing is built, nothing
 * comes from elsewhere. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct asset {
    const char *path; /* "views/now.js" */
    const char *type; /* for Content-Type */
    const char *bytes;
    const uint32_t *length;
};

/* returns  NULL: there is none of that path */
const struct asset *asset_find(const char *path);
