#include "daemon/model/result_set.h"

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "daemon/model/render.h"

/* What a result becomes that cannot be kept, and its row, which takes no memory. */
static const struct result lost = {
    .outcome = OUTCOME_TRANSPORT_ERROR,
    .error = {.code = "resource_exhausted"},
};
static const char lost_row[] =
    "{\"object\":\"result\",\"state\":\"finished\",\"outcome\":\"transport_error\",\"ok\":false,"
    "\"error\":{\"code\":\"resource_exhausted\",\"phase\":null,"
    "\"message\":\"there was no memory to keep this result\",\"retryable\":true}}";

int result_set_init(struct result_set *set, const struct job_spec *spec, const char *job_id,
                    struct result_budget *budget)
{
    *set = (struct result_set){.spec = spec, .job_id = job_id, .budget = budget};
    tally_init(&set->tally, spec->n_items);
    arena_init(&set->arena, PTRDIFF_MAX); /* the budget is what limits it */
    buffer_init(&set->scratch, UINT32_MAX);
    set->rows = calloc(spec->n_items, sizeof(*set->rows));
    return set->rows != NULL ? 0 : -ENOMEM;
}

void result_set_done(struct result_set *set)
{
    free(set->rows);
    set->rows = NULL;
    if (set->budget != NULL)
        set->budget->used -= set->n_bytes;
    set->n_bytes = 0;
    arena_done(&set->arena);
    buffer_done(&set->scratch);
}

void result_set_forget(struct result_set *set)
{
    set->budget->used -= set->n_bytes;
    set->n_bytes = 0;
    arena_done(&set->arena);
}

/* returns 0; -ENOMEM, also when the budget has run out */
static int keep_row(struct result_set *set, struct result_row *row)
{
    size_t length = set->scratch.len;

    if (length > set->budget->max - set->budget->used)
        return -ENOMEM;
    row->json = arena_copy(&set->arena, set->scratch.data, length);
    if (row->json == NULL)
        return -ENOMEM;
    row->length = (uint32_t)length;
    set->n_bytes += length;
    set->budget->used += length;
    return 0;
}

/* returns 0, -ENOMEM */
static int render_row(struct result_set *set, size_t index, const struct result *result,
                      bool with_body)
{
    const struct result_place place = {
        .spec = set->spec,
        .job_id = set->job_id,
        .index = index,
        .seq = set->tally.n_finished + 1,
        .fields = set->spec->fields,
    };
    struct json_writer writer;

    set->scratch.len = 0;
    jw_init(&writer, &set->scratch);
    render_result(&writer, &place, result, with_body);
    int rc = jw_finish(&writer);
    return rc < 0 ? rc : keep_row(set, &set->rows[index]);
}

void result_set_finish(struct result_set *set, size_t index, const struct result *result)
{
    struct result_row *row = &set->rows[index];

    assert(row->json == NULL);
    if (render_row(set, index, result, true) < 0 && render_row(set, index, result, false) < 0) {
        result = &lost;
        row->json = lost_row;
        row->length = sizeof(lost_row) - 1;
    }
    row->outcome = (uint8_t)result->outcome;
    tally_add(&set->tally, result);
    if (set->tally.n_finished == set->spec->n_items)
        buffer_done(&set->scratch); /* it may be as large as the largest body */
}
