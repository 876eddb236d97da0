/* TLS for a fake origin, with certificates made on the spot.
 *
 * The authority and what a client identifies itself with are in files, as requests want them.
 */
#pragma once

#include "tests/support/fake_origin.h"

struct fake_tls_options {
    const char *subject;      /* the common name, in UTF-8; NULL: "fake" */
    const char *names;        /* as OpenSSL's subjectAltName; NULL: "IP:127.0.0.1" */
    int days;                 /* until it expires; 0: 1 */
    int max_version;          /* 10 to 13; 0: 13, and no old ones */
    bool needs_client;        /* to show a certificate of our authority */
    const char *application;  /* the protocol to choose by ALPN; NULL: does not know of it */
    bool leaves_socket_open;  /* when TLS has ended, for the client to close */
    bool has_stale_authority; /* the files are of another than the one that signed */
};

struct fake_tls {
    /* As of a fake origin, behind TLS. NULL: as there. */
    void (*talk)(struct fake_origin *origin, int fd);
    unsigned n_handshakes, n_resumed;
    char ca_file[64], client_file[64];

    struct fake_tls_options options;
    struct ssl_ctx_st *context;
};

/* options may be NULL; they are borrowed. */
void fake_tls_start(struct fake_tls *tls, const struct fake_tls_options *options);
void fake_tls_stop(struct fake_tls *tls);

/* Does the handshake on fd, and then lets tls->talk have what comes through. */
void fake_tls_serve(struct fake_tls *tls, struct fake_origin *origin, int fd);
