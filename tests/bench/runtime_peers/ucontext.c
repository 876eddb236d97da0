/* glibc's ucontext: what POSIX has for switching stacks. It has no scheduler, so the figures are
 * those of the bare contexts. */
#include <sys/mman.h>
#include <ucontext.h>

#include "measure.h"

enum { STACK_SIZE = 256 * 1024, POOLED = 1000, MANY = 100000, ROUNDS = 100 };

static ucontext_t here;
static ucontext_t *there;

static void *map_stacks(size_t n)
{
    void *stacks = mmap(NULL, n * STACK_SIZE, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);

    expect(stacks != MAP_FAILED, "no stacks");
    expect(madvise(stacks, n * STACK_SIZE, MADV_NOHUGEPAGE) == 0, "no small pages");
    return stacks;
}

static void make(ucontext_t *context, char *stack, void (*entry)(void))
{
    expect(getcontext(context) == 0, "getcontext failed");
    context->uc_stack.ss_sp = stack;
    context->uc_stack.ss_size = STACK_SIZE;
    context->uc_link = &here;
    makecontext(context, entry, 0);
}

static void go_to(ucontext_t *context)
{
    there = context;
    expect(swapcontext(&here, context) == 0, "swapcontext failed");
}

static void go_back_for_ever(void)
{
    ucontext_t *self = there;

    for (;;)
        expect(swapcontext(self, &here) == 0, "swapcontext failed");
}

static ucontext_t one;

static void switch_there_and_back(unsigned n)
{
    for (unsigned i = 0; i < n; i += 2)
        go_to(&one);
}

static void go_and_come_back(unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        go_to(&one);
}

static double measure_switch(void)
{
    make(&one, map_stacks(1), go_back_for_ever);
    return fastest(ROUNDS, 2000, switch_there_and_back);
}

static double measure_generator(void)
{
    make(&one, map_stacks(1), go_back_for_ever);
    return fastest(ROUNDS, 1000, go_and_come_back);
}

static void return_at_once(void)
{
}

static void make_and_run(unsigned n)
{
    static ucontext_t contexts[POOLED];
    static char *stacks;

    if (stacks == NULL)
        stacks = map_stacks(POOLED);
    for (unsigned i = 0; i < n; i++)
        make(&contexts[i], stacks + (size_t)i * STACK_SIZE, return_at_once);
    for (unsigned i = 0; i < n; i++)
        go_to(&contexts[i]);
}

static double measure_spawn(void)
{
    return fastest(ROUNDS, POOLED, make_and_run);
}

static double measure_parked(void)
{
    double before = memory_bytes();
    ucontext_t *contexts = malloc(MANY * sizeof(*contexts));
    char *stacks = map_stacks(MANY);

    expect(contexts != NULL, "no memory");
    for (size_t i = 0; i < MANY; i++) {
        make(&contexts[i], stacks + i * STACK_SIZE, go_back_for_ever);
        go_to(&contexts[i]);
    }
    return (memory_bytes() - before) / MANY;
}

static const struct figure figures[] = {
    {"switch_ns", measure_switch},
    {"generator_next_ns", measure_generator},
    {"spawn_join_ns", measure_spawn},
    {"parked_task_bytes", measure_parked},
};

int main(int argc, char **argv)
{
    return answer(figures, sizeof(figures) / sizeof(*figures), argc, argv);
}
