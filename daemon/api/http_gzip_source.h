/* A body source that compresses another one while it is being sent, so that no answer, however
 * large, keeps the loop busy for long. */
#pragma once

#include "daemon/api/http_exchange.h"

/* Takes plain over when it succeeds. returns 0, -ENOMEM */
int http_gzip_source_init(struct http_body_source *ret_source,
                          const struct http_body_source *plain);
