/* Takes the requests out of a JSON document while it comes in, so that it need not be held.
 *
 * The requests are the elements of the array that the document is, or of "requests" or "urls" in
 * the object that it is. The text of each is handed out as soon as it is whole. What is left is the
 * head: the document with nothing in those arrays, `{"name": "x", "requests": []}`.
 *
 * Nothing is checked here. What is wrong with an element is found by who reads it, everything else
 * by who reads the head: where the elements do not follow each other as they should, the head goes
 * on with all there is from that place on, with "" for what was there before.
 */
#pragma once

#include <stdbool.h>

#include "daemon/base/buffer.h"
#include "daemon/model/parse_reader.h"

/* Takes an element. A negative result ends the work. */
typedef int json_split_fn(void *arg, const char *text, size_t length);

enum {
    JSON_SPLIT_CUTS_MAX = 4, /* a good document has one */
    JSON_SPLIT_KEY_MAX = 64,
};

enum json_split_state {
    SPLIT_HEAD,
    SPLIT_FIRST, /* behind the [ of requests */
    SPLIT_NEXT,  /* behind a comma */
    SPLIT_AFTER, /* behind an element */
    SPLIT_STRING,
    SPLIT_NESTED, /* an element that is an array or an object */
    SPLIT_SCALAR,
    N_SPLIT_STATES
};

struct json_split {
    /* For whoever asks. */
    struct buffer head;
    struct text_cut cuts[JSON_SPLIT_CUTS_MAX]; /* one for each array of requests in the head */
    size_t n_cuts;
    size_t n_elements; /* of the last of these, before the one that is handed out */
    size_t depth;      /* arrays and objects open in the head */
    bool is_broken;    /* the head has the end that does not follow */

    enum json_split_state state;
    json_split_fn *take;
    void *arg;
    char last;                    /* token in the head, its first character; 0: none yet */
    char key[JSON_SPLIT_KEY_MAX]; /* the last one in the head, as it is written */
    size_t key_length;
    bool in_string, is_escaped, in_key;
    size_t n_nested; /* arrays and objects open in an element */

    struct text_place place; /* of the slice that is being read */
    const char *slice;
    const char *start;     /* of the element's part in it */
    struct buffer element; /* its parts in slices before */
    struct text_place element_place;
};

/* max: bytes of the head, and of an element. Frees: json_split_done() */
void json_split_init(struct json_split *split, size_t head_max, size_t element_max,
                     json_split_fn *take, void *arg);
void json_split_done(struct json_split *split);

/* Reads on.
 *
 * returns    0; -EMSGSIZE: the head or an element is too large; -ENOMEM; what take() returned
 */
int json_split_write(struct json_split *split, const char *bytes, size_t n);

/* That was all; hands out what there is of an element that is not whole. */
int json_split_end(struct json_split *split);

/* For take(): where its element begins. */
struct text_place json_split_place(const struct json_split *split);
