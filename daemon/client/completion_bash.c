#include "daemon/client/completion_script.h"

static const char beginning[] =
    "# Completion of gatherctl's command line, for bash: made by `gatherctl completion bash`.\n"
    "# shellcheck shell=bash\n"
    "\n"
    "# Offers those words that begin with what is typed. What ends with = or : is a word of its "
    "own\n"
    "# to bash.\n"
    "_gatherctl_offer() {\n"
    "    mapfile -t COMPREPLY < <(compgen -W \"$1\" -- \"$typed\")\n"
    "    COMPREPLY=(\"${COMPREPLY[@]#\"${typed%\"${typed##*[=:]}\"}\"}\")\n"
    "}\n"
    "\n"
    "_gatherctl_offer_files() {\n"
    "    compopt -o filenames 2>/dev/null\n"
    "    mapfile -t COMPREPLY < <(compgen -f -- \"$typed\")\n"
    "}\n"
    "\n"
    "_gatherctl_offer_jobs() {\n"
    "    _gatherctl_offer \"$(\"$1\" jobs --limit 20 2>/dev/null | awk 'NR > 1 { print $1 }')\"\n"
    "}\n";

static const char middle[] = "\n"
                             "_gatherctl() {\n"
                             "    local line=${COMP_LINE:0:COMP_POINT} words typed option\n"
                             "\n"
                             "    read -ra words <<<\"$line\"\n"
                             "    [[ $line == *[[:blank:]] ]] && words+=('')\n"
                             "    typed=${words[-1]} option=${words[-2]}\n"
                             "    [[ $typed == --*=* ]] && option=${typed%%=*} typed=${typed#*=}\n"
                             "    case $option in\n";

static const char ending[] = "    *) _gatherctl_offer_words \"$1\" ;;\n"
                             "    esac\n"
                             "}\n"
                             "\n"
                             "complete -F _gatherctl gatherctl\n";

/* What completes an argument: the rest of a line of `case`. */
static void write_action(struct completion_script *script, const char *argument)
{
    switch (completion_kind_of(argument)) {
    case COMPLETION_NOTHING:
    case COMPLETION_URL:
        script_put(script, "COMPREPLY=() ;;\n");
        break;
    case COMPLETION_FILE:
        script_put(script, "_gatherctl_offer_files ;;\n");
        break;
    case COMPLETION_JOB:
        script_put(script, "_gatherctl_offer_jobs \"$1\" ;;\n");
        break;
    case COMPLETION_CHOICE:
        script_put(script, "_gatherctl_offer '");
        script_put_choices(script, argument);
        script_put(script, "' ;;\n");
        break;
    }
}

/* --- Words ------------------------------------------------------------------------------------ */

static void write_commands(struct completion_script *script)
{
    script_put(script, "    *:1:*) _gatherctl_offer '");
    for (size_t i = 0; i < n_commands; i++)
        script_put(script, "%s ", commands[i].name);
    script_put(script, "--version --help' ;;\n");
}

static void write_options(struct completion_script *script, const struct command *command)
{
    const char *separator = "";

    script_put(script, "    %s:*:-*) _gatherctl_offer '", command->name);
    for (size_t i = 0; i < n_option_rows; i++)
        if (completion_takes(command, &option_rows[i])) {
            script_put(script, "%s--%s", separator, option_rows[i].name);
            separator = " ";
        }
    script_put(script, "' ;;\n");
}

static void write_words(struct completion_script *script)
{
    script_put(script, "\n# What is no value of an option.\n"
                       "_gatherctl_offer_words() {\n"
                       "    case ${words[1]}:$((${#words[@]} - 1)):$typed in\n");
    write_commands(script);
    for (size_t i = 0; i < n_commands; i++) {
        write_options(script, &commands[i]);
        script_put(script, "    %s:*) ", commands[i].name);
        write_action(script, commands[i].words);
    }
    script_put(script, "    esac\n}\n");
}

/* --- Values ----------------------------------------------------------------------------------- */

static void write_value(struct completion_script *script, const struct option_row *row)
{
    if (row->argument == NULL || !completion_is_taken(row))
        return;
    script_put(script, "    ");
    if (row->letter != '\0')
        script_put(script, "-%c | ", row->letter);
    script_put(script, "--%s) ", row->name);
    write_action(script, row->argument);
}

void completion_write_bash(struct completion_script *script)
{
    script_put(script, "%s", beginning);
    write_words(script);
    script_put(script, "%s", middle);
    for (size_t i = 0; i < n_option_rows; i++)
        write_value(script, &option_rows[i]);
    script_put(script, "%s", ending);
}
