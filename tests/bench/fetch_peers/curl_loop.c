/* The yardstick of `./dev bench fetch`: as little as can stand between a list of URLs and libcurl.
 *
 *     curl_loop [-2] [-c CA_FILE] [-w WARM] URLS CONCURRENCY
 *
 * fetches the URLs in the file URLS, one a line, with CONCURRENCY reused easy handles on one multi
 * handle, driven by multi_socket and one epoll. What is known to cost and not to matter is left
 * out: no signals, no proxy look-up, no certificate directory, since with one libcurl reads all
 * certificates for each connection, and the epoll registration of a kept-alive socket outlives the
 * transfer, because libcurl asks to forget a socket after each transfer only to ask for the same
 * one again. The first WARM URLs are fetched before the clock starts; -2 asks for HTTP/2, as many
 * streams as there are on one connection to a host. Prints one JSON object.
 */
#include <curl/curl.h>
#include <err.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MAX_FDS = 1 << 17, MAX_EVENTS = 64 };

struct watch {
    uint32_t want; /* what libcurl asked for last */
    uint32_t have; /* what epoll holds */
    bool dirty;    /* on the list to be reconciled */
};

struct loop {
    CURLM *multi;
    int epoll_fd;
    int64_t deadline_ms; /* of libcurl's one timer, -1 for none */
    struct watch watches[MAX_FDS];
    int dirty[MAX_FDS];
    int n_dirty;
};

struct options {
    bool http2;
    const char *ca_file;
    size_t n_warm;
    long concurrency;
};

struct run {
    struct options options;
    char **urls;
    size_t n_urls;
    size_t n_started, n_finished, n_ok;
    int64_t body_bytes;
    struct loop loop;
};

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

static double wall_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double cpu_s(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static struct watch *watch_of(struct loop *loop, int fd)
{
    if (fd < 0 || fd >= MAX_FDS)
        errx(1, "fd %d is out of range", fd);
    return &loop->watches[fd];
}

/* Callbacks of libcurl: they only take notes, since libcurl must not be called from inside. */

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *data, void *socket_data)
{
    struct loop *loop = data;
    struct watch *watch = watch_of(loop, fd);

    (void)easy, (void)socket_data;
    watch->want = what == CURL_POLL_REMOVE
                      ? 0
                      : (what & CURL_POLL_IN ? EPOLLIN : 0) | (what & CURL_POLL_OUT ? EPOLLOUT : 0);
    if (!watch->dirty) {
        watch->dirty = true;
        loop->dirty[loop->n_dirty++] = fd;
    }
    return 0;
}

static int on_timer(CURLM *multi, long timeout_ms, void *data)
{
    struct loop *loop = data;

    (void)multi;
    loop->deadline_ms = timeout_ms < 0 ? -1 : timeout_ms == 0 ? 0 : now_ms() + timeout_ms + 1;
    return 0;
}

static int on_close(void *data, curl_socket_t fd)
{
    struct watch *watch = watch_of(data, fd);

    watch->want = watch->have = 0; /* close() drops the registration */
    return close(fd);
}

static size_t on_body(char *bytes, size_t size, size_t n, void *data)
{
    struct run *run = data;

    (void)bytes;
    run->body_bytes += (int64_t)(size * n);
    return size * n;
}

/* One turn of the loop: tell epoll the net change, wait, tell libcurl. */

static void reconcile(struct loop *loop, int fd)
{
    struct watch *watch = watch_of(loop, fd);
    struct epoll_event event = {.events = watch->want, .data.fd = fd};

    watch->dirty = false;
    if (watch->want == watch->have || watch->want == 0) /* an idle connection stays registered */
        return;
    if (epoll_ctl(loop->epoll_fd, watch->have ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event) < 0)
        err(1, "epoll_ctl");
    watch->have = watch->want;
}

static void forget(struct loop *loop, int fd)
{
    epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
    watch_of(loop, fd)->have = 0;
}

static void act(struct loop *loop, int fd, int events)
{
    int n_running;
    CURLMcode code = curl_multi_socket_action(loop->multi, fd, events, &n_running);

    if (code != CURLM_OK)
        errx(1, "curl_multi_socket_action: %s", curl_multi_strerror(code));
}

static void on_ready(struct loop *loop, const struct epoll_event *event)
{
    int fd = event->data.fd;

    if (watch_of(loop, fd)->want == 0) /* the origin closed an idle connection */
        forget(loop, fd);
    else
        act(loop, fd,
            (event->events & (EPOLLIN | EPOLLHUP) ? CURL_CSELECT_IN : 0) |
                (event->events & EPOLLOUT ? CURL_CSELECT_OUT : 0));
}

static void fire_timer_if_due(struct loop *loop)
{
    if (loop->deadline_ms < 0 || (loop->deadline_ms > 0 && loop->deadline_ms > now_ms()))
        return;
    loop->deadline_ms = -1;
    act(loop, CURL_SOCKET_TIMEOUT, 0);
}

static int wait_ms(const struct loop *loop)
{
    if (loop->deadline_ms <= 0)
        return (int)loop->deadline_ms;

    int64_t left_ms = loop->deadline_ms - now_ms();
    return left_ms < 0 ? 0 : (int)left_ms;
}

static void turn(struct loop *loop)
{
    struct epoll_event events[MAX_EVENTS];

    while (loop->n_dirty > 0)
        reconcile(loop, loop->dirty[--loop->n_dirty]);

    int n = epoll_wait(loop->epoll_fd, events, MAX_EVENTS, wait_ms(loop));
    for (int i = 0; i < n; i++)
        on_ready(loop, &events[i]);
    fire_timer_if_due(loop);
}

/* Transfers. */

static void start_next(struct run *run, CURL *easy, size_t end)
{
    if (run->n_started == end) {
        curl_easy_cleanup(easy);
        return;
    }
    curl_easy_setopt(easy, CURLOPT_URL, run->urls[run->n_started++]);
    curl_multi_add_handle(run->loop.multi, easy);
}

static void finish_done(struct run *run, size_t end)
{
    CURLMsg *message;
    int n_left;

    while ((message = curl_multi_info_read(run->loop.multi, &n_left))) {
        CURL *easy = message->easy_handle;
        long status = 0;

        if (message->data.result == CURLE_OK)
            curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
        run->n_ok += status == 200;
        run->n_finished++;
        curl_multi_remove_handle(run->loop.multi, easy);
        start_next(run, easy, end);
    }
}

/* The lines that gatherd sends, too: the work is the same only if the bytes are. */
static struct curl_slist accept_encoding = {.data = "Accept-Encoding: gzip, br, zstd"};
static struct curl_slist accept_all = {.data = "Accept: */*", .next = &accept_encoding};
static struct curl_slist request_headers = {.data = "User-Agent: gatherd/0.1.0",
                                            .next = &accept_all};

static CURL *new_easy(struct run *run)
{
    const struct options *options = &run->options;
    CURL *easy = curl_easy_init();

    if (!easy)
        errx(1, "curl_easy_init");
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION,
                     (long)(options->http2 ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1));
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, &request_headers);
    curl_easy_setopt(easy, CURLOPT_PIPEWAIT, (long)options->http2);
    curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    if (options->ca_file)
        curl_easy_setopt(easy, CURLOPT_CAINFO, options->ca_file);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, run);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, on_close);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, &run->loop);
    return easy;
}

static void open_loop(struct loop *loop, long max_connections)
{
    loop->multi = curl_multi_init();
    loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    loop->deadline_ms = -1;
    if (!loop->multi || loop->epoll_fd < 0)
        err(1, "cannot make a loop");
    curl_multi_setopt(loop->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(loop->multi, CURLMOPT_SOCKETDATA, loop);
    curl_multi_setopt(loop->multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(loop->multi, CURLMOPT_TIMERDATA, loop);
    curl_multi_setopt(loop->multi, CURLMOPT_MAXCONNECTS, max_connections);
}

/* Those from the first not yet started up to, not including, `end`. */
static void fetch_until(struct run *run, size_t end)
{
    for (long i = 0; i < run->options.concurrency; i++)
        start_next(run, new_easy(run), end);
    while (run->n_finished < end) {
        turn(&run->loop);
        finish_done(run, end);
    }
}

static void fetch_all(struct run *run)
{
    fetch_until(run, run->options.n_warm);
    run->n_ok = 0;
    run->body_bytes = 0;

    double wall = wall_s(), cpu = cpu_s();
    fetch_until(run, run->n_urls);
    wall = wall_s() - wall, cpu = cpu_s() - cpu;

    printf("{\"ok\": %zu, \"body_bytes\": %jd, \"wall_s\": %.6f, \"cpu_s\": %.6f}\n", run->n_ok,
           (intmax_t)run->body_bytes, wall, cpu);
}

static void read_urls(struct run *run, const char *path)
{
    FILE *file = fopen(path, "r");
    char *line = NULL;
    size_t size = 0;
    ssize_t length;

    if (!file)
        err(1, "%s", path);
    while ((length = getline(&line, &size, file)) > 0) {
        line[strcspn(line, "\n")] = '\0';
        run->urls = reallocarray(run->urls, run->n_urls + 1, sizeof(*run->urls));
        if (!run->urls || !(run->urls[run->n_urls++] = strdup(line)))
            err(1, "%s", path);
    }
    free(line);
    fclose(file);
}

static void raise_descriptor_limit(void)
{
    struct rlimit limit;

    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

static void read_options(struct run *run, int argc, char **argv)
{
    int option;

    while ((option = getopt(argc, argv, "2c:w:")) != -1)
        switch (option) {
        case '2':
            run->options.http2 = true;
            break;
        case 'c':
            run->options.ca_file = optarg;
            break;
        case 'w':
            run->options.n_warm = strtoul(optarg, NULL, 10);
            break;
        default:
            exit(2);
        }
    if (argc - optind != 2)
        errx(2, "usage: curl_loop [-2] [-c CA_FILE] [-w WARM] URLS CONCURRENCY");
    read_urls(run, argv[optind]);
    run->options.concurrency = strtol(argv[optind + 1], NULL, 10);
}

int main(int argc, char **argv)
{
    static struct run run;

    read_options(&run, argc, argv);
    raise_descriptor_limit();
    curl_global_init(CURL_GLOBAL_DEFAULT);
    open_loop(&run.loop, run.options.n_warm ? (long)run.n_urls : run.options.concurrency);
    fetch_all(&run);
    curl_multi_cleanup(run.loop.multi);
    close(run.loop.epoll_fd);
    return 0;
}
