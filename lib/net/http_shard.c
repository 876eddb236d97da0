/* The parts of a session, each with connections of its own.
 *
 * libcurl, up to 8.14 at least, walks over all connections of a CURLM when a transfer leaves it,
 * and over all of one host when one enters. So each CURLM is given some connections only, and
 * further ones go to the next. The first with room is taken: when the load falls the last ones run
 * empty, and are closed after as long as libcurl would not use an idle connection any more.
 */
#include "lib/net/http_private.h"

#include <errno.h>
#include <limits.h>

#include "lib/co/task.h"

/* Connections, or transfers where more than one share a connection. What is lost to the walks by
 * more of them is little next to a TLS handshake, and each CURLM has certificates of its own. */
enum { ROOM_PLAIN = 128, ROOM_TLS = 512 };

#define CLOSE_AFTER ((CO_HTTP_MAX_IDLE_SECONDS + 5) * CO_SECOND)

/* libcurl's one timer, which each call sets anew. It must not be called from here. */
static int set_timer(CURLM *multi, long timeout_ms, void *arg)
{
    struct co_http_shard *shard = arg;
    /* Before 8.4 it rounded down, and would be called over and over for the last millisecond. */
    long rounded_ms = timeout_ms > 0 ? timeout_ms + 1 : timeout_ms;

    (void)multi;
    shard->timer = timeout_ms < 0 ? CO_NEVER : co_now() + rounded_ms * CO_MILLISECOND;
    return 0;
}

static int open_shard(struct co_http_session *session, struct co_http_shard *shard, bool is_apart)
{
    CURLM *multi = curl_multi_init();

    if (multi == NULL)
        return -ENOMEM;
    *shard = (struct co_http_shard){.session = session,
                                    .multi = multi,
                                    .is_apart = is_apart,
                                    .timer = CO_NEVER,
                                    .idle_since = co_now()};
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, set_timer);
    curl_multi_setopt(multi, CURLMOPT_TIMERDATA, shard);
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, co_http_sockets_watch);
    curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, session);
    curl_multi_setopt(multi, CURLMOPT_MAX_CONCURRENT_STREAMS, (long)CO_HTTP_MAX_STREAMS);
    session->n_open_shards++;
    return 0;
}

static void close_shard(struct co_http_shard *shard)
{
    curl_multi_cleanup(shard->multi); /* closes connections, and calls back for each */
    shard->multi = NULL;
    shard->timer = CO_NEVER;
    shard->session->n_open_shards--;
    co_http_sockets_drop(shard); /* that libcurl closed without telling */
}

/* --- Which one ----------------------------------------------------------------------------- */

static long load(const struct co_http_shard *shard)
{
    return shard->n_running > shard->n_open ? shard->n_running : shard->n_open;
}

static bool has_less_load(const struct co_http_shard *a, const struct co_http_shard *b)
{
    return b == NULL || load(a) < load(b);
}

/* The first that is closed. returns NULL: none is, or it cannot be opened */
static struct co_http_shard *open_another(struct co_http_session *session, bool is_apart)
{
    struct co_http_shard *shard = session->shards;
    struct co_http_shard *end = session->shards + CO_HTTP_MAX_SHARDS;

    while (shard < end && shard->multi != NULL)
        shard++;
    if (shard == end || open_shard(session, shard, is_apart) < 0)
        return NULL;
    if (session->n_shards <= shard - session->shards)
        session->n_shards = shard - session->shards + 1;
    return shard;
}

struct co_http_shard *co_http_shard_choose(struct co_http_session *session,
                                           const struct co_http_request *request)
{
    struct co_http_shard *least = NULL;
    bool is_apart = co_http_origin_is_apart(request);
    long room = request->url->is_https ? ROOM_TLS : ROOM_PLAIN;

    for (long i = 0; i < session->n_shards; i++) {
        struct co_http_shard *shard = &session->shards[i];
        if (shard->multi == NULL || shard->is_apart != is_apart)
            continue;
        if (load(shard) < room)
            return shard;
        if (has_less_load(shard, least))
            least = shard;
    }
    return open_another(session, is_apart) ?: least ?: &session->shards[0];
}

/* --- How much is in it --------------------------------------------------------------------- */

static long n_idle(const struct co_http_shard *shard)
{
    return shard->n_open > shard->n_running ? shard->n_open - shard->n_running : 0;
}

void co_http_shard_count(struct co_http_shard *shard, int transfers, int connections)
{
    struct co_http_session *session = shard->session;

    session->n_idle_connections -= n_idle(shard);
    session->n_running += transfers;
    shard->n_running += transfers;
    shard->n_open += connections;
    shard->idle_since = co_now();
    session->n_idle_connections += n_idle(shard);
}

static bool is_unused(const struct co_http_shard *shard)
{
    return shard->multi != NULL && shard->n_running == 0;
}

static void close_longest_unused(struct co_http_session *session)
{
    struct co_http_shard *longest = NULL;

    for (long i = 0; i < session->n_shards; i++) {
        struct co_http_shard *shard = &session->shards[i];
        if (is_unused(shard) && (longest == NULL || shard->idle_since < longest->idle_since))
            longest = shard;
    }
    if (longest != NULL)
        close_shard(longest);
}

/* libcurl's limit is for all connections of a CURLM, and comes to bear when one becomes idle, which
 * is still counted as running then. While there are few enough in all shards, each may keep what it
 * has; then only its share. */
static long connection_limit(const struct co_http_shard *shard)
{
    const struct co_http_session *session = shard->session;
    long limit = shard->n_running - 1 + session->max_idle / session->n_open_shards;

    if (session->n_idle_connections < session->max_idle)
        return INT_MAX;
    return limit > 0 ? limit : 1; /* 0 would be no limit */
}

static void limit_connections(struct co_http_shard *shard)
{
    long limit = connection_limit(shard);

    if (limit != shard->max_connections)
        curl_multi_setopt(shard->multi, CURLMOPT_MAXCONNECTS, limit);
    shard->max_connections = limit;
}

/* --- Transfers in it ----------------------------------------------------------------------- */

/* Whether the connection it ended on may be one of HTTP/2 that others are using. */
static bool leaves_others(const struct co_http_transfer *transfer)
{
    return transfer->place->n_running > 1 && transfer->place->origin->speaks == CO_HTTP_SPEAKS_2;
}

/* Ends the transfers that libcurl has finished, while it is still known when that was. */
static void end_transfers(struct co_http_shard *shard)
{
    CURLMsg *message;
    int n_left;

    while ((message = curl_multi_info_read(shard->multi, &n_left)) != NULL) {
        struct co_http_transfer *transfer;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&transfer);
        transfer->result = message->data.result; /* the message goes with the handle */
        transfer->over_at = co_clock_now();
        if (leaves_others(transfer))
            shard->left = transfer->place;
        co_http_driver_remove(transfer);
        co_event_set(&transfer->over);
    }
}

static void act(struct co_http_shard *shard, curl_socket_t fd, int events)
{
    int n_running;

    curl_multi_socket_action(shard->multi, fd, events, &n_running);
    end_transfers(shard);
}

/* That a connection of HTTP/2 has ended is told to one of its streams, and 7.88 leaves it at that;
 * nor does the socket report it again if it was TLS that ended. Who is told may have its answer,
 * and succeed: so whenever one ends the connections of that origin are tried again, until none
 * does. */
static void tell_others(struct co_http_shard *shard)
{
    while (shard->left != NULL) {
        const struct co_http_place *place = shard->left;
        shard->left = NULL; /* from here on it may be gone; it is only compared */
        for (int fd = -1; (fd = co_http_sockets_next(shard, place, fd)) >= 0;)
            act(shard, fd, CURL_CSELECT_IN);
    }
}

void co_http_shard_act(struct co_http_shard *shard, curl_socket_t fd, int events)
{
    limit_connections(shard);
    act(shard, fd, events);
    tell_others(shard);
}

/* --- All of them --------------------------------------------------------------------------- */

int co_http_shards_open(struct co_http_session *session)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return -ENOMEM;
    if (open_another(session, false) != NULL)
        return 0;
    curl_global_cleanup();
    return -ENOMEM;
}

void co_http_shards_close(struct co_http_session *session)
{
    if (session->n_shards == 0)
        return;
    for (long i = 0; i < session->n_shards; i++)
        if (session->shards[i].multi != NULL)
            close_shard(&session->shards[i]);
    curl_global_cleanup();
}

/* The first stays: something will be fetched again. */
static co_time closing_time(const struct co_http_session *session, long i)
{
    const struct co_http_shard *shard = &session->shards[i];

    return i > 0 && is_unused(shard) ? shard->idle_since + CLOSE_AFTER : CO_NEVER;
}

static void fire(struct co_http_session *session, long i)
{
    struct co_http_shard *shard = &session->shards[i];

    if (shard->timer <= co_now()) {
        shard->timer = CO_NEVER;
        co_http_shard_act(shard, CURL_SOCKET_TIMEOUT, 0);
    }
    if (closing_time(session, i) <= co_now())
        close_shard(shard);
}

void co_http_shards_fire(struct co_http_session *session)
{
    for (long i = 0; i < session->n_shards; i++)
        fire(session, i);
    if (session->n_idle_connections > session->max_idle && session->n_open_shards > 1)
        close_longest_unused(session);
}

co_time co_http_shards_next(const struct co_http_session *session)
{
    co_time next = CO_NEVER;

    for (long i = 0; i < session->n_shards; i++) {
        co_time closing = closing_time(session, i);
        co_time timer = session->shards[i].timer;
        if (timer < next)
            next = timer;
        if (closing < next)
            next = closing;
    }
    return next;
}
