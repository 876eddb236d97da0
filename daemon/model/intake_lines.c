/* NDJSON and lists of URLs, line by line. */
#include "daemon/model/intake_private.h"

#include <errno.h>
#include <string.h>

#include "daemon/model/parse_lines.h"
#include "daemon/model/parse_request.h"

static int take_line(struct intake *intake, const char *text, const char *end)
{
    const struct parse_line line = parse_line_trim(text, end);
    const struct parse_at at = {.index = intake->n_requests};
    bool is_json = intake->format == FORMAT_NDJSON;
    const struct request_text request = {line.text, line.length, .is_json = is_json};

    intake->reader.line++;
    return parse_line_counts(line, !is_json) ? intake_request(intake, &at, &request) : 0;
}

static int keep_cut_line(struct intake *intake, const char *text, size_t n)
{
    int rc = buffer_append(&intake->cut_line, text, n);

    return rc == -EMSGSIZE ? intake_too_large(intake, "A line", intake->cut_line.max,
                                              "it is one request, so its body is too long")
                           : rc;
}

/* Takes the line that slices before have begun. text: the rest of it */
static int take_cut_line(struct intake *intake, const char *text, const char *end)
{
    int rc = keep_cut_line(intake, text, (size_t)(end - text));

    if (rc < 0)
        return rc;
    const char *line = intake->cut_line.data;
    rc = take_line(intake, line, line + intake->cut_line.len);
    intake->cut_line.len = 0;
    return rc;
}

static int write_lines(struct intake *intake, const char *bytes, size_t n)
{
    const char *end = bytes + n, *newline;
    int rc = parse_characters_next(&intake->characters, &intake->reader, bytes, n);

    while (rc == 0 && bytes < end &&
           (newline = memchr(bytes, '\n', (size_t)(end - bytes))) != NULL) {
        rc = intake->cut_line.len > 0 ? take_cut_line(intake, bytes, newline)
                                      : take_line(intake, bytes, newline);
        bytes = newline + 1;
    }
    return rc ?: keep_cut_line(intake, bytes, (size_t)(end - bytes));
}

static int end_lines(struct intake *intake)
{
    int rc = parse_characters_end(&intake->characters, &intake->reader);

    if (rc == 0 && intake->cut_line.len > 0)
        rc = take_cut_line(intake, "", "");
    intake->reader.line = 0;
    if (rc == 0 && intake->n_requests == 0)
        rc = parse_no_requests(&intake->reader, NULL);
    return rc ?: intake_keep_head(intake, NULL) ?: chunk_maker_end(&intake->chunks);
}

const struct intake_mode intake_lines = {.write = write_lines, .end = end_lines};

int intake_begin_lines(struct intake *intake)
{
    intake->mode = &intake_lines;
    return intake_begin_head(intake) ?: intake_begin_requests(intake);
}
