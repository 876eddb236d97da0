#include "tests/daemon/api/http_client.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "lib/co/io.h"
#include "lib/net/address.h"

static socklen_t make_sockaddr(const char *address, struct sockaddr_storage *ret_sockaddr)
{
    struct co_cidr host;

    if (strncmp(address, "unix:", 5) == 0) {
        struct sockaddr_un *path = (struct sockaddr_un *)ret_sockaddr;
        *path = (struct sockaddr_un){.sun_family = AF_UNIX};
        strcpy(path->sun_path, address + 5);
        return sizeof(*path);
    }
    ck_assert_int_eq(co_cidr_parse(address, &host), 0);
    return co_address_to_sockaddr(&host.network, ret_sockaddr);
}

struct http_client *http_client_open(const char *address)
{
    struct http_client *client = calloc(1, sizeof(*client));
    struct sockaddr_storage sockaddr;
    socklen_t length = make_sockaddr(address, &sockaddr);

    client->fd = socket(sockaddr.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(client->fd, 0);
    ck_assert_int_eq(co_connect(client->fd, (const struct sockaddr *)&sockaddr, length), 0);
    return client;
}

void http_client_close(struct http_client *client)
{
    co_close(client->fd);
    free(client);
}

void http_client_send_bytes(struct http_client *client, const char *bytes, size_t n)
{
    while (n > 0) {
        ssize_t written = co_write(client->fd, bytes, n);
        if (written < 0)
            return; /* refused half way: the answer is what counts */
        bytes += written;
        n -= (size_t)written;
    }
}

void http_client_send(struct http_client *client, const char *text)
{
    http_client_send_bytes(client, text, strlen(text));
}

static bool read_more(struct http_client *client)
{
    ck_assert_uint_lt(client->n, sizeof(client->in) - 1);
    ssize_t n = co_read(client->fd, client->in + client->n, sizeof(client->in) - 1 - client->n);

    if (n <= 0)
        return false;
    client->n += (size_t)n;
    client->in[client->n] = '\0';
    return true;
}

/* Moves the first n bytes that were received to `to`. */
static void take(struct http_client *client, size_t n, char *to, size_t size)
{
    ck_assert_uint_lt(n, size);
    memcpy(to, client->in, n);
    to[n] = '\0';
    client->n -= n;
    memmove(client->in, client->in + n, client->n + 1);
}

const struct http_reply *http_client_receive_head(struct http_client *client)
{
    struct http_reply *reply = &client->reply;
    const char *end;

    *reply = (struct http_reply){0};
    while ((end = strstr(client->in, "\r\n\r\n")) == NULL)
        if (!read_more(client))
            return reply;
    take(client, (size_t)(end - client->in) + 4, reply->head, sizeof(reply->head));
    sscanf(reply->head, "HTTP/1.%*d %d", &reply->status);
    return reply;
}

const struct http_reply *http_client_receive(struct http_client *client)
{
    const struct http_reply *reply = http_client_receive_head(client);
    size_t length = strtoul(http_reply_header(reply, "Content-Length"), NULL, 10);

    while (client->n < length)
        ck_assert(read_more(client));
    if (length > 0)
        take(client, length, client->reply.body, sizeof(client->reply.body));
    return reply;
}

void http_client_drain(struct http_client *client)
{
    do
        client->n = 0;
    while (read_more(client));
    client->in[0] = '\0';
}

bool http_client_is_closed(struct http_client *client)
{
    return client->n == 0 && !read_more(client);
}

const char *http_reply_header(const struct http_reply *reply, const char *name)
{
    const char *line = strstr(reply->head, "\r\n");

    for (; line != NULL; line = strstr(line + 2, "\r\n"))
        if (strncasecmp(line + 2, name, strlen(name)) == 0 && line[2 + strlen(name)] == ':')
            return line + 2 + strlen(name) + 2;
    return "";
}
