/* An HTTP client session: requests by many tasks, carried by libcurl's multi interface on the loop.
 *
 * One task drives libcurl: it waits on an epoll descriptor that holds libcurl's sockets, and feeds
 * it. Everybody else calls co_http_fetch(), which hands libcurl one transfer and parks until it is
 * over. Nothing here limits how many transfers run at once: who needs a limit waits for a permit
 * before calling. Redirects are not followed, and nothing is retried but a request with a safe
 * method (RFC 9110 section 9.2.1) whose reused connection was found closed. A digest challenge is
 * answered within the fetch (RFC 7616 section 3.3).
 *
 * A connection is shared by fetches that would have made the same one: same origin, same proxy,
 * same TLS options, same fixed addresses. HTTP/2 is spoken over TLS with origins that offer it, and
 * then fetches share a connection at the same time; the first fetch of an unknown origin finds out,
 * the others wait for that.
 *
 * Names are resolved by co_dns and given to libcurl as addresses. Each address passes the caller's
 * gate after it was resolved, when a socket is made for it, and again before the request is sent,
 * since the connection may be one that somebody else opened.
 *
 * Sent are the caller's headers, besides them only Host, Content-Length, and Cookie and
 * Authorization where the request has a jar or a digest, each unless the caller has it. A body that
 * comes encoded is decoded, whether it was asked for or not. Nothing of the environment plays a
 * part: no proxy variables, no .netrc, no Alt-Svc, no HSTS. The program has to ignore SIGPIPE.
 */
#pragma once

#include <stdbool.h>

#include "lib/co/base.h"
#include "lib/net/address.h"
#include "lib/net/dns.h"
#include "lib/net/url.h"

struct co_http_session;

struct co_http_session_options {
    struct co_dns *dns;            /* borrowed; outlives the session. NULL: one of its own */
    const char *ca_file;           /* PEM bundle to verify servers with; NULL: libcurl's */
    unsigned max_idle_connections; /* about as many are kept open for reuse; 0: 256 */
};

/* Starts the driver task in the caller's loop. options may be NULL. returns 0, -ENOMEM, -EMFILE */
int co_http_session_new(struct co_http_session **ret_session,
                        const struct co_http_session_options *options);

/* Ends the driver and closes all connections. No fetch may be going on. NULL is fine.
 *
 * suspends   until the driver has ended; is not disturbed by cancellation
 */
void co_http_session_free(struct co_http_session *session);
void co_http_session_freep(struct co_http_session **session);

struct co_http_header {
    const char *name;
    const char *value;
};

/* What can be decoded, as the value of an Accept-Encoding header: "gzip, br, zstd", or fewer. */
const char *co_http_encodings(void);

/* Says whether a connection is allowed: NULL, or the name of the rule that forbids it, which must
 * live as long as the response is looked at. */
struct co_http_gate {
    const char *(*check)(void *arg, const struct co_address *address);
    /* All that a name resolved to, together; may take out some, not all. */
    const char *(*check_answer)(void *arg, struct co_address *addresses, size_t *n_addresses);
    void *arg;
};

enum co_http_version {
    CO_HTTP_VERSION_ANY, /* 2 over TLS if the origin offers it, else 1.1 */
    CO_HTTP_VERSION_1_1,
    CO_HTTP_VERSION_2, /* for https; an origin without it is CO_HTTP_TLS_HANDSHAKE. http is 1.1 */
};

/* How to speak TLS. All zeros: as is safe. */
struct co_http_tls_options {
    bool is_unverified;      /* any certificate will do */
    int min_version;         /* 10, 11, 12, 13; 0: 12. Below that weak signatures will do, too */
    const char *ca_file;     /* PEM, instead of the session's; NULL: the session's */
    const char *client_file; /* PEM with our certificate and its key; NULL: none */
};

/* Cookies that fetches share (RFC 6265). Bounded: one that has been given CO_HTTP_JAR_MAX cookies
 * is emptied and begins anew. It belongs to one session and one loop; no fetch may be using it when
 * it is freed. */
struct co_http_jar;
enum { CO_HTTP_JAR_MAX = 3000 }; /* as many as RFC 6265 section 6.1 wants at least */

int co_http_jar_new(struct co_http_jar **ret_jar); /* returns 0, -ENOMEM */
void co_http_jar_free(struct co_http_jar *jar);    /* NULL is fine */

/* Sees the decoded body piece by piece, as it comes, whatever is captured. Must not block. */
struct co_http_tap {
    void (*write)(void *arg, const void *bytes, size_t n_bytes);
    void *arg;
};

/* All pointers are borrowed until co_http_fetch() returns. Durations are nanoseconds, 0: no limit.
 */
struct co_http_request {
    const char *method;                   /* a token */
    const struct co_url *url;             /* its user and password are not sent */
    const struct co_http_header *headers; /* checked: tokens, and values without CR, LF, NUL */
    size_t n_headers;
    const void *body; /* NULL: none; an empty body is "" with length 0; HEAD has none */
    size_t body_length;

    co_time deadline;           /* of co_now(); 0: none. -> CO_HTTP_TIMEOUT_TOTAL */
    co_time connect_timeout;    /* names, TCP and TLS together */
    co_time first_byte_timeout; /* from the last byte sent to the first of the response */
    co_time idle_timeout;       /* between two pieces of the response */

    size_t max_header_bytes;   /* more: CO_HTTP_HEADER_TOO_LARGE */
    uint64_t max_body_bytes;   /* decoded; more: CO_HTTP_BODY_TOO_LARGE */
    unsigned max_decode_ratio; /* decoded to received, from 1 MiB decoded on; 0: no limit; more:
                                  CO_HTTP_DECODE_RATIO */
    size_t capture_bytes;      /* how much of the decoded body to keep; the rest is counted only */
    struct co_http_tap tap;    /* write NULL: none */

    enum co_http_version version;
    int ip_family;                         /* AF_INET or AF_INET6 only; AF_UNSPEC: any */
    const struct co_http_tls_options *tls; /* NULL: all zeros */
    const struct co_address *addresses;    /* of the host, instead of looking it up; NULL: look up.
                                              Of no use with a proxy */
    size_t n_addresses;                    /* at most CO_DNS_MAX_ADDRESSES */
    const char *unix_path; /* a socket to connect to, wherever the URL's host, a literal, would be;
                              NULL: none. It is the caller's choice: the gate is not asked */
    const struct co_url *proxy; /* http or https, with its user and password; NULL: none. The gate
                                   is then asked about literal hosts only: names are the proxy's to
                                   resolve, and its own address is the caller's choice */
    const char *digest_user;    /* answers challenges with it; NULL: none */
    const char *digest_password;
    bool is_alone;           /* on a connection of its own: opened for it, and closed after it */
    struct co_http_jar *jar; /* NULL, or a Cookie header of the caller's: no cookies are kept or
                                sent but that */

    const struct co_http_gate *gate; /* NULL: everything is allowed */
};

/* Why there is no complete response. */
enum co_http_error {
    CO_HTTP_OK,
    CO_HTTP_BLOCKED,
    CO_HTTP_DNS_NOT_FOUND,
    CO_HTTP_DNS_TIMEOUT,
    CO_HTTP_DNS_ERROR,
    CO_HTTP_CONNECT_REFUSED,
    CO_HTTP_CONNECT_TIMEOUT,
    CO_HTTP_CONNECT_UNREACHABLE,
    CO_HTTP_CONNECT_ERROR,
    CO_HTTP_PROXY_ERROR, /* the proxy did not answer, or would not */
    CO_HTTP_TLS_TIMEOUT,
    CO_HTTP_TLS_HANDSHAKE,
    CO_HTTP_TLS_CERT_UNTRUSTED,
    CO_HTTP_TLS_CERT_EXPIRED,
    CO_HTTP_TLS_HOSTNAME_MISMATCH,
    CO_HTTP_TLS_FILE, /* named internal: a ca_file or client_file of ours that is none */
    CO_HTTP_SEND_ERROR,
    CO_HTTP_EMPTY_REPLY,
    CO_HTTP_TIMEOUT_FIRST_BYTE,
    CO_HTTP_TIMEOUT_IDLE,
    CO_HTTP_TIMEOUT_TOTAL,
    CO_HTTP_RECV_RESET,
    CO_HTTP_PARTIAL_BODY,
    CO_HTTP_BODY_TOO_LARGE,
    CO_HTTP_DECODE_RATIO, /* named body_too_large: a decompression bomb */
    CO_HTTP_HEADER_TOO_LARGE,
    CO_HTTP_DECODE_ERROR,
    CO_HTTP_PARSE_ERROR,
    CO_HTTP_CANCELED, /* the caller was */
    CO_HTTP_RESOURCE_EXHAUSTED,
    CO_HTTP_INTERNAL,
    CO_HTTP_N_ERRORS
};

/* "connect_refused"; the names are those of the REST contract. NULL for CO_HTTP_OK. */
const char *co_http_error_name(enum co_http_error error);

/* Whether trying again may help. */
bool co_http_error_is_retryable(enum co_http_error error);

enum co_http_phase {
    CO_HTTP_DNS,
    CO_HTTP_CONNECT,
    CO_HTTP_TLS,
    CO_HTTP_SEND,
    CO_HTTP_WAIT,
    CO_HTTP_RECEIVE,
    CO_HTTP_N_PHASES
};

const char *co_http_phase_name(enum co_http_phase phase);

/* What was agreed on with the other side of a TLS connection; texts in UTF-8. */
struct co_http_tls {
    const char *version; /* "TLSv1.3" */
    const char *cipher;  /* "TLS_AES_128_GCM_SHA256" */
    const char *subject; /* of its certificate, as in RFC 4514: "CN=example.com" */
    const char *issuer;
    int64_t not_after_at; /* microseconds since 1970 */
    bool is_verified;     /* the chain and the name were checked and are fine */

    /* Only of a handshake of this process, not kept with results: */
    const char *names;          /* DNS names of the certificate, with a ',' between them; or NULL */
    unsigned char sha256[32];   /* of the certificate */
    int64_t chain_not_after_at; /* when the first certificate of those that were sent expires */
    int64_t trusted_not_after_at; /* of those that lead to one that is trusted; 0: none does */

    unsigned n_references; /* belongs to the connection and to responses */
};

struct co_http_response {
    enum co_http_error error;
    enum co_http_phase error_phase; /* the phase that was going on */
    const char *blocked_by;         /* the gate's rule; of CO_HTTP_BLOCKED */
    int curl_code;                  /* 0: the failure did not come from libcurl */
    const char *curl_name;          /* "CURLE_COULDNT_CONNECT"; NULL if curl_code is 0 */
    const char *message;            /* one English sentence; static; NULL on success */

    int status;                    /* 0: no response line was received */
    int http_version;              /* 10, 11, 20; 0 unknown */
    bool reused;                   /* the connection was open already */
    const struct co_http_tls *tls; /* NULL: plain HTTP, no handshake yet, or not known */
    struct co_address remote;      /* of the proxy, if there is one; family 0: never connected */

    struct co_http_header *headers; /* of the final response, names in lower case, in order */
    size_t n_headers;
    char *body; /* the captured start of it, and a NUL; NULL: not wanted, or no response came */
    size_t body_length;
    bool body_truncated;

    uint64_t sent_bytes;                   /* header and body of the request */
    uint64_t encoded_bytes, decoded_bytes; /* of the body, as received and as decoded */

    /* Microseconds from stamps of our own; -1: the phase did not happen (not reached, or a reused
     * connection). Their sum is total_us exactly; on failure the time since the last stamp belongs
     * to error_phase. */
    int64_t phase_us[CO_HTTP_N_PHASES];
    int64_t total_us;

    void *storage; /* what headers point into */
};

/* The value of the first header with a name, whatever its case. returns NULL: there is none */
const char *co_http_response_header(const struct co_http_response *response, const char *name);

void co_http_response_done(struct co_http_response *response);

/* Fetches. Whatever the origin does is an answer, not an error of this call.
 *
 * ret_response  always filled; owed a co_http_response_done(), whatever is returned
 * returns       0; -ECANCELED, and response->error is CO_HTTP_CANCELED with the phase it was in
 * suspends      until the response is complete or has failed
 */
CO_BLOCKS int co_http_fetch(struct co_http_session *session, const struct co_http_request *request,
                            struct co_http_response *ret_response);

/* GETs a URL with limits that fit a page: 30 s in all, 64 KiB of headers, 16 MiB of body, which is
 * kept.
 *
 * ret_response  always filled; owed a co_http_response_done(), whatever is returned
 * returns       as co_http_fetch(); -EINVAL: co_url_parse() finds a problem with the URL; -ENOMEM
 * suspends      as co_http_fetch()
 * source        aiohttp.ClientSession.get, requests.get; redirects are the caller's here
 */
CO_BLOCKS int co_http_get(struct co_http_session *session, const char *url,
                          struct co_http_response *ret_response);
