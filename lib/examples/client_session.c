/* A GET on an HTTP session. Usage: client_session [URL] */
#include <errno.h>
#include <error.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/co/co.h"
#include "lib/net/http.h"

static int print_page(void *url, void **ret_result)
{
    CO_CLEANUP(co_http_session_freep) struct co_http_session *session = NULL;
    CO_CLEANUP(co_http_response_done) struct co_http_response response = {0};
    int rc = co_http_session_new(&session, NULL);

    (void)ret_result;
    if (rc == 0)
        rc = co_http_get(session, url, &response);
    if (rc < 0)
        return rc;
    if (response.error != CO_HTTP_OK) {
        fprintf(stderr, "%s\n", response.message);
        return -EIO;
    }
    printf("%d\n%s\n", response.status, response.body);
    return 0;
}

int main(int argc, char **argv)
{
    const char *url = argc > 1 ? argv[1] : "https://httpbin.org/#/HTTP_Methods/get_get";

    signal(SIGPIPE, SIG_IGN);
    int rc = co_run(print_page, (void *)url, NULL);
    if (rc < 0)
        error(EXIT_FAILURE, -rc, "%s", url);
    return 0;
}
