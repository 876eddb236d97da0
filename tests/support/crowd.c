#include "tests/support/crowd.h"

#include <stdio.h>
#include <string.h>

static int run(void *arg, void **result)
{
    struct crowd_member *member = arg;

    (void)result;
    (void)!co_http_fetch(member->net->session, &member->request, &member->response);
    return 0;
}

/* "https://127.0.0.1:@/#" */
static void parse_url(struct crowd_member *member, const char *template, unsigned number)
{
    char text[256];
    size_t length = 0;

    for (; *template != '\0'; template ++)
        if (*template == '@')
            length += (size_t)sprintf(text + length, "%u", member->net->origin.port);
        else if (*template == '#')
            length += (size_t)sprintf(text + length, "%u", number);
        else
            text[length++] = *template;
    assert_ok(co_url_parse(text, length, &member->url));
}

void crowd_join(struct crowd *crowd, struct net *net, unsigned n, const char *url,
                struct co_http_request request)
{
    ck_assert_uint_le(crowd->n + n, CROWD_MAX);
    for (; n > 0; n--) {
        struct crowd_member *member = &crowd->members[crowd->n++];
        *member = (struct crowd_member){.net = net, .request = request};
        parse_url(member, url, crowd->n);
        member->request.url = &member->url;
        member->request.method = request.method ?: "GET";
        member->request.max_header_bytes = member->request.max_body_bytes = 64 * 1024;
        assert_ok(co_create_task("member", run, member, &member->task));
    }
    settle();
}

void crowd_wait(struct crowd *crowd)
{
    for (unsigned i = 0; i < crowd->n; i++)
        assert_ok(co_task_await(crowd->members[i].task, NULL));
}

unsigned crowd_count(const struct crowd *crowd, enum co_http_error error)
{
    unsigned n = 0;

    for (unsigned i = 0; i < crowd->n; i++)
        n += co_task_is_done(crowd->members[i].task) && crowd->members[i].response.error == error;
    return n;
}

void crowd_leave(struct crowd *crowd)
{
    for (unsigned i = 0; i < crowd->n; i++)
        co_cancel(crowd->members[i].task, "the crowd leaves");
    crowd_wait(crowd);
    for (unsigned i = 0; i < crowd->n; i++) {
        co_task_unref(crowd->members[i].task);
        co_http_response_done(&crowd->members[i].response);
        co_url_done(&crowd->members[i].url);
    }
    crowd->n = 0;
}
