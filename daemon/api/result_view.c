#include "daemon/api/result_view.h"

#include <errno.h>

#include "lib/co/co.h"

#include "daemon/model/result_codec.h"

/* --- Life ------------------------------------------------------------------------------------- */

int result_view_init(struct store *store, const struct parse_settings *parse,
                     const struct job_record *record, struct result_view *ret_view)
{
    *ret_view = (struct result_view){.record = *record};
    arena_init(&ret_view->arena, PTRDIFF_MAX);
    int rc = stored_head_read(store, parse, record->number, &ret_view->head);
    return rc == -EBADMSG ? stored_head_substitute(&ret_view->head, parse) : rc;
}

void result_view_done(struct result_view *view)
{
    for (size_t i = 0; i < RESULT_VIEW_CHUNKS; i++)
        job_spec_free(view->chunks[i].spec);
    stored_head_done(&view->head);
    arena_done(&view->arena);
}

/* --- The request ------------------------------------------------------------------------------ */

static bool has_item(const struct result_view_chunk *chunk, uint32_t index)
{
    return chunk->spec != NULL && index >= chunk->first &&
           index - chunk->first < chunk->spec->n_items;
}

/* NULL: it was lost */
static const struct job_chunk *find_chunk(const struct store_page *page, uint32_t index)
{
    size_t low = 0, high = page->n_chunks;

    while (low < high) {
        size_t middle = (low + high) / 2;
        const struct job_chunk *chunk = &page->chunks[middle];
        if (index >= chunk->first && index - chunk->first < chunk->n_items)
            return chunk->lines != NULL ? chunk : NULL;
        if (index < chunk->first)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

/* returns 0; -EBADMSG: it is damaged; -ENOMEM; -ECANCELED */
static CO_BLOCKS int read_chunk(struct result_view *view, const struct store_page *page,
                                uint32_t index, struct result_view_chunk **ret_chunk)
{
    struct result_view_chunk *place = &view->chunks[view->next_chunk];
    const struct job_chunk *chunk = find_chunk(page, index);
    struct job_spec *spec;

    if (chunk == NULL)
        return -EBADMSG;
    int rc = stored_chunk_parse(view->head.head, chunk, &spec);
    if (rc < 0)
        return rc;
    job_spec_free(place->spec);
    *place = (struct result_view_chunk){.spec = spec, .first = chunk->first};
    view->next_chunk = (view->next_chunk + 1) % RESULT_VIEW_CHUNKS;
    *ret_chunk = place;
    return co_sleep(0);
}

static int get_chunk(struct result_view *view, const struct store_page *page, uint32_t index,
                     struct result_view_chunk **ret_chunk)
{
    for (size_t i = 0; i < RESULT_VIEW_CHUNKS; i++) {
        if (has_item(&view->chunks[i], index)) {
            *ret_chunk = &view->chunks[i];
            return 0;
        }
    }
    return read_chunk(view, page, index, ret_chunk);
}

/* What stands for a request that cannot be read any more. */
static const struct fetch_options unknown_options = {.method = "GET"};
static const struct request_defect unknown_defect = {
    .code = "internal",
    .message = "the request is damaged in the store",
};
static struct request unknown_request = {
    .url_text = "",
    .options = &unknown_options,
    .n_repeats = 1,
    .defect = &unknown_defect,
};
static struct item unknown_item;
static const struct job_spec unknown_spec = {
    .requests = &unknown_request,
    .n_requests = 1,
    .items = &unknown_item,
    .n_items = 1,
};

static int find_place(struct result_view *view, const struct store_page *page, uint32_t index,
                      struct result_place *ret_place)
{
    struct result_view_chunk *chunk;
    int rc = get_chunk(view, page, index, &chunk);

    *ret_place = (struct result_place){.job_id = view->record.id, .fields = view->fields};
    if (rc == 0) {
        ret_place->spec = chunk->spec;
        ret_place->first = chunk->first;
        ret_place->index = index - chunk->first;
    } else {
        ret_place->spec = &unknown_spec;
        ret_place->first = index;
    }
    return rc == -EBADMSG ? 0 : rc;
}

/* --- The result ------------------------------------------------------------------------------- */

static const char damaged_result[] = "this result is damaged in the store";
static const char damaged_body[] = "the body of this result is damaged in the store";

static void lose(const struct result_view *view, enum outcome outcome, const char *message,
                 struct result *ret_result)
{
    result_init(ret_result);
    result_fail(ret_result, outcome, "internal", NULL, message);
    ret_result->started_at = ret_result->finished_at = view->record.created_at;
}

/* returns 0, -ENOMEM */
static int decode(struct result_view *view, const struct store_row *row,
                  struct viewed_result *ret_viewed)
{
    const struct encoded_result encoded = {
        .shape = row->shape,
        .shape_length = row->shape_length,
        .row = row->row,
        .row_length = row->row_length,
        .body = row->body,
        .body_length = row->body_length,
    };
    int rc = -EBADMSG;

    arena_done(&view->arena);
    if (row->shape != NULL && !row->lacks_body)
        rc = result_decode(&encoded, view->record.created_at, &view->arena, &ret_viewed->result,
                           &ret_viewed->place.seq);
    if (rc == -EBADMSG)
        lose(view, (enum outcome)row->outcome, row->lacks_body ? damaged_body : damaged_result,
             &ret_viewed->result);
    return rc == -EBADMSG ? 0 : rc;
}

/* All of them ended at once, with the job. */
static void skip(const struct job_record *record, struct result *ret_result)
{
    result_init(ret_result);
    ret_result->outcome = job_rest_outcome(record->rest);
    ret_result->error = *job_rest_error(record->rest);
    ret_result->started_at = ret_result->finished_at = record->ended_at;
    ret_result->queue_us =
        record->ended_at > record->created_at ? record->ended_at - record->created_at : 0;
}

int result_view_get(struct result_view *view, const struct store_page *page, uint32_t index,
                    const struct store_row *row, struct viewed_result *ret_viewed)
{
    const struct job_record *record = &view->record;
    int rc = find_place(view, page, index, &ret_viewed->place);

    ret_viewed->is_pending = row == NULL && !job_record_has_ended(record);
    if (rc < 0 || ret_viewed->is_pending)
        return rc;
    if (row != NULL)
        return decode(view, row, ret_viewed);
    if (record->rest == REST_NONE)
        lose(view, OUTCOME_INTERRUPTED, damaged_result, &ret_viewed->result);
    else
        skip(record, &ret_viewed->result);
    return 0;
}

void viewed_result_render(const struct viewed_result *viewed, struct json_writer *w)
{
    if (viewed->is_pending)
        render_pending(w, &viewed->place);
    else
        render_result(w, &viewed->place, &viewed->result, true);
}
