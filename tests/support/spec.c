#include "tests/support/spec.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "daemon/model/parse.h"

enum { DOCUMENT_SIZE = 64 * 1024 };

static const struct parse_settings settings = {
    .max_items = 100000,
    .max_arena_bytes = 64 * 1024 * 1024,
    .json_room = 16 * 1024 * 1024,
    .max_capture_bytes = 1024 * 1024,
    .max_redirects = 20,
    .max_attempts = 10,
    .defaults = {.method = "GET",
                 .timeout_us = INT64_C(600) * 1000000,
                 .follow_redirects = true,
                 .max_redirects = 10,
                 .capture_max_bytes = 64 * 1024},
};

static void insert_port(char out[DOCUMENT_SIZE], const char *document, uint16_t port)
{
    char *end = out;

    for (; *document != '\0'; document++) {
        ck_assert_int_lt(end - out, DOCUMENT_SIZE - 8);
        if (*document == '@')
            end += sprintf(end, "%u", port);
        else
            *end++ = *document;
    }
    *end = '\0';
}

struct job_spec *spec_at(uint16_t port, const char *document)
{
    static char text[DOCUMENT_SIZE];
    static struct defect_list defects;
    struct parse_refusal refusal;
    struct job_spec *spec = NULL;

    insert_port(text, document, port);
    defect_list_init(&defects);
    int rc = job_parse(&settings, PARSE_JOB, NULL, text, strlen(text), &defects, &refusal, &spec);
    ck_assert_msg(rc == 0, "%s %s: %s", refusal.detail,
                  defects.n_defects > 0 ? defects.defects[0].pointer : "",
                  defects.n_defects > 0 ? defects.defects[0].detail : "");
    defect_list_done(&defects);
    return spec;
}

struct job_spec *spec_of(const char *document)
{
    return spec_at(0, document);
}
