/* The connections of our clients: how many there may be, and how long each may take for what.
 *
 * A connection is in one phase at a time, and each phase has one time limit for all that are in it.
 * So the phase's list, in order of entering, is also the order in which their time is up, and the
 * first of those that idle has idled longest.
 *
 * When the limit is reached, who asks for nothing makes room for who comes: the one that has idled
 * longest; or one that was refused and stays, has not sent the head of a request within a quarter
 * of a second, or sends a body or takes an answer at a crawl. If there is none, the newcomer is an
 * extra one, of which there are a few. Once the head of its request has come it takes the place of
 * somebody who has not got that far; if all are being served, it gets an answer to what has to be
 * answered always, such as whether we are alive, and a 503 to all else. So a crowd of clients that
 * are slow, or do nothing, is hardly noticed by others.
 *
 * Closing one is shutting its socket down; libmicrohttpd, which owns the socket, does the rest.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/co/base.h"
#include "lib/co/list.h"
#include "lib/co/sync.h"
#include "lib/net/address.h"

#include "daemon/api/http_exchange.h"
#include "daemon/api/http_guard.h"
#include "daemon/api/http_pace.h"
#include "daemon/api/http_site.h"
#include "daemon/api/http_traffic.h"

enum connection_phase {
    CONNECTION_KNOCKS,   /* an extra one, until the head of its request has come */
    CONNECTION_OPENS,    /* until the first line of its first request */
    CONNECTION_BEGINS,   /* a request, from its first line to the end of its head */
    CONNECTION_RECEIVES, /* its body; anew with each piece, if that is streamed */
    CONNECTION_SERVES,   /* a handler is at work */
    CONNECTION_SENDS,    /* there is something of an answer for the client to take */
    CONNECTION_IDLES,    /* kept alive after an answer */
    CONNECTION_LEAVES,   /* the client is gone; what it had sent is still read */
    CONNECTION_LINGERS,  /* refused: what the client still sends is thrown away */
    CONNECTION_CLOSES,   /* shut down, and about to be freed */
    CONNECTION_N_PHASES,
};

struct http_connection;

struct http_connections {
    struct co_list phases[CONNECTION_N_PHASES];
    co_time limits[CONNECTION_N_PHASES]; /* CO_NEVER: none, or somebody else's */
    struct co_semaphore permits;
    unsigned max;
    unsigned n_open;
    unsigned n_places_taken; /* of max: by those that are neither extra nor closing */
    void (*refused)(struct http_connection *connection); /* for its slowness: drops its request */
    struct http_site names;       /* those that do not depend on the connection */
    struct http_traffic *traffic; /* what is refused counts; NULL: nobody wants to know */
};

struct http_connection {
    struct http_connections *all;
    int fd; /* libmicrohttpd's */
    enum connection_phase phase;
    co_time since; /* of the phase */
    bool client_is_gone;
    bool is_extra;         /* it is closed behind one answer */
    struct http_pace pace; /* of what it receives or sends; of an answer's first stretch from 0, to
                              save a system call */
    uint64_t n_received;   /* bytes of bodies */
    struct co_list link;
    struct http_site site; /* who we are to this client */
    char address[CO_ADDRESS_TEXT_SIZE + 2];
    uint64_t n_discarded; /* bytes, while it lingers */
    char *target;         /* of the request whose head is being received; owned */
    void *request;        /* of http_server_request.c: the one that is being received or served */
};

/* How many extra connections there may be, of a limit. */
unsigned http_connections_extra(unsigned max);

/* How long a connection may idle; also how long the client of a unix socket may leave an answer
 * unread, of which libmicrohttpd takes care. */
#define CONNECTION_IDLE_LIMIT (60 * CO_SECOND)

/* names is copied, what it points to is not. */
void http_connections_init(struct http_connections *connections, unsigned max,
                           co_time request_timeout, const struct http_site *names,
                           void (*refused)(struct http_connection *connection));

/* Waits until one more connection is allowed, and makes room for it.
 *
 * returns    0: the caller owes http_connection_new(), or http_connections_leave()
 * suspends   while all are busy, also the extra ones
 */
CO_BLOCKS int http_connections_enter(struct http_connections *connections);
void http_connections_leave(struct http_connections *connections);

/* When the time of one of them is up; CO_NEVER. */
co_time http_connections_deadline(const struct http_connections *connections);

/* Refuses those that take too long for a request, and closes others whose time is up. Who sends
 * is looked at every second, and closed when its client has been slow for request_timeout. */
void http_connections_end_overdue(struct http_connections *connections);

void http_connections_close_all(struct http_connections *connections, enum connection_phase phase);

/* A connection that opens. returns 0, -ENOMEM, or another -errno if the client is gone */
int http_connection_new(struct http_connection **ret_connection,
                        struct http_connections *connections, int fd);

/* The socket is closed: forgets the connection and leaves. NULL is fine. */
void http_connection_free(struct http_connection *connection);

/* It was refused or shut down, and is good for nothing any more. */
bool http_connection_is_over(const struct http_connection *connection);

/* One that is over stays so. */
void http_connection_enter(struct http_connection *connection, enum connection_phase phase);

/* The client has closed its side. */
void http_connection_client_gone(struct http_connection *connection);

/* Sends the exchange's answer at once, see http_refusal.h, and lingers. */
void http_connection_refuse(struct http_connection *connection,
                            const struct http_exchange *exchange);

/* The same for a request that has not become an exchange. method: "" if that is not known either */
void http_connection_refuse_head(struct http_connection *connection, const char *method,
                                 const struct http_refusal *refusal);

/* For an extra one with a request: takes the place of one that has none. returns whether it has a
 * place now; always true of one that is not extra */
bool http_connection_take_place(struct http_connection *connection);

/* n more bytes of a body have come. Refuses who has sent too little for too long: a body that is
 * streamed has no time limit as a whole. */
void http_connection_receive(struct http_connection *connection, size_t n);

/* n more bytes came from a client that was refused. returns  false: it is to be closed now */
bool http_connection_discard(struct http_connection *connection, size_t n);

void http_connection_close(struct http_connection *connection);
