#include "daemon/model/parse_auth.h"

#include <jansson.h>
#include <string.h>

#include "daemon/model/parse_object.h"
#include "daemon/model/parse_reference.h"
#include "daemon/model/parse_tables.h"

enum {
    USERNAME_SIZE_MAX = 256,
    SECRET_SIZE_MAX = 16 * 1024,
};

/* What an object says; NULL: nothing. */
struct written {
    int type; /* an index into types; -1: it does not say */
    const char *username;
    const char *password;
    const char *token;
    const char *secret_ref;
};

/* --- Members ---------------------------------------------------------------------------------- */

static int read_type(struct parse_reader *reader, const struct parse_at *at, struct json_t *value,
                     const struct parse_member *member, void *field)
{
    *(int *)field = parse_word(reader, at, value, member->words);
    return 0;
}

static bool has_control_character(const char *text)
{
    for (; *text != '\0'; text++)
        if (((unsigned char)*text < ' ' && *text != '\t') || *text == 0x7f)
            return true;
    return false;
}

/* Longest and shortest as for any text, and such as a header can carry. */
static int read_text(struct parse_reader *reader, const struct parse_at *at, struct json_t *value,
                     const struct parse_member *member, void *field)
{
    const char *text = json_string_value(value);

    if (text != NULL && (int64_t)json_string_length(value) < member->min)
        return parse_defect(reader, at, "invalid_value", "must not be empty");
    if (text != NULL && has_control_character(text))
        return parse_defect(reader, at, "invalid_value", "must not have control characters");
    return parse_text(reader, at, value, member, field);
}

/* A colon ends it where it is sent. source RFC 7617 section 2, RFC 7616 section 3.4 */
static int read_username(struct parse_reader *reader, const struct parse_at *at,
                         struct json_t *value, const struct parse_member *member, void *field)
{
    const char *text = json_string_value(value);

    if (text != NULL && strchr(text, ':') != NULL)
        return parse_defect(reader, at, "invalid_value", "must not have a colon");
    return read_text(reader, at, value, member, field);
}

#define WRITTEN(field) .offset = offsetof(struct written, field)

static const char *const types[] = {
    [AUTH_BASIC] = "basic", [AUTH_BEARER] = "bearer", [AUTH_DIGEST] = "digest", NULL};

static const struct parse_member auth_members[] = {
    {"type", .read = read_type, WRITTEN(type), .words = types},
    {"username", .read = read_username, WRITTEN(username), .max = USERNAME_SIZE_MAX},
    {"password", .read = read_text, WRITTEN(password), .max = SECRET_SIZE_MAX},
    {"token", .read = read_text, WRITTEN(token), .min = 1, .max = SECRET_SIZE_MAX},
    {"secret_ref", .read = parse_secret_ref, WRITTEN(secret_ref)},
};
const struct parse_table parse_auth_table = PARSE_TABLE("Auth", auth_members);

/* --- Together --------------------------------------------------------------------------------- */

static int conflict(struct parse_reader *reader, const struct parse_at *at, const char *key,
                    const char *sentence)
{
    const struct parse_at place = {.parent = at, .key = key};

    return parse_defect(reader, &place, "conflicting_members", "%s", sentence);
}

static int missing(struct parse_reader *reader, const struct parse_at *at, const char *key,
                   const char *sentence)
{
    const struct parse_at place = {.parent = at, .key = key};

    return parse_defect(reader, &place, "missing_member", "%s", sentence);
}

static int check_written(struct parse_reader *reader, const struct parse_at *at,
                         const struct written *written, int type)
{
    if (written->secret_ref != NULL && (written->password != NULL || written->token != NULL))
        return conflict(reader, at, "secret_ref",
                        "the secret is either written here or named by \"secret_ref\"");
    if (type == AUTH_BEARER && written->username != NULL)
        return conflict(reader, at, "username", "a bearer token has no username");
    if (type == AUTH_BEARER && written->password != NULL)
        return conflict(reader, at, "password", "of type bearer it is called \"token\"");
    if (type != AUTH_BEARER && written->token != NULL)
        return conflict(reader, at, "token", "of this type it is called \"password\"");
    return 0;
}

static int check_complete(struct parse_reader *reader, const struct parse_at *at,
                          const struct fetch_auth *auth)
{
    if (auth->type != AUTH_BEARER && auth->user == NULL)
        missing(reader, at, "username", "\"username\" is missing");
    if (auth->secret != NULL || auth->secret_ref != NULL)
        return 0;
    return auth->type == AUTH_BEARER
               ? missing(reader, at, "token", "\"token\" or \"secret_ref\" is missing")
               : missing(reader, at, "password", "\"password\" or \"secret_ref\" is missing");
}

/* A secret replaces the other kind of secret, too, and is never taken over by another type. */
static struct fetch_auth merge(const struct fetch_auth *below, const struct written *written,
                               int type)
{
    const char *secret = written->password != NULL ? written->password : written->token;
    struct fetch_auth auth = {.type = (typeof(auth.type))type};

    if (below != NULL && (int)below->type == type)
        auth = *below;
    if (written->username != NULL)
        auth.user = written->username;
    if (secret != NULL || written->secret_ref != NULL) {
        auth.secret = secret;
        auth.secret_ref = written->secret_ref;
    }
    return auth;
}

static int keep(struct parse_reader *reader, const struct fetch_auth *auth,
                const struct fetch_auth **ret_auth)
{
    struct fetch_auth *copy = arena_alloc(&reader->spec->arena, sizeof(*copy));

    if (copy == NULL)
        return parse_no_room(reader, sizeof(*copy));
    *copy = *auth;
    *ret_auth = copy;
    return 0;
}

int parse_auth(struct parse_reader *reader, const struct parse_at *at, struct json_t *value,
               const struct parse_member *member, void *field)
{
    const struct fetch_auth *below = *(const struct fetch_auth **)field;
    struct written written = {.type = -1};
    struct parse_layer layer = PARSE_LAYER(auth_members, &written);
    uint64_t n_defects = reader->defects->n_found;

    (void)member;
    if (json_is_null(value)) {
        *(const struct fetch_auth **)field = NULL;
        return 0;
    }
    int rc = parse_object(reader, at, value, &layer, 1);
    if (rc < 0 || reader->defects->n_found > n_defects)
        return rc;
    int type = written.type >= 0 ? written.type : below != NULL ? (int)below->type : -1;
    if (type < 0)
        return missing(reader, at, "type", "\"type\" is missing");
    struct fetch_auth auth = merge(below, &written, type);
    check_written(reader, at, &written, type);
    check_complete(reader, at, &auth);
    return keep(reader, &auth, field);
}
