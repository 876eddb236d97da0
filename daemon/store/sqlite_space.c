/* Space on the disk.
 *
 * With little left new jobs are refused, and those there are go on. If it runs out all the same,
 * nothing can be committed, not even the deletion of what has expired; so there is a ballast, a
 * file of nothing, that is given up then. The store is full until there is space for another one.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "daemon/base/log.h"
#include "daemon/store/sqlite_keeping.h"

#define BALLAST "gatherd.ballast"

enum { BALLAST_BYTES = 32 << 20 };

#define LOOK_AGAIN_AFTER CO_SECOND

/* Of the disk, for us. Nobody knows: as much as one likes. */
static uint64_t free_bytes(const struct store *store)
{
    struct statvfs disk;

    if (fstatvfs(store->directory.fd, &disk) < 0)
        return UINT64_MAX;
    return (uint64_t)disk.f_bavail * disk.f_frsize;
}

/* --- Ballast ---------------------------------------------------------------------------------- */

static void give_up_ballast(const struct store *store)
{
    if (unlinkat(store->directory.fd, BALLAST, 0) == 0)
        (void)fsync(store->directory.fd); /* a file system may wait for it to free the space */
}

static int allocate_ballast(const struct store *store)
{
    int fd = openat(store->directory.fd, BALLAST, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    if (fd < 0)
        return -errno;
    int rc = -posix_fallocate(fd, 0, BALLAST_BYTES);
    close(fd);
    return rc;
}

static int make_ballast(const struct store *store)
{
    int rc = allocate_ballast(store);

    if (rc < 0)
        give_up_ballast(store);
    return rc;
}

void store_space_prepare(const struct store *store)
{
    if (free_bytes(store) < BALLAST_BYTES)
        give_up_ballast(store);
}

/* --- Waiting for space ------------------------------------------------------------------------ */

static int give_up_on_thread(void *arg, void **ret_result)
{
    (void)ret_result;
    give_up_ballast(arg);
    return 0;
}

/* Not if there is nothing left to work with afterwards. */
static int remake_on_thread(void *arg, void **ret_result)
{
    const struct store *store = arg;

    (void)ret_result;
    return free_bytes(store) < UINT64_C(2) * BALLAST_BYTES ? -ENOSPC : make_ballast(store);
}

/* returns 0: there is space again; -ECANCELED */
static int wait_for_space(struct store *store)
{
    int rc = co_to_thread(give_up_on_thread, store, NULL, NULL);

    while (rc != -ECANCELED) {
        rc = co_sleep(LOOK_AGAIN_AFTER);
        if (rc == 0)
            rc = co_to_thread(remake_on_thread, store, NULL, NULL);
        if (rc == 0)
            return 0;
    }
    return rc;
}

static int watch(void *arg, void **ret_result)
{
    struct store *store = arg;
    int rc;

    (void)ret_result;
    while ((rc = co_event_wait(&store->space.is_full)) == 0 && (rc = wait_for_space(store)) == 0) {
        co_event_clear(&store->space.is_full);
        if (store->health == STORE_FULL)
            log_event(EVENT_STORE_HAS_SPACE, LOG_FIELDS({"path", store->options.path}),
                      "the disk of %s has space again", store->options.path);
        store_set_health(store, STORE_OK);
    }
    return rc;
}

int store_space_start(struct store *store)
{
    if (make_ballast(store) < 0)
        store_group_ended(store, -ENOSPC);
    return co_create_task("store space", watch, store, &store->space.task);
}

void store_space_stop(struct store *store)
{
    co_task_stop(co_take(store->space.task), "the store is closed");
}

/* --- Room for jobs ---------------------------------------------------------------------------- */

/* The database is too large, and there was nothing to forget when it was last swept. */
static bool is_over_budget(const struct store *store)
{
    return store->space.cannot_shrink &&
           atomic_load(&store->space.used_bytes) > store->options.max_bytes;
}

bool store_takes_jobs(const struct store *store)
{
    return store_check_space(store, 0) == 0;
}

int store_check_space(const struct store *store, size_t n_bytes)
{
    uint64_t n_free = free_bytes(store);
    bool is_low = n_free < n_bytes || n_free - n_bytes < store->options.min_free_bytes;

    if (store->health == STORE_FAILED)
        return -EIO;
    if (store->health == STORE_FULL || is_low)
        return -ENOSPC;
    return is_over_budget(store) ? -ENOBUFS : 0;
}
