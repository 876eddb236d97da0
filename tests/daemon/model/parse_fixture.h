/* Parsing in tests: documents are written with ' for ", and what came of the last one is in
 * `parsed` until the test ends. */
#pragma once

#include <check.h>
#include <string.h>

#include "daemon/model/parse.h"

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

struct parsed {
    int rc;
    struct parse_refusal refusal;
    struct defect_list defects;
    struct job_spec *spec;
};

extern struct parsed parsed;
/* The same at the start of each test. There are secrets api-token and hook_1, a certificate lab-ca,
 * and proxies http://proxy.example:3128 and https://[2001:db8::1]; what must be shown to nobody has
 * "hidden" in it. */
extern struct parse_settings parse_settings;

/* Adds a test case with the fixture to a suite. */
TCase *parse_case(Suite *suite, const char *name);

/* Parses bytes as they are; then without a type, as a job; with a type. What they are as a whole
 * they must be as well when they are taken in, in slices, to be stored: intake_twin.h. */
void parse_bytes(const char *content_type, const void *bytes, size_t length);
void parse_json(const char *text);
void parse_typed(const char *content_type, const char *text);

/* The same, and the test fails unless a spec came of it, or unless it was refused with that status.
 */
const struct job_spec *must_parse(const char *text);
void must_refuse(const char *text, int status);

/* The first request of a spec that must come of it. */
const struct request *must_parse_request(const char *text);

/* The values of a header, joined by "|"; NULL: it is not there. */
const char *header_values(const struct fetch_options *options, const char *name);

/* The defect at a pointer. */
const struct defect *find_defect(const char *pointer);

struct expected_defect {
    const char *text, *pointer, *code;
    const char *word; /* of the sentence */
};

/* The document is refused with a defect like this, and no sentence has "hidden" in it. */
void must_find_defect(const struct expected_defect *expected);

/* A copy with " for '; to be freed. */
char *with_double_quotes(const char *text);
