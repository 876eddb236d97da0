#include "daemon/base/state_directory.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The XDG Base Directory Specification has relative paths ignored. */
static bool is_absolute(const char *path)
{
    return path != NULL && path[0] == '/';
}

static int make_default(char **ret_path)
{
    const char *given = getenv("STATE_DIRECTORY"), *state = getenv("XDG_STATE_HOME"),
               *home = getenv("HOME");

    if (is_absolute(given))
        return asprintf(ret_path, "%.*s", (int)strcspn(given, ":"), given);
    if (geteuid() == 0)
        return asprintf(ret_path, "/var/lib/gatherd");
    if (is_absolute(state))
        return asprintf(ret_path, "%s/gatherd", state);
    if (is_absolute(home))
        return asprintf(ret_path, "%s/.local/state/gatherd", home);
    return 0;
}

int state_directory(const char *configured, char **ret_path, struct err *err)
{
    char *path = NULL;
    int length = configured[0] != '\0' ? asprintf(&path, "%s", configured) : make_default(&path);

    if (length < 0)
        return -ENOMEM;
    if (length == 0)
        return err_set(err, -EINVAL,
                       "store.path is not set, and $HOME, where it would be, neither");
    *ret_path = path;
    return 0;
}
