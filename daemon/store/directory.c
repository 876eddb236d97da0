#include "daemon/store/directory.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOCK_FILE "gatherd.lock"

enum { PID_SIZE = 24 };

static const struct {
    int error;
    const char *advice;
} advices[] = {
    {EACCES, "it has to be readable and writable for the user gatherd runs as"},
    {EPERM, "it has to be readable and writable for the user gatherd runs as"},
    {EROFS, "it has to be on a file system that can be written to"},
    {ENOTDIR, "it, and all above it, have to be directories"},
    {EEXIST, "it, and all above it, have to be directories"},
    {ENOSPC, "the disk is full"},
    {EDQUOT, "the quota is used up"},
    {ENAMETOOLONG, "the path is too long"},
};

static int fail(struct err *err, const char *path, const char *what)
{
    int error = errno;

    for (size_t i = 0; i < sizeof(advices) / sizeof(*advices); i++)
        if (advices[i].error == error)
            return err_set(err, -error, "the store %s cannot be %s (%s): %s", path, what,
                           strerror(error), advices[i].advice);
    return err_set(err, -error, "the store %s cannot be %s: %s", path, what, strerror(error));
}

/* Ends the path before its next slash. returns where that was; NULL: there is none */
static char *cut_at_next_slash(char *from)
{
    char *slash = strchr(from, '/');

    if (slash != NULL)
        *slash = '\0';
    return slash;
}

/* The directory and those above it. What is there stays as it is. */
static int make(const char *path, struct err *err)
{
    char parent[PATH_MAX];
    char *slash = parent;

    if (snprintf(parent, sizeof(parent), "%s", path) >= (int)sizeof(parent)) {
        errno = ENAMETOOLONG;
        return fail(err, path, "made");
    }
    while ((slash = cut_at_next_slash(slash + 1)) != NULL) {
        (void)mkdir(parent, 0700); /* if this fails and matters, the last one will, too */
        *slash = '/';
    }
    if (mkdir(parent, 0700) == 0 || errno == EEXIST)
        return 0;
    return fail(err, path, "made");
}

static int say_who_has_it(const struct directory *directory, const char *path, struct err *err)
{
    char pid[PID_SIZE] = "";
    ssize_t length = pread(directory->lock_fd, pid, sizeof(pid) - 1, 0);

    pid[length > 0 ? strcspn(pid, "\n") : 0] = '\0';
    return err_set(err, -EBUSY,
                   "the store %s is in use by another process, %s: two daemons cannot share one, "
                   "each needs a store.path of its own",
                   path, pid[0] != '\0' ? pid : "which has not said its number yet");
}

static int lock(struct directory *directory, const char *path, struct err *err)
{
    directory->lock_fd = openat(directory->fd, LOCK_FILE, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (directory->lock_fd < 0)
        return fail(err, path, "locked");
    if (flock(directory->lock_fd, LOCK_EX | LOCK_NB) < 0)
        return errno == EWOULDBLOCK ? say_who_has_it(directory, path, err)
                                    : fail(err, path, "locked");
    struct stat status;
    if (fstat(directory->lock_fd, &status) < 0)
        return fail(err, path, "locked");
    directory->was_left_open = status.st_size > 0;
    return 0;
}

static int open_and_lock(struct directory *directory, const char *path, struct err *err)
{
    int rc = make(path, err);

    if (rc < 0)
        return rc;
    directory->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory->fd < 0)
        return fail(err, path, "opened");
    return lock(directory, path, err);
}

int directory_open(struct directory *ret_directory, const char *path, struct err *err)
{
    struct directory directory = DIRECTORY_CLOSED;
    int rc = open_and_lock(&directory, path, err);

    if (rc == 0)
        *ret_directory = directory;
    else
        directory_close(&directory, false);
    return rc;
}

int directory_sign(struct directory *directory, struct err *err)
{
    char pid[PID_SIZE];
    int length = snprintf(pid, sizeof(pid), "%ld\n", (long)getpid());

    if (ftruncate(directory->lock_fd, 0) == 0 &&
        pwrite(directory->lock_fd, pid, (size_t)length, 0) == length &&
        fdatasync(directory->lock_fd) == 0 && fsync(directory->fd) == 0)
        return 0;
    return err_set(err, -errno, "the store's lock file cannot be written: %s", strerror(errno));
}

void directory_close(struct directory *directory, bool properly)
{
    if (properly && directory->lock_fd >= 0 && ftruncate(directory->lock_fd, 0) == 0)
        (void)fdatasync(directory->lock_fd); /* else the next one checks more than it has to */
    if (directory->lock_fd >= 0)
        close(directory->lock_fd);
    if (directory->fd >= 0)
        close(directory->fd);
    *directory = DIRECTORY_CLOSED;
}
