/* SPDX-License-Identifier: MIT */
/*
 * A division before two loops in one stretch of code: its quotient goes from one block of the translation to
 * another, and the loops' blocks are copied for their flags. Exit status 0, else 1.
 */
        .intel_syntax noprefix
        .globl _start
_start: mov     esi, 200                # enough to be translated whole
1:      mov     ebp, 4
2:      mov     eax, 512
        xor     edx, edx
        movsxd  rdi, ebp
        xor     r9d, r9d
        idiv    ebp                     # 128, 64, ...: 512 / ebp
        add     ebp, ebp
        xor     r13d, r13d
        shl     rdi, 4
        cdqe
        lea     r14, [rax * 8]
3:      mov     rdx, r13
4:      add     rdx, rdi
        cmp     edx, 0x3ff
        jle     4b
        add     r13, 8
        add     r9, r14
        cmp     r13, rdi
        jne     3b
        mov     rax, rdi                # r9 = r14 * rdi / 8, and r14 * ebp / 2 = 4096
        imul    rax, r14
        shr     rax, 3
        cmp     rax, r9
        jne     9f
        mov     rax, r14
        imul    rax, rbp
        cmp     rax, 8192
        jne     9f
        cmp     ebp, 512
        jl      2b
        dec     esi
        jne     1b
        xor     eax, eax
        jmp     8f
9:      mov     eax, 1
8:      mov     edx, 0x501
        out     dx, al
        jmp     8b
