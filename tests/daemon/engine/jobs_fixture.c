#include "tests/daemon/engine/jobs_fixture.h"

#include <dirent.h>
#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/base/instant.h"
#include "daemon/engine/egress.h"

enum { DOCUMENT_SIZE = 256 * 1024, COPY_BYTES = 64 * 1024 };

/* --- Files ------------------------------------------------------------------------------------ */

static void remove_directory(const char *path)
{
    DIR *directory = opendir(path);
    struct dirent *entry;

    ck_assert_ptr_nonnull(directory);
    while ((entry = readdir(directory)) != NULL)
        if (entry->d_name[0] != '.')
            ck_assert_int_eq(unlinkat(dirfd(directory), entry->d_name, 0), 0);
    closedir(directory);
    ck_assert_int_eq(rmdir(path), 0);
}

static void copy_file(const char *from, const char *to)
{
    static char bytes[COPY_BYTES];
    FILE *in = fopen(from, "r");
    FILE *out = fopen(to, "w");
    size_t n;

    ck_assert(in != NULL && out != NULL);
    while ((n = fread(bytes, 1, sizeof(bytes), in)) > 0)
        ck_assert_uint_eq(fwrite(bytes, 1, n, out), n);
    ck_assert_int_eq(fclose(in) | fclose(out), 0);
}

static void copy_directory(const char *from, const char *to)
{
    DIR *directory = opendir(from);
    struct dirent *entry;
    char in[512], out[512];

    ck_assert_int_eq(mkdir(to, 0700), 0);
    ck_assert_ptr_nonnull(directory);
    while ((entry = readdir(directory)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(in, sizeof(in), "%s/%s", from, entry->d_name);
        snprintf(out, sizeof(out), "%s/%s", to, entry->d_name);
        copy_file(in, out);
    }
    closedir(directory);
}

/* --- Beginning and ending --------------------------------------------------------------------- */

static void send_large(int fd)
{
    static char text[64 + 20000];
    int n = sprintf(text, "HTTP/1.1 200 OK\r\nContent-Length: 20000\r\n\r\n");

    memset(text + n, 'x', 20000);
    fake_origin_send(fd, text);
}

static void talk(struct fake_origin *origin, int fd)
{
    while (fake_origin_receive(origin, fd)) {
        if (strstr(origin->request, " /hang") != NULL)
            fake_origin_linger(fd);
        else if (strstr(origin->request, " /busy") != NULL)
            fake_origin_send(fd, "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n");
        else if (strstr(origin->request, " /large") != NULL)
            send_large(fd);
        else
            fake_origin_send(fd, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    }
}

static int64_t loop_began_at; /* the instant at which its clock was 0 */

int64_t jobs_fixture_now(void)
{
    return loop_began_at + co_now() / CO_MICROSECOND;
}

static void start(struct jobs_fixture *fixture)
{
    struct err err = {""};

    fixture->options.path = fixture->path;
    int rc = store_open(&fixture->store, &fixture->options, &err);
    ck_assert_msg(rc == 0, "%s", err.message);
    const struct jobs_options options = {
        .engine = fixture->engine,
        .store = fixture->store,
        .parse = &fixture->parse,
        .max_running = FIXTURE_CONCURRENCY,
        .default_ttl_us = INT64_C(3600) * 1000000,
        .now = jobs_fixture_now,
    };
    assert_ok(jobs_new(&fixture->jobs, &options));
}

static void stop(struct jobs_fixture *fixture)
{
    jobs_free(fixture->jobs);
    store_close(fixture->store);
}

static const struct parse_settings settings = {
    .max_items = 1000000,
    .max_arena_bytes = 64 * 1024 * 1024,
    .json_room = 16 * 1024 * 1024,
    .max_capture_bytes = 1024 * 1024,
    .max_redirects = 20,
    .max_attempts = 10,
    .defaults = {.method = "GET",
                 .timeout_us = INT64_C(600) * 1000000,
                 .follow_redirects = true,
                 .max_redirects = 10,
                 .capture_max_bytes = 64 * 1024},
};

void jobs_fixture_begin(struct jobs_fixture *fixture, struct net *net)
{
    static const char *const open[] = {"127.0.0.0/8"};

    *fixture = (struct jobs_fixture){
        .net = net,
        .parse = settings,
        .options = {.max_bytes = 1 << 30, .max_jobs = 1000},
        .directory = "/tmp/gatherd-jobs-XXXXXX",
    };
    loop_began_at = instant_now() - co_now() / CO_MICROSECOND;
    net->origin.talk = talk;
    ck_assert_ptr_nonnull(mkdtemp(fixture->directory));
    snprintf(fixture->path, sizeof(fixture->path), "%s/store", fixture->directory);
    assert_ok(egress_new(&fixture->egress, open, 1, NULL, 0, NULL));
    const struct fetcher fetcher = {.session = net->session,
                                    .egress = fixture->egress,
                                    .max_header_bytes = 64 * 1024,
                                    .max_body_bytes = 1024 * 1024};
    assert_ok(engine_new(&fixture->engine, &fetcher, FIXTURE_CONCURRENCY, FIXTURE_CONCURRENCY));
    start(fixture);
}

void jobs_fixture_end(struct jobs_fixture *fixture)
{
    stop(fixture);
    engine_free(fixture->engine);
    egress_free(fixture->egress);
    remove_directory(fixture->path);
    ck_assert_int_eq(rmdir(fixture->directory), 0);
}

void restart(struct jobs_fixture *fixture)
{
    stop(fixture);
    start(fixture);
}

static int keep_integer(void *arg, int n_columns, char **values, char **names)
{
    (void)n_columns, (void)names;
    *(int64_t *)arg = values[0] != NULL ? strtoll(values[0], NULL, 10) : 0;
    return 0;
}

int64_t query_store(struct jobs_fixture *fixture, const char *sql)
{
    char file[sizeof(fixture->path) + 16];
    sqlite3 *database;
    int64_t value = 0;

    snprintf(file, sizeof(file), "%s/gatherd.db", fixture->path);
    ck_assert_int_eq(sqlite3_open(file, &database), SQLITE_OK);
    ck_assert_int_eq(sqlite3_busy_timeout(database, 10000), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(database, sql, keep_integer, &value, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_close(database), SQLITE_OK);
    return value;
}

void restart_damaged(struct jobs_fixture *fixture, const char *sql)
{
    stop(fixture);
    query_store(fixture, sql);
    start(fixture);
}

/* What is on disk is put aside before the rest is stopped in good order. Nothing may be on its way
 * to it. */
void crash(struct jobs_fixture *fixture)
{
    char after[sizeof(fixture->path) + 16];

    snprintf(after, sizeof(after), "%s/store-%u", fixture->directory, ++fixture->n_crashes);
    settle();
    copy_directory(fixture->path, after);
    stop(fixture);
    remove_directory(fixture->path);
    ck_assert_int_eq(rename(after, fixture->path), 0);
    start(fixture);
}

/* --- Jobs ------------------------------------------------------------------------------------- */

static size_t insert_port(char out[DOCUMENT_SIZE], const char *document, uint16_t port)
{
    char *end = out;

    for (; *document != '\0'; document++) {
        ck_assert_int_lt(end - out, DOCUMENT_SIZE - 8);
        if (*document == '@')
            end += sprintf(end, "%u", port);
        else
            *end++ = *document;
    }
    return (size_t)(end - out);
}

static int put_chunk(void *upload, const struct job_chunk *chunk)
{
    return store_upload_add(upload, chunk);
}

static CO_BLOCKS int take_in(struct jobs_fixture *fixture, const char *text, size_t length,
                             struct store_upload *upload, struct job_record **ret_record)
{
    CO_CLEANUP(intake_freep) struct intake *intake = NULL;
    const struct intake_sink sink = {.put = put_chunk, .arg = upload};
    int rc = intake_new(&intake, &fixture->parse, NULL, &sink);

    if (rc == 0)
        rc = intake_write(intake, text, length);
    if (rc == 0)
        rc = intake_end(intake);
    ck_assert_int_le(rc, 0);
    return rc < 0 ? rc
                  : jobs_accept(fixture->jobs, upload, intake, &(struct job_owner){.tenant = NULL},
                                ret_record);
}

int try_to_submit(struct jobs_fixture *fixture, const char *document,
                  struct job_record **ret_record)
{
    static char text[DOCUMENT_SIZE];
    size_t length = insert_port(text, document, fixture->net->origin.port);
    struct store_upload *upload;
    int rc = store_upload_new(fixture->store, &upload);

    if (rc < 0)
        return rc;
    rc = take_in(fixture, text, length, upload, ret_record);
    store_upload_free(upload);
    return rc;
}

struct job_record *submit(struct jobs_fixture *fixture, const char *document)
{
    struct job_record *record;

    assert_ok(try_to_submit(fixture, document, &record));
    return record;
}

struct job_record *renew(struct jobs_fixture *fixture, struct job_record *record)
{
    struct job_record *now;

    assert_ok(jobs_find(fixture->jobs, "", record->id, &now));
    job_record_unref(record);
    return now;
}

struct job_record *wait_for_end(struct jobs_fixture *fixture, struct job_record *record)
{
    while (!job_record_has_ended(record = renew(fixture, record)))
        assert_ok(co_sleep(0));
    ck_assert_uint_eq(jobs_n_running(record), 0);
    return record;
}

struct job_record *wait_until_running(struct jobs_fixture *fixture, struct job_record *record,
                                      size_t n)
{
    while (jobs_n_running(record = renew(fixture, record)) < n) {
        ck_assert_msg(!job_record_has_ended(record), "it ends before %zu of it run", n);
        assert_ok(co_sleep(0));
    }
    return record;
}

struct job_record *wait_until_finished(struct jobs_fixture *fixture, struct job_record *record,
                                       size_t n)
{
    while ((record = renew(fixture, record))->tally.n_finished < n) {
        ck_assert_msg(!job_record_has_ended(record), "it ends before %zu of it have", n);
        assert_ok(co_sleep(0));
    }
    return record;
}

int outcome_of(struct jobs_fixture *fixture, const struct job_record *record, uint32_t index)
{
    const struct store_read_options options = {
        .first = index, .n_items = 1, .max_rows = 1, .max_bytes = 1};
    struct store_page page;

    assert_ok(store_read(fixture->store, record->number, &options, &page));
    int outcome = page.n_rows == 0 ? -1 : page.rows[0].outcome;
    store_page_done(&page);
    return outcome;
}
