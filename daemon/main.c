#include <stdio.h>

#include "daemon/base/config_file.h"
#include "daemon/command_line.h"
#include "daemon/gatherd.h"

static int run(enum command command, const struct config *config)
{
    switch (command) {
    case COMMAND_SERVE:
        return gatherd_serve(config);
    case COMMAND_CHECK_CONFIG:
        puts("The configuration is fine.");
        return EXIT_STATUS_OK;
    case COMMAND_PRINT_CONFIG:
        return config_print(config, stdout) == 0 ? EXIT_STATUS_OK : EXIT_STATUS_FAILED;
    default:
        return EXIT_STATUS_OK;
    }
}

int main(int argc, char **argv)
{
    struct config config;
    enum command command;

    if (config_init(&config) < 0) {
        fputs("gatherd: there is no memory to start\n", stderr);
        return EXIT_STATUS_FAILED;
    }
    int status = command_line_read(argc, argv, &config, &command);
    if (status == 0)
        status = run(command, &config);
    config_done(&config);
    return status;
}
