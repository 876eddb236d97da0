#include "daemon/model/intake.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/co/base.h"

#include "daemon/model/intake_private.h"
#include "daemon/model/parse_request.h"
#include "daemon/model/request_line.h"

enum {
    PART_BYTES = 1024 * 1024, /* of memory for what requests are parsed into: then it is freed */
    LARGE = 64 * 1024,        /* bytes of a request that is read elsewhere */
};

/* --- Requests --------------------------------------------------------------------------------- */

int intake_too_large(struct intake *intake, const char *what, size_t max, const char *advice)
{
    return parse_refuse(&intake->reader, 413, "too_large", "%s may have at most %zu bytes: %s.",
                        what, max, advice);
}

int intake_compute(struct intake *intake, bool is_large, int (*fn)(void *arg, void **ret_result),
                   void *arg)
{
    return is_large && intake->elsewhere != NULL ? intake->elsewhere(fn, arg) : fn(arg, NULL);
}

int intake_add(struct intake *intake, const struct request *request,
               const struct request_text *text)
{
    int rc = chunk_maker_add(&intake->chunks, text, request->n_repeats, !request_is_safe(request));

    return rc == -EMSGSIZE && intake->chunks.failure == 0
               ? intake_too_large(intake, "All requests, repeated,", INTAKE_CHUNKS_MAX,
                                  "send them as several jobs")
               : rc;
}

int intake_begin_head(struct intake *intake)
{
    struct parse_reader *reader = &intake->head_reader;
    int rc = parse_reader_init(reader, &intake->settings, PARSE_JOB, &intake->defects);

    intake->reader.refusal = reader->refusal;
    return rc;
}

int intake_begin_requests(struct intake *intake)
{
    const struct parse_reader before = intake->reader;
    struct parse_reader *reader = &intake->reader;

    parse_reader_done(reader);
    int rc = parse_reader_init_part(reader, &intake->head_reader, &intake->settings);
    reader->defects = &intake->found;
    reader->n_items = before.n_items;
    reader->line = before.line;
    reader->depth = before.depth;
    return rc ?: parse_requests_room(reader, CHUNK_ITEMS);
}

static int make_room(struct intake *intake)
{
    const struct job_spec *spec = intake->reader.spec;
    bool is_full = spec->n_requests == CHUNK_ITEMS || spec->arena.n_bytes > PART_BYTES;

    return is_full ? intake_begin_requests(intake) : 0;
}

struct reading {
    struct parse_reader *reader;
    const struct parse_at *at;
    const struct request_text *text;
};

static int read_request(void *arg, void **ret_result)
{
    const struct reading *reading = arg;
    const struct request_text *text = reading->text;

    (void)ret_result;
    return text->is_json
               ? request_json_read(reading->reader, reading->at, text->text, text->length)
               : parse_request_url(reading->reader, reading->at, text->text, text->length);
}

int intake_request(struct intake *intake, const struct parse_at *at,
                   const struct request_text *text)
{
    struct reading reading = {&intake->reader, at, text};
    struct parse_reader *reader = &intake->reader;

    if (intake->n_requests++ == intake->settings.max_items)
        return parse_too_many_items(reader);
    int rc = make_room(intake);
    if (rc == 0)
        rc = intake_compute(intake, text->length >= LARGE, read_request, &reading);
    if (rc < 0 || intake->is_bad || intake->found.n_found > 0)
        return rc;
    return intake_add(intake, &reader->spec->requests[reader->spec->n_requests - 1], text);
}

/* --- The way out ------------------------------------------------------------------------------ */

static int write_head(struct intake *intake, struct json_t *rest)
{
    int rc = parse_rest_write(rest, &intake->head_text, &intake->head_length);

    if (rc == 0)
        rc = job_head_parse(&intake->settings, intake->head_text, intake->head_length,
                            &intake->defects, &intake->reader.refusal, &intake->head);
    return rc == 1 ? PARSE_REFUSED : rc;
}

int intake_keep_head(struct intake *intake, struct json_t *rest)
{
    struct parse_reader *reader = &intake->reader;

    defect_list_add(&intake->defects, &intake->found);
    reader->defects = &intake->defects;
    reader->n_found_before = 0;
    return parse_refuse_defects(reader) ?: write_head(intake, rest);
}

static int write_nothing(struct intake *intake, const char *bytes, size_t n)
{
    (void)intake, (void)bytes, (void)n;
    return PARSE_REFUSED;
}

static int end_nothing(struct intake *intake)
{
    (void)intake;
    return PARSE_REFUSED;
}

static const struct intake_mode intake_over = {.write = write_nothing, .end = end_nothing};

static int answer(struct intake *intake, int rc)
{
    if (rc == 0)
        return 0;
    intake->mode = &intake_over;
    if (intake->chunks.failure < 0)
        return intake->chunks.failure;
    return rc == PARSE_REFUSED ? 1 : rc;
}

/* --- For callers ------------------------------------------------------------------------------ */

int intake_new(struct intake **ret_intake, const struct parse_settings *settings,
               const char *content_type, const struct intake_sink *sink)
{
    CO_CLEANUP(intake_freep) struct intake *intake = calloc(1, sizeof(*intake));

    if (intake == NULL)
        return -ENOMEM;
    intake->settings = parse_settings_hold(settings);
    intake->reader.settings = &intake->settings;
    intake->mode = &intake_held;
    intake->format = parse_format_of(content_type);
    intake->held_max = INTAKE_WHOLE_MAX;
    defect_list_init(&intake->defects);
    defect_list_init(&intake->found);
    chunk_maker_init(&intake->chunks, INTAKE_CHUNKS_MAX, sink->put, sink->arg);
    intake->elsewhere = sink->elsewhere;
    buffer_init(&intake->held, INTAKE_ELEMENT_MAX);
    buffer_init(&intake->cut_line, INTAKE_ELEMENT_MAX);
    *ret_intake = co_take(intake);
    return 0;
}

void intake_free(struct intake *intake)
{
    if (intake == NULL)
        return;
    job_head_free(intake->head);
    free(intake->head_text);
    parse_reader_done(&intake->reader);
    parse_reader_done(&intake->head_reader);
    json_split_done(&intake->split);
    buffer_done(&intake->cut_line);
    buffer_done(&intake->held);
    chunk_maker_done(&intake->chunks);
    defect_list_done(&intake->found);
    defect_list_done(&intake->defects);
    parse_settings_release(&intake->settings);
    free(intake);
}

void intake_freep(struct intake **intake)
{
    intake_free(*intake);
}

int intake_write(struct intake *intake, const char *bytes, size_t n)
{
    return n > 0 ? answer(intake, intake->mode->write(intake, bytes, n)) : 0;
}

int intake_end(struct intake *intake)
{
    return answer(intake, intake->mode->end(intake));
}

const struct parse_refusal *intake_refusal(const struct intake *intake)
{
    return &intake->reader.refusal;
}

const struct defect_list *intake_defects(const struct intake *intake)
{
    return &intake->defects;
}

uint32_t intake_n_items(const struct intake *intake)
{
    return intake->chunks.chunk.first;
}

void intake_head(const struct intake *intake, const char **ret_text, size_t *ret_length)
{
    *ret_text = intake->head_text;
    *ret_length = intake->head_length;
}

const struct job_spec *intake_head_spec(const struct intake *intake)
{
    return job_head_spec(intake->head);
}
