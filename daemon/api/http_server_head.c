/* libmicrohttpd before 1.0 forgives much and tells nothing of it: what follows a NUL in a line is
 * dropped, so is all but the first line of a folded value, and a lone LF ends a line. But it parses
 * in place. So a head that came as it should lies in memory as it came, with a NUL for each byte
 * that separates: every part begins right where the one before it ended, and the last one ends
 * where the head does. Where that is not so, something was there that we cannot see. */
#include "daemon/api/http_server_head.h"

#include <microhttpd.h>
#include <string.h>

#define CRLF_LENGTH 2

static enum MHD_Result add_field(void *cls, enum MHD_ValueKind kind, const char *name,
                                 size_t name_length, const char *value, size_t value_length)
{
    struct http_head_buffer *buffer = cls;
    struct http_head *head = &buffer->head;

    (void)kind;
    if (head->n_fields < HTTP_MAX_FIELDS)
        buffer->fields[head->n_fields] = (struct http_field){
            .name = name,
            .name_length = name_length,
            .value = value,
            .value_length = value_length,
        };
    head->n_fields++;
    head->has_lost_bytes |= name != buffer->next_line;
    buffer->next_line = value + value_length + CRLF_LENGTH;
    return MHD_YES;
}

static bool ends_early(const struct http_head_buffer *buffer, struct MHD_Connection *mhd)
{
    size_t length =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE)->header_size;

    return buffer->next_line + CRLF_LENGTH != buffer->head.method + length;
}

void http_head_read(struct http_head_buffer *buffer, struct MHD_Connection *mhd, const char *method,
                    const char *path, const char *target, const char *version)
{
    struct http_head *head = &buffer->head;

    *head = (struct http_head){
        .method = method,
        .target = target,
        .version = version,
        .fields = buffer->fields,
        .has_lost_bytes =
            path != method + strlen(method) + 1 || version != path + strlen(target) + 1,
    };
    buffer->next_line = version + strlen(version) + CRLF_LENGTH;
    (void)MHD_get_connection_values_n(mhd, MHD_HEADER_KIND, add_field, buffer);
    head->has_lost_bytes |= ends_early(buffer, mhd);
    if (MHD_VERSION >= 0x01000000)
        head->has_lost_bytes = false; /* it refuses all of that itself */
}
