/* gatherctl: argv -> exit status. */
#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/suggest.h"
#include "daemon/client/commands.h"

static int complain_of_command(const char *word)
{
    struct suggestion suggestion;

    suggest_init(&suggestion, word, strlen(word));
    for (size_t i = 0; i < n_commands; i++)
        suggest_offer(&suggestion, commands[i].name);
    fprintf(stderr, "gatherctl: there is no command '%s'", word);
    if (suggestion.best != NULL)
        fprintf(stderr, "; did you mean %s?", suggestion.best);
    fputs("\nTry 'gatherctl --help'.\n", stderr);
    return CLIENT_USAGE;
}

static int check_words(const struct client *client)
{
    const struct command *command = client->command;

    if (client->n_words < command->min_words)
        fprintf(stderr, "gatherctl %s: it needs %s\n", command->name, command->words);
    else if (client->n_words > command->max_words)
        fprintf(stderr, "gatherctl %s: '%s' is too much\n", command->name,
                client->words[command->max_words]);
    else
        return CLIENT_OK;
    fprintf(stderr, "Try 'gatherctl %s --help'.\n", command->name);
    return CLIENT_USAGE;
}

static int run_command(void *arg, void **ret_result)
{
    struct client *client = arg;
    struct err err = {""};
    int *status = malloc(sizeof(*status));

    if (status == NULL)
        return -1;
    bool asks_server = client->command->asks_server && !client->options.is_local;

    if (asks_server && server_open(&client->server, &client->options, &err) < 0)
        *status = client_complain(client, CLIENT_USAGE, &err);
    else
        *status = client->command->run(client);
    server_close(&client->server);
    *ret_result = status;
    return 0;
}

static int run(struct client *client)
{
    void *result = NULL;

    output_init(&client->output);
    int rc = co_run(run_command, client, &result);
    output_done(&client->output);
    int status = result != NULL ? *(int *)result
                 : rc == -EINTR ? CLIENT_INTERRUPTED
                                : CLIENT_OUTPUT;
    free(result);
    return status;
}

/* What was printed by printf(3) has come to where it should. */
static int end_output(void)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return CLIENT_OK;
    fprintf(stderr, "gatherctl: the output cannot be written: %s\n", strerror(errno));
    return CLIENT_OUTPUT;
}

static int read_command(int argc, char **argv)
{
    struct client client = {.command = command_find(argv[0])};

    if (client.command == NULL)
        return complain_of_command(argv[0]);
    if (options_read(client.command->name, client.command->options, argc, argv, &client.options,
                     &client.n_words) < 0)
        return CLIENT_USAGE;
    if (client.options.wants_help) {
        command_print_help(client.command);
        return end_output();
    }
    client.words = argv + 1;
    return check_words(&client) ?: run(&client);
}

int main(int argc, char **argv)
{
    /* libcurl reads host names outside ASCII in it; the user's own is asked for the terminal. */
    setlocale(LC_CTYPE, "C.UTF-8");
    signal(SIGPIPE, SIG_IGN);
    if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
        strcmp(argv[1], "help") == 0) {
        commands_print_help();
        return argc < 2 ? CLIENT_USAGE : end_output();
    }
    if (strcmp(argv[1], "--version") == 0) {
        puts("gatherctl " PACKAGE_VERSION);
        return end_output();
    }
    return read_command(argc - 1, argv + 1);
}
