/* UTF-8, checked strictly: no overlong forms, no surrogates, nothing above U+10FFFF.
 *
 * source     RFC 3629 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Decode the character that text begins with.
 *
 * returns    how many bytes it has, 1 to 4; 0 if len is 0 or they are not UTF-8 */
size_t utf8_decode(const char *text, size_t len, uint32_t *ret_code_point);

bool utf8_is_valid(const char *text, size_t len);

/* How much of text that was cut at len bytes to keep, so that it does not end inside a character.
 * Bytes that are not UTF-8 anyway are kept. */
size_t utf8_whole(const char *text, size_t len);
