/* A store of a test, in a directory of its own below $TMPDIR, which is gone when the test ends.
 *
 *     CO_TEST(a_job_is_found)
 *     {
 *         stores_open();
 *         struct job_record *job = stores_accept(1, NULL);
 *         ...
 *         stores_crash();
 *         ... the_store ...
 *         stores_close();
 *     }
 */
#pragma once

#include "daemon/store/store.h"

extern struct store *the_store;

/* Changes count for the next stores_open(), which begins with an empty directory. */
extern struct store_options stores_options;

/* The directory of the_store. */
const char *stores_path(void);

void stores_open(void);
void stores_close(void);

/* Closes it and opens it again. */
void stores_reopen(void);

/* As if the process died now, between two commits; and the next one opened what it has left. What
 * happens to the_store in between does not count. */
void stores_die(void);
void stores_revive(void);
void stores_crash(void); /* both */

/* A job to be: all zeros is an ordinary one. */
struct test_job {
    unsigned weight;      /* 0: 1 */
    uint32_t chunk_items; /* 0: CHUNK_ITEMS */
    bool is_unsafe;       /* its chunks are */
    const char *tenant;   /* NULL: "" */
    uint64_t max_queued;  /* of the tenant's items; 0: any number */
    const char *key;      /* Idempotency-Key, with a fingerprint made of it */
    const char *name;
    const struct job_label *labels;
    size_t n_labels;
    int64_t deadline_us, ttl_us;
    size_t line_bytes; /* 0: as it comes, "http://a/7" */
};

/* What item i of such a job is, as text. */
void stores_line(const struct test_job *job, uint32_t item, char *out, size_t size);

/* Uploads and accepts a job of n items. job: NULL: an ordinary one. returns as
 * store_upload_accept() and the calls before */
int stores_try(uint32_t n_items, const struct test_job *job, struct job_record **ret_record);

/* The same when nothing may fail. Its record is owed one job_record_unref(). */
struct job_record *stores_accept(uint32_t n_items, const struct test_job *job);

/* Adds items [first, end) of a job in chunks. */
int stores_add_items(struct store_upload *upload, const struct test_job *job, uint32_t first,
                     uint32_t end);
