#include "daemon/client/input_curl_option.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/suggest.h"

enum { SECONDS_MAX = 24 * 60 * 60, COUNT_MAX = 1000 };

/* --- What they do ----------------------------------------------------------------------------- */

static int keep(char **text, const char *value)
{
    char *copy = strdup(value);

    if (copy == NULL)
        return -ENOMEM;
    free(*text);
    *text = copy;
    return 0;
}

static int refuse(const char **ret_problem, const char *problem)
{
    *ret_problem = problem;
    return -EINVAL;
}

static int take_url(struct curl_request *request, const char *value, size_t length,
                    const char **ret_problem)
{
    int rc = curl_request_add_url(request, value, length);

    return rc != -EMSGSIZE
               ? rc
               : refuse(ret_problem, "there are too many URLs without a 'next' between them");
}

static int take_header(struct curl_request *request, const char *value, size_t length,
                       const char **ret_problem)
{
    (void)length;
    int rc = value[0] == '@' ? -EINVAL : curl_request_add_header(request, value);

    if (rc == -EINVAL)
        return refuse(ret_problem, "a header is written as \"Name: value\"");
    return rc != -EMSGSIZE ? rc : refuse(ret_problem, "there are too many headers");
}

static int set_header(struct curl_request *request, const char *name, const char *value,
                      bool is_default, const char **ret_problem)
{
    int rc = curl_request_set_header(request, name, value, is_default);

    return rc != -EMSGSIZE ? rc : refuse(ret_problem, "there are too many headers");
}

static int take_user_agent(struct curl_request *request, const char *value, size_t length,
                           const char **ret_problem)
{
    return set_header(request, "User-Agent", length > 0 ? value : NULL, false, ret_problem);
}

static int take_referer(struct curl_request *request, const char *value, size_t length,
                        const char **ret_problem)
{
    (void)length;
    return set_header(request, "Referer", value, false, ret_problem);
}

static int take_cookie(struct curl_request *request, const char *value, size_t length,
                       const char **ret_problem)
{
    if (memchr(value, '=', length) == NULL)
        return refuse(ret_problem, "cookies in a file are not read");
    return set_header(request, "Cookie", value, false, ret_problem);
}

static int take_method(struct curl_request *request, const char *value, size_t length,
                       const char **ret_problem)
{
    (void)length, (void)ret_problem;
    return keep(&request->method, value);
}

static int take_head(struct curl_request *request, const char *value, size_t length,
                     const char **ret_problem)
{
    (void)value, (void)length, (void)ret_problem;
    return keep(&request->method, "HEAD");
}

static int add_body(struct curl_request *request, const char *value, size_t length,
                    const char **ret_problem)
{
    int rc = buffer_append(&request->body, value, length);

    return rc != -EMSGSIZE ? rc : refuse(ret_problem, "the body is too large");
}

static int take_raw_data(struct curl_request *request, const char *value, size_t length,
                         const char **ret_problem)
{
    int rc = request->body_kind == CURL_FORM ? add_body(request, "&", 1, ret_problem) : 0;

    if (rc == 0)
        rc = add_body(request, value, length, ret_problem);
    if (request->body_kind == CURL_NO_BODY)
        request->body_kind = CURL_FORM;
    return rc;
}

static int take_data(struct curl_request *request, const char *value, size_t length,
                     const char **ret_problem)
{
    if (value[0] == '@')
        return refuse(ret_problem, "a body in a file is not read: write it here, or use NDJSON");
    return take_raw_data(request, value, length, ret_problem);
}

static int take_json(struct curl_request *request, const char *value, size_t length,
                     const char **ret_problem)
{
    if (value[0] == '@')
        return refuse(ret_problem, "a body in a file is not read: write it here, or use NDJSON");
    request->body_kind = CURL_JSON;
    return add_body(request, value, length, ret_problem);
}

static int take_user(struct curl_request *request, const char *value, size_t length,
                     const char **ret_problem)
{
    if (memchr(value, ':', length) == NULL)
        return refuse(ret_problem, "the password is missing: nobody is asked for it");
    return keep(&request->user, value);
}

static int take_bearer(struct curl_request *request, const char *value, size_t length,
                       const char **ret_problem)
{
    (void)length, (void)ret_problem;
    return keep(&request->bearer, value);
}

static int take_proxy(struct curl_request *request, const char *value, size_t length,
                      const char **ret_problem)
{
    (void)length, (void)ret_problem;
    return keep(&request->proxy, value);
}

static int take_resolve(struct curl_request *request, const char *value, size_t length,
                        const char **ret_problem)
{
    (void)length;
    if (request->n_resolve == CURL_RESOLVE_MAX)
        return refuse(ret_problem, "there are too many of these");
    int rc = keep(&request->resolve[request->n_resolve], value);
    request->n_resolve += rc == 0;
    return rc;
}

/* --- Numbers ---------------------------------------------------------------------------------- */

static int read_seconds(const char *value, unsigned long *ret_ms, const char **ret_problem)
{
    char *end;
    double seconds = strtod(value, &end);

    if (end == value || *end != '\0' || !(seconds >= 0 && seconds <= SECONDS_MAX))
        return refuse(ret_problem, "it wants seconds, at most a day of them");
    *ret_ms = (unsigned long)(seconds * 1000 + 0.5);
    return 0;
}

static int read_count(const char *value, long *ret_count, const char **ret_problem)
{
    char *end;
    long count = strtol(value, &end, 10);

    if (end == value || *end != '\0' || count < 0 || count > COUNT_MAX)
        return refuse(ret_problem, "it wants a number from 0 to 1000");
    *ret_count = count;
    return 0;
}

static int take_max_time(struct curl_request *request, const char *value, size_t length,
                         const char **ret_problem)
{
    (void)length;
    return read_seconds(value, &request->timeout_ms, ret_problem);
}

static int take_connect_timeout(struct curl_request *request, const char *value, size_t length,
                                const char **ret_problem)
{
    (void)length;
    return read_seconds(value, &request->connect_timeout_ms, ret_problem);
}

static int take_max_redirects(struct curl_request *request, const char *value, size_t length,
                              const char **ret_problem)
{
    (void)length;
    return read_count(value, &request->max_redirects, ret_problem);
}

static int take_retry(struct curl_request *request, const char *value, size_t length,
                      const char **ret_problem)
{
    (void)length;
    return read_count(value, &request->n_retries, ret_problem);
}

/* --- Switches --------------------------------------------------------------------------------- */

#define SWITCH(name, member, on)                                                                   \
    static int take_##name(struct curl_request *request, const char *value, size_t length,         \
                           const char **ret_problem)                                               \
    {                                                                                              \
        (void)value, (void)length, (void)ret_problem;                                              \
        request->member = (on);                                                                    \
        return 0;                                                                                  \
    }

SWITCH(location, follows_redirects, true)
SWITCH(insecure, is_insecure, true)
SWITCH(digest, auth, CURL_AUTH_DIGEST)
SWITCH(basic, auth, CURL_AUTH_BASIC)
SWITCH(http1, http_version, "1.1")
SWITCH(http2, http_version, "2")
SWITCH(ipv4, ip_version, "4")
SWITCH(ipv6, ip_version, "6")

/* --- The table -------------------------------------------------------------------------------- */

static const struct curl_option options[] = {
    {"url", '\0', true, take_url},
    {"basic", '\0', false, take_basic},
    {"connect-timeout", '\0', true, take_connect_timeout},
    {"cookie", 'b', true, take_cookie},
    {"data", 'd', true, take_data},
    {"data-ascii", '\0', true, take_data},
    {"data-binary", '\0', true, take_data},
    {"data-raw", '\0', true, take_raw_data},
    {"digest", '\0', false, take_digest},
    {"head", 'I', false, take_head},
    {"header", 'H', true, take_header},
    {"http1.1", '\0', false, take_http1},
    {"http2", '\0', false, take_http2},
    {"insecure", 'k', false, take_insecure},
    {"ipv4", '4', false, take_ipv4},
    {"ipv6", '6', false, take_ipv6},
    {"json", '\0', true, take_json},
    {"location", 'L', false, take_location},
    {"max-redirs", '\0', true, take_max_redirects},
    {"max-time", 'm', true, take_max_time},
    {"oauth2-bearer", '\0', true, take_bearer},
    {"proxy", 'x', true, take_proxy},
    {"referer", 'e', true, take_referer},
    {"request", 'X', true, take_method},
    {"resolve", '\0', true, take_resolve},
    {"retry", '\0', true, take_retry},
    {"user", 'u', true, take_user},
    {"user-agent", 'A', true, take_user_agent},
};

static const struct curl_option next = {.name = "next", .letter = ':'};

static bool is_option(const struct curl_line *line, const struct curl_option *option)
{
    if (line->is_letter)
        return line->name[0] == option->letter;
    return strlen(option->name) == line->name_length &&
           memcmp(option->name, line->name, line->name_length) == 0;
}

const struct curl_option *curl_option_find(const struct curl_line *line)
{
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
        if (is_option(line, &options[i]))
            return &options[i];
    return NULL;
}

bool curl_option_is_next(const struct curl_line *line)
{
    return is_option(line, &next);
}

const char *curl_option_suggest(const struct curl_line *line)
{
    struct suggestion suggestion;

    suggest_init(&suggestion, line->name, line->name_length);
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
        suggest_offer(&suggestion, options[i].name);
    return suggestion.best;
}

bool input_curl_is_line(struct input_line text)
{
    struct curl_line line;

    curl_line_read_name(text, &line);
    return curl_option_find(&line) != NULL || text.text[0] == '-';
}
