#include "daemon/base/log_format.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "daemon/base/instant.h"

/* By level, as in syslog(3). */
static const char priorities[] = {
    [LOG_LEVEL_ERROR] = '3',
    [LOG_LEVEL_WARNING] = '4',
    [LOG_LEVEL_INFO] = '6',
    [LOG_LEVEL_DEBUG] = '7',
};

static const struct event_kind *kind_of(const struct log_record *record)
{
    return &event_kinds[record->event];
}

static void put_time(struct log_line *line, const struct log_record *record)
{
    char text[INSTANT_TEXT_LEN];

    log_line_put(line, text, instant_format(record->at, text));
}

static void put_rest(struct log_line *line, const struct log_record *record)
{
    log_line_put_text(line, record->message, LOG_MESSAGE_MAX - line->len - 1, LOG_PLAIN);
    log_line_put(line, "\n", 1);
}

void log_format_text(struct log_line *line, const struct log_record *record)
{
    line->len = 0;
    put_time(line, record);
    log_line_put(line, " ", 1);
    log_line_put_string(line, log_level_names[kind_of(record)->level]);
    log_line_put(line, ": ", 2);
    put_rest(line, record);
}

void log_format_prefixed(struct log_line *line, const struct log_record *record)
{
    line->len = 0;
    log_line_put(line, (char[]){'<', priorities[kind_of(record)->level], '>'}, 3);
    put_rest(line, record);
}

/* Calls put for each field that has a value. */
static void put_fields(struct log_line *line, const struct log_record *record,
                       void (*put)(struct log_line *line, const char *name, const char *value))
{
    const struct log_field *field = record->fields;

    for (size_t i = 0; field != NULL && i < LOG_FIELDS_MAX && field->name != NULL; i++, field++)
        if (field->value != NULL)
            put(line, field->name, field->value);
}

/* --- JSON ------------------------------------------------------------------------------------- */

static void put_member(struct log_line *line, const char *name, const char *value, size_t max)
{
    log_line_put(line, ",\"", 2);
    log_line_put_string(line, name);
    log_line_put(line, "\":\"", 3);
    log_line_put_text(line, value, max, LOG_JSON);
    log_line_put(line, "\"", 1);
}

static void put_field_member(struct log_line *line, const char *name, const char *value)
{
    put_member(line, name, value, LOG_VALUE_MAX);
}

void log_format_json(struct log_line *line, const struct log_record *record)
{
    line->len = 0;
    log_line_put_string(line, "{\"time\":\"");
    put_time(line, record);
    log_line_put(line, "\"", 1);
    put_field_member(line, "level", log_level_names[kind_of(record)->level]);
    put_field_member(line, "event", kind_of(record)->name);
    put_member(line, "message", record->message, LOG_MESSAGE_MAX);
    put_fields(line, record, put_field_member);
    log_line_put(line, "}\n", 2);
}

/* --- The journal ------------------------------------------------------------------------------ */

static void put_variable(struct log_line *line, const char *name, const char *value, size_t max)
{
    log_line_put_string(line, name);
    log_line_put(line, "=", 1);
    log_line_put_text(line, value, max, LOG_PLAIN);
    log_line_put(line, "\n", 1);
}

static void put_field_variable(struct log_line *line, const char *name, const char *value)
{
    log_line_put_string(line, "GATHERD_");
    size_t at = line->len;
    put_variable(line, name, value, LOG_VALUE_MAX);
    for (; line->bytes[at] != '='; at++)
        line->bytes[at] = (char)toupper((unsigned char)line->bytes[at]);
}

static void put_place(struct log_line *line, const struct log_place *place)
{
    char number[16];

    snprintf(number, sizeof(number), "%d", place->line);
    put_variable(line, "CODE_FILE", place->file, LOG_VALUE_MAX);
    put_variable(line, "CODE_LINE", number, sizeof(number));
    put_variable(line, "CODE_FUNC", place->function, LOG_VALUE_MAX);
}

void log_format_journal(struct log_line *line, const struct log_record *record)
{
    const struct event_kind *kind = kind_of(record);

    line->len = 0;
    put_variable(line, "MESSAGE", record->message, LOG_MESSAGE_MAX);
    put_variable(line, "PRIORITY", (char[]){priorities[kind->level], '\0'}, LOG_VALUE_MAX);
    put_variable(line, "MESSAGE_ID", kind->message_id, LOG_VALUE_MAX);
    put_variable(line, "SYSLOG_IDENTIFIER", "gatherd", LOG_VALUE_MAX);
    put_field_variable(line, "event", kind->name);
    put_place(line, &record->place);
    put_fields(line, record, put_field_variable);
}
