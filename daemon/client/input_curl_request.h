/* What the options of curl say of a request, collected, and written as gatherd takes it. */
#pragma once

#include <stdbool.h>

#include "daemon/base/buffer.h"

enum {
    CURL_HEADERS_MAX = 100,            /* of a request; gatherd takes no more */
    CURL_RESOLVE_MAX = 64,             /* likewise */
    CURL_BYTES_MAX = 16 * 1024 * 1024, /* of URLs, and of a body */
};

enum curl_body { CURL_NO_BODY, CURL_FORM, CURL_JSON };

enum curl_auth { CURL_AUTH_BASIC, CURL_AUTH_DIGEST };

struct curl_header {
    char *name;
    char *value; /* NULL: it is not to be sent */
};

struct curl_request {
    struct buffer urls; /* each behind its line (unsigned long), with a NUL behind it */
    struct buffer body;
    enum curl_body body_kind;
    struct curl_header headers[CURL_HEADERS_MAX];
    size_t n_headers;
    char *resolve[CURL_RESOLVE_MAX];
    size_t n_resolve;
    char *method;
    char *user; /* "name:password" */
    char *bearer;
    char *proxy;
    enum curl_auth auth;
    const char *http_version; /* NULL: not said */
    const char *ip_version;   /* likewise */
    unsigned long timeout_ms; /* 0: not said */
    unsigned long connect_timeout_ms;
    long max_redirects; /* negative: not said */
    long n_retries;     /* likewise */
    bool follows_redirects;
    bool is_insecure;
    unsigned long line; /* of the option that is being read */
};

/* As curl has it when nothing is said: no redirect is followed. */
void curl_request_init(struct curl_request *request);
void curl_request_done(struct curl_request *request);

/* Adds a header, as "Name: value"; "Name:" takes it away, "Name;" sends it without a value.
 *
 * returns    0; -EINVAL: it is none of these; -EMSGSIZE: there are too many; -ENOMEM */
int curl_request_add_header(struct curl_request *request, const char *text);

/* The same with name and value; of a name that is there already nothing is added if is_default. */
int curl_request_set_header(struct curl_request *request, const char *name, const char *value,
                            bool is_default);

/* Appends what holds for each URL, as a JSON object without its URL. returns 0; -ENOMEM */
int curl_request_render(const struct curl_request *request, struct buffer *out);

/* The next URL: *at is 0 at first. returns false: there are no more */
bool curl_request_next_url(const struct curl_request *request, size_t *at, const char **ret_url,
                           unsigned long *ret_line);
int curl_request_add_url(struct curl_request *request, const char *url, size_t length);
