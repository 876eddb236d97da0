/* JSON, element by element. */
#include "daemon/model/intake_private.h"

#include <errno.h>
#include <string.h>

#include "lib/co/base.h"

#include "daemon/model/parse_load.h"
#include "daemon/model/parse_request.h"

/* --- What is left of the document ------------------------------------------------------------- */

enum { LARGE = 16 * 1024 }; /* bytes of it that are read elsewhere: many can be read within 2 ms */

static int refuse_rest(struct intake *intake)
{
    return intake_too_large(intake, "What is not requests", INTAKE_HEAD_MAX,
                            "what only some requests need belongs into these");
}

static bool is_large(const struct intake *intake)
{
    return intake->split.head.len >= LARGE;
}

static int load_rest(struct intake *intake, struct parse_reader *reader, struct json_t **ret_value)
{
    const struct buffer *rest = &intake->split.head;

    reader->cuts = intake->split.cuts;
    reader->n_cuts = intake->split.n_cuts;
    int rc = parse_load(reader, rest->data ?: "", rest->len, ret_value);
    if (intake->format == FORMAT_UNKNOWN)
        rc = parse_refuse_type(reader, rc, rest->data ?: "", rest->len);
    reader->n_cuts = 0;
    intake->reader.refusal = reader->refusal;
    return rc;
}

/* Reads what is said of all requests. What is wrong with it is noted when there is all of it. */
static int read_so_far(struct intake *intake, struct json_t *rest)
{
    struct parse_reader *reader = &intake->head_reader;
    struct defect_list passed_over;

    defect_list_init(&passed_over);
    reader->defects = &passed_over;
    int rc = parse_rest(reader, rest, &intake->place);
    intake->reader.refusal = reader->refusal;
    intake->is_bad = passed_over.n_found > 0;
    defect_list_done(&passed_over);
    return rc;
}

/* Loads the rest so far as if nothing followed. */
static int load_beginning(struct intake *intake, struct json_t **ret_value)
{
    struct buffer *rest = &intake->split.head;
    const char *end = intake->split.depth == 1 ? "]" : "]}";
    size_t length = rest->len;
    int rc =
        buffer_append(rest, end, strlen(end)) ?: load_rest(intake, &intake->head_reader, ret_value);

    rest->len = length;
    return rc;
}

static int read_beginning(void *arg, void **ret_result)
{
    CO_CLEANUP(parse_unload) struct json_t *beginning = NULL;
    struct intake *intake = arg;
    int rc = load_beginning(intake, &beginning);

    (void)ret_result;
    if (rc == -EMSGSIZE)
        return refuse_rest(intake);
    return rc ?: intake->split.n_cuts == 1 ? read_so_far(intake, beginning) : 0;
}

static int begin_array(struct intake *intake)
{
    bool is_first = intake->split.n_cuts == 1;
    int rc = intake->has_looked_ahead
                 ? 0
                 : intake_compute(intake, is_large(intake), read_beginning, intake);

    intake->is_ignored = !is_first || !intake->place.is_array;
    intake->reader.depth = intake->split.depth;
    return rc ?: is_first ? intake_begin_requests(intake) : 0;
}

/* --- Elements --------------------------------------------------------------------------------- */

/* Checks an element of an array that is one too many, which is a defect of the rest. */
static int pass_over(struct intake *intake, const char *text, size_t length)
{
    CO_CLEANUP(parse_unload) struct json_t *value = NULL;

    return parse_load(&intake->reader, text, length, &value);
}

/* Refuses an element that is not JSON as the document would be: within an array, and with its place
 * in the document. */
static int refuse_element(struct intake *intake, const char *text, size_t length)
{
    CO_CLEANUP(buffer_done) struct buffer begun;
    struct parse_reader *reader = &intake->reader;
    const struct text_cut cut = {
        .here = {.line = 1, .column = 1},
        .there = json_split_place(&intake->split),
    };

    buffer_init(&begun, length + 1);
    int rc = buffer_append_byte(&begun, '[') ?: buffer_append(&begun, text, length);
    if (rc < 0)
        return rc;
    reader->cuts = &cut;
    reader->n_cuts = 1;
    reader->depth--;
    return pass_over(intake, begun.data, begun.len);
}

static int read_element(struct intake *intake, const char *text, size_t length)
{
    const struct parse_at parent = {.key = intake->place.key};
    const struct parse_at at = {
        .parent = parent.key != NULL ? &parent : NULL,
        .index = intake->split.n_elements,
    };
    const struct request_text request = {.text = text, .length = length, .is_json = true};

    return intake->is_ignored ? pass_over(intake, text, length)
                              : intake_request(intake, &at, &request);
}

static int take_element(void *arg, const char *text, size_t length)
{
    struct intake *intake = arg;
    int rc = intake->split.n_elements == 0 ? begin_array(intake) : 0;

    if (rc < 0)
        return rc;
    rc = read_element(intake, text, length);
    if (rc != PARSE_REFUSED || intake->chunks.failure < 0 || intake->reader.refusal.status != 400)
        return rc;
    return refuse_element(intake, text, length);
}

/* --- Slices ----------------------------------------------------------------------------------- */

/* A head that is wrong up to here is refused for that. */
static int refuse_size(struct intake *intake)
{
    CO_CLEANUP(parse_unload) struct json_t *value = NULL;
    struct parse_reader *reader = &intake->head_reader;

    if (intake->split.state != SPLIT_HEAD)
        return intake_too_large(intake, "A request", INTAKE_ELEMENT_MAX, "its body is too long");
    int rc = load_rest(intake, reader, &value);
    if (rc < 0 && !reader->is_cut_off)
        return rc;
    return refuse_rest(intake);
}

static int write_json(struct intake *intake, const char *bytes, size_t n)
{
    int rc = parse_characters_next(&intake->characters, &intake->reader, bytes, n)
                 ?: json_split_write(&intake->split, bytes, n);

    return rc == -EMSGSIZE && intake->chunks.failure == 0 ? refuse_size(intake) : rc;
}

/* --- Looking ahead ---------------------------------------------------------------------------- */

static int take_nothing(void *arg, const char *text, size_t length)
{
    (void)arg, (void)text, (void)length;
    return 0;
}

struct looking {
    struct intake *intake;
    const char *text;
    size_t length;
};

static void begin_split(struct intake *intake, json_split_fn *take)
{
    json_split_done(&intake->split);
    json_split_init(&intake->split, INTAKE_HEAD_MAX, INTAKE_ELEMENT_MAX, take, intake);
}

static int look_ahead(void *arg, void **ret_result)
{
    CO_CLEANUP(parse_unload) struct json_t *rest = NULL;
    const struct looking *looking = arg;
    struct intake *intake = looking->intake;
    struct json_split *split = &intake->split;

    (void)ret_result;
    int rc = json_split_write(split, looking->text, looking->length) ?: json_split_end(split);
    return rc ?: load_rest(intake, &intake->head_reader, &rest) ?: read_so_far(intake, rest);
}

int intake_look_ahead(struct intake *intake, const char *text, size_t length)
{
    struct looking looking = {intake, text, length};

    begin_split(intake, take_nothing);
    int rc = intake_compute(intake, length >= LARGE, look_ahead, &looking);
    intake->has_looked_ahead = rc == 0;
    begin_split(intake, take_element);
    if (rc == 0 || rc == -ENOMEM)
        return rc;
    parse_reader_done(&intake->head_reader);
    return intake_begin_head(intake);
}

/* --- The end ---------------------------------------------------------------------------------- */

/* What was found in requests may come of not knowing it, and is not said. */
static int refuse_misplaced(struct intake *intake, const char *key)
{
    const struct parse_at at = {.key = key};
    struct parse_reader *reader = &intake->reader;

    reader->defects = &intake->defects;
    parse_defect(reader, &at, "misplaced_member", "\"%s\" must come before the requests", key);
    return parse_refuse(reader, 422, "misplaced_member",
                        "In a document of more than %d bytes \"%s\" must come before the requests.",
                        INTAKE_WHOLE_MAX, key);
}

/* Reads the rest anew, now that there is all of it. */
static int read_rest(struct intake *intake, struct json_t *rest)
{
    CO_CLEANUP(parse_reader_done) struct parse_reader reader = {0};
    const char *misplaced = parse_rest_misplaced(rest);
    struct parse_requests_place *place = &intake->place;

    if (misplaced != NULL && intake->n_requests > 0 && !intake->has_looked_ahead)
        return refuse_misplaced(intake, misplaced);
    int rc = parse_reader_init(&reader, &intake->settings, PARSE_JOB, &intake->defects)
                 ?: parse_rest(&reader, rest, place);
    const struct parse_at at = {.key = place->key};
    if (rc == 0 && place->is_array && intake->n_requests == 0)
        rc = parse_no_requests(&reader, place->key != NULL ? &at : NULL);
    intake->reader.refusal = reader.refusal;
    return rc;
}

static int take_rest(void *arg, void **ret_result)
{
    CO_CLEANUP(parse_unload) struct json_t *rest = NULL;
    struct intake *intake = arg;

    (void)ret_result;
    return load_rest(intake, &intake->head_reader, &rest)
               ?: read_rest(intake, rest) ?: intake_keep_head(intake, rest);
}

static int end_json(struct intake *intake)
{
    return parse_characters_end(&intake->characters, &intake->reader)
               ?: json_split_end(&intake->split)
               ?: intake_compute(intake, is_large(intake), take_rest, intake)
               ?: chunk_maker_end(&intake->chunks);
}

const struct intake_mode intake_json = {.write = write_json, .end = end_json};

int intake_begin_json(struct intake *intake)
{
    intake->mode = &intake_json;
    begin_split(intake, take_element);
    return intake_begin_head(intake);
}
