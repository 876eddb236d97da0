/* What gatherctl's exit status says; scripts rely on it. */
#pragma once

enum client_status {
    CLIENT_OK = 0,            /* all went as expected */
    CLIENT_USAGE = 1,         /* the command line, the input, or what was asked for is wrong */
    CLIENT_FAILED = 2,        /* some requests have failed */
    CLIENT_UNREACHABLE = 3,   /* there is no gatherd to talk to, or it has left in between */
    CLIENT_OUTPUT = 4,        /* what came could not be written */
    CLIENT_INTERRUPTED = 130, /* by Ctrl-C */
};
