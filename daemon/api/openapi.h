/* The contract of the API: openapi.json, which is part of the program. Written by hand; tests hold
 * it against the routes, the tables that documents are read by, and what is answered.
 *
 * source  OpenAPI Specification, version 3.1
 */
#pragma once

extern const char openapi_json[], openapi_json_end[]; /* without a NUL */
