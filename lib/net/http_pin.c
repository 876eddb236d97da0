/* Addresses for libcurl.
 *
 * A handle that has a name has a cache of its own for it, a share that nobody else has. So the
 * addresses that were checked for a request are the ones it is sent to, whatever other requests to
 * the same name are given meanwhile; and as a handle holds one name at a time, the cache does not
 * grow.
 */
#include "lib/net/http_private.h"

#include <errno.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ADDRESS_SIZE = sizeof(",[]") - 1 + CO_ADDRESS_TEXT_SIZE };

const struct co_url *co_http_peer(const struct co_http_request *request)
{
    return request->proxy != NULL ? request->proxy : request->url;
}

/* --- Fixed addresses ----------------------------------------------------------------------- */

bool co_http_has_addresses(const struct co_http_request *request)
{
    return request->addresses != NULL && request->proxy == NULL;
}

/* libcurl tells connections apart by the name that was connected to, not by its addresses. So a
 * name is made of those, which nobody else can have. */
static void name_addresses(struct co_http_transfer *transfer)
{
    const struct co_dns_answer *answer = &transfer->answer;
    unsigned char hash[SHA256_DIGEST_LENGTH];
    char *end = stpcpy(transfer->connect_to_text, "::");

    SHA256((const unsigned char *)answer->addresses,
           answer->n_addresses * sizeof(answer->addresses[0]), hash);
    for (size_t i = 0; i < sizeof(hash); i++)
        end += sprintf(end, "%02x", hash[i]);
    (void)stpcpy(end, ".invalid");
    transfer->connect_to.data = transfer->connect_to_text;
}

/* --- Pins ---------------------------------------------------------------------------------- */

static const char *name_of(const struct co_http_transfer *transfer)
{
    return co_http_has_addresses(transfer->request) ? transfer->connect_to_text + strlen("::")
                                                    : co_http_peer(transfer->request)->host;
}

static bool is_of_host(const struct co_http_pin *pin, const char *name, uint16_t port)
{
    size_t length = strlen(name);

    return pin->text != NULL && pin->port == port && strncmp(pin->text + 1, name, length) == 0 &&
           pin->text[1 + length] == ':';
}

static bool are_equal(const struct co_dns_answer *a, const struct co_dns_answer *b)
{
    if (a->n_addresses != b->n_addresses)
        return false;
    for (unsigned i = 0; i < a->n_addresses; i++)
        if (!co_address_equal(&a->addresses[i], &b->addresses[i]))
            return false;
    return true;
}

char *co_http_pin_write(const struct co_http_transfer *transfer)
{
    const struct co_dns_answer *answer = &transfer->answer;
    const char *name = name_of(transfer);
    char *text = malloc(sizeof("-:65535") + strlen(name) + answer->n_addresses * ADDRESS_SIZE);
    char address[CO_ADDRESS_TEXT_SIZE];

    if (text == NULL)
        return NULL;
    char *end = text + sprintf(text, "-%s:%u", name, co_http_peer(transfer->request)->port);
    for (unsigned i = 0; i < answer->n_addresses; i++) {
        bool is_ipv6 = answer->addresses[i].family == AF_INET6;
        end += sprintf(end, "%c%s%s%s", i == 0 ? ':' : ',', is_ipv6 ? "[" : "",
                       co_address_format(&answer->addresses[i], address), is_ipv6 ? "]" : "");
    }
    return text;
}

/* Without one, what is pinned would be known to all handles. */
static int open_cache(struct co_http_transfer *transfer)
{
    if (transfer->names != NULL)
        return 0;
    CURLSH *names = curl_share_init();
    if (names == NULL ||
        curl_share_setopt(names, CURLSHOPT_SHARE, CURL_LOCK_DATA_DNS) != CURLSHE_OK ||
        curl_easy_setopt(transfer->easy, CURLOPT_SHARE, names) != CURLE_OK) {
        curl_share_cleanup(names);
        return -ENOMEM;
    }
    transfer->names = names;
    return 0;
}

static int pin(struct co_http_transfer *transfer)
{
    struct co_http_pin *pin = &transfer->pin;
    uint16_t port = co_http_peer(transfer->request)->port;

    if (is_of_host(pin, name_of(transfer), port) && are_equal(&pin->answer, &transfer->answer))
        return 0; /* libcurl holds it already */
    char *text = co_http_pin_write(transfer);
    if (text == NULL || open_cache(transfer) < 0) {
        free(text);
        return -ENOMEM;
    }

    free(pin->previous);
    pin->previous = pin->text;
    pin->text = text;
    pin->port = port;
    pin->answer = transfer->answer;
    pin->entries[0] = (struct curl_slist){.data = pin->previous, .next = &pin->entries[1]};
    pin->entries[1] = (struct curl_slist){.data = pin->text + 1};
    curl_easy_setopt(transfer->easy, CURLOPT_RESOLVE, &pin->entries[pin->previous == NULL]);
    return 0;
}

int co_http_pin_set(struct co_http_transfer *transfer)
{
    if (co_http_has_addresses(transfer->request))
        name_addresses(transfer);
    else if (co_http_peer(transfer->request)->address.family != AF_UNSPEC)
        return 0; /* it is its own address */
    return transfer->stay.jar != NULL ? co_http_jar_pin(transfer) : pin(transfer);
}

/* A name that is not there any more: other fetches with the jar were given other addresses before
 * this one connected again. libcurl would ask name servers of its own. Literals come here, too. */
static int refuse_to_resolve(void *state, void *reserved, void *arg)
{
    const struct co_http_transfer *transfer = arg;

    (void)state, (void)reserved;
    return co_http_has_addresses(transfer->request) ||
           co_http_peer(transfer->request)->address.family == AF_UNSPEC;
}

void co_http_pin_attach(struct co_http_transfer *transfer)
{
    curl_easy_setopt(transfer->easy, CURLOPT_RESOLVER_START_FUNCTION, refuse_to_resolve);
    curl_easy_setopt(transfer->easy, CURLOPT_RESOLVER_START_DATA, transfer);
}

void co_http_pin_done(struct co_http_pin *pin)
{
    free(pin->previous);
    free(pin->text);
}
