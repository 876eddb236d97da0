/* The value of a response's header, as a result's row keeps it.
 *
 * Most headers are the same in all answers of an origin, so they belong to the shape. Others differ
 * nearly each time, and are known by their names: of those only the form is in the shape, and what
 * is left of the value in the row: of a date a byte or five, of a content-length mostly nothing.
 */
#pragma once

#include "daemon/base/arena.h"
#include "daemon/base/pack.h"

/* How a value is kept. The numbers are in the store: they stay. */
enum header_form {
    HEADER_SAME,   /* in the shape, as it is */
    HEADER_TEXT,   /* in the row, as it is */
    HEADER_NUMBER, /* in decimal */
    HEADER_LENGTH, /* that of the body as received */
    HEADER_DATE,   /* IMF-fixdate: seconds from the end of the fetch */
    HEADER_ETAG,   /* two hexadecimal numbers, as nginx and Apache make them */
    HEADER_N_FORMS
};

/* What a value may be relative to: it is read before the headers are. */
struct header_context {
    uint64_t encoded_bytes;
    int64_t finished_at; /* microseconds since 1970 */
};

/* The form that fits, and the row with what has to be in it. name: in lower case */
enum header_form header_pack(struct packer *row, const struct header_context *context,
                             const char *name, const char *value);

/* The value again, in the arena or in what is being read.
 *
 * form       not HEADER_SAME
 * returns    NULL: no memory, or the row is bad, which it says then
 */
const char *header_unpack(struct unpacker *row, const struct header_context *context,
                          enum header_form form, struct arena *arena);
