/* The configuration as a file: sections of `key = value` lines, with comments after ';' or '#'.
 *
 * The words of a list may go on in lines that are indented. */
#pragma once

#include <stdio.h>

#include "daemon/base/config.h"

/* Told what is wrong with a file, once for each thing: "gatherd.conf:12: fetch.concurency: there is
 * no such setting; did you mean fetch.concurrency?" */
typedef void config_complain_fn(void *arg, const char *message);

/* Set values from a file. All of it is read, whatever is wrong with it, so that a person sees all
 * that has to be changed at once.
 *
 * returns    0
 *            -EINVAL, or what else made the first complaint: every value is either as it was or
 * what the file says */
int config_load_file(struct config *config, const char *path, config_complain_fn *complain,
                     void *arg);

/* The same, and behind it from each *.conf in the directory PATH.d, if there is one, in the order
 * of their names: a package, or a machine, can set what it needs without changing the file.
 *
 * returns    as config_load_file(), of the first complaint */
int config_load(struct config *config, const char *path, config_complain_fn *complain, void *arg);

/* Write all values, with their meaning, range and default as comments, such that config_load_file()
 * reads the same values from it.
 *
 * returns    0
 *            -EIO: it could not be written */
int config_print(const struct config *config, FILE *out);
