/* What the completion scripts of shells are written with. */
#pragma once

#include <stdarg.h>
#include <stdbool.h>

#include "daemon/base/buffer.h"
#include "daemon/client/commands.h"

struct completion_script {
    struct buffer *out;
    int rc; /* the first failure */
};

void script_put(struct completion_script *script, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Puts words that are separated by '|' with blanks between, but those that stand for something. */
void script_put_choices(struct completion_script *script, const char *choices);

/* What the argument of an option or a command is, as it is written in the tables. */
enum completion_kind {
    COMPLETION_NOTHING, /* only the user knows */
    COMPLETION_FILE,
    COMPLETION_URL,
    COMPLETION_JOB,
    COMPLETION_CHOICE, /* one of a few */
};

enum completion_kind completion_kind_of(const char *argument);

/* Whether a command takes an option, and whether any does. */
bool completion_takes(const struct command *command, const struct option_row *row);
bool completion_is_taken(const struct option_row *row);

/* The shells. */
void completion_write_bash(struct completion_script *script);
void completion_write_zsh(struct completion_script *script);
