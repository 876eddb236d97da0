#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/co/base.h"

#include "daemon/base/ca_file.h"
#include "daemon/base/config_file.h"
#include "daemon/base/endpoint.h"
#include "daemon/base/process.h"
#include "daemon/base/state_directory.h"
#include "daemon/command_line.h"
#include "daemon/gatherd.h"
#include "daemon/service_manager.h"
#include "daemon/settings.h"
#include "daemon/store/store.h"
#include "daemon/token_command.h"

static int complain(const struct err *err, int rc)
{
    fprintf(stderr, "gatherd: %s\n", err->message[0] != '\0' ? err->message : strerror(-rc));
    return rc == -EINVAL ? EXIT_STATUS_CONFIG : EXIT_STATUS_FAILED;
}

static void complain_of(void *arg, const char *message)
{
    (void)arg;
    fprintf(stderr, "gatherd: %s\n", message);
}

/* What needs more than the configuration: whether others can reach us, if nobody has to show a
 * token. Without tokens that can be told even if something else is wrong. */
static int check_exposure(const struct config *config)
{
    const struct string_list *listen = &config->api.listen;
    struct err err = {""};
    bool asks_for_tokens = config->api.tokens_file[0] != '\0';
    int rc = asks_for_tokens ? 0 : endpoints_check_local(listen->items, listen->n, &err);

    return rc < 0 ? complain(&err, rc) : EXIT_STATUS_OK;
}

/* Who fetches by http only need not have such a file. */
static void warn_of_trust(const struct config *config)
{
    struct err err = {""};

    if (ca_file_check(config->fetch.ca_file, &err) < 0)
        fprintf(stderr, "gatherd: warning: fetch.ca_file: %s; https requests will fail\n",
                err.message);
}

/* The files that the configuration names are part of it. All that is wrong is said at once. */
static int check(struct config *config)
{
    CO_CLEANUP(settings_unrefp) struct settings *settings = NULL;
    int status = check_exposure(config);

    warn_of_trust(config);
    int rc = settings_new(&settings, config, complain_of, NULL);

    if (rc < 0)
        status = rc == -EINVAL ? EXIT_STATUS_CONFIG : EXIT_STATUS_FAILED;
    if (status == EXIT_STATUS_OK)
        puts("The configuration is fine.");
    return status;
}

static int back_up(const struct config *config, const char *file)
{
    struct err err = {""};
    char *path = NULL;
    int rc = state_directory(config->store.path, &path, &err);

    if (rc == 0)
        rc = store_backup(path, file, &err);
    free(path);
    return rc < 0 ? complain(&err, rc) : EXIT_STATUS_OK;
}

/* What came of it is in the log of that process. Others would die of the signal. */
static int ask_for_reload(const char *text)
{
    char *end;
    long pid = strtol(text, &end, 10);

    if (pid <= 0 || pid > INT_MAX || *end != '\0') {
        fprintf(stderr, "gatherd: '%s' is no PID. Try 'gatherd --help'.\n", text);
        return EXIT_STATUS_USAGE;
    }
    if (!process_may_run(pid, "gatherd")) {
        fprintf(stderr, "gatherd: process %ld is no gatherd\n", pid);
        return EXIT_STATUS_FAILED;
    }
    if (kill((pid_t)pid, SIGHUP) == 0)
        return EXIT_STATUS_OK;
    fprintf(stderr, "gatherd: process %ld cannot be told to reload: %s\n", pid, strerror(errno));
    return EXIT_STATUS_FAILED;
}

static int run(const struct command_line *line, struct config *config)
{
    switch (line->command) {
    case COMMAND_SERVE:
        return gatherd_serve(line, config);
    case COMMAND_CHECK_CONFIG:
        return check(config);
    case COMMAND_PRINT_CONFIG:
        return config_print(config, stdout) == 0 ? EXIT_STATUS_OK : EXIT_STATUS_FAILED;
    case COMMAND_BACKUP:
        return back_up(config, line->argument);
    case COMMAND_RELOAD:
        return ask_for_reload(line->argument);
    default:
        return EXIT_STATUS_OK;
    }
}

int main(int argc, char **argv)
{
    struct config config;
    struct command_line line;

    if (argc > 1 && strcmp(argv[1], "token") == 0)
        return token_command(argc - 1, argv + 1);
    if (config_init(&config) < 0) {
        fputs("gatherd: there is no memory to start\n", stderr);
        return EXIT_STATUS_FAILED;
    }
    int status = command_line_read(argc, argv, &line, &config);
    if (status == 0 && service_take_credentials(&config) < 0)
        status = EXIT_STATUS_FAILED;
    if (status == 0)
        status = run(&line, &config);
    config_done(&config);
    return status;
}
