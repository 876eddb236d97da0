/* What must be so of every URL that was accepted, whatever it looks like: above all, that libcurl
 * connects to the host that was checked, and that the canonical form stays what it is. */
#pragma once

#include "lib/net/url.h"

/* What should be so, and is not; NULL: all is well. */
const char *url_flaw(const struct co_url *url);
