#include "daemon/api/prefer.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "daemon/base/quantity.h"

/* --- Times ------------------------------------------------------------------------------------ */

int wait_time_parse(const char *text, size_t length, uint64_t *ret_ms)
{
    bool is_bare = length > 0 && text[length - 1] >= '0' && text[length - 1] <= '9';
    int rc = quantity_parse(is_bare ? QUANTITY_COUNT : QUANTITY_DURATION, text, length, ret_ms);

    if (rc == -ERANGE ||
        (rc == 0 && is_bare && __builtin_mul_overflow(*ret_ms, UINT64_C(1000), ret_ms))) {
        *ret_ms = UINT64_MAX;
        return 0;
    }
    return rc;
}

/* --- The header ------------------------------------------------------------------------------- */

/* One preference: a name, and what is behind its '=', without quotes and parameters. */
struct preference {
    const char *name, *value;
    size_t name_length, value_length;
};

static size_t trimmed(const char *text, size_t length)
{
    while (length > 0 && (text[length - 1] == ' ' || text[length - 1] == '\t'))
        length--;
    return length;
}

static size_t until(const char *text, const char *ends)
{
    return trimmed(text, strcspn(text, ends));
}

static const char *skip_blanks(const char *at)
{
    return at + strspn(at, " \t");
}

static bool is(const struct preference *preference, const char *name)
{
    return preference->name_length == strlen(name) &&
           strncasecmp(preference->name, name, preference->name_length) == 0;
}

/* A comma between quotes ends nothing. */
static const char *end_of_preference(const char *at)
{
    bool is_quoted = false;

    for (; *at != '\0' && (*at != ',' || is_quoted); at++) {
        if (*at == '"')
            is_quoted = !is_quoted;
        else if (*at == '\\' && is_quoted && at[1] != '\0')
            at++;
    }
    return at;
}

static void split(const char *text, struct preference *ret_preference)
{
    size_t name_end = strcspn(text, "=;,");

    *ret_preference = (struct preference){
        .name = text, .name_length = trimmed(text, name_end), .value = "", .value_length = 0};
    if (text[name_end] != '=')
        return;
    const char *value = skip_blanks(text + name_end + 1);
    bool is_quoted = *value == '"';
    ret_preference->value = value + is_quoted;
    ret_preference->value_length = until(value + is_quoted, is_quoted ? "\"" : ";,");
}

static int add_wait(struct preferences *preferences, const struct preference *preference)
{
    if (preferences->waits)
        return 0;
    preferences->waits = true;
    return wait_time_parse(preference->value, preference->value_length, &preferences->wait_ms);
}

int preferences_add(struct preferences *preferences, const char *value)
{
    int rc = 0;

    while (rc == 0 && *(value += strspn(value, ", \t")) != '\0') {
        struct preference preference;
        split(value, &preference);
        if (is(&preference, "wait"))
            rc = add_wait(preferences, &preference);
        else if (is(&preference, "respond-async"))
            preferences->responds_async = true;
        value = end_of_preference(value);
    }
    return rc;
}
