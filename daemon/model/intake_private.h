/* An intake from inside. It begins by holding what comes, until it is known what it is; then it is
 * read line by line, or element by element: with a look ahead when all of it is there, else while
 * it comes in. */
#pragma once

#include "daemon/model/chunk_maker.h"
#include "daemon/model/intake.h"
#include "daemon/model/json_split.h"
#include "daemon/model/parse_characters.h"
#include "daemon/model/parse_format.h"
#include "daemon/model/parse_head.h"
#include "daemon/model/parse_reader.h"

struct json_t;

/* How the bytes are read now. Both return 0, PARSE_REFUSED with the refusal in intake->reader,
 * -ENOMEM, what the sink has returned. */
struct intake_mode {
    int (*write)(struct intake *intake, const char *bytes, size_t n);
    int (*end)(struct intake *intake);
};

extern const struct intake_mode intake_held, intake_lines, intake_json;

struct intake {
    struct parse_settings settings; /* held */
    const struct intake_mode *mode;
    enum parse_format format;
    struct defect_list defects;
    struct chunk_maker chunks;
    int (*elsewhere)(int (*fn)(void *arg, void **ret_result), void *arg); /* or NULL */
    char *head_text;
    size_t head_length;
    struct job_head *head;

    /* While it is held. */
    struct buffer held;
    size_t held_max;   /* of JSON: then it is read while it comes in */
    size_t n_skipped;  /* of its bytes: they are blank */
    size_t n_searched; /* of its bytes: for the end of the first line */

    /* While it is read. */
    struct parse_characters characters;
    struct parse_reader head_reader; /* has read what counts for all requests */
    struct parse_reader reader;      /* of requests, for some of them at a time */
    struct defect_list found;        /* in requests: they come behind those in the head */
    size_t n_requests;
    bool is_bad; /* there are defects in the head */

    struct buffer cut_line; /* what slices before have of it */

    struct json_split split;
    bool has_looked_ahead; /* what counts for all requests is known before the first of them */
    struct parse_requests_place place;
    bool is_ignored; /* the array that is being read: it is not that of the requests */
};

/* Goes on in another mode, with nothing read so far. */
int intake_begin_lines(struct intake *intake);
int intake_begin_json(struct intake *intake);

/* Finds what counts for all requests wherever it is in a document that is here as a whole, and is
 * still to be written. returns 0, also if it cannot be read; -ENOMEM */
int intake_look_ahead(struct intake *intake, const char *text, size_t length);

/* Begins to read what counts for all requests, which may be nothing. */
int intake_begin_head(struct intake *intake);

/* Begins to read requests, by what the head's reader has read. */
int intake_begin_requests(struct intake *intake);

/* Reads a request that has come in and adds it to the chunks, unless there are defects. */
int intake_request(struct intake *intake, const struct parse_at *at,
                   const struct request_text *text);

/* Adds a request that has been read. */
int intake_add(struct intake *intake, const struct request *request,
               const struct request_text *text);

/* Refuses it if there are defects; else keeps the head. The last chunk is still to be given away.
 *
 * rest   what is left of a JSON document without its requests; NULL: it is none
 */
int intake_keep_head(struct intake *intake, struct json_t *rest);

/* Does what takes long if there is much of it. It may not put chunks. */
int intake_compute(struct intake *intake, bool is_large, int (*fn)(void *arg, void **ret_result),
                   void *arg);

/* advice: what to do instead: half a sentence */
int intake_too_large(struct intake *intake, const char *what, size_t max, const char *advice);
