/* What the files of the HTTP session share.
 *
 * libcurl is called from two kinds of places: by the driver task, which tells it of descriptors and
 * time, and by the tasks that fetch, which add transfers and may take them back. Its callbacks take
 * notes and never suspend, so no task ever finds libcurl in the middle of something. A fetching
 * task owns its transfer; the driver takes it off libcurl when it is over, and says so.
 */
#pragma once

#include <curl/curl.h>

#include "lib/co/list.h"
#include "lib/co/sync.h"
#include "lib/net/http.h"
#include "lib/net/siphash.h"

#define CO_HTTP_COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* --- Time: http_timing.c ------------------------------------------------------------------- */

/* When the phases of a transfer ended. A phase that does not happen is skipped, and the time it
 * would have taken belongs to the next. */
struct co_http_timing {
    co_time started;
    co_time ended[CO_HTTP_N_PHASES]; /* 0: has not */
    unsigned skipped;                /* bit 1 << phase */
};

void co_http_timing_skip(struct co_http_timing *timing, enum co_http_phase phase);

/* Only the first end counts. */
void co_http_timing_end(struct co_http_timing *timing, enum co_http_phase phase, co_time at);

/* A connection is made, maybe after a reused one was found dead: everything after the names is
 * yet to come. If it is for another exchange, only that response is. */
void co_http_timing_reopen(struct co_http_timing *timing);

/* The response was not the last one: phases from this one on are yet to end. */
void co_http_timing_return(struct co_http_timing *timing, enum co_http_phase phase);

/* The phase that is going on. */
enum co_http_phase co_http_timing_phase(const struct co_http_timing *timing);

/* Ends the phase that is going on, and writes all of them down. */
void co_http_timing_report(struct co_http_timing *timing, co_time done,
                           struct co_http_response *response);

/* --- Versions of libcurl: http_libcurl.c ---------------------------------------------------- */

/* Before 8.1 a handle that is used again still has the address of the last header of the transfer
 * before, whose memory is freed, and appends to it what a response begins with if that is a folded
 * line. An origin must not be given that: then CURLOPT_HEADER has every line shown to us first,
 * before libcurl keeps it, and such a response is refused.
 *
 * source  curl issue 11101; chop_write() of lib/sendf.c, from 7.87 to 8.0.1 */
bool co_http_libcurl_remembers_headers(void);

/* Since 8.7 there is one for all transfers of a CURLM. */
bool co_http_libcurl_has_one_buffer(void);

/* Since 8.7 they are part of CURLINFO_REQUEST_SIZE. */
bool co_http_libcurl_counts_bodies(void);

/* --- Transfers: http_transfer.c ------------------------------------------------------------ */

/* Memory that grows, and is kept for the next transfer. */
struct co_http_buffer {
    char *bytes;
    size_t length, capacity;
};

/* Which addresses libcurl has been given for a name: http_pin.c. */
struct co_http_pin {
    char *text;     /* "-host:port:addresses": takes it back; without the '-', gives it */
    char *previous; /* taken back when text is given */
    struct curl_slist entries[2];
    uint16_t port;
    struct co_dns_answer answer;
};

/* A transfer's part in a jar: http_jar.c. */
struct co_http_stay {
    struct co_http_jar *jar; /* NULL: none */
    struct co_list in_jar;
    char *pin;                  /* its own, as co_http_pin_write() has it; NULL: not needed */
    struct curl_slist entry;    /* the same for libcurl, and the last of: */
    struct curl_slist *entries; /* to be taken out before */
};

/* "::name" with a name made of addresses. */
#define CO_HTTP_CONNECT_TO_SIZE (sizeof("::.invalid") + 64)

/* What a request says of its body: http_request.c. */
enum co_http_form {
    CO_HTTP_FORM_GET,   /* nothing */
    CO_HTTP_FORM_HEAD,  /* nothing, and the response has none */
    CO_HTTP_FORM_EMPTY, /* Content-Length: 0 */
    CO_HTTP_FORM_BODY
};

/* An easy handle and what one fetch after the other does with it. */
struct co_http_transfer {
    struct co_http_session *session;
    CURL *easy;
    CURLSH *names; /* libcurl's cache of names, of this handle alone; NULL: it has had none */
    struct co_list idle;

    const struct co_http_request *request;
    struct co_http_response *response;
    struct co_event over;
    CURLcode result;            /* once over */
    enum co_http_error refusal; /* why a callback ended it; CO_HTTP_OK: none did */

    struct co_http_origin *origin; /* while it is being fetched */
    struct co_http_place *place;   /* until libcurl has done with it */
    struct co_list waiting;        /* in origin->waiting, until its turn comes */
    struct co_event turn;
    bool is_scout;

    long buffer_size; /* that the handle was told of */

    struct co_http_timing timing; /* for the response */
    co_time over_at;
    co_time began_at; /* of co_now(), as the next: for limits */
    co_time moved_at; /* the request was sent, or another piece of the response came */

    struct co_dns_answer answer; /* where to connect */
    struct co_http_pin pin;
    struct curl_slist connect_to; /* a name for fixed addresses */
    char connect_to_text[CO_HTTP_CONNECT_TO_SIZE];
    bool waited_for_name;   /* the answer was not cached */
    bool opened;            /* a socket of its own */
    bool asked;             /* the request went out, or was about to */
    unsigned n_challenges;  /* that were answered */
    bool is_refused;        /* the last of them is the response */
    int connected_fd;       /* the socket it opened last that was connected */
    int socket_errno;       /* of the last socket that could not be made */
    struct co_list sockets; /* that it opened, and that are not connected yet */
    struct co_list poked;   /* in session->poked */

    enum co_http_form form;
    bool may_repeat;        /* the method is safe */
    bool has_custom_method; /* set in the handle, to be undone */
    long version;           /* of HTTP, as set in the handle */
    unsigned options;       /* that few requests need, as set in the handle */
    struct co_http_stay stay;
    size_t n_sent; /* of the body */
    struct co_http_buffer request_headers;

    struct co_http_buffer headers; /* "name\0value\0", again and again */
    size_t n_headers;
    size_t header_bytes; /* all that came, interim responses and trailers included */
    int64_t announced;   /* Content-Length; -1: none so far */
    enum { AWAIT_TUNNEL, AWAIT_STATUS, AWAIT_HEADERS, AWAIT_BODY } expects;
    bool may_fold;       /* the next line, since a header came before it */
    bool is_within_line; /* is what comes next of it, in co_http_libcurl_remembers_headers() */
    size_t body_capacity;
};

/* One from the pool, or a new one. returns 0, -ENOMEM */
int co_http_transfer_take(struct co_http_session *session, struct co_http_transfer **ret_transfer);

/* Makes it that of this request, which starts now. */
void co_http_transfer_begin(struct co_http_transfer *transfer,
                            const struct co_http_request *request,
                            struct co_http_response *response);

/* Makes it ready to be tried a second time, on a connection of its own; nothing of a response has
 * come. */
void co_http_transfer_rewind(struct co_http_transfer *transfer);

/* Back to the pool. One that failed is freed, so that nothing of the failure is carried over, and
 * one that holds large headers. */
void co_http_transfer_put(struct co_http_transfer *transfer);

void co_http_transfer_free(struct co_http_transfer *transfer);

/* A socket is made for it, and has been connected. */
void co_http_transfer_opened(struct co_http_transfer *transfer);
void co_http_transfer_connected(struct co_http_transfer *transfer,
                                const struct co_address *address);

/* Notes why the transfer is being ended, if that is not known yet. */
void co_http_transfer_refuse(struct co_http_transfer *transfer, enum co_http_error why);

/* Asks the caller's gate; a refusal is noted, and final. It has no say in connecting to a proxy. */
bool co_http_transfer_may_reach(struct co_http_transfer *transfer,
                                const struct co_address *address);
bool co_http_transfer_may_connect(struct co_http_transfer *transfer,
                                  const struct co_address *address);
bool co_http_transfer_may_use_answer(struct co_http_transfer *transfer,
                                     struct co_address *addresses, size_t *n_addresses);

/* Room for `size` bytes altogether, for which the caller may double what there is. */
int co_http_buffer_reserve(struct co_http_buffer *buffer, size_t size);
void co_http_buffer_done(struct co_http_buffer *buffer);

/* Where libcurl connects to, unless to fixed addresses: the host of the URL, or of the proxy. */
const struct co_url *co_http_peer(const struct co_http_request *request);

/* Whether addresses are fixed: those of a proxy are not. */
bool co_http_has_addresses(const struct co_http_request *request);

/* Hands libcurl transfer->answer as the only addresses of where it connects to.
 *
 * returns 0, -ENOMEM
 */
int co_http_pin_set(struct co_http_transfer *transfer);

/* The callback that keeps libcurl from finding any by itself, once for a new handle. */
void co_http_pin_attach(struct co_http_transfer *transfer);
void co_http_pin_done(struct co_http_pin *pin);

/* "-host:port:addresses" of transfer->answer. returns NULL: no memory */
char *co_http_pin_write(const struct co_http_transfer *transfer);

/* --- What is sent and what comes back: http_request.c, http_response.c ---------------------- */

/* The callbacks, once for a new handle. */
void co_http_request_attach(struct co_http_transfer *transfer);
void co_http_response_attach(struct co_http_transfer *transfer);

/* Tells the handle all that differs from request to request. returns CO_HTTP_OK, or why not. */
enum co_http_error co_http_request_apply(struct co_http_transfer *transfer);

bool co_http_request_has(const struct co_http_request *request, const char *header);

/* Nothing has come so far, or what came was not the last response: forgets it. */
void co_http_response_restart(struct co_http_transfer *transfer);

/* Whether far more was decoded than received: max_decode_ratio. */
bool co_http_response_is_bomb(const struct co_http_transfer *transfer);

/* Fills in what is known when the transfer has ended. returns CO_HTTP_OK, or
 * CO_HTTP_RESOURCE_EXHAUSTED. */
enum co_http_error co_http_response_finish(struct co_http_transfer *transfer);

/* --- What few requests ask for: http_options.c, http_jar.c, http_tls.c ------------------------ */

/* The latter says whether the handle is fit for another request. */
enum co_http_error co_http_options_apply(struct co_http_transfer *transfer);
bool co_http_options_undo(struct co_http_transfer *transfer);

/* Whether it asks for TLS other than what handles are set up for. */
bool co_http_wants_tls(const struct co_http_request *request);

/* Between these two the handle has the jar's cookies and names. */
CURLcode co_http_jar_enter(struct co_http_transfer *transfer, struct co_http_jar *jar);
CURLcode co_http_jar_leave(struct co_http_transfer *transfer);

/* As co_http_pin_set(), with a jar. */
int co_http_jar_pin(struct co_http_transfer *transfer);

/* The transfer was given a cookie. */
void co_http_jar_count(struct co_http_transfer *transfer);

/* Looks at the connection the request will be sent on. returns CO_HTTP_OK, or why not to send it */
enum co_http_error co_http_tls_inspect(struct co_http_transfer *transfer);
bool co_http_tls_speaks_2(const struct co_http_tls *tls);
void co_http_tls_unref(const struct co_http_tls *tls); /* NULL is fine */

/* Whether that can be: libcurl may have been built with another TLS library, or another version. */
bool co_http_tls_is_visible(void);

/* --- Parts of a session: http_shard.c ------------------------------------------------------- */

/* Connections, and the transfers on them. A connection never moves to another shard. */
struct co_http_shard {
    struct co_http_session *session;
    CURLM *multi;  /* NULL: it is closed */
    bool is_apart; /* for requests of that kind: co_http_origin_is_apart() */
    co_time timer; /* of co_now(): when libcurl wants to be called; CO_NEVER */
    co_time idle_since;
    long n_running;                   /* transfers */
    long n_open;                      /* connections */
    long max_connections;             /* what libcurl was told last */
    const struct co_http_place *left; /* by one of several transfers, just now; NULL: none */
};

enum {
    CO_HTTP_MAX_SHARDS = 128,
    CO_HTTP_MAX_STREAMS = 100,     /* on one connection */
    CO_HTTP_MAX_IDLE_SECONDS = 55, /* of a connection: many servers close it after a minute */
};

/* libcurl and the first shard. returns 0, -ENOMEM */
int co_http_shards_open(struct co_http_session *session);
void co_http_shards_close(struct co_http_session *session);

/* The one for a further connection; opens another when those there are have no room. */
struct co_http_shard *co_http_shard_choose(struct co_http_session *session,
                                           const struct co_http_request *request);

/* Adds to its transfers and connections. */
void co_http_shard_count(struct co_http_shard *shard, int transfers, int connections);

/* Tells libcurl of a socket or, with CURL_SOCKET_TIMEOUT, of the time, and ends the transfers that
 * are over then. */
void co_http_shard_act(struct co_http_shard *shard, curl_socket_t fd, int events);

/* Does what is due; when something will be, of co_now(), or CO_NEVER. */
void co_http_shards_fire(struct co_http_session *session);
co_time co_http_shards_next(const struct co_http_session *session);

/* --- Origins: http_origin.c, http_place.c --------------------------------------------------- */

/* What is known of an origin as seen by requests that can share its connections. */
struct co_http_origin {
    uint64_t hash;
    struct co_http_origin *next_in_bucket;
    struct co_list unheld;  /* in origins->unheld, while there are neither transfers nor places */
    struct co_list places;  /* those with room for another transfer first */
    struct co_list waiting; /* transfers, until it is known which HTTP it speaks */
    unsigned n_transfers;
    unsigned n_scouts; /* transfers that are about to find out */
    enum { CO_HTTP_SPEAKS_UNKNOWN, CO_HTTP_SPEAKS_1, CO_HTTP_SPEAKS_2 } speaks;
    unsigned n_failures; /* of HTTP/2, in a row */
    co_time avoid_until; /* of co_now(): when to try it again */
};

/* The connections of one origin in one shard; exists while there are any, or transfers. */
struct co_http_place {
    struct co_http_origin *origin;
    struct co_http_shard *shard;
    struct co_list of_origin;
    int n_running;
    int n_open;
    int n_shared; /* of these, speak HTTP/2 */
};

struct co_http_origins {
    struct co_siphash_key key;
    struct co_http_origin **buckets;
    size_t n_entries, max_entries; /* more only while they are held */
    struct co_list unheld;         /* the first was used least lately */
};

int co_http_origins_init(struct co_http_origins *origins); /* returns 0, -ENOMEM */
void co_http_origins_done(struct co_http_origins *origins);

/* Around all that a transfer has to do with its origin. Entering finds it a place. It waits while
 * another transfer finds out whether the origin speaks HTTP/2, or opens a further connection that
 * can be shared; the wait is part of connecting, and has its limits.
 *
 * returns    CO_HTTP_OK, or why the fetch is over; leaving is owed in either case, and is harmless
 *            if there was no entering
 */
enum co_http_error co_http_origin_enter(struct co_http_transfer *transfer);
void co_http_origin_leave(struct co_http_transfer *transfer);

/* What CURLOPT_HTTP_VERSION has to be, between these two. */
long co_http_origin_version(const struct co_http_transfer *transfer);

/* The transfer has a TLS connection, and this is what is spoken there. */
void co_http_origin_learn(struct co_http_transfer *transfer, bool speaks_2);

/* Lets those go that need not wait any more. */
void co_http_origin_admit(struct co_http_origin *origin);

/* Nobody has to do with it any more, maybe. */
void co_http_origin_release(struct co_http_session *session, struct co_http_origin *origin);

/* Whether a connection is open that can take another transfer. */
bool co_http_place_is_free(const struct co_http_origin *origin);

/* Whether it must not meet other requests to the same origin in one shard. */
bool co_http_origin_is_apart(const struct co_http_request *request);

/* Finds the transfer its shard, transfer->place->shard. returns 0, -ENOMEM */
int co_http_place_enter(struct co_http_transfer *transfer);
void co_http_place_leave(struct co_http_transfer *transfer);

/* A connection was opened there, turned out to be for many, was closed. */
void co_http_place_opened(struct co_http_place *place);
void co_http_place_shared(struct co_http_place *place);
void co_http_place_closed(struct co_http_place *place, bool was_shared);

/* --- Failures: http_error.c ---------------------------------------------------------------- */

/* What it is when `phase` takes too long. */
enum co_http_error co_http_error_of_timeout(enum co_http_phase phase);

/* What the result of libcurl, which is not CURLE_OK, means. */
enum co_http_error co_http_error_of(const struct co_http_transfer *transfer);

/* What an error on the way to a proxy, or to the origin through it, means. */
enum co_http_error co_http_error_of_proxy(enum co_http_error error);

const char *co_http_error_message(enum co_http_error error);
const char *co_http_curl_name(CURLcode code);

/* --- Descriptors: http_socket.c ------------------------------------------------------------ */

/* A socket that libcurl made through us. */
struct co_http_socket {
    struct co_http_session *session;
    int fd;
    uint32_t generation; /* tells its events from those of an earlier socket of that number */
    uint32_t wanted;     /* epoll events: what libcurl wants to know of */
    uint32_t registered; /* what epoll was told */
    struct co_list changed;
    struct co_http_place *place;     /* that it is counted in */
    bool is_shared;                  /* speaks HTTP/2 */
    struct co_http_transfer *opener; /* NULL once connected */
    struct co_list opened;           /* in opener->sockets */
    struct co_address address;
    bool is_plain; /* HTTP without TLS */
};

struct co_http_sockets {
    int epoll_fd;
    struct co_http_socket **by_fd;
    size_t n_fds;
    uint32_t n_opened;
    struct co_list changed; /* those epoll is to be told about */
};

/* returns 0, -EMFILE, ... */
int co_http_sockets_init(struct co_http_sockets *sockets);
void co_http_sockets_done(struct co_http_sockets *sockets);

/* Tells epoll what has changed since the last time. */
void co_http_sockets_register(struct co_http_sockets *sockets);

/* Passes on what is ready, one batch. returns how many sockets were. */
int co_http_sockets_poll(struct co_http_session *session);

/* The next descriptor after fd that is used for this place; -1: none. */
int co_http_sockets_next(const struct co_http_shard *shard, const struct co_http_place *place,
                         int fd);

/* Forgets what is left of those of a closed shard. */
void co_http_sockets_drop(const struct co_http_shard *shard);

/* The connection that the transfer opened speaks HTTP/2. */
void co_http_sockets_share(struct co_http_transfer *transfer);

/* The transfer has ended: its sockets are nobody's any more. */
void co_http_sockets_disown(struct co_http_transfer *transfer);

/* The callbacks, once for a new handle, and of the session. */
void co_http_sockets_attach(struct co_http_transfer *transfer);
int co_http_sockets_watch(CURL *easy, curl_socket_t fd, int what, void *session, void *unused);

/* --- The session: http.c, http_driver.c, http_fetch.c --------------------------------------- */

struct co_http_session {
    struct co_dns *dns;
    struct co_dns *own_dns; /* the same, unless it is borrowed: then NULL */
    char *ca_file;
    long max_idle; /* connections, and transfers */
    struct co_task *driver;
    struct co_http_sockets sockets;
    struct co_http_origins origins;
    struct co_http_shard shards[CO_HTTP_MAX_SHARDS];
    long n_shards, n_open_shards; /* up to the last that was ever open; and those that are */
    long n_running, n_idle_connections;
    struct co_list idle; /* transfers, the last used first */
    long n_idle;
    struct co_list poked; /* transfers that libcurl must look at again */
};

/* Starts the task. returns 0, -ENOMEM */
int co_http_driver_start(struct co_http_session *session);

/* suspends   until it has ended; is not disturbed by cancellation */
void co_http_driver_stop(struct co_http_session *session);

/* Lets libcurl have the transfer, until it is over or taken back. returns 0, -ENOMEM */
int co_http_driver_add(struct co_http_transfer *transfer);
void co_http_driver_remove(struct co_http_transfer *transfer);

/* Waits until the event is set or a limit of the transfer is exceeded.
 *
 * returns    CO_HTTP_OK, or why the fetch is over
 */
CO_BLOCKS enum co_http_error co_http_transfer_wait(struct co_http_transfer *transfer,
                                                   struct co_event *event);
