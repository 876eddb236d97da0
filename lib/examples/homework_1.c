/* Each of some sites five times, one request after the other and all at once: a request is nearly
 * all waiting, so beside each other they take as long as the slowest. Usage: homework_1 [URL...] */
#include <error.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/co/co.h"
#include "lib/net/http.h"

enum { MAX_SITES = 16, TIMES = 5 };

static const char *const lesson[] = {"https://google.com", "https://amazon.com",
                                     "https://microsoft.com"};

struct sites {
    const char *const *urls;
    size_t n;
};

struct visit {
    struct co_http_session *session;
    const char *url;
    co_time took;
    int status;
    enum co_http_error error; /* why there is no status */
};

static int make_visit(void *arg, void **ret_result)
{
    CO_CLEANUP(co_http_response_done) struct co_http_response response = {0};
    struct visit *visit = arg;
    co_time start = co_now();
    int rc = co_http_get(visit->session, visit->url, &response);

    (void)ret_result;
    visit->took = co_now() - start;
    visit->status = response.status;
    visit->error = response.error;
    return rc;
}

static void print_visit(const struct visit *visit)
{
    if (visit->error == CO_HTTP_OK)
        printf("  %d %.3f s", visit->status, (double)visit->took / CO_SECOND);
    else
        printf("  %s", co_http_error_name(visit->error));
}

static void print_table(const char *title, const struct visit *visits, size_t n, co_time took)
{
    printf("%s\n", title);
    for (size_t i = 0; i < n; i += TIMES) {
        printf("  %-28s", visits[i].url);
        for (size_t k = i; k < i + TIMES; k++)
            print_visit(&visits[k]);
        putchar('\n');
    }
    printf("  %zu requests in %.3f s\n", n, (double)took / CO_SECOND);
}

/* At most `limit` requests at a time; 0: all. */
static int visit_all(struct co_http_session *session, const struct sites *sites, unsigned limit,
                     const char *title)
{
    struct visit visits[MAX_SITES * TIMES];
    struct co_call calls[MAX_SITES * TIMES];
    size_t n = sites->n * TIMES;
    co_time start = co_now();

    for (size_t i = 0; i < n; i++) {
        visits[i] = (struct visit){.session = session, .url = sites->urls[i / TIMES]};
        calls[i] = (struct co_call){"visit", make_visit, &visits[i]};
    }
    int rc = co_gather(calls, n, NULL, limit, CO_FAIL_FAST);
    if (rc == 0)
        print_table(title, visits, n, co_now() - start);
    return rc;
}

static int compare(void *arg, void **ret_result)
{
    CO_CLEANUP(co_http_session_freep) struct co_http_session *session = NULL;
    int rc = co_http_session_new(&session, NULL);

    (void)ret_result;
    if (rc == 0)
        rc = visit_all(session, arg, 1, "One after the other");
    if (rc == 0)
        rc = visit_all(session, arg, 0, "All at once");
    return rc;
}

int main(int argc, char **argv)
{
    struct sites sites = {lesson, 3};

    if (argc > 1)
        sites = (struct sites){(const char *const *)argv + 1, (size_t)argc - 1};
    if (sites.n > MAX_SITES)
        error(EXIT_FAILURE, 0, "at most %d sites", MAX_SITES);
    signal(SIGPIPE, SIG_IGN);
    int rc = co_run(compare, &sites, NULL);
    if (rc < 0)
        error(EXIT_FAILURE, -rc, "the sites could not be visited");
    return 0;
}
