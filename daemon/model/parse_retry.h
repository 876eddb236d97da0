/* "retry": when to try again. */
#pragma once

#include "daemon/model/parse_value.h"

parse_fn parse_retry; /* struct fetch_retry */
