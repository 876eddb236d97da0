/* gatherctl's commands: one table, of which the command line, --help, the man page and completions
 * are made.
 */
#pragma once

#include "lib/co/co.h"

#include "daemon/client/exit_status.h"
#include "daemon/client/options.h"
#include "daemon/client/output.h"
#include "daemon/client/server.h"

/* What a command works with. */
struct client {
    const struct command *command;
    struct options options;
    int n_words; /* behind the command, that are no options */
    char **words;
    struct output output;
    struct server server; /* open if the command asks one */
    struct page_state {
        char cursor[128]; /* of the next one; "": there are no more */
        unsigned n_shown;
    } pages; /* of a list, by client_show() */
};

struct command {
    const char *name;
    const char *words; /* as --help shows them: "JOB..." */
    int min_words, max_words;
    unsigned options; /* groups of them */
    bool asks_server;
    /* returns an exit status. suspends */
    int (*run)(struct client *client);
    const char *about;    /* a line */
    const char *details;  /* more of it; NULL: there is no more to say */
    const char *examples; /* lines */
};

extern const struct command commands[];
extern const size_t n_commands;

/* NULL: there is no such command. */
const struct command *command_find(const char *name);

/* How a command is explained. */
void command_print_help(const struct command *command);

/* What gatherctl is for, and all its commands. */
void commands_print_help(void);

/* --- What commands have in common ------------------------------------------------------------- */

/* Says what is wrong in the manner of all commands. returns status */
int client_complain(const struct client *client, int status, const struct err *err);

/* Exit status of a command that was stopped by rc: -ECANCELED, -ENOMEM, or writing has failed. */
int client_stopped(const struct client *client, int rc);

/* Exit status of a server_call() that rc says has failed: that no answer came is said. */
int client_call_failed(const struct client *client, int rc,
                       const struct co_http_response *response);

/* Calls, and reads the answer. returns as server_document() */
CO_BLOCKS int client_ask(struct client *client, const struct call *call,
                         struct json_t **ret_document);

/* Waits a second for a gatherd that does not answer, which may be about to be started again.
 *
 * n_tries    since it has last answered; counted here
 * returns    CLIENT_OK: it is worth another try; else an exit status: it was tried often enough
 */
CO_BLOCKS int client_try_later(const struct client *client, unsigned *n_tries,
                               const struct co_http_response *response);

enum { CLIENT_PATH_SIZE = 160 };

/* Whether a word may be an id, of a job or a schedule. */
bool client_is_id(const char *word);

/* The path of a job, and what follows. returns false: the id is none, which has been said */
bool client_job_path(const struct client *client, const char *id, const char *rest,
                     char path[CLIENT_PATH_SIZE]);

/* Prints an answer: as it is if --json was said, else as show() appends it to client->output.text.
 *
 * returns    CLIENT_OK, or an exit status
 */
int client_print(struct client *client, const struct co_http_response *response,
                 const struct json_t *document,
                 int (*show)(struct client *client, const struct json_t *document));

/* Asks, and prints the answer. returns CLIENT_OK, or an exit status */
CO_BLOCKS int client_show(struct client *client, const struct call *call,
                          int (*show)(struct client *client, const struct json_t *document));

/* --- Commands, by file ------------------------------------------------------------------------ */

int command_get(struct client *client);    /* get.c */
int command_submit(struct client *client); /* submit.c */
int command_jobs(struct client *client);   /* jobs.c */
int command_show(struct client *client);
int command_watch(struct client *client);
int command_cancel(struct client *client);
int command_delete(struct client *client);
int command_results(struct client *client);   /* results.c */
int command_retry(struct client *client);     /* submit.c */
int command_schedules(struct client *client); /* schedules.c */
int command_tasks(struct client *client);     /* tasks.c */
int command_top(struct client *client);       /* top.c */
int command_check(struct client *client);     /* hand_over.c */
int command_reload(struct client *client);
int command_completion(struct client *client); /* completion.c */
