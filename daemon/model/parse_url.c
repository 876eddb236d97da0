#include "daemon/model/parse_url.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "daemon/base/base64.h"
#include "daemon/base/utf8.h"

enum {
    SHOWN_SIZE_MAX = 1024, /* of a text that is no URL */
};

/* --- Texts that are none ---------------------------------------------------------------------- */

static const char *code_of(enum co_url_problem problem)
{
    return problem == CO_URL_UNSUPPORTED_SCHEME ? "unsupported_scheme" : "invalid_url";
}

/* How much of "scheme://" the text begins with. */
static size_t scheme_length(const char *text, size_t length)
{
    size_t i = 0;

    while (i < length && (isalnum((unsigned char)text[i]) || memchr("+-.", text[i], 3) != NULL))
        i++;
    if (i == 0 || i == length || text[i] != ':')
        return 0;
    for (i++; i < length && text[i] == '/';)
        i++;
    return i;
}

/* What is not a URL has no userinfo that anybody could point to, but very likely a password where
 * it would be: all up to the last @ is left out. */
static int copy_shown(struct parse_reader *reader, const char *text, size_t length,
                      const char **ret_text)
{
    const char *at_sign = memrchr(text, '@', length);
    size_t n_scheme = at_sign != NULL ? scheme_length(text, (size_t)(at_sign - text)) : 0;
    const char *rest = at_sign != NULL ? at_sign : text;
    size_t n_rest = length - (size_t)(rest - text);
    char shown[SHOWN_SIZE_MAX];

    int n = snprintf(shown, sizeof(shown), "%.*s%s%.*s", (int)n_scheme, text,
                     at_sign != NULL ? "***" : "",
                     (int)(n_rest < sizeof(shown) ? n_rest : sizeof(shown)), rest);
    size_t n_shown = (size_t)n < sizeof(shown) ? (size_t)n : sizeof(shown) - 1;
    return parse_copy(reader, shown, utf8_whole(shown, n_shown), ret_text);
}

static int report(struct parse_reader *reader, const char *text, size_t length,
                  enum co_url_problem problem, struct request *request)
{
    struct request_defect *defect = arena_alloc(&reader->spec->arena, sizeof(*defect));

    if (defect == NULL)
        return parse_no_room(reader, sizeof(*defect));
    *defect = (struct request_defect){
        .code = code_of(problem),
        .message = co_url_problem_sentence(problem),
    };
    request->defect = defect;
    return copy_shown(reader, text, length, &request->url_text);
}

int parse_url_defect(struct parse_reader *reader, const struct parse_at *at,
                     enum co_url_problem problem)
{
    return parse_defect(reader, at, code_of(problem), "%s", co_url_problem_sentence(problem));
}

int parse_url(struct parse_reader *reader, const struct parse_at *at, const char *text,
              size_t length, struct request *request)
{
    int rc = co_url_parse(text, length, &request->url);
    if (rc <= 0)
        return rc;

    enum co_url_problem problem = (enum co_url_problem)rc;
    if (reader->reports_invalid_urls)
        return report(reader, text, length, problem, request);
    return parse_url_defect(reader, at, problem);
}

/* --- Userinfo --------------------------------------------------------------------------------- */

static const char *or_empty(const char *text)
{
    return text != NULL ? text : "";
}

int parse_url_authorization(struct parse_reader *reader, const struct co_url *url,
                            const char **ret_value)
{
    static const char scheme[] = "Basic ";
    char credentials[CO_URL_MAX_LENGTH + sizeof(":")];

    if (url->user == NULL && url->password == NULL)
        return 0;
    size_t length = (size_t)snprintf(credentials, sizeof(credentials), "%s:%s", or_empty(url->user),
                                     or_empty(url->password));
    size_t size = strlen(scheme) + base64_encoded_len(length) + 1;
    char *value = arena_alloc(&reader->spec->arena, size);
    if (value == NULL)
        return parse_no_room(reader, size);
    *base64_encode(stpcpy(value, scheme), credentials, length) = '\0';
    *ret_value = value;
    return 0;
}
