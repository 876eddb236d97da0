/* What is known of origins, and who may ask them.
 *
 * Whether an origin speaks HTTP/2 shows in the first TLS handshake. If all that have something to
 * ask of it began at once, each would open a connection, of which one would have been enough:
 * libcurl shares only those that are open. So the first, a scout, goes ahead and the others wait.
 * So it is again with each further connection, when the streams of those that are open are used up.
 *
 * A scout that comes back with nothing lets two others go: then four, then eight. So an origin that
 * is out of order is not asked by one after the other.
 */
#include "lib/net/http_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/co/task.h"

enum {
    N_BUCKETS = 16384, /* a power of two */
    MAX_FAILURES = 2,  /* of HTTP/2 in a row */
};

#define AVOID_FOR (600 * CO_SECOND)

/* --- The table ----------------------------------------------------------------------------- */

int co_http_origins_init(struct co_http_origins *origins)
{
    *origins = (struct co_http_origins){.key = co_siphash_random_key(), .max_entries = N_BUCKETS};
    co_list_init(&origins->unheld);
    origins->buckets = calloc(N_BUCKETS, sizeof(struct co_http_origin *));
    return origins->buckets != NULL ? 0 : -ENOMEM;
}

void co_http_origins_done(struct co_http_origins *origins)
{
    for (size_t i = 0; origins->n_entries > 0 && i < N_BUCKETS; i++)
        while (origins->buckets[i] != NULL) {
            struct co_http_origin *origin = origins->buckets[i];
            origins->buckets[i] = origin->next_in_bucket;
            free(origin);
        }
    free(origins->buckets);
}

static struct co_http_origin **slot_of(const struct co_http_origins *origins, uint64_t hash)
{
    struct co_http_origin **slot = &origins->buckets[hash % N_BUCKETS];

    while (*slot != NULL && (*slot)->hash != hash)
        slot = &(*slot)->next_in_bucket;
    return slot;
}

static void forget(struct co_http_origins *origins, struct co_http_origin *origin)
{
    co_list_remove(&origin->unheld);
    *slot_of(origins, origin->hash) = origin->next_in_bucket;
    origins->n_entries--;
    free(origin);
}

static struct co_http_origin *add(struct co_http_origins *origins, uint64_t hash)
{
    struct co_http_origin *origin = malloc(sizeof(*origin));

    if (origin == NULL)
        return NULL;
    if (origins->n_entries >= origins->max_entries && !co_list_is_empty(&origins->unheld))
        forget(origins, co_container_of(origins->unheld.next, struct co_http_origin, unheld));
    *origin = (struct co_http_origin){.hash = hash};
    co_list_init(&origin->unheld);
    co_list_init(&origin->places);
    co_list_init(&origin->waiting);
    *slot_of(origins, hash) = origin;
    origins->n_entries++;
    return origin;
}

void co_http_origin_release(struct co_http_session *session, struct co_http_origin *origin)
{
    if (origin->n_transfers == 0 && co_list_is_empty(&origin->places))
        co_list_append(&session->origins.unheld, &origin->unheld);
}

/* --- Which one ----------------------------------------------------------------------------- */

static uint64_t add_bytes(const struct co_http_origins *origins, uint64_t hash, const void *bytes,
                          size_t n)
{
    const uint64_t *halves = origins->key.halves;
    struct co_siphash_key key = {{halves[0], halves[1] ^ hash}};

    return co_siphash(&key, bytes, n);
}

static uint64_t add_text(const struct co_http_origins *origins, uint64_t hash, const char *text)
{
    return add_bytes(origins, hash, text ?: "", text != NULL ? strlen(text) + 1 : 0);
}

static uint64_t add_tls(const struct co_http_origins *origins, uint64_t hash,
                        const struct co_http_tls_options *tls)
{
    const int numbers[] = {tls->is_unverified, tls->min_version};

    hash = add_bytes(origins, hash, numbers, sizeof(numbers));
    hash = add_text(origins, hash, tls->ca_file);
    return add_text(origins, hash, tls->client_file);
}

static uint64_t add_proxy(const struct co_http_origins *origins, uint64_t hash,
                          const struct co_url *proxy)
{
    hash = add_text(origins, hash, proxy->origin);
    hash = add_text(origins, hash, proxy->user);
    return add_text(origins, hash, proxy->password);
}

/* Of all that makes connections different. Two origins whose hashes are the same, which one cannot
 * bring about, would only share what is known of them: libcurl tells their connections apart. */
static uint64_t hash_of(const struct co_http_origins *origins,
                        const struct co_http_request *request)
{
    uint64_t hash = add_text(origins, co_http_origin_is_apart(request), request->url->origin);

    if (request->ip_family != AF_UNSPEC)
        hash = add_bytes(origins, hash, &request->ip_family, sizeof(request->ip_family));
    if (co_http_wants_tls(request))
        hash = add_tls(origins, hash, request->tls);
    if (request->proxy != NULL)
        hash = add_proxy(origins, hash, request->proxy);
    for (size_t i = 0; i < request->n_addresses; i++)
        hash = add_bytes(origins, hash, request->addresses[i].bytes,
                         sizeof(request->addresses[i].bytes));
    return hash;
}

/* libcurl takes an answer in HTTP/1.1 for a change of mind about HTTP/2, and shares no connections
 * of that host any more until it has opened another. */
bool co_http_origin_is_apart(const struct co_http_request *request)
{
    return request->url->is_https && request->version == CO_HTTP_VERSION_1_1;
}

static struct co_http_origin *hold(struct co_http_origins *origins, uint64_t hash)
{
    struct co_http_origin *origin = *slot_of(origins, hash) ?: add(origins, hash);

    if (origin == NULL)
        return NULL;
    co_list_remove(&origin->unheld);
    origin->n_transfers++;
    return origin;
}

/* --- Which HTTP it speaks ------------------------------------------------------------------ */

static bool is_avoided(const struct co_http_origin *origin)
{
    return co_now() < origin->avoid_until;
}

long co_http_origin_version(const struct co_http_transfer *transfer)
{
    const struct co_http_request *request = transfer->request;
    bool is_1 = !request->url->is_https || request->version == CO_HTTP_VERSION_1_1 ||
                (request->version == CO_HTTP_VERSION_ANY && is_avoided(transfer->origin));

    return is_1 ? CURL_HTTP_VERSION_1_1 : CURL_HTTP_VERSION_2TLS;
}

/* Where libcurl's TLS is not ours to look into, nobody would ever know. */
static bool may_share(const struct co_http_transfer *transfer)
{
    return !transfer->request->is_alone && transfer->origin->speaks != CO_HTTP_SPEAKS_1 &&
           co_http_origin_version(transfer) != CURL_HTTP_VERSION_1_1 && co_http_tls_is_visible();
}

static void try_again_later(struct co_http_origin *origin)
{
    origin->speaks = CO_HTTP_SPEAKS_1;
    origin->n_failures = 0;
    origin->avoid_until = co_now() + AVOID_FOR;
}

/* What became of an attempt to speak HTTP/2. */
static void judge(struct co_http_origin *origin, const struct co_http_transfer *transfer)
{
    CURLcode result = transfer->over.is_set ? transfer->result : CURLE_ABORTED_BY_CALLBACK;

    if (result == CURLE_OK && transfer->response->http_version == 20)
        origin->n_failures = 0;
    if (result != CURLE_HTTP2 && result != CURLE_HTTP2_STREAM)
        return;
    if (++origin->n_failures >= MAX_FAILURES)
        try_again_later(origin);
}

/* --- Who goes and who waits ---------------------------------------------------------------- */

static int go(struct co_http_transfer *transfer)
{
    struct co_http_origin *origin = transfer->origin;

    transfer->is_scout = may_share(transfer) && !co_http_place_is_free(origin);
    origin->n_scouts += transfer->is_scout;
    return co_http_place_enter(transfer);
}

/* For want of memory it goes without a place, and will see to that itself. */
static void let_next_go(struct co_http_origin *origin)
{
    struct co_http_transfer *next =
        co_container_of(co_list_take_first(&origin->waiting), struct co_http_transfer, waiting);

    (void)go(next);
    co_event_set(&next->turn);
}

static bool must_wait(const struct co_http_transfer *transfer)
{
    const struct co_http_origin *origin = transfer->origin;

    return origin->n_scouts > 0 && may_share(transfer) && !co_http_place_is_free(origin);
}

void co_http_origin_admit(struct co_http_origin *origin)
{
    while (!co_list_is_empty(&origin->waiting) &&
           !must_wait(co_container_of(origin->waiting.next, struct co_http_transfer, waiting)))
        let_next_go(origin);
}

static enum co_http_error wait_for_turn(struct co_http_transfer *transfer)
{
    co_event_init(&transfer->turn);
    co_list_append(&transfer->origin->waiting, &transfer->waiting);
    enum co_http_error error = co_http_transfer_wait(transfer, &transfer->turn);
    co_list_remove(&transfer->waiting);
    if (error == CO_HTTP_OK && transfer->place == NULL)
        error = CO_HTTP_RESOURCE_EXHAUSTED;
    if (error == CO_HTTP_OK)
        co_http_timing_end(&transfer->timing, CO_HTTP_CONNECT, co_clock_now());
    return error;
}

/* --- A transfer's stay --------------------------------------------------------------------- */

enum co_http_error co_http_origin_enter(struct co_http_transfer *transfer)
{
    struct co_http_origins *origins = &transfer->session->origins;
    struct co_http_origin *origin = hold(origins, hash_of(origins, transfer->request));

    transfer->origin = origin;
    transfer->is_scout = false;
    if (origin == NULL)
        return CO_HTTP_RESOURCE_EXHAUSTED;
    if (origin->avoid_until != 0 && !is_avoided(origin)) {
        origin->speaks = CO_HTTP_SPEAKS_UNKNOWN;
        origin->avoid_until = 0;
    }
    if (must_wait(transfer))
        return wait_for_turn(transfer);
    return go(transfer) < 0 ? CO_HTTP_RESOURCE_EXHAUSTED : CO_HTTP_OK;
}

static void scout_no_more(struct co_http_transfer *transfer)
{
    if (transfer->is_scout)
        transfer->origin->n_scouts--;
    transfer->is_scout = false;
}

void co_http_origin_learn(struct co_http_transfer *transfer, bool speaks_2)
{
    struct co_http_origin *origin = transfer->origin;
    bool was_asked = co_http_origin_version(transfer) != CURL_HTTP_VERSION_1_1;

    if (was_asked && !is_avoided(origin))
        origin->speaks = speaks_2 ? CO_HTTP_SPEAKS_2 : CO_HTTP_SPEAKS_1;
    if (speaks_2 && transfer->opened)
        co_http_sockets_share(transfer);
    scout_no_more(transfer);
    co_http_origin_admit(origin);
}

static void come_back(struct co_http_transfer *transfer)
{
    struct co_http_origin *origin = transfer->origin;

    scout_no_more(transfer);
    for (int i = 0; i < 2 && !co_list_is_empty(&origin->waiting); i++)
        let_next_go(origin);
}

void co_http_origin_leave(struct co_http_transfer *transfer)
{
    struct co_http_origin *origin = transfer->origin;

    if (origin == NULL)
        return;
    if (transfer->is_scout)
        come_back(transfer);
    judge(origin, transfer);
    if (transfer->place != NULL)
        co_http_place_leave(transfer);
    co_http_origin_admit(origin);
    transfer->origin = NULL;
    origin->n_transfers--;
    co_http_origin_release(transfer->session, origin);
}
