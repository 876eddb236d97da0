#include "daemon/base/process.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "daemon/base/instant.h"

static int64_t timeval_us(const struct timeval *time)
{
    return (int64_t)time->tv_sec * 1000000 + time->tv_usec;
}

static void read_usage(struct process_numbers *numbers)
{
    struct rusage usage;
    struct rlimit limit;

    if (getrusage(RUSAGE_SELF, &usage) == 0)
        numbers->cpu_us = timeval_us(&usage.ru_utime) + timeval_us(&usage.ru_stime);
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
        numbers->max_open_files = limit.rlim_cur;
}

/* ticks: since the machine was started */
static int64_t instant_of(unsigned long long ticks)
{
    struct timespec up;

    if (clock_gettime(CLOCK_BOOTTIME, &up) < 0)
        return 0;
    int64_t up_us = (int64_t)up.tv_sec * 1000000 + up.tv_nsec / 1000;
    int64_t began_us = (int64_t)(ticks * 1000000 / (unsigned long long)sysconf(_SC_CLK_TCK));
    return instant_now() - (up_us - began_us);
}

/* The second field is a name that may hold anything, in parentheses.
 *
 * source  proc(5), /proc/[pid]/stat: fields 20, 22, 23, 24 */
static void parse_stat(const char *line, struct process_numbers *numbers)
{
    unsigned long long n_threads, started, virtual_bytes, resident_pages;
    const char *rest = strrchr(line, ')');

    if (rest == NULL ||
        sscanf(rest,
               ") %*c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %llu %*s "
               "%llu %llu %llu",
               &n_threads, &started, &virtual_bytes, &resident_pages) != 4)
        return;
    numbers->n_threads = n_threads;
    numbers->started_at = instant_of(started);
    numbers->virtual_bytes = virtual_bytes;
    numbers->resident_bytes = resident_pages * (unsigned long long)sysconf(_SC_PAGESIZE);
}

static void read_stat(struct process_numbers *numbers)
{
    char line[1024];
    FILE *file = fopen("/proc/self/stat", "re");

    if (file == NULL)
        return;
    if (fgets(line, sizeof(line), file) != NULL)
        parse_stat(line, numbers);
    fclose(file);
}

static void count_open_files(struct process_numbers *numbers)
{
    DIR *directory = opendir("/proc/self/fd");
    uint64_t n = 0;

    if (directory == NULL)
        return;
    for (const struct dirent *entry; (entry = readdir(directory)) != NULL;)
        n += entry->d_name[0] != '.';
    closedir(directory);
    numbers->n_open_files = n - 1; /* without the one that was opened to count them */
}

void process_read(struct process_numbers *ret_numbers)
{
    *ret_numbers = (struct process_numbers){0};
    read_usage(ret_numbers);
    read_stat(ret_numbers);
    count_open_files(ret_numbers);
}

/* --- Others ----------------------------------------------------------------------------------- */

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash != NULL ? slash + 1 : path;
}

bool process_may_run(long pid, const char *program)
{
    char path[64], arguments[4096];
    bool is_found = false;

    snprintf(path, sizeof(path), "/proc/%ld/cmdline", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, arguments, sizeof(arguments) - 1) : 0;
    if (fd >= 0)
        close(fd);
    if (n <= 0)
        return true;
    arguments[n] = '\0';
    for (const char *at = arguments; at < arguments + n; at += strlen(at) + 1)
        is_found |= strcmp(last_part(at), program) == 0;
    return is_found;
}
