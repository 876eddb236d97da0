/* Statuses as clients write them: 404, a class "2xx", a range "200-299". */
#pragma once

#include "daemon/model/parse_value.h"
#include "daemon/model/status_set.h"

/* Adds what a text says to a set. returns false, and has done nothing: it is no status */
bool parse_status_text(const char *text, struct status_set *set);

parse_fn parse_status;     /* struct status_set, which one of them is added to */
parse_fn parse_status_set; /* struct status_set, replaced by one of them or an array of several */
