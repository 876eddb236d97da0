/* Objects of a JSON document, read member by member as tables say. */
#pragma once

#include "daemon/model/parse_value.h"

/* Some of an object's members, and where they go. An object may have several layers: a request has
 * members of its own, those of a body, and those that defaults have, too. */
struct parse_layer {
    const struct parse_member *members;
    size_t n_members; /* at most 64 */
    void *target;
    uint64_t seen; /* bit i: member i was there */
};

#define PARSE_LAYER(table, field_holder)                                                           \
    {                                                                                              \
        .members = (table), .n_members = sizeof(table) / sizeof((table)[0]),                       \
        .target = (field_holder)                                                                   \
    }

/* Reads each member by its table. Notes what no layer knows, with the place or the name that may be
 * meant, and what is required but missing. */
int parse_object(struct parse_reader *reader, const struct parse_at *at, struct json_t *value,
                 struct parse_layer *layers, size_t n_layers);
