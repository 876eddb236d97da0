/* The contract of the API: openapi.json, which is part of the program. Written by hand; tests hold
 * it against the routes, the tables that documents are read by, and what is answered.
 *
 * source  OpenAPI Specification, version 3.1
 */
#pragma once

#include <stdint.h>

extern const char openapi_json[]; /* without a NUL */
extern const uint32_t openapi_json_length;
