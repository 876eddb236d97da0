#include "daemon/command_line.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "daemon/base/config_file.h"
#include "daemon/gatherd.h"
#include "daemon/versions.h"

static const char help[] =
    "Usage: gatherd [OPTION]...\n"
    "       gatherd backup FILE [OPTION]...\n"
    "       gatherd reload PID\n"
    "       gatherd token new NAME --rights RIGHT[,RIGHT...] [TOKEN-OPTION]...\n"
    "Fetches batches of URLs for clients of its HTTP API, many at a time.\n"
    "\n"
    "  backup FILE                copy the jobs that are stored, also while gatherd runs, to "
    "FILE,\n"
    "                             which must not exist yet\n"
    "  reload PID                 have the gatherd of that process read its configuration again\n"
    "  token new NAME             print a new token, and its line for the file of "
    "api.tokens_file;\n"
    "                             its rights are some of submit, read and admin; further:\n"
    "                             --tenant NAME, --requests-per-second N, --queued-items N\n"
    "  --config FILE              read the configuration from FILE, and from FILE.d/*.conf behind "
    "it\n"
    "  --set SECTION.KEY=VALUE    set one value, after the file; may be repeated\n"
    "  --check-config             say what is wrong with the configuration, and exit\n"
    "  --print-config             print the configuration in force, with explanations\n"
    "  --version                  print the version, and those of its libraries\n"
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
    const char *argument;
    config_complain_fn *complain;
    void *complain_arg;
    bool is_wrong;
};

static void say(void *arg, const char *message)
{
    (void)arg;
    fprintf(stderr, "gatherd: %s\n", message);
}

static void complain(void *arg, const char *message)
{
    struct reading *reading = arg;

    reading->is_wrong = true;
    reading->complain(reading->complain_arg, message);
}

static void load(struct reading *reading, const char *path)
{
    /* What is wrong has been said to complain(), too. */
    (void)config_load(reading->config, path, complain, reading);
}

static void set(struct reading *reading, const char *assignment)
{
    struct err wrong = {""}, message = {""};

    if (config_set(reading->config, assignment, &wrong) == 0)
        return;
    /* It names the setting; the value may be a secret. */
    (void)err_set(&message, -EINVAL, "--set: %s", wrong.message);
    complain(reading, message.message);
}

static int complain_of_usage(const char *what, const char *argument)
{
    fprintf(stderr, "gatherd: %s '%s'. Try 'gatherd --help'.\n", what, argument);
    return EXIT_STATUS_USAGE;
}

static const struct {
    const char *word;
    enum command command;
    const char *argument;
} commands[] = {
    {"backup", COMMAND_BACKUP, "FILE"},
    {"reload", COMMAND_RELOAD, "PID"},
};

static int take_command(size_t i, int n_words, char **words, struct reading *reading)
{
    char lacking[64];

    snprintf(lacking, sizeof(lacking), "there is no %s after", commands[i].argument);
    if (n_words == 1)
        return complain_of_usage(lacking, words[0]);
    if (n_words > 2)
        return complain_of_usage("unexpected argument", words[2]);
    reading->argument = words[1];
    if (reading->command == COMMAND_SERVE)
        reading->command = commands[i].command;
    return 0;
}

/* What is not an option. returns 0; an exit status */
static int read_command(int n_words, char **words, struct reading *reading)
{
    if (n_words == 0)
        return 0;
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
        if (strcmp(words[0], commands[i].word) == 0)
            return take_command(i, n_words, words, reading);
    return complain_of_usage("unexpected argument", words[0]);
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
            versions_print(stdout);
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
    return read_command(argc - optind, argv + optind, reading);
}

/* Files first, then --set, wherever they stand. returns 0; an exit status */
static int read_line(int argc, char **argv, struct reading *reading)
{
    int status = read_options(argc, argv, reading, true);

    if (status == 0 && reading->command != COMMAND_NOTHING)
        status = read_options(argc, argv, reading, false);
    return status == 0 && reading->is_wrong ? EXIT_STATUS_CONFIG : status;
}

int command_line_read(int argc, char **argv, struct command_line *ret_line, struct config *config)
{
    struct reading reading = {.config = config, .command = COMMAND_SERVE, .complain = say};
    int status = read_line(argc, argv, &reading);

    *ret_line = (struct command_line){argc, argv, reading.command, reading.argument};
    return status;
}

int command_line_read_again(const struct command_line *line, config_complain_fn *complain_to,
                            void *arg, struct config *config)
{
    struct reading reading = {.config = config, .complain = complain_to, .complain_arg = arg};

    return read_line(line->argc, line->argv, &reading) == 0 ? 0 : -EINVAL;
}
