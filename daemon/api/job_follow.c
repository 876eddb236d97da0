#include "daemon/api/job_follow.h"

#include <errno.h>
#include <string.h>

#include "daemon/api/access.h"
#include "daemon/api/list_query.h"

/* --- The query -------------------------------------------------------------------------------- */

static int take_after(void *query, const char *name, const char *value)
{
    struct follow_query *q = query;

    (void)name;
    q->has_position = true;
    return result_cursor_parse(value, &q->from);
}

static int take_outcome(void *query, const char *name, const char *value)
{
    struct follow_query *q = query;

    (void)name;
    q->by_outcome = true;
    return outcome_from_name(value, &q->outcome);
}

static int take_fields(void *query, const char *name, const char *value)
{
    return list_take_fields(&((struct follow_query *)query)->fields, name, value);
}

static const struct list_param params[] = {
    {"after_seq", take_after, "the seq of the last result that came"},
    {"outcome", take_outcome, outcome_names},
    {"fields", take_fields, LIST_FIELDS_EXPECTED},
    {.name = NULL},
};

int follow_query_read(struct http_exchange *exchange, struct follow_query *ret_query)
{
    *ret_query = (struct follow_query){.has_position = false};
    return list_query_read(exchange, params, ret_query);
}

/* --- From beginning to end -------------------------------------------------------------------- */

void job_follow_begin(struct job_follow *follow, struct http_exchange *exchange, struct api *api,
                      struct job_record *record, const struct follow_query *query,
                      enum result_frame frame)
{
    *follow = (struct job_follow){
        .exchange = exchange,
        .api = api,
        .record = job_record_ref(record),
        .key =
            {
                .job = record->number,
                .frame = frame,
                .by_outcome = query->by_outcome,
                .outcome = query->outcome,
                .from = query->from,
                .fields = query->fields,
            },
        .written_at = co_now(),
    };
    job_watch_begin(jobs_watches(api->jobs), &follow->watch, record->number);
}

void job_follow_end(struct job_follow *follow)
{
    job_watch_end(&follow->watch);
    job_record_unref(follow->record);
}

/* --- Writing ---------------------------------------------------------------------------------- */

/* The record may be another one now: that of a job that has become active, or is so no more. */
static CO_BLOCKS int look_again(struct job_follow *follow)
{
    struct job_record *record;
    int rc =
        jobs_find(follow->api->jobs, access_tenant(follow->exchange), follow->record->id, &record);

    if (rc < 0)
        return rc;
    job_record_unref(follow->record);
    follow->record = record;
    follow->round_began = co_now();
    return 0;
}

static CO_BLOCKS int get_block(struct job_follow *follow, struct result_block **ret_block)
{
    struct api *api = follow->api;
    const struct result_block_source source = {.store = api->store, .parse = api->parse};

    return result_blocks_get(&api->result_blocks, &source, follow->record, &follow->key, ret_block);
}

/* Whether a block, just got, ends with the newest result there is. */
static bool is_newest(const struct job_follow *follow, const struct result_block *block)
{
    return block->is_last && block->version >= job_record_version(follow->record);
}

int job_follow_send(struct job_follow *follow, const char *bytes, size_t n)
{
    follow->written_at = co_now();
    return http_answer_write(follow->exchange, bytes, n);
}

/* ret_is_newest  as it is before the client makes us wait
 */
static CO_BLOCKS int write_block(struct job_follow *follow, bool *ret_is_newest)
{
    struct result_block *block;
    int rc = get_block(follow, &block);

    if (rc < 0)
        return rc;
    *ret_is_newest = is_newest(follow, block);
    follow->has_all = *ret_is_newest && job_record_has_ended(follow->record);
    follow->key.from = block->next;
    if (block->bytes.len > 0)
        rc = job_follow_send(follow, block->bytes.data, block->bytes.len);
    result_block_unref(block);
    return rc;
}

int job_follow_write(struct job_follow *follow)
{
    bool has_newest = false;
    int rc = look_again(follow);

    while (rc == 0 && !has_newest)
        rc = write_block(follow, &has_newest);
    return rc;
}

int job_follow_is_over(struct job_follow *follow)
{
    struct result_block *block;
    int rc = get_block(follow, &block);

    if (rc < 0)
        return rc;
    bool is_over =
        block->bytes.len == 0 && is_newest(follow, block) && job_record_has_ended(follow->record);
    result_block_unref(block);
    return is_over;
}

/* --- Waiting ---------------------------------------------------------------------------------- */

int job_follow_wait(struct job_follow *follow, co_time timeout)
{
    struct co_scope scope;

    co_scope_enter(&scope, timeout);
    int rc = co_scope_exit(&scope, job_watch_wait(&follow->watch));
    co_time next_round = follow->round_began + JOB_FOLLOW_PACE;
    return rc == 0 && co_now() < next_round ? co_sleep(next_round - co_now()) : rc;
}
