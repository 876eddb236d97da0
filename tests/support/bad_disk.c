/* A disk that is slow, small or broken, for LD_PRELOAD: what a program asks of the files below
 * $BAD_DISK_DIR comes through here.
 *
 *     BAD_DISK_SYNC_MS    every fsync() and fdatasync() takes so much longer
 *     BAD_DISK_FAIL_SYNC  the n-th of them fails with EIO, that one only: who tries again is told
 *                         that all is well, as some kernels do. Those of directories, of which
 *                         SQLite does not want to know, are not counted
 *     BAD_DISK_SIZE       a file that says how many bytes the disk has, and may be written again at
 *                         any time: what would make the files larger fails with ENOSPC. A write
 * ends where the disk does
 *
 * The size of the disk is what its files need; one process uses it.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

enum { BLOCK = 4096 };

static bool is_on_disk(int fd)
{
    const char *dir = getenv("BAD_DISK_DIR");
    char link[64], path[PATH_MAX];

    if (dir == NULL)
        return false;
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof(path));
    return length >= (ssize_t)strlen(dir) && memcmp(path, dir, strlen(dir)) == 0;
}

static bool is_file(int fd)
{
    struct stat status;

    return fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
}

static long number(const char *name)
{
    const char *text = getenv(name);

    return text != NULL ? strtol(text, NULL, 10) : 0;
}

/* --- Slow, broken ----------------------------------------------------------------------------- */

static int sync_badly(int fd, int (*sync)(int))
{
    static atomic_long n_syncs;
    long ms = number("BAD_DISK_SYNC_MS");
    struct timespec pause = {ms / 1000, ms % 1000 * 1000000};

    if (!is_on_disk(fd))
        return sync(fd);
    nanosleep(&pause, NULL);
    if (is_file(fd) && atomic_fetch_add(&n_syncs, 1) + 1 == number("BAD_DISK_FAIL_SYNC")) {
        errno = EIO;
        return -1;
    }
    return sync(fd);
}

int fsync(int fd)
{
    return sync_badly(fd, REAL(fsync));
}

int fdatasync(int fd)
{
    return sync_badly(fd, REAL(fdatasync));
}

/* --- Small ------------------------------------------------------------------------------------ */

/* returns whether there is a limit */
static bool disk_size(long *ret_size)
{
    const char *path = getenv("BAD_DISK_SIZE");
    char text[32];
    int fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;

    if (fd < 0)
        return false;
    ssize_t n = read(fd, text, sizeof(text) - 1);
    close(fd);
    text[n > 0 ? n : 0] = '\0';
    *ret_size = strtol(text, NULL, 10);
    return n > 0;
}

static long used_bytes(void)
{
    DIR *dir = opendir(getenv("BAD_DISK_DIR"));
    long n = 0;

    for (struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;) {
        struct stat status;

        if (fstatat(dirfd(dir), entry->d_name, &status, 0) == 0 && S_ISREG(status.st_mode))
            n += status.st_size;
    }
    if (dir != NULL)
        closedir(dir);
    return n;
}

/* How many of n bytes at an offset can be written. */
static size_t fitting(int fd, size_t n, off_t offset)
{
    struct stat status;
    long size;

    if (!is_on_disk(fd) || !disk_size(&size) || fstat(fd, &status) < 0)
        return n;
    off_t growth = offset + (off_t)n - status.st_size;
    off_t free_bytes = size - used_bytes();
    if (growth <= 0 || growth <= free_bytes)
        return n;
    off_t fits = (off_t)n - (growth - (free_bytes > 0 ? free_bytes : 0));
    return fits > 0 ? (size_t)fits : 0;
}

static bool is_full(int fd, size_t *n, off_t offset)
{
    size_t wanted = *n;

    *n = fitting(fd, wanted, offset);
    if (*n > 0 || wanted == 0)
        return false;
    errno = ENOSPC;
    return true;
}

ssize_t write(int fd, const void *data, size_t n)
{
    return is_full(fd, &n, lseek(fd, 0, SEEK_CUR)) ? -1 : REAL(write)(fd, data, n);
}

ssize_t pwrite(int fd, const void *data, size_t n, off_t offset)
{
    return is_full(fd, &n, offset) ? -1 : REAL(pwrite)(fd, data, n, offset);
}

ssize_t pwrite64(int fd, const void *data, size_t n, off64_t offset)
{
    return is_full(fd, &n, offset) ? -1 : REAL(pwrite64)(fd, data, n, offset);
}

/* What has to fit as a whole. */
static int unless_full(int fd, off_t end)
{
    struct stat status;

    if (fstat(fd, &status) < 0 || end <= status.st_size)
        return 0;
    size_t growth = (size_t)(end - status.st_size);
    return fitting(fd, growth, status.st_size) == growth ? 0 : ENOSPC;
}

static int refuse(int error)
{
    errno = error;
    return -1;
}

int ftruncate(int fd, off_t end)
{
    return unless_full(fd, end) != 0 ? refuse(ENOSPC) : REAL(ftruncate)(fd, end);
}

int ftruncate64(int fd, off64_t end)
{
    return unless_full(fd, end) != 0 ? refuse(ENOSPC) : REAL(ftruncate64)(fd, end);
}

int fallocate(int fd, int mode, off_t offset, off_t n)
{
    return unless_full(fd, offset + n) != 0 ? refuse(ENOSPC) : REAL(fallocate)(fd, mode, offset, n);
}

int fallocate64(int fd, int mode, off64_t offset, off64_t n)
{
    return unless_full(fd, offset + n) != 0 ? refuse(ENOSPC)
                                            : REAL(fallocate64)(fd, mode, offset, n);
}

int posix_fallocate(int fd, off_t offset, off_t n)
{
    return unless_full(fd, offset + n) ?: REAL(posix_fallocate)(fd, offset, n);
}

int posix_fallocate64(int fd, off64_t offset, off64_t n)
{
    return unless_full(fd, offset + n) ?: REAL(posix_fallocate64)(fd, offset, n);
}

static void make_small(struct statvfs *status)
{
    long size, used = used_bytes();

    if (!disk_size(&size))
        return;
    status->f_bsize = status->f_frsize = BLOCK;
    status->f_blocks = (fsblkcnt_t)size / BLOCK;
    status->f_bfree = status->f_bavail = used < size ? (fsblkcnt_t)(size - used) / BLOCK : 0;
}

int fstatvfs(int fd, struct statvfs *ret_status)
{
    int rc = REAL(fstatvfs)(fd, ret_status);

    if (rc == 0 && is_on_disk(fd))
        make_small(ret_status);
    return rc;
}

int statvfs(const char *path, struct statvfs *ret_status)
{
    const char *dir = getenv("BAD_DISK_DIR");
    int rc = REAL(statvfs)(path, ret_status);

    if (rc == 0 && dir != NULL && strncmp(path, dir, strlen(dir)) == 0)
        make_small(ret_status);
    return rc;
}
