/* Stored results as clients see them: each with its request, read again from the job's text.
 *
 * The requests of some chunks are kept, so that results in order of completion, which come from
 * several chunks in turn, do not have them read for each.
 *
 * A job may go on, and end, while its results are being read. So its record is copied first: who
 * has seen it end before reading rows knows that there will be no more.
 */
#pragma once

#include "lib/co/base.h"

#include "daemon/engine/stored_head.h"
#include "daemon/model/render.h"
#include "daemon/store/store.h"

enum { RESULT_VIEW_CHUNKS = 16 };

struct result_view {
    struct job_record record; /* as it was: what it knows, what is read later knows as well */
    struct stored_head head;
    struct result_view_chunk {
        struct job_spec *spec; /* NULL: nothing is here */
        uint32_t first;
    } chunks[RESULT_VIEW_CHUNKS];
    unsigned next_chunk;         /* which goes next */
    struct result_fields fields; /* that are shown, from now on */
    struct arena arena;          /* of the result in hand */
};

/* record     must live longer
 * ret_view   owed one result_view_done(), whatever is returned
 * returns    0; -ENOENT: the job has been forgotten; as the store
 */
CO_BLOCKS int result_view_init(struct store *store, const struct parse_settings *parse,
                               const struct job_record *record, struct result_view *ret_view);
void result_view_done(struct result_view *view);

/* An item, with what came of it. Texts are in the view and the page, and valid until the next item.
 */
struct viewed_result {
    struct result_place place;
    bool is_pending; /* there is no result yet */
    struct result result;
};

/* page       has the item's chunk
 * row        of the page; NULL: it has none, so that it is pending, or was never started
 * returns    0; -ENOMEM; -ECANCELED
 * suspends   when requests were read: others have a turn
 */
CO_BLOCKS int result_view_get(struct result_view *view, const struct store_page *page,
                              uint32_t index, const struct store_row *row,
                              struct viewed_result *ret_viewed);

void viewed_result_render(const struct viewed_result *viewed, struct json_writer *w);
