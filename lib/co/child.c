/* A descriptor stands for the child: it becomes readable when the child ends. No SIGCHLD, and no
 * number that could meanwhile be another process's. */
#include "lib/co/child.h"

#include <errno.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/co/io.h"
#include "lib/co/runtime.h"

static int open_child(pid_t pid)
{
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);

    if (fd >= 0)
        return fd;
    return errno == ESRCH || errno == EINVAL ? -ECHILD
                                             : -errno; /* EINVAL: no number of a process */
}

/* waitid(2) gives what waitpid(2) packs into one number. */
static int packed(const siginfo_t *info)
{
    if (info->si_code == CLD_EXITED)
        return W_EXITCODE(info->si_status, 0);
    return W_EXITCODE(0, info->si_status) | (info->si_code == CLD_DUMPED ? WCOREFLAG : 0);
}

/* returns  1: it has ended, and is reaped; 0: it runs */
static int reap(int fd, int *ret_status)
{
    siginfo_t info = {.si_pid = 0};

    if (waitid(P_PIDFD, (id_t)fd, &info, WEXITED | WNOHANG) < 0)
        return -errno;
    if (info.si_pid == 0)
        return 0;
    if (ret_status != NULL)
        *ret_status = packed(&info);
    return 1;
}

static int wait_for(int fd, int *ret_status)
{
    int rc = co_check_cancelled();

    if (rc < 0)
        return rc;
    for (;;) {
        rc = reap(fd, ret_status);
        if (rc != 0)
            return rc < 0 ? rc : 0;
        rc = co_wait_fd(fd, CO_READABLE);
        if (rc < 0)
            return rc;
    }
}

int co_child_wait(pid_t pid, int *ret_status)
{
    int fd = open_child(pid);

    if (fd < 0)
        return fd;
    int rc = wait_for(fd, ret_status);
    (void)co_close(fd);
    return rc;
}
