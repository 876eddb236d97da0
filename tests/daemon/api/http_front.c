#include "tests/daemon/api/http_front.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/log.h"
#include "tests/daemon/api/http_front_answers.h"
#include "tests/daemon/api/http_front_streams.h"

struct front_seen front_seen;
struct http_server *front_server;
struct http_server_options front_options;
char front_address[64];

static char handler_arg[] = "the handlers'";

static int say_hello(struct http_exchange *exchange, void *arg)
{
    CO_CLEANUP(buffer_done) struct buffer body;

    ck_assert_ptr_eq(arg, handler_arg);
    front_seen.n_called++;
    buffer_init(&body, 100);
    buffer_append(&body, "hello", 5);
    return http_answer(exchange, 200, "text/plain", &body);
}

static int echo(struct http_exchange *exchange, void *arg)
{
    CO_CLEANUP(buffer_done) struct buffer body;
    const char *bytes;
    size_t length;

    (void)arg;
    http_body(exchange, &bytes, &length);
    buffer_init(&body, MAX_BODY_BYTES);
    buffer_append(&body, bytes, length);
    return http_answer(exchange, 200, "text/plain", &body);
}

static int say_path_param(struct http_exchange *exchange, void *arg)
{
    CO_CLEANUP(buffer_done) struct buffer body;
    const char *param = http_path_param(exchange, 0);

    (void)arg;
    buffer_init(&body, 100);
    buffer_append(&body, param, strlen(param));
    return http_answer(exchange, 200, "text/plain", &body);
}

/* For as many milliseconds as the path says. */
static int wait(struct http_exchange *exchange, void *arg)
{
    co_time duration = atoi(http_path_param(exchange, 0)) * CO_MILLISECOND;

    front_seen.wait_rc = co_sleep(duration);
    if (http_header(exchange, "X-Late") != NULL)
        strcpy(front_seen.late_header, http_header(exchange, "X-Late"));
    return front_seen.wait_rc < 0 ? front_seen.wait_rc : say_hello(exchange, arg);
}

static int yield_first(struct http_exchange *exchange, void *arg)
{
    for (int i = 0; i < 3; i++) {
        int rc = co_sleep(0);
        if (rc < 0)
            return rc;
    }
    return say_hello(exchange, arg);
}

static int lose_client(struct http_exchange *exchange, void *arg)
{
    http_client_close(co_take(front_seen.peer));
    return wait(exchange, arg);
}

static int say_nothing(struct http_exchange *exchange, void *arg)
{
    (void)arg;
    return http_answer_header(exchange, "X-Begun", "yes");
}

static int fail_io(struct http_exchange *exchange, void *arg)
{
    (void)exchange;
    (void)arg;
    return -EIO;
}

char front_byte(uint64_t position)
{
    return (char)('a' + position % 23);
}

static ssize_t read_source(void *arg, uint64_t position, char *bytes, size_t max)
{
    const uint64_t *breaks_at = arg;

    if (position >= *breaks_at)
        return -EIO;
    for (size_t i = 0; i < max; i++)
        bytes[i] = front_byte(position + i);
    return (ssize_t)max;
}

static void count_done(void *arg)
{
    (void)arg;
    front_seen.n_done++;
}

static int say_much(struct http_exchange *exchange, void *arg)
{
    static uint64_t never = UINT64_MAX, soon = 100000;
    uint64_t length = strtoull(http_path_param(exchange, 0), NULL, 10);
    bool breaks = http_header(exchange, "X-Break") != NULL;
    struct http_body_source source = {
        .read = read_source, .done = count_done, .arg = breaks ? &soon : &never, .length = length};

    (void)arg;
    return http_answer_source(exchange, 200, "text/plain", &source);
}

static const struct http_route routes[] = {
    {"GET", "/hello", say_hello, .takes_body = false},
    {"POST", "/echo", echo, .takes_body = true},
    {"GET", "/say/{text}", say_path_param, .takes_body = false},
    {"GET", "/wait/{ms}", wait, .takes_body = false},
    {"GET", "/yield", yield_first, .answers_always = true},
    {"GET", "/lose/{ms}", lose_client, .takes_body = false},
    {"GET", "/nothing", say_nothing, .takes_body = false},
    {"GET", "/fail", fail_io, .takes_body = false},
    {"GET", "/much/{bytes}", say_much, .takes_body = false},
    {"GET", "/flow/{bytes}", front_flow, .takes_body = false},
    {"GET", "/drip/{n}", front_drip, .takes_body = false},
    {"GET", "/break/{bytes}", front_break, .takes_body = false},
    {"GET", "/endless", front_endless, .takes_body = false},
    {"POST", "/stream", front_stream, .takes_body = true, .streams_body = true},
    {"POST", "/tardy/{ms}", front_tardy, .takes_body = true, .streams_body = true},
    {"POST", "/taste", front_taste, .takes_body = true, .streams_body = true},
    {"POST", "/glance", front_glance, .takes_body = true, .streams_body = true},
    {"POST", "/refuse", front_refuse, .takes_body = true, .streams_body = true},
    {"POST", "/mirror", front_mirror, .takes_body = true, .streams_body = true},
};

static int nowhere; /* where log records go */
static char directory[32];

static const char *const addresses[] = {front_address};
static const struct string_list origins = {(const char *const[]){"https://board.example"}, 1};

void front_set_up(void)
{
    strcpy(directory, "/tmp/gatherd-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
    sprintf(front_address, "unix:%s/socket", directory);
    memset(&front_seen, 0, sizeof(front_seen));
    memset(&stream_seen, 0, sizeof(stream_seen));
    front_options = (struct http_server_options){
        .listen = addresses,
        .n_listen = 1,
        .routes = routes,
        .n_routes = N_ELEMENTS(routes),
        .handler_arg = handler_arg,
        .max_body_bytes = MAX_BODY_BYTES,
        .max_stream_bytes = MAX_STREAM_BYTES,
        .max_connections = 10,
        .request_timeout = REQUEST_TIMEOUT,
        .allowed_origins = &origins,
    };
    log_init(nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC));
    log_set_level(LOG_LEVEL_DEBUG);
    signal(SIGPIPE, SIG_IGN);
}

void front_tear_down(void)
{
    ck_assert_int_eq(rmdir(directory), 0);
    log_init(STDERR_FILENO);
    close(nowhere);
}

void front_start(void)
{
    struct err err = {0};
    int rc = http_server_new(&front_server, &front_options, &err);

    ck_assert_msg(rc == 0, "%s", err.message);
}

void front_stop(co_time grace)
{
    http_server_free(front_server, grace);
    front_server = NULL;
}

struct http_client *front_open(void)
{
    return http_client_open(http_server_address(front_server, 0));
}

void front_request(struct http_client *client, const char *method_and_target)
{
    char text[256];

    sprintf(text, "%s HTTP/1.1\r\nHost: localhost\r\n\r\n", method_and_target);
    http_client_send(client, text);
}

const struct http_reply *front_get(struct http_client *client, const char *target)
{
    char text[128];

    sprintf(text, "GET %s", target);
    front_request(client, text);
    return http_client_receive(client);
}
