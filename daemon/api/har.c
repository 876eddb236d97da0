/* /v1/jobs/{id}/har: what came of a job, as a browser's network panel opens it. Sent while it is
 * read, so that a large job costs no more memory than a small one. */
#include <stdio.h>
#include <string.h>

#include "lib/co/co.h"

#include "daemon/api/answer.h"
#include "daemon/api/api.h"
#include "daemon/api/job_answer.h"
#include "daemon/api/job_stream.h"
#include "daemon/api/list_query.h"
#include "daemon/api/result_page.h"
#include "daemon/engine/jobs.h"
#include "daemon/model/render_har.h"

enum { PIECE_RESULTS = 256, PIECE_BYTES = 256 * 1024 };

static const char tail[] = "]}}\n";

struct archive {
    struct http_exchange *exchange;
    struct store *store;
    struct result_view view;
    struct buffer piece;
    bool has_entries;
};

/* --- The parts -------------------------------------------------------------------------------- */

static int add_entries(void *arg, const struct viewed_result *viewed,
                       const struct result_cursor *behind)
{
    (void)behind;
    if (!viewed->is_pending)
        render_har_entries(arg, &viewed->place, &viewed->result);
    return 0; /* a failure stays with the writer */
}

static void write_page(struct json_writer *w, const struct job_record *record)
{
    jw_object_begin(w);
    jw_key(w, "startedDateTime");
    jw_instant(w, record->created_at);
    jw_key(w, "id");
    jw_text(w, record->id);
    jw_key(w, "title");
    jw_text(w, record->name != NULL ? record->name : record->id);
    jw_key(w, "pageTimings");
    jw_object_begin(w);
    if (job_record_has_ended(record)) {
        jw_key(w, "onLoad");
        jw_ms(w, record->ended_at - record->created_at);
    }
    jw_object_end(w);
    jw_object_end(w);
}

/* The document up to the '[' of its entries. */
static int write_head(struct archive *archive)
{
    static const char entries[] = ",\"entries\":[";
    struct json_writer w;

    jw_init(&w, &archive->piece);
    jw_object_begin(&w);
    jw_key(&w, "log");
    jw_object_begin(&w);
    jw_literal(&w, "\"version\":\"1.2\",\"creator\":{\"name\":\"gatherd\",\"version\":"
                   "\"" PACKAGE_VERSION "\"},");
    jw_key(&w, "pages");
    jw_array_begin(&w);
    write_page(&w, &archive->view.record);
    jw_array_end(&w);
    jw_object_end(&w);
    jw_object_end(&w);
    int rc = jw_finish(&w);
    if (rc < 0)
        return rc;
    archive->piece.len -= strlen("}}"); /* the objects go on */
    return buffer_append(&archive->piece, entries, strlen(entries));
}

/* --- Sending ---------------------------------------------------------------------------------- */

static CO_BLOCKS int send_bytes(struct archive *archive, const char *bytes, size_t n)
{
    return n > 0 ? http_answer_write(archive->exchange, bytes, n) : 0;
}

/* What is between the brackets of an array, behind a comma if there was something before. */
static CO_BLOCKS int send_elements(struct archive *archive)
{
    size_t n = archive->piece.len - strlen("[]");
    int rc = 0;

    if (n > 0 && archive->has_entries)
        rc = send_bytes(archive, ",", 1);
    archive->has_entries |= n > 0;
    return rc < 0 ? rc : send_bytes(archive, archive->piece.data + 1, n);
}

/* query: from where; it is moved on. ret_more: whether there is more */
static CO_BLOCKS int send_piece(struct archive *archive, struct result_query *query, bool *ret_more)
{
    struct json_writer w;
    const struct result_sink sink = {.out = &archive->piece, .add = add_entries, .arg = &w};

    archive->piece.len = 0;
    jw_init(&w, &archive->piece);
    jw_array_begin(&w);
    int rc = result_page_read(archive->store, &archive->view, query, &sink, &query->from, ret_more);
    if (rc < 0)
        return rc;
    jw_array_end(&w);
    rc = jw_finish(&w);
    return rc < 0 ? rc : send_elements(archive);
}

static CO_BLOCKS int send_archive(struct archive *archive)
{
    struct result_query query = {.limit = PIECE_RESULTS, .max_bytes = PIECE_BYTES};
    bool more = true;
    int rc = write_head(archive);

    if (rc == 0)
        rc = send_bytes(archive, archive->piece.data, archive->piece.len);
    while (rc == 0 && more)
        rc = send_piece(archive, &query, &more);
    return rc < 0 ? rc : send_bytes(archive, tail, strlen(tail));
}

/* --- The resource ----------------------------------------------------------------------------- */

static void archive_done(struct archive *archive)
{
    result_view_done(&archive->view);
    buffer_done(&archive->piece);
}

static int answer_disposition(struct http_exchange *exchange, const struct job_record *record)
{
    char disposition[JOB_ID_SIZE + 64];

    snprintf(disposition, sizeof(disposition), "attachment; filename=\"%s.har\"", record->id);
    return http_answer_header(exchange, "Content-Disposition", disposition);
}

/* returns 0; 1: the head is enough; -errno: ret_began says whether an answer has begun */
static CO_BLOCKS int answer_archive(struct http_exchange *exchange, struct api *api,
                                    const struct job_record *record, bool *ret_began)
{
    CO_CLEANUP(archive_done)
    struct archive archive = {.exchange = exchange, .store = api->store};

    buffer_init(&archive.piece, SIZE_MAX);
    int rc = result_view_init(api->store, api->parse, record, &archive.view);
    if (rc == 0)
        rc = answer_disposition(exchange, record);
    if (rc == 0)
        rc = http_answer_stream(exchange, 200, "application/json");
    *ret_began = rc >= 0;
    return rc == 0 ? send_archive(&archive) : rc;
}

int job_har(struct http_exchange *exchange, void *arg)
{
    struct api *api = arg;
    CO_CLEANUP(job_record_unrefp) struct job_record *record = NULL;
    bool has_begun = false;
    int rc = list_query_none(exchange);

    if (rc == 0)
        rc = jobs_find(api->jobs, access_tenant(exchange), http_path_param(exchange, 0), &record);
    if (rc == 0)
        rc = answer_archive(exchange, api, record, &has_begun);
    if (has_begun)
        return rc > 0 ? 0 : job_stream_end(rc);
    return answer_job_failure(exchange, rc);
}
