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

#define CO_HTTP_COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* --- Time: http_timing.c ------------------------------------------------------------------- */

/* When the phases of a transfer ended. A phase that does not happen is skipped, and the time it
 * would have taken belongs to the next. */
struct co_http_timing {
    co_time started;
    co_time ended[CO_HTTP_N_PHASES]; /* 0: has not */
    unsigned skipped;                /* bit 1 << phase */
};

/* CLOCK_MONOTONIC. co_now() is the beginning of the turn, which is too coarse to measure with. */
co_time co_http_clock(void);

void co_http_timing_skip(struct co_http_timing *timing, enum co_http_phase phase);

/* Only the first end counts. */
void co_http_timing_end(struct co_http_timing *timing, enum co_http_phase phase, co_time at);

/* A connection is made, maybe after a reused one was found dead: everything after the names is
 * yet to come. */
void co_http_timing_reopen(struct co_http_timing *timing);

/* The phase that is going on. */
enum co_http_phase co_http_timing_phase(const struct co_http_timing *timing);

/* Ends the phase that is going on, and writes all of them down. */
void co_http_timing_report(struct co_http_timing *timing, co_time done,
                           struct co_http_response *response);

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
    CURLSH *names; /* libcurl's cache of names, of this handle alone */
    struct co_list idle;

    const struct co_http_request *request;
    struct co_http_response *response;
    struct co_event over;
    CURLcode result;            /* once over */
    enum co_http_error refusal; /* why a callback ended it; CO_HTTP_OK: none did */

    struct co_http_timing timing; /* for the response */
    co_time over_at;
    co_time began_at; /* of co_now(), as the next: for limits */
    co_time moved_at; /* the request was sent, or another piece of the response came */

    struct co_dns_answer answer; /* where to connect */
    struct co_http_pin pin;
    bool waited_for_name;   /* the answer was not cached */
    bool opened;            /* a socket of its own */
    bool asked;             /* the request went out, or was about to */
    int socket_errno;       /* of the last socket that could not be made */
    struct co_list sockets; /* that it opened, and that are not connected yet */

    enum co_http_form form;
    bool has_custom_method; /* set in the handle, to be undone */
    size_t n_sent;          /* of the body */
    struct co_http_buffer request_headers;

    struct co_http_buffer headers; /* "name\0value\0", again and again */
    size_t n_headers;
    size_t header_bytes; /* all that came, interim responses and trailers included */
    enum { AWAIT_STATUS, AWAIT_HEADERS, AWAIT_BODY } expects;
    size_t body_capacity;
};

/* One from the pool, or a new one. returns 0, -ENOMEM */
int co_http_transfer_take(struct co_http_session *session, struct co_http_transfer **ret_transfer);

/* Makes it that of this request, which starts now. */
void co_http_transfer_begin(struct co_http_transfer *transfer,
                            const struct co_http_request *request,
                            struct co_http_response *response);

/* Back to the pool; one that failed is freed, so that nothing of the failure is carried over. */
void co_http_transfer_put(struct co_http_transfer *transfer);

void co_http_transfer_free(struct co_http_transfer *transfer);

/* Notes why the transfer is being ended, if that is not known yet. */
void co_http_transfer_refuse(struct co_http_transfer *transfer, enum co_http_error why);

/* Asks the caller's gate; a refusal is noted, and final. */
bool co_http_transfer_may_connect(struct co_http_transfer *transfer,
                                  const struct co_address *address);
bool co_http_transfer_may_use_answer(struct co_http_transfer *transfer,
                                     struct co_address *addresses, size_t *n_addresses);

/* Room for `size` bytes altogether, for which the caller may double what there is. */
int co_http_buffer_reserve(struct co_http_buffer *buffer, size_t size);
void co_http_buffer_done(struct co_http_buffer *buffer);

/* Hands libcurl transfer->answer as the only addresses of the URL's host. returns 0, -ENOMEM */
int co_http_pin_set(struct co_http_transfer *transfer);
void co_http_pin_done(struct co_http_pin *pin);

/* --- What is sent and what comes back: http_request.c, http_response.c ---------------------- */

/* The callbacks, once for a new handle. */
void co_http_request_attach(struct co_http_transfer *transfer);
void co_http_response_attach(struct co_http_transfer *transfer);

/* Tells the handle all that differs from request to request. returns CO_HTTP_OK, or why not. */
enum co_http_error co_http_request_apply(struct co_http_transfer *transfer);

/* Fills in what is known when the transfer has ended. returns CO_HTTP_OK, or
 * CO_HTTP_RESOURCE_EXHAUSTED. */
enum co_http_error co_http_response_finish(struct co_http_transfer *transfer);

/* --- Failures: http_error.c ---------------------------------------------------------------- */

/* What it is when `phase` takes too long. */
enum co_http_error co_http_error_of_timeout(enum co_http_phase phase);

/* What the result of libcurl, which is not CURLE_OK, means. */
enum co_http_error co_http_error_of(const struct co_http_transfer *transfer);

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
    struct co_http_transfer *opener; /* NULL once connected */
    struct co_list opened;           /* in opener->sockets */
    struct co_address address;
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

/* The transfer has ended: its sockets are nobody's any more. */
void co_http_sockets_disown(struct co_http_transfer *transfer);

/* The callbacks, once for a new handle, and of the session. */
void co_http_sockets_attach(struct co_http_transfer *transfer);
int co_http_sockets_watch(CURL *easy, curl_socket_t fd, int what, void *session, void *unused);

/* --- The session: http.c, http_driver.c, http_fetch.c --------------------------------------- */

struct co_http_session {
    CURLM *multi;
    struct co_dns *dns;
    struct co_dns *own_dns; /* the same, unless it is borrowed: then NULL */
    char *ca_file;
    long max_idle; /* connections, and transfers */
    struct co_task *driver;
    co_time timer; /* of co_now(): when libcurl wants to be called; CO_NEVER */
    struct co_http_sockets sockets;
    struct co_list idle; /* transfers, the last used first */
    long n_idle, n_running;
};

/* Starts the task. returns 0, -ENOMEM */
int co_http_driver_start(struct co_http_session *session);

/* suspends   until it has ended; is not disturbed by cancellation */
void co_http_driver_stop(struct co_http_session *session);

/* Lets libcurl have the transfer, until it is over or taken back. returns 0, -ENOMEM */
int co_http_driver_add(struct co_http_transfer *transfer);
void co_http_driver_remove(struct co_http_transfer *transfer);

/* Tells libcurl of a socket or, with CURL_SOCKET_TIMEOUT, of the time, and ends the transfers that
 * are over then. */
void co_http_driver_act(struct co_http_session *session, curl_socket_t fd, int events);
