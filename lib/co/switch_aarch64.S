/* AAPCS64: a call preserves x19-x28, the frame pointer x29, the low halves d8-d15 of the vector
 * registers, and sp; it comes back to x30. */
#if defined(__aarch64__)
#define FRAME 160

    .text

/* void co_switch_asm(void **save_sp, void *load_sp) */
    .globl co_switch_asm
    .hidden co_switch_asm
    .type co_switch_asm, %function
    .p2align 4
co_switch_asm:
    .cfi_startproc
    hint #34 /* bti c: a no-op where branch targets are not checked */
    sub sp, sp, #FRAME
    .cfi_adjust_cfa_offset FRAME
    stp x29, x30, [sp, #0]
    .cfi_rel_offset x29, 0
    .cfi_rel_offset x30, 8
    stp x19, x20, [sp, #16]
    .cfi_rel_offset x19, 16
    .cfi_rel_offset x20, 24
    stp x21, x22, [sp, #32]
    .cfi_rel_offset x21, 32
    .cfi_rel_offset x22, 40
    stp x23, x24, [sp, #48]
    .cfi_rel_offset x23, 48
    .cfi_rel_offset x24, 56
    stp x25, x26, [sp, #64]
    .cfi_rel_offset x25, 64
    .cfi_rel_offset x26, 72
    stp x27, x28, [sp, #80]
    .cfi_rel_offset x27, 80
    .cfi_rel_offset x28, 88
    stp d8, d9, [sp, #96]
    stp d10, d11, [sp, #112]
    stp d12, d13, [sp, #128]
    stp d14, d15, [sp, #144]

    /* Both stacks hold the same frame here, so what the unwinder knows of one is true of the other. */
    mov x2, sp
    str x2, [x0]
    mov sp, x1

    ldp d14, d15, [sp, #144]
    ldp d12, d13, [sp, #128]
    ldp d10, d11, [sp, #112]
    ldp d8, d9, [sp, #96]
    ldp x27, x28, [sp, #80]
    .cfi_restore x27
    .cfi_restore x28
    ldp x25, x26, [sp, #64]
    .cfi_restore x25
    .cfi_restore x26
    ldp x23, x24, [sp, #48]
    .cfi_restore x23
    .cfi_restore x24
    ldp x21, x22, [sp, #32]
    .cfi_restore x21
    .cfi_restore x22
    ldp x19, x20, [sp, #16]
    .cfi_restore x19
    .cfi_restore x20
    ldp x29, x30, [sp, #0]
    .cfi_restore x29
    .cfi_restore x30
    add sp, sp, #FRAME
    .cfi_adjust_cfa_offset -FRAME
    ret
    .cfi_endproc
    .size co_switch_asm, . - co_switch_asm

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
