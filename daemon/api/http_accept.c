#include "daemon/api/http_accept.h"

#include <string.h>
#include <strings.h>

enum { WEIGHT_MAX = 1000, NOT_NAMED = -1 };

/* One element of a list: "text/html;level=1;q=0.5". */
struct preference {
    const char *name;
    size_t length;
    int weight; /* in thousandths */
};

/* --- Reading ---------------------------------------------------------------------------------- */

static bool is_space(char c)
{
    return c == ' ' || c == '\t';
}

static const char *skip_spaces(const char *text)
{
    while (is_space(*text))
        text++;
    return text;
}

/* "1", "1.", "0.5", "0.333"; anything else counts as 0. */
static int read_weight(const char *text, size_t length)
{
    int weight = 0;

    if (length == 0 || length > 5 || (text[0] != '0' && text[0] != '1') ||
        (length > 1 && text[1] != '.'))
        return 0;
    for (size_t i = 0, worth = WEIGHT_MAX; i < length; i++) {
        if (i == 1)
            continue;
        if (text[i] < '0' || text[i] > '9')
            return 0;
        weight += (text[i] - '0') * (int)worth;
        worth /= 10;
    }
    return weight <= WEIGHT_MAX ? weight : 0;
}

/* Up to the next ';' or ',', without the spaces around it. */
static size_t token_length(const char *text)
{
    size_t length = strcspn(text, ";,");

    while (length > 0 && is_space(text[length - 1]))
        length--;
    return length;
}

/* Reads the next element. returns what follows it; NULL: there was none */
static const char *read_preference(const char *text, struct preference *ret_preference)
{
    text += strspn(text, " \t,");
    if (*text == '\0')
        return NULL;
    *ret_preference = (struct preference){text, token_length(text), WEIGHT_MAX};
    text += strcspn(text, ";,");
    while (*text == ';') {
        text = skip_spaces(text + 1);
        if (strncasecmp(text, "q=", 2) == 0)
            ret_preference->weight = read_weight(text + 2, token_length(text + 2));
        text += strcspn(text, ";,");
    }
    return text;
}

/* --- Matching --------------------------------------------------------------------------------- */

/* How well a range matches a type: 3: by name, 2: "text/\*", 1: everything, 0: not at all. */
static int closeness(const struct preference *range, const char *type)
{
    const char *slash = strchr(type, '/');
    size_t kind_length = slash != NULL ? (size_t)(slash - type) + 1 : 0;

    if (range->length == strlen(type) && strncasecmp(range->name, type, range->length) == 0)
        return 3;
    if (kind_length > 0 && range->length == kind_length + 1 &&
        strncasecmp(range->name, type, kind_length) == 0 && range->name[kind_length] == '*')
        return 2;
    return strncmp(range->name, slash != NULL ? "*/*" : "*", range->length) == 0 &&
           range->length == (slash != NULL ? 3 : 1);
}

/* Of the elements that match, the one that says most of it counts.
 *
 * returns  its weight; NOT_NAMED: none matches
 */
static int weight_of(const struct http_exchange *exchange, const char *header, const char *type)
{
    const char *value = NULL;
    int weight = NOT_NAMED, closest = 0;
    struct preference range;

    while ((value = http_header_next(exchange, header, value)) != NULL) {
        for (const char *at = value; (at = read_preference(at, &range)) != NULL;) {
            int close = closeness(&range, type);
            if (close > closest) {
                closest = close;
                weight = range.weight;
            }
        }
    }
    return weight;
}

int http_accept_choose(const struct http_exchange *exchange, const char *const *types,
                       size_t n_types)
{
    int best = -1, best_weight = 0;

    if (http_header(exchange, "Accept") == NULL)
        return 0;
    for (size_t i = 0; i < n_types; i++) {
        int weight = weight_of(exchange, "Accept", types[i]);
        if (weight > best_weight) {
            best = (int)i;
            best_weight = weight;
        }
    }
    return best;
}

bool http_accept_gzip(const struct http_exchange *exchange)
{
    int gzip = weight_of(exchange, "Accept-Encoding", "gzip");
    int plain = weight_of(exchange, "Accept-Encoding", "identity");

    return gzip > 0 && gzip >= plain;
}
