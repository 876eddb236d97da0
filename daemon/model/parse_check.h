/* Checks of a response, as objects of operators say them: {"gte": 5, "lt": 10} is two. */
#pragma once

#include "daemon/model/parse_object.h"

enum { PARSE_CHECKS_MAX = 64 };

struct parse_checks {
    struct expect_check list[PARSE_CHECKS_MAX];
    size_t n;
};

/* What an object of operators is about. */
struct parse_operand {
    struct parse_checks *checks; /* that it adds to */
    struct expect_check check;   /* what they have in common: subject, and name of a timing */
    bool replaces;  /* first drops those that are like it and have the same operator, which is all
                       that null does */
    int64_t max_us; /* of a duration */
};

/* Drops those of the pattern's subject and, unless that is NULL, name. */
void parse_checks_drop(struct parse_checks *checks, const struct expect_check *pattern);

/* The operators, for parse_object(). */
struct parse_layer parse_body_operators(struct parse_operand *operand);
struct parse_layer parse_header_operators(struct parse_operand *operand);
struct parse_layer parse_json_operators(struct parse_operand *operand);
struct parse_layer parse_duration_operators(struct parse_operand *operand);
