/* The first frame of a stack that is switched to in assembly: what co_switch_asm() will pop. */
#include "lib/co/context.h"

#include <stdint.h>
#include <string.h>

void co_switch_asm_start(void);

#if defined(__x86_64__)
enum { FRAME_WORDS = 9, WORD_ARG = 3, WORD_ENTRY = 4, WORD_RETURN = 6 };
#elif defined(__aarch64__)
enum { FRAME_WORDS = 20, WORD_ARG = 3, WORD_ENTRY = 2, WORD_RETURN = 1 };
#endif

#if defined(__x86_64__) || defined(__aarch64__)
void *co_switch_asm_prepare(void *low, size_t size, void (*entry)(void *), void *arg)
{
    uintptr_t top = ((uintptr_t)low + size) & ~(uintptr_t)15;
    uintptr_t *frame = (uintptr_t *)top - FRAME_WORDS;

    memset(frame, 0, FRAME_WORDS * sizeof(*frame));
    frame[WORD_ENTRY] = (uintptr_t)entry;
    frame[WORD_ARG] = (uintptr_t)arg;
    frame[WORD_RETURN] = (uintptr_t)co_switch_asm_start;
    return frame;
}
#endif
