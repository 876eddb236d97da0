#include "daemon/engine/auth.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/base64.h"

static void free_wiped(char *text)
{
    if (text != NULL)
        explicit_bzero(text, strlen(text));
    free(text);
}

/* returns 0, -ENOMEM */
static int make_bearer(struct auth *auth, const char *token)
{
    if (asprintf(&auth->header, "Bearer %s", token) >= 0)
        return 0;
    auth->header = NULL;
    return -ENOMEM;
}

/* returns 0, -ENOMEM */
static int make_basic(struct auth *auth, const char *user, const char *password)
{
    static const char scheme[] = "Basic ";
    char *pair;
    int length = asprintf(&pair, "%s:%s", user, password);

    if (length < 0)
        return -ENOMEM;
    auth->header = malloc(sizeof(scheme) + base64_encoded_len((size_t)length));
    if (auth->header != NULL)
        *base64_encode(stpcpy(auth->header, scheme), pair, (size_t)length) = '\0';
    free_wiped(pair);
    return auth->header != NULL ? 0 : -ENOMEM;
}

/* returns 0, -ENOMEM */
static int block(const char *secret_ref, const char *message, struct result *result)
{
    if (asprintf(&result->error_text, "secret %s", secret_ref) < 0) {
        result->error_text = NULL;
        return -ENOMEM;
    }
    result_fail(result, OUTCOME_BLOCKED, "blocked_by_policy", co_http_phase_name(CO_HTTP_DNS),
                message);
    result->error.rule = result->error_text;
    return 0;
}

/* Who will read what is sent; "": nobody can tell. A client that says where a host is could say
 * that it is its own machine, and only a certificate proves it wrong. */
static const char *certain_host(const struct fetch_options *options, const struct co_url *url)
{
    bool is_proven = url->is_https && !options->tls.is_unverified;

    return is_proven || fetch_options_pin(options, url) == NULL ? url->host : "";
}

/* returns 1, 0, -ENOMEM as auth_init() */
static int find_secret(const struct fetch_options *options, const struct credentials *credentials,
                       const struct co_url *url, struct result *result, const char **ret_secret)
{
    const struct fetch_auth *wanted = options->auth;

    *ret_secret = wanted->secret;
    if (wanted->secret_ref == NULL)
        return 1;
    *ret_secret = credentials_secret(credentials, wanted->secret_ref);
    if (*ret_secret == NULL)
        return block(wanted->secret_ref, "there is no secret of that name", result);
    if (strcmp(options->method, "TRACE") == 0)
        return block(wanted->secret_ref, "the answer to TRACE would show the secret", result);
    if (!credentials_may_go_to(credentials, wanted->secret_ref, certain_host(options, url)))
        return block(wanted->secret_ref,
                     "this secret is for other hosts (`resolve` needs https and tls.verify)",
                     result);
    return 1;
}

int auth_init(struct auth *auth, const struct credentials *credentials,
              const struct fetch_options *options, const struct co_url *url, struct result *result)
{
    const struct fetch_auth *wanted = options->auth;
    const char *secret;
    int rc;

    *auth = (struct auth){0};
    if (wanted == NULL)
        return 1;
    rc = find_secret(options, credentials, url, result, &secret);
    if (rc <= 0)
        return rc;
    if (wanted->type == AUTH_DIGEST) {
        auth->digest_user = wanted->user;
        auth->digest_password = strdup(secret);
        return auth->digest_password != NULL ? 1 : -ENOMEM;
    }
    rc = wanted->type == AUTH_BEARER ? make_bearer(auth, secret)
                                     : make_basic(auth, wanted->user, secret);
    return rc < 0 ? rc : 1;
}

void auth_done(struct auth *auth)
{
    free_wiped(auth->header);
    free_wiped(auth->digest_password);
    *auth = (struct auth){0};
}
