/* A message for a person who must fix some input: an option, a config file, a request body.
 *
 * The first failure wins, since later ones are often only its consequences. Callers that do not
 * care pass NULL. Return codes alone say what failed in the system; see the house style. */
#pragma once

struct err {
    char message[512]; /* "" until something failed; cut short if need be, never in a character */
};

/* Say what is wrong, unless that was said already.
 *
 * returns    rc, so that `return err_set(err, -EINVAL, ...)` reads as one step */
int err_set(struct err *err, int rc, const char *format, ...) __attribute__((format(printf, 3, 4)));
