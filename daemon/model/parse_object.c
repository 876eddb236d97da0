#include "daemon/model/parse_object.h"

#include <jansson.h>
#include <stdbool.h>
#include <string.h>

#include "daemon/base/suggest.h"
#include "daemon/base/utf8.h"
#include "daemon/model/parse_place.h"

enum {
    QUOTED_SIZE_MAX = 64, /* of a name in a sentence */
};

static const struct parse_member *find_member(struct parse_layer *layers, size_t n_layers,
                                              const char *name, struct parse_layer **ret_layer)
{
    for (struct parse_layer *layer = layers; layer < layers + n_layers; layer++) {
        for (size_t i = 0; i < layer->n_members; i++) {
            if (strcmp(layer->members[i].name, name) != 0)
                continue;
            layer->seen |= UINT64_C(1) << i;
            *ret_layer = layer;
            return &layer->members[i];
        }
    }
    return NULL;
}

static const char *nearest_member(const struct parse_layer *layers, size_t n_layers,
                                  const char *name)
{
    struct suggestion suggestion;

    suggest_init(&suggestion, name, strlen(name));
    for (const struct parse_layer *layer = layers; layer < layers + n_layers; layer++)
        for (size_t i = 0; i < layer->n_members; i++)
            suggest_offer(&suggestion, layer->members[i].name);
    return suggestion.best;
}

static int unknown_member(struct parse_reader *reader, const struct parse_at *at,
                          const struct parse_layer *layers, size_t n_layers)
{
    int length = (int)utf8_whole(at->key, strnlen(at->key, QUOTED_SIZE_MAX));
    bool is_told = !defect_list_is_full(reader->defects);
    const char *nearest = is_told ? nearest_member(layers, n_layers, at->key) : NULL;
    const char *place = is_told && nearest == NULL ? parse_place_of(at->key) : NULL;

    if (nearest != NULL)
        return parse_defect(reader, at, "unknown_member",
                            "unknown member \"%.*s\"; did you mean \"%s\"?", length, at->key,
                            nearest);
    if (place != NULL)
        return parse_defect(reader, at, "unknown_member",
                            "unknown member \"%.*s\" here; it belongs in %s", length, at->key,
                            place);
    return parse_defect(reader, at, "unknown_member", "unknown member \"%.*s\"", length, at->key);
}

static void note_missing(struct parse_reader *reader, const struct parse_at *at,
                         const struct parse_layer *layer)
{
    for (size_t i = 0; i < layer->n_members; i++) {
        const struct parse_member *member = &layer->members[i];
        const struct parse_at place = {.parent = at, .key = member->name};

        if (member->is_required && (layer->seen >> i & 1) == 0)
            parse_defect(reader, &place, "missing_member", "\"%s\" is missing", member->name);
    }
}

int parse_object(struct parse_reader *reader, const struct parse_at *at, struct json_t *value,
                 struct parse_layer *layers, size_t n_layers)
{
    const char *name;
    struct json_t *child;

    if (!json_is_object(value))
        return parse_wrong_type(reader, at, value, "an object");
    json_object_foreach(value, name, child)
    {
        const struct parse_at place = {.parent = at, .key = name};
        struct parse_layer *layer = NULL;
        const struct parse_member *member = find_member(layers, n_layers, name, &layer);
        int rc = member != NULL ? member->read(reader, &place, child, member,
                                               (char *)layer->target + member->offset)
                                : unknown_member(reader, &place, layers, n_layers);
        if (rc < 0)
            return rc;
    }
    for (size_t i = 0; i < n_layers; i++)
        note_missing(reader, at, &layers[i]);
    return 0;
}
