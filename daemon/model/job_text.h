/* A job as text, the form in which it is kept: a head, and requests in chunks.
 *
 * The head is the client's JSON document without its requests ("{}": it said nothing), a chunk is
 * lines: a URL as it was written, or the JSON object of a request on one line. So a stored job is
 * read by the same rules as a client's, a new gatherd reads what an old one has stored as long as
 * it reads what old clients send, and the operator's settings of today count: a proxy or a secret
 * that is not offered any more makes its request a defect, not the chunk.
 */
#pragma once

#include "daemon/model/parse.h"

/* Items in a chunk at most: a request with "repeat" has its items in as many as it needs. */
enum { CHUNK_ITEMS = 256 };

/* Of unsafe requests: those of one chunk count as sent from when the first of them is. */
enum { UNSAFE_CHUNK_ITEMS = 16 };

/* Once its text is that long a chunk takes no more requests, so it is longer than that only if one
 * request is. */
enum { CHUNK_BYTES = 256 * 1024 };

struct job_chunk {
    uint32_t first;   /* index of its first item in the job */
    uint32_t n_items; /* 1..CHUNK_ITEMS */
    uint32_t skip;    /* repetitions of its first request that belong to chunks before */
    bool is_unsafe;   /* it has a request that may not be repeated: not GET, HEAD, OPTIONS, TRACE */
    const char *lines; /* separated by '\n', without one at the end */
    size_t length;
};

/* Whether a request may be sent again when nobody knows whether it has been: RFC 9110 9.2.1. */
bool request_is_safe(const struct request *request);

/* What a job says of all its requests. Immutable; whatever is parsed with it borrows from it. */
struct job_head;

/* text: as above. returns as job_parse(), with the pointers of the client's document */
int job_head_parse(const struct parse_settings *settings, const char *text, size_t length,
                   struct defect_list *defects, struct parse_refusal *ret_refusal,
                   struct job_head **ret_head);
void job_head_free(struct job_head *head); /* NULL is fine */
void job_head_freep(struct job_head **head);

/* Everything but requests: name, labels, limits, policy, deadline, ... Its n_items is 0. */
const struct job_spec *job_head_spec(const struct job_head *head);

/* Reads a stored chunk. Its requests have been accepted once, so what cannot be read now is no
 * refusal: such a request gets a request_defect with the code "invalid_url" or "internal".
 *
 * ret_spec   has the chunk's items, in order, and borrows from the head, which must live longer
 * returns    0, -ENOMEM; -EBADMSG: the lines are not n_items items
 */
int job_chunk_parse(const struct job_head *head, const struct job_chunk *chunk,
                    struct job_spec **ret_spec);
