#include "daemon/client/server.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/client/json_text.h"
#include "daemon/client/options.h"
#include "daemon/client/request_document.h"
#include "daemon/client/shown_text.h"
#include "daemon/model/json_document.h"

#define DEFAULT_SERVER "http://127.0.0.1:7480"

/* Of an answer to begin, which may have been asked to wait for as long as api.max_wait_ms. */
#define ANSWER_TIME (90 * CO_SECOND)

enum {
    TOKEN_MAX = 1024,
    KEPT_BYTES = 64 * 1024 * 1024, /* of an answer that is wanted as a whole */
    PROBLEM_BYTES = 1024 * 1024,   /* of one that is not: enough for what is wrong */
    SHOWN_ERRORS_MAX = 20,
};

/* --- Where it is, and who we are -------------------------------------------------------------- */

static int set_address(struct server *server, const char *name, struct err *err)
{
    static const char unix_prefix[] = "unix:";
    const char *url = name;

    if (strncmp(name, unix_prefix, strlen(unix_prefix)) == 0) {
        server->unix_path = strdup(name + strlen(unix_prefix));
        if (server->unix_path == NULL)
            return -ENOMEM;
        url = "http://127.0.0.1/"; /* who answers there knows itself by that name */
    }
    int rc = co_url_parse(url, strlen(url), &server->url);
    if (rc > 0)
        return err_set(err, -EINVAL,
                       "'%.200s' is no address of a server: %s; one is %s, or unix:%s", name,
                       co_url_problem_sentence((enum co_url_problem)rc), DEFAULT_SERVER,
                       "/run/gatherd/gatherd.sock");
    return rc;
}

static int set_token(struct server *server, const char *token, size_t length, const char *source,
                     struct err *err)
{
    while (length > 0 && strchr(" \t\r\n", token[length - 1]) != NULL)
        length--;
    for (size_t i = 0; i < length; i++)
        if (token[i] <= ' ' || token[i] > '~')
            return err_set(err, -EINVAL, "%s holds no token: one is a word, without spaces",
                           source);
    if (length == 0)
        return err_set(err, -EINVAL, "%s holds no token: it is empty", source);
    return asprintf(&server->authorization, "Bearer %.*s", (int)length, token) < 0 ? -ENOMEM : 0;
}

static int read_token(struct server *server, const char *path, struct err *err)
{
    char token[TOKEN_MAX];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, token, sizeof(token)) : -1;
    int error = errno;

    if (fd >= 0)
        close(fd);
    if (n < 0)
        return err_set(err, -EINVAL, "the token cannot be read: %s: %s", path, strerror(error));
    return set_token(server, token, (size_t)n, path, err);
}

static int find_token(struct server *server, const struct options *options, struct err *err)
{
    const char *path = options->token_file ?: getenv("GATHERD_TOKEN_FILE");
    const char *token = getenv("GATHERD_TOKEN");

    if (path != NULL && *path != '\0')
        return read_token(server, path, err);
    if (token != NULL && *token != '\0')
        return set_token(server, token, strlen(token), "GATHERD_TOKEN", err);
    return 0;
}

static const char *chosen_name(const struct options *options)
{
    const char *name = options->server ?: getenv("GATHERD_SERVER");

    return name != NULL && *name != '\0' ? name : DEFAULT_SERVER;
}

int server_open(struct server *ret_server, const struct options *options, struct err *err)
{
    *ret_server = (struct server){.name = chosen_name(options)};
    int rc = set_address(ret_server, ret_server->name, err)
                 ?: find_token(ret_server, options, err)
                 ?: co_http_session_new(&ret_server->session, NULL);
    if (rc < 0)
        server_close(ret_server);
    return rc;
}

void server_close(struct server *server)
{
    co_http_session_free(server->session);
    co_url_done(&server->url);
    free(server->unix_path);
    free(server->authorization);
    *server = (struct server){.session = NULL};
}

/* --- Asking ----------------------------------------------------------------------------------- */

enum { HEADERS_MAX = 5 };

static size_t set_headers(const struct server *server, const struct call *call,
                          struct co_http_header headers[HEADERS_MAX])
{
    const struct co_http_header all[HEADERS_MAX] = {
        {"Accept", call->accept ?: "application/json"},
        {"Authorization", server->authorization},
        {"Content-Type", call->content_type},
        {"Idempotency-Key", call->key},
        {"If-None-Match", call->etag},
    };
    size_t n = 0;

    for (size_t i = 0; i < HEADERS_MAX; i++)
        if (all[i].value != NULL)
            headers[n++] = all[i];
    return n;
}

int server_call(struct server *server, const struct call *call,
                struct co_http_response *ret_response)
{
    struct co_http_header headers[HEADERS_MAX];
    struct co_url url;

    *ret_response = (struct co_http_response){0};
    int rc = co_url_resolve(&server->url, call->path, strlen(call->path), &url);
    if (rc != 0)
        return rc < 0 ? rc : -EINVAL;
    const struct co_http_request request = {
        .method = call->method,
        .url = &url,
        .headers = headers,
        .n_headers = set_headers(server, call, headers),
        .body = call->body,
        .body_length = call->body_length,
        .connect_timeout = 10 * CO_SECOND,
        .first_byte_timeout = call->tap.write != NULL ? 0 : ANSWER_TIME,
        .max_header_bytes = 64 * 1024,
        .max_body_bytes = call->tap.write != NULL ? UINT64_MAX : KEPT_BYTES,
        .capture_bytes = call->tap.write != NULL ? PROBLEM_BYTES : KEPT_BYTES,
        .tap = call->tap,
        .unix_path = server->unix_path,
    };
    rc = co_http_fetch(server->session, &request, ret_response);
    co_url_done(&url);
    if (rc < 0)
        return rc;
    return ret_response->error == CO_HTTP_OK ? 0 : -ENOTCONN;
}

int server_complain(const struct server *server, const struct co_http_response *response)
{
    if (response->status != 0)
        fprintf(stderr, "gatherctl: gatherd at %s has left in between: %s\n", server->name,
                response->message ?: "its answer has no end");
    else
        fprintf(stderr,
                "gatherctl: gatherd at %s cannot be reached: %s\n"
                "Is it running? Another one is named by --server or GATHERD_SERVER.\n",
                server->name, response->message);
    return CLIENT_UNREACHABLE;
}

/* --- Problems --------------------------------------------------------------------------------- */

/* A text out of a document, as a terminal may show it. returns "" if there is none */
static const char *shown(struct buffer *buffer, const struct json_t *document, const char *pointer)
{
    struct buffer text;

    buffer_init(&text, PROBLEM_BYTES);
    buffer->len = 0;
    if (json_text_append(&text, document, pointer) != 1 ||
        shown_text_append(buffer, text.data, text.len, true) < 0)
        buffer->len = 0;
    buffer_done(&text);
    return buffer_append_byte(buffer, '\0') == 0 ? buffer->data : "";
}

/* "/requests/16/url" is told as "urls.txt:17 (url)", so that it can be found. */
static void say_where(const char *pointer, const struct request_document *requests)
{
    unsigned long long index;
    int length = 0;

    if (requests == NULL || sscanf(pointer, "/requests/%llu%n", &index, &length) != 1 ||
        index >= requests->n_items) {
        fprintf(stderr, "  %s: ", pointer);
        return;
    }
    const struct item_place *place = &requests->places[index];
    fprintf(stderr, "  %s", place->source);
    if (place->line != 0)
        fprintf(stderr, ":%lu", place->line);
    fprintf(stderr, pointer[length] == '/' ? " (%s): " : "%s: ",
            pointer + length + (pointer[length] == '/'));
}

static const char *shown_of_error(struct buffer *buffer, const struct json_t *document, unsigned i,
                                  const char *member)
{
    char pointer[64];

    snprintf(pointer, sizeof(pointer), "/errors/%u/%s", i, member);
    return shown(buffer, document, pointer);
}

static void say_errors(const struct json_t *document, const struct request_document *requests,
                       struct buffer *pointer, struct buffer *detail)
{
    unsigned i;

    for (i = 0; i < SHOWN_ERRORS_MAX; i++) {
        const char *what = shown_of_error(detail, document, i, "detail");
        if (*what == '\0')
            return;
        say_where(shown_of_error(pointer, document, i, "pointer"), requests);
        fprintf(stderr, "%s\n", what);
    }
    if (*shown_of_error(detail, document, i, "detail") != '\0')
        fputs("  ... and more\n", stderr);
}

static void say_problem(const struct json_t *document, int status,
                        const struct request_document *requests)
{
    struct buffer code, detail;

    buffer_init(&code, PROBLEM_BYTES);
    buffer_init(&detail, PROBLEM_BYTES);
    fprintf(stderr, "gatherctl: %s (%d %s)\n", shown(&detail, document, "/detail"), status,
            shown(&code, document, "/code"));
    say_errors(document, requests, &code, &detail);
    buffer_done(&code);
    buffer_done(&detail);
}

static void say_what_to_do(int status)
{
    if (status == 401)
        fputs("A token is given by --token-file, GATHERD_TOKEN_FILE or GATHERD_TOKEN.\n", stderr);
}

int server_refused(const struct server *server, const struct co_http_response *response,
                   const struct request_document *requests)
{
    struct json_t *document = NULL;

    if (response->body != NULL)
        (void)json_document_load(response->body, response->body_length, &document);
    if (json_document_find(document, "/code") != NULL)
        say_problem(document, response->status, requests);
    else
        fprintf(stderr, "gatherctl: what is at %s answers with %d and is no gatherd\n",
                server->name, response->status);
    say_what_to_do(response->status);
    json_document_free(document);
    return response->status == 503 ? CLIENT_UNREACHABLE : CLIENT_USAGE;
}

int server_document(const struct server *server, const struct co_http_response *response,
                    const struct request_document *requests, struct json_t **ret_document)
{
    *ret_document = NULL;
    if (response->status < 200 || response->status > 299)
        return server_refused(server, response, requests);
    if (response->body_length == 0)
        return CLIENT_OK;
    if (json_document_load(response->body, response->body_length, ret_document) == 0)
        return CLIENT_OK;
    fprintf(stderr, "gatherctl: what is at %s answers with no JSON and is no gatherd\n",
            server->name);
    return CLIENT_USAGE;
}
