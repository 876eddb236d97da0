/* gatherctl check and reload: what gatherd itself does, called by one name with the rest. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "daemon/client/commands.h"

/* Where gatherd is, as seen from the folder of this program. */
static const char *const places[] = {"/gatherd", "/../sbin/gatherd"};

static bool find_beside(char path[PATH_MAX])
{
    char folder[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", folder, sizeof(folder) - 1);

    if (n < 0)
        return false;
    folder[n] = '\0';
    *strrchr(folder, '/') = '\0';
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
        if (snprintf(path, PATH_MAX, "%s%s", folder, places[i]) < PATH_MAX &&
            access(path, X_OK) == 0)
            return true;
    return false;
}

/* Does not return if it succeeds. */
static int run_instead(const struct client *client, const char *program, const char *const argv[])
{
    execvp(program, (char **)argv); /* which changes none of them */
    fprintf(stderr, "gatherctl %s: %s cannot be run: %s\n", client->command->name, program,
            strerror(errno));
    return CLIENT_UNREACHABLE;
}

static int run_gatherd(const struct client *client, const char *const argv[])
{
    char path[PATH_MAX];

    return run_instead(client, find_beside(path) ? path : "gatherd", argv);
}

int command_check(struct client *client)
{
    const char *config = client->options.config;
    const char *argv[] = {"gatherd", "--check-config", config != NULL ? "--config" : NULL, config,
                          NULL};

    return run_gatherd(client, argv);
}

int command_reload(struct client *client)
{
    const char *by_unit[] = {"systemctl", "reload", "gatherd.service", NULL};
    const char *by_pid[] = {"gatherd", "reload", client->n_words > 0 ? client->words[0] : NULL,
                            NULL};

    return client->n_words > 0 ? run_gatherd(client, by_pid)
                               : run_instead(client, "systemctl", by_unit);
}
