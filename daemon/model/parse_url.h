/* URLs of requests. */
#pragma once

#include "daemon/model/parse_reader.h"

/* Reads a URL into a request. One that is none is a defect of the document, or of the request if
 * the client has asked for that. */
int parse_url(struct parse_reader *reader, const struct parse_at *at, const char *text,
              size_t length, struct request *request);

/* Notes what is wrong with a URL. returns 0 */
int parse_url_defect(struct parse_reader *reader, const struct parse_at *at,
                     enum co_url_problem problem);

/* The value of an Authorization header for the userinfo of a URL; *ret_value stays as it is if
 * there is none. source RFC 7617 */
int parse_url_authorization(struct parse_reader *reader, const struct co_url *url,
                            const char **ret_value);
