/* How a fetch went, as members of a result's object. */
#pragma once

#include "daemon/base/json_writer.h"
#include "daemon/model/result.h"

/* All from "redirects" to "finished_at". */
void render_course(struct json_writer *w, const struct result *result);
