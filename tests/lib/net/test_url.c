#include "lib/net/url.h"

#include <check.h>
#include <curl/curl.h>
#include <errno.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tests/support/fault.h"

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

static int parse(const char *text, struct co_url *ret_url)
{
    return co_url_parse(text, strlen(text), ret_url);
}

static const struct {
    const char *text, *canonical, *origin, *host;
    int family;
} urls[] = {
    {"http://example.com", "http://example.com/", "http://example.com:80", "example.com", 0},
    {"HTTPS://Example.COM./A?B", "https://example.com/A?B", "https://example.com:443",
     "example.com", 0},
    {"http://example.com:80/", "http://example.com/", "http://example.com:80", "example.com", 0},
    {"https://example.com:80/", "https://example.com:80/", "https://example.com:80", "example.com",
     0},
    {"http://example.com:0443/", "http://example.com:443/", "http://example.com:443", "example.com",
     0},
    {"http://example.com:/", "http://example.com/", "http://example.com:80", "example.com", 0},
    {"http://example.com:65535/", "http://example.com:65535/", "http://example.com:65535",
     "example.com", 0},
    {"http://example.com?q", "http://example.com/?q", "http://example.com:80", "example.com", 0},
    {"http://example.com/?", "http://example.com/?", "http://example.com:80", "example.com", 0},
    {"http://example.com#f", "http://example.com/", "http://example.com:80", "example.com", 0},
    {"http://example.com/a#f?q#g", "http://example.com/a", "http://example.com:80", "example.com",
     0},
    {"http://example.com/../a/./b/../c", "http://example.com/a/c", "http://example.com:80",
     "example.com", 0},
    {"http://example.com/%2F%zz", "http://example.com/%2F%zz", "http://example.com:80",
     "example.com", 0},
    {"http://example.com/\u00fc?\u00fc", "http://example.com/%C3%BC?%C3%BC",
     "http://example.com:80", "example.com", 0},
    {"http://example.com/\xff", "http://example.com/%FF", "http://example.com:80", "example.com",
     0},
    {"http://ex%61mple.com/", "http://example.com/", "http://example.com:80", "example.com", 0},
    {"http://a_b.example/", "http://a_b.example/", "http://a_b.example:80", "a_b.example", 0},

    {"http://127.0.0.1/", "http://127.0.0.1/", "http://127.0.0.1:80", "127.0.0.1", AF_INET},
    {"http://127.1/", "http://127.0.0.1/", "http://127.0.0.1:80", "127.0.0.1", AF_INET},
    {"http://127.1./", "http://127.0.0.1/", "http://127.0.0.1:80", "127.0.0.1", AF_INET},
    {"http://2130706433/", "http://127.0.0.1/", "http://127.0.0.1:80", "127.0.0.1", AF_INET},
    {"http://0x7f.0.0.1/", "http://127.0.0.1/", "http://127.0.0.1:80", "127.0.0.1", AF_INET},
    {"http://0177.0.0.1/", "http://127.0.0.1/", "http://127.0.0.1:80", "127.0.0.1", AF_INET},
    {"http://%31%32%37.0.0.1/", "http://127.0.0.1/", "http://127.0.0.1:80", "127.0.0.1", AF_INET},
    {"http://0/", "http://0.0.0.0/", "http://0.0.0.0:80", "0.0.0.0", AF_INET},
    {"http://0xa9fea9fe/", "http://169.254.169.254/", "http://169.254.169.254:80",
     "169.254.169.254", AF_INET},
    {"http://0251.0376.43518/", "http://169.254.169.254/", "http://169.254.169.254:80",
     "169.254.169.254", AF_INET},

    {"http://[::1]/", "http://[::1]/", "http://[::1]:80", "::1", AF_INET6},
    {"https://[::1]:8443/", "https://[::1]:8443/", "https://[::1]:8443", "::1", AF_INET6},
    {"http://[0:0:0:0:0:0:0:1]/", "http://[::1]/", "http://[::1]:80", "::1", AF_INET6},
    {"http://[::FFFF:127.0.0.1]/", "http://[::ffff:127.0.0.1]/", "http://[::ffff:127.0.0.1]:80",
     "::ffff:127.0.0.1", AF_INET6},
    {"http://[::ffff:7f00:1]/", "http://[::ffff:127.0.0.1]/", "http://[::ffff:127.0.0.1]:80",
     "::ffff:127.0.0.1", AF_INET6},
    {"http://[64:ff9b::7f00:1]/", "http://[64:ff9b::7f00:1]/", "http://[64:ff9b::7f00:1]:80",
     "64:ff9b::7f00:1", AF_INET6},

    {"http://fa\u00df.de/", "http://xn--fa-hia.de/", "http://xn--fa-hia.de:80", "xn--fa-hia.de", 0},
    {"http://\u2603.example/", "http://xn--n3h.example/", "http://xn--n3h.example:80",
     "xn--n3h.example", 0},
    {"http://xn--fa-hia.de/", "http://xn--fa-hia.de/", "http://xn--fa-hia.de:80", "xn--fa-hia.de",
     0},
    /* percent-encoded u with diaeresis */
    {"http://m%C3%BCnchen.example/", "http://xn--mnchen-3ya.example/",
     "http://xn--mnchen-3ya.example:80", "xn--mnchen-3ya.example", 0},
    /* circled 1 2 7 */
    {"http://\u2460\u2461\u2466.0.0.1/", "http://127.0.0.1/", "http://127.0.0.1:80", "127.0.0.1",
     AF_INET},
    /* fullwidth 1 2 7, and too few parts */
    {"http://\uff11\uff12\uff17.1/", "http://127.0.0.1/", "http://127.0.0.1:80", "127.0.0.1",
     AF_INET},
    /* ideographic full stops, one at the end */
    {"http://127\u30020\u30020\u30021\u3002/", "http://127.0.0.1/", "http://127.0.0.1:80",
     "127.0.0.1", AF_INET},
    {"http://localhost\u3002/", "http://localhost/", "http://localhost:80", "localhost", 0},
    /* fullwidth letters; a soft hyphen, which vanishes */
    {"http://\uff4c\uff4f\uff43\uff41\uff4chost/", "http://localhost/", "http://localhost:80",
     "localhost", 0},
    {"http://loc\u00adalhost/", "http://localhost/", "http://localhost:80", "localhost", 0},
};

START_TEST(every_spelling_of_a_url_has_one_canonical_form)
{
    struct co_url url;

    ck_assert_int_eq(parse(urls[_i].text, &url), 0);
    /* libcurl's percent-encoding is in lower case in some versions. */
    ck_assert_msg(strcasecmp(url.text, urls[_i].canonical) == 0, "%s", url.text);
    ck_assert_str_eq(url.origin, urls[_i].origin);
    ck_assert_str_eq(url.host, urls[_i].host);
    ck_assert_int_eq(url.address.family, urls[_i].family);
    ck_assert_uint_eq(url.address.port, urls[_i].family == AF_UNSPEC ? 0 : url.port);
    ck_assert_uint_eq(url.port, strtoul(strrchr(url.origin, ':') + 1, NULL, 10));
    ck_assert_int_eq(url.is_https, strncmp(url.origin, "https:", 6) == 0);
    ck_assert_ptr_null(url.user);
    ck_assert_ptr_null(url.password);
    co_url_done(&url);
}
END_TEST

static const struct {
    const char *text;
    int problem;
} bad_urls[] = {
    {"", CO_URL_NO_SCHEME},
    {"example.com", CO_URL_NO_SCHEME},
    {"/path", CO_URL_NO_SCHEME},
    {"\xef\xbb\xbfhttp://example.com/", CO_URL_BYTE_ORDER_MARK},
    {"//example.com/", CO_URL_NO_SCHEME},
    {"://example.com/", CO_URL_NO_SCHEME},
    {"1http://example.com/", CO_URL_NO_SCHEME},
    {"#http://example.com/", CO_URL_NO_SCHEME},
    {"example.com:80/", CO_URL_UNSUPPORTED_SCHEME},
    {"ftp://example.com/", CO_URL_UNSUPPORTED_SCHEME},
    {"file:///etc/passwd", CO_URL_UNSUPPORTED_SCHEME},
    {"gopher://127.0.0.1:6379/_x", CO_URL_UNSUPPORTED_SCHEME},
    {"dict://127.0.0.1:11211/stat", CO_URL_UNSUPPORTED_SCHEME},
    {"javascript:alert(1)", CO_URL_UNSUPPORTED_SCHEME},
    {"httpss://example.com/", CO_URL_UNSUPPORTED_SCHEME},
    {"http+unix://%2Ftmp%2Fsocket/", CO_URL_UNSUPPORTED_SCHEME},
    {"http:example.com", CO_URL_BAD_SLASHES},
    {"http:/example.com", CO_URL_BAD_SLASHES},
    {"http:///example.com", CO_URL_BAD_SLASHES},
    {"http:////example.com", CO_URL_BAD_SLASHES},
    {"https:", CO_URL_BAD_SLASHES},

    {"http://", CO_URL_NO_HOST},
    {"http://?q", CO_URL_NO_HOST},
    {"http://#f", CO_URL_NO_HOST},
    {"http://:80/", CO_URL_NO_HOST},
    {"http://user@/", CO_URL_NO_HOST},
    {"http://./", CO_URL_NO_HOST},
    {"http://.example.com/", CO_URL_EMPTY_LABEL},
    {"http://a..b/", CO_URL_EMPTY_LABEL},
    {"http://example.com../", CO_URL_EMPTY_LABEL},
    {"http://\u00ad.example.com/", CO_URL_EMPTY_LABEL},
    {"http://aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.example/",
     CO_URL_HOST_TOO_LONG},
    {"http://a,b/", CO_URL_BAD_HOST},
    {"http://a|b/", CO_URL_BAD_HOST},
    {"http://a~b/", CO_URL_BAD_HOST},
    {"http://a%2fb/", CO_URL_BAD_HOST},
    {"http://a%20b/", CO_URL_BAD_HOST},
    {"http://a%00b/", CO_URL_BAD_HOST},
    {"http://a%0ab/", CO_URL_BAD_HOST},
    {"http://%2531.example/", CO_URL_BAD_HOST},
    {"http://a@b@example.com/", CO_URL_BAD_HOST},
    /* fullwidth @ / : and % become the real ones in Punycode */
    {"http://a\uff20b/", CO_URL_BAD_HOST},
    {"http://a\uff0fb/", CO_URL_BAD_HOST},
    {"http://a\uff1a80/", CO_URL_BAD_HOST},
    {"http://\uff0531.example/", CO_URL_BAD_HOST},
    {"http://\xff.example/", CO_URL_BAD_IDN},
    {"http://a\xc3.example/", CO_URL_BAD_IDN},
    {"http://%E1%BC.example/", CO_URL_BAD_IDN},

    {"http://256.0.0.1/", CO_URL_BAD_IPV4},
    {"http://1.2.3.4.5/", CO_URL_BAD_IPV4},
    {"http://127.0.0.08/", CO_URL_BAD_IPV4},
    {"http://4294967296/", CO_URL_BAD_IPV4},
    {"http://0xffffffffff/", CO_URL_BAD_IPV4},
    {"http://example.1/", CO_URL_BAD_IPV4},
    {"http://[::1/", CO_URL_BAD_IPV6},
    {"http://[1::2::3]/", CO_URL_BAD_IPV6},
    {"http://[v1.x]/", CO_URL_BAD_IPV6},
    {"http://[127.0.0.1]/", CO_URL_BAD_IPV6},
    {"http://[fe80::1%25eth0]/", CO_URL_ZONE_ID},
    {"http://[fe80::1%eth0]/", CO_URL_ZONE_ID},
    {"http://[::1%251]/", CO_URL_ZONE_ID},

    {"http://example.com:0/", CO_URL_BAD_PORT},
    {"http://example.com:00000/", CO_URL_BAD_PORT},
    {"http://example.com:65536/", CO_URL_BAD_PORT},
    {"http://example.com:99999/", CO_URL_BAD_PORT},
    {"http://example.com:4294967376/", CO_URL_BAD_PORT},
    {"http://example.com:-1/", CO_URL_BAD_PORT},
    {"http://example.com:80a/", CO_URL_BAD_PORT},
    {"http://[::1]x/", CO_URL_BAD_PORT},

    {" http://example.com/", CO_URL_SPACE},
    {"http://example.com/ ", CO_URL_SPACE},
    {"http://exam ple.com/", CO_URL_SPACE},
    {"http://example.com/\t", CO_URL_CONTROL_CHARACTER},
    {"http://example.com/\r\nX: y", CO_URL_CONTROL_CHARACTER},
    {"http://example.com/#\n", CO_URL_CONTROL_CHARACTER},
    {"http://example.com/\x7f", CO_URL_CONTROL_CHARACTER},
    {"http://example.com\\@127.0.0.1/", CO_URL_BACKSLASH},
    {"http:\\\\example.com/", CO_URL_BACKSLASH},
    {"http://us%0aer@example.com/", CO_URL_BAD_USERINFO},
    {"http://user:pa%00ss@example.com/", CO_URL_BAD_USERINFO},
};

START_TEST(what_is_wrong_with_a_url_is_said_exactly)
{
    struct co_url url = {.text = NULL};

    ck_assert_str_eq(co_url_problem_code((enum co_url_problem)parse(bad_urls[_i].text, &url)),
                     co_url_problem_code((enum co_url_problem)bad_urls[_i].problem));
    ck_assert_ptr_null(url.text);
}
END_TEST

START_TEST(a_nul_is_a_control_character_and_not_the_end)
{
    static const char text[] = "http://example.com/\0@127.0.0.1/";
    struct co_url url;

    ck_assert_int_eq(co_url_parse(text, sizeof(text) - 1, &url), CO_URL_CONTROL_CHARACTER);
}
END_TEST

START_TEST(only_the_given_length_is_read)
{
    struct co_url url;

    ck_assert_int_eq(co_url_parse("http://example.com/a b", 20, &url), 0);
    ck_assert_str_eq(url.text, "http://example.com/a");
    co_url_done(&url);
}
END_TEST

/* "http://example.com/" and as many x as make it length bytes. */
static char *long_url(size_t length)
{
    static const char start[] = "http://example.com/";
    char *text = malloc(length + 1);

    ck_assert_ptr_nonnull(text);
    memset(text, 'x', length);
    memcpy(text, start, sizeof(start) - 1);
    text[length] = '\0';
    return text;
}

START_TEST(a_url_has_at_most_8_kib_also_when_canonical)
{
    struct co_url url;
    char *text = long_url(CO_URL_MAX_LENGTH + 1);

    ck_assert_int_eq(parse(text, &url), CO_URL_TOO_LONG);
    text[CO_URL_MAX_LENGTH] = '\0';
    ck_assert_int_eq(parse(text, &url), 0);
    ck_assert_str_eq(url.text, text);
    co_url_done(&url);
    text[CO_URL_MAX_LENGTH - 1] = '\xff';
    ck_assert_int_eq(parse(text, &url), CO_URL_TOO_LONG);
    free(text);
}
END_TEST

static const struct {
    const char *text, *user, *password;
} secrets[] = {
    {"http://user:pass@example.com/", "user", "pass"},
    {"http://user@example.com/", "user", NULL},
    {"http://user:@example.com/", "user", NULL},
    {"http://:pass@example.com/", NULL, "pass"},
    {"http://@example.com/", NULL, NULL},
    {"http://:@example.com/", NULL, NULL},
    {"http://us%40er:pa%3ass:word@example.com/", "us@er", "pa:ss:word"},
    {"http://\u00fc:%C3%BC@example.com/", "\u00fc", "\u00fc"},
};

START_TEST(userinfo_is_kept_apart_from_the_text)
{
    struct co_url url;

    ck_assert_int_eq(parse(secrets[_i].text, &url), 0);
    ck_assert_str_eq(url.text, "http://example.com/");
    ck_assert_str_eq(url.origin, "http://example.com:80");
    ck_assert_pstr_eq(url.user, secrets[_i].user);
    ck_assert_pstr_eq(url.password, secrets[_i].password);
    co_url_done(&url);
}
END_TEST

START_TEST(a_url_can_be_done_twice)
{
    struct co_url url;

    ck_assert_int_eq(parse("http://example.com/", &url), 0);
    co_url_done(&url);
    ck_assert_ptr_null(url.text);
    co_url_done(&url);
}
END_TEST

START_TEST(without_a_utf8_locale_an_international_name_is_refused)
{
    struct co_url url;

    setlocale(LC_CTYPE, "C");
    ck_assert_int_eq(parse("http://fa\u00df.de/", &url), CO_URL_BAD_IDN);
    ck_assert_int_eq(parse("http://fass.de/\u00df", &url), 0);
    co_url_done(&url);
    setlocale(LC_CTYPE, "C.UTF-8");
}
END_TEST

static const struct {
    const char *reference, *result; /* result NULL: see problem */
    int problem;
} references[] = {
    {"http://other.example/x", "http://other.example/x", 0},
    {"https://a.example/b/c?d", "https://a.example/b/c?d", 0},
    {"//other.example:8080/x", "https://other.example:8080/x", 0},
    {"/x", "https://a.example/x", 0},
    {"x", "https://a.example/b/x", 0},
    {"./x", "https://a.example/b/x", 0},
    {"../x", "https://a.example/x", 0},
    {"../../../x", "https://a.example/x", 0},
    {"?x", "https://a.example/b/c?x", 0},
    {"", "https://a.example/b/c?d", 0},
    {"#x", "https://a.example/b/c?d", 0},
    {"x#y", "https://a.example/b/x", 0},
    {"/x?u=http://b.example/", "https://a.example/x?u=http://b.example/", 0},
    {"x/y:z", "https://a.example/b/x/y:z", 0},
    {"/x y", "https://a.example/x%20y", 0},
    {"/\u00fc", "https://a.example/%C3%BC", 0},
    {"/\xe9", "https://a.example/%E9", 0},
    {"//127.1/", "https://127.0.0.1/", 0},
    {"//user:pass@b.example/", "https://b.example/", 0},

    {"ftp://b.example/", NULL, CO_URL_UNSUPPORTED_SCHEME},
    {"file:///etc/passwd", NULL, CO_URL_UNSUPPORTED_SCHEME},
    {"javascript:alert(1)", NULL, CO_URL_UNSUPPORTED_SCHEME},
    {"http:x", NULL, CO_URL_BAD_SLASHES},
    {"http:/x", NULL, CO_URL_BAD_SLASHES},
    {"http:///b.example/", NULL, CO_URL_BAD_SLASHES},
    {"///b.example/", NULL, CO_URL_BAD_SLASHES},
    {"//", NULL, CO_URL_NO_HOST},
    {"//b.example:0/", NULL, CO_URL_BAD_PORT},
    {"//[fe80::1%25eth0]/", NULL, CO_URL_ZONE_ID},
    {"//256.1.1.1/", NULL, CO_URL_BAD_IPV4},
    {"//b example/", NULL, CO_URL_BAD_HOST},
    {"\\\\b.example/", NULL, CO_URL_BACKSLASH},
    {"/x\r\nSet-Cookie: y", NULL, CO_URL_CONTROL_CHARACTER},
};

START_TEST(a_reference_is_resolved_against_its_base_and_checked_the_same)
{
    struct co_url base, url;
    const char *reference = references[_i].reference;

    ck_assert_int_eq(parse("https://u:p@a.example/b/c?d#e", &base), 0);
    int rc = co_url_resolve(&base, reference, strlen(reference), &url);
    ck_assert_int_eq(rc, references[_i].problem);
    if (rc == 0) {
        ck_assert_msg(strcasecmp(url.text, references[_i].result) == 0, "%s", url.text);
        ck_assert_msg(!url.user || strcmp(url.host, "b.example") == 0, "inherited userinfo");
        co_url_done(&url);
    }
    co_url_done(&base);
}
END_TEST

START_TEST(a_reference_cannot_make_a_url_longer_than_8_kib)
{
    struct co_url base, url;
    char *text = long_url(CO_URL_MAX_LENGTH);

    text[CO_URL_MAX_LENGTH - 1] = '/';
    ck_assert_int_eq(parse(text, &base), 0);
    ck_assert_int_eq(co_url_resolve(&base, "x", 1, &url), CO_URL_TOO_LONG);
    ck_assert_int_eq(co_url_resolve(&base, text, CO_URL_MAX_LENGTH + 1, &url), CO_URL_TOO_LONG);
    co_url_done(&base);
    free(text);
}
END_TEST

START_TEST(every_problem_has_a_code_of_its_own_and_a_sentence)
{
    for (int i = 0; i < CO_URL_N_PROBLEMS; i++) {
        enum co_url_problem problem = (enum co_url_problem)i;
        ck_assert_ptr_nonnull(co_url_problem_sentence(problem));
        for (int j = 0; j < i; j++)
            ck_assert_str_ne(co_url_problem_code(problem),
                             co_url_problem_code((enum co_url_problem)j));
    }
}
END_TEST

static int parse_or_resolve(bool resolve, const struct co_url *base, struct co_url *ret_url)
{
    return resolve ? co_url_resolve(base, "/c", 2, ret_url)
                   : parse("https://user:pass@example.com:8080/path?query", ret_url);
}

START_TEST(failed_allocation_is_reported_and_leaves_nothing_behind)
{
    struct co_url base, url;

    ck_assert_int_eq(parse("https://example.com/b", &base), 0);
    for (size_t n = 1;; n++) {
        size_t before = fault_live();
        fault_arm(n);
        int rc = parse_or_resolve(_i, &base, &url);
        if (!fault_disarm())
            break;
        ck_assert_int_eq(rc, -ENOMEM);
        ck_assert_uint_eq(fault_live(), before);
    }
    co_url_done(&url);
    co_url_done(&base);
}
END_TEST

/* libcurl 7.88 calls some of them a bad URL, so which error it is cannot be asked. */
START_TEST(failed_allocation_of_libcurl_leaves_nothing_behind)
{
    struct co_url base, url;
    size_t n;

    curl_global_cleanup(); /* libcurl may have initialised itself with the allocator of its own */
    curl_global_init_mem(CURL_GLOBAL_NOTHING, malloc, free, realloc, strdup, calloc);
    ck_assert_int_eq(parse("https://example.com/b", &base), 0);
    for (n = 1;; n++) {
        size_t before = fault_live();
        fault_arm(n);
        int rc = parse_or_resolve(_i, &base, &url);
        if (!fault_disarm())
            break;
        ck_assert_int_ne(rc, 0);
        ck_assert_uint_eq(fault_live(), before);
    }
    ck_assert_uint_gt(n, 3);
    co_url_done(&url);
    co_url_done(&base);
    curl_global_cleanup();
}
END_TEST

static void set_up(void)
{
    ck_assert_ptr_nonnull(setlocale(LC_CTYPE, "C.UTF-8"));
}

Suite *suite_url(void);

Suite *suite_url(void)
{
    Suite *suite = suite_create("url");
    TCase *tcase = tcase_create("url");

    tcase_add_checked_fixture(tcase, set_up, NULL);
    tcase_add_loop_test(tcase, every_spelling_of_a_url_has_one_canonical_form, 0, N_ELEMENTS(urls));
    tcase_add_loop_test(tcase, what_is_wrong_with_a_url_is_said_exactly, 0, N_ELEMENTS(bad_urls));
    tcase_add_test(tcase, a_nul_is_a_control_character_and_not_the_end);
    tcase_add_test(tcase, only_the_given_length_is_read);
    tcase_add_test(tcase, a_url_has_at_most_8_kib_also_when_canonical);
    tcase_add_loop_test(tcase, userinfo_is_kept_apart_from_the_text, 0, N_ELEMENTS(secrets));
    tcase_add_test(tcase, a_url_can_be_done_twice);
    tcase_add_test(tcase, without_a_utf8_locale_an_international_name_is_refused);
    tcase_add_loop_test(tcase, a_reference_is_resolved_against_its_base_and_checked_the_same, 0,
                        N_ELEMENTS(references));
    tcase_add_test(tcase, a_reference_cannot_make_a_url_longer_than_8_kib);
    tcase_add_test(tcase, every_problem_has_a_code_of_its_own_and_a_sentence);
    tcase_add_loop_test(tcase, failed_allocation_is_reported_and_leaves_nothing_behind, 0, 2);
    tcase_add_loop_test(tcase, failed_allocation_of_libcurl_leaves_nothing_behind, 0, 2);
    suite_add_tcase(suite, tcase);
    return suite;
}
