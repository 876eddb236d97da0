/* Many fetches at once, each on a task of its own. */
#pragma once

#include "tests/support/net.h"

struct crowd_member {
    struct net *net;
    struct co_url url;
    struct co_http_request request;
    struct co_http_response response;
    struct co_task *task;
};

enum { CROWD_MAX = 512 };

struct crowd {
    unsigned n;
    struct crowd_member members[CROWD_MAX];
};

/* Adds n fetches; '@' in the URL becomes the port of the origin, '#' a number of its own. What the
 * request leaves 0 is as for fetch(). They have begun, and are as far as they can get. */
void crowd_join(struct crowd *crowd, struct net *net, unsigned n, const char *url,
                struct co_http_request request);

/* Waits until all are over. */
void crowd_wait(struct crowd *crowd);

/* How many ended with that; of those that are over. */
unsigned crowd_count(const struct crowd *crowd, enum co_http_error error);

/* Cancels what is still going on, and forgets all. */
void crowd_leave(struct crowd *crowd);
