/* How to fetch: the members that a request shares with "defaults". */
#pragma once

#include "daemon/model/parse_headers.h"
#include "daemon/model/parse_object.h"

/* Options while they are being read. They begin as a copy, and what is read replaces parts of it:
 * that is the deep merge. */
struct parse_options {
    struct fetch_options options;
    struct json_t *headers; /* to be merged last; borrowed; NULL: none */
    bool method_is_given;
};

/* Headers that follow from the rest of a request. NULL: none. */
struct parse_derived {
    const char *content_type;
    const char *authorization;
};

/* Begins as what the reader has for a request that says nothing. */
void parse_options_init(struct parse_options *draft, const struct parse_reader *reader);

/* The members, for parse_object(). */
struct parse_layer parse_options_layer(struct parse_options *draft);

/* Puts the options of the object at `at`, from which the layer was read, into the spec; or finds
 * them there, if the object before was alike. Derived headers come over those of the defaults only
 * where there is none, and under those of the object. */
int parse_options_keep(struct parse_reader *reader, const struct parse_at *at,
                       const struct parse_layer *layer, const struct parse_derived *derived,
                       const struct fetch_options **ret_options);
