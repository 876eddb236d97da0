/* An origin for unit tests: a task that accepts connections, and one more for each of them, which
 * behaves as the test says. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/co/co.h"

struct fake_origin {
    /* Called for each connection, which is closed when it returns. NULL: answers every request
     * with `reply`. */
    void (*talk)(struct fake_origin *origin, int fd);
    const char *reply;     /* also for the test's own talk; NULL: 200 and "ok" */
    struct co_event asked; /* by the first request, or whatever else talk waits for */
    co_time winds;         /* how much time goes by between a request and its answer */

    uint16_t port;
    unsigned n_connections, n_requests, n_open;
    char request[64 * 1024]; /* the last one: header, and body if it fits */
    size_t request_length;

    int listener;
    struct co_group connections;
    struct co_task *task;
};

void fake_origin_start(struct fake_origin *origin);
void fake_origin_stop(struct fake_origin *origin);

/* A request with its body. returns false when the connection has ended */
bool fake_origin_receive(struct fake_origin *origin, int fd);

/* The talk of an origin that has none. */
void fake_origin_answer_all(struct fake_origin *origin, int fd);

void fake_origin_send(int fd, const char *text);
void fake_origin_send_bytes(int fd, const void *bytes, size_t n);

/* Waits until the other side is gone, or the test is over. */
void fake_origin_linger(int fd);

/* Makes closing fd reset the connection. */
void fake_origin_reset(int fd);

/* A port that leaves connections unanswered, as a host that is switched off does; the descriptors
 * are to be closed by the caller. */
uint16_t fake_black_hole(int ret_fds[3]);
