#include "tests/support/vfs_shim.h"

#include <check.h>
#include <pthread.h>
#include <string.h>

struct shim_file {
    sqlite3_file base;
    const char *path;    /* SQLite keeps it as long as the file is open; NULL: it has no name */
    sqlite3_file real[]; /* as large as the system's files are */
};

static const struct vfs_hooks *hooks;
static sqlite3_vfs *real_vfs, shim_vfs;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static const char *path_of(sqlite3_file *file)
{
    return ((struct shim_file *)file)->path;
}

static sqlite3_file *real(sqlite3_file *file)
{
    return ((struct shim_file *)file)->real;
}

/* Asks a hook about a file that has a name, and if that is fine with it, goes on with the call. */
#define ASK(path, hook, arguments, call)                                                           \
    ({                                                                                             \
        int rc_ = SQLITE_OK;                                                                       \
        if ((path) != NULL && hooks->hook != NULL) {                                               \
            pthread_mutex_lock(&lock);                                                             \
            rc_ = hooks->hook arguments;                                                           \
            pthread_mutex_unlock(&lock);                                                           \
        }                                                                                          \
        rc_ != SQLITE_OK ? rc_ : (call);                                                           \
    })

static int shim_write(sqlite3_file *file, const void *bytes, int n, sqlite3_int64 offset)
{
    const char *path = path_of(file);

    return ASK(path, write, (path, bytes, n, offset),
               real(file)->pMethods->xWrite(real(file), bytes, n, offset));
}

static int shim_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    const char *path = path_of(file);

    return ASK(path, truncate, (path, size), real(file)->pMethods->xTruncate(real(file), size));
}

/* Not passed on: the machine is not going to lose its power, and it takes time. */
static int shim_sync(sqlite3_file *file, int flags)
{
    const char *path = path_of(file);

    (void)flags;
    return ASK(path, sync, (path), SQLITE_OK);
}

static int shim_delete(sqlite3_vfs *vfs, const char *path, int is_synced)
{
    (void)vfs;
    return ASK(path, remove, (path, is_synced), real_vfs->xDelete(real_vfs, path, is_synced));
}

/* --- What is passed on as it is --------------------------------------------------------------- */

static int shim_close(sqlite3_file *file)
{
    return real(file)->pMethods->xClose(real(file));
}

static int shim_read(sqlite3_file *file, void *bytes, int n, sqlite3_int64 offset)
{
    return real(file)->pMethods->xRead(real(file), bytes, n, offset);
}

static int shim_size(sqlite3_file *file, sqlite3_int64 *ret_size)
{
    return real(file)->pMethods->xFileSize(real(file), ret_size);
}

static int shim_lock(sqlite3_file *file, int level)
{
    return real(file)->pMethods->xLock(real(file), level);
}

static int shim_unlock(sqlite3_file *file, int level)
{
    return real(file)->pMethods->xUnlock(real(file), level);
}

static int shim_check_lock(sqlite3_file *file, int *ret_is_locked)
{
    return real(file)->pMethods->xCheckReservedLock(real(file), ret_is_locked);
}

static int shim_control(sqlite3_file *file, int operation, void *arg)
{
    return real(file)->pMethods->xFileControl(real(file), operation, arg);
}

static int shim_sector_size(sqlite3_file *file)
{
    return real(file)->pMethods->xSectorSize(real(file));
}

static int shim_characteristics(sqlite3_file *file)
{
    return real(file)->pMethods->xDeviceCharacteristics(real(file));
}

static int shim_shm_map(sqlite3_file *file, int region, int size, int extend, void volatile **ret)
{
    return real(file)->pMethods->xShmMap(real(file), region, size, extend, ret);
}

static int shim_shm_lock(sqlite3_file *file, int offset, int n, int flags)
{
    return real(file)->pMethods->xShmLock(real(file), offset, n, flags);
}

static void shim_shm_barrier(sqlite3_file *file)
{
    real(file)->pMethods->xShmBarrier(real(file));
}

static int shim_shm_unmap(sqlite3_file *file, int is_deleted)
{
    return real(file)->pMethods->xShmUnmap(real(file), is_deleted);
}

static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = shim_close,
    .xRead = shim_read,
    .xWrite = shim_write,
    .xTruncate = shim_truncate,
    .xSync = shim_sync,
    .xFileSize = shim_size,
    .xLock = shim_lock,
    .xUnlock = shim_unlock,
    .xCheckReservedLock = shim_check_lock,
    .xFileControl = shim_control,
    .xSectorSize = shim_sector_size,
    .xDeviceCharacteristics = shim_characteristics,
    .xShmMap = shim_shm_map,
    .xShmLock = shim_shm_lock,
    .xShmBarrier = shim_shm_barrier,
    .xShmUnmap = shim_shm_unmap,
};

static int shim_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *file, int flags,
                     int *ret_flags)
{
    int rc = real_vfs->xOpen(real_vfs, path, real(file), flags, ret_flags);

    (void)vfs;
    ((struct shim_file *)file)->path = path;
    file->pMethods = real(file)->pMethods != NULL ? &methods : NULL;
    return rc;
}

/* --- Installing ------------------------------------------------------------------------------- */

void vfs_shim_install(const struct vfs_hooks *new_hooks)
{
    hooks = new_hooks;
    real_vfs = sqlite3_vfs_find(NULL);
    ck_assert_ptr_nonnull(real_vfs);
    shim_vfs = *real_vfs; /* whose other functions do not look at it */
    shim_vfs.zName = "shim";
    shim_vfs.pNext = NULL;
    shim_vfs.szOsFile = (int)sizeof(struct shim_file) + real_vfs->szOsFile;
    shim_vfs.xOpen = shim_open;
    shim_vfs.xDelete = shim_delete;
    ck_assert_int_eq(sqlite3_vfs_register(&shim_vfs, true), SQLITE_OK);
}

void vfs_shim_remove(void)
{
    sqlite3_vfs_unregister(&shim_vfs);
    ck_assert_int_eq(sqlite3_vfs_register(real_vfs, true), SQLITE_OK);
}
