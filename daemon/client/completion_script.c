#include "daemon/client/completion_script.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void script_put(struct completion_script *script, const char *format, ...)
{
    char *text = NULL;
    va_list args;

    va_start(args, format);
    int length = vasprintf(&text, format, args);
    va_end(args);
    if (length < 0) {
        script->rc = script->rc < 0 ? script->rc : -ENOMEM;
        return;
    }
    if (script->rc == 0)
        script->rc = buffer_append(script->out, text, (size_t)length);
    free(text);
}

void script_put_choices(struct completion_script *script, const char *choices)
{
    const char *separator = "";

    while (*choices != '\0') {
        int length = (int)strcspn(choices, "|");
        if (!isupper((unsigned char)*choices)) {
            script_put(script, "%s%.*s", separator, length, choices);
            separator = " ";
        }
        choices += length + (choices[length] == '|');
    }
}

enum completion_kind completion_kind_of(const char *argument)
{
    static const struct {
        const char *word;
        enum completion_kind kind;
    } kinds[] = {
        {"|", COMPLETION_CHOICE},
        {"FILE", COMPLETION_FILE},
        {"URL", COMPLETION_URL},
        {"JOB", COMPLETION_JOB},
    };

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (strstr(argument, kinds[i].word) != NULL)
            return kinds[i].kind;
    return COMPLETION_NOTHING;
}

bool completion_takes(const struct command *command, const struct option_row *row)
{
    return (command->options & row->group) != 0;
}

bool completion_is_taken(const struct option_row *row)
{
    for (size_t i = 0; i < n_commands; i++)
        if (completion_takes(&commands[i], row))
            return true;
    return false;
}
