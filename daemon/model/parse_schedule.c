#include "daemon/model/parse_schedule.h"

#include <jansson.h>
#include <stdio.h>

#include "lib/co/base.h"

#include "daemon/model/parse_characters.h"
#include "daemon/model/parse_document.h"
#include "daemon/model/parse_load.h"
#include "daemon/model/parse_object.h"
#include "daemon/model/parse_tables.h"

enum { NAME_SIZE_MAX = 256 };

/* --- The job ---------------------------------------------------------------------------------- */

static int drop_chunk(void *arg, const struct job_chunk *chunk)
{
    (void)arg, (void)chunk;
    return 0;
}

/* What is wrong with the job, said of a member of this document. */
static void add_defects(struct defect_list *defects, const struct defect_list *of_job)
{
    for (size_t i = 0; i < of_job->n_defects; i++) {
        const struct defect *defect = &of_job->defects[i];
        char pointer[DEFECT_TEXT_SIZE];
        snprintf(pointer, sizeof(pointer), "/job%s", defect->pointer);
        defect_add(defects, pointer, defect->code, "%s", defect->detail);
    }
    defects->n_found += of_job->n_found - of_job->n_defects;
}

/* A refusal for anything but defects stays what it is. */
static int refuse_job(struct parse_reader *reader, const struct intake *intake)
{
    const struct defect_list *of_job = intake_defects(intake);

    add_defects(reader->defects, of_job);
    if (of_job->n_found > 0)
        return 0;
    reader->refusal = *intake_refusal(intake);
    return PARSE_REFUSED;
}

static int check_job(struct parse_reader *reader, const char *text, size_t length)
{
    static const struct intake_sink nowhere = {.put = drop_chunk};
    CO_CLEANUP(intake_freep) struct intake *intake = NULL;
    int rc = intake_new(&intake, reader->settings, "application/json", &nowhere);

    if (rc == 0)
        rc = intake_write(intake, text, length) ?: intake_end(intake);
    return rc == 1 ? refuse_job(reader, intake) : rc;
}

static int read_job(struct parse_reader *reader, const struct parse_at *at, struct json_t *value,
                    const struct parse_member *member, void *field)
{
    struct schedule_document *document = field;
    int rc = parse_write_json(reader, value, 0, &document->job, &document->job_length);

    (void)member;
    if (rc < 0 || parse_is_too_long(reader, at, document->job_length, SCHEDULE_JOB_MAX))
        return rc;
    return check_job(reader, document->job, document->job_length);
}

/* --- When ------------------------------------------------------------------------------------- */

static int read_cron(struct parse_reader *reader, const struct parse_at *at, struct json_t *value,
                     const struct parse_member *member, void *field)
{
    struct schedule_document *document = field;
    const char *text = NULL;
    struct err err = {""};
    int rc = parse_text(reader, at, value, member, &text);

    if (rc < 0 || text == NULL)
        return rc;
    if (cron_parse(text, &document->times, &err) < 0)
        return parse_defect(reader, at, "invalid_value", "%s", err.message);
    document->cron = text;
    return 0;
}

static const struct parse_member members[] = {
    {"every_ms", .read = parse_duration, .offset = offsetof(struct schedule_document, every_us),
     .min = SCHEDULE_EVERY_MIN_US, .max = SCHEDULE_EVERY_MAX_US},
    {"cron", .read = read_cron, .max = CRON_TEXT_MAX},
    {"jitter_ms", .read = parse_duration, .offset = offsetof(struct schedule_document, jitter_us),
     .max = SCHEDULE_EVERY_MAX_US},
    {"overlap", .read = parse_enum, .offset = offsetof(struct schedule_document, overlap),
     .words = schedule_overlap_names},
    {"paused", .read = parse_bool, .offset = offsetof(struct schedule_document, is_paused)},
    {"job", .read = read_job, .is_required = true},
};
const struct parse_table parse_schedule_table = PARSE_TABLE("ScheduleDocument", members);

static const struct parse_member named_members[] = {
    {"name", .read = parse_text, .offset = offsetof(struct job_spec, name), .max = NAME_SIZE_MAX,
     .is_required = true},
    {"labels", .read = parse_labels},
};
const struct parse_table parse_schedule_name_table = PARSE_TABLE("ScheduleDocument", named_members);

static int check_rule(struct parse_reader *reader, const struct json_t *value,
                      const struct schedule_document *document)
{
    static const struct parse_at cron = {.key = "cron"}, jitter = {.key = "jitter_ms"};
    bool has_every = json_object_get(value, "every_ms") != NULL;
    bool has_cron = json_object_get(value, "cron") != NULL;
    const struct schedule rule = {.every_us = document->every_us, .times = document->times};

    if (!has_every && !has_cron)
        return parse_defect(reader, NULL, "missing_member",
                            "\"every_ms\" or \"cron\" is missing: when is it to run?");
    if (has_every && has_cron)
        return parse_defect(reader, &cron, "conflicting_members",
                            "there may be \"every_ms\" or \"cron\", not both");
    bool is_known = document->every_us > 0 || document->cron != NULL;
    if (is_known && document->jitter_us >= schedule_min_gap_us(&rule))
        return parse_defect(reader, &jitter, "out_of_range",
                            "must be less than two runs are apart, which may be %.15g milliseconds",
                            (double)schedule_min_gap_us(&rule) / 1e3);
    return 0;
}

/* --- The document ----------------------------------------------------------------------------- */

static int read_document(struct parse_reader *reader, struct json_t *value,
                         struct schedule_document *document)
{
    struct parse_layer layers[] = {
        PARSE_LAYER(named_members, reader->spec),
        PARSE_LAYER(members, document),
    };

    if (!json_is_object(value))
        return parse_wrong_type(reader, NULL, value, "an object");
    return parse_object(reader, NULL, value, layers, sizeof(layers) / sizeof(layers[0]))
               ?: check_rule(reader, value, document);
}

static int read_bytes(struct parse_reader *reader, const char *bytes, size_t length,
                      struct schedule_document *document)
{
    CO_CLEANUP(parse_unload) struct json_t *value = NULL;

    return parse_check_characters(reader, bytes, length)
               ?: parse_load(reader, bytes, length, &value)
               ?: read_document(reader, value, document) ?: parse_refuse_defects(reader);
}

int schedule_parse(const struct parse_settings *settings, const char *bytes, size_t length,
                   struct defect_list *defects, struct parse_refusal *ret_refusal,
                   struct schedule_document *ret_document)
{
    struct schedule_document document = {.every_us = 0};
    CO_CLEANUP(parse_reader_done) struct parse_reader reader;
    int rc = parse_reader_init(&reader, settings, PARSE_JOB, defects)
                 ?: read_bytes(&reader, bytes, length, &document);

    if (rc == PARSE_REFUSED) {
        *ret_refusal = reader.refusal;
        return 1;
    }
    if (rc < 0)
        return rc;
    document.spec = co_take(reader.spec);
    *ret_document = document;
    return 0;
}

void schedule_document_done(struct schedule_document *document)
{
    job_spec_free(document->spec);
}
