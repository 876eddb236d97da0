/* What makes a receiver sure that a callback comes from us and is as we sent it.
 *
 * source     Standard Webhooks 1.0.0, "Verifying webhook authenticity"
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { CALLBACK_SIGNATURE_SIZE = 48 }; /* "v1," and 32 bytes in base64, and a NUL */

/* What is signed: three parts of the request. */
struct callback_message {
    const char *id;    /* webhook-id */
    int64_t timestamp; /* webhook-timestamp: seconds since 1970 */
    const char *body;
    size_t body_length;
};

/* Makes the value of webhook-signature.
 *
 * secret     "whsec_" and base64; anything else is the key itself
 * returns    0; -EINVAL: what follows "whsec_" is not base64, or nothing; -ENOMEM
 */
int callback_sign(const char *secret, const struct callback_message *message,
                  char ret_value[CALLBACK_SIGNATURE_SIZE]);
