/* What a reader of a format has: the bytes, and where its items go.
 *
 * Each format is a generator's body that reads from beginning to end, and hands out an item
 * wherever it finds one; input_feed_*() do that, and return 0, or negative: to be returned at once,
 * whatever is between here and there.
 */
#pragma once

#include "lib/co/co.h"

#include "daemon/base/json_writer.h"
#include "daemon/client/input_reader.h"

struct input_feed {
    struct input_reader reader;
    struct input_settings settings;
    struct input_item item;
    struct buffer json; /* of the item */
    struct co_gen *gen; /* the reader of the format, which runs */
};

/* Hands out a URL, unless it is none. */
int input_feed_url(struct input_feed *feed, unsigned long line, const char *url, size_t length);

/* Refuses what is no URL, unless the daemon is to tell. */
int input_feed_check_url(struct input_feed *feed, unsigned long line, const char *url,
                         size_t length);

/* Hands out a URL in quotes or an object, unless it is none. */
int input_feed_json(struct input_feed *feed, unsigned long line, const char *json, size_t length);

/* Hands out what feed->json holds. */
int input_feed_item(struct input_feed *feed, unsigned long line);
