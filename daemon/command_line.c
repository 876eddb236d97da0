#include "daemon/command_line.h"

#include <getopt.h>
#include <stdio.h>

#include "daemon/base/config_file.h"
#include "daemon/gatherd.h"

static const char help[] =
    "Usage: gatherd [OPTION]...\n"
    "Fetches batches of URLs for clients of its HTTP API, many at a time.\n"
    "\n"
    "  --config FILE              read the configuration from FILE\n"
    "  --set SECTION.KEY=VALUE    set one value, after the file; may be repeated\n"
    "  --check-config             say what is wrong with the configuration, and exit\n"
    "  --print-config             print the configuration in force, with explanations\n"
    "  --version                  print the version\n"
    "  --help                     print this help\n"
    "\n"
    "Without --config the defaults apply: gatherd listens on 127.0.0.1:7480. Try it:\n"
    "  curl -d '[\"https://example.com/\"]' http://127.0.0.1:7480/v1/gather\n";

enum { OPTION_CONFIG = 1, OPTION_SET, OPTION_CHECK, OPTION_PRINT, OPTION_VERSION, OPTION_HELP };

static const struct option options[] = {
    {"config", required_argument, NULL, OPTION_CONFIG},
    {"set", required_argument, NULL, OPTION_SET},
    {"check-config", no_argument, NULL, OPTION_CHECK},
    {"print-config", no_argument, NULL, OPTION_PRINT},
    {"version", no_argument, NULL, OPTION_VERSION},
    {"help", no_argument, NULL, OPTION_HELP},
    {NULL, 0, NULL, 0},
};

struct reading {
    struct config *config;
    enum command command;
    bool is_wrong;
};

static void complain(void *arg, const char *message)
{
    struct reading *reading = arg;

    reading->is_wrong = true;
    fprintf(stderr, "gatherd: %s\n", message);
}

static void load(struct reading *reading, const char *path)
{
    /* What is wrong has been said to complain(), too. */
    (void)config_load_file(reading->config, path, complain, reading);
}

static void set(struct reading *reading, const char *assignment)
{
    struct err err = {""};

    if (config_set(reading->config, assignment, &err) == 0)
        return;
    reading->is_wrong = true;
    /* It names the setting; the value may be a secret. */
    fprintf(stderr, "gatherd: --set: %s\n", err.message);
}

/* returns 0; an exit status */
static int read_options(int argc, char **argv, struct reading *reading, bool files)
{
    int option;

    optind = 0;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case OPTION_CONFIG:
            if (files)
                load(reading, optarg);
            break;
        case OPTION_SET:
            if (!files)
                set(reading, optarg);
            break;
        case OPTION_CHECK:
            reading->command = COMMAND_CHECK_CONFIG;
            break;
        case OPTION_PRINT:
            reading->command = COMMAND_PRINT_CONFIG;
            break;
        case OPTION_VERSION:
            puts("gatherd " PACKAGE_VERSION);
            reading->command = COMMAND_NOTHING;
            return 0;
        case OPTION_HELP:
            fputs(help, stdout);
            reading->command = COMMAND_NOTHING;
            return 0;
        default:
            fputs("Try 'gatherd --help'.\n", stderr);
            return EXIT_STATUS_USAGE;
        }
    }
    if (optind == argc)
        return 0;
    fprintf(stderr, "gatherd: unexpected argument '%s'. Try 'gatherd --help'.\n", argv[optind]);
    return EXIT_STATUS_USAGE;
}

/* Files first, then --set, wherever they stand. */
int command_line_read(int argc, char **argv, struct config *config, enum command *ret_command)
{
    struct reading reading = {.config = config, .command = COMMAND_SERVE};
    int status = read_options(argc, argv, &reading, true);

    if (status == 0 && reading.command != COMMAND_NOTHING)
        status = read_options(argc, argv, &reading, false);
    if (status == 0 && reading.is_wrong)
        status = EXIT_STATUS_CONFIG;
    *ret_command = reading.command;
    return status;
}
