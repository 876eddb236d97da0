/* What was agreed on in a TLS handshake, asked of OpenSSL once for each connection.
 *
 * It is kept with OpenSSL's object of the connection, and goes when neither that nor a response
 * refers to it any more. libcurl may have been built with another library, or another version:
 * then nothing is known.
 */
#include "lib/net/http_private.h"

#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/co/task.h"

struct entry {
    struct co_http_tls tls;
    bool speaks_2;
};

/* --- Its place in OpenSSL's objects -------------------------------------------------------- */

static int place = -1; /* -1: libcurl's OpenSSL is not ours */

static void release(void *parent, void *entry, CRYPTO_EX_DATA *data, int index, long n, void *arg)
{
    (void)parent, (void)data, (void)index, (void)n, (void)arg;
    co_http_tls_unref(entry);
}

static void find_place(void)
{
    char wanted[64];
    const char *libcurls = curl_version_info(CURLVERSION_NOW)->ssl_version;

    snprintf(wanted, sizeof(wanted), "OpenSSL/%s", OpenSSL_version(OPENSSL_VERSION_STRING));
    if (libcurls != NULL && strstr(libcurls, wanted) != NULL)
        place = SSL_get_ex_new_index(0, NULL, NULL, NULL, release);
}

bool co_http_tls_is_visible(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, find_place);
    return place >= 0;
}

static SSL *connection_of(const struct co_http_transfer *transfer)
{
    struct curl_tlssessioninfo *info = NULL;

    if (!co_http_tls_is_visible() ||
        curl_easy_getinfo(transfer->easy, CURLINFO_TLS_SSL_PTR, &info) != CURLE_OK ||
        info->backend != CURLSSLBACKEND_OPENSSL)
        return NULL;
    return info->internals;
}

/* --- What is told -------------------------------------------------------------------------- */

/* As RFC 4514 has it. Of a name that cannot be UTF-8, bytes outside ASCII are escaped. */
static void write_name(BIO *to, const X509_NAME *name)
{
    const unsigned long as_utf8 = XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB;
    const unsigned long as_ascii = XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_UTF8_CONVERT;

    if (X509_NAME_print_ex(to, name, 0, as_utf8) >= 0)
        return;
    (void)BIO_reset(to);
    (void)X509_NAME_print_ex(to, name, 0, as_ascii);
}

/* returns NULL: no memory */
static char *copy_text(BIO *from)
{
    char *bytes;
    long n = BIO_get_mem_data(from, &bytes);

    return strndup(n > 0 ? bytes : "", n > 0 ? (size_t)n : 0);
}

/* returns NULL: no memory */
static char *copy_name(const X509_NAME *name)
{
    BIO *bio = BIO_new(BIO_s_mem());

    if (bio == NULL)
        return NULL;
    write_name(bio, name);
    char *copy = copy_text(bio);
    BIO_free(bio);
    return copy;
}

static int64_t time_of(const ASN1_TIME *time)
{
    struct tm calendar;

    return ASN1_TIME_to_tm(time, &calendar) == 1 ? timegm(&calendar) * INT64_C(1000000) : 0;
}

/* --- Of its certificates ------------------------------------------------------------------- */

/* When the first of them expires; 0: there are none. */
static int64_t first_expiry(const STACK_OF(X509) * certificates)
{
    int64_t first = 0;

    for (int i = 0; i < sk_X509_num(certificates); i++) {
        int64_t expiry = time_of(X509_get0_notAfter(sk_X509_value(certificates, i)));
        if (i == 0 || expiry < first)
            first = expiry;
    }
    return first;
}

static void write_dns_names(BIO *to, const GENERAL_NAMES *names)
{
    const char *separator = "";

    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        if (name->type != GEN_DNS)
            continue;
        (void)BIO_printf(to, "%s%.*s", separator, ASN1_STRING_length(name->d.dNSName),
                         (const char *)ASN1_STRING_get0_data(name->d.dNSName));
        separator = ",";
    }
}

/* returns NULL: no memory */
static char *copy_dns_names(const X509 *certificate)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    BIO *bio = BIO_new(BIO_s_mem());
    char *copy = NULL;

    if (bio != NULL) {
        write_dns_names(bio, names);
        copy = copy_text(bio);
    }
    GENERAL_NAMES_free(names);
    BIO_free(bio);
    return copy;
}

static bool has_chosen_http_2(const SSL *ssl)
{
    const unsigned char *protocol;
    unsigned n;

    SSL_get0_alpn_selected(ssl, &protocol, &n);
    return n == 2 && memcmp(protocol, "h2", n) == 0;
}

/* libcurl shares a connection only among those that verify in the same way. */
static bool is_verified(const struct co_http_request *request)
{
    return request->tls == NULL || !request->tls->is_unverified;
}

static struct entry *describe(const struct co_http_transfer *transfer, const SSL *ssl)
{
    struct entry *entry = calloc(1, sizeof(*entry));
    const X509 *certificate = SSL_get0_peer_certificate(ssl); /* TLS with servers has one */

    if (entry == NULL)
        return NULL;
    entry->speaks_2 = has_chosen_http_2(ssl);
    entry->tls = (struct co_http_tls){
        .version = SSL_get_version(ssl),
        .cipher = SSL_get_cipher_name(ssl),
        .subject = copy_name(X509_get_subject_name(certificate)),
        .issuer = copy_name(X509_get_issuer_name(certificate)),
        .not_after_at = time_of(X509_get0_notAfter(certificate)),
        .is_verified = is_verified(transfer->request),
        .names = copy_dns_names(certificate),
        .chain_not_after_at = first_expiry(SSL_get_peer_cert_chain(ssl)),
        .trusted_not_after_at = SSL_get_verify_result(ssl) == X509_V_OK
                                    ? first_expiry(SSL_get0_verified_chain(ssl))
                                    : 0,
        .n_references = 1,
    };
    (void)X509_digest(certificate, EVP_sha256(), entry->tls.sha256, NULL);
    if (entry->tls.subject != NULL && entry->tls.issuer != NULL && entry->tls.names != NULL)
        return entry;
    co_http_tls_unref(&entry->tls);
    return NULL;
}

static struct entry *find_or_describe(const struct co_http_transfer *transfer, SSL *ssl)
{
    struct entry *entry = SSL_get_ex_data(ssl, place);

    if (entry != NULL)
        return entry;
    entry = describe(transfer, ssl);
    if (entry == NULL || SSL_set_ex_data(ssl, place, entry) == 1)
        return entry;
    co_http_tls_unref(&entry->tls);
    return NULL;
}

/* --- To whom ------------------------------------------------------------------------------- */

void co_http_tls_unref(const struct co_http_tls *tls)
{
    struct entry *entry = (struct entry *)(uintptr_t)tls;

    if (entry == NULL || --entry->tls.n_references > 0)
        return;
    free((char *)(uintptr_t)entry->tls.subject);
    free((char *)(uintptr_t)entry->tls.issuer);
    free((char *)(uintptr_t)entry->tls.names);
    free(entry);
}

bool co_http_tls_speaks_2(const struct co_http_tls *tls)
{
    return ((const struct entry *)tls)->speaks_2;
}

enum co_http_error co_http_tls_inspect(struct co_http_transfer *transfer)
{
    struct co_http_response *response = transfer->response;
    SSL *ssl = transfer->request->url->is_https ? connection_of(transfer) : NULL;

    co_http_tls_unref(co_take(response->tls)); /* of an exchange before this one */
    if (ssl == NULL)
        return CO_HTTP_OK;
    struct entry *entry = find_or_describe(transfer, ssl);
    if (entry == NULL)
        return CO_HTTP_RESOURCE_EXHAUSTED;
    co_http_origin_learn(transfer, entry->speaks_2);
    if (transfer->request->version == CO_HTTP_VERSION_2 && !entry->speaks_2) {
        co_http_timing_end(&transfer->timing, CO_HTTP_CONNECT, co_clock_now()); /* if reused */
        return CO_HTTP_TLS_HANDSHAKE;
    }
    entry->tls.n_references++;
    response->tls = &entry->tls;
    return CO_HTTP_OK;
}
