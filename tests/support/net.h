/* What a unit test of lib/net stands on: its body is a task beside an origin, a name server, a
 * resolver that asks it, and an HTTP session.
 *
 * The sockets are real, and so is the clock, but that a test can wind it forward: so nothing has to
 * be waited for, and no timeout need be short.
 */
#pragma once

#include "lib/net/dns.h"
#include "lib/net/http.h"

#include "tests/support/fake_dns.h"
#include "tests/support/fake_origin.h"
#include "tests/support/runtime.h"

/* Lets time go by; what is due then comes with the next turn. */
void wind(co_time by);

/* Of a look-up: longer than the slowest machine takes. */
#define NET_DNS_TIMEOUT (1000 * CO_SECOND)

struct net {
    struct fake_origin origin;
    struct fake_dns server;
    struct co_dns *dns;
    struct co_http_session *session;

    struct co_http_response response; /* of the last fetch */
    struct fetching {
        struct co_url url;
        struct co_http_request request;
        int rc;
        struct co_task *task;
    } fetching;
};

/* Runs a loop with that clock, which is right to begin with. */
void net_run_loop(void (*main)(int i), int i);

void net_run(void (*body)(struct net *net, int i), int i);

/* As CO_TEST(), with `net`. */
#define NET_TEST(name)                                                                             \
    static void name##_body(struct net *net, int _i);                                              \
    static void name##_main(int i)                                                                 \
    {                                                                                              \
        net_run(name##_body, i);                                                                   \
    }                                                                                              \
    START_TEST(name)                                                                               \
    {                                                                                              \
        net_run_loop(name##_main, _i);                                                             \
    }                                                                                              \
    END_TEST                                                                                       \
    static void name##_body(CK_ATTRIBUTE_UNUSED struct net *net, CK_ATTRIBUTE_UNUSED int _i)

/* Fetches into net->response; '@' in the URL becomes the port of the origin. What the request
 * leaves 0 is a GET with limits that are not reached. returns as co_http_fetch() */
int fetch(struct net *net, const char *url, struct co_http_request request);

/* The same on a task of its own, until fetch_end(). */
void fetch_begin(struct net *net, const char *url, struct co_http_request request);
int fetch_end(struct net *net);

/* How the last fetch ended. */
void assert_success(const struct net *net);
void assert_failure(const struct net *net, enum co_http_error error, enum co_http_phase phase);
