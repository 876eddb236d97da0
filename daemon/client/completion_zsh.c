#include <string.h>

#include "daemon/client/completion_script.h"

static const char beginning[] =
    "#compdef gatherctl\n"
    "# Completion of gatherctl's command line, for zsh: made by `gatherctl completion zsh`.\n"
    "\n"
    "_gatherctl_jobs() {\n"
    "    local -a jobs\n"
    "\n"
    "    jobs=(${${${(f)\"$(gatherctl jobs --limit 20 2>/dev/null)\"}%% *}[2,-1]})\n"
    "    _wanted jobs expl job compadd -a jobs\n"
    "}\n"
    "\n"
    "_gatherctl() {\n"
    "    local curcontext=$curcontext state line\n"
    "    local -a commands\n"
    "\n"
    "    commands=(\n";

static const char middle[] =
    "    )\n"
    "    _arguments -C '(- *)--version[print the version]' '(- *)--help[print a summary]' \\\n"
    "        '(-): :->command' '(-)*:: :->argument'\n"
    "    case $state in\n"
    "    (command) _describe command commands ;;\n"
    "    (argument)\n"
    "        case $words[1] in\n";

static const char ending[] = "        esac\n"
                             "        ;;\n"
                             "    esac\n"
                             "}\n"
                             "\n"
                             "_gatherctl \"$@\"\n";

/* A text between single quotes, with what means something to _arguments escaped. */
static void put_quoted(struct completion_script *script, const char *text)
{
    for (; *text != '\0'; text++)
        if (*text == '\'')
            script_put(script, "'\\''");
        else
            script_put(script, strchr("[]:\\", *text) != NULL ? "\\%c" : "%c", *text);
}

/* The message and the action of an argument: ":FILE:_files". */
static void put_argument(struct completion_script *script, const char *argument)
{
    static const char *const actions[] = {
        [COMPLETION_NOTHING] = "( )", /* not " ": beside that, zsh completes no options */
        [COMPLETION_FILE] = "_files",
        [COMPLETION_URL] = "_urls",
        [COMPLETION_JOB] = "_gatherctl_jobs",
    };
    enum completion_kind kind = completion_kind_of(argument);

    script_put(script, ":");
    put_quoted(script, kind == COMPLETION_CHOICE ? "value" : argument);
    if (kind != COMPLETION_CHOICE) {
        script_put(script, ":%s", actions[kind]);
        return;
    }
    script_put(script, ":(");
    script_put_choices(script, argument);
    script_put(script, ")");
}

static void put_option(struct completion_script *script, const struct option_row *row)
{
    bool is_repeated = row->kind == OPTION_TEXTS, has_argument = row->argument != NULL;

    script_put(script, " \\\n                ");
    if (row->letter == '\0')
        script_put(script, "'%s--%s%s", is_repeated ? "*" : "", row->name, has_argument ? "=" : "");
    else if (is_repeated)
        script_put(script, "'*'{-%c+,--%s=}'", row->letter, row->name);
    else
        script_put(script, "'(-%c --%s)'{-%c%s,--%s%s}'", row->letter, row->name, row->letter,
                   has_argument ? "+" : "", row->name, has_argument ? "=" : "");
    script_put(script, "[");
    put_quoted(script, row->help);
    script_put(script, "]");
    if (has_argument)
        put_argument(script, row->argument);
    script_put(script, "'");
}

static void put_command(struct completion_script *script, const struct command *command)
{
    script_put(script, "        (%s)\n            _arguments", command->name);
    for (size_t i = 0; i < n_option_rows; i++)
        if (completion_takes(command, &option_rows[i]))
            put_option(script, &option_rows[i]);
    if (command->words[0] != '\0') {
        script_put(script, " \\\n                '*");
        put_argument(script, command->words);
        script_put(script, "'");
    }
    script_put(script, "\n            ;;\n");
}

void completion_write_zsh(struct completion_script *script)
{
    script_put(script, "%s", beginning);
    for (size_t i = 0; i < n_commands; i++) {
        script_put(script, "        '%s:", commands[i].name);
        put_quoted(script, commands[i].about);
        script_put(script, "'\n");
    }
    script_put(script, "%s", middle);
    for (size_t i = 0; i < n_commands; i++)
        put_command(script, &commands[i]);
    script_put(script, "%s", ending);
}
