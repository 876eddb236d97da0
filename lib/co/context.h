/* A context: a place in the code, on a stack of its own, that can be left and come back to.
 *
 * A switch is a function call that returns on another stack. It keeps what the processor's calling
 * convention says a call keeps; so not the signal mask, and the floating-point modes (rounding,
 * traps, flush to zero) only if the library was configured with --enable-save-fpenv. There are two
 * implementations with one meaning: assembly for x86-64 and aarch64, and one on POSIX ucontext for
 * every other processor, which is also what the assembly is tested against.
 *
 * Nothing here knows of tasks: tasks and generators are built on it.
 */
#pragma once

#ifdef CO_SAVE_FPENV
#include <fenv.h>
#endif
#include <stddef.h>

/* Where a context was left: on any stack, not always on the one it was made with. AddressSanitizer
 * has to be told of every stack it finds itself on, ThreadSanitizer of every fiber. */
struct co_context {
    void *sp; /* everything else lies on the stack this points to */
#ifdef CO_SAVE_FPENV
    femode_t modes;
#endif
#ifdef __SANITIZE_ADDRESS__
    const void *stack_low;
    size_t stack_size;
    void *fake_stack;
#endif
#ifdef __SANITIZE_THREAD__
    void *fiber;
#endif
};

/* clang's spelling of the same feature tests */
#if defined(__has_feature)
#if __has_feature(address_sanitizer) && !defined(__SANITIZE_ADDRESS__)
#error "build with -D__SANITIZE_ADDRESS__ as configure does for clang"
#endif
#if __has_feature(thread_sanitizer) && !defined(__SANITIZE_THREAD__)
#error "build with -D__SANITIZE_THREAD__ as configure does for clang"
#endif
#endif

/* Prepares a context that runs entry(arg) on the given stack when first switched to. entry must
 * never return, and calls co_context_arrived() first. `low` is the lowest usable byte. */
void co_context_make(struct co_context *context, void *low, size_t size, void (*entry)(void *),
                     void *arg);

/* Leaves `from` here, and continues `to` where it was left. Returns when somebody continues `from`.
 */
void co_context_switch(struct co_context *from, struct co_context *to);

/* The same, and gives a number: what this call returns where `to` was left. The processor predicts
 * the return from co_context_switch() well when both sides wait in the same function, as tasks do;
 * and from this one when they do not, as the two sides of a generator, provided that they return
 * what this returns, and do nothing in between. */
int co_context_give(struct co_context *from, struct co_context *to, int number);

/* Continues `to`, and gives it a number; the caller's stack will never be continued. */
__attribute__((noreturn)) void co_context_exit_to(struct co_context *to, int number);

/* First thing on a new stack. */
void co_context_arrived(void);

/* Where something new begins on a stack that was used before: it begins with the default modes. */
#ifdef CO_SAVE_FPENV
void co_context_reset_modes(void);
#else
static inline void co_context_reset_modes(void)
{
}
#endif

/* The two implementations, by themselves; the number is returned on the other side. */
int co_switch_asm(void **save_sp, void *load_sp, int number);
int co_switch_asm_jump(void **save_sp, void *load_sp, int number);
__attribute__((noreturn)) void co_switch_asm_exit(void *load_sp, int number);
void *co_switch_asm_prepare(void *low, size_t size, void (*entry)(void *), void *arg);
int co_switch_portable(void **save_sp, void *load_sp, int number);
__attribute__((noreturn)) void co_switch_portable_exit(void *load_sp, int number);
void *co_switch_portable_prepare(void *low, size_t size, void (*entry)(void *), void *arg);
