/* co_run(), and what Ctrl-C does to it.
 *
 * While main runs, a handler turns the first SIGINT into a message that cancels main. The kernel
 * puts the default action back in place as it calls the handler, so the second one ends the
 * process, and the handler is called once at most.
 *
 * source  asyncio.Runner
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>

#include "lib/co/runtime.h"

struct interrupt {
    struct co_message message;
    co_fn *main;
    void *arg;
    struct co_loop *loop;
    struct co_task *task; /* to cancel; NULL once main has ended */
    atomic_bool came;
};

/* There is one SIGINT for all threads: the first to run a main while nobody handles it does. */
static _Atomic(struct interrupt *) current;
static atomic_uint n_in_handler;

static void cancel_main(struct co_message *message)
{
    struct interrupt *interrupt = co_container_of(message, struct interrupt, message);

    if (interrupt->task != NULL)
        co_cancel(interrupt->task, "SIGINT");
}

static void forget(struct co_message *message)
{
    (void)message;
}

static void handle(int number)
{
    (void)number;
    atomic_fetch_add(&n_in_handler, 1);
    struct interrupt *interrupt = atomic_load(&current);
    if (interrupt != NULL && !atomic_exchange(&interrupt->came, true))
        co_inbox_post(&interrupt->loop->inbox, &interrupt->message);
    atomic_fetch_sub(&n_in_handler, 1);
}

static bool is_left_to_default(void)
{
    struct sigaction action;

    return sigaction(SIGINT, NULL, &action) == 0 && action.sa_handler == SIG_DFL;
}

static void set_handler(struct interrupt *interrupt)
{
    static const struct sigaction action = {
        .sa_handler = handle,
        .sa_flags = SA_ONSTACK | SA_RESTART | SA_RESETHAND,
    };
    struct interrupt *nobody = NULL;

    interrupt->loop = co_loop_current();
    interrupt->task = co_self();
    if (!is_left_to_default() || !atomic_compare_exchange_strong(&current, &nobody, interrupt))
        return;
    sigaction(SIGINT, &action, NULL);
}

/* The handler of the program's, if it has set one meanwhile, stays. Another thread may be in ours
 * still. */
static void reset_handler(struct interrupt *interrupt)
{
    struct sigaction action;

    interrupt->task = NULL;
    if (atomic_load(&current) != interrupt)
        return;
    if (sigaction(SIGINT, NULL, &action) == 0 && action.sa_handler == handle)
        signal(SIGINT, SIG_DFL);
    atomic_store(&current, NULL);
    while (atomic_load(&n_in_handler) > 0)
        sched_yield();
}

static int run_main(void *arg, void **result)
{
    struct interrupt *interrupt = arg;

    set_handler(interrupt);
    int rc = interrupt->main(interrupt->arg, result);
    reset_handler(interrupt);
    return rc == -ECANCELED && atomic_load(&interrupt->came) ? -EINTR : rc;
}

/* The loop goes first when this returns: it may have the message still. */
int co_run(co_fn *main, void *arg, void **ret_result)
{
    struct interrupt interrupt = {
        .message = {.deliver = cancel_main, .discard = forget},
        .main = main,
        .arg = arg,
    };
    CO_CLEANUP(co_loop_freep) struct co_loop *loop = NULL;
    int rc = co_loop_new(&loop, NULL);

    return rc < 0 ? rc : co_loop_run_until_complete(loop, run_main, &interrupt, ret_result);
}
