#include "daemon/api/http_pace.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/socket.h>

#include "lib/co/task.h"

enum { MIN_RATE = 500 };

void http_pace_begin(struct http_pace *pace, uint64_t n_bytes)
{
    *pace = (struct http_pace){.began = co_now(), .n_bytes = n_bytes};
}

bool http_pace_is_slow(const struct http_pace *pace, uint64_t n_bytes, co_time grace)
{
    co_time elapsed = co_now() - pace->began;

    return n_bytes != HTTP_PACE_UNKNOWN && elapsed >= grace &&
           n_bytes - pace->n_bytes < (uint64_t)(elapsed / CO_SECOND) * MIN_RATE;
}

uint64_t http_pace_n_acknowledged(int fd)
{
    struct tcp_info info;
    socklen_t length = sizeof(info);
    bool is_known = getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) == 0 &&
                    length >= offsetof(struct tcp_info, tcpi_bytes_acked) + sizeof(uint64_t);

    return is_known ? info.tcpi_bytes_acked : HTTP_PACE_UNKNOWN;
}
