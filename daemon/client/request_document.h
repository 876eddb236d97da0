/* The document of POST /v1/gather and POST /v1/jobs, out of options, arguments and files. */
#pragma once

#include <stdint.h>

#include "daemon/base/buffer.h"
#include "daemon/base/err.h"

struct options;

/* Where an item was written, for messages about it. */
struct item_place {
    const char *source; /* the name of a file */
    unsigned long line; /* 0: it has none */
};

struct request_document {
    struct buffer json;
    struct item_place *places;
    size_t n_items; /* that are written, each maybe to be repeated */
    size_t places_max;
    uint64_t n_requests; /* with repetitions */
};

/* Reads what is to be fetched.
 *
 * words      URLs of the command line
 * returns    0: owed a request_document_done()
 *            -EINVAL, and what reading failed with: err says it; -ECANCELED, -ENOMEM
 * suspends   while it waits for standard input
 */
int request_document_make(struct request_document *ret_document, const struct options *options,
                          size_t n_words, char **words, struct err *err);
void request_document_done(struct request_document *document);

/* Reads a file as it is; "-" is standard input.
 *
 * ret_bytes  always initialised
 * returns    0; negative: err says why, or -ECANCELED, -ENOMEM
 * suspends   while it waits for standard input
 */
int request_file_read(const char *name, struct buffer *ret_bytes, struct err *err);
