/* A client's document on its way to becoming a stored job: bytes go in as they arrive, checked
 * chunks come out, and memory does not grow with the number of requests.
 *
 * The same forms are taken as by job_parse(), with the same refusals and defects (pointers and
 * lines included). NDJSON and lists of URLs are read line by line. A JSON document is read element
 * by element: of "requests", "urls" or the array that it is. All that is not requests is the head,
 * of at most INTAKE_HEAD_MAX bytes.
 *
 * Requests can be checked only when "defaults" and "on_invalid" are known. Documents of up to
 * INTAKE_WHOLE_MAX bytes may have their members in any order; in a larger one these two must come
 * before the requests, or it is refused (422 misplaced_member).
 *
 * After the first defect nothing more is emitted, but all of the document is still checked. With a
 * refusal it is over: of a document that could be refused for several reasons it is the first one
 * that is met.
 */
#pragma once

#include "daemon/model/job_text.h"

enum {
    INTAKE_HEAD_MAX = 128 * 1024,           /* with more of one of these it is refused: 413 */
    INTAKE_ELEMENT_MAX = 16 * 1024 * 1024,  /* one request */
    INTAKE_CHUNKS_MAX = 1024 * 1024 * 1024, /* text of all chunks: "repeat" may multiply it */
    INTAKE_WHOLE_MAX = 1024 * 1024,         /* JSON that is held until all of it is there */
};

/* Who gets the chunks, in order; what is given is valid during the call, which may suspend if the
 * caller of intake_write() may. A negative result ends the intake, and is what the call that caused
 * it returns. */
struct intake_sink {
    int (*put)(void *arg, const struct job_chunk *chunk);
    void *arg;
    /* Where a large request is read, which can take seconds, and a large head: runs fn(arg), and
     * returns its result or -errno if it could not. NULL: on the spot */
    int (*elsewhere)(int (*fn)(void *arg, void **ret_result), void *arg);
};

struct intake;

/* content_type: NULL: not said. settings: held. returns 0, -ENOMEM */
int intake_new(struct intake **ret_intake, const struct parse_settings *settings,
               const char *content_type, const struct intake_sink *sink);
void intake_free(struct intake *intake); /* NULL is fine */
void intake_freep(struct intake **intake);

/* Takes some more bytes. A million URLs take half a second of computing, so give it slices of some
 * 32 KiB and let others have a turn between them. What was held, up to INTAKE_WHOLE_MAX bytes, is
 * read at once or by intake_end(), but never more than a chunk of it between two calls of put():
 * that is the place for a turn of others, too.
 *
 * returns    0; 1: refused, see intake_refusal(); -ENOMEM; the sink's result
 */
int intake_write(struct intake *intake, const char *bytes, size_t n);

/* That was all. Returns as intake_write(); 1 also when there are defects. */
int intake_end(struct intake *intake);

const struct parse_refusal *intake_refusal(const struct intake *intake);
const struct defect_list *intake_defects(const struct intake *intake);

/* After intake_end() has returned 0: how many items, and the head as text. */
uint32_t intake_n_items(const struct intake *intake);
void intake_head(const struct intake *intake, const char **ret_text, size_t *ret_length);
const struct job_spec *intake_head_spec(const struct intake *intake);
