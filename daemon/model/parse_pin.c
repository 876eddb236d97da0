#include "daemon/model/parse_pin.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "lib/co/base.h"
#include "lib/net/dns.h"

enum {
    PINS_MAX = 64,
    PIN_SIZE_MAX = 2048,
};

struct pins {
    struct fetch_pin *pins;
    size_t n;
};

static int malformed(struct parse_reader *reader, const struct parse_at *at)
{
    return parse_defect(reader, at, "invalid_value",
                        "must be HOST:PORT:ADDRESS[,ADDRESS...], such as "
                        "\"www.example.com:443:203.0.113.7\"");
}

/* --- The host --------------------------------------------------------------------------------- */

/* Where "HOST:PORT" ends. NULL: it is none. */
static const char *end_of_origin(const char *text)
{
    const char *host_end = text[0] == '[' ? strchr(text, ']') : text;
    const char *colon = host_end != NULL ? strchr(host_end, ':') : NULL;
    size_t n_digits = colon != NULL ? strspn(colon + 1, "0123456789") : 0;

    return n_digits > 0 && colon[1 + n_digits] == ':' ? colon + 1 + n_digits : NULL;
}

/* Read as part of a URL, so that it is the host of URLs that it is meant for. */
static int read_host(struct parse_reader *reader, const struct parse_at *at, const char *text,
                     size_t length, struct fetch_pin *pin)
{
    CO_CLEANUP(co_url_done) struct co_url url = {0};
    char buffer[PIN_SIZE_MAX + sizeof("http:///")];

    if (memchr(text, '@', length) != NULL || memchr(text, '/', length) != NULL ||
        memchr(text, '?', length) != NULL || memchr(text, '#', length) != NULL)
        return malformed(reader, at);
    int n = snprintf(buffer, sizeof(buffer), "http://%.*s/", (int)length, text);
    int rc = co_url_parse(buffer, (size_t)n, &url);
    if (rc != 0)
        return rc < 0 ? rc
                      : parse_defect(reader, at, "invalid_value", "%s",
                                     co_url_problem_sentence((enum co_url_problem)rc));
    pin->port = url.port;
    return parse_copy(reader, url.host, strlen(url.host), &pin->host);
}

/* --- Addresses -------------------------------------------------------------------------------- */

static size_t count_addresses(const char *text)
{
    size_t n = 1;

    for (; *text != '\0'; text++)
        n += *text == ',';
    return n;
}

/* returns whether it is one */
static bool read_address(const char *text, size_t length, struct co_address *ret_address)
{
    char word[CO_ADDRESS_TEXT_SIZE + sizeof("[]")];

    if (length >= sizeof(word))
        return false;
    memcpy(word, text, length);
    word[length] = '\0';
    return co_address_parse(word, ret_address) == 0;
}

static int read_addresses(struct parse_reader *reader, const struct parse_at *at, const char *text,
                          struct fetch_pin *pin)
{
    size_t n = count_addresses(text), size = n * sizeof(struct co_address);

    if (n > CO_DNS_MAX_ADDRESSES)
        return parse_defect(reader, at, "too_many", "a host may have at most %d addresses",
                            CO_DNS_MAX_ADDRESSES);
    struct co_address *addresses = arena_alloc(&reader->spec->arena, size);
    if (addresses == NULL)
        return parse_no_room(reader, size);
    for (size_t i = 0; i < n; i++) {
        size_t length = strcspn(text, ",");

        if (!read_address(text, length, &addresses[i]))
            return malformed(reader, at);
        text += length + 1;
    }
    pin->addresses = addresses;
    pin->n_addresses = n;
    return 0;
}

/* --- All of them ------------------------------------------------------------------------------ */

static bool is_known(const struct pins *pins, const struct fetch_pin *pin)
{
    for (size_t i = 0; i < pins->n; i++)
        if (pins->pins[i].port == pin->port && strcmp(pins->pins[i].host, pin->host) == 0)
            return true;
    return false;
}

static int take_pin(struct parse_reader *reader, const struct parse_at *at, const char *text,
                    size_t length, void *arg)
{
    struct pins *pins = arg;
    struct fetch_pin pin = {0};
    const char *end = end_of_origin(text);

    if (parse_is_too_long(reader, at, length, PIN_SIZE_MAX))
        return 0;
    if (end == NULL)
        return malformed(reader, at);
    int rc = read_host(reader, at, text, (size_t)(end - text), &pin)
                 ?: read_addresses(reader, at, end + 1, &pin);
    if (rc < 0 || pin.host == NULL)
        return rc;
    if (is_known(pins, &pin))
        return parse_defect(reader, at, "conflicting_members",
                            "this host and port were given already; their addresses go into one "
                            "text, with commas");
    pins->pins[pins->n++] = pin;
    return 0;
}

int parse_pins(struct parse_reader *reader, const struct parse_at *at, struct json_t *value,
               const struct parse_member *member, void *field)
{
    struct fetch_options *options = field;
    size_t n = json_is_array(value) ? json_array_size(value) : 1;

    (void)member;
    options->pins = NULL;
    options->n_pins = 0;
    if (json_is_null(value))
        return 0;
    if (n > PINS_MAX)
        return parse_defect(reader, at, "too_many", "at most %d hosts can be resolved here",
                            PINS_MAX);
    struct pins pins = {.pins = arena_calloc(&reader->spec->arena, n, sizeof(*pins.pins))};
    if (pins.pins == NULL)
        return parse_no_room(reader, n * sizeof(*pins.pins));
    int rc = parse_strings(reader, at, value, take_pin, &pins);
    options->pins = pins.pins;
    options->n_pins = pins.n;
    return rc;
}
