#include "lib/co/context.h"

#if (defined(__x86_64__) || defined(__aarch64__)) && !defined(CO_SWITCH_PORTABLE)
#define switch_stacks co_switch_asm
#define jump_stacks   co_switch_asm_jump
#define exit_to_stack co_switch_asm_exit
#define prepare_stack co_switch_asm_prepare
#else
#define switch_stacks co_switch_portable
#define jump_stacks   co_switch_portable
#define exit_to_stack co_switch_portable_exit
#define prepare_stack co_switch_portable_prepare
#endif

/* AddressSanitizer follows us from stack to stack: it hears of a switch before it happens, with the
 * stack we go to, and again first thing on arrival, when it says which one we have left: a task may
 * have been left on the stack of a generator. A stack that is left for good is announced with no
 * place to keep its fake frames, so that they are freed. */
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>

static void describe(struct co_context *context, const void *low, size_t size)
{
    context->stack_low = low;
    context->stack_size = size;
    context->fake_stack = NULL;
}

static _Thread_local struct co_context *left; /* by the last switch; NULL: for good */

static void announce_leaving(struct co_context *from, const struct co_context *to)
{
    left = from;
    __sanitizer_start_switch_fiber(from != NULL ? &from->fake_stack : NULL, to->stack_low,
                                   to->stack_size);
}

static void announce_arrival(struct co_context *here)
{
    const void *low;
    size_t size;

    __sanitizer_finish_switch_fiber(here != NULL ? here->fake_stack : NULL, &low, &size);
    if (left == NULL)
        return;
    left->stack_low = low;
    left->stack_size = size;
}

static void forget_old_frames(void *low, size_t size)
{
    __asan_unpoison_memory_region(low, size);
}

/* ThreadSanitizer keeps the calls that are going on for each fiber, and takes a switch from one to
 * another for the order they run in. Between its hearing of the switch and the switch itself no
 * function may return: that would be noted with the other fiber's calls. A fiber that is left for
 * good is destroyed on arrival. */
#elif defined(__SANITIZE_THREAD__)
#include <sanitizer/tsan_interface.h>

static _Thread_local void *dead_fiber;

static void describe(struct co_context *context, const void *low, size_t size)
{
    (void)low, (void)size;
    context->fiber = __tsan_create_fiber(0);
}

__attribute__((always_inline)) static inline void announce_leaving(struct co_context *from,
                                                                   const struct co_context *to)
{
    void *here = __tsan_get_current_fiber();

    if (from != NULL)
        from->fiber = here;
    else
        dead_fiber = here;
    __tsan_switch_to_fiber(to->fiber, 0);
}

static void announce_arrival(struct co_context *here)
{
    (void)here;
    if (dead_fiber != NULL)
        __tsan_destroy_fiber(dead_fiber);
    dead_fiber = NULL;
}

static void forget_old_frames(void *low, size_t size)
{
    (void)low, (void)size;
}

#else
static inline void describe(struct co_context *context, const void *low, size_t size)
{
    (void)context, (void)low, (void)size;
}

static inline void announce_leaving(struct co_context *from, const struct co_context *to)
{
    (void)from, (void)to;
}

static inline void announce_arrival(struct co_context *here)
{
    (void)here;
}

static inline void forget_old_frames(void *low, size_t size)
{
    (void)low, (void)size;
}
#endif

#ifdef CO_SAVE_FPENV
static void save_modes(struct co_context *context)
{
    (void)fegetmode(&context->modes);
}

static void restore_modes(const struct co_context *context)
{
    (void)fesetmode(&context->modes);
}

void co_context_reset_modes(void)
{
    (void)fesetmode(FE_DFL_MODE);
}
#else
static inline void save_modes(struct co_context *context)
{
    (void)context;
}

static inline void restore_modes(const struct co_context *context)
{
    (void)context;
}
#endif

void co_context_make(struct co_context *context, void *low, size_t size, void (*entry)(void *),
                     void *arg)
{
    forget_old_frames(low, size);
    describe(context, low, size);
    context->sp = prepare_stack(low, size, entry, arg);
}

void co_context_switch(struct co_context *from, struct co_context *to)
{
    save_modes(from);
    announce_leaving(from, to);
    (void)switch_stacks(&from->sp, to->sp, 0);
    announce_arrival(from);
    restore_modes(from);
}

int co_context_give(struct co_context *from, struct co_context *to, int number)
{
    save_modes(from);
    announce_leaving(from, to);
    number = jump_stacks(&from->sp, to->sp, number);
    announce_arrival(from);
    restore_modes(from);
    return number;
}

void co_context_exit_to(struct co_context *to, int number)
{
    announce_leaving(NULL, to);
    exit_to_stack(to->sp, number);
}

void co_context_arrived(void)
{
    announce_arrival(NULL);
    co_context_reset_modes();
}
