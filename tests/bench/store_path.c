/* What keeping a URL costs: taken in, claimed, its result written, all on disk.
 *
 *     store_path ours|rows DIRECTORY URLS
 *
 * `ours` is gatherd's store; `rows` is what one would write first, a row for each URL that is
 * updated when it is claimed and when it is done. Both use SQLite with the same pragmas, keep the
 * same 40 bytes of a result, and write as many of them at once. Prints lines of a name and a
 * number.
 */
#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "lib/co/co.h"

#include "daemon/model/job_spec.h"
#include "daemon/model/tally.h"
#include "daemon/store/store.h"

enum { GROUP = 4096, MAX_CLAIMS = GROUP / CHUNK_ITEMS, URL_SIZE = 96 };

static const char row[40] = "what is kept of each result: its times";
static const char shape[] =
    "what many results of a job have in common: status, version, headers and "
    "addresses; it is kept once";

static void check(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "store_path: %s\n", what);
    exit(EXIT_FAILURE);
}

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static int print_url(char *text, size_t i)
{
    return snprintf(text, URL_SIZE,
                    "http://www.example.org/some/path/of/usual/length/page-%07zu.html", i);
}

/* What a directory's files take. */
static void report_size(const char *directory, const char *file, size_t n_urls)
{
    char path[4096];
    struct stat status;

    snprintf(path, sizeof(path), "%s/%s", directory, file);
    check(stat(path, &status) == 0, path);
    printf("bytes_per_url %.1f\n", (double)status.st_size / (double)n_urls);
}

/* --- gatherd's -------------------------------------------------------------------------------- */

struct setting {
    const char *directory;
    size_t n_urls;
};

static CO_BLOCKS int add_chunk(struct store_upload *upload, size_t first, size_t n)
{
    static char lines[CHUNK_ITEMS * URL_SIZE];
    size_t length = 0;

    for (size_t i = 0; i < n; i++) {
        length += (size_t)print_url(lines + length, first + i);
        lines[length++] = '\n';
    }
    const struct job_chunk chunk = {
        .first = (uint32_t)first, .n_items = (uint32_t)n, .lines = lines, .length = length - 1};
    return store_upload_add(upload, &chunk);
}

static CO_BLOCKS int accept_job(struct store *store, size_t n_urls, struct job_record **ret_record)
{
    static const struct job_spec head = {.weight = 1};
    struct store_upload *upload;
    int rc = store_upload_new(store, &upload);

    for (size_t at = 0; rc == 0 && at < n_urls; at += CHUNK_ITEMS)
        rc = add_chunk(upload, at, n_urls - at < CHUNK_ITEMS ? n_urls - at : CHUNK_ITEMS);
    const struct store_acceptance acceptance = {
        .head = "{}",
        .head_length = 2,
        .spec = &head,
        .n_items = (uint32_t)n_urls,
        .default_ttl_us = 3600 * INT64_C(1000000),
    };
    if (rc == 0)
        rc = store_upload_accept(upload, &acceptance, ret_record);
    store_upload_free(upload);
    return rc;
}

/* Results of all that was claimed. */
static size_t make_results(const struct store_claims *claims, struct store_result *results,
                           struct store_chunk_end *ended)
{
    size_t n = 0;

    for (size_t c = 0; c < claims->n_claims; c++) {
        const struct store_claim *claim = &claims->claims[c];
        ended[c] = (struct store_chunk_end){.job = claim->job, .first = claim->first};
        for (uint32_t i = 0; i < claim->n_items; i++) {
            uint32_t index = claim->first + i;
            results[n++] = (struct store_result){.job = claim->job,
                                                 .index = index,
                                                 .shape = index == 0 ? shape : NULL,
                                                 .shape_length = index == 0 ? sizeof(shape) : 0,
                                                 .row = row,
                                                 .row_length = sizeof(row)};
        }
    }
    return n;
}

/* returns how many results that were; 0: there are no more */
static CO_BLOCKS int work(struct store *store, struct job_record *record, uint64_t seq)
{
    static struct store_result results[GROUP];
    static const char tally[200];
    struct store_chunk_end ended[MAX_CLAIMS];
    struct store_claims claims;
    size_t n = 0;
    int rc = store_claim(store, MAX_CLAIMS, SIZE_MAX, NULL, 0, &claims);

    if (rc == 0 && claims.n_claims > 0) {
        n = make_results(&claims, results, ended);
        const struct store_job_change change = {
            .record = record, .tally = tally, .tally_length = sizeof(tally), .first_seq = seq};
        const struct store_commit commit = {.results = results,
                                            .n_results = n,
                                            .ended = ended,
                                            .n_ended = claims.n_claims,
                                            .changes = &change,
                                            .n_changes = 1};
        record->status = JOB_RUNNING;
        rc = store_commit(store, &commit);
    }
    store_claims_done(&claims);
    return rc < 0 ? rc : (int)n;
}

static CO_BLOCKS int work_off(struct store *store, struct job_record *record, size_t n_urls)
{
    size_t n_done = 0;
    int rc;

    while ((rc = work(store, record, n_done + 1)) > 0)
        n_done += (size_t)rc;
    return rc < 0 ? rc : n_done == n_urls ? 0 : -ENODATA;
}

static int use_store(void *arg, void **result)
{
    const struct setting *setting = arg;
    const struct store_options options = {
        .path = setting->directory, .max_bytes = UINT64_C(1) << 40, .max_jobs = 1000};
    CO_CLEANUP(job_record_unrefp) struct job_record *record = NULL;
    struct store *store;
    struct err err = {""};

    check(store_open(&store, &options, &err) == 0, err.message);
    double began = now();
    int rc = accept_job(store, setting->n_urls, &record);
    double accepted = now();
    if (rc == 0)
        rc = work_off(store, record, setting->n_urls);
    double done = now();
    store_close(store);
    check(rc == 0, strerror(-rc));
    printf("accept_s %.3f\nrun_s %.3f\n", accepted - began, done - accepted);
    *result = NULL;
    return 0;
}

static void measure_ours(const struct setting *setting)
{
    void *result;

    check(co_run(use_store, (void *)setting, &result) == 0, "the loop has failed");
    report_size(setting->directory, "gatherd.db", setting->n_urls);
}

/* --- A row for each URL ----------------------------------------------------------------------- */

static sqlite3 *open_rows(const char *directory)
{
    sqlite3 *db;
    char path[4096];

    mkdir(directory, 0700);
    snprintf(path, sizeof(path), "%s/rows.db", directory);
    check(sqlite3_open(path, &db) == SQLITE_OK, path);
    check(
        sqlite3_exec(db,
                     "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                     "PRAGMA cache_size = -65536;"
                     "CREATE TABLE task(id INTEGER PRIMARY KEY, job INTEGER, idx INTEGER, url TEXT,"
                     " state INTEGER NOT NULL, priority INTEGER NOT NULL, result BLOB);"
                     "CREATE UNIQUE INDEX task_item ON task(job, idx);"
                     "CREATE INDEX task_ready ON task(state, priority, id)",
                     NULL, NULL, NULL) == SQLITE_OK,
        sqlite3_errmsg(db));
    return db;
}

static sqlite3_stmt *prepare(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement;

    check(sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK, sqlite3_errmsg(db));
    return statement;
}

static void execute(sqlite3 *db, const char *sql)
{
    check(sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK, sqlite3_errmsg(db));
}

static void insert_rows(sqlite3 *db, size_t n_urls)
{
    sqlite3_stmt *insert =
        prepare(db, "INSERT INTO task(job, idx, url, state, priority) VALUES(1, ?, ?, 0, 1)");
    char url[URL_SIZE];

    execute(db, "BEGIN IMMEDIATE");
    for (size_t i = 0; i < n_urls; i++) {
        sqlite3_bind_int64(insert, 1, (sqlite3_int64)i);
        sqlite3_bind_text(insert, 2, url, print_url(url, i), SQLITE_STATIC);
        check(sqlite3_step(insert) == SQLITE_DONE, sqlite3_errmsg(db));
        sqlite3_reset(insert);
    }
    execute(db, "COMMIT");
    sqlite3_finalize(insert);
}

static size_t claim_rows(sqlite3 *db, sqlite3_stmt *claim, sqlite3_int64 *ids)
{
    size_t n = 0;

    execute(db, "BEGIN IMMEDIATE");
    for (; sqlite3_step(claim) == SQLITE_ROW; n++)
        ids[n] = sqlite3_column_int64(claim, 0);
    sqlite3_reset(claim);
    execute(db, "COMMIT");
    return n;
}

static void finish_rows(sqlite3 *db, sqlite3_stmt *finish, const sqlite3_int64 *ids, size_t n)
{
    execute(db, "BEGIN IMMEDIATE");
    for (size_t i = 0; i < n; i++) {
        sqlite3_bind_blob(finish, 1, row, sizeof(row), SQLITE_STATIC);
        sqlite3_bind_int64(finish, 2, ids[i]);
        check(sqlite3_step(finish) == SQLITE_DONE, sqlite3_errmsg(db));
        sqlite3_reset(finish);
    }
    execute(db, "COMMIT");
}

static void work_off_rows(sqlite3 *db, size_t n_urls)
{
    static sqlite3_int64 ids[GROUP];
    sqlite3_stmt *claim = prepare(db, "UPDATE task SET state = 1 WHERE id IN (SELECT id FROM task"
                                      " WHERE state = 0 ORDER BY priority, id LIMIT 4096)"
                                      " RETURNING id, url");
    sqlite3_stmt *finish = prepare(db, "UPDATE task SET state = 2, result = ? WHERE id = ?");
    size_t n, n_done = 0;

    while ((n = claim_rows(db, claim, ids)) > 0) {
        finish_rows(db, finish, ids, n);
        n_done += n;
    }
    check(n_done == n_urls, "rows are missing");
    sqlite3_finalize(claim);
    sqlite3_finalize(finish);
}

static void measure_rows(const struct setting *setting)
{
    sqlite3 *db = open_rows(setting->directory);
    double began = now();

    insert_rows(db, setting->n_urls);
    double accepted = now();
    work_off_rows(db, setting->n_urls);
    double done = now();
    sqlite3_close(db);
    printf("accept_s %.3f\nrun_s %.3f\n", accepted - began, done - accepted);
    report_size(setting->directory, "rows.db", setting->n_urls);
}

int main(int argc, char **argv)
{
    check(argc == 4, "usage: store_path ours|rows DIRECTORY URLS");
    const struct setting setting = {argv[2], strtoul(argv[3], NULL, 10)};

    if (strcmp(argv[1], "ours") == 0)
        measure_ours(&setting);
    else
        measure_rows(&setting);
    return EXIT_SUCCESS;
}
