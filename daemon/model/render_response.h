/* What an origin answered, as members of a result's object. */
#pragma once

#include "daemon/base/json_writer.h"
#include "daemon/model/job_spec.h"
#include "daemon/model/result.h"

/* The member "status_code"; null of 0. */
void render_status(struct json_writer *w, int status);

/* Whether the client wants to see response headers of this name. */
bool render_keeps_header(const struct fetch_options *options, const char *name);

/* The value of a Location header. An origin may send somebody else's password along with it. */
void render_location(struct json_writer *w, const char *url);

/* All from "status_code" to "body". */
void render_response(struct json_writer *w, const struct fetch_options *options,
                     const struct result *result, bool with_body);
