/* Several values in one send: a pointer to a struct that holds them. */
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

int main(void)
{
    struct input inputs[] = {{.x = 1, .y = 2}, {.x = 100, .y = 30}, {.x = 666}, {.command = 'h'}};
    CO_CLEANUP(co_gen_freep) struct co_gen *gen = NULL;
    int rc = co_gen_new(&gen, calc, NULL);

    if (rc == 0)
        rc = co_gen_next(gen, NULL); /* to its first yield, where it can receive */
    for (size_t i = 0; i < 4 && rc >= 0; i++)
        rc = co_gen_send(gen, &inputs[i], NULL);
    if (rc > 0)
        rc = co_gen_close(gen);
    if (rc < 0)
        error(EXIT_FAILURE, -rc, "the calculator failed");
    return 0;
}
