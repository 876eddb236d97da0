/* What the operator keeps, by its name. No message shows a name, since it may be the secret itself
 * that somebody has put there, and none says which names there are. */
#pragma once

#include "daemon/model/parse_value.h"

parse_fn parse_secret_ref;      /* const char *: the name */
parse_fn parse_certificate_ref; /* const char *: the path of the file; null: none */
parse_fn parse_proxy;           /* const struct co_url *: the operator's; null: none */
