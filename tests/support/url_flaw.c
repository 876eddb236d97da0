#include "tests/support/url_flaw.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

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

    if (co_url_parse(url->text, strlen(url->text), &again) != 0)
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

const char *url_flaw(const struct co_url *url)
{
    for (size_t i = 0; i < N_ELEMENTS(properties); i++)
        if (!properties[i].holds(url))
            return properties[i].name;
    return NULL;
}
