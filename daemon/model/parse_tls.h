/* "tls": how to speak TLS. */
#pragma once

#include "daemon/model/parse_value.h"

parse_fn parse_tls; /* struct co_http_tls_options; null is what the daemon does by itself */
