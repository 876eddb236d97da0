#include "daemon/model/parse_reader.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    CHUNK_HEAD_SIZE_MAX = 64, /* what the arena needs beside the bytes */
};

int parse_reader_init(struct parse_reader *reader, const struct parse_settings *settings,
                      enum parse_kind kind, struct defect_list *defects)
{
    *reader = (struct parse_reader){
        .settings = settings,
        .kind = kind,
        .defects = defects,
        .n_found_before = defects->n_found,
        .spec = calloc(1, sizeof(struct job_spec)),
    };
    if (reader->spec == NULL)
        return -ENOMEM;
    arena_init(&reader->spec->arena, settings->max_arena_bytes);
    reader->spec->settings = refcount_ref(settings->owner);
    reader->spec->weight = 1;

    struct fetch_options *options = arena_alloc(&reader->spec->arena, sizeof(*options));
    if (options == NULL)
        return parse_no_room(reader, sizeof(*options));
    *options = settings->defaults;
    reader->options = options;
    return 0;
}

int parse_reader_init_part(struct parse_reader *reader, const struct parse_reader *head,
                           const struct parse_settings *settings)
{
    struct job_spec *spec = malloc(sizeof(*spec));

    *reader = *head;
    reader->settings = settings;
    reader->spec = spec;
    if (spec == NULL)
        return -ENOMEM;
    *spec = *head->spec;
    spec->settings = refcount_ref(settings->owner);
    arena_init(&spec->arena, settings->max_arena_bytes);
    return 0;
}

void parse_reader_done(struct parse_reader *reader)
{
    job_spec_free(reader->spec);
    reader->spec = NULL;
}

/* --- Pointers --------------------------------------------------------------------------------- */

struct pointer {
    char text[DEFECT_TEXT_SIZE];
    size_t length;
};

/* Adds "/segment", escaped. returns whether there was room for all of it */
static bool add_segment(struct pointer *pointer, const char *segment)
{
    size_t length = pointer->length;

    pointer->text[length++] = '/';
    for (; *segment != '\0' && length + 2 < sizeof(pointer->text); segment++) {
        char c = *segment;

        if (c == '~' || c == '/') {
            pointer->text[length++] = '~';
            c = c == '~' ? '0' : '1';
        }
        pointer->text[length++] = c;
    }
    if (*segment != '\0' || length + 2 >= sizeof(pointer->text))
        return false;
    pointer->length = length;
    return true;
}

static bool add_place(struct pointer *pointer, const struct parse_at *at)
{
    char index[sizeof("18446744073709551615")];

    if (at->key != NULL)
        return add_segment(pointer, at->key);
    snprintf(index, sizeof(index), "%zu", at->index);
    return add_segment(pointer, index);
}

static const struct parse_at *ancestor(const struct parse_at *at, size_t n_levels)
{
    while (n_levels-- > 0)
        at = at->parent;
    return at;
}

/* From the root down. A place whose pointer gets too long is given as the nearest one around it
 * whose does not. */
static void write_pointer(struct pointer *pointer, const struct parse_at *at)
{
    size_t depth = 0;

    for (const struct parse_at *place = at; place != NULL; place = place->parent)
        depth++;
    while (depth > 0 && add_place(pointer, ancestor(at, depth - 1)))
        depth--;
    pointer->text[pointer->length] = '\0';
}

/* --- Defects and refusals --------------------------------------------------------------------- */

int parse_defect(struct parse_reader *reader, const struct parse_at *at, const char *code,
                 const char *format, ...)
{
    struct pointer pointer = {.length = 0};
    char detail[DEFECT_TEXT_SIZE];
    va_list args;

    va_start(args, format);
    vsnprintf(detail, sizeof(detail), format, args);
    va_end(args);
    write_pointer(&pointer, at);
    if (reader->line > 0)
        defect_add(reader->defects, pointer.text, code, "line %zu: %s", reader->line, detail);
    else
        defect_add(reader->defects, pointer.text, code, "%s", detail);
    return 0;
}

int parse_refuse(struct parse_reader *reader, int status, const char *code, const char *format, ...)
{
    struct parse_refusal *refusal = &reader->refusal;
    va_list args;

    refusal->status = status;
    refusal->code = code;
    va_start(args, format);
    vsnprintf(refusal->detail, sizeof(refusal->detail), format, args);
    va_end(args);
    return PARSE_REFUSED;
}

int parse_refuse_defects(struct parse_reader *reader)
{
    uint64_t n = reader->defects->n_found - reader->n_found_before;

    return n == 0 ? 0
                  : parse_refuse(reader, 422, "invalid_request", "The request has %llu error%s.",
                                 (unsigned long long)n, n == 1 ? "" : "s");
}

/* --- Memory ----------------------------------------------------------------------------------- */

int parse_no_room(struct parse_reader *reader, size_t size)
{
    const struct arena *arena = &reader->spec->arena;

    if (arena->max_bytes - arena->n_bytes >= size + CHUNK_HEAD_SIZE_MAX)
        return -ENOMEM;
    return parse_refuse(reader, 413, "too_large",
                        "The requests would need more than %zu bytes of memory.", arena->max_bytes);
}

int parse_copy(struct parse_reader *reader, const void *bytes, size_t length, const char **ret_copy)
{
    const char *copy = arena_copy(&reader->spec->arena, bytes, length);

    if (copy == NULL)
        return parse_no_room(reader, length);
    *ret_copy = copy;
    return 0;
}
