#include "daemon/client/input.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/suggest.h"
#include "daemon/client/input_detect.h"
#include "daemon/client/input_feed.h"
#include "daemon/client/input_formats.h"
#include "daemon/client/input_gunzip.h"

enum { ITEM_MAX_BYTES = 64 * 1024 * 1024 };

static const char byte_order_mark[] = "\xef\xbb\xbf";

static const struct format {
    const char *name, *about;
    co_gen_fn *read;
} formats[] = {
    {"urls", "a URL a line; lines that begin with # are comments", input_read_urls},
    {"ndjson", "a URL in quotes or a request as a JSON object a line", input_read_ndjson},
    {"json", "one JSON array of these", input_read_json},
    {"sitemap", "sitemap.xml", input_read_sitemap},
    {"curl", "a configuration of curl, with its url, header, data, ...", input_read_curl},
};

enum { N_FORMATS = sizeof(formats) / sizeof(formats[0]) };

struct input {
    struct input_feed feed;
    struct input_gunzip *gunzip; /* NULL: it is not compressed */
    const struct format *format; /* NULL: to be found out */
};

const char *input_format_name(size_t i)
{
    return i < N_FORMATS ? formats[i].name : NULL;
}

const char *input_format_about(size_t i)
{
    return i < N_FORMATS ? formats[i].about : NULL;
}

/* --- Which format ----------------------------------------------------------------------------- */

static const struct format *find_format(const char *name)
{
    for (size_t i = 0; i < N_FORMATS; i++)
        if (strcmp(formats[i].name, name) == 0)
            return &formats[i];
    return NULL;
}

static int refuse_format(const char *name, struct err *err)
{
    struct suggestion suggestion;

    suggest_init(&suggestion, name, strlen(name));
    for (size_t i = 0; i < N_FORMATS; i++)
        suggest_offer(&suggestion, formats[i].name);
    if (suggestion.best != NULL)
        return err_set(err, -EINVAL, "there is no format '%.64s': is '%s' meant?", name,
                       suggestion.best);
    return err_set(err, -EINVAL, "there is no format '%.64s'; there are %s, %s, %s, %s, %s", name,
                   formats[0].name, formats[1].name, formats[2].name, formats[3].name,
                   formats[4].name);
}

/* --- Life ------------------------------------------------------------------------------------- */

int input_new(struct input **ret_input, const struct input_source *source,
              const struct input_settings *settings, struct err *err)
{
    const struct format *format = NULL;

    if (settings->format != NULL) {
        format = find_format(settings->format);
        if (format == NULL)
            return refuse_format(settings->format, err);
    }
    struct input *input = calloc(1, sizeof(*input));
    if (input == NULL)
        return -ENOMEM;
    input->format = format;
    input->feed.settings = *settings;
    input_reader_init(&input->feed.reader, source, err);
    buffer_init(&input->feed.json, ITEM_MAX_BYTES);
    *ret_input = input;
    return 0;
}

void input_free(struct input *input)
{
    if (input == NULL)
        return;
    co_gen_free(input->feed.gen);
    input_gunzip_free(input->gunzip);
    input_reader_done(&input->feed.reader);
    buffer_done(&input->feed.json);
    free(input);
}

void input_freep(struct input **input)
{
    input_free(*input);
}

/* --- The beginning ---------------------------------------------------------------------------- */

/* What has been read goes through it, too. */
static int unzip(struct input *input)
{
    struct input_reader *reader = &input->feed.reader;
    struct input_line bytes;
    int rc = input_reader_peek(reader, 2, &bytes);

    if (rc < 0 || !input_is_gzip(bytes.text, bytes.length))
        return rc;
    rc = input_gunzip_new(&input->gunzip, &reader->source, bytes.text, bytes.length);
    if (rc < 0)
        return rc;
    input_reader_skip(reader, bytes.length);
    reader->source.read = input_gunzip_read;
    reader->source.arg = input->gunzip;
    reader->is_at_end = false;
    return 0;
}

static int skip_mark(struct input *input)
{
    size_t length = strlen(byte_order_mark);
    struct input_line bytes;
    int rc = input_reader_peek(&input->feed.reader, length, &bytes);

    if (rc == 0 && bytes.length >= length && memcmp(bytes.text, byte_order_mark, length) == 0)
        input_reader_skip(&input->feed.reader, length);
    return rc;
}

static int detect(struct input *input)
{
    struct input_reader *reader = &input->feed.reader;
    struct input_line bytes = {.length = 0};
    size_t n = 0;

    if (input->format != NULL)
        return 0;
    while (n == bytes.length && !input_detect_is_enough(bytes)) {
        n = bytes.length + 1;
        int rc = input_reader_peek(reader, n, &bytes);
        if (rc < 0)
            return rc;
        n = bytes.length >= n ? bytes.length : n;
    }
    input->format = find_format(input_detect(reader->source.name, bytes));
    return 0;
}

static int begin(struct input *input)
{
    int rc = unzip(input);

    if (rc == 0)
        rc = skip_mark(input);
    if (rc == 0)
        rc = detect(input);
    return rc < 0 ? rc : co_gen_new(&input->feed.gen, input->format->read, &input->feed);
}

int input_next(struct input *input, struct input_item *ret_item)
{
    int rc = input->feed.gen == NULL ? begin(input) : 0;

    if (rc == 0)
        rc = co_gen_next(input->feed.gen, NULL);
    if (rc > 0)
        *ret_item = input->feed.item;
    return rc;
}
