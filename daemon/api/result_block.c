#include "daemon/api/result_block.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_RESULTS = 64, MAX_KEPT_BYTES = 2 * RESULT_BLOCK_BYTES };

/* --- Life ------------------------------------------------------------------------------------- */

static struct result_block *block_new(const struct result_block_key *key)
{
    struct result_block *block = calloc(1, sizeof(*block));

    if (block == NULL)
        return NULL;
    block->key = *key;
    block->n_references = 1;
    buffer_init(&block->bytes, SIZE_MAX);
    co_event_init(&block->made);
    return block;
}

void result_block_unref(struct result_block *block)
{
    if (block == NULL || --block->n_references > 0)
        return;
    buffer_done(&block->bytes);
    free(block);
}

static struct result_block *block_ref(struct result_block *block)
{
    block->n_references++;
    return block;
}

/* --- Keeping ---------------------------------------------------------------------------------- */

static bool is_same_key(const struct result_block_key *a, const struct result_block_key *b)
{
    return a->job == b->job && a->frame == b->frame && a->by_outcome == b->by_outcome &&
           a->outcome == b->outcome && a->from.in_rest == b->from.in_rest &&
           a->from.next == b->from.next && result_fields_is_same(&a->fields, &b->fields);
}

static struct result_block **find(struct result_blocks *blocks, const struct result_block_key *key)
{
    for (size_t i = 0; i < RESULT_BLOCKS_KEPT; i++)
        if (blocks->kept[i] != NULL && is_same_key(&blocks->kept[i]->key, key))
            return &blocks->kept[i];
    return NULL;
}

static void drop(struct result_blocks *blocks, struct result_block *block)
{
    struct result_block **place = find(blocks, &block->key);

    if (place != NULL && *place == block)
        result_block_unref(co_take(*place));
}

/* A free place, or that of the block which was not used for longest. Others may be waiting for one
 * that is being made: they hold it. */
static struct result_block **find_place(struct result_blocks *blocks)
{
    struct result_block **oldest = &blocks->kept[0];

    for (size_t i = 0; i < RESULT_BLOCKS_KEPT; i++) {
        if (blocks->kept[i] == NULL)
            return &blocks->kept[i];
        if (blocks->kept[i]->last_used < (*oldest)->last_used)
            oldest = &blocks->kept[i];
    }
    return oldest;
}

static void keep(struct result_blocks *blocks, struct result_block *block)
{
    struct result_block **place = find_place(blocks);

    result_block_unref(*place);
    *place = block_ref(block);
    block->last_used = ++blocks->n_uses;
}

void result_blocks_done(struct result_blocks *blocks)
{
    for (size_t i = 0; i < RESULT_BLOCKS_KEPT; i++)
        result_block_unref(co_take(blocks->kept[i]));
}

/* --- Making ----------------------------------------------------------------------------------- */

static int append_text(struct buffer *out, const char *text)
{
    return buffer_append(out, text, strlen(text));
}

static int append_result(struct buffer *out, const struct viewed_result *viewed)
{
    struct json_writer w;

    jw_init(&w, out);
    viewed_result_render(viewed, &w);
    return jw_finish(&w);
}

static int add_line(void *arg, const struct viewed_result *viewed,
                    const struct result_cursor *behind)
{
    struct buffer *out = arg;
    int rc = append_result(out, viewed);

    (void)behind;
    return rc < 0 ? rc : buffer_append_byte(out, '\n');
}

static int add_event(void *arg, const struct viewed_result *viewed,
                     const struct result_cursor *behind)
{
    struct buffer *out = arg;
    char id[RESULT_CURSOR_SIZE];
    int rc;

    result_cursor_format(behind, id);
    if ((rc = append_text(out, "id: ")) < 0 || (rc = append_text(out, id)) < 0 ||
        (rc = append_text(out, "\nevent: result\ndata: ")) < 0 ||
        (rc = append_result(out, viewed)) < 0)
        return rc;
    return append_text(out, "\n\n");
}

static int (*const adders[])(void *arg, const struct viewed_result *viewed,
                             const struct result_cursor *behind) = {
    [FRAME_LINES] = add_line,
    [FRAME_EVENTS] = add_event,
};

static CO_BLOCKS int fill(struct result_block *block, const struct result_block_source *source,
                          const struct job_record *record)
{
    const struct result_query query = {
        .limit = BLOCK_RESULTS,
        .max_bytes = RESULT_BLOCK_BYTES,
        .as_completed = true,
        .by_outcome = block->key.by_outcome,
        .outcome = block->key.outcome,
        .from = block->key.from,
        .fields = block->key.fields,
    };
    const struct result_sink sink = {
        .out = &block->bytes,
        .add = adders[block->key.frame],
        .arg = &block->bytes,
    };
    struct result_view view;
    bool more = false;

    block->version = job_record_version(record); /* which may grow while it is being read */
    int rc = result_view_init(source->store, source->parse, record, &view);
    if (rc == 0)
        rc = result_page_read(source->store, &view, &query, &sink, &block->next, &more);
    block->is_last = !more;
    result_view_done(&view);
    return rc;
}

static CO_BLOCKS int make(struct result_blocks *blocks, const struct result_block_source *source,
                          const struct job_record *record, const struct result_block_key *key,
                          struct result_block **ret_block)
{
    struct result_block *block = block_new(key);

    if (block == NULL)
        return -ENOMEM;
    keep(blocks, block);
    block->rc = fill(block, source, record);
    block->is_made = true;
    co_event_set(&block->made);
    if (block->bytes.len > MAX_KEPT_BYTES)
        drop(blocks, block); /* whoever waits for it has it */
    if (block->rc < 0) {
        int rc = block->rc;
        drop(blocks, block);
        result_block_unref(block);
        return rc;
    }
    *ret_block = block;
    return 0;
}

/* --- Getting ---------------------------------------------------------------------------------- */

/* Results do not go away; that there are none is true of a version. */
static bool is_good(const struct result_block *block, uint64_t version)
{
    return block->rc == 0 && (block->bytes.len > 0 || !block->is_last || block->version >= version);
}

/* Waits for a kept block to be made. The caller's reference goes unless it is returned.
 *
 * returns    0; 1: it is of no use; -ECANCELED
 */
static CO_BLOCKS int wait_until_made(struct result_blocks *blocks, struct result_block *block,
                                     uint64_t version, struct result_block **ret_block)
{
    int rc = block->is_made ? 0 : co_event_wait(&block->made);

    if (rc == 0 && is_good(block, version)) {
        block->last_used = ++blocks->n_uses;
        *ret_block = block;
        return 0;
    }
    if (rc == 0)
        drop(blocks, block);
    result_block_unref(block);
    return rc < 0 ? rc : 1;
}

int result_blocks_get(struct result_blocks *blocks, const struct result_block_source *source,
                      const struct job_record *record, const struct result_block_key *key,
                      struct result_block **ret_block)
{
    uint64_t version = job_record_version(record);
    int rc = 1;

    while (rc == 1) {
        struct result_block **kept = find(blocks, key);
        rc = kept != NULL ? wait_until_made(blocks, block_ref(*kept), version, ret_block)
                          : make(blocks, source, record, key, ret_block);
    }
    return rc;
}
