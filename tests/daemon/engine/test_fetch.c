#include "daemon/engine/fetch.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/fault.h"
#include "tests/support/net.h"
#include "tests/support/spec.h"

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

/* --- An origin that redirects ----------------------------------------------------------------- */

/* Answers by path; '@' is the port. What is not in the table is a 200, but "/deeper/" leads to
 * "/deeper/x/" and so on, without end. */
static const struct page {
    const char *path, *status, *location;
} pages[] = {
    {"/301", "301 Moved", "/end"},
    {"/302", "302 Found", "/end"},
    {"/303", "303 See Other", "/end"},
    {"/307", "307 Temporary", "/end"},
    {"/308", "308 Permanent", "/end"},
    {"/300", "300 Choose", "/end"},
    {"/304", "304 Unchanged", "/end"},
    {"/404", "404 No", NULL},
    {"/500", "500 No", NULL},
    {"/nowhere", "302 Found", NULL},
    {"/one", "302 Found", "/two"},
    {"/two", "302 Found", "http://127.0.0.1:@/three?q=1"},
    {"/three", "302 Found", "end"},
    {"/loop", "302 Found", "/loop"},
    {"/ping", "302 Found", "/pong"},
    {"/pong", "302 Found", "http://127.0.0.1:@/ping"},
    {"/approach", "302 Found", "/ping"},
    {"/here", "307 Temporary", "http://other.test:@/there"},
    {"/there", "307 Temporary", "http://127.0.0.1:@/here"},
    {"/submit", "303 See Other", "/submit"},
    {"/away", "307 Temporary", "http://other.test:@/end"},
    {"/detour", "307 Temporary", "http://other.test:@/home"},
    {"/home", "307 Temporary", "http://127.0.0.1:@/end"},
    {"/userinfo", "302 Found", "http://me:canary@other.test:@/end"},
    {"/inside", "302 Found", "http://10.0.0.1/secret"},
    {"/inside-by-name", "302 Found", "http://inside.test:@/secret"},
    {"/file", "302 Found", "file:///etc/passwd"},
    {"/bad", "302 Found", "http://[bad/"},
};

/* The requests that came, each with its header: "GET /one HTTP/1.1\r\n...". */
static char requests[8][4096];
static unsigned n_requests;

static const struct page *find_page(const char *request)
{
    const char *path = strchr(request, ' ') + 1;
    size_t length = strcspn(path, " ?");

    for (size_t i = 0; i < N_ELEMENTS(pages); i++)
        if (strlen(pages[i].path) == length && memcmp(pages[i].path, path, length) == 0)
            return &pages[i];
    return NULL;
}

static void send_location(const struct fake_origin *origin, int fd, const char *location)
{
    const char *at = strrchr(location, '@');
    char text[256];

    if (at != NULL)
        snprintf(text, sizeof(text), "Location: %.*s%u%s\r\n", (int)(at - location), location,
                 origin->port, at + 1);
    else
        snprintf(text, sizeof(text), "Location: %s\r\n", location);
    fake_origin_send(fd, text);
}

static void send_page(const struct fake_origin *origin, int fd, const struct page *page)
{
    char line[64];

    snprintf(line, sizeof(line), "HTTP/1.1 %s\r\n", page != NULL ? page->status : "200 OK");
    fake_origin_send(fd, line);
    if (page != NULL && page->location != NULL)
        send_location(origin, fd, page->location);
    fake_origin_send(fd, page != NULL && strncmp(page->status, "304", 3) == 0
                             ? "\r\n"
                             : "Content-Length: 0\r\n\r\n");
}

static const struct page deeper = {.status = "302 Found", .location = "x/"};

static void keep_request(const struct fake_origin *origin)
{
    ck_assert_uint_lt(n_requests, N_ELEMENTS(requests));
    ck_assert_uint_lt(origin->request_length, sizeof(requests[0]));
    memcpy(requests[n_requests++], origin->request, origin->request_length + 1);
}

static void talk(struct fake_origin *origin, int fd)
{
    while (fake_origin_receive(origin, fd)) {
        keep_request(origin);
        if (strstr(origin->request, " /hang ") != NULL)
            fake_origin_linger(fd);
        else if (strstr(origin->request, " /deeper/") != NULL)
            send_page(origin, fd, &deeper);
        else
            send_page(origin, fd, find_page(origin->request));
    }
}

/* --- Fetching --------------------------------------------------------------------------------- */

static const struct fake_name names[] = {
    {.name = "other.test", .addresses = {"127.0.0.1"}, .ttl = 60},
    {.name = "inside.test", .addresses = {"10.0.0.1"}, .ttl = 60},
    {0},
};

static struct job_spec *spec;
static struct fetch_options options; /* of its request */
static struct result result;
static struct fetcher fetcher;
static struct egress *egress;

static void begin(struct net *net)
{
    static const char *const open[] = {"127.0.0.0/8"};

    assert_ok(egress_new(&egress, open, N_ELEMENTS(open), NULL, 0, NULL));
    fetcher = (struct fetcher){.session = net->session,
                               .egress = egress,
                               .max_header_bytes = 64 * 1024,
                               .max_body_bytes = 1024 * 1024};
    net->server.names = names;
    net->origin.talk = talk;
    n_requests = 0;
    result_init(&result);
}

static void end(void)
{
    result_done(&result);
    job_spec_free(co_take(spec));
    egress_free(egress);
}

#define FETCH_TEST(test_name)                                                                      \
    static void test_name##_with(struct net *net, int _i);                                         \
    NET_TEST(test_name)                                                                            \
    {                                                                                              \
        begin(net);                                                                                \
        test_name##_with(net, _i);                                                                 \
        end();                                                                                     \
    }                                                                                              \
    static void test_name##_with(CK_ATTRIBUTE_UNUSED struct net *net, CK_ATTRIBUTE_UNUSED int _i)

static void check_hop(const struct result_hop *hop)
{
    int64_t sum = 0;

    for (int i = 0; i < CO_HTTP_N_PHASES; i++)
        sum += hop->phase_us[i] > 0 ? hop->phase_us[i] : 0;
    ck_assert_int_eq(sum, hop->total_us);
}

/* What holds of every result, however it came about. */
static void check_sums(void)
{
    int64_t sum = 0, hops = 0;

    for (int i = 0; i < CO_HTTP_N_PHASES; i++) {
        ck_assert_int_ge(result.phase_us[i], -1);
        if (result.phase_us[i] > 0)
            sum += result.phase_us[i];
    }
    for (unsigned i = 0; i < result.n_hops; i++)
        hops += result.hops[i].total_us;
    ck_assert_int_eq(sum, result.total_us);
    ck_assert_int_eq(result.redirect_us, result.n_hops > 0 ? hops : -1);
    for (unsigned i = 0; i < result.n_hops; i++)
        check_hop(&result.hops[i]);
    ck_assert_int_eq(result.finished_at - result.attempt_started_at, result.total_us);
    ck_assert_int_eq(result.n_hops > 0, result.final_url.text != NULL);
}

static int attempt(void)
{
    result_done(&result);
    result_init(&result);
    int rc = fetch_attempt(&fetcher, &spec->requests[0], NULL, &result);
    check_sums();
    return rc;
}

/* Reads the only request of a document; '@' is the port. Its options can be changed then. */
static void prepare(struct net *net, const char *document)
{
    job_spec_free(spec);
    spec = spec_at(net->origin.port, document);
    options = *spec->requests[0].options;
    spec->requests[0].options = &options;
}

static int fetch_one(struct net *net, const char *document)
{
    prepare(net, document);
    return attempt();
}

/* The same with a GET of a path. */
static void get(struct net *net, const char *path)
{
    char document[256];

    snprintf(document, sizeof(document), "[\"http://127.0.0.1:@%s\"]", path);
    assert_ok(fetch_one(net, document));
}

static void expect_error(enum outcome outcome, const char *code, const char *phase)
{
    ck_assert_pstr_eq(result.error.code, code);
    ck_assert_str_eq(result.error.phase, phase);
    ck_assert_ptr_nonnull(result.error.message);
    ck_assert_str_eq(outcome_name(result.outcome), outcome_name(outcome));
}

static void expect_answer(int status, unsigned n_hops)
{
    ck_assert_pstr_eq(result.error.code, NULL);
    ck_assert_int_eq(result.response.status, status);
    ck_assert_uint_eq(result.n_hops, n_hops);
    ck_assert_uint_eq(n_requests, n_hops + 1);
}

/* --- Answers ---------------------------------------------------------------------------------- */

static const struct {
    const char *path;
    int status;
    enum outcome outcome;
} answers[] = {
    {"/", 200, OUTCOME_SUCCESS},       {"/304", 304, OUTCOME_SUCCESS},
    {"/300", 300, OUTCOME_SUCCESS},    {"/nowhere", 302, OUTCOME_SUCCESS},
    {"/404", 404, OUTCOME_HTTP_ERROR}, {"/500", 500, OUTCOME_HTTP_ERROR},
};

FETCH_TEST(status_makes_the_outcome)
{
    get(net, answers[_i].path);
    expect_answer(answers[_i].status, 0);
    ck_assert_str_eq(outcome_name(result.outcome), outcome_name(answers[_i].outcome));
    ck_assert_ptr_null(result.final_url.text);
}

FETCH_TEST(refused_connection_is_a_transport_error)
{
    assert_ok(fetch_one(net, "[\"http://127.0.0.1:1234/\"]"));
    expect_error(OUTCOME_TRANSPORT_ERROR, "connect_refused", "connect");
    ck_assert(result.error.retryable);
    ck_assert_str_eq(result.error.curl_name, "CURLE_COULDNT_CONNECT");
}

FETCH_TEST(blocked_url_is_not_even_tried)
{
    assert_ok(fetch_one(net, "[\"http://10.0.0.1/\"]"));
    expect_error(OUTCOME_BLOCKED, "blocked_by_policy", "dns");
    ck_assert_str_eq(result.error.rule, "ipv4-private");
    ck_assert_int_eq(result.total_us, 0);
}

FETCH_TEST(blocked_address_of_a_name_is_not_connected_to)
{
    assert_ok(fetch_one(net, "[\"http://inside.test:@/\"]"));
    expect_error(OUTCOME_BLOCKED, "blocked_by_policy", "dns");
    ck_assert_str_eq(result.error.rule, "ipv4-private");
    ck_assert_int_eq(result.response.remote.family, AF_UNSPEC);
}

FETCH_TEST(request_and_body_go_out_as_asked)
{
    assert_ok(fetch_one(net, "[{\"url\": \"http://127.0.0.1:@/x\", \"method\": \"PUT\", "
                             "\"headers\": {\"X-A\": \"1\"}, \"body\": \"hello\"}]"));
    ck_assert_ptr_nonnull(strstr(requests[0], "PUT /x HTTP/1.1\r\n"));
    ck_assert_ptr_nonnull(strstr(requests[0], "\r\nX-A: 1\r\n"));
    ck_assert_ptr_nonnull(strstr(requests[0], "\r\n\r\nhello"));
    ck_assert_uint_eq(result.sent_bytes, strlen(requests[0]));
}

/* --- Redirects -------------------------------------------------------------------------------- */

FETCH_TEST(redirects_are_followed_hop_by_hop)
{
    get(net, "/one");
    expect_answer(200, 3);
    char text[64];
    snprintf(text, sizeof(text), "http://127.0.0.1:%u/three?q=1", net->origin.port);
    ck_assert_str_eq(result.hops[2].url.text, text);
    snprintf(text, sizeof(text), "http://127.0.0.1:%u/end", net->origin.port);
    ck_assert_str_eq(result.final_url.text, text);
    ck_assert_int_eq(result.hops[0].status, 302);
    ck_assert_int_eq(result.outcome, OUTCOME_SUCCESS);
}

FETCH_TEST(bytes_of_all_hops_are_counted)
{
    size_t n = 0;

    get(net, "/one");
    for (unsigned i = 0; i < n_requests; i++)
        n += strlen(requests[i]);
    ck_assert_uint_eq(result.sent_bytes, n);
}

FETCH_TEST(redirect_is_the_answer_when_they_are_not_followed)
{
    assert_ok(fetch_one(net, "[{\"url\": \"http://127.0.0.1:@/302\", \"follow_redirects\": "
                             "false}]"));
    expect_answer(302, 0);
    ck_assert_int_eq(result.outcome, OUTCOME_SUCCESS);
}

FETCH_TEST(chain_ends_after_max_redirects)
{
    prepare(net, "[\"http://127.0.0.1:@/deeper/\"]");
    options.max_redirects = (unsigned)_i;
    assert_ok(attempt());
    expect_error(OUTCOME_TRANSPORT_ERROR, "too_many_redirects", "receive");
    ck_assert_uint_eq(n_requests, (unsigned)_i + 1);
    ck_assert_uint_eq(result.n_hops, (unsigned)_i);
}

/* --- Circles ---------------------------------------------------------------------------------- */

/* '@' in the circle is the port. */
static void expect_circle(struct net *net, const char *circle)
{
    char expected[256] = "the redirects lead in a circle: ";
    char *end = expected + strlen(expected);

    for (; *circle != '\0'; circle++)
        end += *circle == '@' ? sprintf(end, "127.0.0.1:%u", net->origin.port)
                              : sprintf(end, "%c", *circle);
    expect_error(OUTCOME_TRANSPORT_ERROR, "too_many_redirects", "receive");
    ck_assert_str_eq(result.error.message, expected);
    ck_assert_int_eq(result.response.status / 100, 3);
}

static const struct {
    const char *path, *circle;
    unsigned n_requests;
} circles[] = {
    {"/loop", "http://@/loop -> http://@/loop", 1},
    {"/ping", "http://@/ping -> http://@/pong -> http://@/ping", 2},
    {"/approach", "http://@/ping -> http://@/pong -> http://@/ping", 3},
};

FETCH_TEST(circle_ends_at_once_and_is_named)
{
    get(net, circles[_i].path);
    expect_circle(net, circles[_i].circle);
    ck_assert_uint_eq(n_requests, circles[_i].n_requests);
    ck_assert_uint_eq(result.n_hops, circles[_i].n_requests - 1);
}

FETCH_TEST(another_method_may_be_answered_otherwise)
{
    assert_ok(fetch_one(net, "[{\"url\": \"http://127.0.0.1:@/submit\", \"method\": \"POST\"}]"));
    expect_circle(net, "http://@/submit -> http://@/submit");
    ck_assert_uint_eq(n_requests, 2);
    ck_assert_str_eq(result.hops[0].method, "POST");
}

FETCH_TEST(request_without_its_secrets_may_be_answered_otherwise)
{
    assert_ok(fetch_one(net, "[{\"url\": \"http://127.0.0.1:@/here\", \"headers\": {\"X-Key\": "
                             "\"canary\"}}]"));
    ck_assert_str_eq(result.error.code, "too_many_redirects");
    ck_assert_uint_eq(n_requests, 3);
    ck_assert_ptr_nonnull(strstr(result.error.message, "/there -> "));
}

FETCH_TEST(circle_of_long_urls_is_cut_short)
{
    char document[2300];
    int length = snprintf(document, sizeof(document), "[\"http://127.0.0.1:@/loop?%02000d\"]", 0);

    ck_assert_int_lt(length, (int)sizeof(document));
    get(net, "/loop");
    assert_ok(fetch_one(net, document));
    ck_assert_pstr_eq(result.error.code, "too_many_redirects");
    ck_assert_uint_lt(strlen(result.error.message), 1024);
}

/* --- What goes along -------------------------------------------------------------------------- */

static const struct {
    const char *method;
    int status;
    const char *becomes;
    bool keeps_body;
} methods[] = {
    {"GET", 301, "GET", true},   {"POST", 301, "GET", false},     {"PUT", 301, "PUT", true},
    {"POST", 302, "GET", false}, {"DELETE", 302, "DELETE", true}, {"GET", 303, "GET", true},
    {"POST", 303, "GET", false}, {"PUT", 303, "GET", false},      {"DELETE", 303, "GET", false},
    {"POST", 307, "POST", true}, {"POST", 308, "POST", true},     {"PATCH", 307, "PATCH", true},
};

FETCH_TEST(method_and_body_change_as_the_status_says)
{
    char document[256], start[32];

    snprintf(document, sizeof(document),
             "[{\"url\": \"http://127.0.0.1:@/%d\", \"method\": \"%s\", \"json\": [1], "
             "\"headers\": {\"Content-Language\": \"de\", \"X-A\": \"1\"}}]",
             methods[_i].status, methods[_i].method);
    snprintf(start, sizeof(start), "%s /end ", methods[_i].becomes);
    assert_ok(fetch_one(net, document));
    expect_answer(200, 1);
    ck_assert_mem_eq(requests[1], start, strlen(start));
    ck_assert_ptr_nonnull(strstr(requests[1], "\r\nX-A: 1\r\n"));
    ck_assert_int_eq(strstr(requests[1], "\r\n\r\n[1]") != NULL, methods[_i].keeps_body);
    ck_assert_int_eq(strcasestr(requests[1], "\nContent-Type:") != NULL, methods[_i].keeps_body);
    ck_assert_int_eq(strcasestr(requests[1], "\nContent-Language:") != NULL,
                     methods[_i].keeps_body);
}

FETCH_TEST(head_stays_head)
{
    assert_ok(fetch_one(net, "[{\"url\": \"http://127.0.0.1:@/303\", \"method\": \"HEAD\"}]"));
    expect_answer(200, 1);
    ck_assert_mem_eq(requests[1], "HEAD /end ", 10);
}

#define SECRETIVE(path)                                                                            \
    "[{\"url\": \"http://127.0.0.1:@" path "\", \"method\": \"POST\", \"body\": \"x\", "           \
    "\"headers\": {\"Authorization\": \"canary\", \"Cookie\": \"canary\", \"X-Key\": \"canary\", " \
    "\"Host\": \"canary.test\", \"Accept\": \"a/b\", \"User-Agent\": \"me\", \"Content-Type\": "   \
    "\"text/x\", \"Content-Encoding\": \"x\"}}]"

static const char *const harmless[] = {"\nAccept: a/b\r", "\nUser-Agent: me\r",
                                       "\nContent-Type: text/x\r", "\nContent-Encoding: x\r"};

FETCH_TEST(secrets_do_not_leave_their_origin)
{
    assert_ok(fetch_one(net, SECRETIVE("/away")));
    expect_answer(200, 1);
    ck_assert_ptr_nonnull(strstr(requests[0], "canary"));
    ck_assert_ptr_null(strstr(requests[1], "canary"));
    ck_assert_ptr_nonnull(strstr(requests[1], "\nHost: other.test:"));
    for (size_t i = 0; i < N_ELEMENTS(harmless); i++)
        ck_assert_msg(strstr(requests[1], harmless[i]) != NULL, "%s", harmless[i]);
}

FETCH_TEST(secrets_do_not_come_back_from_a_detour)
{
    assert_ok(fetch_one(net, SECRETIVE("/detour")));
    expect_answer(200, 2);
    ck_assert_ptr_null(strstr(requests[2], "canary"));
}

FETCH_TEST(secrets_stay_within_their_origin)
{
    assert_ok(fetch_one(net, SECRETIVE("/307")));
    expect_answer(200, 1);
    ck_assert_ptr_nonnull(strstr(requests[1], "\nAuthorization: canary\r"));
    ck_assert_ptr_nonnull(strstr(requests[1], "\nX-Key: canary\r"));
}

FETCH_TEST(userinfo_of_a_location_is_neither_sent_nor_shown)
{
    get(net, "/userinfo");
    expect_answer(200, 1);
    ck_assert_ptr_null(strstr(requests[1], "uthorization"));
    ck_assert_ptr_null(strstr(result.final_url.text, "canary"));
}

static const char *const bad_locations[] = {"/file", "/bad"};

FETCH_TEST(location_that_cannot_be_followed_is_an_error)
{
    get(net, bad_locations[_i]);
    expect_error(OUTCOME_TRANSPORT_ERROR, "redirect_blocked", "receive");
    ck_assert_int_eq(result.response.status, 302);
    ck_assert_uint_eq(n_requests, 1);
}

static const char *const ways_inside[] = {"/inside", "/inside-by-name"};

FETCH_TEST(redirect_to_a_blocked_address_is_blocked)
{
    get(net, ways_inside[_i]);
    expect_error(OUTCOME_BLOCKED, "blocked_by_policy", "dns");
    ck_assert_str_eq(result.error.rule, "ipv4-private");
    ck_assert_uint_eq(result.n_hops, 1);
    ck_assert_int_eq(result.response.status, 0);
    ck_assert_ptr_nonnull(strstr(result.final_url.text, "/secret"));
}

/* --- Where a host is, whatever its name says ---------------------------------------------------
 */

static struct co_address pinned;
static struct fetch_pin pin;

/* Fetches a path of nowhere.test, which has an address by a pin alone. */
static void fetch_pinned(struct net *net, const char *path, const char *address)
{
    char document[256];

    snprintf(document, sizeof(document), "[\"http://nowhere.test:@%s\"]", path);
    prepare(net, document);
    assert_ok(co_address_parse(address, &pinned));
    pinned.port = net->origin.port;
    pin = (struct fetch_pin){
        .host = "nowhere.test", .port = net->origin.port, .addresses = &pinned, .n_addresses = 1};
    options.pins = &pin;
    options.n_pins = 1;
    assert_ok(attempt());
}

FETCH_TEST(pinned_host_is_not_looked_up)
{
    fetch_pinned(net, "/", "127.0.0.1");
    expect_answer(200, 0);
    ck_assert_ptr_nonnull(strstr(requests[0], "\nHost: nowhere.test:"));
}

FETCH_TEST(pin_is_for_its_port_only)
{
    fetch_pinned(net, "/", "127.0.0.1");
    pin.port++;
    assert_ok(attempt());
    expect_error(OUTCOME_TRANSPORT_ERROR, "dns_not_found", "dns");
}

FETCH_TEST(pin_is_for_its_host_only)
{
    fetch_pinned(net, "/away", "127.0.0.1");
    expect_answer(200, 1);
    ck_assert_ptr_nonnull(strstr(requests[1], "\nHost: other.test:"));
}

FETCH_TEST(pin_opens_no_door)
{
    fetch_pinned(net, "/", "10.0.0.1");
    ck_assert_str_eq(result.error.code, "blocked_by_policy");
    ck_assert_str_eq(result.error.rule, "ipv4-private");
    ck_assert_uint_eq(n_requests, 0);
}

/* --- Credentials, and the hash -----------------------------------------------------------------
 */

static const struct fetch_auth bearer = {.type = AUTH_BEARER, .secret = "canary"};
static const struct fetch_auth unknown = {.type = AUTH_BEARER, .secret_ref = "unknown"};

FETCH_TEST(credentials_replace_the_header_of_that_name)
{
    prepare(net, "[{\"url\": \"http://127.0.0.1:@/\", \"headers\": {\"authorization\": \"x\", "
                 "\"X-A\": \"1\"}}]");
    options.auth = &bearer;
    assert_ok(attempt());
    ck_assert_ptr_nonnull(strstr(requests[0], "\nAuthorization: Bearer canary\r"));
    ck_assert_ptr_null(strstr(requests[0], "\nauthorization: x\r"));
    ck_assert_ptr_nonnull(strstr(requests[0], "\nX-A: 1\r"));
}

static const char *const ways[] = {"/307", "/detour"};

FETCH_TEST(credentials_go_as_far_as_the_origin)
{
    char document[256];

    snprintf(document, sizeof(document), "[\"http://127.0.0.1:@%s\"]", ways[_i]);
    prepare(net, document);
    options.auth = &bearer;
    assert_ok(attempt());
    for (unsigned i = 0; i < n_requests; i++)
        ck_assert_int_eq(strstr(requests[i], "canary") != NULL, i == 0 || _i == 0);
}

FETCH_TEST(secret_that_may_not_go_there_blocks_the_request)
{
    prepare(net, "[\"http://127.0.0.1:@/\"]");
    options.auth = &unknown;
    assert_ok(attempt());
    expect_error(OUTCOME_BLOCKED, "blocked_by_policy", "dns");
    ck_assert_str_eq(result.error.rule, "secret unknown");
    ck_assert_uint_eq(n_requests, 0);
}

/* The pages are empty. */
static const unsigned char digest_of_nothing[] = {
    0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24,
    0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
};

FETCH_TEST(hash_is_of_what_came_whole)
{
    prepare(net, "[\"http://127.0.0.1:@/one\"]");
    options.hash = HASH_SHA256;
    assert_ok(attempt());
    ck_assert(result.has_hash);
    ck_assert_mem_eq(result.hash, digest_of_nothing, sizeof(digest_of_nothing));
    prepare(net, "[\"http://127.0.0.1:1/\"]");
    options.hash = HASH_SHA256;
    assert_ok(attempt());
    ck_assert(!result.has_hash);
}

/* --- Time, and giving up ---------------------------------------------------------------------- */

FETCH_TEST(timeout_is_for_all_hops_together)
{
    net->origin.winds = 400 * CO_SECOND;
    assert_ok(fetch_one(net, "[{\"url\": \"http://127.0.0.1:@/one\", \"timeout_ms\": 1000000}]"));
    ck_assert_str_eq(result.error.code, "timeout_total");
    ck_assert_uint_eq(result.n_hops, 2);
}

struct patient {
    struct net *net;
    int rc;
};

static int fetch_hanging(void *arg, void **ret_result)
{
    struct patient *patient = arg;

    (void)ret_result;
    patient->rc = fetch_one(patient->net, "[\"http://127.0.0.1:@/hang\"]");
    return 0;
}

FETCH_TEST(canceled_fetch_says_so_and_where_it_was)
{
    struct patient patient = {.net = net};
    struct co_task *task;

    assert_ok(co_create_task("fetch", fetch_hanging, &patient, &task));
    assert_ok(co_event_wait(&net->origin.asked));
    co_cancel(task, "the test says so");
    assert_ok(co_task_await(task, NULL));
    co_task_unref(task);
    ck_assert_int_eq(patient.rc, -ECANCELED);
    expect_error(OUTCOME_CANCELED, "canceled", "wait");
    ck_assert_int_ge(result.phase_us[CO_HTTP_WAIT], 0);
}

/* Each time after one that went well: its connections are open, so the origin need not allocate. */
FETCH_TEST(failed_allocation_is_a_result_like_others)
{
    for (size_t n = 1;; n++) {
        n_requests = 0;
        prepare(net, "[{\"url\": \"http://127.0.0.1:@/away\", \"headers\": {\"X-A\": \"1\"}}]");
        options.auth = &bearer;
        options.hash = HASH_SHA256;
        assert_ok(attempt());
        expect_answer(200, 1);
        fault_arm(n);
        assert_ok(attempt());
        bool failed = fault_disarm();
        if (!failed)
            break;
        ck_assert_str_eq(result.error.code, "resource_exhausted");
        ck_assert(result.error.retryable);
    }
    ck_assert_int_eq(result.response.status, 200);
}

Suite *suite_fetch(void);

Suite *suite_fetch(void)
{
    Suite *suite = suite_create("daemon/engine/fetch");
    TCase *tcase = tcase_create("all");

    tcase_add_loop_test(tcase, status_makes_the_outcome, 0, N_ELEMENTS(answers));
    tcase_add_test(tcase, refused_connection_is_a_transport_error);
    tcase_add_test(tcase, blocked_url_is_not_even_tried);
    tcase_add_test(tcase, blocked_address_of_a_name_is_not_connected_to);
    tcase_add_test(tcase, request_and_body_go_out_as_asked);
    tcase_add_test(tcase, redirects_are_followed_hop_by_hop);
    tcase_add_test(tcase, bytes_of_all_hops_are_counted);
    tcase_add_test(tcase, redirect_is_the_answer_when_they_are_not_followed);
    tcase_add_loop_test(tcase, chain_ends_after_max_redirects, 0, 4);
    tcase_add_loop_test(tcase, circle_ends_at_once_and_is_named, 0, N_ELEMENTS(circles));
    tcase_add_test(tcase, another_method_may_be_answered_otherwise);
    tcase_add_test(tcase, request_without_its_secrets_may_be_answered_otherwise);
    tcase_add_test(tcase, circle_of_long_urls_is_cut_short);
    tcase_add_loop_test(tcase, method_and_body_change_as_the_status_says, 0, N_ELEMENTS(methods));
    tcase_add_test(tcase, head_stays_head);
    tcase_add_test(tcase, secrets_do_not_leave_their_origin);
    tcase_add_test(tcase, secrets_do_not_come_back_from_a_detour);
    tcase_add_test(tcase, secrets_stay_within_their_origin);
    tcase_add_test(tcase, userinfo_of_a_location_is_neither_sent_nor_shown);
    tcase_add_loop_test(tcase, location_that_cannot_be_followed_is_an_error, 0,
                        N_ELEMENTS(bad_locations));
    tcase_add_loop_test(tcase, redirect_to_a_blocked_address_is_blocked, 0,
                        N_ELEMENTS(ways_inside));
    tcase_add_test(tcase, pinned_host_is_not_looked_up);
    tcase_add_test(tcase, pin_is_for_its_port_only);
    tcase_add_test(tcase, pin_is_for_its_host_only);
    tcase_add_test(tcase, pin_opens_no_door);
    tcase_add_test(tcase, credentials_replace_the_header_of_that_name);
    tcase_add_loop_test(tcase, credentials_go_as_far_as_the_origin, 0, N_ELEMENTS(ways));
    tcase_add_test(tcase, secret_that_may_not_go_there_blocks_the_request);
    tcase_add_test(tcase, hash_is_of_what_came_whole);
    tcase_add_test(tcase, timeout_is_for_all_hops_together);
    tcase_add_test(tcase, canceled_fetch_says_so_and_where_it_was);
    tcase_add_test(tcase, failed_allocation_is_a_result_like_others);
    suite_add_tcase(suite, tcase);
    return suite;
}
