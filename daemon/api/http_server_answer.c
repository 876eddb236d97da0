#include "daemon/api/http_server_answer.h"

#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>

/* How much of a source is held in memory for each answer that is being sent. */
enum {
    SOURCE_BLOCK_BYTES = 64 * 1024,
    STREAM_BLOCK_BYTES = 4 * 1024, /* likewise, if the client does not know chunks (HTTP/1.0) */
};

static void free_bytes(void *bytes)
{
    free(bytes);
}

static struct MHD_Response *respond_with_bytes(struct buffer *body)
{
    size_t length;
    char *bytes = buffer_take(body, &length);
    struct MHD_Response *response =
        bytes != NULL
            ? MHD_create_response_from_buffer_with_free_callback(length, bytes, free_bytes)
            : MHD_create_response_from_buffer(0, (void *)"", MHD_RESPMEM_PERSISTENT);

    if (response == NULL)
        free(bytes);
    return response;
}

static ssize_t read_source(void *arg, uint64_t position, char *bytes, size_t max)
{
    const struct http_body_source *source = arg;
    ssize_t n = source->read(source->arg, position, bytes, max);

    if (n == 0 && source->length == HTTP_LENGTH_UNKNOWN)
        return MHD_CONTENT_READER_END_OF_STREAM;
    return n > 0 ? n : MHD_CONTENT_READER_END_WITH_ERROR;
}

static void free_source(void *arg)
{
    struct http_body_source *source = arg;

    source->done(source->arg);
    free(source);
}

static struct MHD_Response *respond_with_source(struct http_body_source **source)
{
    struct http_body_source *from = *source;
    struct MHD_Response *response =
        from->bytes != NULL ? MHD_create_response_from_buffer_with_free_callback_cls(
                                  from->length, (void *)from->bytes, free_source, from)
                            : MHD_create_response_from_callback(from->length, SOURCE_BLOCK_BYTES,
                                                                read_source, from, free_source);

    if (response != NULL)
        *source = NULL;
    return response;
}

/* What goes into a chunk is read right into the connection's memory. */
static struct MHD_Response *respond_with_stream(http_stream_reader *read, void *arg)
{
    return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BLOCK_BYTES, read, arg, NULL);
}

static bool add_headers(struct MHD_Response *response, const struct http_answer *answer)
{
    const char *name = NULL;
    const char *value;

    while (http_answer_next_field(answer, &name, &value))
        if (MHD_add_response_header(response, name, value) == MHD_NO)
            return false;
    return true;
}

/* Before 1.0, libmicrohttpd ends even the chunks that it does not send, which the client would take
 * for the beginning of the next answer. Without chunks it closes the connection. */
static void leave_chunks_out(struct MHD_Response *response, const struct http_exchange *exchange)
{
    if (strcmp(exchange->method, "HEAD") == 0)
        (void)MHD_set_response_options(response, MHD_RF_HTTP_1_0_COMPATIBLE_STRICT, MHD_RO_END);
}

static struct MHD_Response *respond(struct http_exchange *exchange, http_stream_reader *read,
                                    void *arg)
{
    struct http_answer *answer = &exchange->answer;
    bool has_length = !answer->stream.is_begun &&
                      (answer->source == NULL || answer->source->length != HTTP_LENGTH_UNKNOWN);
    struct MHD_Response *response = answer->stream.is_begun  ? respond_with_stream(read, arg)
                                    : answer->source != NULL ? respond_with_source(&answer->source)
                                                             : respond_with_bytes(&answer->body);

    if (response != NULL && !has_length)
        leave_chunks_out(response, exchange);
    return response;
}

struct MHD_Response *http_answer_to_response(struct http_exchange *exchange, bool is_last,
                                             http_stream_reader *read, void *arg)
{
    const struct http_answer *answer = &exchange->answer;
    struct MHD_Response *response = respond(exchange, read, arg);

    if (response == NULL)
        return NULL;
    if (!add_headers(response, answer) ||
        (is_last && MHD_add_response_header(response, "Connection", "close") == MHD_NO)) {
        MHD_destroy_response(response);
        return NULL;
    }
    return response;
}
