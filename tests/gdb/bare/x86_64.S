/* SPDX-License-Identifier: MIT */
/*
 * x86-64's part of the program that gdb debugs: entry, with rdi the vCPU's index, under the machine's
 * identity map; a second view of memory at 0x8000000000; exceptions that go on behind what made them.
 */
        .set    CODE, 8
        .section .text.start, "ax"
        .globl  _start
_start:
        leaq    1(%rdi), %rax
        shlq    $14, %rax
        leaq    stacks(%rip), %rsp
        addq    %rax, %rsp
        movq    %cr3, %rax
        movq    (%rax), %rdx
        movq    %rdx, 8(%rax)
        lgdt    gdt_pointer(%rip)
        lidt    idt_pointer(%rip)
        movl    $0xc0000081, %ecx               /* STAR: system calls to CODE */
        xorl    %eax, %eax
        movl    $CODE, %edx
        wrmsr
        movl    $0xc0000082, %ecx               /* LSTAR */
        leaq    system_call(%rip), %rax
        xorl    %edx, %edx
        wrmsr
        testl   %edi, %edi
        jnz     1f
        leaq    trap(%rip), %rax                /* the gate of #UD; below 64 KiB times 16 */
        leaq    idt + 6 * 16(%rip), %rdx
        movw    %ax, (%rdx)
        movw    $CODE, 2(%rdx)
        movw    $0x8e00, 4(%rdx)
        shrl    $16, %eax
        movw    %ax, 6(%rdx)
        call    first_main
1:      call    other_main

        .text
        .globl  machine_turn, machine_exit
        .globl  traps, traps_syscall, traps_syscall_next, traps_ud, traps_ud_next, traps_rep, traps_rep_next
        .globl  traps_none, traps_none_next, traps_scas, traps_scas_next, traps_call, traps_call_next
        .globl  system_call, trap
machine_turn:
traps:
        xorl    %r10d, %r10d
traps_syscall:
        syscall
traps_syscall_next:
        nop
traps_ud:
        ud2
traps_ud_next:
        nop
        leaq    words(%rip), %rsi
        leaq    words + 1024(%rip), %rdi
        movl    $100, %ecx
traps_rep:
        rep movsb
traps_rep_next:
        xorl    %ecx, %ecx
traps_none:
        rep stosb
traps_none_next:
        leaq    text(%rip), %rdi
        movl    $20, %ecx
        movb    $'d', %al
traps_scas:
        repne scasb
traps_scas_next:
        fldpi
        fld1
        faddp
        fstpt   number(%rip)
traps_call:
        call    leaf
traps_call_next:
        ret
leaf:   ret

system_call:
        incq    %r10
        jmp     *%rcx

trap:   incq    %r10
        addq    $2, (%rsp)
        iretq

/* The machine's exit port makes 2 n + 1 of it. */
machine_exit:
        movl    %edi, %eax
        movl    $0x501, %edx
        outb    %al, %dx
        hlt

/* Never called: the test of watchpoints puts a vCPU here. Labels stand behind what accesses words. */
        .globl  accesses, accesses_loop
accesses:
        leaq    words(%rip), %rbx
        leaq    page_end(%rip), %rbp
        leaq    stacks + 8192(%rip), %rsp
accesses_loop:
        movl    $5, %eax
        lock xaddq %rax, (%rbx)
after_amo:
        incq    (%rbx)
after_inc:
        movl    %eax, 6(%rbx)
after_partly:
        movq    %rax, -4(%rbp)
after_crossing:
        movq    (%rbx), %rdx
after_load:
        pushq   (%rbx)
after_push:
        popq    (%rbx)
after_pop:
        cmpq    (%rbx), %rax
after_compare:
        movups  %xmm0, 16(%rbx)
after_vector:
        leaq    64(%rbx), %rdi
        movl    $3, %ecx
        xorl    %eax, %eax
string: rep stosb
after_string:
        jmp     accesses_loop

        .data
        .balign 16
        .globl  number, text
gdt:    .quad   0, 0x00af9b000000ffff, 0x00cf93000000ffff
gdt_pointer:
        .word   23
        .quad   gdt
idt_pointer:
        .word   511
        .quad   idt
text:   .ascii  "abcdefgh"
        .balign 16
number: .skip   16

        .bss
        .balign 4096
        .globl  words, page_end
words:  .skip   4096
page_end: .skip 4096
idt:    .skip   512
        .balign 4096
stacks: .skip   8 * 16384
