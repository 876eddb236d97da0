#include "daemon/model/job_text.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/co/base.h"

#include "daemon/model/origins.h"
#include "daemon/model/parse_head.h"
#include "daemon/model/parse_reader.h"
#include "daemon/model/parse_request.h"
#include "daemon/model/request_line.h"

bool request_is_safe(const struct request *request)
{
    static const char *const safe[] = {"GET", "HEAD", "OPTIONS", "TRACE"};

    for (size_t i = 0; i < sizeof(safe) / sizeof(safe[0]); i++)
        if (strcmp(request->options->method, safe[i]) == 0)
            return true;
    return false;
}

/* --- The head --------------------------------------------------------------------------------- */

struct job_head {
    struct parse_settings settings; /* for what has been accepted: without limits on its size */
    struct parse_reader reader;     /* has read the head, and is what chunks begin with */
};

static void lift_limits(struct job_head *head)
{
    head->settings.max_items = UINT32_MAX;
    head->settings.max_arena_bytes = PTRDIFF_MAX;
    head->reader.reports_invalid_urls = true;
}

int job_head_parse(const struct parse_settings *settings, const char *text, size_t length,
                   struct defect_list *defects, struct parse_refusal *ret_refusal,
                   struct job_head **ret_head)
{
    CO_CLEANUP(job_head_freep) struct job_head *head = calloc(1, sizeof(*head));

    if (head == NULL)
        return -ENOMEM;
    head->settings = *settings;
    head->settings.json_room = SIZE_MAX; /* it may have been longer, by white space */
    int rc = parse_reader_init(&head->reader, &head->settings, PARSE_JOB, defects)
                 ?: parse_head(&head->reader, text, length) ?: parse_refuse_defects(&head->reader);
    if (rc == PARSE_REFUSED) {
        *ret_refusal = head->reader.refusal;
        return 1;
    }
    lift_limits(head);
    if (rc == 0)
        *ret_head = co_take(head);
    return rc;
}

void job_head_free(struct job_head *head)
{
    if (head == NULL)
        return;
    parse_reader_done(&head->reader);
    free(head);
}

void job_head_freep(struct job_head **head)
{
    job_head_free(*head);
}

const struct job_spec *job_head_spec(const struct job_head *head)
{
    return head->reader.spec;
}

/* --- Requests --------------------------------------------------------------------------------- */

/* What the operator does not allow any more cannot be run. */
static int give_up(struct parse_reader *reader, struct request *request,
                   const struct defect *reason)
{
    struct request_defect *defect = arena_alloc(&reader->spec->arena, sizeof(*defect));
    const char *url = request->url.text != NULL ? request->url.text : "";

    if (reason == NULL || defect == NULL)
        return -ENOMEM;
    *defect = (struct request_defect){.code = "internal"};
    int rc = parse_copy(reader, reason->detail, strlen(reason->detail), &defect->message)
                 ?: parse_copy(reader, url, strlen(url), &request->url_text);
    co_url_done(&request->url);
    request->defect = defect;
    return rc;
}

static int read_line(struct parse_reader *reader, const char *line, size_t length)
{
    struct defect_list *defects = reader->defects;
    struct job_spec *spec = reader->spec;
    size_t n_before = spec->n_requests;
    int rc = request_line_read(reader, NULL, line, length);

    if (rc == 0 && spec->n_requests == n_before)
        return -EBADMSG;
    if (rc < 0 || defects->n_found == 0)
        return rc;
    rc = give_up(reader, &spec->requests[n_before],
                 defects->n_defects > 0 ? &defects->defects[0] : NULL);
    defect_list_done(defects);
    defect_list_init(defects);
    return rc;
}

static size_t count_lines(const char *text, size_t length)
{
    const char *end = text + length;
    size_t n = 1;

    while (text < end && (text = memchr(text, '\n', (size_t)(end - text))) != NULL) {
        text++;
        n++;
    }
    return n;
}

static int read_lines(struct parse_reader *reader, const char *text, size_t length)
{
    const char *end = text + length;
    int rc = parse_requests_begin(reader, NULL, count_lines(text, length));

    while (rc == 0 && text <= end) {
        const char *line_end = memchr(text, '\n', (size_t)(end - text)) ?: end;
        rc = read_line(reader, text, (size_t)(line_end - text));
        text = line_end + 1;
    }
    return rc;
}

/* --- Items ------------------------------------------------------------------------------------ */

/* Whether the chunk begins within its first request and ends within its last one. */
static bool has_its_items(const struct parse_reader *reader, const struct job_chunk *chunk)
{
    const struct job_spec *spec = reader->spec;
    uint64_t end = (uint64_t)chunk->skip + chunk->n_items;

    return chunk->n_items > 0 && chunk->skip < spec->requests[0].n_repeats &&
           end <= reader->n_items &&
           end > reader->n_items - spec->requests[spec->n_requests - 1].n_repeats;
}

static int make_items(struct job_spec *spec, const struct job_chunk *chunk)
{
    struct item item = {.repetition = chunk->skip};

    spec->items = arena_alloc(&spec->arena, chunk->n_items * sizeof(item));
    if (spec->items == NULL)
        return -ENOMEM;
    while (spec->n_items < chunk->n_items) {
        spec->items[spec->n_items++] = item;
        if (++item.repetition == spec->requests[item.request].n_repeats)
            item = (struct item){.request = item.request + 1};
    }
    return 0;
}

int job_chunk_parse(const struct job_head *head, const struct job_chunk *chunk,
                    struct job_spec **ret_spec)
{
    CO_CLEANUP(parse_reader_done) struct parse_reader reader;
    CO_CLEANUP(defect_list_done) struct defect_list defects; /* of one request at a time */
    int rc = parse_reader_init_part(&reader, &head->reader, &head->settings);

    defect_list_init(&defects);
    reader.defects = &defects;
    rc = rc ?: read_lines(&reader, chunk->lines, chunk->length);
    if (rc == PARSE_REFUSED || (rc == 0 && !has_its_items(&reader, chunk)))
        return -EBADMSG;
    rc = rc ?: make_items(reader.spec, chunk) ?: origins_number(reader.spec);
    if (rc == 0)
        *ret_spec = co_take(reader.spec);
    return rc;
}
