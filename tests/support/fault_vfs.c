#include "tests/support/fault_vfs.h"

#include <errno.h>

#include "tests/support/vfs_shim.h"

static struct {
    size_t countdown; /* 0: none will fail */
    size_t n_after;
    bool has_failed;
    size_t n_until_full; /* writes; 0: it will not be */
} state;

static int fail_maybe(int code)
{
    if (state.has_failed)
        state.n_after++;
    if (state.countdown == 0 || --state.countdown > 0)
        return SQLITE_OK;
    state.has_failed = true;
    errno = EIO;
    return code;
}

/* It stays at 1. */
static bool is_full(void)
{
    if (state.n_until_full > 1) {
        state.n_until_full--;
        return false;
    }
    return state.n_until_full == 1;
}

static int before_write(const char *path, const void *bytes, int n_bytes, sqlite3_int64 offset)
{
    (void)path, (void)bytes, (void)n_bytes, (void)offset;
    return is_full() ? SQLITE_FULL : fail_maybe(SQLITE_IOERR_WRITE);
}

static int before_truncate(const char *path, sqlite3_int64 size)
{
    (void)path, (void)size;
    return fail_maybe(SQLITE_IOERR_TRUNCATE);
}

static int before_sync(const char *path)
{
    (void)path;
    return fail_maybe(SQLITE_IOERR_FSYNC);
}

static int before_remove(const char *path, bool is_synced)
{
    (void)path, (void)is_synced;
    return fail_maybe(SQLITE_IOERR_DELETE);
}

void fault_vfs_install(void)
{
    static const struct vfs_hooks hooks = {before_write, before_truncate, before_sync,
                                           before_remove};

    fault_vfs_arm(0);
    fault_vfs_fill_at(0);
    vfs_shim_install(&hooks);
}

void fault_vfs_remove(void)
{
    vfs_shim_remove();
}

void fault_vfs_arm(size_t n)
{
    state.countdown = n;
    state.n_after = 0;
    state.has_failed = false;
}

bool fault_vfs_disarm(void)
{
    state.countdown = 0;
    return state.has_failed;
}

size_t fault_vfs_n_after(void)
{
    return state.n_after;
}

void fault_vfs_fill_at(size_t n)
{
    state.n_until_full = n;
}
