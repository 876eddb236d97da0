/* A file that the operator writes for us: lines of words, of which those that are blank or begin
 * with '#' do not count.
 *
 * It must belong to root or to us; its group may read it, and others may do nothing with it. What
 * was read is wiped in the end, and no message quotes it, since nobody knows what somebody has put
 * where.
 */
#pragma once

#include <stddef.h>

#include "daemon/base/err.h"

struct operator_file {
    const char *setting; /* that names it, for messages: "api.tokens_file" */
    const char *path;
    char *text;
    size_t size;
    char *next;    /* what has not been read as lines yet */
    unsigned line; /* number of the last one that was */
    struct err *err;
};

/* operator_file_done() is owed, whatever is returned; the texts and err are borrowed until then.
 *
 * returns    0; -ENOMEM, or why it cannot be read: err says that */
int operator_file_read(struct operator_file *file, const char *setting, const char *path,
                       struct err *err);
void operator_file_done(struct operator_file *file);

size_t operator_file_count_lines(const struct operator_file *file);

/* The next line that counts, without the blanks around it; it is ours to change.
 *
 * returns    1; 0: there are no more; -EINVAL: it has a NUL */
int operator_file_next_line(struct operator_file *file, char **ret_line);

/* Says what is wrong with the line, and with the file as a whole. returns -EINVAL, rc */
int operator_file_refuse_line(const struct operator_file *file, const char *what);
int operator_file_refuse(const struct operator_file *file, int rc, const char *what);

/* Cuts the blanks off both ends. */
char *operator_file_trim(char *text);

/* Takes the first word off a text. returns NULL: there is none */
char *operator_file_take_word(char **text);
