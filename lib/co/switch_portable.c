/* The same switch on POSIX ucontext: correct everywhere, and a hundred times slower, since it saves
 * the signal mask by a system call each time. Used where there is no assembly, and in the tests
 * as the oracle for it.
 *
 * A context's "stack pointer" is the address of a struct place, which lies on its own stack. */
#include "lib/co/context.h"

#include <stdint.h>
#include <ucontext.h>

struct place {
    ucontext_t context;
    int number; /* given by whoever continues it */
};

struct first_frame {
    struct place place;
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

    ucontext_t *context = &frame->place.context;

    getcontext(context);
    frame->entry = entry;
    frame->arg = arg;
    context->uc_stack.ss_sp = low;
    context->uc_stack.ss_size = top - (uintptr_t)low;
    context->uc_link = NULL;
    makecontext(context, (void (*)(void))start, 2, (unsigned)(address >> 32), (unsigned)address);
    return frame;
}

int co_switch_portable(void **save_sp, void *load_sp, int number)
{
    struct place here, *there = load_sp;

    *save_sp = &here;
    there->number = number;
    swapcontext(&here.context, &there->context);
    return here.number; // cppcheck-suppress uninitvar ; written by who continues us
}

void co_switch_portable_exit(void *load_sp, int number)
{
    struct place *there = load_sp;

    there->number = number;
    setcontext(&there->context);
    __builtin_trap();
}
