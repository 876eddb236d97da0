/* The operator's secrets, read from their file; see credentials.h for how it is written. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "daemon/base/arena.h"
#include "daemon/base/err.h"
#include "daemon/base/operator_file.h"

enum { SECRETS_MAX = 10000, SECRET_NAME_MAX = 64, SECRET_VALUE_MAX = 16 * 1024 };

struct secret {
    const char *name;
    const char *value;
    const char *const *hosts; /* "api.example.com", or ".example.com" for all below it */
    size_t n_hosts;           /* 0: it may go anywhere */
    unsigned line;            /* of the file */
};

/* All zeros: there are none. */
struct secrets {
    struct operator_file file; /* in which names and values are; the only copy of the values */
    struct arena arena;        /* of all else */
    struct secret *items;
    size_t n_items; /* sorted by name */
};

/* A name of a secret or certificate. */
bool secrets_is_name(const char *text, size_t length);

/* returns    0, owing one secrets_done(); -EINVAL, -ENOMEM, or why the file cannot be read */
int secrets_load(struct secrets *ret_secrets, const char *path, struct err *err);

/* Wipes the values. */
void secrets_done(struct secrets *secrets);

/* returns NULL: there is no such secret */
const struct secret *secrets_find(const struct secrets *secrets, const char *name);

bool secret_may_go_to(const struct secret *secret, const char *host);
