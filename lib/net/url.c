#include "lib/net/url.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/co/base.h"
#include "lib/net/host.h"
#include "lib/net/url_plain.h"

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

/* Before 8.8 an empty query was given without asking. */
#ifndef CURLU_GET_EMPTY
#define CURLU_GET_EMPTY 0
#endif

enum part { SCHEME, USER, PASSWORD, HOST, ZONE_ID, PORT, PATH, QUERY, N_PARTS };

struct parts {
    char *text[N_PARTS]; /* as curl gives them; NULL: the URL has no such part */
};

static const struct {
    CURLUPart part;
    unsigned flags;
    CURLUcode absent;
} curl_parts[N_PARTS] = {
    [SCHEME] = {CURLUPART_SCHEME, 0, CURLUE_NO_SCHEME},
    [USER] = {CURLUPART_USER, CURLU_URLDECODE, CURLUE_NO_USER},
    [PASSWORD] = {CURLUPART_PASSWORD, CURLU_URLDECODE, CURLUE_NO_PASSWORD},
    [HOST] = {CURLUPART_HOST, 0, CURLUE_NO_HOST},
    [ZONE_ID] = {CURLUPART_ZONEID, 0, CURLUE_NO_ZONEID},
    [PORT] = {CURLUPART_PORT, 0, CURLUE_NO_PORT},
    [PATH] = {CURLUPART_PATH, 0, CURLUE_OK},
    [QUERY] = {CURLUPART_QUERY, CURLU_GET_EMPTY, CURLUE_NO_QUERY},
};

static const struct {
    CURLUcode code;
    int outcome;
} outcomes[] = {
    {CURLUE_OK, 0},
    {CURLUE_OUT_OF_MEMORY, -ENOMEM},
    {CURLUE_BAD_SCHEME, CO_URL_NO_SCHEME},
    {CURLUE_UNSUPPORTED_SCHEME, CO_URL_UNSUPPORTED_SCHEME},
    {CURLUE_BAD_SLASHES, CO_URL_BAD_SLASHES},
    {CURLUE_BAD_LOGIN, CO_URL_BAD_USERINFO},
    {CURLUE_URLDECODE, CO_URL_BAD_USERINFO},
    {CURLUE_NO_HOST, CO_URL_NO_HOST},
    {CURLUE_BAD_HOSTNAME, CO_URL_BAD_HOST},
    {CURLUE_BAD_IPV6, CO_URL_BAD_IPV6},
    {CURLUE_BAD_PORT_NUMBER, CO_URL_BAD_PORT},
};

static int outcome_of(CURLUcode code)
{
    for (size_t i = 0; i < N_ELEMENTS(outcomes); i++)
        if (outcomes[i].code == code)
            return outcomes[i].outcome;
    return CO_URL_MALFORMED;
}

static void free_text(char **text)
{
    free(*text);
}

static void free_handle(CURLU **handle)
{
    curl_url_cleanup(*handle);
}

static void free_parts(struct parts *parts)
{
    for (size_t i = 0; i < N_PARTS; i++)
        curl_free(parts->text[i]);
}

/* Refuse what no URL has; *ret_flags is what curl has to be told about the rest. */
static int scan_bytes(const char *text, size_t length, unsigned *ret_flags)
{
    unsigned flags = 0;

    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c < ' ' || c == 0x7f)
            return CO_URL_CONTROL_CHARACTER;
        if (c == '\\')
            return CO_URL_BACKSLASH;
        if (c == ' ')
            flags |= CURLU_URLENCODE | CURLU_ALLOW_SPACE;
        if (c > 0x7f)
            flags |= CURLU_URLENCODE;
    }
    *ret_flags = flags;
    return 0;
}

static bool has_scheme(const char *text)
{
    size_t length = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                 "0123456789+-.");

    return text[length] == ':' && strchr("0123456789+-.:", text[0]) == NULL;
}

/* curl takes one to three slashes, and other parsers see another host behind three. */
static int check_slashes(const char *text)
{
    return strncmp(text, "//", 2) == 0 && text[2] != '/' ? 0 : CO_URL_BAD_SLASHES;
}

static int check_absolute(const char *text)
{
    if (strncasecmp(text, "http:", 5) == 0)
        return check_slashes(text + 5);
    if (strncasecmp(text, "https:", 6) == 0)
        return check_slashes(text + 6);
    if (strncmp(text, "\xef\xbb\xbf", 3) == 0) /* as some editors begin a list of URLs */
        return CO_URL_BYTE_ORDER_MARK;
    return has_scheme(text) ? CO_URL_UNSUPPORTED_SCHEME : CO_URL_NO_SCHEME;
}

static int check_reference(const char *text)
{
    if (has_scheme(text))
        return check_absolute(text);
    return strncmp(text, "//", 2) == 0 ? check_slashes(text) : 0;
}

/* Copy what curl gets to see: not the fragment, which is never sent. */
static int prepare(const char *text, size_t length, char **ret_copy, unsigned *ret_flags)
{
    if (length > CO_URL_MAX_LENGTH)
        return CO_URL_TOO_LONG;

    int problem = scan_bytes(text, length, ret_flags);
    if (problem)
        return problem;
    const char *fragment = memchr(text, '#', length);
    *ret_copy = strndup(text, fragment ? (size_t)(fragment - text) : length);
    return *ret_copy ? 0 : -ENOMEM;
}

static int set_url(CURLU *handle, const char *text, unsigned flags)
{
    return outcome_of(curl_url_set(handle, CURLUPART_URL, text, flags));
}

static int read_parts(CURLU *handle, struct parts *parts)
{
    for (size_t i = 0; i < N_PARTS; i++) {
        CURLUcode code =
            curl_url_get(handle, curl_parts[i].part, &parts->text[i], curl_parts[i].flags);
        if (code != CURLUE_OK && code != curl_parts[i].absent)
            return outcome_of(code);
    }
    return 0;
}

static bool is_ascii(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text > 0x7f)
            return false;
    return true;
}

/* libcurl (7.88 to 8.14 at least) leaks a host that has no Punycode form, but not the whole URL.
 * And 7.88 calls it "out of memory", so which error it is does not matter. */
static bool has_punycode(CURLU *handle)
{
    char *url;

    if (curl_url_get(handle, CURLUPART_URL, &url, CURLU_PUNYCODE) != CURLUE_OK)
        return false;
    curl_free(url);
    return true;
}

static int read_international_host(CURLU *handle, struct co_host *ret_host)
{
    char *punycode;

    if (!has_punycode(handle))
        return CO_URL_BAD_IDN;
    if (curl_url_get(handle, CURLUPART_HOST, &punycode, CURLU_PUNYCODE) != CURLUE_OK)
        return -ENOMEM;
    int problem = co_host_parse(punycode, ret_host);
    curl_free(punycode);
    return problem;
}

static int read_host(CURLU *handle, const char *text, struct co_host *ret_host)
{
    if (!text)
        return CO_URL_NO_HOST;
    return is_ascii(text) ? co_host_parse(text, ret_host)
                          : read_international_host(handle, ret_host);
}

static uint16_t default_port(bool is_https)
{
    return is_https ? 443 : 80;
}

/* Everything of the URL but its strings. */
static int read_values(const struct parts *parts, const struct co_host *host, struct co_url *url)
{
    const char *port = parts->text[PORT];

    if (parts->text[ZONE_ID])
        return CO_URL_ZONE_ID;
    url->is_https = strcmp(parts->text[SCHEME], "https") == 0;
    url->port = port ? (uint16_t)strtoul(port, NULL, 10) : default_port(url->is_https);
    if (url->port == 0)
        return CO_URL_BAD_PORT;
    url->address = host->address;
    if (url->address.family != AF_UNSPEC)
        url->address.port = url->port;
    return 0;
}

/* Append text with its NUL; returns the copy. Empty counts as absent. */
static const char *append(char **end, const char *text)
{
    if (!text || text[0] == '\0')
        return NULL;
    char *copy = *end;
    *end = stpcpy(copy, text) + 1;
    return copy;
}

/* Room for "https://[host]:65535" and its NUL. */
#define ORIGIN_SIZE (CO_HOST_MAX_LENGTH + sizeof("https://[]:65535"))

/* Write the origin; returns how much of it stands in the URL, where a default port does not. */
static size_t write_origin(const struct co_url *url, const char *host, char origin[ORIGIN_SIZE])
{
    bool is_ipv6 = url->address.family == AF_INET6;
    char *end = stpcpy(origin, url->is_https ? "https://" : "http://");

    end = stpcpy(end, is_ipv6 ? "[" : "");
    end = stpcpy(end, host);
    end = stpcpy(end, is_ipv6 ? "]" : "");
    int port_length = sprintf(end, ":%u", url->port);
    if (url->port != default_port(url->is_https))
        end += port_length;
    return (size_t)(end - origin);
}

static size_t size_of(const char *text)
{
    return text ? strlen(text) + 1 : 0;
}

/* All strings go into one block, the canonical text first. */
static int write_strings(const struct parts *parts, const char *host, struct co_url *url)
{
    char origin[ORIGIN_SIZE];
    size_t shared = write_origin(url, host, origin);
    const char *path = parts->text[PATH], *query = parts->text[QUERY];
    const char *user = parts->text[USER], *password = parts->text[PASSWORD];
    size_t text_size = shared + size_of(path) + size_of(query);

    if (text_size > CO_URL_MAX_LENGTH + 1)
        return CO_URL_TOO_LONG;
    char *end =
        malloc(text_size + size_of(origin) + size_of(host) + size_of(user) + size_of(password));
    if (!end)
        return -ENOMEM;

    url->text = end;
    memcpy(end, origin, shared);
    end = stpcpy(end + shared, path);
    if (query)
        end = stpcpy(stpcpy(end, "?"), query);
    end++;
    url->origin = append(&end, origin);
    url->host = append(&end, host);
    url->user = append(&end, user);
    url->password = append(&end, password);
    return 0;
}

static int finish(CURLU *handle, struct co_url *ret_url)
{
    CO_CLEANUP(free_parts) struct parts parts = {0};
    struct co_url url = {0};
    struct co_host host;
    int rc = read_parts(handle, &parts) ?: read_host(handle, parts.text[HOST], &host)
                 ?: read_values(&parts, &host, &url) ?: write_strings(&parts, host.text, &url);

    if (rc == 0)
        *ret_url = url;
    return rc;
}

static const char *append_bytes(char **end, const char *bytes, size_t n)
{
    char *copy = *end;

    memcpy(copy, bytes, n);
    copy[n] = '\0';
    *end = copy + n + 1;
    return copy;
}

/* A plain text is what libcurl would make of it. The origin is a part of it, but for the default
 * port. */
static int take_plain(const char *text, size_t length, const struct co_url_plain *plain,
                      struct co_url *ret_url)
{
    const char *port = plain->is_https ? ":443" : ":80";
    size_t host_length = plain->host_end - plain->host_start;
    bool has_port = plain->path_start > plain->host_end;
    char *end = malloc(length + 1 + plain->path_start + strlen(":443") + 1 + host_length + 1);

    if (!end)
        return -ENOMEM;
    *ret_url = (struct co_url){
        .text = end, .address = plain->address, .port = plain->port, .is_https = plain->is_https};
    append_bytes(&end, text, length);
    ret_url->origin = append_bytes(&end, text, plain->path_start);
    if (!has_port)
        end = stpcpy(end - 1, port) + 1;
    ret_url->host = append_bytes(&end, text + plain->host_start, host_length);
    return 0;
}

static bool is_plain(const char *text, size_t length, struct co_url_plain *ret_plain)
{
    return length <= CO_URL_MAX_LENGTH && co_url_plain_read(text, length, ret_plain);
}

static int parse(const char *text, size_t length, struct co_url *ret_url)
{
    CO_CLEANUP(free_handle) CURLU *handle = curl_url();
    CO_CLEANUP(free_text) char *copy = NULL;
    unsigned flags = 0;

    if (!handle)
        return -ENOMEM;
    int rc = prepare(text, length, &copy, &flags);
    if (rc != 0)
        return rc;
    if (flags & CURLU_ALLOW_SPACE)
        return CO_URL_SPACE;
    return check_absolute(copy) ?: set_url(handle, copy, flags) ?: finish(handle, ret_url);
}

int co_url_parse(const char *text, size_t length, struct co_url *ret_url)
{
    struct co_url_plain plain;

    return is_plain(text, length, &plain) ? take_plain(text, length, &plain, ret_url)
                                          : parse(text, length, ret_url);
}

static int resolve(const struct co_url *base, const char *reference, size_t length,
                   struct co_url *ret_url)
{
    CO_CLEANUP(free_handle) CURLU *handle = curl_url();
    CO_CLEANUP(free_text) char *copy = NULL;
    unsigned flags = 0;

    if (!handle)
        return -ENOMEM;
    int rc = prepare(reference, length, &copy, &flags) ?: check_reference(copy)
                 ?: set_url(handle, base->text, 0);
    /* curl takes an empty reference for the folder; it is the base itself. */
    if (rc == 0 && copy[0] != '\0')
        rc = set_url(handle, copy, flags);
    return rc ? rc : finish(handle, ret_url);
}

int co_url_resolve(const struct co_url *base, const char *reference, size_t length,
                   struct co_url *ret_url)
{
    struct co_url_plain plain;

    return is_plain(reference, length, &plain) ? take_plain(reference, length, &plain, ret_url)
                                               : resolve(base, reference, length, ret_url);
}

void co_url_done(struct co_url *url)
{
    free(url->text);
    *url = (struct co_url){0};
}
