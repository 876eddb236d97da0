/* System V ABI for x86-64: a call preserves rbx, rbp, r12-r15 and the stack pointer.
 *
 * The return address is popped and jumped to rather than returned to: the processor predicts a
 * return from the calls it has seen, and here those belong to the other stack. */
#if defined(__x86_64__)
#ifdef __CET__
#include <cet.h>
#else
#define _CET_ENDBR
#endif

    .text

/* void co_switch_asm(void **save_sp, void *load_sp) */
    .globl co_switch_asm
    .hidden co_switch_asm
    .type co_switch_asm, @function
    .p2align 4
co_switch_asm:
    .cfi_startproc
    _CET_ENDBR
    pushq %rbp
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset rbp, 0
    pushq %rbx
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset rbx, 0
    pushq %r12
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset r12, 0
    pushq %r13
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset r13, 0
    pushq %r14
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset r14, 0
    pushq %r15
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset r15, 0

    /* Both stacks hold the same frame here, so what the unwinder knows of one is true of the other. */
    movq %rsp, (%rdi)
    movq %rsi, %rsp

    popq %r15
    .cfi_adjust_cfa_offset -8
    .cfi_restore r15
    popq %r14
    .cfi_adjust_cfa_offset -8
    .cfi_restore r14
    popq %r13
    .cfi_adjust_cfa_offset -8
    .cfi_restore r13
    popq %r12
    .cfi_adjust_cfa_offset -8
    .cfi_restore r12
    popq %rbx
    .cfi_adjust_cfa_offset -8
    .cfi_restore rbx
    popq %rbp
    .cfi_adjust_cfa_offset -8
    .cfi_restore rbp
    ret
    .cfi_endproc
    .size co_switch_asm, . - co_switch_asm

/* The bottom of every stack: calls entry (rbx) with arg (r12), which never returns. It is "returned"
 * to, behind the nop: an unwinder looks up the byte before a return address. */
    .type co_switch_asm_bottom, @function
    .p2align 4
co_switch_asm_bottom:
    .cfi_startproc
    .cfi_undefined rip
    nop
    .globl co_switch_asm_start
    .hidden co_switch_asm_start
co_switch_asm_start:
    movq %r12, %rdi
    callq *%rbx
    ud2
    .cfi_endproc
    .size co_switch_asm_bottom, . - co_switch_asm_bottom
#endif

    .section .note.GNU-stack, "", %progbits
