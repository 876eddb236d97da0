/* Files of what to fetch, for gatherctl. The first byte chooses the format, or that it be found
 * out, and whether URLs are checked; the second, how many bytes come at a time. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/buffer.h"
#include "daemon/client/input.h"
#include "daemon/model/json_document.h"

#include "tests/fuzz/fuzz.h"

enum { N_FORMATS = 5 };

struct reading {
    struct fuzz_input bytes; /* that are left */
    size_t slice_max;
    struct buffer items;
    struct err err;
    int rc;
};

static ssize_t read_slice(void *arg, char *bytes, size_t max)
{
    struct reading *reading = arg;
    size_t n = reading->bytes.n_bytes < max ? reading->bytes.n_bytes : max;

    n = n < reading->slice_max ? n : reading->slice_max;
    if (n > 0)
        memcpy(bytes, reading->bytes.bytes, n);
    reading->bytes.bytes += n;
    reading->bytes.n_bytes -= n;
    return (ssize_t)n;
}

static void check_item(const struct input_item *item, unsigned long line_before)
{
    struct json_t *document = NULL;

    fuzz_expect(json_document_load(item->json, item->length, &document) == 0, "an item is JSON",
                "");
    json_document_free(document);
    fuzz_expect(item->json[0] == '{' || item->json[0] == '"', "it is an object or a text", "");
    fuzz_expect(memchr(item->json, '\n', item->length) == NULL, "it is on one line", "");
    fuzz_expect(item->line >= line_before, "lines follow each other", "");
}

static void read_items(struct reading *reading, struct input *input)
{
    struct input_item item = {.line = 1};
    unsigned long line = 1;

    while ((reading->rc = input_next(input, &item)) > 0) {
        check_item(&item, line);
        line = item.line;
        fuzz_expect(buffer_append(&reading->items, item.json, item.length) == 0 &&
                        buffer_append_byte(&reading->items, '\n') == 0,
                    "there is memory", "");
    }
}

static void read_all(struct reading *reading, const struct input_settings *settings)
{
    const struct input_source source = {"x", read_slice, reading};
    struct input *input;

    buffer_init(&reading->items, SIZE_MAX);
    reading->err.message[0] = '\0';
    fuzz_expect(input_new(&input, &source, settings, &reading->err) == 0, "there is memory", "");
    read_items(reading, input);
    input_free(input);
    fuzz_expect(reading->rc != -ENOMEM, "there is memory", "");
    fuzz_expect((reading->rc < 0) == (strncmp(reading->err.message, "x:", 2) == 0),
                "what is refused is explained, with its place", reading->err.message);
}

/* What is damaged may be noticed later or earlier. */
static void check_same(const struct reading *one, const struct reading *other)
{
    fuzz_expect((one->rc < 0) == (other->rc < 0), "slices make no difference",
                one->rc < 0 ? one->err.message : other->err.message);
    if (one->rc == 0)
        fuzz_expect(one->items.len == other->items.len &&
                        (one->items.len == 0 ||
                         memcmp(one->items.data, other->items.data, one->items.len) == 0),
                    "slices make no difference", "");
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    struct fuzz_input input = {bytes, n_bytes};
    uint8_t choice = fuzz_byte(&input);
    const struct input_settings settings = {
        .format = input_format_name(choice / 2 % (N_FORMATS + 1)),
        .takes_any_text = choice % 2 == 1,
    };
    struct reading in_slices = {.slice_max = (size_t)fuzz_byte(&input) + 1};
    struct reading whole = {.slice_max = SIZE_MAX};

    in_slices.bytes = input;
    whole.bytes = input;
    read_all(&in_slices, &settings);
    read_all(&whole, &settings);
    check_same(&in_slices, &whole);
    buffer_done(&in_slices.items);
    buffer_done(&whole.items);
    return 0;
}
