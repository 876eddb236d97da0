#include "daemon/model/parse_expect.h"

#include <ctype.h>
#include <jansson.h>
#include <string.h>

#include "daemon/model/parse_check.h"
#include "daemon/model/parse_headers.h"
#include "daemon/model/parse_status.h"
#include "daemon/model/parse_tables.h"

enum {
    NAME_SIZE_MAX = 256, /* of a header */
    POINTER_SIZE_MAX = 1024,
};

#define EXPIRY_MAX_US (100 * 366 * PARSE_DAY_US)

/* What is expected while it is being read: it begins with what was expected so far. */
struct draft {
    bool has_status;
    struct status_set status;
    struct parse_checks checks;
};

/* --- Objects of operators --------------------------------------------------------------------- */

/* null takes all away. */
static int read_operators(struct parse_reader *reader, const struct parse_at *at,
                          struct json_t *value, struct parse_layer layer,
                          struct parse_operand *operand)
{
    if (!json_is_null(value))
        return parse_object(reader, at, value, &layer, 1);
    parse_checks_drop(operand->checks, &operand->check);
    return 0;
}

static int read_body(struct parse_reader *reader, const struct parse_at *at, struct json_t *value,
                     const struct parse_member *member, void *field)
{
    struct draft *draft = field;
    struct parse_operand body = {
        .checks = &draft->checks, .check = {.subject = EXPECT_BODY}, .replaces = true};

    (void)member;
    return read_operators(reader, at, value, parse_body_operators(&body), &body);
}

static int read_time(struct parse_reader *reader, const struct parse_at *at, struct json_t *value,
                     const struct parse_member *member, void *field)
{
    struct draft *draft = field;
    struct parse_operand time = {.checks = &draft->checks,
                                 .check = {.subject = EXPECT_TIME, .name = member->name},
                                 .max_us = PARSE_DAY_US,
                                 .replaces = true};

    return read_operators(reader, at, value, parse_duration_operators(&time), &time);
}

static int read_tls_expiry(struct parse_reader *reader, const struct parse_at *at,
                           struct json_t *value, const struct parse_member *member, void *field)
{
    struct draft *draft = field;
    struct parse_operand expiry = {.checks = &draft->checks,
                                   .check = {.subject = EXPECT_TLS_EXPIRES_IN},
                                   .max_us = EXPIRY_MAX_US,
                                   .replaces = true};

    (void)member;
    return read_operators(reader, at, value, parse_duration_operators(&expiry), &expiry);
}

/* --- Arrays of things that have a name -------------------------------------------------------- */

static int read_header_name(struct parse_reader *reader, const struct parse_at *at,
                            struct json_t *value, const struct parse_member *member, void *field)
{
    size_t length = json_string_length(value);
    const char *text = json_string_value(value);

    (void)member;
    if (text == NULL)
        return parse_wrong_type(reader, at, value, "the name of a header");
    if (length > NAME_SIZE_MAX || !parse_is_token(text, length))
        return parse_defect(reader, at, "invalid_header", "this is not the name of a header");
    char *name = arena_copy(&reader->spec->arena, text, length);
    if (name == NULL)
        return parse_no_room(reader, length);
    for (size_t i = 0; i < length; i++)
        name[i] = (char)tolower((unsigned char)name[i]);
    *(const char **)field = name;
    return 0;
}

/* source RFC 6901 section 3 */
static bool is_pointer(const char *text)
{
    if (*text != '\0' && *text != '/')
        return false;
    while ((text = strchr(text, '~')) != NULL)
        if (*++text != '0' && *text != '1')
            return false;
    return true;
}

static int read_pointer(struct parse_reader *reader, const struct parse_at *at,
                        struct json_t *value, const struct parse_member *member, void *field)
{
    if (json_is_string(value) && !is_pointer(json_string_value(value)))
        return parse_defect(reader, at, "invalid_value",
                            "a JSON Pointer is empty or begins with /, and writes ~ as ~0");
    return parse_text(reader, at, value, member, field);
}

static const struct parse_member header_name[] = {
    {"name", .read = read_header_name, .is_required = true},
};
const struct parse_table parse_header_name_table = PARSE_TABLE("HeaderCheck", header_name);

static const struct parse_member pointer_name[] = {
    {"pointer", .read = read_pointer, .max = POINTER_SIZE_MAX, .is_required = true},
};
const struct parse_table parse_pointer_table = PARSE_TABLE("JsonCheck", pointer_name);

/* What the elements of an array are. */
struct kind {
    enum expect_subject subject;
    const struct parse_member *name; /* one member */
    struct parse_layer (*operators)(struct parse_operand *operand);
};

static const struct kind header_kind = {EXPECT_HEADER, header_name, parse_header_operators};
static const struct kind json_kind = {EXPECT_JSON, pointer_name, parse_json_operators};

/* Gives the checks of an element their name, which it may have said last. */
static void name_checks(struct parse_checks *checks, size_t first, const char *name)
{
    for (size_t i = first; i < checks->n; i++)
        checks->list[i].name = name;
}

static void check_element(struct parse_reader *reader, const struct parse_at *at,
                          const struct parse_checks *checks, size_t first, bool has_operators)
{
    if (!has_operators)
        parse_defect(reader, at, "missing_member",
                     "there must be an operator, such as \"equals\" or \"exists\"");
    for (size_t i = first; i < checks->n; i++)
        if (checks->list[i].op == EXPECT_ABSENT && checks->n - first > 1)
            parse_defect(reader, at, "conflicting_members",
                         "what does not exist cannot be anything else, too");
}

static int read_element(struct parse_reader *reader, const struct parse_at *at,
                        struct json_t *value, struct parse_checks *checks, const struct kind *kind)
{
    struct parse_operand operand = {.checks = checks, .check = {.subject = kind->subject}};
    const char *name = NULL;
    size_t first = checks->n;
    struct parse_layer layers[] = {
        {.members = kind->name, .n_members = 1, .target = &name},
        kind->operators(&operand),
    };
    int rc = parse_object(reader, at, value, layers, sizeof(layers) / sizeof(layers[0]));

    if (json_is_object(value))
        check_element(reader, at, checks, first, layers[1].seen != 0);
    name_checks(checks, first, name);
    return rc;
}

static int read_elements(struct parse_reader *reader, const struct parse_at *at,
                         struct json_t *value, struct parse_checks *checks, const struct kind *kind)
{
    const struct expect_check pattern = {.subject = kind->subject};
    struct json_t *element;
    size_t i;
    int rc = 0;

    parse_checks_drop(checks, &pattern);
    if (json_is_null(value))
        return 0;
    if (!json_is_array(value))
        return parse_wrong_type(reader, at, value, "an array");
    json_array_foreach(value, i, element)
    {
        const struct parse_at place = {.parent = at, .index = i};
        rc = rc ?: read_element(reader, &place, element, checks, kind);
    }
    return rc;
}

static int read_headers(struct parse_reader *reader, const struct parse_at *at,
                        struct json_t *value, const struct parse_member *member, void *field)
{
    (void)member;
    return read_elements(reader, at, value, &((struct draft *)field)->checks, &header_kind);
}

static int read_json(struct parse_reader *reader, const struct parse_at *at, struct json_t *value,
                     const struct parse_member *member, void *field)
{
    (void)member;
    return read_elements(reader, at, value, &((struct draft *)field)->checks, &json_kind);
}

/* --- All of it -------------------------------------------------------------------------------- */

static int read_status(struct parse_reader *reader, const struct parse_at *at, struct json_t *value,
                       const struct parse_member *member, void *field)
{
    struct draft *draft = field;

    draft->has_status = !json_is_null(value);
    return draft->has_status ? parse_status_set(reader, at, value, member, &draft->status) : 0;
}

static const struct parse_member expect_members[] = {
    {"status", .read = read_status},
    {"body", .read = read_body},
    {"header", .read = read_headers},
    {"json", .read = read_json},
    {"queue_ms", .read = read_time},
    {"dns_ms", .read = read_time},
    {"connect_ms", .read = read_time},
    {"tls_ms", .read = read_time},
    {"send_ms", .read = read_time},
    {"wait_ms", .read = read_time},
    {"receive_ms", .read = read_time},
    {"total_ms", .read = read_time},
    {"redirect_ms", .read = read_time},
    {"elapsed_ms", .read = read_time},
    {"tls_expires_in_ms", .read = read_tls_expiry},
};
const struct parse_table parse_expect_table = PARSE_TABLE("Expect", expect_members);

static void begin(struct draft *draft, const struct expect *below)
{
    draft->has_status = below != NULL && below->has_status;
    draft->status = draft->has_status ? below->status : (struct status_set){0};
    draft->checks.n = below != NULL ? below->n_checks : 0;
    if (draft->checks.n > 0)
        memcpy(draft->checks.list, below->checks, draft->checks.n * sizeof(draft->checks.list[0]));
}

static bool has_subject(const struct parse_checks *checks, enum expect_subject subject)
{
    size_t i = 0;

    while (i < checks->n && checks->list[i].subject != subject)
        i++;
    return i < checks->n;
}

static int keep(struct parse_reader *reader, const struct draft *draft,
                const struct expect **ret_expect)
{
    size_t size = draft->checks.n * sizeof(draft->checks.list[0]);
    struct expect_check *checks = arena_alloc(&reader->spec->arena, size);
    struct expect *expect = arena_alloc(&reader->spec->arena, sizeof(*expect));
    bool needs_json = has_subject(&draft->checks, EXPECT_JSON);

    if (checks == NULL || expect == NULL)
        return parse_no_room(reader, checks == NULL ? size : sizeof(*expect));
    memcpy(checks, draft->checks.list, size);
    *expect = (struct expect){
        .has_status = draft->has_status,
        .status = draft->status,
        .checks = checks,
        .n_checks = draft->checks.n,
        .needs_body = needs_json || has_subject(&draft->checks, EXPECT_BODY),
        .needs_json = needs_json,
    };
    *ret_expect = expect;
    return 0;
}

int parse_expect(struct parse_reader *reader, const struct parse_at *at, struct json_t *value,
                 const struct parse_member *member, void *field)
{
    const struct expect **expect = field;
    struct draft draft;
    struct parse_layer layer = PARSE_LAYER(expect_members, &draft);

    (void)member;
    begin(&draft, *expect);
    *expect = NULL;
    if (json_is_null(value))
        return 0;
    int rc = parse_object(reader, at, value, &layer, 1);
    if (rc < 0 || (!draft.has_status && draft.checks.n == 0))
        return rc;
    return keep(reader, &draft, expect);
}
