/* What few requests ask for.
 *
 * A handle remembers which of these options were set in it, so that they are taken back before it
 * serves another request, and a request that wants none of them costs nothing.
 */
#include "lib/net/http_private.h"

static CURLcode set_number(CURL *easy, CURLoption option, long value)
{
    return curl_easy_setopt(easy, option, value);
}

static CURLcode set_text(CURL *easy, CURLoption option, const char *value)
{
    return curl_easy_setopt(easy, option, value);
}

/* --- Versions ------------------------------------------------------------------------------ */

/* Connections that may not speak HTTP/2 are kept apart from those that found out whether they can:
 * by naming the highest version of TLS, which libcurl compares, and which is the highest anyway. */
static CURLcode set_tls_versions(struct co_http_transfer *transfer,
                                 const struct co_http_request *request)
{
    int lowest = request->tls != NULL ? request->tls->min_version : 0;
    long highest = transfer->version == CURL_HTTP_VERSION_1_1 ? CURL_SSLVERSION_MAX_TLSv1_3 : 0;
    static const long versions[] = {[0] = CURL_SSLVERSION_TLSv1_2,
                                    [10] = CURL_SSLVERSION_TLSv1_0,
                                    [11] = CURL_SSLVERSION_TLSv1_1,
                                    [12] = CURL_SSLVERSION_TLSv1_2,
                                    [13] = CURL_SSLVERSION_TLSv1_3};

    return set_number(transfer->easy, CURLOPT_SSLVERSION, versions[lowest] | highest);
}

/* Also of plain HTTP: libcurl believes an origin that answers "HTTP/2" in HTTP/1.1, and from then
 * on would send it many requests at once on one connection. */
static CURLcode set_version(struct co_http_transfer *transfer)
{
    const struct co_http_request *request = transfer->request;
    long version = co_http_origin_version(transfer);

    if (version == transfer->version)
        return CURLE_OK;
    transfer->version = version;
    return set_number(transfer->easy, CURLOPT_HTTP_VERSION, version)
               ?: set_tls_versions(transfer, request);
}

/* --- The others: each also sets what is usual, for a request that does not want it ------------ */

static bool wants_family(const struct co_http_request *request)
{
    return request->ip_family != AF_UNSPEC;
}

/* Addresses of the other family were taken out; this is for connections that are open. */
static CURLcode set_family(struct co_http_transfer *transfer, const struct co_http_request *request)
{
    return set_number(transfer->easy, CURLOPT_IPRESOLVE,
                      request->ip_family == AF_INET    ? CURL_IPRESOLVE_V4
                      : request->ip_family == AF_INET6 ? CURL_IPRESOLVE_V6
                                                       : CURL_IPRESOLVE_WHATEVER);
}

static const char *usual_ca_file(const struct co_http_transfer *transfer)
{
    char *file = transfer->session->ca_file;

    if (file == NULL)
        curl_easy_getinfo(transfer->easy, CURLINFO_CAINFO, &file);
    return file;
}

bool co_http_wants_tls(const struct co_http_request *request)
{
    const struct co_http_tls_options *tls = request->tls;

    return tls != NULL && (tls->is_unverified || tls->min_version != 0 || tls->ca_file != NULL ||
                           tls->client_file != NULL);
}

/* OpenSSL 3 refuses what TLS 1.0 and 1.1 sign with, unless it is told to take it easy. */
static CURLcode set_tls(struct co_http_transfer *transfer, const struct co_http_request *request)
{
    static const struct co_http_tls_options usual;
    const struct co_http_tls_options *tls = request->tls ?: &usual;
    bool is_ancient = tls->min_version == 10 || tls->min_version == 11;
    CURL *easy = transfer->easy;

    return set_tls_versions(transfer, request)
               ?: set_number(easy, CURLOPT_SSL_VERIFYPEER, tls->is_unverified ? 0 : 1)
               ?: set_number(easy, CURLOPT_SSL_VERIFYHOST, tls->is_unverified ? 0 : 2)
               ?: set_text(easy, CURLOPT_CAINFO, tls->ca_file ?: usual_ca_file(transfer))
               ?: set_text(easy, CURLOPT_SSLCERT, tls->client_file)
               ?: set_text(easy, CURLOPT_SSL_CIPHER_LIST,
                           is_ancient ? "DEFAULT@SECLEVEL=0" : NULL);
}

static CURLcode set_addresses(struct co_http_transfer *transfer,
                              const struct co_http_request *request)
{
    struct curl_slist *list = request->addresses != NULL ? &transfer->connect_to : NULL;

    return curl_easy_setopt(transfer->easy, CURLOPT_CONNECT_TO, list);
}

static bool wants_unix_socket(const struct co_http_request *request)
{
    return request->unix_path != NULL;
}

static CURLcode set_unix_socket(struct co_http_transfer *transfer,
                                const struct co_http_request *request)
{
    return set_text(transfer->easy, CURLOPT_UNIX_SOCKET_PATH, request->unix_path);
}

static bool wants_proxy(const struct co_http_request *request)
{
    return request->proxy != NULL;
}

static CURLcode set_proxy(struct co_http_transfer *transfer, const struct co_http_request *request)
{
    static const struct co_url none = {.origin = ""};
    const struct co_url *proxy = request->proxy ?: &none;
    CURL *easy = transfer->easy;

    return set_text(easy, CURLOPT_PROXY, proxy->origin)
               ?: set_text(easy, CURLOPT_NOPROXY, request->proxy != NULL ? "" : "*")
               ?: set_text(easy, CURLOPT_PROXYUSERNAME, proxy->user)
               ?: set_text(easy, CURLOPT_PROXYPASSWORD, proxy->password)
               ?: set_text(easy, CURLOPT_PROXY_CAINFO, usual_ca_file(transfer))
               ?: set_text(easy, CURLOPT_PROXY_CAPATH, NULL);
}

static bool wants_digest(const struct co_http_request *request)
{
    return request->digest_user != NULL && !co_http_request_has(request, "Authorization");
}

static CURLcode set_digest(struct co_http_transfer *transfer, const struct co_http_request *request)
{
    CURL *easy = transfer->easy;

    return set_number(easy, CURLOPT_HTTPAUTH, (long)CURLAUTH_DIGEST)
               ?: set_text(easy, CURLOPT_USERNAME, request->digest_user)
               ?: set_text(easy, CURLOPT_PASSWORD, request->digest_password);
}

static bool wants_jar(const struct co_http_request *request)
{
    return request->jar != NULL && !co_http_request_has(request, "Cookie");
}

static CURLcode set_jar(struct co_http_transfer *transfer, const struct co_http_request *request)
{
    return request->jar != NULL ? co_http_jar_enter(transfer, request->jar)
                                : co_http_jar_leave(transfer);
}

static bool wants_to_be_alone(const struct co_http_request *request)
{
    return request->is_alone;
}

/* That it does not take one that is open is for CURLOPT_FRESH_CONNECT, which its method sets. */
static CURLcode set_alone(struct co_http_transfer *transfer, const struct co_http_request *request)
{
    return set_number(transfer->easy, CURLOPT_FORBID_REUSE, request->is_alone ? 1 : 0)
               ?: set_number(transfer->easy, CURLOPT_SSL_SESSIONID_CACHE,
                             request->is_alone ? 0 : 1);
}

/* --- All of them --------------------------------------------------------------------------- */

enum option { FAMILY, TLS, ADDRESSES, UNIX_SOCKET, PROXY, DIGEST, JAR, ALONE };

static const struct {
    bool (*is_wanted)(const struct co_http_request *request);
    CURLcode (*set)(struct co_http_transfer *transfer, const struct co_http_request *request);
} options[] = {
    [FAMILY] = {wants_family, set_family},
    [TLS] = {co_http_wants_tls, set_tls},
    [ADDRESSES] = {co_http_has_addresses, set_addresses},
    [UNIX_SOCKET] = {wants_unix_socket, set_unix_socket},
    [PROXY] = {wants_proxy, set_proxy},
    [DIGEST] = {wants_digest, set_digest},
    [JAR] = {wants_jar, set_jar},
    [ALONE] = {wants_to_be_alone, set_alone},
};

static bool is_set(const struct co_http_transfer *transfer, enum option option)
{
    return (transfer->options & 1u << option) != 0;
}

enum co_http_error co_http_options_apply(struct co_http_transfer *transfer)
{
    CURLcode code = set_version(transfer);

    for (enum option i = 0; code == CURLE_OK && i < CO_HTTP_COUNT_OF(options); i++) {
        if (!options[i].is_wanted(transfer->request))
            continue;
        transfer->options |= 1u << i;
        code = options[i].set(transfer, transfer->request);
    }
    return code == CURLE_OK ? CO_HTTP_OK : CO_HTTP_RESOURCE_EXHAUSTED;
}

/* libcurl keeps the last challenge for the next request, whoever's that is. */
bool co_http_options_undo(struct co_http_transfer *transfer)
{
    static const struct co_http_request plain;
    bool is_clean = !is_set(transfer, DIGEST);

    for (enum option i = 0; transfer->options != 0 && i < CO_HTTP_COUNT_OF(options); i++)
        if (is_set(transfer, i) && options[i].set(transfer, &plain) != CURLE_OK)
            is_clean = false;
    transfer->options = 0;
    return is_clean;
}
