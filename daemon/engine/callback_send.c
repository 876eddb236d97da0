#include "daemon/engine/callback_send.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/co/co.h"

#include "daemon/base/base64.h"
#include "daemon/engine/callback_signature.h"

#define TIMEOUT_US (15 * INT64_C(1000000))

/* Of an answer, which nobody reads. */
#define MAX_BODY_BYTES (UINT64_C(1) << 20)

enum { OWN_HEADERS = 5, WEBHOOK_ID_SIZE = 4 + JOB_ID_SIZE };

/* A request, and what it points to. */
struct draft {
    struct request request;
    struct fetch_options options;
    struct co_http_header *headers;
    char *authorization; /* NULL: the URL has no userinfo */
    int64_t timestamp;
    char id[WEBHOOK_ID_SIZE];
    char timestamp_text[24];
    char signature[CALLBACK_SIGNATURE_SIZE];
};

static void draft_done(struct draft *draft)
{
    if (draft->authorization != NULL)
        explicit_bzero(draft->authorization, strlen(draft->authorization));
    free(draft->authorization);
    free(draft->headers);
    co_url_done(&draft->request.url);
}

/* --- Headers ---------------------------------------------------------------------------------- */

static void add_header(struct draft *draft, const char *name, const char *value)
{
    draft->headers[draft->options.n_headers++] =
        (struct co_http_header){.name = name, .value = value};
}

/* The same for every attempt, and nobody else's: a job has one end. */
static void make_id(struct draft *draft, const struct store_callback *callback)
{
    size_t n_prefix = strlen(JOB_ID_PREFIX);
    bool has_prefix = strncmp(callback->id, JOB_ID_PREFIX, n_prefix) == 0;

    snprintf(draft->id, sizeof(draft->id), "msg_%s", callback->id + (has_prefix ? n_prefix : 0));
    snprintf(draft->timestamp_text, sizeof(draft->timestamp_text), "%" PRId64, draft->timestamp);
}

static int make_authorization(struct draft *draft)
{
    static const char scheme[] = "Basic ";
    const struct co_url *url = &draft->request.url;
    char *pair;

    if (url->user == NULL && url->password == NULL)
        return 0;
    int length = asprintf(&pair, "%s:%s", url->user ?: "", url->password ?: "");
    if (length < 0)
        return -ENOMEM;
    draft->authorization = malloc(sizeof(scheme) + base64_encoded_len((size_t)length));
    if (draft->authorization != NULL)
        *base64_encode(stpcpy(draft->authorization, scheme), pair, (size_t)length) = '\0';
    explicit_bzero(pair, (size_t)length);
    free(pair);
    return draft->authorization != NULL ? 0 : -ENOMEM;
}

static int make_headers(struct draft *draft, const struct fetch_options *defaults)
{
    draft->headers = calloc(defaults->n_headers + OWN_HEADERS, sizeof(*draft->headers));
    if (draft->headers == NULL)
        return -ENOMEM;
    draft->options.headers = draft->headers;
    draft->options.n_headers = 0;
    for (size_t i = 0; i < defaults->n_headers; i++)
        add_header(draft, defaults->headers[i].name, defaults->headers[i].value);
    add_header(draft, "Content-Type", "application/json");
    add_header(draft, "webhook-id", draft->id);
    add_header(draft, "webhook-timestamp", draft->timestamp_text);
    if (draft->signature[0] != '\0')
        add_header(draft, "webhook-signature", draft->signature);
    if (draft->authorization != NULL)
        add_header(draft, "Authorization", draft->authorization);
    return 0;
}

/* --- The request ------------------------------------------------------------------------------ */

/* returns 0; -EINVAL: there is no such secret, it is for other hosts, or not a key; -ENOMEM */
static int sign(struct draft *draft, const struct credentials *credentials, const char *name)
{
    const struct callback_message message = {
        .id = draft->id,
        .timestamp = draft->timestamp,
        .body = draft->request.body,
        .body_length = draft->request.body_length,
    };

    if (name == NULL)
        return 0;
    const char *secret = credentials_secret(credentials, name);
    if (secret == NULL || !credentials_may_go_to(credentials, name, draft->request.url.host))
        return -EINVAL;
    return callback_sign(secret, &message, draft->signature);
}

static void choose_options(struct draft *draft, const struct fetch_options *defaults)
{
    draft->options = *defaults;
    draft->options.method = "POST";
    draft->options.timeout_us = TIMEOUT_US;
    draft->options.follow_redirects = false;
    draft->options.capture_body = false;
    draft->request.options = &draft->options;
    draft->request.n_repeats = 1;
}

/* returns 0; -EINVAL: as sign(); -EBADMSG: there is no URL; -ENOMEM */
static int make_draft(struct draft *draft, const struct fetcher *fetcher,
                      const struct parse_settings *settings, const struct store_callback *callback)
{
    int rc = co_url_parse(callback->url, strlen(callback->url), &draft->request.url);

    if (rc != 0)
        return rc < 0 ? rc : -EBADMSG;
    choose_options(draft, &settings->defaults);
    draft->request.body = callback->payload;
    draft->request.body_length = callback->payload_length;
    make_id(draft, callback);
    return sign(draft, fetcher->credentials, callback->secret_ref)
               ?: make_authorization(draft) ?: make_headers(draft, &settings->defaults);
}

/* --- The attempt ------------------------------------------------------------------------------ */

static const struct {
    int rc;
    const char *code;
    const char *message;
} failures[] = {
    {-EINVAL, "secret_unavailable", "the secret that is to sign it is not there, or no key"},
    {-ENOMEM, "resource_exhausted", "there was no memory to send it"},
    {0, "internal", "what is stored of it is damaged"},
};

static void fail(struct result *result, int rc)
{
    size_t i = 0;

    while (failures[i].rc != 0 && failures[i].rc != rc)
        i++;
    result_fail(result, OUTCOME_TRANSPORT_ERROR, failures[i].code, "queue", failures[i].message);
}

int callback_send(const struct fetcher *fetcher, const struct parse_settings *settings,
                  const struct store_callback *callback, int64_t now, struct result *result)
{
    CO_CLEANUP(parse_settings_release)
    struct parse_settings held = parse_settings_hold(settings);
    CO_CLEANUP(draft_done) struct draft draft = {.timestamp = now / 1000000};
    struct fetcher own = *fetcher;

    own.stats = NULL;
    if (own.max_body_bytes > MAX_BODY_BYTES)
        own.max_body_bytes = MAX_BODY_BYTES;
    int rc = make_draft(&draft, fetcher, &held, callback);
    if (rc == 0)
        return fetch_attempt(&own, &draft.request, NULL, result);
    fail(result, rc);
    return 0;
}
