/* A client that sends just what a test says, and reads whole answers; on sockets that the server of
 * the same loop listens on. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct http_reply {
    int status; /* 0: the connection was closed instead */
    char head[2048];
    char body[8192];
};

struct http_client {
    int fd;
    struct http_reply reply; /* the last one */
    size_t n;                /* bytes received and not yet part of a reply */
    char in[32768];          /* ends in a NUL */
};

/* address is as http_server_address() has it. Never NULL. */
struct http_client *http_client_open(const char *address);
void http_client_close(struct http_client *client);

void http_client_send(struct http_client *client, const char *text);
void http_client_send_bytes(struct http_client *client, const char *bytes, size_t n);

/* Waits for the next answer, interim ones included; it is the client's until the next one. */
const struct http_reply *http_client_receive(struct http_client *client);

/* The same for an answer that has no body, whatever its Content-Length. */
const struct http_reply *http_client_receive_head(struct http_client *client);

/* Reads and forgets all that comes until the connection is closed. */
void http_client_drain(struct http_client *client);

/* Whether the server closes the connection, with nothing more coming before. */
bool http_client_is_closed(struct http_client *client);

/* The value of a header in the reply's head, up to the end of the line; "" if there is none. */
const char *http_reply_header(const struct http_reply *reply, const char *name);
