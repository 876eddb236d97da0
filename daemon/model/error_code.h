/* The codes that a result's error can have (docs: results). */
#pragma once

#include <stddef.h>

/* The static text of a code that is the same; NULL: there is no such code. */
const char *error_code_find(const char *text);
