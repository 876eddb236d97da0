#include "daemon/engine/job_retry.h"

#include <errno.h>
#include <string.h>

#include "lib/co/co.h"

#include "daemon/base/crash_point.h"
#include "daemon/engine/stored_head.h"
#include "daemon/model/chunk_maker.h"

enum { PAGE_ITEMS = 4096, PAGE_BYTES = 4 * 1024 * 1024 };

struct retry {
    struct store *store;
    const struct job_record *record;
    struct stored_head head;
    struct store_upload *upload;
    struct chunk_maker maker;
    uint32_t n_items; /* of the new job */
};

/* --- One chunk of the old job ----------------------------------------------------------------- */

/* A request of the chunk, with its items there. */
struct retried_request {
    const struct request *request;
    struct request_text text;
    uint32_t first, n_items; /* in the chunk */
};

static int put_chunk(void *arg, const struct job_chunk *chunk)
{
    struct retry *retry = arg;

    retry->n_items = chunk->first + chunk->n_items;
    return store_upload_add(retry->upload, chunk);
}

/* Repetitions that follow each other become a chunk of their own. */
static int add_repetitions(struct retry *retry, const struct retried_request *request,
                           uint32_t repetition, uint32_t n)
{
    struct job_chunk *next = &retry->maker.chunk;
    int rc = chunk_maker_end(&retry->maker);

    if (rc < 0)
        return rc;
    const struct job_chunk chunk = {
        .first = next->first,
        .n_items = n,
        .skip = repetition,
        .is_unsafe = !request_is_safe(request->request),
        .lines = request->text.text,
        .length = request->text.length,
    };
    next->first += n;
    return put_chunk(retry, &chunk);
}

static int add_repeated(struct retry *retry, const struct job_spec *spec,
                        const struct retried_request *request, const bool *is_wanted)
{
    uint32_t end = request->first + request->n_items;
    int rc = 0;

    for (uint32_t i = request->first, n; rc == 0 && i < end; i += n) {
        for (n = 1; i + n < end && is_wanted[i + n] == is_wanted[i];)
            n++;
        if (is_wanted[i])
            rc = add_repetitions(retry, request, spec->items[i].repetition, n);
    }
    return rc;
}

static int add_request(struct retry *retry, const struct job_spec *spec,
                       const struct retried_request *request, const bool *is_wanted)
{
    if (request->request->n_repeats > 1)
        return add_repeated(retry, spec, request, is_wanted);
    return is_wanted[request->first] ? chunk_maker_add(&retry->maker, &request->text, 1,
                                                       !request_is_safe(request->request))
                                     : 0;
}

static struct request_text take_line(const char **at, const char *end)
{
    const char *line = *at;
    const char *line_end = memchr(line, '\n', (size_t)(end - line)) ?: end;

    *at = line_end < end ? line_end + 1 : end;
    return (struct request_text){
        .text = line,
        .length = (size_t)(line_end - line),
        .is_json = *line == '{',
    };
}

/* A request is a line. */
static int add_requests(struct retry *retry, const struct job_spec *spec,
                        const struct job_chunk *chunk, const bool *is_wanted)
{
    const char *at = chunk->lines;
    int rc = 0;

    for (uint32_t i = 0; rc == 0 && i < spec->n_items;) {
        uint32_t number = spec->items[i].request;
        struct retried_request request = {
            .request = &spec->requests[number],
            .text = take_line(&at, chunk->lines + chunk->length),
            .first = i,
        };
        while (i < spec->n_items && spec->items[i].request == number)
            i++;
        request.n_items = i - request.first;
        rc = add_request(retry, spec, &request, is_wanted);
    }
    return rc;
}

static CO_BLOCKS int add_chunk(struct retry *retry, const struct job_chunk *chunk,
                               const bool *is_wanted)
{
    CO_CLEANUP(job_spec_freep) struct job_spec *spec = NULL;
    int rc = chunk->lines != NULL ? stored_chunk_parse(retry->head.head, chunk, &spec) : -EBADMSG;

    return rc < 0 ? rc : add_requests(retry, spec, chunk, is_wanted);
}

/* --- A page of it ----------------------------------------------------------------------------- */

/* What a page says of items first..end - 1: rows in order, of which `next` is the first that is not
 * before the chunk in hand. */
struct retry_page {
    const struct store_page *page;
    uint32_t first, end;
    bool failures_only; /* what has no row was a success; else it was never started */
    size_t next;
};

/* Finds the items of a chunk that have come to nothing. */
static bool find_failures(struct retry_page *at, const struct job_chunk *chunk, bool *ret_is_wanted)
{
    uint32_t end = chunk->first + chunk->n_items;
    bool any = false;

    for (uint32_t index = chunk->first; index < end; index++) {
        bool *is_wanted = &ret_is_wanted[index - chunk->first];
        bool is_covered = index >= at->first && index < at->end;
        *is_wanted = is_covered && !at->failures_only;
        if (at->next < at->page->n_rows && at->page->rows[at->next].index == index)
            *is_wanted = at->page->rows[at->next++].outcome != OUTCOME_SUCCESS;
        any |= *is_wanted;
    }
    return any;
}

static CO_BLOCKS int add_page(struct retry *retry, struct retry_page *at)
{
    bool is_wanted[CHUNK_ITEMS];
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < at->page->n_chunks; i++) {
        if (find_failures(at, &at->page->chunks[i], is_wanted))
            rc = add_chunk(retry, &at->page->chunks[i], is_wanted);
        if (rc == 0)
            rc = co_sleep(0);
    }
    return rc;
}

/* Reads a page from *first on, and moves it on. */
static CO_BLOCKS int retry_some(struct retry *retry, uint32_t *first)
{
    bool failures_only = retry->record->rest == REST_NONE;
    uint32_t n_left = (uint32_t)retry->record->tally.n_items - *first;
    const struct store_read_options options = {
        .first = *first,
        .n_items = failures_only || n_left < PAGE_ITEMS ? n_left : PAGE_ITEMS,
        .max_rows = PAGE_ITEMS,
        .max_bytes = PAGE_BYTES,
        .failures_only = failures_only,
    };
    struct store_page page;
    int rc = store_read(retry->store, retry->record->number, &options, &page);

    if (rc == 0) {
        struct retry_page at = {
            .page = &page,
            .first = *first,
            .end = page.end,
            .failures_only = failures_only,
        };
        *first = at.end;
        rc = add_page(retry, &at);
    }
    store_page_done(&page);
    return rc;
}

/* --- The new job ------------------------------------------------------------------------------ */

static CO_BLOCKS int upload(struct retry *retry)
{
    int rc = store_upload_new(retry->store, &retry->upload);

    for (uint32_t first = 0; rc == 0 && first < retry->record->tally.n_items;)
        rc = retry_some(retry, &first);
    if (rc == 0)
        rc = chunk_maker_end(&retry->maker);
    return rc < 0 ? rc : retry->n_items == 0 ? -ENODATA : 0;
}

static CO_BLOCKS int accept_upload(struct retry *retry, const struct job_retry_options *options,
                                   const struct job_owner *owner, struct job_record **ret_record)
{
    const struct store_acceptance acceptance = {
        .head = retry->head.text,
        .head_length = retry->head.length,
        .spec = job_head_spec(retry->head.head),
        .n_items = retry->n_items,
        .default_ttl_us = options->default_ttl_us,
        .tenant = owner->tenant,
        .max_queued = owner->max_queued,
        .key = owner->key,
        .fingerprint = owner->fingerprint,
    };

    crash_point("during_retry");
    return store_upload_accept(retry->upload, &acceptance, ret_record);
}

int job_retry(const struct job_retry_options *options, const struct job_record *record,
              const struct job_owner *owner, struct job_record **ret_record)
{
    struct retry retry = {.store = options->store, .record = record};

    chunk_maker_init(&retry.maker, UINT64_MAX, put_chunk, &retry);
    int rc = stored_head_read(options->store, options->parse, record->number, &retry.head);
    if (rc == 0)
        rc = upload(&retry);
    if (rc == 0)
        rc = accept_upload(&retry, options, owner, ret_record);
    store_upload_free(retry.upload);
    chunk_maker_done(&retry.maker);
    stored_head_done(&retry.head);
    return rc;
}
