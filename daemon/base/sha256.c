#include "daemon/base/sha256.h"

#include <errno.h>
#include <limits.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

int sha256_init(struct sha256 *sha256)
{
    *sha256 = (struct sha256){.context = EVP_MD_CTX_new()};
    if (sha256->context == NULL)
        return -ENOMEM;
    sha256_restart(sha256);
    return sha256->has_failed ? -ENOMEM : 0;
}

void sha256_restart(struct sha256 *sha256)
{
    sha256->has_failed = EVP_DigestInit_ex(sha256->context, EVP_sha256(), NULL) != 1;
}

void sha256_update(struct sha256 *sha256, const void *bytes, size_t n_bytes)
{
    if (!sha256->has_failed)
        sha256->has_failed = EVP_DigestUpdate(sha256->context, bytes, n_bytes) != 1;
}

bool sha256_finish(struct sha256 *sha256, unsigned char ret_digest[SHA256_SIZE])
{
    return !sha256->has_failed && EVP_DigestFinal_ex(sha256->context, ret_digest, NULL) == 1;
}

void sha256_done(struct sha256 *sha256)
{
    EVP_MD_CTX_free(sha256->context);
    sha256->context = NULL;
}

bool sha256_hmac(const void *key, size_t key_length, const void *bytes, size_t n_bytes,
                 unsigned char ret_code[SHA256_SIZE])
{
    return key_length <= INT_MAX &&
           HMAC(EVP_sha256(), key, (int)key_length, bytes, n_bytes, ret_code, NULL) != NULL;
}
