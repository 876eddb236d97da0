/* What a request sends: text, bytes in base64, JSON or a form. */
#pragma once

#include "daemon/model/parse_object.h"

struct parse_body {
    const char *bytes; /* NULL: there is no body */
    size_t length;
    const char *content_type; /* that goes with it; NULL: none */
    const char *member;       /* where it was; NULL: nowhere yet */
};

/* The members, of which a request may have one; for parse_object(). */
struct parse_layer parse_body_layer(struct parse_body *body);
