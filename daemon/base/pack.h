/* Numbers and texts as few bytes, one after the other, and back again.
 *
 * A number is a varint (LEB128: seven bits a byte, the lowest first), a signed one zigzag before
 * that, a text its length and its bytes. The first failure sticks, and makes the rest do nothing,
 * so it is looked at once, at the end. What is read may be anything: it is bytes from a disk. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/buffer.h"

enum { PACKED_UINT_MAX = 10 }; /* bytes of a number */

struct packer {
    struct buffer *out;
    int rc; /* 0, -ENOMEM, -EMSGSIZE */
};

static inline void pack_uint(struct packer *packer, uint64_t value);
static inline void pack_int(struct packer *packer, int64_t value);

/* n bytes as they are: the reader has to know how many. */
void pack_bytes(struct packer *packer, const void *bytes, size_t n);

/* Any bytes, with their length. */
void pack_blob(struct packer *packer, const void *bytes, size_t n);

/* A NUL-terminated text, or NULL. Its NUL is kept, so that it can be read in place. */
void pack_text(struct packer *packer, const char *text);

struct unpacker {
    const char *at;
    const char *end;
    bool is_bad; /* what was asked for is not there: all that is read is 0 then, or NULL */
};

uint64_t unpack_uint(struct unpacker *unpacker);
int64_t unpack_int(struct unpacker *unpacker);

/* A number that must be below limit. */
uint64_t unpack_below(struct unpacker *unpacker, uint64_t limit);

/* How many elements follow: of at least a byte each, so there is a bound. */
size_t unpack_count(struct unpacker *unpacker);

/* These point into what is being read. */
const char *unpack_bytes(struct unpacker *unpacker, size_t n);
const char *unpack_blob(struct unpacker *unpacker, size_t *ret_n);
const char *unpack_text(struct unpacker *unpacker);

/* --- In line ---------------------------------------------------------------------------------- */

static inline void pack_uint(struct packer *packer, uint64_t value)
{
    struct buffer *out = packer->out;

    if (out->cap - out->len < PACKED_UINT_MAX && packer->rc == 0)
        packer->rc = buffer_reserve(out, PACKED_UINT_MAX);
    if (packer->rc < 0)
        return;
    for (; value >= 0x80; value >>= 7)
        out->data[out->len++] = (char)(value | 0x80);
    out->data[out->len++] = (char)value;
}

static inline void pack_int(struct packer *packer, int64_t value)
{
    pack_uint(packer, (uint64_t)value << 1 ^ -(uint64_t)(value < 0));
}
