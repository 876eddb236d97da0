#include "tests/support/fake_tls.h"

#include <errno.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/runtime.h"

#define assert_done(expression) ck_assert_int_eq(expression, 1)

/* --- Certificates -------------------------------------------------------------------------- */

struct identity {
    X509 *certificate;
    EVP_PKEY *key;
};

static void free_identity(struct identity *identity)
{
    X509_free(identity->certificate);
    EVP_PKEY_free(identity->key);
}

static void extend(X509 *certificate, int nid, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

    ck_assert_ptr_nonnull(extension);
    assert_done(X509_add_ext(certificate, extension, -1));
    X509_EXTENSION_free(extension);
}

/* Of this subject, still without names, validity and signature. */
static struct identity make_identity(const char *subject, long serial)
{
    struct identity identity = {X509_new(), EVP_EC_gen("P-256")};
    X509_NAME *name = X509_get_subject_name(identity.certificate);

    X509_set_version(identity.certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(identity.certificate), serial);
    assert_done(X509_NAME_add_entry_by_txt(name, "O", MBSTRING_UTF8,
                                           (const unsigned char *)"Tests, Inc.", -1, -1, 0));
    assert_done(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                                           (const unsigned char *)subject, -1, -1, 0));
    assert_done(X509_set_pubkey(identity.certificate, identity.key));
    return identity;
}

static void sign(struct identity *identity, int days, const struct identity *issuer)
{
    X509 *certificate = identity->certificate;

    X509_gmtime_adj(X509_getm_notBefore(certificate), -10 * 24 * 3600L);
    X509_gmtime_adj(X509_getm_notAfter(certificate), days * 24 * 3600L);
    X509_set_issuer_name(certificate, X509_get_subject_name(issuer->certificate));
    ck_assert_int_gt(X509_sign(certificate, issuer->key, EVP_sha256()), 0);
}

static struct identity make_authority(const char *name)
{
    struct identity authority = make_identity(name, 1);

    extend(authority.certificate, NID_basic_constraints, "critical,CA:TRUE");
    sign(&authority, 365, &authority);
    return authority;
}

/* Creates the file, whose name is written to path. */
static void write_file(char *path, const struct identity *identity, bool with_key)
{
    strcpy(path, "/tmp/fake-tls-XXXXXX");
    FILE *file = fdopen(mkstemp(path), "w");

    ck_assert_ptr_nonnull(file);
    assert_done(PEM_write_X509(file, identity->certificate));
    if (with_key)
        assert_done(PEM_write_PrivateKey(file, identity->key, NULL, NULL, 0, NULL, NULL));
    assert_ok(fclose(file));
}

static void write_files(struct fake_tls *tls, const struct identity *authority)
{
    struct identity client = make_identity("client", 3);

    sign(&client, 1, authority);
    write_file(tls->ca_file, authority, false);
    write_file(tls->client_file, &client, true);
    free_identity(&client);
}

/* --- The context --------------------------------------------------------------------------- */

static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *n_out,
                           const unsigned char *in, unsigned n_in, void *arg)
{
    const struct fake_tls *tls = arg;
    size_t n = strlen(tls->options.application);

    (void)ssl;
    for (unsigned i = 0; i < n_in; i += in[i] + 1u)
        if (in[i] == n && memcmp(in + i + 1, tls->options.application, n) == 0) {
            *out = in + i + 1;
            *n_out = (unsigned char)n;
            return SSL_TLSEXT_ERR_OK;
        }
    return SSL_TLSEXT_ERR_NOACK;
}

/* Old versions sign with what OpenSSL has to be told to put up with. */
static void limit_version(SSL_CTX *context, int max_version)
{
    if (max_version == 0)
        return;
    assert_done(SSL_CTX_set_cipher_list(context, "DEFAULT@SECLEVEL=0"));
    assert_done(SSL_CTX_set_min_proto_version(context, TLS1_VERSION));
    assert_done(SSL_CTX_set_max_proto_version(context, TLS1_VERSION + max_version - 10));
}

static void make_context(struct fake_tls *tls, const struct identity *server,
                         const struct identity *authority)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());

    assert_done(SSL_CTX_use_certificate(context, server->certificate));
    assert_done(SSL_CTX_use_PrivateKey(context, server->key));
    limit_version(context, tls->options.max_version);
    if (tls->options.needs_client) {
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
        X509_STORE_add_cert(SSL_CTX_get_cert_store(context), authority->certificate);
        SSL_CTX_set_session_id_context(context, (const unsigned char *)"fake", 4);
    }
    if (tls->options.application != NULL)
        SSL_CTX_set_alpn_select_cb(context, choose_protocol, tls);
    tls->context = context;
}

void fake_tls_start(struct fake_tls *tls, const struct fake_tls_options *options)
{
    static const struct fake_tls_options defaults;
    struct identity authority = make_authority("authority"), stranger = make_authority("stranger");

    *tls = (struct fake_tls){.options = options != NULL ? *options : defaults};
    struct identity server = make_identity(tls->options.subject ?: "fake", 2);
    extend(server.certificate, NID_subject_alt_name, tls->options.names ?: "IP:127.0.0.1");
    sign(&server, tls->options.days != 0 ? tls->options.days : 1, &authority);
    write_files(tls, tls->options.has_stale_authority ? &stranger : &authority);
    make_context(tls, &server, &authority);
    free_identity(&server);
    free_identity(&stranger);
    free_identity(&authority);
}

void fake_tls_stop(struct fake_tls *tls)
{
    SSL_CTX_free(tls->context);
    unlink(tls->ca_file);
    unlink(tls->client_file);
}

/* --- A connection: TLS on one side, a pair of sockets on the other -----------------------------
 */

struct tunnel {
    struct fake_tls *tls;
    struct fake_origin *origin;
    SSL *ssl;
    int fd, here, there;
};

/* returns whether to call OpenSSL again: what it said it waits for has happened */
static bool wait_for_what_it_wants(const struct tunnel *tunnel, int result)
{
    int error = SSL_get_error(tunnel->ssl, result);

    if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE)
        return false;
    return co_wait_fd(tunnel->fd, error == SSL_ERROR_WANT_READ ? CO_READABLE : CO_WRITABLE) == 0;
}

static bool shake_hands(const struct tunnel *tunnel)
{
    int result;

    while ((result = SSL_accept(tunnel->ssl)) != 1)
        if (!wait_for_what_it_wants(tunnel, result))
            return false;
    tunnel->tls->n_handshakes++;
    tunnel->tls->n_resumed += SSL_session_reused(tunnel->ssl) == 1;
    return true;
}

static int carry_in(void *arg, void **result)
{
    struct tunnel *tunnel = arg;
    char bytes[4096];
    int n;

    (void)result;
    do {
        while ((n = SSL_read(tunnel->ssl, bytes, sizeof(bytes))) > 0)
            fake_origin_send_bytes(tunnel->here, bytes, (size_t)n);
    } while (wait_for_what_it_wants(tunnel, n));
    shutdown(tunnel->here, SHUT_WR);
    return 0;
}

static bool send_all(const struct tunnel *tunnel, const char *bytes, int n)
{
    int result;

    while ((result = SSL_write(tunnel->ssl, bytes, n)) <= 0)
        if (!wait_for_what_it_wants(tunnel, result))
            return false;
    return true;
}

/* Until the talk is over, and with it everything that is not the client's to end. */
static int carry_out(void *arg, void **result)
{
    struct tunnel *tunnel = arg;
    char bytes[4096];
    ssize_t n;

    (void)result;
    do
        n = co_read(tunnel->here, bytes, sizeof(bytes));
    while (n > 0 && send_all(tunnel, bytes, (int)n));
    SSL_shutdown(tunnel->ssl);
    if (!tunnel->tls->options.leaves_socket_open)
        shutdown(tunnel->fd, SHUT_RDWR);
    return 0;
}

static int talk(void *arg, void **result)
{
    struct tunnel *tunnel = arg;

    (void)result;
    (tunnel->tls->talk ?: fake_origin_answer_all)(tunnel->origin, tunnel->there);
    shutdown(tunnel->there, SHUT_RDWR);
    return 0;
}

static void carry(struct tunnel *tunnel)
{
    struct co_group group;
    int fds[2];

    assert_ok(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds));
    tunnel->here = fds[0];
    tunnel->there = fds[1];
    co_group_enter(&group, CO_NEVER);
    int rc = co_group_spawn(&group, "carry in", carry_in, tunnel, NULL)
                 ?: co_group_spawn(&group, "carry out", carry_out, tunnel, NULL)
                 ?: co_group_spawn(&group, "talk", talk, tunnel, NULL);
    (void)!co_group_exit(&group, rc); /* a test may have made allocations fail */
    co_close(tunnel->here);
    co_close(tunnel->there);
}

void fake_tls_serve(struct fake_tls *tls, struct fake_origin *origin, int fd)
{
    struct tunnel tunnel = {.tls = tls, .origin = origin, .ssl = SSL_new(tls->context), .fd = fd};

    SSL_set_fd(tunnel.ssl, fd);
    if (shake_hands(&tunnel))
        carry(&tunnel);
    SSL_free(tunnel.ssl);
}
