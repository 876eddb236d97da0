/* A coroutine that need not be started by hand: instead of a decorator, a function that makes it
 * and runs it to its first yield. */
#include <errno.h>
#include <error.h>
#include <stdlib.h>

#include "lib/examples/example.h"

enum { MAX_RESULTS = 16 };

/* One message; 'h' asks for the history. */
struct input {
    char command;
    long x, y;
};

static int calc(struct co_gen *self, void *arg, void **ret_result)
{
    void *history[MAX_RESULTS], *sent;
    ssize_t n = 0;
    int rc;

    (void)arg, (void)ret_result;
    while ((rc = co_gen_yield(self, NULL, &sent)) == 0) {
        const struct input *input = sent;
        if (input->command == 'h') {
            print_list(history, n);
            continue;
        }
        if (n == MAX_RESULTS)
            return -ENOBUFS;
        history[n] = co_int(input->x + input->y);
        printf("%ld\n", (long)history[n++]);
    }
    return rc;
}

static int start(struct co_gen **ret_gen, co_gen_fn *fn, void *arg)
{
    CO_CLEANUP(co_gen_freep) struct co_gen *gen = NULL;
    int rc = co_gen_new(&gen, fn, arg);

    if (rc == 0)
        rc = co_gen_next(gen, NULL);
    if (rc < 0)
        return rc;
    *ret_gen = co_take(gen);
    return 0;
}

int main(void)
{
    struct input inputs[] = {{.x = 1, .y = 2}, {.x = 100, .y = 30}, {.x = 666}, {.command = 'h'}};
    CO_CLEANUP(co_gen_freep) struct co_gen *gen = NULL;
    int rc = start(&gen, calc, NULL);

    for (size_t i = 0; i < 4 && rc >= 0; i++)
        rc = co_gen_send(gen, &inputs[i], NULL);
    if (rc < 0)
        error(EXIT_FAILURE, -rc, "the calculator failed");
    return 0;
}
