/* "resolve": where hosts are, instead of what their names say. */
#pragma once

#include "daemon/model/parse_value.h"

parse_fn parse_pins; /* those of struct fetch_options; null takes them away */
