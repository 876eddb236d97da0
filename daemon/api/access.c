#include "daemon/api/access.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "daemon/api/problem.h"

enum { CHALLENGE_SIZE = 96 };

/* --- Refusals --------------------------------------------------------------------------------- */

static int refuse(struct http_exchange *exchange, int status, const char *code,
                  const char *challenge, const char *detail)
{
    return http_answer_header(exchange, "WWW-Authenticate", challenge)
               ?: http_answer_problem(exchange, status, code, "%s", detail);
}

static int refuse_without(struct http_exchange *exchange)
{
    return refuse(exchange, 401, "token_missing", "Bearer realm=\"gatherd\"",
                  "Show a token: Authorization: Bearer TOKEN. The operator has it from 'gatherd "
                  "token new'.");
}

static int refuse_unknown(struct http_exchange *exchange)
{
    return refuse(exchange, 401, "token_unknown",
                  "Bearer realm=\"gatherd\", error=\"invalid_token\"",
                  "The token is not, or no longer, among those of api.tokens_file.");
}

static int refuse_lacking(struct http_exchange *exchange, enum token_right right)
{
    char challenge[CHALLENGE_SIZE], detail[CHALLENGE_SIZE];

    snprintf(challenge, sizeof(challenge),
             "Bearer realm=\"gatherd\", error=\"insufficient_scope\", scope=\"%s\"",
             token_right_names[right]);
    snprintf(detail, sizeof(detail), "This takes the right '%s', which the token does not have.",
             token_right_names[right]);
    return refuse(exchange, 403, "right_missing", challenge, detail);
}

/* --- The check -------------------------------------------------------------------------------- */

/* returns NULL: none is shown, or not as a bearer of it does */
static const char *shown_token(const struct http_exchange *exchange)
{
    static const char scheme[] = "Bearer ";
    const char *value = http_header(exchange, "Authorization");

    if (value == NULL || strncasecmp(value, scheme, strlen(scheme)) != 0)
        return NULL;
    value += strlen(scheme);
    return value + strspn(value, " ");
}

/* returns 0; 1: there is none that is known, and that has been answered; -errno */
static int find_token(struct access *access, struct http_exchange *exchange,
                      struct token **ret_token)
{
    const char *shown = shown_token(exchange);

    if (shown == NULL || *shown == '\0')
        return refuse_without(exchange) ?: 1;
    int rc = tokens_find(access->tokens, shown, ret_token);
    return rc == -ENOENT ? refuse_unknown(exchange) ?: 1 : rc;
}

int access_check(void *arg, struct http_exchange *exchange, const struct http_route *route)
{
    struct access *access = arg;
    struct token *token;

    if (access->tokens == NULL || route->needs == NO_RIGHT)
        return 0;
    int rc = find_token(access, exchange, &token);
    if (rc == 0)
        rc = quota_take_request(exchange, token);
    if (rc == 0 && !token_may(token, route->needs))
        rc = refuse_lacking(exchange, route->needs);
    else if (rc == 0 && route->shows_work && !token_may(token, RIGHT_READ))
        rc = refuse_lacking(exchange, RIGHT_READ);
    else if (rc == 0)
        http_set_token(exchange, token);
    return rc < 0 ? rc : 0;
}

/* --- What follows from it --------------------------------------------------------------------- */

const char *access_tenant(const struct http_exchange *exchange)
{
    const struct token *token = http_token(exchange);

    return token != NULL ? token->tenant : "";
}

uint64_t access_max_queued(const struct http_exchange *exchange)
{
    const struct token *token = http_token(exchange);

    return token != NULL ? token->queued_items : 0;
}

void access_render(const struct http_exchange *exchange, struct json_writer *w)
{
    const struct token *token = http_token(exchange);

    if (token == NULL) {
        jw_null(w);
        return;
    }
    jw_object_begin(w);
    jw_key(w, "name");
    jw_text(w, token->name);
    jw_key(w, "tenant");
    jw_text(w, token->tenant);
    jw_key(w, "rights");
    jw_array_begin(w);
    for (enum token_right right = 0; right < N_RIGHTS; right++)
        if (token_may(token, right))
            jw_text(w, token_right_names[right]);
    jw_array_end(w);
    jw_key(w, "quota");
    quota_render(token, w);
    jw_object_end(w);
}
