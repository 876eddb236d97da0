/* A SQLite VFS in front of the system's own, which asks hooks before anything is changed on disk.
 *
 * While it is installed it is the default, so what is tested need not know of it. The hooks may be
 * called from any thread, one at a time. Syncs go no further than to their hook.
 */
#pragma once

#include <sqlite3.h>
#include <stdbool.h>

/* Each is called before the call is passed on, unless it returns another code than SQLITE_OK, which
 * is what becomes of the call then. Paths are absolute; NULL hooks are fine. */
struct vfs_hooks {
    int (*write)(const char *path, const void *bytes, int n_bytes, sqlite3_int64 offset);
    int (*truncate)(const char *path, sqlite3_int64 size);
    int (*sync)(const char *path);
    int (*remove)(const char *path, bool is_synced);
};

void vfs_shim_install(const struct vfs_hooks *hooks);

/* All files that were opened through it have to be closed. */
void vfs_shim_remove(void);
