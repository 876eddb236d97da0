/* A file with the certificates of those who are trusted to sign others (PEM). */
#pragma once

#include "daemon/base/err.h"

/* Reads it as libcurl will, which takes about a tenth of a millisecond for each certificate.
 *
 * returns    0: servers can be verified with it
 *            -EINVAL: it is a file without such a certificate; -ENOMEM; or why it cannot be read.
 *            err says that, with the path */
int ca_file_check(const char *path, struct err *err);
