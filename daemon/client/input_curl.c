/* A configuration of curl. Options apply to all URLs up to the next "next", before and behind them,
 * so the URLs are held until then. */
#include <errno.h>
#include <string.h>

#include "daemon/client/input_curl_option.h"
#include "daemon/client/input_feed.h"
#include "daemon/client/input_formats.h"

enum { VALUE_MAX = 16 * 1024 * 1024, NAME_SHOWN_MAX = 64 };

struct curl_reading {
    struct input_feed *feed;
    struct curl_request request;
    struct curl_line line;
    struct buffer common; /* what all URLs of a request have, as a JSON object */
};

/* --- What is read goes out -------------------------------------------------------------------- */

/* The URL becomes the first member of the object. */
static int feed_url(struct curl_reading *reading, const char *url, unsigned long line)
{
    struct buffer *json = &reading->feed->json;
    struct json_writer w;
    bool is_alone = reading->common.len == strlen("{}");
    int rc = input_feed_check_url(reading->feed, line, url, strlen(url));

    if (rc < 0)
        return rc;
    json->len = 0;
    jw_init(&w, json);
    jw_object_begin(&w);
    jw_key(&w, "url");
    jw_text(&w, url);
    jw_object_end(&w);
    rc = jw_finish(&w);
    if (rc == 0 && !is_alone) {
        json->data[json->len - 1] = ',';
        rc = buffer_append(json, reading->common.data + 1, reading->common.len - 1);
    }
    return rc < 0 ? rc : input_feed_item(reading->feed, line);
}

static int add_body_type(struct curl_request *request)
{
    if (request->body_kind == CURL_FORM)
        return curl_request_set_header(request, "Content-Type", "application/x-www-form-urlencoded",
                                       true);
    if (request->body_kind == CURL_NO_BODY)
        return 0;
    return curl_request_set_header(request, "Content-Type", "application/json", true)
               ?: curl_request_set_header(request, "Accept", "application/json", true);
}

static int feed_urls(struct curl_reading *reading)
{
    const char *url;
    unsigned long line;
    size_t at = 0;
    int rc = 0;

    while (rc == 0 && curl_request_next_url(&reading->request, &at, &url, &line))
        rc = feed_url(reading, url, line);
    return rc;
}

/* What has been collected is whole. */
static int end_request(struct curl_reading *reading)
{
    unsigned long line = reading->feed->reader.line;
    int rc = reading->request.urls.len > 0
                 ? add_body_type(&reading->request)
                 : input_reader_refuse(&reading->feed->reader, line, "there is no url before this");

    if (rc == -EMSGSIZE)
        rc = input_reader_refuse(&reading->feed->reader, line, "there are too many headers");
    reading->common.len = 0;
    if (rc == 0)
        rc = curl_request_render(&reading->request, &reading->common);
    if (rc == 0)
        rc = feed_urls(reading);
    curl_request_done(&reading->request);
    curl_request_init(&reading->request);
    return rc;
}

/* --- Options ---------------------------------------------------------------------------------- */

static int name_shown(const struct curl_reading *reading)
{
    size_t length = reading->line.name_length;

    return length < NAME_SHOWN_MAX ? (int)length : NAME_SHOWN_MAX;
}

static int refuse(struct curl_reading *reading, const char *problem)
{
    return input_reader_refuse(&reading->feed->reader, reading->feed->reader.line, "%.*s: %s",
                               name_shown(reading), reading->line.name, problem);
}

static int refuse_option(struct curl_reading *reading)
{
    const char *meant = curl_option_suggest(&reading->line);

    if (meant == NULL)
        return refuse(reading, "this option of curl means nothing here; take it out");
    return input_reader_refuse(&reading->feed->reader, reading->feed->reader.line,
                               "%.*s: this option of curl means nothing here; is %s meant?",
                               name_shown(reading), reading->line.name, meant);
}

static int apply(struct curl_reading *reading, const struct curl_option *option)
{
    const struct buffer *value = &reading->line.value;
    const char *problem = NULL;

    if (option->takes_value != reading->line.has_value)
        return refuse(reading, option->takes_value ? "its value is missing" : "it takes no value");
    reading->request.line = reading->feed->reader.line;
    int rc = option->take(&reading->request, value->data, value->len, &problem);
    return rc == -EINVAL ? refuse(reading, problem) : rc;
}

static int read_line(struct curl_reading *reading, struct input_line text)
{
    const char *problem = NULL;
    int rc = curl_line_read(text, &reading->line, &problem);

    if (rc < 0)
        return rc == -EINVAL ? refuse(reading, problem) : rc;
    if (curl_option_is_next(&reading->line))
        return end_request(reading);
    const struct curl_option *option = curl_option_find(&reading->line);
    return option != NULL ? apply(reading, option) : refuse_option(reading);
}

static int read_lines(struct curl_reading *reading)
{
    struct input_line line;
    int rc;

    while ((rc = input_reader_line(&reading->feed->reader, &line)) > 0) {
        line = input_line_trim(line);
        if (line.length > 0 && line.text[0] != '#')
            rc = read_line(reading, line);
        if (rc < 0)
            return rc;
    }
    return rc < 0 ? rc : end_request(reading);
}

int input_read_curl(struct co_gen *self, void *arg, void **ret_result)
{
    struct curl_reading reading = {.feed = arg};

    (void)self;
    (void)ret_result;
    curl_request_init(&reading.request);
    buffer_init(&reading.line.value, VALUE_MAX);
    buffer_init(&reading.common, SIZE_MAX);
    int rc = read_lines(&reading);
    curl_request_done(&reading.request);
    buffer_done(&reading.line.value);
    buffer_done(&reading.common);
    return rc;
}
