/* SPDX-License-Identifier: MIT */
/* Entry in 64-bit mode under an identity map, the CPU's number in rdi: a stack each, then litmus_main. */
        .section .text.start, "ax"
        .globl _start
_start: leaq    stacks(%rip), %rsp
        movq    %rdi, %rax
        incq    %rax
        shlq    $13, %rax
        addq    %rax, %rsp
        call    litmus_main
1:      jmp     1b

        .section .bss.stacks, "aw", @nobits
        .balign 4096
stacks: .skip   8 << 13
        .section .note.GNU-stack, "", @progbits
