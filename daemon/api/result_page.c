#include "daemon/api/result_page.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "lib/co/co.h"

#include "daemon/api/list_query.h"

enum {
    PAGE_BYTES = 8 * 1024 * 1024, /* a page of large bodies ends early */
    PAGE_ITEMS = 256 * 1024,      /* looked at for one page */
    SLICE_BYTES = 1024 * 1024,    /* read from the store at once */
    SLICE_ROWS = 256,
    SLICE_GAPS = 4096,       /* items, where those without a row are looked for, */
    SLICE_SUCCESSES = 16384, /* or successes, for which there is no index */
};

/* A turn of the loop may take long when it is busy, so few are better than short ones. */
#define TURN (2 * CO_MILLISECOND)

struct pager {
    struct store *store;
    struct result_view *view;
    const struct result_query *query;
    const struct result_sink *sink;
    struct result_cursor next;
    size_t n_items; /* looked at */
    size_t n_shown;
    size_t start; /* of the page's bytes */
    co_time turn_began;
    bool is_full; /* there is more, but not for this page */
    bool is_over; /* there is nothing more */
};

/* --- What is wanted --------------------------------------------------------------------------- */

/* Whether there are items without a row that are wanted: never started before their job ended. */
static bool wants_rest(const struct pager *pager)
{
    const struct job_record *record = &pager->view->record;
    const struct result_query *query = pager->query;

    return record->rest != REST_NONE && record->tally.n_finished < record->tally.n_items &&
           (!query->by_outcome || query->outcome == job_rest_outcome(record->rest));
}

/* row: NULL: the item has none */
static bool is_wanted(const struct pager *pager, const struct store_row *row)
{
    const struct result_query *query = pager->query;

    if (row == NULL)
        return !query->by_outcome || wants_rest(pager);
    return !pager->next.in_rest && (!query->by_outcome || row->outcome == query->outcome);
}

/* --- Showing ---------------------------------------------------------------------------------- */

static CO_BLOCKS int give_others_a_turn(struct pager *pager)
{
    if (co_clock_now() - pager->turn_began < TURN)
        return 0;
    int rc = co_sleep(0);
    pager->turn_began = co_clock_now();
    return rc;
}

static bool has_room(const struct pager *pager)
{
    size_t max_bytes = pager->query->max_bytes > 0 ? pager->query->max_bytes : PAGE_BYTES;

    return pager->n_shown < pager->query->limit &&
           (pager->n_shown == 0 || pager->sink->out->len - pager->start <= max_bytes);
}

/* Rows that are worth being read at once. */
static size_t n_rows_wanted(const struct pager *pager)
{
    size_t n_left = pager->query->limit - pager->n_shown;

    return !pager->query->by_outcome && n_left < SLICE_ROWS ? n_left + 1 : SLICE_ROWS;
}

/* Where one goes on behind an item. */
static struct result_cursor behind(const struct pager *pager, uint32_t index,
                                   const struct store_row *row)
{
    if (row != NULL && pager->query->as_completed)
        return (struct result_cursor){.next = row->seq};
    return (struct result_cursor){.in_rest = pager->next.in_rest, .next = (uint64_t)index + 1};
}

/* Shows an item, unless the page is full. returns 0, -ENOMEM, -ECANCELED */
static CO_BLOCKS int show(struct pager *pager, const struct store_page *page, uint32_t index,
                          const struct store_row *row)
{
    const struct result_cursor next = behind(pager, index, row);
    struct viewed_result viewed;

    pager->is_full = !has_room(pager);
    if (pager->is_full)
        return 0;
    int rc = result_view_get(pager->view, page, index, row, &viewed);
    if (rc < 0)
        return rc;
    rc = pager->sink->add(pager->sink->arg, &viewed, &next);
    pager->n_shown++;
    return rc < 0 ? rc : give_others_a_turn(pager);
}

/* --- By index --------------------------------------------------------------------------------- */

/* Ways to look for what is wanted. */
enum search { EVERY_ITEM, GAPS, FAILURES, SUCCESSES };

static enum search search_of(const struct pager *pager)
{
    const struct result_query *query = pager->query;

    if (pager->next.in_rest || (query->by_outcome && wants_rest(pager)))
        return GAPS;
    if (!query->by_outcome)
        return EVERY_ITEM;
    return query->outcome == OUTCOME_SUCCESS ? SUCCESSES : FAILURES;
}

static const struct {
    size_t max_rows;
    uint32_t n_items;
    bool by_outcome;
} searches[] = {
    [EVERY_ITEM] = {SLICE_ROWS, SLICE_ROWS, false},
    [GAPS] = {SLICE_GAPS, SLICE_GAPS, false},
    [FAILURES] = {SLICE_ROWS, UINT32_MAX, true},
    [SUCCESSES] = {SLICE_ROWS, SLICE_SUCCESSES, true},
};

/* All items of the slice: with a row or without. */
static CO_BLOCKS int show_items(struct pager *pager, const struct store_page *page)
{
    size_t n_rows = 0; /* that are behind us */
    int rc = 0;

    for (; rc == 0 && pager->next.next < page->end; pager->next.next++) {
        uint32_t index = (uint32_t)pager->next.next;
        bool has_row = n_rows < page->n_rows && page->rows[n_rows].index == index;
        const struct store_row *row = has_row ? &page->rows[n_rows] : NULL;
        if (is_wanted(pager, row))
            rc = show(pager, page, index, row);
        if (pager->is_full)
            break;
        n_rows += has_row;
    }
    return rc;
}

/* The rows alone. */
static CO_BLOCKS int show_rows(struct pager *pager, const struct store_page *page)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < page->n_rows; i++) {
        rc = show(pager, page, page->rows[i].index, &page->rows[i]);
        if (pager->is_full)
            return 0;
        pager->next.next = page->rows[i].index + 1;
    }
    pager->next.next = page->end;
    return rc;
}

static CO_BLOCKS int show_slice(struct pager *pager, enum search search,
                                const struct store_page *page)
{
    if (page->end <= pager->next.next)
        return -EBADMSG; /* it would never end */
    pager->n_items += page->end - pager->next.next;
    return searches[search].by_outcome ? show_rows(pager, page) : show_items(pager, page);
}

static CO_BLOCKS int add_by_index(struct pager *pager)
{
    enum search search = search_of(pager);
    const struct store_read_options options = {
        .first = (uint32_t)pager->next.next,
        .n_items = searches[search].n_items,
        .max_rows = searches[search].max_rows,
        .max_bytes = SLICE_BYTES,
        .by_outcome = searches[search].by_outcome,
        .outcome = (uint8_t)pager->query->outcome,
        .with_bodies = search != GAPS,
    };
    struct store_page page;
    int rc = store_read(pager->store, pager->view->record.number, &options, &page);

    pager->turn_began = co_clock_now();
    if (rc == 0)
        rc = show_slice(pager, search, &page);
    store_page_done(&page);
    pager->is_over = pager->next.next >= pager->view->record.tally.n_items;
    return rc;
}

/* --- By completion ---------------------------------------------------------------------------- */

static CO_BLOCKS int show_completed(struct pager *pager, const struct store_page *page)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < page->n_rows; i++) {
        const struct store_row *row = &page->rows[i];
        if (is_wanted(pager, row))
            rc = show(pager, page, row->index, row);
        if (pager->is_full)
            break;
        pager->next.next = row->seq;
        pager->n_items++;
    }
    return rc;
}

static void go_on_with_rest(struct pager *pager)
{
    if (wants_rest(pager))
        pager->next = (struct result_cursor){.in_rest = true};
    else
        pager->is_over = true;
}

static CO_BLOCKS int add_completed(struct pager *pager)
{
    struct store_page page;
    int rc = store_read_completed(pager->store, pager->view->record.number, pager->next.next,
                                  n_rows_wanted(pager), SLICE_BYTES, true, &page);

    pager->turn_began = co_clock_now();
    if (rc == 0)
        rc = show_completed(pager, &page);
    if (rc == 0 && !pager->is_full && !page.more)
        go_on_with_rest(pager);
    store_page_done(&page);
    return rc;
}

/* --- The page --------------------------------------------------------------------------------- */

/* What the counts say need not be looked for. */
static bool is_nowhere(const struct pager *pager)
{
    const struct result_query *query = pager->query;
    const struct tally *tally = &pager->view->record.tally;

    return query->by_outcome && tally->n_outcomes[query->outcome] == 0 && !wants_rest(pager);
}

/* A cursor may be anything that looks like one. */
static bool is_beyond(const struct pager *pager)
{
    const struct result_cursor *next = &pager->next;

    if (next->in_rest && !wants_rest(pager))
        return true;
    return (next->in_rest || !pager->query->as_completed) &&
           next->next >= pager->view->record.tally.n_items;
}

int result_page_read(struct store *store, struct result_view *view,
                     const struct result_query *query, const struct result_sink *sink,
                     struct result_cursor *ret_next, bool *ret_more)
{
    struct pager pager = {
        .store = store,
        .view = view,
        .query = query,
        .sink = sink,
        .next = query->from,
        .start = sink->out->len,
    };
    int rc = 0;

    view->fields = query->fields;
    pager.is_over = is_nowhere(&pager) || is_beyond(&pager);
    while (rc == 0 && !pager.is_full && !pager.is_over && pager.n_items < PAGE_ITEMS)
        rc = query->as_completed && !pager.next.in_rest ? add_completed(&pager)
                                                        : add_by_index(&pager);
    *ret_next = pager.next;
    *ret_more = !pager.is_over;
    return rc;
}

/* --- As JSON ---------------------------------------------------------------------------------- */

static int add_element(void *arg, const struct viewed_result *viewed,
                       const struct result_cursor *next)
{
    (void)next;
    viewed_result_render(viewed, arg);
    return 0; /* a failure stays with the writer */
}

int result_page_write(struct store *store, struct result_view *view,
                      const struct result_query *query, struct json_writer *w,
                      struct result_cursor *ret_next, bool *ret_more)
{
    const struct result_sink sink = {.out = w->out, .add = add_element, .arg = w};

    return result_page_read(store, view, query, &sink, ret_next, ret_more);
}

/* --- Cursors ---------------------------------------------------------------------------------- */

void result_cursor_format(const struct result_cursor *cursor, char text[RESULT_CURSOR_SIZE])
{
    snprintf(text, RESULT_CURSOR_SIZE, "%s%" PRIu64, cursor->in_rest ? "r" : "", cursor->next);
}

int result_cursor_parse(const char *text, struct result_cursor *ret_cursor)
{
    ret_cursor->in_rest = *text == 'r';
    return list_take_number(text + ret_cursor->in_rest, &ret_cursor->next);
}

int result_query_take_outcome(void *query, const char *name, const char *value)
{
    struct result_query *q = query;

    (void)name;
    q->by_outcome = true;
    return outcome_from_name(value, &q->outcome);
}
