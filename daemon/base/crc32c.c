/* Eight tables, so that eight bytes are looked up at once and not one after the other.
 *
 * source     Kounavis, Berry: Novel Table Lookup-Based Algorithms for High-Performance CRC
 *            Generation (2008): slicing-by-8
 */
#include "daemon/base/crc32c.h"

#include <endian.h>
#include <string.h>

enum { N_SLICES = 8, POLYNOMIAL = 0x82f63b78 /* bits reversed */ };

/* tables[k][b]: of the byte b with k zero bytes behind it */
static uint32_t tables[N_SLICES][256];

static uint32_t crc_of_byte(uint32_t byte)
{
    for (int bit = 0; bit < 8; bit++)
        byte = byte >> 1 ^ ((byte & 1) != 0 ? (uint32_t)POLYNOMIAL : 0);
    return byte;
}

/* Before main(), so that threads need not agree who does it. */
__attribute__((constructor)) static void make_tables(void)
{
    for (uint32_t b = 0; b < 256; b++) {
        tables[0][b] = crc_of_byte(b);
        for (size_t k = 1; k < N_SLICES; k++)
            tables[k][b] = tables[k - 1][b] >> 8 ^ crc_of_byte(tables[k - 1][b] & 0xff);
    }
}

static uint32_t add_eight(uint32_t crc, const unsigned char *bytes)
{
    uint64_t next;
    uint32_t sum = 0;

    memcpy(&next, bytes, sizeof(next));
    next = le64toh(next) ^ crc;
    for (size_t k = 0; k < N_SLICES; k++)
        sum ^= tables[N_SLICES - 1 - k][next >> 8 * k & 0xff];
    return sum;
}

uint32_t crc32c(const void *bytes, size_t n)
{
    const unsigned char *next = bytes;
    uint32_t crc = UINT32_MAX;

    for (; n >= N_SLICES; n -= N_SLICES, next += N_SLICES)
        crc = add_eight(crc, next);
    for (; n > 0; n--)
        crc = crc >> 8 ^ tables[0][(crc ^ *next++) & 0xff];
    return ~crc;
}
