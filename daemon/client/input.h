/* What a person wants fetched, one request after another, out of a file or a pipe.
 *
 * However it is written, each request comes out as JSON: of a URL in quotes, or of an object as
 * POST /v1/gather takes them. What is read is held no longer than it takes to make the next one, so
 * a list may be as long as it likes. Anything may be compressed with gzip.
 *
 * What is wrong is told with the name of the source and the line: "urls.txt:17: ...". URLs
 * themselves are not repeated, since there may be a password in them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "daemon/base/err.h"

/* Where bytes come from. */
struct input_source {
    const char *name; /* for messages; borrowed */
    /* returns how many bytes; 0: that was all; -errno. May suspend if the caller may. */
    ssize_t (*read)(void *arg, char *bytes, size_t max);
    void *arg;
};

struct input_settings {
    const char *format;  /* the name of one; NULL: to be found out */
    bool takes_any_text; /* for a URL: what is none is for the daemon to tell */
};

/* Valid until the next one. */
struct input_item {
    const char *json; /* without line breaks */
    size_t length;
    unsigned long line; /* where it is, or begins */
};

struct input;

/* source     its name and arg are borrowed
 * err        borrowed: what input_next() says is wrong
 * returns    0; -EINVAL: there is no such format, err says which there are; -ENOMEM */
int input_new(struct input **ret_input, const struct input_source *source,
              const struct input_settings *settings, struct err *err);
void input_free(struct input *input); /* NULL is fine */
void input_freep(struct input **input);

/* returns    1: *ret_item is the next; 0: there are no more; negative, and err says why: -EINVAL:
 *            what is there makes no sense; what reading failed with; -ENOMEM
 * suspends   if reading does */
int input_next(struct input *input, struct input_item *ret_item);

/* The names of all formats, for help and completion: 0 on; NULL behind the last. */
const char *input_format_name(size_t i);
const char *input_format_about(size_t i);
