#include "daemon/api/http_guard.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tests/support/random.h"

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

static const struct string_list hosts;
static const struct string_list origins = {(const char *const[]){"https://board.example"}, 1};
static const struct http_site site = {
    .address = "127.0.0.1", .port = 7480, .hosts = &hosts, .origins = &origins};

/* A head out of "GET / HTTP/1.1|Name: value|Name: value". */
struct head {
    struct http_head head;
    struct http_field fields[HTTP_MAX_FIELDS];
    char text[4096];
};

static char *cut(char **at, const char *separator)
{
    char *start = *at;
    char *end = strstr(start, separator);

    *at = end != NULL ? end + strlen(separator) : start + strlen(start);
    if (end != NULL)
        *end = '\0';
    return start;
}

static void read_head(struct head *head, const char *text)
{
    char *at = strcpy(head->text, text);
    char *line = cut(&at, "|");

    head->head = (struct http_head){.fields = head->fields};
    head->head.method = cut(&line, " ");
    head->head.target = cut(&line, " ");
    head->head.version = line;
    while (*at != '\0') {
        struct http_field *field = &head->fields[head->head.n_fields++];
        line = cut(&at, "|");
        field->name = cut(&line, ": ");
        field->name_length = strlen(field->name);
        field->value = line;
        field->value_length = strlen(line);
    }
}

static const char *code_for(const char *text)
{
    struct head head;

    read_head(&head, text);
    const struct http_refusal *refusal = http_guard_check(&head.head, &site);
    return refusal != NULL ? refusal->code : "";
}

#define HOST   "|Host: localhost:7480"
#define LINKED "|Sec-Fetch-Site: cross-site|Sec-Fetch-Mode: navigate|Sec-Fetch-Dest: document"

static const char *const accepted[] = {
    "GET / HTTP/1.1" HOST,
    "GET /v1/gather?url=http%3A%2F%2Fone.example%2F..%2F HTTP/1.1" HOST,
    "POST /v1/gather HTTP/1.1" HOST "|Content-Length: 5",
    "POST /v1/gather HTTP/1.1" HOST "|transfer-encoding: Chunked",
    "POST /v1/gather HTTP/1.1" HOST "|Content-Length: 5|Expect: 100-Continue",
    "GET / HTTP/1.0",
    "GET / HTTP/1.0" HOST,
    "GET /a%20b/%C3%BC/..a/a../... HTTP/1.1" HOST,
    "GET /\xc3\xbc HTTP/1.1" HOST,
    "OPTIONS * HTTP/1.1" HOST,
    "GET http://localhost:7480/healthz HTTP/1.1" HOST,
    "GET HTTP://LOCALHOST:7480 HTTP/1.1" HOST,
    "GET http://localhost:7480/healthz HTTP/1.0",
    "GET / HTTP/1.1|Host: 127.0.0.1:7480|X-Empty: |X-Tab: a\tb|X-Latin: \xe9",
    "GET / HTTP/1.1" HOST "|!#$%&'*+-.^_`|~: odd but a token",
    "GET / HTTP/1.1" HOST "|Origin: http://localhost:7480",
    "GET / HTTP/1.1" HOST "|Origin: https://board.example",
    "GET / HTTP/1.1" HOST "|Origin: https://board.example|Sec-Fetch-Site: cross-site",
    "GET / HTTP/1.1" HOST "|Sec-Fetch-Site: same-origin",
    "GET / HTTP/1.1" HOST "|Sec-Fetch-Site: none",
    "GET / HTTP/1.1" HOST LINKED,
    "CONNECT / HTTP/1.1" HOST,
};

START_TEST(plain_request_is_let_pass)
{
    ck_assert_str_eq(code_for(accepted[_i]), "");
}
END_TEST

static const struct {
    const char *text, *code;
} refused[] = {
    {"GET / HTTP/1.2" HOST, "http_version_not_supported"},
    {"GET / HTTP/2.0" HOST, "http_version_not_supported"},
    {"GET / HTTP/1.1 " HOST, "http_version_not_supported"},
    {"GET / http/1.1" HOST, "http_version_not_supported"},
    {"GET / " HOST, "http_version_not_supported"},

    {"GET / HTTP/1.1" HOST "|Content-Length : 5", "bad_header_name"},
    {"GET / HTTP/1.1" HOST "|Transfer-Encoding\t: chunked", "bad_header_name"},
    {"GET / HTTP/1.1" HOST "|: empty", "bad_header_name"},
    {"GET / HTTP/1.1" HOST "|a(b): x", "bad_header_name"},
    {"GET / HTTP/1.1" HOST "|\xc3\xbc: x", "bad_header_name"},
    {"GET / HTTP/1.1" HOST "|a\rb: x", "bad_header_name"},
    {"GET / HTTP/1.1" HOST "|X: a\rb", "bad_header_value"},
    {"GET / HTTP/1.1" HOST "|X: a\nb", "bad_header_value"},
    {"GET / HTTP/1.1" HOST "|X: \x1b[31m", "bad_header_value"},
    {"GET / HTTP/1.1" HOST "|X: \x7f", "bad_header_value"},

    {"GET / HTTP/1.1" HOST "|Content-Length: 5|Content-Length: 5", "several_content_lengths"},
    {"GET / HTTP/1.1" HOST "|Content-Length: 5|content-length: 6", "several_content_lengths"},
    {"GET / HTTP/1.1" HOST "|Content-Length: 5|Transfer-Encoding: chunked", "ambiguous_length"},
    {"GET / HTTP/1.0" HOST "|Transfer-Encoding: chunked", "ambiguous_length"},
    {"GET / HTTP/1.1" HOST "|Transfer-Encoding: gzip, chunked", "unsupported_transfer_encoding"},
    {"GET / HTTP/1.1" HOST "|Transfer-Encoding: chunked, identity",
     "unsupported_transfer_encoding"},
    {"GET / HTTP/1.1" HOST "|Transfer-Encoding: xchunked", "unsupported_transfer_encoding"},
    {"GET / HTTP/1.1" HOST "|Transfer-Encoding: ", "unsupported_transfer_encoding"},
    {"GET / HTTP/1.1" HOST "|Transfer-Encoding: chunked|Transfer-Encoding: chunked",
     "unsupported_transfer_encoding"},
    {"GET / HTTP/1.1" HOST "|Authorization: Bearer a|authorization: Bearer b",
     "several_authorizations"},
    {"GET / HTTP/1.1" HOST "|Expect: 200-ok", "unsupported_expectation"},
    {"GET / HTTP/1.1" HOST "|Expect: 100-continue|Expect: 100-continue", "unsupported_expectation"},

    {"GET healthz HTTP/1.1" HOST, "bad_target"},
    {"GET * HTTP/1.1" HOST, "bad_target"},
    {"CONNECT localhost:7480 HTTP/1.1" HOST, "bad_target"},
    {"GET https://localhost:7480/ HTTP/1.1" HOST, "bad_target"},
    {"GET /a\x01 HTTP/1.1" HOST, "bad_target"},
    {"GET /a\x7f HTTP/1.1" HOST, "bad_target"},
    {"GET /a\tb HTTP/1.1" HOST, "bad_target"},
    {"GET /a%00b HTTP/1.1" HOST, "bad_target"},
    {"GET /a%zz HTTP/1.1" HOST, "bad_target"},
    {"GET /a% HTTP/1.1" HOST, "bad_target"},
    {"GET /?a=%00 HTTP/1.1" HOST, "bad_target"},
    {"GET /?a=%4 HTTP/1.1" HOST, "bad_target"},

    {"GET / HTTP/1.1", "bad_host"},
    {"GET / HTTP/1.1" HOST HOST, "bad_host"},
    {"GET / HTTP/1.0" HOST HOST, "bad_host"},
    {"GET http://127.0.0.1:7480/ HTTP/1.1" HOST, "bad_host"},
    {"GET http://evil.example/ HTTP/1.1" HOST, "bad_host"},
    {"GET http://localhost/ HTTP/1.1" HOST, "bad_host"},

    {"GET / HTTP/1.1|Host: evil.example", "foreign_host"},
    {"GET / HTTP/1.1|Host: localhost", "foreign_host"},
    {"GET / HTTP/1.1|Host: ", "foreign_host"},
    {"GET / HTTP/1.0|Host: evil.example", "foreign_host"},
    {"GET http://evil.example/ HTTP/1.1|Host: evil.example", "foreign_host"},
    {"GET http://evil.example/ HTTP/1.0", "foreign_host"},
    {"BREW /nothing HTTP/1.1|Host: evil.example", "foreign_host"},

    {"GET / HTTP/1.1" HOST "|Origin: http://evil.example", "foreign_origin"},
    {"GET / HTTP/1.1" HOST "|Origin: null", "foreign_origin"},
    {"GET / HTTP/1.1" HOST "|Origin: ", "foreign_origin"},
    {"GET / HTTP/1.1" HOST "|Origin: http://localhost:7480|Origin: http://evil.example",
     "foreign_origin"},
    {"GET / HTTP/1.0|Origin: http://localhost:7480", "foreign_origin"},
    {"GET / HTTP/1.1" HOST "|Sec-Fetch-Site: cross-site", "foreign_origin"},
    {"GET / HTTP/1.1" HOST "|Sec-Fetch-Site: same-site", "foreign_origin"},
    {"GET / HTTP/1.1" HOST "|Sec-Fetch-Site: cross-site|Sec-Fetch-Mode: navigate|"
     "Sec-Fetch-Dest: iframe",
     "foreign_origin"},
    {"GET / HTTP/1.1" HOST "|Sec-Fetch-Site: cross-site|Sec-Fetch-Mode: no-cors|"
     "Sec-Fetch-Dest: document",
     "foreign_origin"},
    {"GET / HTTP/1.1" HOST LINKED "|Sec-Fetch-Dest: document", "foreign_origin"},
    {"POST / HTTP/1.1" HOST LINKED, "foreign_origin"},
    {"GET /?a HTTP/1.1" HOST LINKED, "foreign_origin"},
    {"GET /v1/jobs HTTP/1.1" HOST LINKED, "foreign_origin"},
    {"GET / HTTP/1.1" HOST LINKED "|Origin: http://evil.example", "foreign_origin"},
    {"GET / HTTP/1.1" HOST "|Origin: http://evil.example|Sec-Fetch-Site: none", "foreign_origin"},

    {"GET /../etc HTTP/1.1" HOST, "bad_path"},
    {"GET /a/.. HTTP/1.1" HOST, "bad_path"},
    {"GET /a/..?b HTTP/1.1" HOST, "bad_path"},
    {"GET /a/%2e./b HTTP/1.1" HOST, "bad_path"},
    {"GET /a/.%2E HTTP/1.1" HOST, "bad_path"},
    {"GET /a/%2e%2e HTTP/1.1" HOST, "bad_path"},
    {"GET /a%2Fb HTTP/1.1" HOST, "bad_path"},
    {"GET /a%2fb HTTP/1.1" HOST, "bad_path"},
    {"GET /a%0ab HTTP/1.1" HOST, "bad_path"},
    {"GET /a%7f HTTP/1.1" HOST, "bad_path"},

    {"BREW / HTTP/1.1" HOST, "unknown_method"},
    {"get / HTTP/1.1" HOST, "unknown_method"},
    {" / HTTP/1.1" HOST, "unknown_method"},
};

START_TEST(ambiguous_or_foreign_request_is_refused)
{
    ck_assert_str_eq(code_for(refused[_i].text), refused[_i].code);
}
END_TEST

START_TEST(head_that_lost_bytes_is_refused)
{
    struct head head;

    read_head(&head, "GET / HTTP/1.1" HOST);
    head.head.has_lost_bytes = true;
    ck_assert_str_eq(http_guard_check(&head.head, &site)->code, "malformed_head");
}
END_TEST

START_TEST(more_than_a_hundred_fields_are_refused_unseen)
{
    struct http_head head = {.method = "GET", .target = "/", .version = "HTTP/1.1"};

    head.n_fields = HTTP_MAX_FIELDS + 1;
    ck_assert_int_eq(http_guard_check(&head, &site)->status, 431);
}
END_TEST

/* Whatever the bytes: no crash, no read beyond the end, and what passes is well-formed. */
START_TEST(random_heads_do_no_harm)
{
    static const char alphabet[] = "GET /.%2e0fF?*:|Host localhost:7480HTTP/1.1\r\t\x01\xff[]@";
    struct random random = {.state = (uint64_t)_i};
    char text[64];

    for (int n = 0; n < 2000; n++) {
        size_t length = random_below(&random, sizeof(text));
        for (size_t i = 0; i < length; i++)
            text[i] = alphabet[random_below(&random, sizeof(alphabet) - 1)];
        text[length] = '\0';
        char *exact = strdup(text); /* so that a sanitizer sees its end */
        struct http_head head = {.method = "GET", .target = exact, .version = "HTTP/1.0"};
        if (http_guard_check(&head, &site) == NULL)
            ck_assert(exact[0] == '/' || strncasecmp(exact, "http://", 7) == 0);
        free(exact);
    }
}
END_TEST

Suite *suite_http_guard(void);

Suite *suite_http_guard(void)
{
    Suite *suite = suite_create("http_guard");
    TCase *tcase = tcase_create("http_guard");

    tcase_add_loop_test(tcase, plain_request_is_let_pass, 0, N_ELEMENTS(accepted));
    tcase_add_loop_test(tcase, ambiguous_or_foreign_request_is_refused, 0, N_ELEMENTS(refused));
    tcase_add_test(tcase, head_that_lost_bytes_is_refused);
    tcase_add_test(tcase, more_than_a_hundred_fields_are_refused_unseen);
    tcase_add_loop_test(tcase, random_heads_do_no_harm, 0, 4);
    suite_add_tcase(suite, tcase);
    return suite;
}
