/* Two loops of sleeping tasks, on a loop that runs until it is stopped, here by Ctrl-C.
 * Usage: display_date_forever [SECONDS] */
#include <error.h>
#include <signal.h>
#include <stdlib.h>

#include "lib/examples/example.h"

struct display {
    int number;
    long seconds;
};

static int display_date(void *arg, void **ret_result)
{
    const struct display *display = arg;
    co_time end = co_now() + display->seconds * CO_SECOND;
    int rc = 0;

    (void)ret_result;
    while (rc == 0) {
        print_date(display->number);
        if (co_now() + CO_SECOND >= end)
            break;
        rc = co_sleep(random() % 6 * CO_SECOND);
    }
    return rc;
}

static int start_both(void *arg, void **ret_result)
{
    static struct display displays[] = {{.number = 1}, {.number = 2}};
    int rc = 0;

    (void)ret_result;
    for (int i = 0; i < 2 && rc == 0; i++) {
        displays[i].seconds = (long)arg;
        rc = co_create_task("display_date", display_date, &displays[i], NULL);
    }
    return rc;
}

static struct co_loop *loop;

static void on_interrupt(int signal)
{
    (void)signal;
    co_loop_stop(loop); // NOLINT(bugprone-signal-handler): it may be called from there
}

int main(int argc, char **argv)
{
    int rc = co_loop_new(&loop, NULL);

    if (rc == 0) {
        signal(SIGINT, on_interrupt);
        rc = co_loop_run_forever(loop, start_both, co_int(argc > 1 ? atol(argv[1]) : 50));
        signal(SIGINT, SIG_DFL); /* there is soon no loop to stop */
    }
    co_loop_free(loop);
    if (rc < 0)
        error(EXIT_FAILURE, -rc, "the loop failed");
    return 0;
}
