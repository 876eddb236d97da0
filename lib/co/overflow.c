#include "lib/co/overflow.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/co/gen_stacks.h"
#include "lib/co/runtime.h"

static const int faults[] = {SIGSEGV, SIGBUS};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned n_watched; /* threads; under the lock */

/* A line put together without stdio, which is not for signal handlers. Too much is cut. */
struct line {
    size_t length;
    char text[512];
};

static void append(struct line *line, const char *text)
{
    while (*text != '\0' && line->length < sizeof(line->text) - 1)
        line->text[line->length++] = *text++;
}

static void append_number(struct line *line, size_t number)
{
    char digits[24];
    size_t i = sizeof(digits) - 1;

    digits[i] = '\0';
    do {
        digits[--i] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    append(line, digits + i);
}

static void write_out(struct line *line)
{
    line->text[line->length++] = '\n';
    ssize_t n = write(STDERR_FILENO, line->text, line->length);
    (void)n; /* there is nobody left to tell */
}

static void append_who(struct line *line, const char *name, const char *site)
{
    append(line, name);
    append(line, " (");
    append(line, site);
    append(line, ")");
}

static void report(const struct co_stack *stack, const struct co_task *task)
{
    struct line line = {0};

    append(&line, "libgather: stack overflow in ");
    if (stack == task->stack) {
        append(&line, "task ");
    } else {
        append_who(&line, stack->name, stack->site);
        append(&line, ", run by task ");
    }
    append_who(&line, task->name, task->site);
    append(&line, ": of ");
    append_number(&line, stack->size);
    append(&line, " bytes none are left. Raise stack_size, or move large arrays to the heap");
    write_out(&line);
}

/* The stack of the running task, or of a generator that it is in, if that is its guard. */
static const struct co_stack *find_overflow(const struct co_loop *loop, const char *address)
{
    const struct co_stack *stack = co_stack_pool_find(&loop->stacks, address);

    if (stack == NULL)
        stack = co_gen_stacks_find(address);
    return stack != NULL && address < stack->low ? stack : NULL;
}

static void on_fault(int number, siginfo_t *info, void *context)
{
    const struct co_loop *loop = co_running_loop;
    const struct co_stack *stack = NULL;
    bool was_sent = info->si_code <= 0;

    (void)context;
    signal(number, SIG_DFL);
    if (was_sent)
        raise(number); /* a fault repeats by itself */
    else if (loop != NULL && loop->current != NULL)
        stack = find_overflow(loop, info->si_addr);
    if (stack != NULL)
        report(stack, loop->current);
}

static bool is_ours(const struct sigaction *action)
{
    return (action->sa_flags & SA_SIGINFO) != 0 && action->sa_sigaction == on_fault;
}

static bool is_default(const struct sigaction *action)
{
    return (action->sa_flags & SA_SIGINFO) == 0 && action->sa_handler == SIG_DFL;
}

static void install(int fault)
{
    const struct sigaction ours = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    struct sigaction before;

    if (sigaction(fault, NULL, &before) == 0 && is_default(&before))
        sigaction(fault, &ours, NULL);
}

static void uninstall(int fault)
{
    struct sigaction now;

    if (sigaction(fault, NULL, &now) == 0 && is_ours(&now))
        signal(fault, SIG_DFL);
}

static size_t signal_stack_size(void)
{
    return (size_t)sysconf(_SC_SIGSTKSZ);
}

int co_overflow_watch_init(struct co_overflow_watch *watch)
{
    watch->signal_stack = malloc(signal_stack_size());
    return watch->signal_stack != NULL ? 0 : -ENOMEM;
}

void co_overflow_watch_done(struct co_overflow_watch *watch)
{
    free(co_take(watch->signal_stack));
}

static void add_signal_stack(struct co_overflow_watch *watch)
{
    const stack_t ours = {.ss_sp = watch->signal_stack, .ss_size = signal_stack_size()};
    stack_t before;

    watch->is_in_use = sigaltstack(NULL, &before) == 0 && (before.ss_flags & SS_DISABLE) != 0;
    if (watch->is_in_use)
        sigaltstack(&ours, NULL);
}

static void remove_signal_stack(struct co_overflow_watch *watch)
{
    const stack_t none = {.ss_flags = SS_DISABLE};

    if (watch->is_in_use)
        sigaltstack(&none, NULL);
    watch->is_in_use = false;
}

void co_overflow_watch_begin(struct co_overflow_watch *watch)
{
    add_signal_stack(watch);
    pthread_mutex_lock(&lock);
    if (n_watched++ == 0)
        for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++)
            install(faults[i]);
    pthread_mutex_unlock(&lock);
}

void co_overflow_watch_end(struct co_overflow_watch *watch)
{
    pthread_mutex_lock(&lock);
    if (--n_watched == 0)
        for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++)
            uninstall(faults[i]);
    pthread_mutex_unlock(&lock);
    remove_signal_stack(watch);
}
