/* Whether a document has only characters that it may have: UTF-8 without NUL. */
#pragma once

#include "daemon/model/parse_reader.h"

int parse_check_characters(struct parse_reader *reader, const char *text, size_t length);

/* The same for a document that comes in slices. */
struct parse_characters {
    size_t n_lines; /* that have ended */
    char cut[4];    /* the start of a character whose end is in the next slice */
    size_t n_cut;
};

int parse_characters_next(struct parse_characters *characters, struct parse_reader *reader,
                          const char *slice, size_t length);
int parse_characters_end(struct parse_characters *characters, struct parse_reader *reader);
