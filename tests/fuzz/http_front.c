/* What a client sends, through a server of its own. The first byte chooses how the client behaves;
 * the second how many cuts there are in what it sends, and as many more where: each is the length
 * of a piece. Of all these but the lengths only low bits count, so that digits and '@' to 'O' do.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/co/co.h"

#include "daemon/api/http_exchange.h"
#include "daemon/api/http_server.h"
#include "daemon/base/log.h"

#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/http_answers.h"

enum {
    PAUSES = 1,    /* after each piece */
    LEAVES = 2,    /* behind the last piece */
    SHUTS = 4,     /* its sending side, instead */
    IS_STOPPED = 8 /* the server is, in the midst of it */
};

enum { MAX_CUTS = 15, MAX_BODY_BYTES = 500, MAX_STREAM_BYTES = 2000, MAX_FLOW_BYTES = 20000 };
enum { MAX_ANSWER_BYTES = 64 << 20 };

#define PAUSE           (3 * CO_SECOND)
#define REQUEST_TIMEOUT (20 * CO_SECOND)
#define LIFETIME        (100000 * CO_SECOND) /* of any connection, with all that may be asked for */

struct scene {
    struct fuzz_input input;
    uint8_t choice;
    size_t n_cuts;
    uint8_t cuts[MAX_CUTS];
    struct http_server *server;
    int client;
    struct buffer answers;
    struct buffer requests; /* what handlers have seen, a line each */
    unsigned long n_marks;
};

/* --- The server ------------------------------------------------------------------------------ */

static void note(struct scene *scene, const char *what, const char *bytes, size_t length)
{
    struct buffer *seen = &scene->requests;

    fuzz_expect(buffer_append(seen, what, strlen(what)) == 0 &&
                    buffer_append(seen, bytes, length) == 0 && buffer_append_byte(seen, '\n') == 0,
                "there is memory", "");
}

static int answer_text(struct http_exchange *exchange, const char *text, size_t length)
{
    CO_CLEANUP(buffer_done) struct buffer body;

    buffer_init(&body, MAX_BODY_BYTES);
    int rc = buffer_append(&body, text, length);
    return rc < 0 ? rc : http_answer(exchange, 200, "text/plain", &body);
}

static int say_hello(struct http_exchange *exchange, void *arg)
{
    (void)arg;
    return answer_text(exchange, "hello", 5);
}

static int say_it_later(struct http_exchange *exchange, void *arg)
{
    int rc = co_sleep(CO_SECOND);

    return rc < 0 ? rc : say_hello(exchange, arg);
}

static int echo(struct http_exchange *exchange, void *arg)
{
    const char *bytes;
    size_t length;

    http_body(exchange, &bytes, &length);
    note(arg, "body ", bytes, length);
    fuzz_expect(length <= MAX_BODY_BYTES, "a body has a limit", "");
    return answer_text(exchange, bytes, length);
}

static int count_stream(struct http_exchange *exchange, void *arg)
{
    size_t length = 0;
    const char *bytes;
    char text[32];
    ssize_t n;

    while ((n = http_body_read(exchange, &bytes)) > 0)
        length += (size_t)n;
    if (n < 0)
        return (int)n;
    fuzz_expect(length <= MAX_STREAM_BYTES, "a stream has a limit", "");
    size_t n_text = (size_t)sprintf(text, "%zu bytes", length);
    note(arg, "stream ", text, n_text);
    return answer_text(exchange, text, n_text);
}

/* As many bytes as the path says, at most. */
static int flow(struct http_exchange *exchange, void *arg)
{
    static const char piece[1000] = {[0 ... 999] = 'x'};
    unsigned long left = strtoul(http_path_param(exchange, 0), NULL, 10) % MAX_FLOW_BYTES;
    int rc = http_answer_stream(exchange, 200, "text/plain");

    (void)arg;
    while (rc == 0 && left > 0) {
        size_t n = left < sizeof(piece) ? left : sizeof(piece);
        rc = http_answer_write(exchange, piece, n);
        left -= n;
    }
    return rc < 0 ? rc : 0;
}

static const struct http_route routes[] = {
    {"GET", "/hello", say_hello, .takes_body = false},
    {"GET", "/later", say_it_later, .takes_body = false},
    {"POST", "/echo", echo, .takes_body = true},
    {"POST", "/count", count_stream, .takes_body = true, .streams_body = true},
    {"GET", "/flow/{bytes}", flow, .takes_body = false},
};

static size_t n_fields(const struct http_exchange *exchange, const char *name)
{
    const char *value = NULL;
    size_t n = 0;

    while ((value = http_header_next(exchange, name, value)) != NULL)
        n++;
    return n;
}

/* Nobody who reads it in another way may be there, before us or behind. */
static void check_head(const struct http_exchange *exchange)
{
    fuzz_expect(n_fields(exchange, "Host") <= 1, "a request has one host", "");
    fuzz_expect(n_fields(exchange, "Content-Length") + n_fields(exchange, "Transfer-Encoding") <= 1,
                "a request has one framing", "");
}

/* Lets everybody in, with a number. */
static int mark(void *arg, struct http_exchange *exchange, const struct http_route *route)
{
    struct scene *scene = arg;
    char text[64];

    (void)route;
    check_head(exchange);
    note(scene, http_method(exchange), http_path(exchange), strlen(http_path(exchange)));
    snprintf(text, sizeof(text), "%lu %s", ++scene->n_marks, http_method(exchange));
    return http_answer_header(exchange, HTTP_ANSWERS_MARK, text);
}

/* On a name that the kernel chooses, and that is gone with the socket. */
static int open_listener(struct sockaddr_un *ret_name, socklen_t *ret_length)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct sockaddr *name = (struct sockaddr *)ret_name;

    *ret_name = (struct sockaddr_un){.sun_family = AF_UNIX};
    *ret_length = sizeof(*ret_name);
    fuzz_expect(bind(fd, name, sizeof(ret_name->sun_family)) == 0 && listen(fd, 8) == 0 &&
                    getsockname(fd, name, ret_length) == 0,
                "there is a listener", "");
    return fd;
}

static void start_server(struct scene *scene, int listener)
{
    char address[32];
    const char *const listen[] = {address};
    const struct http_server_options options = {
        .listen = listen,
        .n_listen = 1,
        .routes = routes,
        .n_routes = sizeof(routes) / sizeof(routes[0]),
        .handler_arg = scene,
        .gate = {mark, scene},
        .max_body_bytes = MAX_BODY_BYTES,
        .max_stream_bytes = MAX_STREAM_BYTES,
        .max_connections = 2,
        .request_timeout = REQUEST_TIMEOUT,
    };
    struct err err = {0};

    snprintf(address, sizeof(address), "fd:%d", listener);
    fuzz_expect(http_server_new(&scene->server, &options, &err) == 0, "the server starts",
                err.message);
}

static void stop_server(struct scene *scene)
{
    http_server_free(co_take(scene->server), 0);
}

/* --- The client ------------------------------------------------------------------------------ */

static void choose(struct scene *scene)
{
    scene->choice = fuzz_byte(&scene->input);
    scene->n_cuts = fuzz_byte(&scene->input) % (MAX_CUTS + 1);
    for (size_t i = 0; i < scene->n_cuts; i++)
        scene->cuts[i] = fuzz_byte(&scene->input);
}

static int receive(void *arg, void **result)
{
    struct scene *scene = arg;
    char bytes[4096];
    ssize_t n;

    (void)result;
    while ((n = co_read(scene->client, bytes, sizeof(bytes))) > 0)
        fuzz_expect(buffer_append(&scene->answers, bytes, (size_t)n) == 0, "answers have an end",
                    "");
    return 0;
}

/* returns  false: the server has closed the connection */
static bool send_piece(const struct scene *scene, const uint8_t *bytes, size_t n)
{
    while (n > 0) {
        ssize_t n_sent = co_write(scene->client, bytes, n);
        if (n_sent < 0)
            return false;
        bytes += n_sent;
        n -= (size_t)n_sent;
    }
    return (scene->choice & PAUSES ? co_sleep(PAUSE) : co_settle()) == 0;
}

static void send_all(const struct scene *scene)
{
    const uint8_t *bytes = scene->input.bytes;
    size_t n_left = scene->input.n_bytes;

    for (size_t i = 0; i <= scene->n_cuts && n_left > 0; i++) {
        size_t n = i < scene->n_cuts && scene->cuts[i] < n_left ? scene->cuts[i] : n_left;
        if (!send_piece(scene, bytes, n))
            return;
        bytes += n;
        n_left -= n;
    }
}

static void part(struct scene *scene)
{
    if (scene->choice & SHUTS)
        shutdown(scene->client, SHUT_WR);
    if (scene->choice & IS_STOPPED)
        stop_server(scene);
}

static void await_end(struct co_task *receiver)
{
    struct co_scope scope;

    co_scope_enter(&scope, LIFETIME);
    int rc = co_scope_exit(&scope, co_task_await(receiver, NULL));
    fuzz_expect(rc == 0, "a connection has an end", "");
}

static void converse(struct scene *scene)
{
    struct co_task *receiver;

    fuzz_expect(co_create_task("receiver", receive, scene, &receiver) == 0, "there is memory", "");
    send_all(scene);
    if (scene->choice & LEAVES) {
        co_task_stop(receiver, "the client leaves");
    } else {
        part(scene);
        await_end(receiver);
        co_task_unref(receiver);
    }
    co_close(scene->client);
}

static void connect_to(struct scene *scene, const struct sockaddr_un *name, socklen_t length)
{
    scene->client = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    fuzz_expect(co_connect(scene->client, (const struct sockaddr *)name, length) == 0,
                "the server listens", "");
}

/* --- What must hold -------------------------------------------------------------------------- */

static size_t n_occurrences(const struct fuzz_input *input, const char *text)
{
    const uint8_t *end = input->bytes + input->n_bytes;
    size_t n = 0;

    for (const uint8_t *at = input->bytes; at < end; at++)
        n += (size_t)(end - at) >= strlen(text) &&
             strncasecmp((const char *)at, text, strlen(text)) == 0;
    return n;
}

/* A head has two lines at least; what is left of one may be refused, too. */
static void check_answers(struct scene *scene)
{
    const struct http_answers_limits limits = {
        .max_answers = n_occurrences(&scene->input, "\n") / 2 + 1,
        .max_interims = n_occurrences(&scene->input, "100-continue"),
        .may_end_early = (scene->choice & (LEAVES | SHUTS | IS_STOPPED)) != 0,
        .may_be_head = n_occurrences(&scene->input, "HEAD") > 0,
    };

    fuzz_expect(scene->n_marks <= n_occurrences(&scene->input, "HTTP/1."),
                "a handled request names its version", "");
    fuzz_expect(buffer_append_byte(&scene->answers, '\0') == 0, "there is memory", "");
    http_answers_check(scene->answers.data, scene->answers.len - 1, &limits);
}

static void check_nothing_is_left(void)
{
    struct co_loop_stats stats;

    co_loop_stats(&stats);
    fuzz_expect(stats.n_tasks == 1, "no task is left", "");
    fuzz_expect(stats.n_timers == 0 && stats.n_jobs == 0, "nothing is waited for", "");
}

static int play(void *arg, void **result)
{
    struct scene *scene = arg;
    struct sockaddr_un name;
    socklen_t length;

    (void)result;
    start_server(scene, open_listener(&name, &length));
    connect_to(scene, &name, length);
    converse(scene);
    stop_server(scene);
    check_nothing_is_left();
    return 0;
}

static void report(void *arg, const struct co_report *report)
{
    (void)arg;
    fuzz_expect(0, "the loop has nothing to say", report->text);
}

static unsigned n_descriptors(void)
{
    DIR *directory = opendir("/proc/self/fd");
    unsigned n = 0;

    fuzz_expect(directory != NULL, "descriptors can be counted", "");
    while (readdir(directory) != NULL)
        n++;
    closedir(directory);
    return n;
}

static void run(struct scene *scene)
{
    const struct co_loop_options options = {.clock = &co_clock_virtual, .report = report};
    struct co_loop *loop;

    buffer_init(&scene->answers, MAX_ANSWER_BYTES);
    buffer_init(&scene->requests, MAX_ANSWER_BYTES);
    fuzz_expect(co_loop_new(&loop, &options) == 0, "there is a loop", "");
    fuzz_expect(co_loop_run_until_complete(loop, play, scene, NULL) == 0, "the scene ends", "");
    co_loop_free(loop);
    check_answers(scene);
}

static void scene_done(struct scene *scene)
{
    buffer_done(&scene->answers);
    buffer_done(&scene->requests);
}

/* Where the cuts are makes no difference to a client that waits for what it has asked for. */
static void check_without_cuts(const struct scene *cut)
{
    struct scene whole = {.input = cut->input};

    if (cut->choice % (IS_STOPPED * 2) != 0 || cut->n_cuts == 0)
        return;
    run(&whole);
    fuzz_expect(whole.requests.len == cut->requests.len &&
                    (cut->requests.len == 0 ||
                     memcmp(whole.requests.data, cut->requests.data, cut->requests.len) == 0),
                "pieces are read as the whole is", "");
    scene_done(&whole);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    struct scene scene = {.input = {bytes, n_bytes}};
    unsigned n_before = n_descriptors();

    log_set_level(LOG_LEVEL_ERROR);
    choose(&scene);
    run(&scene);
    check_without_cuts(&scene);
    scene_done(&scene);
    fuzz_expect(n_descriptors() == n_before, "no descriptor is left", "");
    return 0;
}
