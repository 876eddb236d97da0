/* "auth": whose word opens the door. */
#pragma once

#include "daemon/model/parse_value.h"

parse_fn parse_auth; /* const struct fetch_auth *; what it was is merged with; null takes it away */
