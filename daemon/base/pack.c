#include "daemon/base/pack.h"

void pack_bytes(struct packer *packer, const void *bytes, size_t n)
{
    if (packer->rc == 0)
        packer->rc = buffer_append(packer->out, bytes, n);
}

void pack_blob(struct packer *packer, const void *bytes, size_t n)
{
    pack_uint(packer, n);
    pack_bytes(packer, bytes, n);
}

/* The length is that with the NUL; 0 stands for NULL. */
void pack_text(struct packer *packer, const char *text)
{
    if (text == NULL)
        pack_uint(packer, 0);
    else
        pack_blob(packer, text, strlen(text) + 1);
}

static uint64_t bad(struct unpacker *unpacker)
{
    unpacker->is_bad = true;
    unpacker->at = unpacker->end;
    return 0;
}

uint64_t unpack_uint(struct unpacker *unpacker)
{
    uint64_t value = 0;

    for (unsigned shift = 0; shift < 64 && unpacker->at < unpacker->end; shift += 7) {
        uint64_t bits = (unsigned char)*unpacker->at++;
        if (shift == 63 && bits > 1)
            return bad(unpacker);
        value |= (bits & 0x7f) << shift;
        if (bits < 0x80)
            return value;
    }
    return bad(unpacker);
}

int64_t unpack_int(struct unpacker *unpacker)
{
    uint64_t value = unpack_uint(unpacker);

    return (int64_t)(value >> 1 ^ (0 - (value & 1)));
}

uint64_t unpack_below(struct unpacker *unpacker, uint64_t limit)
{
    uint64_t value = unpack_uint(unpacker);

    return value < limit ? value : bad(unpacker);
}

size_t unpack_count(struct unpacker *unpacker)
{
    uint64_t n = unpack_uint(unpacker);

    return n <= (size_t)(unpacker->end - unpacker->at) ? n : bad(unpacker);
}

const char *unpack_bytes(struct unpacker *unpacker, size_t n)
{
    const char *bytes = unpacker->at;

    if (n > (size_t)(unpacker->end - unpacker->at) || unpacker->is_bad) {
        bad(unpacker);
        return NULL;
    }
    unpacker->at += n;
    return bytes;
}

const char *unpack_blob(struct unpacker *unpacker, size_t *ret_n)
{
    size_t n = unpack_count(unpacker);
    const char *bytes = unpack_bytes(unpacker, n);

    *ret_n = bytes != NULL ? n : 0;
    return bytes;
}

const char *unpack_text(struct unpacker *unpacker)
{
    size_t n;
    const char *text = unpack_blob(unpacker, &n);

    if (n == 0)
        return NULL;
    if (text[n - 1] == '\0')
        return text;
    bad(unpacker);
    return NULL;
}
