#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/config_file.h"
#include "daemon/base/endpoint.h"
#include "daemon/base/state_directory.h"
#include "daemon/base/tokens.h"
#include "daemon/command_line.h"
#include "daemon/gatherd.h"
#include "daemon/request_settings.h"
#include "daemon/service_manager.h"
#include "daemon/store/store.h"
#include "daemon/token_command.h"

static int complain(const struct err *err, int rc)
{
    fprintf(stderr, "gatherd: %s\n", err->message[0] != '\0' ? err->message : strerror(-rc));
    return rc == -EINVAL ? EXIT_STATUS_CONFIG : EXIT_STATUS_FAILED;
}

static int check_requests(const struct config *config, struct err *err)
{
    struct request_settings settings;
    int rc = request_settings_init(&settings, config, err);

    request_settings_done(&settings);
    return rc;
}

static int check_access(const struct config *config, struct err *err)
{
    const struct string_list *listen = &config->api.listen;
    struct tokens *tokens = NULL;
    int rc = tokens_load(&tokens, config->api.tokens_file, err);

    if (rc == 0 && tokens == NULL)
        rc = endpoints_check_local(listen->items, listen->n, err);
    tokens_free(tokens);
    return rc;
}

/* The files that the configuration names are part of it. All that is wrong is said at once. */
static int check(const struct config *config)
{
    static int (*const checks[])(const struct config *, struct err *) = {check_requests,
                                                                         check_access};
    int status = EXIT_STATUS_OK;

    for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
        struct err err = {""};
        int rc = checks[i](config, &err);
        if (rc < 0)
            status = complain(&err, rc);
    }
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

static int serve(struct config *config)
{
    struct err err = {""};
    int rc = service_take_sockets(config, &err);

    return rc < 0 ? complain(&err, rc) : gatherd_serve(config);
}

static int run(enum command command, struct config *config, const char *file)
{
    switch (command) {
    case COMMAND_SERVE:
        return serve(config);
    case COMMAND_CHECK_CONFIG:
        return check(config);
    case COMMAND_PRINT_CONFIG:
        return config_print(config, stdout) == 0 ? EXIT_STATUS_OK : EXIT_STATUS_FAILED;
    case COMMAND_BACKUP:
        return back_up(config, file);
    default:
        return EXIT_STATUS_OK;
    }
}

int main(int argc, char **argv)
{
    struct config config;
    enum command command;
    const char *file;

    if (argc > 1 && strcmp(argv[1], "token") == 0)
        return token_command(argc - 1, argv + 1);
    if (config_init(&config) < 0) {
        fputs("gatherd: there is no memory to start\n", stderr);
        return EXIT_STATUS_FAILED;
    }
    int status = command_line_read(argc, argv, &config, &command, &file);
    if (status == 0 && service_take_credentials(&config) < 0)
        status = EXIT_STATUS_FAILED;
    if (status == 0)
        status = run(command, &config, file);
    config_done(&config);
    return status;
}
