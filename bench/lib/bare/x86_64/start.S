/* SPDX-License-Identifier: MIT */
/*
 * Two ways in. An emulator that loads ELF files as they are enters at _start, in 64-bit mode under an
 * identity map. One that knows the PVH boot protocol (Xen, docs/misc/pvh.pandoc) finds the note and enters at
 * start_pvh, in 32-bit protected mode without paging, which makes that map and goes on at _start. Interrupts
 * stay off.
 */
        .section .note.pvh, "a", @note
        .long   4, 4, 18                        /* name and value sizes; XEN_ELFNOTE_PHYS32_ENTRY */
        .asciz  "Xen"
        .long   start_pvh

        .section .text.start, "ax"
        .code32
start_pvh:
        cld
        movl    $pages_top, %edi                /* in .bss, which the loader clears */
        movl    $pages_1g + 3, pages_top
        movl    $pages_2m + 3, %eax
        movl    $pages_1g, %edi
        movl    $4, %ecx
1:      movl    %eax, (%edi)
        addl    $4096, %eax
        addl    $8, %edi
        loop    1b
        movl    $0x83, %eax                     /* present, writable, 2 MiB */
        movl    $pages_2m, %edi
        movl    $2048, %ecx
2:      movl    %eax, (%edi)
        addl    $0x200000, %eax
        addl    $8, %edi
        loop    2b
        movl    $pages_top, %eax
        movl    %eax, %cr3
        movl    $0x620, %eax                    /* PAE, OSFXSR, OSXMMEXCPT */
        movl    %eax, %cr4
        movl    $0xc0000080, %ecx               /* EFER: LME, NXE, SCE */
        rdmsr
        orl     $0x901, %eax
        wrmsr
        movl    $0x80010033, %eax               /* PG, WP, NE, ET, MP, PE */
        movl    %eax, %cr0
        lgdt    gdt_pointer
        ljmpl   $8, $_start

        .code64
        .globl _start
_start:
        lgdt    gdt_pointer(%rip)
        movl    $0x10, %eax
        movl    %eax, %ds
        movl    %eax, %es
        movl    %eax, %ss
        leaq    bare_stack_top(%rip), %rsp
        leaq    trap_0(%rip), %rax              /* the descriptors of all vectors */
        leaq    idt(%rip), %rdi
        movl    $32, %ecx
3:      movw    %ax, (%rdi)
        movw    $8, 2(%rdi)
        movw    $0x8e00, 4(%rdi)
        movq    %rax, %rdx
        shrq    $16, %rdx
        movw    %dx, 6(%rdi)
        shrq    $16, %rdx
        movl    %edx, 8(%rdi)
        addq    $16, %rax
        addq    $16, %rdi
        decl    %ecx
        jnz     3b
        lidt    idt_pointer(%rip)
        leaq    bare_bss_start(%rip), %rdi
        leaq    bare_bss_end(%rip), %rcx
        subq    %rdi, %rcx
        xorl    %eax, %eax
        rep     stosb
        call    bare_main
4:      hlt
        jmp     4b

        .balign 16
trap_0: .set    vector, 0
        .rept   32
        .balign 16
        .if     !(vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21)
        pushq   $0
        .endif
        pushq   $vector
        jmp     trap
        .set    vector, vector + 1
        .endr
        .balign 16
trap:   popq    %rdi                            /* vector, then error code, then the address */
        movq    8(%rsp), %rsi
        movq    %cr2, %rdx
        leaq    bare_stack_top(%rip), %rsp
        call    bare_unexpected_trap

        .section .data
        .balign 16
gdt:    .quad   0, 0x00af9b000000ffff, 0x00cf93000000ffff
gdt_pointer:
        .word   23
        .quad   gdt
idt_pointer:
        .word   511
        .quad   idt

        /* not in .bss proper: made before that is cleared */
        .section .tables, "aw", @nobits
        .balign 4096
pages_top: .skip 4096
pages_1g: .skip 4096
pages_2m: .skip 4 * 4096
idt:    .skip   512
