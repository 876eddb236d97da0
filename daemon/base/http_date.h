/* The dates of HTTP headers, in all three forms that must be read:
 *
 *     Sun, 06 Nov 1994 08:49:37 GMT      IMF-fixdate, the one to write
 *     Sunday, 06-Nov-94 08:49:37 GMT     RFC 850
 *     Sun Nov  6 08:49:37 1994           asctime()
 *
 * source     RFC 9110 section 5.6.7
 */
#pragma once

#include <stdint.h>

enum { HTTP_DATE_SIZE = sizeof("Sun, 06 Nov 1994 08:49:37 GMT") };

/* Reads a date, which must be the whole text.
 *
 * now          microseconds since 1970; a year of two digits is the one that is at most 50 years
 *              ahead of it
 * ret_instant  microseconds since 1970, of a whole second
 * returns      0; -EINVAL: it is none, or names a day that does not exist, or the year 10000.
 * Whether the name of the day is the right one does not count
 */
int http_date_parse(const char *text, int64_t now, int64_t *ret_instant);

/* Reads an IMF-fixdate that is just as http_date_format() writes it, with the right name of the
 * day; several times faster. returns 0, -EINVAL */
int http_date_parse_fixdate(const char *text, int64_t *ret_instant);

/* Writes an IMF-fixdate of an instant of the years 0 to 9999, and a NUL. */
void http_date_format(int64_t instant, char text[static HTTP_DATE_SIZE]);
