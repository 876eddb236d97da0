#include "daemon/api/http_server_answer.h"

#include <microhttpd.h>
#include <stdlib.h>

/* How much of a source is held in memory for each answer that is being sent. */
enum { SOURCE_BLOCK_BYTES = 64 * 1024 };

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
    struct MHD_Response *response = MHD_create_response_from_callback(
        (*source)->length, SOURCE_BLOCK_BYTES, read_source, *source, free_source);

    if (response != NULL)
        *source = NULL;
    return response;
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

struct MHD_Response *http_answer_to_response(struct http_answer *answer, bool is_last)
{
    struct MHD_Response *response = answer->source != NULL ? respond_with_source(&answer->source)
                                                           : respond_with_bytes(&answer->body);

    if (response == NULL)
        return NULL;
    if (!add_headers(response, answer) ||
        (is_last && MHD_add_response_header(response, "Connection", "close") == MHD_NO)) {
        MHD_destroy_response(response);
        return NULL;
    }
    return response;
}
