/* Whether more may be started: not while the store takes nothing, nor while too much waits for it.
 */
#pragma once

#include "lib/co/co.h"

#include "daemon/engine/engine.h"
#include "daemon/store/store.h"

struct store_watch {
    struct store *store;
    struct engine *engine;
    struct co_event settled; /* the store is not full: it can be written to, or never again */
    struct co_event failed;  /* never again */
    bool has_backlog;
    bool is_draining;
    struct co_task *task;
};

/* What is given is borrowed. returns 0, -ENOMEM */
int store_watch_init(struct store_watch *watch, struct store *store, struct engine *engine);

/* suspends */
void store_watch_done(struct store_watch *watch);

/* Pauses the engine as long as too much waits to be written. */
void store_watch_set_backlog(struct store_watch *watch, bool has_backlog);

/* Pauses the engine for good. */
void store_watch_drain(struct store_watch *watch);

/* Waits, after a write has failed, until it may be tried again.
 *
 * rc         of the write
 * returns    0; -EIO: never; -ECANCELED
 */
CO_BLOCKS int store_watch_wait(struct store_watch *watch, int rc);
