/* Bare libmicrohttpd: an answer of so many bytes on 127.0.0.1:PORT, to whatever comes. One thread,
 * epoll, the answer made once: the least an API on it can cost.
 *
 *     api_peer PORT BYTES
 */
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_CONNECTIONS = 4000 };

static enum MHD_Result answer(void *response, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *data,
                              size_t *n_data, void **state)
{
    static char seen;

    (void)url, (void)method, (void)version, (void)data;
    if (*state == NULL || *n_data > 0) {
        *state = &seen;
        *n_data = 0;
        return MHD_YES;
    }
    return MHD_queue_response(connection, MHD_HTTP_OK, response);
}

static struct MHD_Response *make_response(size_t n)
{
    char *bytes = malloc(n);

    if (bytes == NULL)
        return NULL;
    memset(bytes, 'x', n);
    struct MHD_Response *response =
        MHD_create_response_from_buffer(n, bytes, MHD_RESPMEM_MUST_FREE);
    if (response != NULL)
        MHD_add_response_header(response, "Content-Type", "application/json");
    return response;
}

int main(int argc, char **argv)
{
    struct MHD_Response *response = argc == 3 ? make_response(strtoul(argv[2], NULL, 10)) : NULL;

    if (response == NULL) {
        fprintf(stderr, "usage: api_peer PORT BYTES\n");
        return EXIT_FAILURE;
    }
    struct MHD_Daemon *daemon = MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD, (uint16_t)strtoul(argv[1], NULL, 10), NULL, NULL, answer,
        response, MHD_OPTION_CONNECTION_LIMIT, (unsigned)MAX_CONNECTIONS, MHD_OPTION_END);
    if (daemon == NULL) {
        fprintf(stderr, "api_peer: cannot listen on port %s\n", argv[1]);
        return EXIT_FAILURE;
    }
    for (;;)
        pause();
}
