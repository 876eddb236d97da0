/* A server on a unix socket, with handlers to test it by:
 *
 *     GET  /hello           says hello
 *     POST /echo            gives the body back
 *     GET  /say/{text}      says the text
 *     GET  /wait/{ms}       says hello after a while
 *     GET  /yield           says hello after letting others run
 *     GET  /lose/{ms}       closes front_seen.peer, then waits
 *     GET  /nothing         returns without an answer
 *     GET  /fail            returns an error
 *     GET  /much/{bytes}    has a source; with the header X-Break it fails soon
 *
 * and those of http_front_answers.h and http_front_streams.h.
 */
#pragma once

#include <stdint.h>

#include "daemon/api/http_server.h"
#include "tests/daemon/api/http_client.h"
#include "tests/support/runtime.h"

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

enum { MAX_BODY_BYTES = 1000 };

#define REQUEST_TIMEOUT (10 * CO_SECOND)
#define IDLE_TIMEOUT    (60 * CO_SECOND)
#define NO_GRACE        0

/* What the handlers saw, and what they share with a test. */
struct front_seen {
    unsigned n_called;
    int wait_rc;              /* of the handler that waits */
    char late_header[32];     /* X-Late, read behind that */
    unsigned n_done;          /* sources */
    struct http_client *peer; /* of the handler that makes its own client go */
};

extern struct front_seen front_seen;
extern struct http_server *front_server;
extern struct http_server_options front_options; /* a test may change them before front_start() */
extern char front_address[64];

void front_set_up(void);
void front_tear_down(void);

void front_start(void);
void front_stop(co_time grace);

struct http_client *front_open(void);

/* "GET /path" with what else it takes. */
void front_request(struct http_client *client, const char *method_and_target);
const struct http_reply *front_get(struct http_client *client, const char *target);

/* What is at this position of a source, so that nothing gets lost or doubled unnoticed. */
char front_byte(uint64_t position);
