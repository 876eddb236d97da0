/* Text of strangers on its way to a terminal.
 *
 * What a URL, a header or a title says must not be able to do anything but be read: control
 * characters become escapes as in C, and so do characters that nobody sees, or that turn the order
 * of others around. Bytes that are no UTF-8 are shown as \x and two digits; where there is only
 * ASCII, all else is \u{1f600}. What is there then can be written to the terminal as it is.
 *
 * source     Unicode TR 36 and UAX 9; wcwidth(3), in the locale that main() has set
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "daemon/base/buffer.h"

/* Appends the text as it is to be shown. returns as buffer_append() */
int shown_text_append(struct buffer *out, const char *text, size_t length, bool is_utf8);

/* How many columns a text has that is to be shown so. */
size_t shown_text_width(const char *text, size_t length);

/* How much of such a text, in bytes, fits into so many columns. */
size_t shown_text_fit(const char *text, size_t length, size_t max_width);
