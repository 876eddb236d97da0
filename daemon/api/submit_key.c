#include "daemon/api/submit_key.h"

#include <errno.h>
#include <string.h>

#include "lib/co/base.h"

enum { MAX_KEY_LENGTH = 255 };

void submit_keys_init(struct submit_keys *keys)
{
    co_list_init(&keys->taken);
}

static bool is_valid(const char *text)
{
    size_t length = 0;

    for (; text[length] != '\0'; length++)
        if (text[length] <= ' ' || text[length] > '~' || length == MAX_KEY_LENGTH)
            return false;
    return length > 0;
}

static bool is_taken(const struct submit_keys *keys, const char *tenant, const char *text)
{
    for (const struct co_list *link = keys->taken.next; link != &keys->taken; link = link->next) {
        const struct submit_key *key = co_container_of(link, struct submit_key, link);
        if (strcmp(key->text, text) == 0 && strcmp(key->tenant, tenant) == 0)
            return true;
    }
    return false;
}

static int take(struct submit_key *key, struct submit_keys *keys, const char *text,
                const char *content_type)
{
    const char *type = content_type != NULL ? content_type : "";
    int rc = sha256_init(&key->digest);

    if (rc < 0) {
        sha256_done(&key->digest);
        return rc;
    }
    key->text = text;
    co_list_append(&keys->taken, &key->link);
    submit_key_add(key, type, strlen(type) + 1);
    return 0;
}

int submit_key_begin(struct submit_key *key, struct submit_keys *keys, const char *tenant,
                     const char *text, const char *content_type)
{
    *key = (struct submit_key){.tenant = tenant};
    if (text == NULL)
        return 0;
    if (!is_valid(text))
        return -EINVAL;
    return is_taken(keys, tenant, text) ? -EBUSY : take(key, keys, text, content_type);
}

void submit_key_add(struct submit_key *key, const char *bytes, size_t n)
{
    if (key->text != NULL)
        sha256_update(&key->digest, bytes, n);
}

int submit_key_end(struct submit_key *key)
{
    return key->text == NULL || sha256_finish(&key->digest, key->fingerprint) ? 0 : -ENOMEM;
}

void submit_key_done(struct submit_key *key)
{
    if (key->text == NULL)
        return;
    co_list_remove(&key->link);
    sha256_done(&key->digest);
}
