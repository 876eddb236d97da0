/* A file that an operator writes for the daemon, and whose content no message may show. In the
 * input, '$' stands for a word that is looked for there. */
#pragma once

#include "daemon/base/buffer.h"

#include "tests/fuzz/fuzz.h"

struct secret_file {
    struct buffer text;
    struct fuzz_file file;
};

void secret_file_open(struct secret_file *secret, const struct fuzz_input *input);
void secret_file_close(struct secret_file *secret);

/* Its lines, for fuzz_line(). */
struct fuzz_input secret_file_lines(const struct secret_file *secret);

/* Without blanks, and what begins with '#'. */
bool secret_file_counts(const char *line);

/* What it was refused with, if it was: there is a reason, and nothing of the file in it. */
void secret_file_check_refusal(int rc, const char *message);
