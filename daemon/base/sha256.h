/* SHA-256 of bytes that come piece by piece.
 *
 * source     FIPS 180-4
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum { SHA256_SIZE = 32 };

struct evp_md_ctx_st;

struct sha256 {
    struct evp_md_ctx_st *context;
    bool has_failed;
};

/* Begins. sha256_done() is owed, also if this fails. returns 0, -ENOMEM */
int sha256_init(struct sha256 *sha256);

/* Forgets what came so far. */
void sha256_restart(struct sha256 *sha256);

void sha256_update(struct sha256 *sha256, const void *bytes, size_t n_bytes);

/* The digest of all that came; only sha256_restart() may follow. false: there is none, since the
 * library was short of something meanwhile. */
bool sha256_finish(struct sha256 *sha256, unsigned char ret_digest[SHA256_SIZE]);

void sha256_done(struct sha256 *sha256);

/* A code that only who has the key can make of the bytes. false: there is none, as above.
 *
 * source     RFC 2104
 */
bool sha256_hmac(const void *key, size_t key_length, const void *bytes, size_t n_bytes,
                 unsigned char ret_code[SHA256_SIZE]);
