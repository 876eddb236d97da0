#include "daemon/model/problem_text.h"

#include "daemon/base/json_writer.h"

const char *http_status_title(int status)
{
    static const struct {
        int status;
        const char *title;
    } titles[] = {
        {200, "OK"},
        {202, "Accepted"},
        {204, "No Content"},
        {304, "Not Modified"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {406, "Not Acceptable"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {413, "Content Too Large"},
        {415, "Unsupported Media Type"},
        {417, "Expectation Failed"},
        {422, "Unprocessable Content"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {503, "Service Unavailable"},
        {505, "HTTP Version Not Supported"},
        {507, "Insufficient Storage"},
    };
    static const char *const classes[] = {"Informational", "Success", "Redirection", "Client Error",
                                          "Server Error"};

    for (size_t i = 0; i < sizeof(titles) / sizeof(titles[0]); i++)
        if (titles[i].status == status)
            return titles[i].title;
    return status >= 100 && status <= 599 ? classes[status / 100 - 1] : "Unknown";
}

static void write_defect(struct json_writer *w, const struct defect *defect)
{
    jw_object_begin(w);
    jw_key(w, "pointer");
    jw_text(w, defect->pointer);
    jw_key(w, "code");
    jw_text(w, defect->code);
    jw_key(w, "detail");
    jw_text(w, defect->detail);
    jw_object_end(w);
}

static void write_defects(struct json_writer *w, const struct defect_list *defects)
{
    jw_key(w, "errors");
    jw_array_begin(w);
    for (size_t i = 0; i < defects->n_defects; i++)
        write_defect(w, &defects->defects[i]);
    jw_array_end(w);
    jw_key(w, "error_count");
    jw_uint(w, defects->n_found);
}

static void write_members(struct json_writer *w, int status, const char *code, const char *detail)
{
    jw_key(w, "type");
    jw_text(w, "about:blank");
    jw_key(w, "title");
    jw_text(w, http_status_title(status));
    jw_key(w, "status");
    jw_int(w, status);
    jw_key(w, "code");
    jw_text(w, code);
    jw_key(w, "detail");
    jw_text(w, detail);
}

int problem_text_append(struct buffer *out, int status, const char *code, const char *detail,
                        const struct defect_list *defects)
{
    struct json_writer w;

    jw_init(&w, out);
    jw_object_begin(&w);
    write_members(&w, status, code, detail);
    if (defects != NULL && defects->n_found > 0)
        write_defects(&w, defects);
    jw_object_end(&w);
    int rc = jw_finish(&w);
    return rc < 0 ? rc : buffer_append_byte(out, '\n');
}
