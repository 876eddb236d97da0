#include "daemon/model/parse_retry.h"

#include <assert.h>
#include <jansson.h>
#include <string.h>

#include "daemon/base/suggest.h"
#include "daemon/model/parse_method.h"
#include "daemon/model/parse_object.h"
#include "daemon/model/parse_status.h"
#include "daemon/model/parse_tables.h"

enum {
    ATTEMPTS = 3, /* if retries are asked for without a number */
    METHODS_MAX = 32,
};

#define MS INT64_C(1000) /* in microseconds */

/* --- "on" ------------------------------------------------------------------------------------- */

static_assert(CO_HTTP_N_ERRORS <= 64, "errors are bits of a uint64_t");

#define ERROR(name) (UINT64_C(1) << CO_HTTP_##name)

/* A certificate that is wrong stays so; who knows better can name its error. */
static const struct group {
    const char *name;
    uint64_t errors;
} groups[] = {
    {"dns", ERROR(DNS_NOT_FOUND) | ERROR(DNS_TIMEOUT) | ERROR(DNS_ERROR)},
    {"connect", ERROR(CONNECT_REFUSED) | ERROR(CONNECT_TIMEOUT) | ERROR(CONNECT_UNREACHABLE) |
                    ERROR(CONNECT_ERROR) | ERROR(PROXY_ERROR)},
    {"tls", ERROR(TLS_TIMEOUT) | ERROR(TLS_HANDSHAKE)},
    {"timeout", ERROR(DNS_TIMEOUT) | ERROR(CONNECT_TIMEOUT) | ERROR(TLS_TIMEOUT) |
                    ERROR(TIMEOUT_FIRST_BYTE) | ERROR(TIMEOUT_IDLE) | ERROR(TIMEOUT_TOTAL)},
    {"reset", ERROR(SEND_ERROR) | ERROR(EMPTY_REPLY) | ERROR(RECV_RESET) | ERROR(PARTIAL_BODY)},
};

/* The word of the policy and that of the client are final. */
static const uint64_t not_retried = ERROR(OK) | ERROR(BLOCKED) | ERROR(CANCELED);

static bool may_be_retried(enum co_http_error error)
{
    return (not_retried >> error & 1) == 0;
}

/* What a word stands for: a group, or all errors with that code. */
static uint64_t errors_named(const char *name)
{
    uint64_t errors = 0;

    for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
        if (strcmp(groups[i].name, name) == 0)
            return groups[i].errors;
    for (enum co_http_error error = 0; error < CO_HTTP_N_ERRORS; error++)
        if (may_be_retried(error) && strcmp(co_http_error_name(error), name) == 0)
            errors |= UINT64_C(1) << error;
    return errors;
}

static const char *nearest_name(const char *name)
{
    struct suggestion suggestion;

    suggest_init(&suggestion, name, strlen(name));
    for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
        suggest_offer(&suggestion, groups[i].name);
    for (enum co_http_error error = 0; error < CO_HTTP_N_ERRORS; error++)
        if (may_be_retried(error))
            suggest_offer(&suggestion, co_http_error_name(error));
    return suggestion.best;
}

static int unknown_reason(struct parse_reader *reader, const struct parse_at *at, const char *name)
{
    static const char kinds[] = "\"dns\", \"connect\", \"tls\", \"timeout\", \"reset\", the code "
                                "of an error, a status or a class such as \"5xx\"";
    const char *nearest = defect_list_is_full(reader->defects) ? NULL : nearest_name(name);

    if (nearest == NULL)
        return parse_defect(reader, at, "invalid_value", "must be one of %s", kinds);
    return parse_defect(reader, at, "invalid_value", "must be one of %s; did you mean \"%s\"?",
                        kinds, nearest);
}

static int read_reason(struct parse_reader *reader, const struct parse_at *at, struct json_t *value,
                       const struct parse_member *member, void *field)
{
    struct fetch_retry *retry = field;
    const char *text = json_string_value(value);

    if (text == NULL)
        return parse_status(reader, at, value, member, &retry->on_status);
    if (parse_status_text(text, &retry->on_status))
        return 0;
    uint64_t errors = errors_named(text);
    retry->on_errors |= errors;
    return errors != 0 ? 0 : unknown_reason(reader, at, text);
}

static int read_on(struct parse_reader *reader, const struct parse_at *at, struct json_t *value,
                   const struct parse_member *member, void *field)
{
    struct fetch_retry *retry = field;

    retry->on_errors = 0;
    retry->on_status = (struct status_set){0};
    return parse_each(reader, at, value, read_reason, member, field);
}

/* --- "methods" -------------------------------------------------------------------------------- */

struct methods {
    const char **names;
    size_t n;
};

static int take_method(struct parse_reader *reader, const struct parse_at *at, const char *text,
                       size_t length, void *arg)
{
    struct methods *methods = arg;

    if (!parse_check_method(reader, at, text, length))
        return 0;
    return parse_copy(reader, text, length, &methods->names[methods->n++]);
}

static int read_methods(struct parse_reader *reader, const struct parse_at *at,
                        struct json_t *value, const struct parse_member *member, void *field)
{
    struct fetch_retry *retry = field;
    size_t n = json_is_array(value) ? json_array_size(value) : 1;

    (void)member;
    retry->methods = NULL;
    retry->n_methods = 0;
    if (json_is_null(value))
        return 0;
    if (n > METHODS_MAX)
        return parse_defect(reader, at, "too_many", "at most %d methods can be named", METHODS_MAX);
    struct methods methods = {
        .names = arena_calloc(&reader->spec->arena, n, sizeof(*methods.names)),
    };
    if (methods.names == NULL)
        return parse_no_room(reader, n * sizeof(*methods.names));
    int rc = parse_strings(reader, at, value, take_method, &methods);
    retry->methods = methods.names;
    retry->n_methods = methods.n;
    return rc;
}

/* --- Numbers ---------------------------------------------------------------------------------- */

static int read_max_attempts(struct parse_reader *reader, const struct parse_at *at,
                             struct json_t *value, const struct parse_member *member, void *field)
{
    struct parse_member limited = *member;

    limited.max = reader->settings->max_attempts;
    return parse_unsigned(reader, at, value, &limited, field);
}

static int read_share(struct parse_reader *reader, const struct parse_at *at, struct json_t *value,
                      const struct parse_member *member, void *field)
{
    double share = json_number_value(value);

    (void)member;
    if (!json_is_number(value))
        return parse_wrong_type(reader, at, value, "a number from 0 to 1");
    if (share < 0 || share > 1)
        return parse_defect(reader, at, "out_of_range", "must be from 0 to 1");
    *(double *)field = share;
    return 0;
}

/* --- All of it -------------------------------------------------------------------------------- */

static struct fetch_retry defaults(const struct parse_settings *settings)
{
    static const int statuses[] = {429, 502, 503, 504};
    struct fetch_retry retry = {
        .max_attempts = ATTEMPTS < settings->max_attempts ? ATTEMPTS : settings->max_attempts,
        .on_errors = errors_named("dns") | errors_named("connect") | errors_named("timeout") |
                     errors_named("reset"),
        .backoff_us = 200 * MS,
        .max_backoff_us = 5000 * MS,
        .jitter = 0.2,
        .respect_retry_after = true,
        .max_retry_after_us = 30000 * MS,
    };

    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
        status_set_add(&retry.on_status, statuses[i], statuses[i]);
    return retry;
}

#define RETRY(field) .offset = offsetof(struct fetch_retry, field)

static const struct parse_member retry_members[] = {
    {"max_attempts", .read = read_max_attempts, RETRY(max_attempts), .min = 1},
    {"on", .read = read_on},
    {"methods", .read = read_methods},
    {"backoff_ms", .read = parse_duration, RETRY(backoff_us), .max = PARSE_DAY_US},
    {"max_backoff_ms", .read = parse_duration, RETRY(max_backoff_us), .max = PARSE_DAY_US},
    {"jitter", .read = read_share, RETRY(jitter)},
    {"respect_retry_after", .read = parse_bool, RETRY(respect_retry_after)},
    {"max_retry_after_ms", .read = parse_duration, RETRY(max_retry_after_us), .max = PARSE_DAY_US},
};
const struct parse_table parse_retry_table = PARSE_TABLE("Retry", retry_members);

int parse_retry(struct parse_reader *reader, const struct parse_at *at, struct json_t *value,
                const struct parse_member *member, void *field)
{
    struct fetch_retry *retry = field;
    struct parse_layer layer = PARSE_LAYER(retry_members, retry);

    (void)member;
    if (json_is_null(value)) {
        *retry = (struct fetch_retry){0};
        return 0;
    }
    if (retry->max_attempts == 0)
        *retry = defaults(reader->settings);
    int rc = parse_object(reader, at, value, &layer, 1);
    if (rc == 0 && retry->backoff_us > retry->max_backoff_us)
        return parse_defect(reader, at, "conflicting_members",
                            "\"backoff_ms\" is more than \"max_backoff_ms\" (which is %.15g)",
                            (double)retry->max_backoff_us / 1e3);
    return rc;
}
