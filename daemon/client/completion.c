/* gatherctl completion: a script for a shell, made of the tables of commands and options. */
#include <errno.h>
#include <string.h>

#include "daemon/client/completion_script.h"

static const struct {
    const char *shell;
    void (*write)(struct completion_script *script);
} shells[] = {
    {"bash", completion_write_bash},
    {"zsh", completion_write_zsh},
};

/* returns 0; -EINVAL: there is none for that shell; -ENOMEM */
static int append_script(struct buffer *out, const char *shell)
{
    struct completion_script script = {.out = out};

    for (size_t i = 0; i < sizeof(shells) / sizeof(shells[0]); i++)
        if (strcmp(shells[i].shell, shell) == 0) {
            shells[i].write(&script);
            return script.rc;
        }
    return -EINVAL;
}

int command_completion(struct client *client)
{
    struct err err = {""};
    int rc = append_script(&client->output.text, client->words[0]);

    if (rc == -EINVAL) {
        (void)err_set(&err, rc, "there is no completion for '%s', only for bash and zsh",
                      client->words[0]);
        return client_complain(client, CLIENT_USAGE, &err);
    }
    rc = rc < 0 ? rc : output_flush(&client->output);
    return rc < 0 ? client_stopped(client, rc) : CLIENT_OK;
}
