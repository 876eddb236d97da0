/* AAPCS64: a call preserves x19-x28, the frame pointer x29, the low halves d8-d15 of the vector
 * registers, and sp; it comes back to x30. */
#ifdef __CET__
/* Nothing is left here on x86-64, but even that has to carry the mark. */
#include <cet.h>
#endif
#if defined(__aarch64__)
#define FRAME 160

.macro save_pair a, b, at
    stp \a, \b, [sp, #\at]
    .cfi_rel_offset \a, \at
    .cfi_rel_offset \b, \at + 8
.endm

.macro restore_pair a, b, at
    ldp \a, \b, [sp, #\at]
    .cfi_restore \a
    .cfi_restore \b
.endm

.macro restore_all
    restore_pair d14, d15, 144
    restore_pair d12, d13, 128
    restore_pair d10, d11, 112
    restore_pair d8, d9, 96
    restore_pair x27, x28, 80
    restore_pair x25, x26, 64
    restore_pair x23, x24, 48
    restore_pair x21, x22, 32
    restore_pair x19, x20, 16
    restore_pair x29, x30, 0
    add sp, sp, #FRAME
    .cfi_adjust_cfa_offset -FRAME
.endm

    .text

/* int co_switch_asm(void **save_sp, void *load_sp, int number)
 * int co_switch_asm_jump(void **save_sp, void *load_sp, int number): the same, since where branch
 * targets are checked only a return may go back to behind a call. */
    .globl co_switch_asm_jump
    .hidden co_switch_asm_jump
    .type co_switch_asm_jump, %function
    .globl co_switch_asm
    .hidden co_switch_asm
    .type co_switch_asm, %function
    .p2align 4
co_switch_asm_jump:
co_switch_asm:
    .cfi_startproc
    hint #34 /* bti c: a no-op where branch targets are not checked */
    sub sp, sp, #FRAME
    .cfi_adjust_cfa_offset FRAME
    save_pair x29, x30, 0
    save_pair x19, x20, 16
    save_pair x21, x22, 32
    save_pair x23, x24, 48
    save_pair x25, x26, 64
    save_pair x27, x28, 80
    save_pair d8, d9, 96
    save_pair d10, d11, 112
    save_pair d12, d13, 128
    save_pair d14, d15, 144

    /* Both stacks hold the same frame here, so what the unwinder knows of one is true of the other. */
    mov x3, sp
    str x3, [x0]
    mov sp, x1

    mov w0, w2
    restore_all
    ret
    .cfi_endproc
    .size co_switch_asm, . - co_switch_asm
    .size co_switch_asm_jump, . - co_switch_asm_jump

/* void co_switch_asm_exit(void *load_sp, int number) */
    .globl co_switch_asm_exit
    .hidden co_switch_asm_exit
    .type co_switch_asm_exit, %function
    .p2align 4
co_switch_asm_exit:
    .cfi_startproc
    hint #34
    mov sp, x0
    .cfi_def_cfa_offset FRAME
    .cfi_rel_offset x29, 0
    .cfi_rel_offset x30, 8

    mov w0, w1
    restore_all
    ret
    .cfi_endproc
    .size co_switch_asm_exit, . - co_switch_asm_exit

/* The bottom of every stack: calls entry (x19) with arg (x20), which never returns. It is "returned"
 * to, behind the nop: an unwinder looks up the instruction before a return address. */
    .type co_switch_asm_bottom, %function
    .p2align 4
co_switch_asm_bottom:
    .cfi_startproc
    .cfi_undefined x30
    nop
    .globl co_switch_asm_start
    .hidden co_switch_asm_start
co_switch_asm_start:
    mov x0, x20
    blr x19
    brk #1
    .cfi_endproc
    .size co_switch_asm_bottom, . - co_switch_asm_bottom
#endif

    .section .note.GNU-stack, "", %progbits
