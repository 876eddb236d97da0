/* The checksum of what is kept on disk: it finds any burst of damage up to 32 bits, and all but one
 * in four thousand million of the rest.
 *
 * source     RFC 3720 12.1 (CRC32C, Castagnoli)
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

uint32_t crc32c(const void *bytes, size_t n);
