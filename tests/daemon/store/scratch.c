#include "tests/daemon/store/scratch.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <glob.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/log.h"
#include "daemon/model/result.h"
#include "daemon/store/sqlite_keeping.h"

enum { CHUNK = 256 };

/* --- The directory ---------------------------------------------------------------------------- */

char scratch[64];

void scratch_set_up(void)
{
    strcpy(scratch, P_tmpdir "/gatherd-store-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(scratch));
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *place)
{
    (void)status, (void)type, (void)place;
    return remove(path);
}

void scratch_tear_down(void)
{
    ck_assert_int_eq(nftw(scratch, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

static int nowhere = -1;

void scratch_silence(void)
{
    nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    log_init(nowhere);
}

void scratch_end_silence(void)
{
    log_init(STDERR_FILENO);
    close(nowhere);
}

const char *scratch_path(const char *format, ...)
{
    static char paths[8][256];
    static unsigned n;
    char *path = paths[n++ % 8];
    int length = snprintf(path, sizeof(paths[0]), "%s/", scratch);
    va_list args;

    va_start(args, format);
    vsnprintf(path + length, sizeof(paths[0]) - (size_t)length, format, args);
    va_end(args);
    return path;
}

bool scratch_has(const char *pattern)
{
    glob_t found;
    bool has = glob(scratch_path("%s", pattern), 0, NULL, &found) == 0;

    globfree(&found);
    return has;
}

/* --- The store -------------------------------------------------------------------------------- */

const struct store_options scratch_options = {.max_bytes = UINT64_MAX, .max_jobs = UINT64_MAX};

struct store *open_store(void)
{
    struct store_options options = scratch_options;
    struct err err = {""};
    struct store *store;

    options.path = scratch_path("store");
    int rc = store_open(&store, &options, &err);
    ck_assert_msg(rc == 0, "%d: %s", rc, err.message);
    return store;
}

void expect_no_store(const struct store_options *options, int expected, const char *words)
{
    struct store_options whole = *options;
    struct err err = {""};
    struct store *store;

    if (whole.path == NULL)
        whole.path = scratch_path("store");
    ck_assert_int_eq(store_open(&store, &whole, &err), expected);
    ck_assert_msg(strstr(err.message, words) != NULL, "it says: %s", err.message);
}

int64_t scratch_sql(const char *sql)
{
    sqlite3 *database;
    sqlite3_stmt *statement;
    int64_t value = 0;

    ck_assert_int_eq(sqlite3_open(scratch_path("store/" SQLITE_FILE), &database), SQLITE_OK);
    ck_assert_int_eq(sqlite3_prepare_v2(database, sql, -1, &statement, NULL), SQLITE_OK);
    while (sqlite3_step(statement) == SQLITE_ROW)
        value = sqlite3_column_int64(statement, 0);
    ck_assert_int_eq(sqlite3_finalize(statement), SQLITE_OK);
    ck_assert_int_eq(sqlite3_close(database), SQLITE_OK);
    return value;
}

/* --- Jobs ------------------------------------------------------------------------------------- */

static uint32_t smaller(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static int add_chunk(struct store_upload *upload, uint32_t first, uint32_t n_items)
{
    static char lines[CHUNK * 24];
    size_t length = 0;

    for (uint32_t i = 0; i < n_items; i++)
        length += (size_t)sprintf(lines + length, "%shttp://a/%u", i > 0 ? "\n" : "", first + i);
    const struct job_chunk chunk = {
        .first = first, .n_items = n_items, .lines = lines, .length = length};
    return store_upload_add(upload, &chunk);
}

static int upload_job(struct store_upload *upload, uint32_t n_items, const char *key,
                      struct job_record **ret_record)
{
    static const unsigned char fingerprint[32];
    const struct job_spec spec = {.weight = 1};
    const struct store_acceptance acceptance = {
        .head = "{}",
        .head_length = 2,
        .spec = &spec,
        .n_items = n_items,
        .default_ttl_us = 1000000,
        .key = key,
        .fingerprint = fingerprint,
    };
    int rc = 0;

    for (uint32_t first = 0; rc == 0 && first < n_items; first += CHUNK)
        rc = add_chunk(upload, first, smaller(CHUNK, n_items - first));
    return rc < 0 ? rc : store_upload_accept(upload, &acceptance, ret_record);
}

int take_job(struct store *store, uint32_t n_items, const char *key, int64_t *ret_number)
{
    struct job_record *record = NULL;
    struct store_upload *upload;
    int rc = store_upload_new(store, &upload);

    if (rc < 0)
        return rc;
    rc = upload_job(upload, n_items, key, &record);
    store_upload_free(upload);
    if (rc == 0)
        *ret_number = record->number;
    job_record_unref(record);
    return rc;
}

int claim_all(struct store *store)
{
    int n_items = 0, n_before;

    do {
        struct store_claims claims;
        int rc = store_claim(store, 64, SIZE_MAX, NULL, 0, &claims);
        n_before = n_items;
        for (size_t i = 0; i < claims.n_claims; i++)
            n_items += (int)claims.claims[i].n_items;
        store_claims_done(&claims);
        if (rc < 0)
            return rc;
    } while (n_items > n_before);
    return n_items;
}

static uint8_t outcome_of(uint32_t index)
{
    return index % 2 == 0 ? OUTCOME_SUCCESS : OUTCOME_HTTP_ERROR;
}

static int row_of(int64_t number, uint32_t index, char *ret_row)
{
    return sprintf(ret_row, "row %lld.%u", (long long)number, index);
}

static void make_result(int64_t number, uint32_t index, uint32_t first, char *row,
                        struct store_result *ret_result)
{
    bool is_first = index == first;

    *ret_result = (struct store_result){
        .job = number,
        .index = index,
        .shape_of = first,
        .outcome = outcome_of(index),
        .shape = is_first ? "shape" : NULL,
        .shape_length = is_first ? 5 : 0,
        .row = row,
        .row_length = (uint32_t)row_of(number, index, row),
    };
}

static int commit_chunk(struct store *store, struct job_record *record, uint32_t first, uint32_t n)
{
    static char rows[CHUNK][32];
    static struct store_result results[CHUNK];
    const struct store_chunk_end end = {.job = record->number, .first = first};
    const struct store_job_change change = {.record = record, .first_seq = first};
    const struct store_commit commit = {
        .results = results,
        .n_results = n,
        .ended = &end,
        .n_ended = 1,
        .changes = &change,
        .n_changes = 1,
    };

    for (uint32_t i = 0; i < n; i++)
        make_result(record->number, first + i, first, rows[i], &results[i]);
    return store_commit(store, &commit);
}

int finish_items(struct store *store, int64_t number, uint32_t first, uint32_t n_items)
{
    struct job_record *record;
    int rc = store_find_number(store, number, &record);

    if (rc < 0)
        return rc;
    for (uint32_t i = first; rc == 0 && i < first + n_items; i += CHUNK)
        rc = commit_chunk(store, record, i, smaller(CHUNK, first + n_items - i));
    job_record_unref(record);
    return rc;
}

int end_job(struct store *store, int64_t number, int64_t ended_at, int64_t expires_at)
{
    struct job_record *record;
    int rc = store_find_number(store, number, &record);

    if (rc < 0)
        return rc;
    record->status = JOB_DONE;
    record->ended_at = ended_at;
    record->expires_at = expires_at;
    const struct store_job_change change = {.record = record, .drops_chunks = true};
    rc = store_commit(store, &(struct store_commit){.changes = &change, .n_changes = 1});
    job_record_unref(record);
    return rc;
}

static void check_row(int64_t number, const struct store_row *row)
{
    char expected[32];

    ck_assert_int_eq(row->row_length, row_of(number, row->index, expected));
    ck_assert_mem_eq(row->row, expected, row->row_length);
    ck_assert_uint_eq(row->outcome, outcome_of(row->index));
    ck_assert_uint_eq(row->shape_length, 5);
}

int count_results(struct store *store, int64_t number)
{
    struct store_read_options options = {
        .n_items = UINT32_MAX, .max_rows = 1000, .max_bytes = 1 << 20};
    struct store_page page;
    int n_rows = 0, rc;
    bool more;

    do {
        rc = store_read(store, number, &options, &page);
        for (size_t i = 0; rc == 0 && i < page.n_rows; i++) {
            check_row(number, &page.rows[i]);
            options.first = page.rows[i].index + 1;
        }
        n_rows += rc == 0 ? (int)page.n_rows : 0;
        more = rc == 0 && page.more;
        store_page_done(&page);
    } while (more);
    return rc < 0 ? rc : n_rows;
}
