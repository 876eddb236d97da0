#include "daemon/api/probe_pattern.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* --- Reading ---------------------------------------------------------------------------------- */

static bool has_back_reference(const char *expression)
{
    for (const char *at = strchr(expression, '\\'); at != NULL; at = strchr(at, '\\')) {
        if (isdigit((unsigned char)at[1]))
            return true;
        at += at[1] != '\0' ? 2 : 1;
    }
    return false;
}

static int compile(struct probe_pattern *pattern, const char *expression, struct err *err)
{
    char why[256];

    if (has_back_reference(expression))
        return err_set(err, -EINVAL, "'%s' has a back-reference, which is not supported",
                       expression);
    int code = regcomp(&pattern->regex, expression, REG_EXTENDED | REG_NOSUB);
    if (code == 0)
        return 0;
    if (code == REG_ESPACE)
        return -ENOMEM;
    regerror(code, &pattern->regex, why, sizeof(why));
    return err_set(err, -EINVAL, "'%s' is no extended regular expression: %s", expression, why);
}

/* returns 0, -EINVAL, -ENOMEM; ret_expression: what is behind the name */
static int read_name(struct probe_pattern *pattern, const char *text, const char **ret_expression,
                     struct err *err)
{
    size_t length = strcspn(text, ":?");

    pattern->may_lack = text[length] == '?';
    const char *colon = text + length + pattern->may_lack;
    if (length == 0 || *colon != ':')
        return err_set(err, -EINVAL, "'%s' is not NAME: EXPRESSION", text);
    pattern->header = strndup(text, length);
    *ret_expression = colon + 1 + strspn(colon + 1, " \t");
    return pattern->header != NULL ? 0 : -ENOMEM;
}

int probe_pattern_init(struct probe_pattern *pattern, const char *text, bool is_header,
                       bool fails_if_same, struct err *err)
{
    *pattern = (struct probe_pattern){.fails_if_same = fails_if_same};
    int rc = is_header ? read_name(pattern, text, &text, err) : 0;
    if (rc == 0)
        rc = compile(pattern, text, err);
    if (rc < 0)
        free(pattern->header);
    return rc;
}

void probe_pattern_done(struct probe_pattern *pattern)
{
    regfree(&pattern->regex);
    free(pattern->header);
}

/* --- Matching --------------------------------------------------------------------------------- */

static bool matches(const struct probe_pattern *pattern, const char *text, size_t length)
{
    regmatch_t whole = {.rm_so = 0, .rm_eo = (regoff_t)length};

    return regexec(&pattern->regex, text, 1, &whole, REG_STARTEND) == 0;
}

bool probe_pattern_suits_headers(const struct probe_pattern *pattern,
                                 const struct co_http_response *response)
{
    bool is_there = false, is_same = false;

    for (size_t i = 0; i < response->n_headers && !is_same; i++) {
        const struct co_http_header *header = &response->headers[i];
        if (strcasecmp(header->name, pattern->header) != 0)
            continue;
        is_there = true;
        is_same = matches(pattern, header->value, strlen(header->value));
    }
    return is_there ? is_same != pattern->fails_if_same : pattern->may_lack;
}

bool probe_pattern_suits_body(const struct probe_pattern *pattern, const char *body, size_t length)
{
    return matches(pattern, body, length) != pattern->fails_if_same;
}
