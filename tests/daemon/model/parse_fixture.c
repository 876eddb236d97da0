#include "tests/daemon/model/parse_fixture.h"

#include <locale.h>
#include <stdlib.h>
#include <strings.h>

struct parsed parsed;
struct parse_settings parse_settings;

static const struct co_http_header default_headers[] = {{"User-Agent", "gatherd/test"}};

static void set_up(void)
{
    job_parse_init();
    setlocale(LC_CTYPE, "C.UTF-8");
    parse_settings = (struct parse_settings){
        .max_items = 1000,
        .max_arena_bytes = 64 << 20,
        .max_capture_bytes = 1 << 20,
        .max_redirects = 20,
        .defaults =
            {
                .method = "GET",
                .headers = default_headers,
                .n_headers = 1,
                .timeout_us = 30000000,
                .follow_redirects = true,
                .max_redirects = 10,
                .capture_max_bytes = 65536,
            },
    };
    parsed = (struct parsed){0};
    defect_list_init(&parsed.defects);
}

static void forget(void)
{
    job_spec_free(parsed.spec);
    parsed.spec = NULL;
    defect_list_done(&parsed.defects);
}

TCase *parse_case(Suite *suite, const char *name)
{
    TCase *tcase = tcase_create(name);

    tcase_add_checked_fixture(tcase, set_up, forget);
    tcase_set_timeout(tcase, 60);
    suite_add_tcase(suite, tcase);
    return tcase;
}

void parse_bytes(const char *content_type, const void *bytes, size_t length)
{
    forget();
    defect_list_init(&parsed.defects);
    parsed.refusal = (struct parse_refusal){0};
    parsed.rc = job_parse(&parse_settings, PARSE_JOB, content_type, bytes, length, &parsed.defects,
                          &parsed.refusal, &parsed.spec);
}

char *with_double_quotes(const char *text)
{
    char *copy = strdup(text);

    for (char *at = copy; *at != '\0'; at++)
        if (*at == '\'')
            *at = '"';
    return copy;
}

void parse_typed(const char *content_type, const char *text)
{
    char *copy = with_double_quotes(text);

    parse_bytes(content_type, copy, strlen(copy));
    free(copy);
}

void parse_json(const char *text)
{
    parse_typed(NULL, text);
}

const struct job_spec *must_parse(const char *text)
{
    parse_json(text);
    ck_assert_msg(parsed.rc == 0, "%s: %d %s: %s", text, parsed.refusal.status,
                  parsed.refusal.detail,
                  parsed.defects.n_defects > 0 ? parsed.defects.defects[0].detail : "");
    return parsed.spec;
}

const struct request *must_parse_request(const char *text)
{
    return must_parse(text)->requests;
}

void must_refuse(const char *text, int status)
{
    parse_json(text);
    ck_assert_msg(parsed.rc == 1, "%s: %d", text, parsed.rc);
    ck_assert_int_eq(parsed.refusal.status, status);
}

const char *header_values(const struct fetch_options *options, const char *name)
{
    static char values[1000];
    char *end = values;

    for (size_t i = 0; i < options->n_headers; i++) {
        if (strcasecmp(options->headers[i].name, name) != 0)
            continue;
        if (end > values)
            end = stpcpy(end, "|");
        end = stpcpy(end, options->headers[i].value);
    }
    *end = '\0';
    for (size_t i = 0; i < options->n_headers; i++)
        if (strcasecmp(options->headers[i].name, name) == 0)
            return values;
    return NULL;
}

const struct defect *find_defect(const char *pointer)
{
    for (size_t i = 0; i < parsed.defects.n_defects; i++)
        if (strcmp(parsed.defects.defects[i].pointer, pointer) == 0)
            return &parsed.defects.defects[i];
    return NULL;
}
