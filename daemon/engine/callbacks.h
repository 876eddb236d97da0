/* Tells those who asked for it that their jobs have ended.
 *
 * What is to be sent is in the store (store_callbacks.h), and due; one task sends what is due, some
 * at a time and few to one host, and writes down what came of each attempt before it counts. So a
 * crash costs nothing: what was not written down is sent again, with the same webhook-id. A
 * receiver that hangs holds up its own callbacks and no job: they share no gate.
 */
#pragma once

#include "lib/co/co.h"

#include "daemon/engine/fetch.h"
#include "daemon/engine/store_watch.h"
#include "daemon/model/parse.h"

struct callbacks;

enum { CALLBACKS_AT_A_TIME = 32, CALLBACKS_PER_HOST = 2 };

/* All is borrowed. */
struct callbacks_options {
    struct store *store;
    struct store_watch *watch;
    const struct fetcher *fetcher;
    const struct parse_settings *settings; /* what requests are like that say nothing */
    struct stats *stats;
    int64_t (*now)(void); /* the wall clock; NULL: instant_now */
};

/* Starts the task. returns 0, -ENOMEM */
int callbacks_new(struct callbacks **ret_callbacks, const struct callbacks_options *options);

/* Gives back what is being sent: it goes when the store is opened next. suspends; NULL is fine */
void callbacks_free(struct callbacks *callbacks);

/* Some may have become due. */
void callbacks_wake(struct callbacks *callbacks);

/* No more are begun. NULL is fine. */
void callbacks_drain(struct callbacks *callbacks);

/* That are being sent. */
size_t callbacks_n_sending(const struct callbacks *callbacks);
