/* The gatherd that is talked to: where it is, and who we say we are.
 *
 * What goes wrong is said on stderr by whoever notices it first, so callers only pass the exit
 * status on.
 */
#pragma once

#include "lib/co/co.h"
#include "lib/net/http.h"

#include "daemon/base/err.h"
#include "daemon/client/exit_status.h"

struct options;
struct json_t;
struct request_document;

struct server {
    struct co_http_session *session;
    struct co_url url;
    char *unix_path;
    char *authorization; /* NULL: without a token */
    const char *name;    /* as the user has called it; borrowed */
};

/* Reads where the server is and the token from options or the environment, and connects to nobody.
 *
 * returns    0; -EINVAL: what is wrong is in err; -ENOMEM
 */
int server_open(struct server *ret_server, const struct options *options, struct err *err);
void server_close(struct server *server);

struct call {
    const char *method;
    const char *path;         /* with its query */
    const char *accept;       /* NULL: JSON */
    const char *content_type; /* of the body; NULL: there is none */
    const void *body;
    size_t body_length;
    const char *key;        /* Idempotency-Key; NULL: none */
    const char *etag;       /* If-None-Match; NULL: none */
    struct co_http_tap tap; /* sees what is answered as it comes, whatever the status; write NULL:
                               it is kept as a whole */
};

/* Asks once.
 *
 * ret_response  filled in any case; owed a co_http_response_done()
 * returns       0: an answer has come, whatever its status, or -ECANCELED, -ENOMEM
 *               -ENOTCONN: none has, or not all of it; nothing has been said of that
 * suspends      until all of it has come
 */
CO_BLOCKS int server_call(struct server *server, const struct call *call,
                          struct co_http_response *ret_response);

/* Says why there was no answer or no whole one, and what to do about it. returns CLIENT_UNREACHABLE
 */
int server_complain(const struct server *server, const struct co_http_response *response);

/* Says what an answer that is a problem (RFC 9457) tells.
 *
 * requests   what it is about, for its items' lines; NULL: something else
 * returns    CLIENT_USAGE, or CLIENT_UNREACHABLE where waiting may help
 */
int server_refused(const struct server *server, const struct co_http_response *response,
                   const struct request_document *requests);

/* Reads an answer; all but one of 2xx is said.
 *
 * ret_document  owed a json_document_free(); NULL if the answer is empty
 * returns       CLIENT_OK, or an exit status
 */
int server_document(const struct server *server, const struct co_http_response *response,
                    const struct request_document *requests, struct json_t **ret_document);
