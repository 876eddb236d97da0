/* What this gatherd is made of: for reports of defects. */
#pragma once

#include <stdio.h>

/* A line each: gatherd, the libraries it runs with (which need not be those it was compiled with),
 * and how coroutines are switched. */
void versions_print(FILE *out);

enum { VERSIONS_SIZE = 256 };

/* The libraries in one line: "libcurl 7.88.1, libmicrohttpd 0.9.75, ..." */
void versions_of_libraries(char out[VERSIONS_SIZE]);
