#include "lib/co/signal.h"

#include <errno.h>
#include <signal.h>
#include <sys/signalfd.h>

#include "lib/co/io.h"

int co_signal_wait(const int *signals, size_t n_signals)
{
    struct signalfd_siginfo info;
    sigset_t set;

    sigemptyset(&set);
    for (size_t i = 0; i < n_signals; i++)
        sigaddset(&set, signals[i]);
    int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0)
        return -errno;
    ssize_t n = co_read(fd, &info, sizeof(info));
    co_close(fd);
    return n < 0 ? (int)n : (int)info.ssi_signo;
}
