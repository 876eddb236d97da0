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

/* A place in a text: what is before it has so many lines that ended, and so many characters since.
 */
struct text_place {
    size_t line; /* from 1 */
    size_t column;
};

/* Where a text leaves something of the document out: behind `here` it goes on with what is behind
 * `there` in the document. */
struct text_cut {
    struct text_place here, there;
};

struct parse_reader {
    const struct parse_settings *settings;
    enum parse_kind kind;
    struct job_spec *spec; /* being made */
    struct defect_list *defects;
    uint64_t n_found_before; /* defects that are not of this document */
    struct parse_refusal refusal;
    size_t line; /* of the text, from 1; 0: the document is not made of lines */

    /* Of a text that is but part of a JSON document: */
    const struct text_cut *cuts; /* what is left out, in order */
    size_t n_cuts;
    size_t depth;    /* arrays and objects around it */
    bool is_cut_off; /* it could not be loaded because its end is missing */

    const struct fetch_options *options;      /* of a request that says nothing */
    const struct fetch_options *last_options; /* that differ from these in method and headers only,
                                                 or in auth taken away; NULL: none yet */
    bool method_is_given;                     /* by the client, in these options */
    bool is_kept;                             /* the document was accepted once, and what it names
                                                 may not be offered any more */
    bool reports_invalid_urls;                /* "on_invalid": "report" */
    uint64_t n_items;                         /* of the requests so far */
};

/* Makes an empty spec. returns 0, -ENOMEM, PARSE_REFUSED; a parse_reader_done() is owed always */
int parse_reader_init(struct parse_reader *reader, const struct parse_settings *settings,
                      enum parse_kind kind, struct defect_list *defects);

/* Makes a reader for some of the requests of a document whose other members `head` has read. What
 * it reads borrows from the head's spec. returns 0, -ENOMEM; a parse_reader_done() is owed always
 */
int parse_reader_init_part(struct parse_reader *reader, const struct parse_reader *head,
                           const struct parse_settings *settings);

/* Frees the spec, if nobody has taken it. */
void parse_reader_done(struct parse_reader *reader);

/* returns 0, so that `return parse_defect(...)` reads as one step */
int parse_defect(struct parse_reader *reader, const struct parse_at *at, const char *code,
                 const char *format, ...) __attribute__((format(printf, 4, 5)));

/* returns PARSE_REFUSED */
int parse_refuse(struct parse_reader *reader, int status, const char *code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Refuses a document that has defects. returns 0: it has none; PARSE_REFUSED */
int parse_refuse_defects(struct parse_reader *reader);

/* Why there was no room for size bytes in the spec: it is as large as it may get, or memory is
 * short. returns PARSE_REFUSED, -ENOMEM */
int parse_no_room(struct parse_reader *reader, size_t size);

/* Copies into the spec. returns 0, PARSE_REFUSED, -ENOMEM */
int parse_copy(struct parse_reader *reader, const void *bytes, size_t length,
               const char **ret_copy);
