/* SPDX-License-Identifier: MIT */
/*
 * Stores to data on the page of the code that stores, another line, on the bare board: of all sizes,
 * read-modify-write, locked, vectors, at the end of the line, and then to the code's own line. run.py counts
 * the slow paths taken. The exit status is 2 * number + 1, and 1 when all went well.
 */
        .intel_syntax noprefix
        .set TURNS, 100000

        .macro check number, value, want
        mov r15d, \number
        cmp \value, \want
        jne fail
        .endm

        .globl _start
        .text
        .balign 4096
_start: jmp after
begin:  lea rdi, [rip + data]
        mov ecx, TURNS
        movd xmm0, eax
        jmp loop
        .balign 64
loop:   mov [rdi], ecx
        mov [rdi + 4], cx
        mov [rdi + 6], cl
        mov [rdi + 8], rcx
        add dword ptr [rdi + 16], 3
        inc qword ptr [rdi + 24]
        lock add [rdi + 32], eax
        movups [rdi + 40], xmm0         /* misaligned, ends with byte 55 */
        mov byte ptr [rdi + 63], 7
        mov rdx, 1
        lock xadd [rdi + 56], dl
        dec ecx
        jnz loop
        check 1, "dword ptr [rdi]", 1
        check 2, "word ptr [rdi + 4]", 1
        check 3, "byte ptr [rdi + 6]", 1
        check 4, "qword ptr [rdi + 8]", 1
        check 5, "dword ptr [rdi + 16]", (3*TURNS)
        check 6, "qword ptr [rdi + 24]", TURNS
        check 7, "dword ptr [rdi + 32]", TURNS
        check 8, "qword ptr [rdi + 40]", 1
        check 9, "byte ptr [rdi + 63]", 7
        check 10, "byte ptr [rdi + 56]", (TURNS&255)
        /* Across the ends of the line, where code is: these store what is there, and 0x90 */
        mov rax, [rdi - 4]
        mov [rdi - 4], rax
        check 11, "qword ptr [rdi - 4]", rax
        mov rax, [rdi + 60]
        mov [rdi + 60], rax
        check 12, "qword ptr [rdi + 60]", rax
        /* The own line: what was stored is what runs next. */
        mov ecx, 0
        mov dword ptr [rip + 1f + 1], 5
1:      mov ecx, 1
        check 13, ecx, 5
        xor r15d, r15d
fail:   mov eax, r15d
        mov edx, 0x501
        out dx, al
2:      jmp 2b
        .balign 64
data:   .skip 64
after:  mov eax, 1
        jmp begin
