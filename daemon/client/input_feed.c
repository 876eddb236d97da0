#include "daemon/client/input_feed.h"

#include "lib/net/url.h"

#include "daemon/model/json_document.h"

int input_feed_item(struct input_feed *feed, unsigned long line)
{
    feed->item = (struct input_item){feed->json.data, feed->json.len, line};
    return co_gen_yield(feed->gen, &feed->item, NULL);
}

int input_feed_check_url(struct input_feed *feed, unsigned long line, const char *text,
                         size_t length)
{
    struct co_url url;

    if (feed->settings.takes_any_text)
        return 0;
    int rc = co_url_parse(text, length, &url);
    if (rc > 0)
        return input_reader_refuse(&feed->reader, line, "this is no URL: %s",
                                   co_url_problem_sentence((enum co_url_problem)rc));
    if (rc == 0)
        co_url_done(&url);
    return rc;
}

int input_feed_url(struct input_feed *feed, unsigned long line, const char *url, size_t length)
{
    struct json_writer w;
    int rc = input_feed_check_url(feed, line, url, length);

    if (rc < 0)
        return rc;
    feed->json.len = 0;
    jw_init(&w, &feed->json);
    jw_string(&w, url, length);
    rc = jw_finish(&w);
    return rc < 0 ? rc : input_feed_item(feed, line);
}

/* --- JSON ------------------------------------------------------------------------------------- */

static int check_json(struct input_feed *feed, unsigned long line, const char *json, size_t length)
{
    struct json_t *document;

    if (length == 0 || (json[0] != '{' && json[0] != '"'))
        return input_reader_refuse(&feed->reader, line,
                                   "neither a URL in quotes nor an object begins here");
    int rc = json_document_load(json, length, &document);
    if (rc == 0)
        json_document_free(document);
    return rc <= 0 ? rc : input_reader_refuse(&feed->reader, line, "this is not JSON");
}

int input_feed_json(struct input_feed *feed, unsigned long line, const char *json, size_t length)
{
    int rc = check_json(feed, line, json, length);

    feed->json.len = 0;
    if (rc == 0)
        rc = buffer_append(&feed->json, json, length);
    if (rc < 0)
        return rc;
    /* In JSON these are only between tokens. */
    for (char *c = feed->json.data; c < feed->json.data + length; c++)
        if (*c == '\n' || *c == '\r')
            *c = ' ';
    return input_feed_item(feed, line);
}
