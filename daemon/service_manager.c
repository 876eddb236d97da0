#include "daemon/service_manager.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    FIRST_SOCKET = 3,
    MAX_SOCKETS = 64,
    NAME_SIZE = sizeof("fd:") + 11,
    MESSAGE_SIZE = 512,
};

/* returns false if there is no such variable, or it is no number */
static bool read_number(const char *variable, uint64_t *ret_number)
{
    const char *text = getenv(variable);

    if (text == NULL || text[0] == '\0' || text[strspn(text, "0123456789")] != '\0')
        return false;
    *ret_number = strtoumax(text, NULL, 10);
    return true;
}

/* A child of the process that was meant inherits its environment. */
static bool is_for_us(const char *pid_variable)
{
    uint64_t pid;

    return read_number(pid_variable, &pid) && pid == (uint64_t)getpid();
}

/* --- Sockets ---------------------------------------------------------------------------------- */

static int list_sockets(struct arena *arena, size_t n, struct string_list *ret_list)
{
    const char **names = arena_calloc(arena, n, sizeof(*names));

    for (size_t i = 0; names != NULL && i < n; i++) {
        char *name = arena_calloc(arena, NAME_SIZE, 1);
        if (name == NULL)
            return -ENOMEM;
        snprintf(name, NAME_SIZE, "fd:%d", FIRST_SOCKET + (int)i);
        names[i] = name;
    }
    if (names == NULL)
        return -ENOMEM;
    *ret_list = (struct string_list){names, n};
    return 0;
}

int service_take_sockets(struct arena *arena, struct string_list *listen, struct err *err)
{
    uint64_t n;

    if (!is_for_us("LISTEN_PID") || !read_number("LISTEN_FDS", &n) || n == 0)
        return 0;
    if (n > MAX_SOCKETS)
        return err_set(err, -EINVAL,
                       "LISTEN_FDS: %" PRIu64 " sockets are more than the %d there may be", n,
                       MAX_SOCKETS);
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
    return list_sockets(arena, (size_t)n, listen);
}

/* --- Credentials ------------------------------------------------------------------------------ */

/* returns 0: *setting is its path if it was empty and there is such a file; -ENOMEM */
static int take_credential(struct config *config, const char *name, const char **setting)
{
    const char *directory = getenv("CREDENTIALS_DIRECTORY");

    if (directory == NULL || (*setting)[0] != '\0')
        return 0;
    size_t size = strlen(directory) + 1 + strlen(name) + 1;
    char *path = arena_calloc(&config->arena, size, 1);
    if (path == NULL)
        return -ENOMEM;
    snprintf(path, size, "%s/%s", directory, name);
    if (access(path, F_OK) == 0)
        *setting = path;
    return 0;
}

int service_take_credentials(struct config *config)
{
    int rc = take_credential(config, "gatherd.tokens", &config->api.tokens_file);

    return rc < 0 ? rc : take_credential(config, "gatherd.secrets", &config->fetch.secrets_file);
}

/* --- Notes ------------------------------------------------------------------------------------ */

/* returns its length; 0: there is nobody to be told */
static socklen_t find_manager(struct sockaddr_un *ret_manager)
{
    const char *path = getenv("NOTIFY_SOCKET");
    size_t length = path != NULL ? strlen(path) : 0;

    *ret_manager = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (length < 2 || length >= sizeof(ret_manager->sun_path) || (path[0] != '/' && path[0] != '@'))
        return 0;
    memcpy(ret_manager->sun_path, path, length);
    if (path[0] == '@')
        ret_manager->sun_path[0] = '\0';
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
}

/* What cannot be said now is not waited for: the next note will tell. */
static void send_note(const struct sockaddr_un *manager, socklen_t length, const char *note)
{
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return;
    (void)sendto(fd, note, strlen(note), MSG_NOSIGNAL, (const struct sockaddr *)manager, length);
    close(fd);
}

void service_notify(const char *format, ...)
{
    struct sockaddr_un manager;
    socklen_t length = find_manager(&manager);
    char note[MESSAGE_SIZE];
    va_list arguments;

    if (length == 0)
        return;
    va_start(arguments, format);
    vsnprintf(note, sizeof(note), format, arguments);
    va_end(arguments);
    send_note(&manager, length, note);
}

/* --- The watchdog ----------------------------------------------------------------------------- */

static co_time watchdog_period(void)
{
    uint64_t us;
    bool is_ours = getenv("WATCHDOG_PID") == NULL || is_for_us("WATCHDOG_PID");

    return is_ours && read_number("WATCHDOG_USEC", &us) && us > 0 && us < INT64_MAX / 1000
               ? (co_time)us * CO_MICROSECOND / 3
               : 0;
}

static int feed_watchdog(void *arg, void **ret_result)
{
    co_time period = watchdog_period();
    int rc = 0;

    (void)arg, (void)ret_result;
    while (rc == 0) {
        service_notify("WATCHDOG=1");
        rc = co_sleep(period);
    }
    return rc;
}

int service_watchdog_start(struct co_task **ret_task)
{
    *ret_task = NULL;
    return watchdog_period() > 0 ? co_create_task("watchdog", feed_watchdog, NULL, ret_task) : 0;
}
