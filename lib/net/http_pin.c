/* Addresses for libcurl.
 *
 * Each handle has a cache of names of its own, by a share that nobody else has. So the addresses
 * that were checked for a request are the ones it is sent to, whatever other requests to the same
 * name are given meanwhile; and as a handle holds one name at a time, the cache does not grow.
 */
#include "lib/net/http_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ADDRESS_SIZE = sizeof(",[]") - 1 + CO_ADDRESS_TEXT_SIZE };

static bool is_of_host(const struct co_http_pin *pin, const struct co_url *url)
{
    size_t length = strlen(url->host);

    return pin->text != NULL && pin->port == url->port &&
           strncmp(pin->text + 1, url->host, length) == 0 && pin->text[1 + length] == ':';
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

static char *write_text(const struct co_url *url, const struct co_dns_answer *answer)
{
    char *text = malloc(sizeof("-:65535") + strlen(url->host) + answer->n_addresses * ADDRESS_SIZE);
    char address[CO_ADDRESS_TEXT_SIZE];

    if (text == NULL)
        return NULL;
    char *end = text + sprintf(text, "-%s:%u", url->host, url->port);
    for (unsigned i = 0; i < answer->n_addresses; i++) {
        bool is_ipv6 = answer->addresses[i].family == AF_INET6;
        end += sprintf(end, "%c%s%s%s", i == 0 ? ':' : ',', is_ipv6 ? "[" : "",
                       co_address_format(&answer->addresses[i], address), is_ipv6 ? "]" : "");
    }
    return text;
}

int co_http_pin_set(struct co_http_transfer *transfer)
{
    struct co_http_pin *pin = &transfer->pin;
    const struct co_url *url = transfer->request->url;

    if (is_of_host(pin, url) && are_equal(&pin->answer, &transfer->answer))
        return 0; /* libcurl holds it already */
    char *text = write_text(url, &transfer->answer);
    if (text == NULL)
        return -ENOMEM;

    free(pin->previous);
    pin->previous = pin->text;
    pin->text = text;
    pin->port = url->port;
    pin->answer = transfer->answer;
    pin->entries[0] = (struct curl_slist){.data = pin->previous, .next = &pin->entries[1]};
    pin->entries[1] = (struct curl_slist){.data = pin->text + 1};
    curl_easy_setopt(transfer->easy, CURLOPT_RESOLVE, &pin->entries[pin->previous == NULL]);
    return 0;
}

void co_http_pin_done(struct co_http_pin *pin)
{
    free(pin->previous);
    free(pin->text);
}
