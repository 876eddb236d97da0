#include "daemon/engine/callback_signature.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/co/base.h"

#include "daemon/base/base64.h"
#include "daemon/base/buffer.h"
#include "daemon/base/sha256.h"

#define SECRET_PREFIX "whsec_"
#define SCHEME        "v1,"

struct key {
    unsigned char *bytes;
    size_t length, size;
};

static void key_done(struct key *key)
{
    if (key->bytes != NULL)
        explicit_bzero(key->bytes, key->size);
    free(key->bytes);
}

static int decode_key(const char *text, struct key *key)
{
    int rc = base64_decode(key->bytes, text, strlen(text), &key->length);

    return rc == 0 && key->length == 0 ? -EINVAL : rc;
}

static int read_key(const char *secret, struct key *key)
{
    const size_t n_prefix = strlen(SECRET_PREFIX);

    key->length = strlen(secret);
    key->size = key->length + 1;
    key->bytes = malloc(key->size);
    if (key->bytes == NULL)
        return -ENOMEM;
    if (strncmp(secret, SECRET_PREFIX, n_prefix) == 0)
        return decode_key(secret + n_prefix, key);
    memcpy(key->bytes, secret, key->size);
    return 0;
}

static int write_content(const struct callback_message *message, struct buffer *out)
{
    char timestamp[32];
    int length = snprintf(timestamp, sizeof(timestamp), ".%" PRId64 ".", message->timestamp);
    int rc = buffer_append(out, message->id, strlen(message->id));

    if (rc == 0)
        rc = buffer_append(out, timestamp, (size_t)length);
    return rc == 0 ? buffer_append(out, message->body, message->body_length) : rc;
}

int callback_sign(const char *secret, const struct callback_message *message,
                  char ret_value[CALLBACK_SIGNATURE_SIZE])
{
    CO_CLEANUP(key_done) struct key key = {.bytes = NULL};
    CO_CLEANUP(buffer_done) struct buffer content;
    unsigned char code[SHA256_SIZE];

    buffer_init(&content, PTRDIFF_MAX);
    int rc = read_key(secret, &key);
    if (rc == 0)
        rc = write_content(message, &content);
    if (rc == 0 && !sha256_hmac(key.bytes, key.length, content.data, content.len, code))
        rc = -ENOMEM;
    if (rc == 0)
        *base64_encode(stpcpy(ret_value, SCHEME), code, sizeof(code)) = '\0';
    return rc;
}
