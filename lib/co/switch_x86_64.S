/* System V ABI for x86-64: a call preserves rbx, rbp, r12-r15 and the stack pointer.
 *
 * The processor predicts a return from the calls it has seen. A task that is left waits in the same
 * few functions as the one that is continued, so co_switch_asm() returns, and its callers' returns
 * are predicted as well. A generator and whoever resumes it wait in different functions: there the
 * address is popped and jumped to, for jumps are predicted from where they went before; and the
 * same where a context ends, and leaves calls behind that will never return. */
#if defined(__x86_64__)
#ifdef __CET__
/* Shadow stacks are not switched here, so the program must never get one, whatever flags it is built with. */
#undef __CET__
#define __CET__ 1
#include <cet.h>
#else
#define _CET_ENDBR
#endif

.macro save register
    pushq %\register
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset \register, 0
.endm

.macro restore register
    popq %\register
    .cfi_adjust_cfa_offset -8
    .cfi_restore \register
.endm

.macro restore_all
    restore r15
    restore r14
    restore r13
    restore r12
    restore rbx
    restore rbp
.endm

.macro switch_stacks
    save rbp
    save rbx
    save r12
    save r13
    save r14
    save r15

    /* Both stacks hold the same frame here, so what the unwinder knows of one is true of the other. */
    movq %rsp, (%rdi)
    movq %rsi, %rsp

    movl %edx, %eax
    restore_all
.endm

.macro return_by_jump
    popq %rcx
    .cfi_adjust_cfa_offset -8
    .cfi_register rip, rcx
    notrack jmpq *%rcx
.endm

    .text

/* int co_switch_asm(void **save_sp, void *load_sp, int number) */
    .globl co_switch_asm
    .hidden co_switch_asm
    .type co_switch_asm, @function
    .p2align 4
co_switch_asm:
    .cfi_startproc
    _CET_ENDBR
    switch_stacks
    ret
    .cfi_endproc
    .size co_switch_asm, . - co_switch_asm

/* int co_switch_asm_jump(void **save_sp, void *load_sp, int number) */
    .globl co_switch_asm_jump
    .hidden co_switch_asm_jump
    .type co_switch_asm_jump, @function
    .p2align 4
co_switch_asm_jump:
    .cfi_startproc
    _CET_ENDBR
    switch_stacks
    return_by_jump
    .cfi_endproc
    .size co_switch_asm_jump, . - co_switch_asm_jump

/* void co_switch_asm_exit(void *load_sp, int number) */
    .globl co_switch_asm_exit
    .hidden co_switch_asm_exit
    .type co_switch_asm_exit, @function
    .p2align 4
co_switch_asm_exit:
    .cfi_startproc
    _CET_ENDBR
    movq %rdi, %rsp
    .cfi_def_cfa_offset 56
    .cfi_offset rbp, -16
    .cfi_offset rbx, -24
    .cfi_offset r12, -32
    .cfi_offset r13, -40
    .cfi_offset r14, -48
    .cfi_offset r15, -56

    movl %esi, %eax
    restore_all
    return_by_jump
    .cfi_endproc
    .size co_switch_asm_exit, . - co_switch_asm_exit

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
