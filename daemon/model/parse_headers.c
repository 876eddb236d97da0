#include "daemon/model/parse_headers.h"

#include <jansson.h>
#include <string.h>
#include <strings.h>

enum {
    NAME_SIZE_MAX = 256,
    VALUE_SIZE_MAX = 16 * 1024,
};

/* They are between two neighbours on the way, or say where a message ends: ours to send. */
static const char *const forbidden[] = {
    "Connection", "Content-Length",
    "Expect",     "HTTP2-Settings",
    "Keep-Alive", "TE",
    "Trailer",    "Transfer-Encoding",
    "Upgrade",    NULL,
};

/* What a proxy is told, who asks above all, is the operator's. */
static const char proxy_prefix[] = "Proxy-";

/* --- Syntax ----------------------------------------------------------------------------------- */

bool parse_is_token(const char *text, size_t length)
{
    static const char allowed[] = "!#$%&'*+-.^_`|~0123456789"
                                  "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    return length > 0 && strspn(text, allowed) == length;
}

static bool is_forbidden(const char *name)
{
    const char *const *at = forbidden;

    while (*at != NULL && strcasecmp(*at, name) != 0)
        at++;
    return *at != NULL;
}

static bool is_value(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        if ((c < ' ' && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

/* returns whether the name may be used; if not, there is a defect */
static bool check_name(struct parse_reader *reader, const struct parse_at *at)
{
    size_t length = strlen(at->key);

    if (parse_is_too_long(reader, at, length, NAME_SIZE_MAX))
        return false;
    if (!parse_is_token(at->key, length)) {
        parse_defect(reader, at, "invalid_header",
                     "a header name is made of letters, digits and !#$%%&'*+-.^_`|~");
        return false;
    }
    if (is_forbidden(at->key)) {
        parse_defect(reader, at, "forbidden_header", "gatherd sets this header itself");
        return false;
    }
    if (strncasecmp(at->key, proxy_prefix, strlen(proxy_prefix)) == 0) {
        parse_defect(reader, at, "forbidden_header",
                     "what proxies are told is set by the operator (fetch.proxies)");
        return false;
    }
    return true;
}

/* --- Merging ---------------------------------------------------------------------------------- */

void parse_headers_init(struct parse_headers *list, const struct fetch_options *options)
{
    list->n_headers = options->n_headers;
    if (options->n_headers > 0)
        memcpy(list->headers, options->headers, options->n_headers * sizeof(list->headers[0]));
}

static int add(struct parse_reader *reader, const struct parse_at *at, struct parse_headers *list,
               struct co_http_header header)
{
    if (list->n_headers == PARSE_HEADERS_MAX)
        return parse_defect(reader, at, "too_many", "a request may have at most %d headers",
                            PARSE_HEADERS_MAX);
    list->headers[list->n_headers++] = header;
    return 0;
}

void parse_headers_add_default(struct parse_reader *reader, const struct parse_at *at,
                               struct parse_headers *list, const char *name, const char *value)
{
    for (size_t i = 0; i < list->n_headers; i++)
        if (strcasecmp(list->headers[i].name, name) == 0)
            return;
    add(reader, at, list, (struct co_http_header){name, value});
}

/* One object that is being put over a list. */
struct merge {
    struct parse_headers *list;
    size_t n_below;   /* of the list's headers, how many are from below: the first ones */
    const char *name; /* of the member that is being read; copied */
};

/* Moves the headers that are not called name to the front. returns how many there are */
static size_t remove_named(struct co_http_header *headers, size_t n, const char *name)
{
    size_t n_left = 0;

    for (size_t i = 0; i < n; i++)
        if (strcasecmp(headers[i].name, name) != 0)
            headers[n_left++] = headers[i];
    return n_left;
}

void parse_headers_remove(struct parse_headers *list, const char *name)
{
    list->n_headers = remove_named(list->headers, list->n_headers, name);
}

static void remove_below(struct merge *merge, const char *name)
{
    struct parse_headers *list = merge->list;
    size_t n_left = remove_named(list->headers, merge->n_below, name);
    size_t n_own = list->n_headers - merge->n_below;

    memmove(&list->headers[n_left], &list->headers[merge->n_below],
            n_own * sizeof(list->headers[0]));
    merge->n_below = n_left;
    list->n_headers = n_left + n_own;
}

static bool has_own(const struct merge *merge, const char *name)
{
    const struct parse_headers *list = merge->list;

    for (size_t i = merge->n_below; i < list->n_headers; i++)
        if (strcasecmp(list->headers[i].name, name) == 0)
            return true;
    return false;
}

static int take_value(struct parse_reader *reader, const struct parse_at *at, const char *text,
                      size_t length, void *arg)
{
    struct merge *merge = arg;
    struct co_http_header header = {.name = merge->name};

    if (parse_is_too_long(reader, at, length, VALUE_SIZE_MAX))
        return 0;
    if (!is_value(text, length))
        return parse_defect(reader, at, "invalid_header",
                            "a header value must not contain line breaks or other control "
                            "characters");
    if (strcasecmp(merge->name, "Host") == 0 && has_own(merge, "Host"))
        return parse_defect(reader, at, "invalid_header", "Host can be sent only once");
    return parse_copy(reader, text, length, &header.value) ?: add(reader, at, merge->list, header);
}

static int merge_member(struct parse_reader *reader, const struct parse_at *at,
                        struct json_t *value, struct merge *merge)
{
    if (!check_name(reader, at))
        return 0;
    if (has_own(merge, at->key))
        return parse_defect(reader, at, "duplicate_header",
                            "this header was given already; an array sends it repeatedly");
    remove_below(merge, at->key);
    if (json_is_null(value))
        return strcasecmp(at->key, "Host") != 0
                   ? 0
                   : parse_defect(reader, at, "invalid_header", "no request goes without a Host");
    return parse_copy(reader, at->key, strlen(at->key), &merge->name)
               ?: parse_strings(reader, at, value, take_value, merge);
}

int parse_headers_merge(struct parse_reader *reader, const struct parse_at *at,
                        struct json_t *object, struct parse_headers *list)
{
    struct merge merge = {.list = list, .n_below = list->n_headers};
    const char *name;
    struct json_t *value;

    json_object_foreach(object, name, value)
    {
        const struct parse_at place = {.parent = at, .key = name};
        int rc = merge_member(reader, &place, value, &merge);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static bool is_same(const char *a, const char *b)
{
    return a == b || strcmp(a, b) == 0;
}

bool parse_headers_are(const struct parse_headers *list, const struct fetch_options *options)
{
    size_t i = 0;

    while (i < list->n_headers && i < options->n_headers &&
           is_same(list->headers[i].name, options->headers[i].name) &&
           is_same(list->headers[i].value, options->headers[i].value))
        i++;
    return i == list->n_headers && i == options->n_headers;
}

int parse_headers_keep(struct parse_reader *reader, const struct parse_headers *list,
                       struct fetch_options *options)
{
    size_t size = list->n_headers * sizeof(list->headers[0]);
    struct co_http_header *headers = arena_alloc(&reader->spec->arena, size);

    if (headers == NULL)
        return parse_no_room(reader, size);
    memcpy(headers, list->headers, size);
    options->headers = headers;
    options->n_headers = list->n_headers;
    return 0;
}
