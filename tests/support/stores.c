#include "tests/support/stores.h"

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#define HOUR_US (INT64_C(3600) * 1000000)

struct store *the_store;
struct store_options stores_options = {.max_bytes = UINT64_C(1) << 40, .max_jobs = 1000000};

static char path[PATH_MAX];

const char *stores_path(void)
{
    return path;
}

/* --- Directories ------------------------------------------------------------------------------ */

static void make_directory(void)
{
    const char *top = getenv("TMPDIR");

    snprintf(path, sizeof(path), "%s/gatherd-store-XXXXXX", top != NULL ? top : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(path));
}

static void for_each_file(const char *directory, void (*fn)(const char *name, void *arg), void *arg)
{
    DIR *files = opendir(directory);
    struct dirent *entry;

    ck_assert_ptr_nonnull(files);
    while ((entry = readdir(files)) != NULL)
        if (entry->d_name[0] != '.')
            fn(entry->d_name, arg);
    closedir(files);
}

static int open_in(const char *directory, const char *name, int flags)
{
    char file[PATH_MAX + NAME_MAX];

    snprintf(file, sizeof(file), "%s/%s", directory, name);
    int fd = open(file, flags | O_CLOEXEC, 0600);
    ck_assert_msg(fd >= 0, "%s: %s", file, strerror(errno));
    return fd;
}

static void remove_file(const char *name, void *directory)
{
    char file[PATH_MAX + NAME_MAX];

    snprintf(file, sizeof(file), "%s/%s", (const char *)directory, name);
    ck_assert_int_eq(unlink(file), 0);
}

static void remove_directory(char *directory)
{
    for_each_file(directory, remove_file, directory);
    ck_assert_int_eq(rmdir(directory), 0);
}

static void copy_file(const char *name, void *from)
{
    struct stat status;

    if (strstr(name, ".ballast") != NULL)
        return; /* is made again, and takes its time to copy */
    int in = open_in(from, name, O_RDONLY), out = open_in(path, name, O_WRONLY | O_CREAT);
    ck_assert_int_eq(fstat(in, &status), 0);
    for (off_t left = status.st_size; left > 0;) {
        ssize_t n = sendfile(out, in, NULL, (size_t)left);
        ck_assert_int_gt(n, 0);
        left -= n;
    }
    close(in);
    close(out);
}

/* --- The store -------------------------------------------------------------------------------- */

static void open_here(void)
{
    struct store_options options = stores_options;
    struct err err = {""};

    options.path = path;
    int rc = store_open(&the_store, &options, &err);
    ck_assert_msg(rc == 0, "%d: %s", rc, err.message);
}

void stores_open(void)
{
    make_directory();
    open_here();
}

void stores_close(void)
{
    store_close(the_store);
    the_store = NULL;
    remove_directory(path);
}

void stores_reopen(void)
{
    store_close(the_store);
    open_here();
}

static char dead[PATH_MAX]; /* the directory that is not the_store's any more */

/* What is in the files now is what the next process would find. */
void stores_die(void)
{
    strcpy(dead, path);
    make_directory();
    for_each_file(dead, copy_file, dead);
}

void stores_revive(void)
{
    store_close(the_store);
    remove_directory(dead);
    open_here();
}

void stores_crash(void)
{
    stores_die();
    stores_revive();
}

/* --- Jobs ------------------------------------------------------------------------------------- */

static const struct test_job ordinary;

void stores_line(const struct test_job *job, uint32_t item, char *out, size_t size)
{
    int n = snprintf(out, size, "http://a/%u", item);

    if (job == NULL || job->line_bytes <= (size_t)n)
        return;
    ck_assert_uint_lt(job->line_bytes, size);
    memset(out + n, '/', job->line_bytes - (size_t)n);
    out[job->line_bytes] = '\0';
}

static int add_chunk(struct store_upload *upload, const struct test_job *job, uint32_t first,
                     uint32_t n_items)
{
    size_t room = n_items * (job->line_bytes + 32), length = 0;
    char *lines = malloc(room);

    if (lines == NULL)
        return -ENOMEM;
    for (uint32_t i = 0; i < n_items; i++) {
        if (i > 0)
            lines[length++] = '\n';
        stores_line(job, first + i, lines + length, room - length);
        length += strlen(lines + length);
    }
    const struct job_chunk chunk = {
        .first = first,
        .n_items = n_items,
        .is_unsafe = job->is_unsafe,
        .lines = lines,
        .length = length,
    };
    int rc = store_upload_add(upload, &chunk);
    free(lines);
    return rc;
}

int stores_add_items(struct store_upload *upload, const struct test_job *job, uint32_t first,
                     uint32_t end)
{
    uint32_t n;
    int rc = 0;

    if (job == NULL)
        job = &ordinary;
    uint32_t max = job->chunk_items > 0 ? job->chunk_items : CHUNK_ITEMS;
    for (; first < end && rc == 0; first += n) {
        n = end - first < max ? end - first : max;
        rc = add_chunk(upload, job, first, n);
    }
    return rc;
}

static int accept_upload(struct store_upload *upload, uint32_t n_items, const struct test_job *job,
                         struct job_record **ret_record)
{
    unsigned char fingerprint[STORE_FINGERPRINT_SIZE] = {0};
    const struct job_spec spec = {
        .weight = job->weight > 0 ? job->weight : 1,
        .name = job->name,
        .labels = job->labels,
        .n_labels = job->n_labels,
        .deadline_us = job->deadline_us,
        .ttl_us = job->ttl_us,
    };
    const struct store_acceptance acceptance = {
        .head = "{}",
        .head_length = 2,
        .spec = &spec,
        .n_items = n_items,
        .default_ttl_us = HOUR_US,
        .tenant = job->tenant,
        .max_queued = job->max_queued,
        .key = job->key,
        .fingerprint = fingerprint,
    };

    if (job->key != NULL)
        memcpy(fingerprint, job->key, strnlen(job->key, sizeof(fingerprint)));
    return store_upload_accept(upload, &acceptance, ret_record);
}

int stores_try(uint32_t n_items, const struct test_job *job, struct job_record **ret_record)
{
    struct store_upload *upload;

    if (job == NULL)
        job = &ordinary;
    int rc = store_upload_new(the_store, &upload);
    if (rc < 0)
        return rc;
    rc = stores_add_items(upload, job, 0, n_items);
    if (rc == 0)
        rc = accept_upload(upload, n_items, job, ret_record);
    store_upload_free(upload);
    return rc;
}

struct job_record *stores_accept(uint32_t n_items, const struct test_job *job)
{
    struct job_record *record;

    ck_assert_int_eq(stores_try(n_items, job, &record), 0);
    return record;
}
