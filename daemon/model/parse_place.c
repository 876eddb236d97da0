#include "daemon/model/parse_place.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "daemon/model/parse_tables.h"

/* In the order in which they are likely to be meant: several have a "url", or "headers". */
static const struct {
    const char *schema;
    const char *place;
} places[] = {
    {"Options", "\"defaults\" or a request"},
    {"Request", "a request"},
    {"Document", "the document itself"},
    {"Limits", "\"limits\""},
    {"GatherPolicy", "\"gather\""},
    {"Retry", "\"retry\""},
    {"Capture", "\"capture\""},
    {"Tls", "\"tls\""},
    {"Auth", "\"auth\""},
    {"Expect", "\"expect\""},
    {"Callback", "\"callback\""},
    {"ScheduleDocument", "a schedule, beside its \"job\""},
};

static bool has_member(const struct parse_table *table, const char *name)
{
    for (size_t i = 0; i < table->n_members; i++)
        if (strcmp(table->members[i].name, name) == 0)
            return true;
    return false;
}

static bool schema_has_member(const char *schema, const char *name)
{
    for (size_t i = 0; i < parse_n_tables; i++)
        if (strcmp(parse_tables[i]->schema, schema) == 0 && has_member(parse_tables[i], name))
            return true;
    return false;
}

const char *parse_place_of(const char *name)
{
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
        if (schema_has_member(places[i].schema, name))
            return places[i].place;
    return NULL;
}
