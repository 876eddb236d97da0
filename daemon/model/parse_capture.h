/* "capture": what to keep of a response. */
#pragma once

#include "daemon/model/parse_value.h"

parse_fn
    parse_capture; /* what is so called in struct fetch_options; null is the daemon's default */
