/* A result in few bytes, for the store.
 *
 * It is split in two. The shape is what many results of a job have in common: status, version,
 * headers (but for those that differ each time), addresses, TLS, errors. The row is the rest:
 * times, sizes, the number in order of completion, attempts, hops, the hash. Equal shapes are kept
 * once, so a row is some 40 bytes. The captured body is in neither.
 *
 * Numbers are varints (LEB128; signed ones zigzag), durations microseconds, instants relative to
 * the job's creation; texts have their length before them. Both parts begin with the version of
 * their form, and what a newer gatherd wrote is refused. What is static in this program is kept as
 * text; the codes of errors become the static ones again (model/error_code.h), which tallies need.
 * The row ends with a checksum of both, so that what a disk has changed is never shown.
 *
 * The shape also says what there is in the row, so that what hardly differs costs nothing there.
 * Headers that differ each time (content-length, date, etag, ..., see header_codec.h) are numbers
 * in the row where they can be.
 */
#pragma once

#include "daemon/base/arena.h"
#include "daemon/base/buffer.h"
#include "daemon/model/result.h"

/* Appends the shape and the row of a result. returns 0, -ENOMEM, -EMSGSIZE */
int result_encode(const struct result *result, uint64_t seq, int64_t job_created_at,
                  struct buffer *shape, struct buffer *row);

struct encoded_result {
    const char *shape;
    size_t shape_length;
    const char *row;
    size_t row_length;
    const char *body; /* captured; NULL: none */
    size_t body_length;
};

/* Makes a result of it again, equal in everything that render_result() shows. Texts live in the
 * arena or borrow from `encoded`; result_done() is not called for it.
 *
 * returns    0; -ENOMEM; -EBADMSG: these bytes are none, or from a newer version
 */
int result_decode(const struct encoded_result *encoded, int64_t job_created_at, struct arena *arena,
                  struct result *ret_result, uint64_t *ret_seq);
