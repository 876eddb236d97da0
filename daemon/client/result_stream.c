#include "daemon/client/result_stream.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>

#include "lib/co/co.h"

#include "daemon/client/exit_status.h"
#include "daemon/client/json_text.h"
#include "daemon/model/json_document.h"

enum { LINE_MAX_BYTES = 1024 * 1024 * 1024 };

int result_stream_begin(struct result_stream *ret_stream, const struct options *options,
                        struct output *output)
{
    *ret_stream = (struct result_stream){.reader = co_self(), .only_failed = options->only_failed};
    buffer_init(&ret_stream->rest, LINE_MAX_BYTES);
    buffer_init(&ret_stream->last, LINE_MAX_BYTES);
    return result_sink_begin(&ret_stream->sink, options->format, output);
}

static int note_seq(struct result_stream *stream, const struct json_t *document)
{
    struct buffer seq;

    buffer_init(&seq, sizeof(stream->last_seq) - 1);
    int rc = json_text_append(&seq, document, "/seq");
    if (rc == 1)
        snprintf(stream->last_seq, sizeof(stream->last_seq), "%.*s", (int)seq.len, seq.data);
    buffer_done(&seq);
    return rc < 0 ? rc : 0;
}

static int take_result(struct result_stream *stream, const struct result *result)
{
    struct progress *progress = &stream->sink.output->progress;
    bool has_failed = !json_text_is(result->document, "/outcome", "success");

    stream->n_results++;
    stream->n_failed += has_failed;
    progress->n_done = stream->n_results;
    progress->n_failed = stream->n_failed;
    int rc = note_seq(stream, result->document);
    return rc < 0 || (stream->only_failed && !has_failed) ? rc
                                                          : result_sink_add(&stream->sink, result);
}

/* The last line says what the stream was of. */
static bool is_ending(const struct result_stream *stream, const struct json_t *document)
{
    return stream->ending == NULL &&
           (json_text_is(document, "/type", "gather") || json_text_is(document, "/type", "job"));
}

static int take_document(struct result_stream *stream, const char *line, size_t length,
                         struct json_t *document)
{
    const struct result result = {line, length, document};
    int rc = 0;

    if (json_text_is(document, "/object", "result")) {
        rc = take_result(stream, &result);
    } else if (is_ending(stream, document)) {
        rc = buffer_append(&stream->last, line, length);
        if (rc == 0) {
            stream->ending = document;
            stream->ending_came = true;
            return 0;
        }
    }
    json_document_free(document);
    return rc;
}

/* What is no JSON may be the answer of somebody else, whose status tells; or a body beyond what
 * JSON_DOCUMENT_MEMORY_MAX has room for. */
static int take_line(struct result_stream *stream, const char *line, size_t length)
{
    struct json_t *document;
    int rc = length > 0 ? json_document_load(line, length, &document) : 0;

    stream->n_unreadable += rc == 1;
    if (rc != 0 || length == 0)
        return rc < 0 ? rc : 0;
    return take_document(stream, line, length, document);
}

static int take_lines(struct result_stream *stream)
{
    struct buffer *rest = &stream->rest;
    const char *end;
    size_t begin = 0;
    int rc = 0;

    while (rc == 0 && (end = memchr(rest->data + begin, '\n', rest->len - begin)) != NULL) {
        size_t length = (size_t)(end - rest->data) - begin;
        rc = take_line(stream, rest->data + begin, length);
        begin += length + 1;
    }
    rest->len -= begin;
    memmove(rest->data, rest->data + begin, rest->len);
    return rc;
}

void result_stream_take(void *arg, const void *bytes, size_t n)
{
    struct result_stream *stream = arg;

    if (stream->rc < 0 || n == 0)
        return;
    stream->rc = buffer_append(&stream->rest, bytes, n);
    if (stream->rc == 0 && memchr(bytes, '\n', n) != NULL)
        stream->rc = take_lines(stream);
    if (result_stream_has_enough(stream) && stream->reading != NULL)
        co_scope_cancel(stream->reading, 0, "there are enough results");
    if (stream->rc < 0)
        co_cancel(stream->reader, "the results cannot be taken");
}

void result_stream_show(void *arg)
{
    struct result_stream *stream = arg;

    if (stream->rc == 0)
        stream->rc = result_sink_flush(&stream->sink);
    if (stream->rc < 0)
        co_cancel(stream->reader, "the results cannot be written");
    output_draw_progress(stream->sink.output);
}

bool result_stream_has_enough(const struct result_stream *stream)
{
    return stream->n_enough != 0 && stream->n_results >= stream->n_enough;
}

void result_stream_cut(struct result_stream *stream)
{
    stream->rest.len = 0;
}

int result_stream_end(struct result_stream *stream)
{
    const struct result last = {stream->last.data, stream->last.len, stream->ending};
    int rc = result_sink_end(&stream->sink, stream->ending != NULL ? &last : NULL);

    json_document_free(stream->ending);
    stream->ending = NULL;
    buffer_done(&stream->rest);
    buffer_done(&stream->last);
    if (stream->rc == 0)
        stream->rc = rc;
    return stream->rc;
}

int result_stream_complain(const struct result_stream *stream)
{
    fprintf(stderr,
            "gatherctl: %" PRIu64 " results are too large to be shown here; with curl they can be "
            "had as they are, each body by itself\n",
            stream->n_unreadable);
    return CLIENT_OUTPUT;
}
