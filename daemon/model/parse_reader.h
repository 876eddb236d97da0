/* What all that reads a client's document shares: where it is in the document, what it makes of it,
 * and what is wrong with it.
 *
 * A function that reads a value returns 0 also after a defect, which it has noted, because there
 * may be more to find. Anything else ends the reading: -ENOMEM, or PARSE_REFUSED, and then the
 * refusal is in the reader.
 */
#pragma once

#include <errno.h>

#include "daemon/model/parse.h"

enum { PARSE_REFUSED = -EINVAL };

/* A place in the document: a member or an element of its parent, which is NULL for the root. It
 * lives on the stack of who reads what is there, so that the good case costs no pointer. */
struct parse_at {
    const struct parse_at *parent;
    const char *key; /* NULL: an element */
    size_t index;    /* of an element */
};

struct parse_reader {
    const struct parse_settings *settings;
    enum parse_kind kind;
    struct job_spec *spec; /* being made */
    struct defect_list *defects;
    uint64_t n_found_before; /* defects that are not of this document */
    struct parse_refusal refusal;
    size_t line; /* of the text, from 1; 0: the document is not made of lines */

    const struct fetch_options *options;      /* of a request that says nothing */
    const struct fetch_options *last_options; /* that differ from these in method and headers only,
                                                 or in auth taken away; NULL: none yet */
    bool method_is_given;                     /* by the client, in these options */
    bool reports_invalid_urls;                /* "on_invalid": "report" */
    uint64_t n_items;                         /* of the requests so far */
};

/* Makes an empty spec. returns 0, -ENOMEM, PARSE_REFUSED; a parse_reader_done() is owed always */
int parse_reader_init(struct parse_reader *reader, const struct parse_settings *settings,
                      enum parse_kind kind, struct defect_list *defects);

/* Frees the spec, if nobody has taken it. */
void parse_reader_done(struct parse_reader *reader);

/* returns 0, so that `return parse_defect(...)` reads as one step */
int parse_defect(struct parse_reader *reader, const struct parse_at *at, const char *code,
                 const char *format, ...) __attribute__((format(printf, 4, 5)));

/* returns PARSE_REFUSED */
int parse_refuse(struct parse_reader *reader, int status, const char *code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Why there was no room for size bytes in the spec: it is as large as it may get, or memory is
 * short. returns PARSE_REFUSED, -ENOMEM */
int parse_no_room(struct parse_reader *reader, size_t size);

/* Copies into the spec. returns 0, PARSE_REFUSED, -ENOMEM */
int parse_copy(struct parse_reader *reader, const void *bytes, size_t length,
               const char **ret_copy);
