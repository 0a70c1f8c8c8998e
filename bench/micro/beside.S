/* SPDX-License-Identifier: MIT */
/*
 * A loop of LOOP instructions (5 or 14), one of which stores to data, on x86-64's bare board. The data is
 * on a page of its own (PLACE 0), on the loop's page but not in its line of 64 bytes (1), or in its line
 * (2). bench/beside compares these.
 */
        .intel_syntax noprefix
        .globl _start
        .text
        .balign 4096
_start: lea     rdi, [rip + data]
        mov     ecx, TURNS
        jmp     loop
        .balign 64
loop:   mov     [rdi], ecx
        add     eax, ecx
        xor     edx, eax
#if LOOP == 14
        add     ebx, edx
        lea     esi, [rax + rbx * 2]
        xor     ebp, esi
        shl     esi, 3
        add     eax, esi
        xor     ebx, ebp
        sub     edx, ebp
        rol     eax, 5
        add     ebp, eax
#endif
        dec     ecx
        jnz     loop
        xor     eax, eax
        mov     edx, 0x501
        out     dx, al
1:      jmp     1b
#if PLACE == 0
        .balign 4096
#elif PLACE == 1
        .balign 64
#else
        .balign 8
#endif
data:   .skip   64
