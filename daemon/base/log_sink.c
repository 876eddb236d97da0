#include "daemon/base/log_sink.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

bool log_leads_to_journal(int fd)
{
    const char *stream = getenv("JOURNAL_STREAM");
    char own[64];
    struct stat stat;

    if (stream == NULL || fstat(fd, &stat) != 0)
        return false;
    snprintf(own, sizeof(own), "%ju:%ju", (uintmax_t)stat.st_dev, (uintmax_t)stat.st_ino);
    return strcmp(stream, own) == 0;
}

/* Asking first is what keeps a full pipe from blocking the loop. Making it non-blocking would do so
 * for everybody who shares it. */
bool log_write_line(int fd, const struct log_line *line)
{
    struct pollfd pollfd = {.fd = fd, .events = POLLOUT};
    ssize_t n;

    if (poll(&pollfd, 1, 0) != 1)
        return false;
    do
        n = write(fd, line->bytes, line->len);
    while (n < 0 && errno == EINTR);
    return n == (ssize_t)line->len;
}

int log_open_socket(void)
{
    return socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

bool log_send_datagram(int fd, const char *path, const struct log_line *line)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    ssize_t n;

    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    do
        n = sendto(fd, line->bytes, line->len, MSG_DONTWAIT | MSG_NOSIGNAL,
                   (const struct sockaddr *)&address, sizeof(address));
    while (n < 0 && errno == EINTR);
    return n == (ssize_t)line->len;
}
