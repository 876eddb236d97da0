/* Lists with an item a line; blank lines do not count.
 *
 * source  RFC 2483 section 5, text/uri-list; ndjson-spec 1.0.0
 */
#include "daemon/client/input_feed.h"
#include "daemon/client/input_formats.h"

typedef int feed_fn(struct input_feed *feed, unsigned long line, const char *text, size_t length);

static int read_lines(struct input_feed *feed, bool has_comments, feed_fn *take)
{
    struct input_line line;
    int rc;

    while ((rc = input_reader_line(&feed->reader, &line)) > 0) {
        line = input_line_trim(line);
        if (line.length == 0 || (has_comments && line.text[0] == '#'))
            continue;
        rc = take(feed, feed->reader.line, line.text, line.length);
        if (rc < 0)
            break;
    }
    return rc;
}

int input_read_urls(struct co_gen *self, void *arg, void **ret_result)
{
    (void)self;
    (void)ret_result;
    return read_lines(arg, true, input_feed_url);
}

int input_read_ndjson(struct co_gen *self, void *arg, void **ret_result)
{
    (void)self;
    (void)ret_result;
    return read_lines(arg, false, input_feed_json);
}
