/* Random URLs, and what must be so of every one that is accepted, whatever it looks like. */

#include "lib/net/url.h"

#include <arpa/inet.h>
#include <check.h>
#include <curl/curl.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/random.h"

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

static const char *const seeds[] = {
    "http://example.com",
    "https://user:pass@example.com:8443/path/../x?query=1#fragment",
    "HTTP://EXAMPLE.com./%41?",
    "http://a@b@example.com/",
    "http://127.1:80/",
    "http://0x7f.0.0.1./",
    "http://2130706433/",
    "https://[2001:DB8::1]:443/",
    "http://[::ffff:127.0.0.1]/",
    "http://[fe80::1%25eth0]/",
    "http://fa\u00df.de/\u00fc",
    "http://\u2460.\uff12.3.4/",
    "http://%31%32%37.0.0.1/",
    "http:///example.com//a",
    "ftp://example.com/",
    "//example.com/a b",
    "../../x/./y?z",
};

static int parse(const char *text, struct co_url *ret_url)
{
    return co_url_parse(text, strlen(text), ret_url);
}

static bool has_part(CURLU *handle, CURLUPart part, const char *expected)
{
    char *text = NULL;
    bool same = curl_url_get(handle, part, &text, CURLU_DEFAULT_PORT) == CURLUE_OK &&
                strcmp(text, expected) == 0;

    curl_free(text);
    return same;
}

static bool libcurl_connects_to_what_was_checked(const struct co_url *url)
{
    CURLU *handle = curl_url();
    char host[300], port[6];

    snprintf(host, sizeof(host), url->address.family == AF_INET6 ? "[%s]" : "%s", url->host);
    snprintf(port, sizeof(port), "%u", url->port);
    bool same = curl_url_set(handle, CURLUPART_URL, url->text, 0) == CURLUE_OK &&
                has_part(handle, CURLUPART_SCHEME, url->is_https ? "https" : "http") &&
                has_part(handle, CURLUPART_HOST, host) && has_part(handle, CURLUPART_PORT, port);
    curl_url_cleanup(handle);
    return same;
}

/* What a reader who knows nothing but RFC 3986 takes for the authority. */
static bool authority_is_plain(const struct co_url *url)
{
    const char *authority = strstr(url->text, "://") + 3;
    size_t length = strcspn(authority, "/?#");
    const char *in_origin = strstr(url->origin, "://") + 3;

    return strncmp(authority, in_origin, length) == 0 &&
           (in_origin[length] == '\0' || in_origin[length] == ':') &&
           memchr(authority, '@', length) == NULL;
}

static bool text_is_plain_ascii(const struct co_url *url)
{
    for (const char *at = url->text; *at; at++)
        if (*at <= ' ' || *at >= 0x7f || *at == '\\' || *at == '#')
            return false;
    return true;
}

static bool parsing_again_changes_nothing(const struct co_url *url)
{
    struct co_url again;

    if (parse(url->text, &again) != 0)
        return false;
    bool same = strcmp(again.text, url->text) == 0 && strcmp(again.origin, url->origin) == 0 &&
                strcmp(again.host, url->host) == 0 &&
                co_address_equal(&again.address, &url->address) && !again.user && !again.password;
    co_url_done(&again);
    return same;
}

static bool only_addresses_look_like_addresses(const struct co_url *url)
{
    struct in_addr in;

    return (inet_aton(url->host, &in) != 0) == (url->address.family == AF_INET);
}

static bool port_is_not_zero(const struct co_url *url)
{
    return url->port != 0;
}

static const struct {
    const char *name;
    bool (*holds)(const struct co_url *url);
} properties[] = {
    {"libcurl connects to what was checked", libcurl_connects_to_what_was_checked},
    {"authority is plain", authority_is_plain},
    {"text is plain ASCII", text_is_plain_ascii},
    {"parsing again changes nothing", parsing_again_changes_nothing},
    {"only addresses look like addresses", only_addresses_look_like_addresses},
    {"port is not 0", port_is_not_zero},
};

static void expect_sound(const struct co_url *url)
{
    for (size_t i = 0; i < N_ELEMENTS(properties); i++)
        if (!properties[i].holds(url))
            ck_abort_msg("not so: %s: %s", properties[i].name, url->text);
}

/* A seed with up to four pieces put in, or in the place of one or two bytes. */
static size_t mutated_url(struct random *random, char text[static 256])
{
    static const char *const pieces[] = {
        "http://", "https:", "//",     "/",      ".",      "..",   ":",      "@",
        "?",       "#",      "[",      "]",      "%",      "%2f",  "%40",    "0x",
        "0",       "1.",     "::",     "80",     "a",      " ",    ";",      "&",
        "\\",      "\uff0e", "\u3002", "\u2460", "\u00df", "\xc3", "\uff20", "\u00ad"};
    const char *seed = seeds[random_below(random, N_ELEMENTS(seeds))];
    size_t length = strlen(strcpy(text, seed));

    for (uint32_t n = random_below(random, 5); n > 0; n--) {
        size_t at = random_below(random, (uint32_t)length + 1);
        const char *piece = pieces[random_below(random, N_ELEMENTS(pieces))];
        size_t added = strlen(piece);
        size_t removed = random_below(random, 3);
        if (removed > length - at)
            removed = length - at;
        memmove(text + at + added, text + at + removed, length - at - removed);
        memcpy(text + at, piece, added);
        length += added - removed;
    }
    text[length] = '\0';
    return length;
}

START_TEST(an_accepted_url_means_one_thing_to_everybody)
{
    struct random random = {4};
    size_t n_accepted = 0;

    for (int i = 0; i < 30000; i++) {
        char text[256];
        struct co_url url;
        size_t length = mutated_url(&random, text);

        if (co_url_parse(text, length, &url) == 0) {
            n_accepted++;
            expect_sound(&url);
            co_url_done(&url);
        }
    }
    ck_assert_uint_gt(n_accepted, 3000);
}
END_TEST

START_TEST(an_accepted_reference_means_one_thing_to_everybody)
{
    struct random random = {5};
    size_t n_accepted = 0;

    for (int i = 0; i < 20000; i++) {
        char text[256];
        struct co_url base, url;
        size_t length = mutated_url(&random, text);
        size_t skipped = random_below(&random, (uint32_t)length + 1);

        if (parse(seeds[random_below(&random, N_ELEMENTS(seeds))], &base) != 0)
            continue;
        if (co_url_resolve(&base, text + skipped, length - skipped, &url) == 0) {
            n_accepted++;
            expect_sound(&url);
            co_url_done(&url);
        }
        co_url_done(&base);
    }
    ck_assert_uint_gt(n_accepted, 3000);
}
END_TEST

static void set_up(void)
{
    ck_assert_ptr_nonnull(setlocale(LC_CTYPE, "C.UTF-8"));
}

Suite *suite_url_properties(void);

Suite *suite_url_properties(void)
{
    Suite *suite = suite_create("url_properties");
    TCase *tcase = tcase_create("url_properties");

    tcase_add_checked_fixture(tcase, set_up, NULL);
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, an_accepted_url_means_one_thing_to_everybody);
    tcase_add_test(tcase, an_accepted_reference_means_one_thing_to_everybody);
    suite_add_tcase(suite, tcase);
    return suite;
}
