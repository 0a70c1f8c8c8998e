/* SPDX-License-Identifier: MIT */
/*
 * RFLAGS.TF on the bare board: the #DB handler notes where each instruction leads, and a table says where
 * they should have led. The exit status is 2 * number + 1 of the first entry that differs (from 1), 255 if
 * the trap itself is not what it should be, and 1 when all went well.
 */
        .intel_syntax noprefix
        .set CODE, 0x08
        .set TF, 0x100
        .set MOST, 64

        .globl _start
        .text
_start:
        lea rsp, [rip + stack_end]
        lea rax, [rip + gdt]
        mov [rip + gdtr + 2], rax
        lgdt [rip + gdtr]
        .macro gate vector, handler
        lea rax, [rip + \handler]
        lea rdi, [rip + idt + \vector * 16]
        mov [rdi], ax
        mov word ptr [rdi + 2], CODE
        mov word ptr [rdi + 4], 0x8e00
        shr rax, 16
        mov [rdi + 6], ax
        shr rax, 16
        mov [rdi + 8], eax
        .endm
        gate 0, divide
        gate 1, debug
        gate 3, int3
        gate 6, bad
        gate 8, bad
        gate 13, bad
        gate 14, bad
        lea rax, [rip + idt]
        mov [rip + idtr + 2], rax
        lidt [rip + idtr]
        mov ecx, 0xc0000081             /* SYSCALL to CODE, with TF and without */
        xor eax, eax
        mov edx, CODE
        wrmsr
        mov ecx, 0xc0000080
        rdmsr
        or eax, 1
        wrmsr
        mov ecx, 0xc0000082
        lea rax, [rip + on_syscall]
        xor edx, edx
        wrmsr
        mov ecx, 0xc0000084
        xor eax, eax
        wrmsr

        xor r12d, r12d                  /* how many traps */
        lea r13, [rip + trace]
        mov ebx, 3                      /* for the loops */
        pushfq
        or qword ptr [rsp], TF
        popfq                           /* from the next instruction on */
        nop
a1:     mov eax, ss
a2:     mov ss, eax                     /* no trap behind it */
        nop
a3:     mov ecx, 5
a4:     lea rdi, [rip + buffer]
a5:     rep stosd                       /* one after each of five */
a6:     mov ecx, 2
a7:     loop a7                         /* one that goes to itself, one that goes on */
a8:     jmp a9
        ud2
a9:     call function
a10:    push rax
a11:    lock add [rip + buffer], eax
a12:    mov byte ptr [rip + a13 + 2], 7 /* changes the next instruction */
a13:    mov al, [rsp + 0]
a14:    xor edx, edx
a15:    xor ecx, ecx
a16:    div ecx                         /* its handler goes on behind it; TF is back then */
a17:    nop
a18:    int3                            /* so does this one's */
a19:    nop
a20:    dec ebx
a21:    jnz a20
a22:    cli
a23:    syscall
a24:    pushfq
a25:    and qword ptr [rsp], ~TF
a26:    popfq                           /* still a trap behind it */
a27:    nop
        nop
        /* once more through what was changed, and by IRET */
        mov rbp, rsp
        mov eax, ss
        push rax
        push rbp
        pushfq
        or qword ptr [rsp], TF
        push CODE
        lea rax, [rip + b1]
        push rax
        iretq
b1:     nop
b2:     mov eax, ss
b3:     push rax
b4:     push rbp
b5:     pushfq
b6:     and qword ptr [rsp], ~TF
b7:     push CODE
b8:     lea rax, [rip + b10]
b9:     push rax
        iretq
b10:    nop

        mov eax, 127
        cmp byte ptr [rip + wrong], 0
        jne finish
        lea rsi, [rip + expected]
        xor eax, eax
1:      inc eax
        mov rcx, [rsi]
        cmp rcx, [r13]
        jne finish
        add rsi, 8
        add r13, 8
        test rcx, rcx
        jnz 1b
        xor eax, eax
finish:
        mov dx, 0x501
        out dx, al
2:      hlt
        jmp 2b

function:
        ret

on_syscall:
        push r11                        /* with TF */
s1:     popfq
s2:     jmp rcx

/* Notes where the CPU was going; the frame has TF unless the instruction cleared it. */
debug:
        push rax
        push rdx
        cmp r12d, MOST
        jae 1f
        mov rax, [rsp + 16]
        mov [r13 + r12 * 8], rax
        inc r12d
1:      mov rax, dr6
        bt rax, 14
        jnc 2f
        btr rax, 14
        mov dr6, rax
        pushfq
        pop rax
        test eax, TF
        jz 3f
2:      mov byte ptr [rip + wrong], 1
3:      pop rdx
        pop rax
        iretq

divide:
        add qword ptr [rsp], 2
        iretq

int3:
        nop
        iretq

bad:
        mov eax, 126
        jmp finish

        .data
        .balign 16
gdt:    .quad 0, 0x00209b0000000000, 0x0000930000000000
gdtr:   .word . - gdt - 1
        .quad 0
idtr:   .word 15 * 16 - 1
        .quad 0
expected:
        .quad a1, a2, a3, a4, a5, a5, a5, a5, a5, a6, a7, a7, a8, a9, function, a10, a11, a12, a13, a14
        .quad a15, a16
        /* a16 faults, a17 follows IRET; so a19 */
        .quad a18, a20, a21, a20, a21, a20, a21, a22, a23, on_syscall, s1, s2, a24, a25, a26, a27
        .quad b2, b3, b4, b5, b6, b7, b8, b9, b9 + 1, b10
        .quad 0
wrong:  .byte 0

        .bss
        .balign 4096
idt:    .space 4096
buffer: .space 32
trace:  .space 8 * (MOST + 1)
        .space 4096
stack_end:
        .space 16
