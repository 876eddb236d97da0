/* Idempotency-Key: a client that does not know whether its job was accepted sends it again with the
 * same key, and gets the same job.
 *
 * A key stands for one document: the digest of what comes with it is kept, and another document
 * under the same key is a mistake of the client. While a document is being received its key is
 * taken, so two of them at once cannot both find that there is no job yet.
 *
 * source  draft-ietf-httpapi-idempotency-key-header
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "lib/co/list.h"

#include "daemon/base/sha256.h"

/* The keys of documents that are being received. */
struct submit_keys {
    struct co_list taken;
};

struct submit_key {
    const char *text;   /* borrowed; NULL: there is none, and all calls do nothing */
    const char *tenant; /* whose key it is; others may use the same; borrowed */
    struct co_list link;
    struct sha256 digest;
    unsigned char fingerprint[SHA256_SIZE]; /* known at the end */
};

void submit_keys_init(struct submit_keys *keys);

/* Takes the key of a document that begins to come.
 *
 * tenant         whose it is: others have keys of their own
 * text           as in the header; NULL: it was not there
 * content_type   of the document; NULL: not said
 * returns        0; -EINVAL: not 1 to 255 visible characters of ASCII; -EBUSY: it is taken;
 *                -ENOMEM. In any case submit_key_done() may be called
 */
int submit_key_begin(struct submit_key *key, struct submit_keys *keys, const char *tenant,
                     const char *text, const char *content_type);
void submit_key_add(struct submit_key *key, const char *bytes, size_t n);

/* That was the document. returns 0, -ENOMEM */
int submit_key_end(struct submit_key *key);
void submit_key_done(struct submit_key *key);
