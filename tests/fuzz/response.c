/* What an origin sends, through a session of its own: the first byte chooses the request, the rest
 * is what it answers on every connection before it closes it. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/co/co.h"
#include "lib/net/http.h"

#include "tests/fuzz/fuzz.h"

enum {
    IS_HEAD = 1,
    IS_CAPTURED = 2,
    IS_LIMITED = 4,
    HAS_JAR = 8,
    IS_DIGEST = 16,
    HAS_BODY = 32,
};

enum { MAX_HEADER_BYTES = 16 * 1024, MAX_BODY_BYTES = 1 << 20, LIMITED_BYTES = 100 };

struct scene {
    struct fuzz_input input;
    uint8_t choice;
    int listener;
    struct sockaddr_in address;
};

/* --- The origin ------------------------------------------------------------------------------ */

/* Another host for each input, so that the ports of closed connections are not missed. */
static void open_listener(struct scene *scene)
{
    static uint32_t n_listeners;
    socklen_t length = sizeof(scene->address);
    uint32_t host = INADDR_LOOPBACK + n_listeners++ % 65536;

    scene->address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(host)};
    scene->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct sockaddr *address = (struct sockaddr *)&scene->address;
    fuzz_expect(bind(scene->listener, address, length) == 0 && listen(scene->listener, 8) == 0 &&
                    getsockname(scene->listener, address, &length) == 0,
                "there is a listener", "");
}

static void send_all(int fd, const uint8_t *bytes, size_t n_bytes)
{
    while (n_bytes > 0) {
        ssize_t n = co_write(fd, bytes, n_bytes);
        if (n <= 0)
            return;
        bytes += n;
        n_bytes -= (size_t)n;
    }
}

/* A close with unread bytes would be a reset: so what still comes is read first. */
static void say_goodbye(int fd)
{
    char bytes[1024];

    shutdown(fd, SHUT_WR);
    while (co_read(fd, bytes, sizeof(bytes)) > 0)
        continue;
}

static int answer_all(void *arg, void **result)
{
    struct scene *scene = arg;
    char bytes[4096];
    int fd;

    (void)result;
    while ((fd = co_accept(scene->listener, NULL, NULL)) >= 0) {
        if (co_read(fd, bytes, sizeof(bytes)) > 0) {
            send_all(fd, scene->input.bytes, scene->input.n_bytes);
            say_goodbye(fd);
        }
        co_close(fd);
    }
    return 0;
}

/* --- The client ------------------------------------------------------------------------------ */

static void check_text(const char *text)
{
    fuzz_expect(strpbrk(text, "\r\n") == NULL, "a header is one line", text);
}

static void check_headers(const struct co_http_response *response)
{
    for (size_t i = 0; i < response->n_headers; i++) {
        const char *name = response->headers[i].name;
        check_text(name);
        check_text(response->headers[i].value);
        for (; *name != '\0'; name++)
            fuzz_expect(*name < 'A' || *name > 'Z', "names are in lower case", name);
    }
}

static void check_times(const struct co_http_response *response)
{
    int64_t sum = 0;

    for (size_t i = 0; i < CO_HTTP_N_PHASES; i++)
        sum += response->phase_us[i] >= 0 ? response->phase_us[i] : 0;
    fuzz_expect(sum == response->total_us, "phases make up the whole", "");
}

static void check_body(const struct co_http_request *request,
                       const struct co_http_response *response)
{
    fuzz_expect(response->body_length <= request->capture_bytes, "no more is kept than asked", "");
    fuzz_expect(response->body == NULL || response->body[response->body_length] == '\0',
                "a body ends in a NUL", "");
    fuzz_expect(response->error != CO_HTTP_OK || response->decoded_bytes <= request->max_body_bytes,
                "a body is no larger than allowed", "");
}

static void check_response(const struct co_http_request *request,
                           const struct co_http_response *response)
{
    fuzz_expect(response->error != CO_HTTP_OK ||
                    (response->status >= 200 && response->status <= 999),
                "success has a final status", "");
    fuzz_expect((response->message == NULL) == (response->error == CO_HTTP_OK),
                "a failure is explained", "");
    check_headers(response);
    check_times(response);
    check_body(request, response);
}

static struct co_http_request make_request(const struct scene *scene, const struct co_url *url,
                                           struct co_http_jar *jar)
{
    struct co_http_request request = {
        .method = scene->choice & IS_HEAD    ? "HEAD"
                  : scene->choice & HAS_BODY ? "POST"
                                             : "GET",
        .url = url,
        .deadline = co_now() + 10 * CO_SECOND,
        .max_header_bytes = MAX_HEADER_BYTES,
        .max_body_bytes = scene->choice & IS_LIMITED ? LIMITED_BYTES : MAX_BODY_BYTES,
        .max_decode_ratio = 100,
        .capture_bytes = scene->choice & IS_CAPTURED ? MAX_BODY_BYTES : 0,
        .jar = scene->choice & HAS_JAR ? jar : NULL,
    };

    if (scene->choice & HAS_BODY && !(scene->choice & IS_HEAD)) {
        request.body = "body";
        request.body_length = strlen(request.body);
    }
    if (scene->choice & IS_DIGEST)
        request.digest_user = request.digest_password = "user";
    return request;
}

/* Twice, so that what the first left behind meets the second. */
static void fetch_twice(const struct scene *scene, struct co_http_session *session,
                        const struct co_url *url)
{
    struct co_http_jar *jar;

    fuzz_expect(co_http_jar_new(&jar) == 0, "there is memory", "");
    for (int i = 0; i < 2; i++) {
        struct co_http_request request = make_request(scene, url, jar);
        struct co_http_response response;
        fuzz_expect(co_http_fetch(session, &request, &response) == 0, "nobody cancels", "");
        check_response(&request, &response);
        co_http_response_done(&response);
    }
    co_http_jar_free(jar);
}

static void parse_url(const struct scene *scene, struct co_url *ret_url)
{
    char text[64], host[INET_ADDRSTRLEN];

    inet_ntop(AF_INET, &scene->address.sin_addr, host, sizeof(host));
    int n = snprintf(text, sizeof(text), "http://%s:%u/", host, ntohs(scene->address.sin_port));
    fuzz_expect(co_url_parse(text, (size_t)n, ret_url) == 0, "the origin has a URL", text);
}

static int play(void *arg, void **result)
{
    struct scene *scene = arg;
    struct co_http_session *session = NULL;
    struct co_task *origin = NULL;
    struct co_url url;

    (void)result;
    open_listener(scene);
    parse_url(scene, &url);
    fuzz_expect(co_create_task("origin", answer_all, scene, &origin) == 0 &&
                    co_http_session_new(&session, NULL) == 0,
                "there is a session", "");
    fetch_twice(scene, session, &url);
    co_http_session_free(session);
    co_cancel(origin, "the scene is over");
    fuzz_expect(co_task_await(origin, NULL) == 0, "the origin ends", "");
    co_task_unref(origin);
    co_close(scene->listener);
    co_url_done(&url);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    static struct co_loop *loop;
    struct scene scene = {.input = {bytes, n_bytes}};

    if (loop == NULL)
        fuzz_expect(co_loop_new(&loop, NULL) == 0, "there is a loop", "");
    scene.choice = fuzz_byte(&scene.input);
    fuzz_expect(co_loop_run_until_complete(loop, play, &scene, NULL) == 0, "the scene ends", "");
    return 0;
}
