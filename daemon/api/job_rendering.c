#include "daemon/api/job_rendering.h"

#include <errno.h>
#include <stdlib.h>

#include "daemon/api/list_query.h"
#include "daemon/api/result_page.h"
#include "daemon/engine/jobs.h"

enum rendering_state { RENDERING_IN_THE_MAKING, RENDERING_MADE, RENDERING_FAILED };

struct job_rendering {
    struct job_renderings *renderings;
    struct job_rendering *next; /* in the bucket */
    struct co_list idle;        /* linked: nobody holds it */
    unsigned n_holders;

    int64_t number;
    uint64_t version;
    bool with_results;
    bool is_final;

    enum rendering_state state;
    struct co_event is_settled; /* it is made, or has failed */
    co_time made_at;
    struct buffer bytes;
};

void job_renderings_init(struct job_renderings *renderings, struct store *store,
                         const struct parse_settings *parse)
{
    *renderings = (struct job_renderings){.store = store, .parse = parse};
    co_list_init(&renderings->idle);
}

/* --- Keeping ---------------------------------------------------------------------------------- */

/* Numbers count up, so they spread by themselves. */
static struct job_rendering **bucket_of(struct job_renderings *renderings, int64_t number)
{
    return &renderings->buckets[(uint64_t)number % JOB_RENDERING_BUCKETS];
}

static void leave_bucket(struct job_rendering *rendering)
{
    struct job_rendering **at = bucket_of(rendering->renderings, rendering->number);

    while (*at != rendering)
        at = &(*at)->next;
    *at = rendering->next;
}

static void stop_idling(struct job_rendering *rendering)
{
    if (!co_list_is_linked(&rendering->idle))
        return;
    co_list_remove(&rendering->idle);
    rendering->renderings->idle_bytes -= rendering->bytes.cap;
}

static void forget(struct job_rendering *rendering)
{
    stop_idling(rendering);
    leave_bucket(rendering);
    buffer_done(&rendering->bytes);
    free(rendering);
}

static struct job_rendering *first_idle(struct job_renderings *renderings)
{
    return co_container_of(renderings->idle.next, struct job_rendering, idle);
}

void job_renderings_done(struct job_renderings *renderings)
{
    while (renderings->store != NULL && !co_list_is_empty(&renderings->idle))
        forget(first_idle(renderings));
}

static void start_idling(struct job_rendering *rendering)
{
    struct job_renderings *renderings = rendering->renderings;

    co_list_append(&renderings->idle, &rendering->idle);
    renderings->idle_bytes += rendering->bytes.cap;
    while (renderings->idle_bytes > JOB_RENDERING_IDLE_BYTES)
        forget(first_idle(renderings));
}

void job_rendering_release(struct job_rendering *rendering)
{
    if (rendering == NULL || --rendering->n_holders > 0)
        return;
    if (rendering->state == RENDERING_MADE)
        start_idling(rendering);
    else
        forget(rendering);
}

/* --- Finding ---------------------------------------------------------------------------------- */

static bool is_fresh(const struct job_rendering *rendering)
{
    if (rendering->state != RENDERING_MADE)
        return rendering->state == RENDERING_IN_THE_MAKING;
    return rendering->is_final || co_clock_now() - rendering->made_at < JOB_RENDERING_TIME;
}

static struct job_rendering *find(struct job_renderings *renderings,
                                  const struct job_record *record, bool with_results)
{
    struct job_rendering *at = *bucket_of(renderings, record->number);
    uint64_t version = job_record_version(record);

    while (at != NULL && !(at->number == record->number && at->version == version &&
                           at->with_results == with_results && is_fresh(at)))
        at = at->next;
    return at;
}

/* Those that a newer one takes the place of. */
static void forget_older(struct job_renderings *renderings, const struct job_rendering *newer)
{
    struct job_rendering *next;

    for (struct job_rendering *at = *bucket_of(renderings, newer->number); at != NULL; at = next) {
        next = at->next;
        if (at != newer && at->number == newer->number && at->with_results == newer->with_results &&
            co_list_is_linked(&at->idle))
            forget(at);
    }
}

/* --- Making ----------------------------------------------------------------------------------- */

static CO_BLOCKS int write_results(struct job_renderings *renderings, struct result_view *view,
                                   struct json_writer *w)
{
    const struct result_query query = {.limit = LIST_MAX_LIMIT};
    struct result_cursor next;
    char cursor[RESULT_CURSOR_SIZE];
    bool more;

    jw_key(w, "results");
    jw_array_begin(w);
    int rc = result_page_write(renderings->store, view, &query, w, &next, &more);
    jw_array_end(w);
    if (rc < 0)
        return rc;
    result_cursor_format(&next, cursor);
    jw_key(w, "next_cursor");
    jw_text(w, more ? cursor : NULL);
    jw_key(w, "has_more");
    jw_bool(w, more);
    return 0;
}

/* What the job is now is copied first, so that it does not move while results are read. */
static CO_BLOCKS int render_with_results(struct job_renderings *renderings,
                                         const struct job_record *record, struct json_writer *w)
{
    CO_CLEANUP(result_view_done) struct result_view view;
    int rc = result_view_init(renderings->store, renderings->parse, record, &view);

    if (rc < 0)
        return rc;
    job_record_render_members(&view.record, jobs_n_running(record), w);
    return write_results(renderings, &view, w);
}

static CO_BLOCKS int render(struct job_rendering *rendering, const struct job_record *record)
{
    struct json_writer w;
    int rc = 0;

    jw_init(&w, &rendering->bytes);
    jw_object_begin(&w);
    if (rendering->with_results)
        rc = render_with_results(rendering->renderings, record, &w);
    else
        job_record_render_members(record, jobs_n_running(record), &w);
    jw_object_end(&w);
    if (rc == 0)
        rc = jw_finish(&w);
    return rc < 0 ? rc : buffer_append_byte(&rendering->bytes, '\n');
}

static struct job_rendering *new_rendering(struct job_renderings *renderings,
                                           const struct job_record *record, bool with_results)
{
    struct job_rendering **bucket = bucket_of(renderings, record->number);
    struct job_rendering *rendering = malloc(sizeof(*rendering));

    if (rendering == NULL)
        return NULL;
    *rendering = (struct job_rendering){
        .renderings = renderings,
        .next = *bucket,
        .n_holders = 1,
        .number = record->number,
        .version = job_record_version(record),
        .with_results = with_results,
        .is_final = job_record_has_ended(record),
    };
    co_list_init(&rendering->idle);
    co_event_init(&rendering->is_settled);
    buffer_init(&rendering->bytes, SIZE_MAX);
    *bucket = rendering;
    return rendering;
}

static CO_BLOCKS int make(struct job_renderings *renderings, const struct job_record *record,
                          bool with_results, struct job_rendering **ret_rendering)
{
    struct job_rendering *rendering = new_rendering(renderings, record, with_results);

    if (rendering == NULL)
        return -ENOMEM;
    forget_older(renderings, rendering);
    int rc = render(rendering, record);
    rendering->state = rc == 0 ? RENDERING_MADE : RENDERING_FAILED;
    rendering->made_at = co_clock_now();
    renderings->n_made += rc == 0;
    co_event_set(&rendering->is_settled);
    if (rc < 0)
        job_rendering_release(rendering);
    else
        *ret_rendering = rendering;
    return rc;
}

/* --- Sharing ---------------------------------------------------------------------------------- */

static void hold(struct job_rendering *rendering)
{
    stop_idling(rendering);
    rendering->n_holders++;
}

/* If who makes it goes away, one of those who wait makes it anew. */
int job_rendering_get(struct job_renderings *renderings, const struct job_record *record,
                      bool with_results, struct job_rendering **ret_rendering)
{
    struct job_rendering *found;

    while ((found = find(renderings, record, with_results)) != NULL) {
        hold(found);
        int rc = co_event_wait(&found->is_settled);
        if (rc == 0 && found->state == RENDERING_MADE) {
            *ret_rendering = found;
            return 0;
        }
        job_rendering_release(found);
        if (rc < 0)
            return rc;
    }
    return make(renderings, record, with_results, ret_rendering);
}

uint64_t job_rendering_version(const struct job_rendering *rendering)
{
    return rendering->version;
}

static ssize_t read_bytes(void *arg, uint64_t position, char *bytes, size_t max)
{
    const struct job_rendering *rendering = arg;
    size_t n = rendering->bytes.len - position;

    if (n > max)
        n = max;
    memcpy(bytes, rendering->bytes.data + position, n);
    return (ssize_t)n;
}

static void release(void *rendering)
{
    job_rendering_release(rendering);
}

int job_rendering_answer(struct http_exchange *exchange, int status,
                         struct job_rendering *rendering)
{
    const struct http_body_source source = {
        .bytes = rendering->bytes.data,
        .read = read_bytes,
        .done = release,
        .arg = rendering,
        .length = rendering->bytes.len,
    };
    int rc = http_answer_source(exchange, status, "application/json", &source);

    if (rc < 0)
        job_rendering_release(rendering);
    return rc;
}

/* --- How often -------------------------------------------------------------------------------- */

int job_renderings_pace(const struct job_renderings *renderings, const struct job_record *record)
{
    const struct job_rendering *at =
        renderings->buckets[(uint64_t)record->number % JOB_RENDERING_BUCKETS];
    co_time now = co_clock_now();
    co_time until = now;

    for (; at != NULL; at = at->next)
        if (at->number == record->number && at->state == RENDERING_MADE &&
            at->version != job_record_version(record) && at->made_at + JOB_RENDERING_TIME > until)
            until = at->made_at + JOB_RENDERING_TIME;
    return until > now && !job_record_has_ended(record) ? co_sleep(until - now) ?: 1 : 0;
}
