/* The same switch on POSIX ucontext: correct everywhere, and a hundred times slower, since it saves
 * the signal mask by a system call each time. Used where there is no assembly, and in the tests
 * as the oracle for it.
 *
 * A context's "stack pointer" is the address of its ucontext_t, which lies on its own stack. */
#include "lib/co/context.h"

#include <stdint.h>
#include <ucontext.h>

struct first_frame {
    ucontext_t context;
    void (*entry)(void *);
    void *arg;
};

/* makecontext() passes ints only, so the pointer comes in two halves. */
static void start(unsigned high, unsigned low)
{
    struct first_frame *frame = (void *)(uintptr_t)((uint64_t)high << 32 | low);

    frame->entry(frame->arg);
    __builtin_trap();
}

void *co_switch_portable_prepare(void *low, size_t size, void (*entry)(void *), void *arg)
{
    uintptr_t top = ((uintptr_t)low + size - sizeof(struct first_frame)) & ~(uintptr_t)63;
    struct first_frame *frame = (void *)top;
    uint64_t address = (uintptr_t)frame;

    getcontext(&frame->context);
    frame->entry = entry;
    frame->arg = arg;
    frame->context.uc_stack.ss_sp = low;
    frame->context.uc_stack.ss_size = top - (uintptr_t)low;
    frame->context.uc_link = NULL;
    makecontext(&frame->context, (void (*)(void))start, 2, (unsigned)(address >> 32),
                (unsigned)address);
    return frame;
}

void co_switch_portable(void **save_sp, void *load_sp)
{
    ucontext_t here;

    *save_sp = &here;
    swapcontext(&here, load_sp);
}

void co_switch_portable_exit(void *load_sp)
{
    setcontext(load_sp);
    __builtin_trap();
}
