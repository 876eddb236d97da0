/* What the operator typed. */
#pragma once

#include "daemon/base/config_file.h"

enum command {
    COMMAND_SERVE,
    COMMAND_CHECK_CONFIG,
    COMMAND_PRINT_CONFIG,
    COMMAND_BACKUP,  /* to the file that was named */
    COMMAND_RELOAD,  /* of the process that was named */
    COMMAND_NOTHING, /* --help and --version have been answered */
};

struct command_line {
    int argc;
    char **argv;
    enum command command;
    const char *argument; /* of the command; NULL: it has none */
};

/* Reads the options, and the configuration they lead to, into a config that has its defaults.
 *
 * returns    0; the exit status of the process, when something is wrong and has been said on stderr
 */
int command_line_read(int argc, char **argv, struct command_line *ret_line, struct config *config);

/* Reads the same configuration as it is now, for a reload.
 *
 * returns    0; -EINVAL: all that is wrong with it has been told to complain
 */
int command_line_read_again(const struct command_line *line, config_complain_fn *complain,
                            void *arg, struct config *config);
