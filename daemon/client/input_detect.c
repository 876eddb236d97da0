#include "daemon/client/input_detect.h"

#include <string.h>
#include <strings.h>

#include "daemon/client/input_curl_option.h"

static const struct {
    const char *ending, *format;
} endings[] = {
    {".ndjson", "ndjson"}, {".jsonl", "ndjson"}, {".xml", "sitemap"}, {"curlrc", "curl"},
    {".curl", "curl"},     {".uri", "urls"},     {".urls", "urls"},
};

static const struct {
    char first;
    const char *format;
} beginnings[] = {
    {'<', "sitemap"},
    {'[', "json"},
    {'{', "ndjson"},
    {'"', "ndjson"},
};

static bool ends_with(const char *name, size_t length, const char *ending)
{
    size_t n = strlen(ending);

    return length >= n && strncasecmp(name + length - n, ending, n) == 0;
}

/* NULL: it does not tell. */
static const char *format_of_name(const char *name)
{
    size_t length = strlen(name);

    if (ends_with(name, length, ".gz"))
        length -= strlen(".gz");
    for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++)
        if (ends_with(name, length, endings[i].ending))
            return endings[i].format;
    return NULL;
}

/* The first line that is neither blank nor a comment, as both kinds of lists have them. */
static struct input_line first_line(struct input_line bytes)
{
    if (bytes.length > INPUT_DETECT_MAX)
        bytes.length = INPUT_DETECT_MAX;
    while (bytes.length > 0) {
        const char *end = memchr(bytes.text, '\n', bytes.length);
        size_t n = end != NULL ? (size_t)(end - bytes.text) + 1 : bytes.length;
        struct input_line line = input_line_trim((struct input_line){bytes.text, n});
        if (line.length > 0 && line.text[0] != '#')
            return line;
        bytes.text += n;
        bytes.length -= n;
    }
    return bytes;
}

bool input_detect_is_enough(struct input_line bytes)
{
    struct input_line line = first_line(bytes);
    size_t n_before = line.length > 0 ? (size_t)(line.text - bytes.text) : 0;

    return bytes.length >= INPUT_DETECT_MAX ||
           (line.length > 0 && memchr(line.text, '\n', bytes.length - n_before) != NULL);
}

const char *input_detect(const char *name, struct input_line bytes)
{
    const char *format = format_of_name(name);
    struct input_line line = first_line(bytes);

    if (format != NULL || line.length == 0)
        return format != NULL ? format : "urls";
    for (size_t i = 0; i < sizeof(beginnings) / sizeof(beginnings[0]); i++)
        if (line.text[0] == beginnings[i].first)
            return beginnings[i].format;
    return input_curl_is_line(line) ? "curl" : "urls";
}
