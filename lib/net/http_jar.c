/* Cookies that fetches share, in a share of libcurl's.
 *
 * A handle has one share at a time, which also holds its cache of names. So the fetches with a jar
 * have that cache in common: what one of them needs there is taken out when none needs it any more,
 * by the next that comes along.
 */
#include "lib/net/http_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct co_http_jar {
    CURLSH *share;
    struct co_list users;     /* transfers */
    struct curl_slist *stale; /* "-host:port:addresses": to be taken out */
    size_t n_given;           /* cookies, since it was empty */
};

int co_http_jar_new(struct co_http_jar **ret_jar)
{
    struct co_http_jar *jar = calloc(1, sizeof(*jar));

    if (jar == NULL)
        return -ENOMEM;
    co_list_init(&jar->users);
    jar->share = curl_share_init();
    if (jar->share == NULL ||
        curl_share_setopt(jar->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_DNS) != CURLSHE_OK ||
        curl_share_setopt(jar->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_COOKIE) != CURLSHE_OK) {
        co_http_jar_free(jar);
        return -ENOMEM;
    }
    *ret_jar = jar;
    return 0;
}

static struct curl_slist *free_first(struct curl_slist *entry)
{
    struct curl_slist *next = entry->next;

    free(entry->data);
    free(entry);
    return next;
}

void co_http_jar_free(struct co_http_jar *jar)
{
    if (jar == NULL)
        return;
    while (jar->stale != NULL)
        jar->stale = free_first(jar->stale);
    curl_share_cleanup(jar->share);
    free(jar);
}

/* --- Names --------------------------------------------------------------------------------- */

/* Of "-host:port:addresses" all but the addresses. */
static size_t length_of_name(const char *pin)
{
    return (size_t)(strchr(strchr(pin, ':') + 1, ':') - pin) + 1;
}

static bool is_needed(const struct co_http_jar *jar, const char *pin)
{
    for (struct co_list *node = jar->users.next; node != &jar->users; node = node->next) {
        const struct co_http_stay *stay = co_container_of(node, struct co_http_stay, in_jar);
        if (stay->pin != NULL && strncmp(stay->pin, pin, length_of_name(pin)) == 0)
            return true;
    }
    return false;
}

/* Without memory it stays until the jar goes. */
static void take_out_later(struct co_http_jar *jar, char *pin)
{
    struct curl_slist *entry = is_needed(jar, pin) ? NULL : malloc(sizeof(*entry));

    if (entry == NULL) {
        free(pin);
        return;
    }
    *entry = (struct curl_slist){.data = pin, .next = jar->stale};
    jar->stale = entry;
}

int co_http_jar_pin(struct co_http_transfer *transfer)
{
    struct co_http_stay *stay = &transfer->stay;
    struct curl_slist **end = &stay->entries;

    stay->pin = co_http_pin_write(transfer);
    if (stay->pin == NULL)
        return -ENOMEM;
    stay->entry = (struct curl_slist){.data = stay->pin + 1};
    stay->entries = co_take(stay->jar->stale);
    while (*end != NULL)
        end = &(*end)->next;
    *end = &stay->entry;
    curl_easy_setopt(transfer->easy, CURLOPT_RESOLVE, stay->entries);
    return 0;
}

/* --- A fetch's stay ------------------------------------------------------------------------ */

CURLcode co_http_jar_enter(struct co_http_transfer *transfer, struct co_http_jar *jar)
{
    transfer->stay = (struct co_http_stay){.jar = jar};
    co_list_append(&jar->users, &transfer->stay.in_jar);
    CURLcode code = curl_easy_setopt(transfer->easy, CURLOPT_SHARE, jar->share);
    if (code == CURLE_OK) /* no file, but libcurl looks at no cookies without one */
        code = curl_easy_setopt(transfer->easy, CURLOPT_COOKIEFILE, "");
    if (code != CURLE_OK || jar->n_given < CO_HTTP_JAR_MAX)
        return code;
    jar->n_given = 0;
    return curl_easy_setopt(transfer->easy, CURLOPT_COOKIELIST, "ALL");
}

CURLcode co_http_jar_leave(struct co_http_transfer *transfer)
{
    struct co_http_stay *stay = &transfer->stay;
    struct co_http_jar *jar = co_take(stay->jar);

    co_list_remove(&stay->in_jar);
    while (stay->entries != NULL && stay->entries != &stay->entry)
        stay->entries = free_first(stay->entries);
    if (stay->pin != NULL)
        take_out_later(jar, stay->pin);
    curl_easy_setopt(transfer->easy, CURLOPT_RESOLVE, NULL);
    curl_easy_setopt(transfer->easy, CURLOPT_COOKIEFILE, NULL);
    return curl_easy_setopt(transfer->easy, CURLOPT_SHARE, transfer->names);
}

void co_http_jar_count(struct co_http_transfer *transfer)
{
    if (transfer->stay.jar != NULL)
        transfer->stay.jar->n_given++;
}
