#include "lib/co/context.h"

#if (defined(__x86_64__) || defined(__aarch64__)) && !defined(CO_SWITCH_PORTABLE)
#define switch_stacks co_switch_asm
#define exit_to_stack co_switch_asm_exit
#define prepare_stack co_switch_asm_prepare
#else
#define switch_stacks co_switch_portable
#define exit_to_stack co_switch_portable_exit
#define prepare_stack co_switch_portable_prepare
#endif

/* AddressSanitizer follows us from stack to stack: it hears of a switch before it happens, with the
 * stack we go to, and again first thing on arrival. A stack that is left for good is announced
 * with no place to keep its fake frames, so that they are freed. */
#ifdef __SANITIZE_ADDRESS__
#include <pthread.h>
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>

static void describe(struct co_context *context, const void *low, size_t size)
{
    context->stack_low = low;
    context->stack_size = size;
    context->fake_stack = NULL;
}

static void announce_leaving(void **fake_stack, const struct co_context *to)
{
    __sanitizer_start_switch_fiber(fake_stack, to->stack_low, to->stack_size);
}

static void announce_arrival(void *fake_stack)
{
    __sanitizer_finish_switch_fiber(fake_stack, NULL, NULL);
}

static void forget_old_frames(void *low, size_t size)
{
    __asan_unpoison_memory_region(low, size);
}

void co_context_adopt_thread(struct co_context *context)
{
    pthread_attr_t attributes;
    void *low = NULL;
    size_t size = 0;

    if (pthread_getattr_np(pthread_self(), &attributes) == 0) {
        pthread_attr_getstack(&attributes, &low, &size);
        pthread_attr_destroy(&attributes);
    }
    describe(context, low, size);
}

#define FAKE_STACK_OF(context)    (&(context)->fake_stack)
#define SAVED_FAKE_STACK(context) ((context)->fake_stack)
#else
static inline void describe(struct co_context *context, const void *low, size_t size)
{
    (void)context, (void)low, (void)size;
}

static inline void announce_leaving(void **fake_stack, const struct co_context *to)
{
    (void)fake_stack, (void)to;
}

static inline void announce_arrival(void *fake_stack)
{
    (void)fake_stack;
}

static inline void forget_old_frames(void *low, size_t size)
{
    (void)low, (void)size;
}

void co_context_adopt_thread(struct co_context *context)
{
    (void)context;
}

#define FAKE_STACK_OF(context)    NULL
#define SAVED_FAKE_STACK(context) NULL
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
    announce_leaving(FAKE_STACK_OF(from), to);
    switch_stacks(&from->sp, to->sp);
    announce_arrival(SAVED_FAKE_STACK(from));
}

void co_context_exit_to(struct co_context *to)
{
    announce_leaving(NULL, to);
    exit_to_stack(to->sp);
}

void co_context_arrived(void)
{
    announce_arrival(NULL);
}
