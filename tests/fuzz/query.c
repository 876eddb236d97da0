/* The target of a request, as handlers of lists get to see it: the whole input is one. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/api/http_exchange_private.h"
#include "daemon/api/http_guard.h"
#include "daemon/api/http_target.h"
#include "daemon/api/list_query.h"
#include "daemon/api/result_page.h"
#include "daemon/api/wait.h"

#include "tests/fuzz/fuzz.h"

enum { TEXT_MAX = 64 * 1024, NUMBER_MAX = 32 };

#define CURSOR "a cursor & more?" /* of the next page */

static int expect_memory(int rc)
{
    fuzz_expect(rc != -ENOMEM, "there is memory", "");
    return rc;
}

/* --- Parts ----------------------------------------------------------------------------------- */

static void check_split(const char *text, const struct http_target *target)
{
    const char *mark = strchr(text, '?');
    size_t length = mark != NULL ? (size_t)(mark - text) : strlen(text);
    bool has_path = target->path >= text && target->path <= text + length;
    size_t before = target->authority != NULL ? strlen("http://") : 0;

    fuzz_expect(strcmp(target->query, mark != NULL ? mark + 1 : "") == 0,
                "the query is what follows the first question mark", text);
    fuzz_expect(target->path[0] == '/' || strcmp(text, "*") == 0, "a path begins with a slash",
                text);
    fuzz_expect(before + target->authority_length + (has_path ? target->path_length : 0) == length,
                "nothing is between authority, path and query", text);
    fuzz_expect(target->authority == NULL ||
                    memchr(target->authority, '/', target->authority_length) == NULL,
                "an authority has no path", text);
}

/* --- Decoding, once more --------------------------------------------------------------------- */

/* Of what is well-formed. */
static char *decode(char *text)
{
    char *out = text;
    unsigned byte;

    for (const char *at = text; *at != '\0'; at++) {
        bool is_escape = *at == '%' && sscanf(at + 1, "%2x", &byte) == 1;
        *out++ = is_escape ? (char)byte : *at;
        at += is_escape ? 2 : 0;
    }
    *out = '\0';
    return text;
}

static void append(struct buffer *out, const char *text)
{
    fuzz_expect(buffer_append(out, text, strlen(text) + 1) == 0, "there is memory", text);
}

/* Names and values of the parameters, each with its NUL. */
static void decode_query(const char *query, struct buffer *out)
{
    char *copy = strdup(query), *rest = copy, *pair;

    fuzz_expect(copy != NULL, "there is memory", "");
    for (char *plus = copy; (plus = strchr(plus, '+')) != NULL;)
        *plus = ' ';
    while ((pair = strsep(&rest, "&")) != NULL) {
        char *value = pair, *name = strsep(&value, "=");
        if (*pair == '\0' && value == NULL)
            continue;
        append(out, decode(name));
        append(out, value != NULL ? decode(value) : "");
    }
    free(copy);
}

/* --- An exchange ----------------------------------------------------------------------------- */

/* On a socket without a port, and under the name that the target says. */
static bool begin(struct http_exchange *exchange, const char *text)
{
    static const struct string_list none;
    static const struct http_site site = {.hosts = &none, .origins = &none};
    struct http_target target = {.authority = NULL};

    http_target_split(text, &target);
    char *host = target.authority != NULL ? strndup(target.authority, target.authority_length)
                                          : strdup("localhost");
    const struct http_field field = {"Host", host, strlen("Host"), strlen(host)};
    const struct http_head head = {"GET", text, "HTTP/1.1", &field, .n_fields = 1};
    bool is_served = http_guard_check(&head, &site) == NULL;

    http_exchange_init(exchange);
    if (is_served)
        expect_memory(http_exchange_set_head(exchange, &head));
    free(host);
    return is_served;
}

static int collect(void *arg, const char *name, const char *value)
{
    append(arg, name);
    append(arg, value);
    return 0;
}

static bool is_same(const struct buffer *a, const struct buffer *b)
{
    return a->len == b->len && (a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}

static void check_params(const struct http_exchange *exchange, const char *query)
{
    struct buffer found, expected;

    buffer_init(&found, TEXT_MAX);
    buffer_init(&expected, TEXT_MAX);
    http_query_each(exchange, collect, &found);
    decode_query(query, &expected);
    fuzz_expect(is_same(&found, &expected), "parameters are decoded, in their order", query);
    buffer_done(&found);
    buffer_done(&expected);
}

/* --- Paths ----------------------------------------------------------------------------------- */

static void check_segment(const char *found, const char *raw)
{
    char *expected = strdup(raw);

    fuzz_expect(expected != NULL && strcmp(found, decode(expected)) == 0,
                "a segment is decoded, and no other is cut off or added", raw);
    fuzz_expect(strcmp(found, "..") != 0 && strchr(found, '/') == NULL,
                "no path means another one when it is decoded", raw);
    for (const char *at = found; *at != '\0'; at++)
        fuzz_expect(!iscntrl((unsigned char)*at), "a path is visible", raw);
    free(expected);
}

static void check_path(struct http_exchange *exchange)
{
    static const struct http_route routes[] = {
        {.method = "GET", .path = "/{a}"},
        {.method = "GET", .path = "/{a}/{b}"},
        {.method = "GET", .path = "/{a}/{b}/{c}"},
        {.method = "GET", .path = "/{a}/{b}/{c}/{d}"},
    };
    char *path = strdup(http_path(exchange)), *rest = path, *segment;
    struct route_match match;

    fuzz_expect(path != NULL, "there is memory", "");
    if (route_find(routes, sizeof(routes) / sizeof(routes[0]), "GET", path, &match) ==
        ROUTE_FOUND) {
        http_exchange_set_route(exchange, &match);
        strsep(&rest, "/");
        for (size_t i = 0; (segment = strsep(&rest, "/")) != NULL; i++)
            check_segment(http_path_param(exchange, i), segment);
    }
    free(path);
}

/* --- A list's parameters --------------------------------------------------------------------- */

struct list {
    size_t limit;
    struct result_query results;
    struct wait_request wait;
};

static int take_limit(void *query, const char *name, const char *value)
{
    (void)name;
    return list_take_limit(value, &((struct list *)query)->limit);
}

static bool is_limit(const char *value)
{
    return fuzz_matches(value, "^[0-9]{1,18}$") && strtoull(value, NULL, 10) - 1 < LIST_MAX_LIMIT;
}

/* What is written of a cursor is what was read. */
static int take_cursor(void *query, const char *name, const char *value)
{
    struct result_cursor *cursor = &((struct list *)query)->results.from;
    char text[RESULT_CURSOR_SIZE];
    int rc = result_cursor_parse(value, cursor);

    (void)name;
    if (rc == 0) {
        result_cursor_format(cursor, text);
        fuzz_expect(cursor->in_rest == (*value == 'r') && cursor->in_rest == (text[0] == 'r'),
                    "a cursor keeps its half", value);
        value += *value == 'r';
        value += strspn(value, "0");
        fuzz_expect(strcmp(text + cursor->in_rest, *value != '\0' ? value : "0") == 0,
                    "a cursor keeps its number", value);
    }
    return rc;
}

static bool is_cursor(const char *value)
{
    return fuzz_matches(value, "^r?[0-9]{1,18}$");
}

static uint64_t milliseconds(const char *value)
{
    static const struct {
        const char *unit;
        unsigned factor;
    } units[] = {{"", 1000}, {"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}};
    unsigned __int128 ms = 0;

    for (; isdigit((unsigned char)*value); value++)
        if (ms <= UINT64_MAX)
            ms = ms * 10 + (unsigned)(*value - '0');
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
        if (strcmp(units[i].unit, value) == 0)
            ms *= units[i].factor;
    return ms < UINT64_MAX ? (uint64_t)ms : UINT64_MAX;
}

static int take_wait(void *query, const char *name, const char *value)
{
    struct wait_request *wait = &((struct list *)query)->wait;
    int rc = wait_take(value, wait);

    (void)name;
    fuzz_expect(rc < 0 || wait->ms == milliseconds(value), "a time is as long as it says", value);
    return rc;
}

static bool is_wait(const char *value)
{
    return fuzz_matches(value, "^[0-9]+(ms|s|m|h)?$");
}

static int take_outcome(void *query, const char *name, const char *value)
{
    return result_query_take_outcome(&((struct list *)query)->results, name, value);
}

static bool is_outcome(const char *value)
{
    return fuzz_matches(value, "^(success|http_error|assertion_failed|transport_error|blocked|"
                               "interrupted|canceled|skipped)$");
}

static int take_label(void *query, const char *name, const char *value)
{
    (void)query, (void)name, (void)value;
    return 0;
}

static const struct list_param params[] = {
    {"limit", take_limit, "a number"},  {"cursor", take_cursor, "a cursor"},
    {"wait", take_wait, wait_expects},  {"outcome", take_outcome, outcome_names},
    {"label.", take_label, "anything"}, {.name = NULL},
};

/* seen: a bit for each of those that may be there once */
static bool is_sound(const char *name, const char *value, unsigned *seen)
{
    static const struct {
        const char *name;
        bool (*is_sound)(const char *value);
    } known[] = {
        {"limit", is_limit}, {"cursor", is_cursor}, {"wait", is_wait}, {"outcome", is_outcome}};

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (strcmp(known[i].name, name) != 0)
            continue;
        bool is_repeated = (*seen >> i & 1) != 0;
        *seen |= 1U << i;
        return !is_repeated && known[i].is_sound(value);
    }
    return strncmp(name, "label.", strlen("label.")) == 0;
}

static int find_flaw(void *arg, const char *name, const char *value)
{
    return !is_sound(name, value, arg);
}

/* It is taken if each of its parameters is sound, and refused with an answer if one is not. */
static void check_list(struct http_exchange *exchange, const char *text)
{
    struct list list = {.limit = LIST_DEFAULT_LIMIT};
    int rc = expect_memory(list_query_read(exchange, params, &list));
    unsigned seen = 0;

    fuzz_expect(rc == http_query_each(exchange, find_flaw, &seen),
                "a query is taken if it is sound", text);
    fuzz_expect(exchange->answer.status == (rc == 0 ? 0 : 400), "what is refused is answered",
                text);
    fuzz_expect(list.limit >= 1 && list.limit <= LIST_MAX_LIMIT, "a page has a limit", text);
    http_answer_reset(exchange);
}

/* --- The next page --------------------------------------------------------------------------- */

static int collect_but_cursor(void *arg, const char *name, const char *value)
{
    return strcmp(name, "cursor") != 0 ? collect(arg, name, value) : 0;
}

/* Follows <TARGET>; rel="next" */
static void check_link(const struct http_exchange *exchange, char *link, const char *text)
{
    struct http_exchange next;
    struct buffer found, expected;

    fuzz_expect(link[0] == '<' && strstr(link, ">; rel=\"next\"") != NULL, "a link is one", text);
    *strstr(link, ">; rel=\"next\"") = '\0';
    buffer_init(&found, TEXT_MAX);
    buffer_init(&expected, TEXT_MAX);
    fuzz_expect(begin(&next, link + 1), "a link can be followed", link + 1);
    http_query_each(exchange, collect_but_cursor, &expected);
    collect(&expected, "cursor", CURSOR);
    http_query_each(&next, collect, &found);
    fuzz_expect(strcmp(http_path(exchange), http_path(&next)) == 0 && is_same(&found, &expected),
                "the next page is of the same list", text);
    buffer_done(&found);
    buffer_done(&expected);
    http_exchange_done(&next);
}

static void check_next(struct http_exchange *exchange, const char *text)
{
    const char *name = NULL, *value;

    if (strchr(http_path(exchange), '>') != NULL) /* no list is there */
        return;
    expect_memory(list_answer_next(exchange, CURSOR));
    if (http_answer_next_field(&exchange->answer, &name, &value)) {
        char *link = strdup(value);
        fuzz_expect(link != NULL, "there is memory", "");
        check_link(exchange, link, text);
        free(link);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    struct fuzz_input input = {bytes, n_bytes};
    char *text = fuzz_line(&input);
    struct http_target target;
    struct http_exchange exchange;

    if (http_target_split(text, &target)) {
        check_split(text, &target);
        if (begin(&exchange, text)) {
            check_params(&exchange, target.query);
            check_path(&exchange);
            check_list(&exchange, text);
            check_next(&exchange, text);
        }
        http_exchange_done(&exchange);
    }
    free(text);
    return 0;
}
