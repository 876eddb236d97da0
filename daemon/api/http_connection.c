#include "daemon/api/http_connection.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "lib/co/task.h"

#include "daemon/api/http_exchange_private.h"
#include "daemon/api/http_refusal.h"
#include "daemon/api/problem.h"

/* For the head of a request; of the whole request there is api.request_timeout_ms. */
#define HEAD_LIMIT (10 * CO_SECOND)

/* For that of an extra connection; and how long one may do nothing while others want its place. */
#define EXTRA_LIMIT (1 * CO_SECOND)
#define PATIENCE    (250 * CO_MILLISECOND)

/* Who is slow for that long makes room, see http_pace.h. */
#define CRAWL_TIME (1 * CO_SECOND)

enum { MAX_EXTRA = 64, PLACES_PER_EXTRA = 16 };

/* How long to read what a client had sent before it left. */
#define LEAVE_LIMIT (1 * CO_SECOND)

/* How long a refused client may go on sending, and how much. */
#define LINGER_LIMIT (5 * CO_SECOND)
enum { MAX_DISCARDED_BYTES = 16 * 1024 * 1024 };

void http_connections_init(struct http_connections *connections, unsigned max,
                           co_time request_timeout, const struct http_site *names,
                           void (*refused)(struct http_connection *connection))
{
    *connections = (struct http_connections){
        .limits =
            {
                [CONNECTION_KNOCKS] = EXTRA_LIMIT,
                [CONNECTION_OPENS] = request_timeout,
                [CONNECTION_BEGINS] = request_timeout < HEAD_LIMIT ? request_timeout : HEAD_LIMIT,
                [CONNECTION_RECEIVES] = request_timeout,
                [CONNECTION_SERVES] = CO_NEVER,
                [CONNECTION_SENDS] = CRAWL_TIME,
                [CONNECTION_IDLES] = CONNECTION_IDLE_LIMIT,
                [CONNECTION_LEAVES] = LEAVE_LIMIT,
                [CONNECTION_LINGERS] = LINGER_LIMIT,
                [CONNECTION_CLOSES] = CO_NEVER,
            },
        .max = max,
        .names = *names,
        .refused = refused,
    };
    for (size_t i = 0; i < CONNECTION_N_PHASES; i++)
        co_list_init(&connections->phases[i]);
    co_semaphore_init(&connections->permits, max + http_connections_extra(max));
}

static struct http_connection *first_in(const struct http_connections *connections,
                                        enum connection_phase phase)
{
    const struct co_list *list = &connections->phases[phase];

    return co_list_is_empty(list) ? NULL
                                  : co_container_of(list->next, struct http_connection, link);
}

unsigned http_connections_extra(unsigned max)
{
    unsigned n = 1 + max / PLACES_PER_EXTRA;

    return n < MAX_EXTRA ? n : MAX_EXTRA;
}

static bool is_full(const struct http_connections *connections)
{
    return connections->n_places_taken >= connections->max;
}

static struct http_connection *first_for(co_time time, const struct http_connections *connections,
                                         enum connection_phase phase)
{
    struct http_connection *first = first_in(connections, phase);

    return first != NULL && co_now() - first->since >= time ? first : NULL;
}

static uint64_t n_moved(const struct http_connection *connection)
{
    return connection->phase == CONNECTION_SENDS ? http_pace_n_acknowledged(connection->fd)
                                                 : connection->n_received;
}

static bool is_slow(const struct http_connection *connection, co_time grace)
{
    return http_pace_is_slow(&connection->pace, n_moved(connection), grace);
}

static struct http_connection *first_that_crawls(const struct http_connections *connections,
                                                 enum connection_phase phase)
{
    const struct co_list *all = &connections->phases[phase];

    for (struct co_list *at = all->next; at != all; at = at->next) {
        struct http_connection *connection = co_container_of(at, struct http_connection, link);
        if (is_slow(connection, CRAWL_TIME))
            return connection;
    }
    return NULL;
}

/* patience: with those that were refused or have not asked yet. returns NULL: all are busy */
static struct http_connection *find_dispensable(const struct http_connections *connections,
                                                co_time patience)
{
    return first_in(connections, CONNECTION_IDLES)
               ?: first_for(patience, connections, CONNECTION_LINGERS)
               ?: first_for(patience, connections, CONNECTION_OPENS)
               ?: first_for(patience, connections, CONNECTION_BEGINS)
               ?: first_that_crawls(connections, CONNECTION_RECEIVES)
               ?: first_that_crawls(connections, CONNECTION_SENDS);
}

int http_connections_enter(struct http_connections *connections)
{
    struct http_connection *dispensable =
        is_full(connections) ? find_dispensable(connections, PATIENCE) : NULL;

    if (dispensable != NULL)
        http_connection_close(dispensable);
    return co_semaphore_acquire(&connections->permits);
}

void http_connections_leave(struct http_connections *connections)
{
    co_semaphore_release(&connections->permits);
}

static bool newcomers_wait(const struct http_connections *connections)
{
    return !co_waitq_is_empty(&connections->permits.waiters);
}

/* While others wait, those that have not asked have no more time than when a newcomer came. */
static co_time limit_of(const struct http_connections *connections, enum connection_phase phase)
{
    bool is_short =
        newcomers_wait(connections) && (phase <= CONNECTION_BEGINS || phase == CONNECTION_LINGERS);

    return is_short ? PATIENCE : connections->limits[phase];
}

static co_time deadline_of(const struct http_connections *connections, enum connection_phase phase)
{
    const struct http_connection *first = first_in(connections, phase);
    co_time limit = limit_of(connections, phase);

    return first == NULL || limit == CO_NEVER ? CO_NEVER : first->since + limit;
}

co_time http_connections_deadline(const struct http_connections *connections)
{
    co_time earliest = CO_NEVER;

    for (enum connection_phase phase = 0; phase < CONNECTION_N_PHASES; phase++) {
        co_time deadline = deadline_of(connections, phase);
        if (deadline < earliest)
            earliest = deadline;
    }
    return earliest;
}

/* One that is closing has none any more. */
static void leave_place(struct http_connection *connection)
{
    if (!connection->is_extra && connection->phase != CONNECTION_CLOSES)
        connection->all->n_places_taken--;
}

static void enter(struct http_connection *connection, enum connection_phase phase)
{
    if (phase != connection->phase)
        http_pace_begin(&connection->pace, phase == CONNECTION_SENDS ? 0 : connection->n_received);
    if (phase == CONNECTION_CLOSES)
        leave_place(connection);
    connection->phase = phase;
    connection->since = co_now();
    co_list_remove(&connection->link);
    co_list_append(&connection->all->phases[phase], &connection->link);
}

static void refuse_slow(struct http_connection *connection)
{
    static const struct http_refusal slow = {408, "request_timeout",
                                             "The request did not arrive completely in time."};

    http_connection_refuse_head(connection, "", &slow);
    connection->all->refused(connection);
}

/* Whether it may go on taking its answer: it has taken enough, from when its pace is measured anew,
 * or has not yet been slow for long. */
static bool goes_on(struct http_connection *connection)
{
    if (connection->phase != CONNECTION_SENDS ||
        is_slow(connection, connection->all->limits[CONNECTION_RECEIVES]))
        return false;
    if (!is_slow(connection, 0))
        http_pace_begin(&connection->pace, n_moved(connection));
    enter(connection, CONNECTION_SENDS);
    return true;
}

static void end_overdue(struct http_connection *connection)
{
    bool is_short_of_places =
        connection->phase <= CONNECTION_BEGINS && newcomers_wait(connection->all);

    if (connection->phase <= CONNECTION_RECEIVES && !is_short_of_places)
        refuse_slow(connection);
    else if (!goes_on(connection))
        http_connection_close(connection);
}

void http_connections_end_overdue(struct http_connections *connections)
{
    for (enum connection_phase phase = 0; phase < CONNECTION_N_PHASES; phase++)
        while (deadline_of(connections, phase) <= co_now())
            end_overdue(first_in(connections, phase));
}

void http_connections_close_all(struct http_connections *connections, enum connection_phase phase)
{
    while (first_in(connections, phase) != NULL)
        http_connection_close(first_in(connections, phase));
}

/* Under which address and port the client knows us, as its Host has to say. */
static int find_site(struct http_connection *connection)
{
    struct sockaddr_storage sockaddr = {.ss_family = AF_UNSPEC};
    socklen_t length = sizeof(sockaddr);
    struct co_address address;
    char text[CO_ADDRESS_TEXT_SIZE];

    connection->site = connection->all->names;
    if (getsockname(connection->fd, (struct sockaddr *)&sockaddr, &length) < 0)
        return -errno;
    if (sockaddr.ss_family == AF_UNIX)
        return 0;
    int rc = co_address_from_sockaddr((const struct sockaddr *)&sockaddr, length, &address);
    if (rc < 0)
        return rc;
    snprintf(connection->address, sizeof(connection->address),
             address.family == AF_INET6 ? "[%s]" : "%s", co_address_format(&address, text));
    connection->site.address = connection->address;
    connection->site.port = address.port;
    return 0;
}

int http_connection_new(struct http_connection **ret_connection,
                        struct http_connections *connections, int fd)
{
    struct http_connection *connection = calloc(1, sizeof(*connection));

    if (connection == NULL)
        return -ENOMEM;
    connection->all = connections;
    connection->fd = fd;
    int rc = find_site(connection);
    if (rc < 0) {
        free(connection);
        return rc;
    }
    co_list_init(&connection->link);
    connection->is_extra = is_full(connections);
    enter(connection, connection->is_extra ? CONNECTION_KNOCKS : CONNECTION_OPENS);
    connections->n_open++;
    connections->n_places_taken += !connection->is_extra;
    http_traffic_connections(connections->traffic, +1);
    *ret_connection = connection;
    return 0;
}

void http_connection_free(struct http_connection *connection)
{
    if (connection == NULL)
        return;
    co_list_remove(&connection->link);
    connection->all->n_open--;
    leave_place(connection);
    http_traffic_connections(connection->all->traffic, -1);
    http_connections_leave(connection->all);
    free(connection->target);
    free(connection);
}

static bool waits_for_client(enum connection_phase phase)
{
    return phase <= CONNECTION_RECEIVES || phase == CONNECTION_IDLES;
}

bool http_connection_is_over(const struct http_connection *connection)
{
    return connection->phase == CONNECTION_LINGERS || connection->phase == CONNECTION_CLOSES;
}

void http_connection_enter(struct http_connection *connection, enum connection_phase phase)
{
    if (http_connection_is_over(connection))
        return;
    if (phase == CONNECTION_IDLES && (newcomers_wait(connection->all) || connection->is_extra))
        http_connection_close(connection);
    else if (phase == CONNECTION_BEGINS && connection->is_extra)
        return; /* it knocks, since it opened */
    else if (connection->client_is_gone && waits_for_client(phase))
        enter(connection, CONNECTION_LEAVES);
    else
        enter(connection, phase);
}

void http_connection_client_gone(struct http_connection *connection)
{
    connection->client_is_gone = true;
    if (waits_for_client(connection->phase))
        enter(connection, CONNECTION_LEAVES);
}

void http_connection_refuse(struct http_connection *connection,
                            const struct http_exchange *exchange)
{
    http_refusal_send(connection->fd, exchange);
    http_traffic_count(connection->all->traffic, exchange->route, exchange->answer.status);
    enter(connection, CONNECTION_LINGERS);
}

void http_connection_refuse_head(struct http_connection *connection, const char *method,
                                 const struct http_refusal *refusal)
{
    struct http_exchange exchange;

    http_exchange_init(&exchange);
    exchange.method = method;
    int rc = refusal->status == 503 ? http_answer_header(&exchange, "Retry-After", "1") : 0;
    if (rc == 0)
        rc = http_answer_problem(&exchange, refusal->status, refusal->code, "%s", refusal->detail);
    if (rc == 0)
        http_connection_refuse(connection, &exchange);
    else
        http_connection_close(connection);
    http_exchange_done(&exchange);
}

bool http_connection_take_place(struct http_connection *connection)
{
    struct http_connections *all = connection->all;
    struct http_connection *dispensable =
        connection->is_extra && is_full(all) ? find_dispensable(all, 0) : NULL;

    if (dispensable != NULL)
        http_connection_close(dispensable);
    if (connection->is_extra && !is_full(all)) {
        connection->is_extra = false;
        all->n_places_taken++;
    }
    return !connection->is_extra;
}

void http_connection_receive(struct http_connection *connection, size_t n)
{
    co_time grace = connection->all->limits[CONNECTION_RECEIVES];

    connection->n_received += n;
    if (n > 0 && connection->phase == CONNECTION_RECEIVES && is_slow(connection, grace))
        refuse_slow(connection);
}

bool http_connection_discard(struct http_connection *connection, size_t n)
{
    connection->n_discarded += n;
    return n > 0 && connection->n_discarded <= MAX_DISCARDED_BYTES;
}

void http_connection_close(struct http_connection *connection)
{
    shutdown(connection->fd, SHUT_RDWR);
    enter(connection, CONNECTION_CLOSES);
}
