/* "callback": whom a job tells that it has ended. */
#pragma once

#include "daemon/model/parse_value.h"

parse_fn parse_callback; /* const struct job_callback * */
