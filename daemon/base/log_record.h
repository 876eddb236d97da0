/* A record, before it has a form. */
#pragma once

#include <stdint.h>

#include "daemon/base/log_event.h"

enum {
    LOG_MESSAGE_MAX = 2048, /* bytes, as written; of plain text: with all that is before it */
    LOG_VALUE_MAX = 256,
    LOG_FIELDS_MAX = 4, /* what is beyond them is left out */
};

/* What a message is about, for machines. */
struct log_field {
    const char *name;  /* [a-z_]+; NULL: the end */
    const char *value; /* NULL: the field is left out */
};

/* Where in the source it is logged. */
struct log_place {
    const char *file;
    const char *function;
    int line;
};

struct log_record {
    enum event event;
    int64_t at;
    struct log_place place;
    const struct log_field *fields; /* NULL: none */
    const char *message;
};
