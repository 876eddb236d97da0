/* The columns of a table of results: the same names as in the CSV of gatherd, and where they are in
 * a result.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct result_column {
    const char *name;
    const char *pointer; /* into a result */
    bool is_ms;          /* milliseconds, with three decimals */
};

extern const struct result_column result_columns[];
extern const size_t n_result_columns;
