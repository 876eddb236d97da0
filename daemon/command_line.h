/* What the operator typed. */
#pragma once

#include <stdbool.h>

#include "daemon/base/config.h"

enum command {
    COMMAND_SERVE,
    COMMAND_CHECK_CONFIG,
    COMMAND_PRINT_CONFIG,
    COMMAND_BACKUP,  /* to the file that was named */
    COMMAND_NOTHING, /* --help and --version have been answered */
};

/* Reads the options, and the configuration they lead to, into a config that has its defaults.
 *
 * ret_file   of COMMAND_BACKUP; else NULL
 * returns    0; the exit status of the process, when something is wrong and has been said on stderr
 */
int command_line_read(int argc, char **argv, struct config *config, enum command *ret_command,
                      const char **ret_file);
