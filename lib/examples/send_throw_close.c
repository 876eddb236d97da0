/* The three ways to resume a generator besides next(): with a value, with an error, and for good.
 */
#include <errno.h>
#include <error.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/co/co.h"

/* Receives numbers until it is closed; an error that is thrown in does not stop it. */
static int receive(struct co_gen *self, void *arg, void **ret_result)
{
    void *number;
    int rc;

    (void)arg, (void)ret_result;
    while ((rc = co_gen_yield(self, NULL, &number)) != -ECANCELED) {
        if (rc == 0)
            printf("sent %ld\n", (long)number);
        else
            printf("thrown %s\n", strerrorname_np(-rc));
    }
    puts("closed");
    return rc;
}

int main(void)
{
    CO_CLEANUP(co_gen_freep) struct co_gen *gen = NULL;
    int rc = co_gen_new(&gen, receive, NULL);

    if (rc == 0)
        rc = co_gen_next(gen, NULL);
    if (rc > 0)
        rc = co_gen_send(gen, co_int(1), NULL);
    if (rc > 0)
        rc = co_gen_throw(gen, -EIO, NULL);
    if (rc > 0)
        rc = co_gen_close(gen);
    if (rc < 0)
        error(EXIT_FAILURE, -rc, "the generator failed");
    return 0;
}
