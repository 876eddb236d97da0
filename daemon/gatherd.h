/* The daemon as a whole: what it consists of, and the order it starts and stops in. */
#pragma once

#include "daemon/command_line.h"

/* Serves until SIGTERM or SIGINT, then lets requests that are being handled finish for a while. A
 * second signal ends the process at once. SIGHUP has it read the configuration again.
 *
 * line       says where the configuration is
 * config     as it was read from there; taken over
 * returns    the process's exit status; what went wrong has been logged
 */
int gatherd_serve(const struct command_line *line, struct config *config);

enum {
    EXIT_STATUS_OK = 0,
    EXIT_STATUS_FAILED = 1,
    EXIT_STATUS_USAGE = 64,  /* sysexits.h: EX_USAGE */
    EXIT_STATUS_CONFIG = 78, /* EX_CONFIG: starting again will not help */
};
