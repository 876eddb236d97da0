/* From what libcurl says to the names of the contract. */
#include "lib/net/http_private.h"

#include <errno.h>

static const struct {
    const char *name;
    bool is_retryable;
    const char *message;
} errors[CO_HTTP_N_ERRORS] = {
    [CO_HTTP_BLOCKED] = {"blocked_by_policy", false,
                         "The policy of this server forbids connections to this address."},
    [CO_HTTP_DNS_NOT_FOUND] = {"dns_not_found", false,
                               "The host name does not exist or has no address."},
    [CO_HTTP_DNS_TIMEOUT] = {"dns_timeout", true, "No name server answered in time."},
    [CO_HTTP_DNS_ERROR] = {"dns_error", true, "The name servers could not answer."},
    [CO_HTTP_CONNECT_REFUSED] = {"connect_refused", true, "The origin refused the connection."},
    [CO_HTTP_CONNECT_TIMEOUT] = {"connect_timeout", true, "The connection took too long to open."},
    [CO_HTTP_CONNECT_UNREACHABLE] = {"connect_unreachable", true,
                                     "There is no way to the origin's network or host."},
    [CO_HTTP_CONNECT_ERROR] = {"connect_error", true, "The connection could not be opened."},
    [CO_HTTP_PROXY_ERROR] = {"proxy_error", true,
                             "The proxy did not answer, or refused to connect."},
    [CO_HTTP_TLS_TIMEOUT] = {"tls_timeout", true, "The TLS handshake took too long."},
    [CO_HTTP_TLS_HANDSHAKE] = {"tls_handshake", false, "The TLS handshake failed."},
    [CO_HTTP_TLS_CERT_UNTRUSTED] = {"tls_cert_untrusted", false,
                                    "The certificate is not signed by a trusted authority."},
    [CO_HTTP_TLS_CERT_EXPIRED] = {"tls_cert_expired", false,
                                  "The certificate has expired or is not valid yet."},
    [CO_HTTP_TLS_HOSTNAME_MISMATCH] = {"tls_hostname_mismatch", false,
                                       "The certificate is for another host name."},
    [CO_HTTP_TLS_FILE] = {"internal", false, "A certificate file of this server cannot be used."},
    [CO_HTTP_SEND_ERROR] = {"send_error", true,
                            "The connection broke while the request was being sent."},
    [CO_HTTP_EMPTY_REPLY] = {"empty_reply", true,
                             "The origin closed the connection without an answer."},
    [CO_HTTP_TIMEOUT_FIRST_BYTE] = {"timeout_first_byte", true,
                                    "The response took too long to begin."},
    [CO_HTTP_TIMEOUT_IDLE] = {"timeout_idle", true, "The response stopped coming."},
    [CO_HTTP_TIMEOUT_TOTAL] = {"timeout_total", true, "The request took too long altogether."},
    [CO_HTTP_RECV_RESET] = {"recv_reset", true,
                            "The connection broke while the response was being received."},
    [CO_HTTP_PARTIAL_BODY] = {"partial_body", true,
                              "The connection was closed before the body was complete."},
    [CO_HTTP_BODY_TOO_LARGE] = {"body_too_large", false, "The body is larger than allowed."},
    [CO_HTTP_DECODE_RATIO] = {"body_too_large", false,
                              "The body is far larger than what was received of it."},
    [CO_HTTP_HEADER_TOO_LARGE] = {"header_too_large", false,
                                  "The header of the response is larger than allowed."},
    [CO_HTTP_DECODE_ERROR] = {"decode_error", false, "The body is not encoded as it claims."},
    [CO_HTTP_PARSE_ERROR] = {"http_parse_error", false, "The response is not valid HTTP."},
    [CO_HTTP_CANCELED] = {"canceled", false, "The request was canceled."},
    [CO_HTTP_RESOURCE_EXHAUSTED] = {"resource_exhausted", true,
                                    "This server is short of memory or descriptors."},
    [CO_HTTP_INTERNAL] = {"internal", false, "This server made a mistake."},
};

const char *co_http_error_name(enum co_http_error error)
{
    return errors[error].name;
}

bool co_http_error_is_retryable(enum co_http_error error)
{
    return errors[error].is_retryable;
}

const char *co_http_error_message(enum co_http_error error)
{
    return errors[error].message;
}

const char *co_http_phase_name(enum co_http_phase phase)
{
    static const char *const names[CO_HTTP_N_PHASES] = {
        [CO_HTTP_DNS] = "dns",   [CO_HTTP_CONNECT] = "connect", [CO_HTTP_TLS] = "tls",
        [CO_HTTP_SEND] = "send", [CO_HTTP_WAIT] = "wait",       [CO_HTTP_RECEIVE] = "receive"};

    return names[phase];
}

enum co_http_error co_http_error_of_timeout(enum co_http_phase phase)
{
    static const enum co_http_error timeouts[CO_HTTP_N_PHASES] = {
        [CO_HTTP_DNS] = CO_HTTP_DNS_TIMEOUT,         [CO_HTTP_CONNECT] = CO_HTTP_CONNECT_TIMEOUT,
        [CO_HTTP_TLS] = CO_HTTP_TLS_TIMEOUT,         [CO_HTTP_SEND] = CO_HTTP_TIMEOUT_TOTAL,
        [CO_HTTP_WAIT] = CO_HTTP_TIMEOUT_FIRST_BYTE, [CO_HTTP_RECEIVE] = CO_HTTP_TIMEOUT_IDLE};

    return timeouts[phase];
}

/* --- Where a code alone does not tell ------------------------------------------------------ */

typedef enum co_http_error judge(const struct co_http_transfer *transfer);

static int os_errno(const struct co_http_transfer *transfer)
{
    long number = 0;

    curl_easy_getinfo(transfer->easy, CURLINFO_OS_ERRNO, &number);
    return (int)number;
}

static enum co_http_error judge_connect(const struct co_http_transfer *transfer)
{
    switch (transfer->socket_errno != 0 ? transfer->socket_errno : os_errno(transfer)) {
    case ECONNREFUSED:
        return CO_HTTP_CONNECT_REFUSED;
    case EHOSTUNREACH:
    case ENETUNREACH:
    case EADDRNOTAVAIL:
    case EAFNOSUPPORT:
        return CO_HTTP_CONNECT_UNREACHABLE;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
        return CO_HTTP_RESOURCE_EXHAUSTED;
    default:
        return CO_HTTP_CONNECT_ERROR;
    }
}

static enum co_http_error judge_timeout(const struct co_http_transfer *transfer)
{
    return co_http_error_of_timeout(co_http_timing_phase(&transfer->timing));
}

static enum co_http_error judge_certificate(const struct co_http_transfer *transfer)
{
    /* As <openssl/x509_vfy.h> has them. Before there is a verdict, it is "unspecified"; names are
     * checked by libcurl itself, after a chain that was fine. */
    enum { VERIFIED = 0, UNSPECIFIED = 1, NOT_YET_VALID = 9, EXPIRED = 10 };
    long verdict = VERIFIED;

    curl_easy_getinfo(transfer->easy, CURLINFO_SSL_VERIFYRESULT, &verdict);
    switch (verdict) {
    case VERIFIED:
    case UNSPECIFIED:
        return CO_HTTP_TLS_HOSTNAME_MISMATCH;
    case NOT_YET_VALID:
    case EXPIRED:
        return CO_HTTP_TLS_CERT_EXPIRED;
    default:
        return CO_HTTP_TLS_CERT_UNTRUSTED;
    }
}

/* libcurl says so of a header line of more than 100 KB: the one until 8.5, the other since. */
static enum co_http_error judge_memory(const struct co_http_transfer *transfer)
{
    return transfer->asked && transfer->expects != AWAIT_BODY ? CO_HTTP_HEADER_TOO_LARGE
                                                              : CO_HTTP_RESOURCE_EXHAUSTED;
}

/* Also said when one idle connection after the other was found to have been closed by the origin,
 * each after the request had been sent on it: libcurl gives up after five. */
static enum co_http_error judge_send(const struct co_http_transfer *transfer)
{
    return co_http_timing_phase(&transfer->timing) > CO_HTTP_SEND ? CO_HTTP_EMPTY_REPLY
                                                                  : CO_HTTP_SEND_ERROR;
}

/* Of an HTTP/2 stream whose connection was closed, libcurl says it even if nothing came. */
static enum co_http_error judge_partial(const struct co_http_transfer *transfer)
{
    return transfer->response->status != 0 ? CO_HTTP_PARTIAL_BODY : CO_HTTP_EMPTY_REPLY;
}

/* Interim responses came, and after them something that libcurl would not take. */
static bool broke_in_header(const struct co_http_transfer *transfer)
{
    return transfer->header_bytes > 0 && transfer->response->status == 0;
}

/* While a request is being sent, libcurl looks for an answer first. What the network had no part in
 * is chunks that make no sense, or TLS that ends without saying so. To libcurl 7.88 that is an end
 * like any other, to 8.14 it is not. */
static enum co_http_error judge_receive(const struct co_http_transfer *transfer)
{
    if (co_http_timing_phase(&transfer->timing) == CO_HTTP_SEND)
        return CO_HTTP_SEND_ERROR;
    if (os_errno(transfer) != 0 || broke_in_header(transfer))
        return CO_HTTP_RECV_RESET;
    return transfer->request->url->is_https ? judge_partial(transfer) : CO_HTTP_PARSE_ERROR;
}

/* --- The codes ----------------------------------------------------------------------------- */

#define CODE(name, error)   [CURLE_##name] = {"CURLE_" #name, error, NULL}
#define JUDGED(name, judge) [CURLE_##name] = {"CURLE_" #name, CO_HTTP_OK, judge}

static const struct code {
    const char *name;
    enum co_http_error error;
    judge *judge; /* instead, if there is one */
} codes[CURL_LAST] = {
    CODE(UNSUPPORTED_PROTOCOL, CO_HTTP_PARSE_ERROR), /* HTTP/0.9, or anything but HTTP */
    CODE(FAILED_INIT, CO_HTTP_INTERNAL),
    CODE(URL_MALFORMAT, CO_HTTP_INTERNAL),
    CODE(COULDNT_RESOLVE_PROXY, CO_HTTP_PROXY_ERROR),
    CODE(COULDNT_RESOLVE_HOST, CO_HTTP_DNS_ERROR),
    JUDGED(COULDNT_CONNECT, judge_connect),
    CODE(WEIRD_SERVER_REPLY, CO_HTTP_PARSE_ERROR),
    CODE(HTTP2, CO_HTTP_RECV_RESET),
    JUDGED(PARTIAL_FILE, judge_partial),
    /* Headers begin with a folded line. */
    CODE(BAD_FUNCTION_ARGUMENT, CO_HTTP_PARSE_ERROR),
    CODE(WRITE_ERROR, CO_HTTP_DECODE_ERROR), /* ours are refusals: a decoder's */
    CODE(READ_ERROR, CO_HTTP_INTERNAL),
    JUDGED(OUT_OF_MEMORY, judge_memory),
    JUDGED(OPERATION_TIMEDOUT, judge_timeout),
    CODE(SSL_CONNECT_ERROR, CO_HTTP_TLS_HANDSHAKE),
    CODE(ABORTED_BY_CALLBACK, CO_HTTP_INTERNAL),
    CODE(GOT_NOTHING, CO_HTTP_EMPTY_REPLY),
    JUDGED(SEND_ERROR, judge_send),
    JUDGED(RECV_ERROR, judge_receive),
    CODE(SSL_CERTPROBLEM, CO_HTTP_TLS_FILE),
    CODE(SSL_CIPHER, CO_HTTP_TLS_HANDSHAKE),
    JUDGED(PEER_FAILED_VERIFICATION, judge_certificate),
    CODE(BAD_CONTENT_ENCODING, CO_HTTP_DECODE_ERROR),
    CODE(SEND_FAIL_REWIND, CO_HTTP_SEND_ERROR),
    CODE(SSL_CACERT_BADFILE, CO_HTTP_TLS_FILE),
    CODE(SSL_SHUTDOWN_FAILED, CO_HTTP_TLS_HANDSHAKE),
    CODE(SSL_ISSUER_ERROR, CO_HTTP_TLS_CERT_UNTRUSTED),
    CODE(SSL_INVALIDCERTSTATUS, CO_HTTP_TLS_CERT_UNTRUSTED),
    CODE(HTTP2_STREAM, CO_HTTP_RECV_RESET),
    CODE(PROXY, CO_HTTP_PROXY_ERROR),
    CODE(SSL_CLIENTCERT, CO_HTTP_TLS_HANDSHAKE),
#if LIBCURL_VERSION_NUM >= 0x080600
    JUDGED(TOO_LARGE, judge_memory),
#endif
};

static const struct code other_code = {"CURLE_OTHER", CO_HTTP_INTERNAL, NULL};

static const struct code *find_code(CURLcode code)
{
    return (unsigned)code < CURL_LAST && codes[code].name != NULL ? &codes[code] : &other_code;
}

enum co_http_error co_http_error_of(const struct co_http_transfer *transfer)
{
    const struct code *code = find_code(transfer->result);

    return code->judge != NULL ? code->judge(transfer) : code->error;
}

enum co_http_error co_http_error_of_proxy(enum co_http_error error)
{
    switch (error) {
    case CO_HTTP_OK:
    case CO_HTTP_BLOCKED:
    case CO_HTTP_DNS_TIMEOUT:
    case CO_HTTP_CONNECT_TIMEOUT:
    case CO_HTTP_TLS_FILE:
    case CO_HTTP_TIMEOUT_TOTAL:
    case CO_HTTP_CANCELED:
    case CO_HTTP_RESOURCE_EXHAUSTED:
    case CO_HTTP_INTERNAL:
        return error;
    default:
        return CO_HTTP_PROXY_ERROR;
    }
}

const char *co_http_curl_name(CURLcode code)
{
    return code == CURLE_OK ? NULL : find_code(code)->name;
}
