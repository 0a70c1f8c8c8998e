/* SPDX-License-Identifier: MIT */
/*
 * System instructions of x86-64 on the bare board: each check puts its number into r15 and jumps to fail if
 * it does not hold. The exit status is 2 * number + 1, and 1 when all went well.
 */
        .intel_syntax noprefix
        .set CODE, 0x08
        .set DATA, 0x10
        .set UDATA, 0x1b
        .set UCODE, 0x23
        .set TSS, 0x28
        .set PAGE, 0x40000000           /* mapped by this program: 1 GiB up */

        .globl _start
        .text
_start:
        lea rsp, [rip + stack_end]
        mov rax, cr3
        mov [rip + old_cr3], rax
        /* descriptor tables */
        lea rax, [rip + tss]
        lea rbx, [rip + gdt + TSS]
        mov word ptr [rbx], 0x67
        mov [rbx + 2], ax
        shr rax, 16
        mov [rbx + 4], al
        mov byte ptr [rbx + 5], 0x89
        mov [rbx + 7], ah
        lea rax, [rip + gdt]
        mov [rip + gdtr + 2], rax
        lgdt [rip + gdtr]
        push CODE
        lea rax, [rip + 1f]
        push rax
        .byte 0x48, 0xcb                /* RETFQ */
1:      mov ax, DATA
        mov ss, ax
        mov ds, ax
        mov ax, TSS
        ltr ax
        lea rax, [rip + rsp0_end]
        mov [rip + tss + 4], rax
        lea rax, [rip + ist1_end]
        mov [rip + tss + 36], rax
        /* 32 gates to stubs of 16 bytes */
        lea rdi, [rip + idt]
        lea rsi, [rip + stubs]
        mov ecx, 0x82
2:      mov eax, esi
        mov [rdi], ax
        mov word ptr [rdi + 2], CODE
        mov word ptr [rdi + 4], 0x8e00
        shr eax, 16
        mov [rdi + 6], ax
        mov dword ptr [rdi + 8], 0
        add rdi, 16
        add rsi, 16
        loop 2b
        mov byte ptr [rip + idt + 0x80 * 16 + 5], 0xee /* int 0x80: from ring 3 */
        mov byte ptr [rip + idt + 8 * 16 + 4], 1       /* #DF on IST 1 */
        lea rax, [rip + idt]
        mov [rip + idtr + 2], rax
        lidt [rip + idtr]

        /* 1: #UD at the instruction */
        mov r15d, 1
        lea r14, [rip + after1]
        lea r13, [rip + at1]
at1:    ud2
        jmp fail
after1: cmp dword ptr [rip + vector], 6
        jne fail
        cmp [rip + fault_rip], r13
        jne fail

        /* 2: #DE; 3: #GP with a selector; 4: INT3 returns behind itself */
        mov r15d, 2
        lea r14, [rip + after2]
        xor ecx, ecx
        div ecx
        jmp fail
after2: cmp dword ptr [rip + vector], 0
        jne fail
        mov r15d, 3
        lea r14, [rip + after3]
        mov eax, 0x78
        mov ds, ax
        jmp fail
after3: cmp dword ptr [rip + vector], 13
        jne fail
        cmp qword ptr [rip + error], 0x78
        jne fail
        mov r15d, 4
        lea r14, [rip + after4]
        lea r13, [rip + after4]
        int3
after4: cmp dword ptr [rip + vector], 3
        jne fail
        cmp [rip + fault_rip], r13
        jne fail

        /*
         * 5: a page that is not there, its address and error code; 6: mapping it; 7: accessed and dirty bits
         */
        mov r15d, 5
        call new_tables
        lea r14, [rip + after5]
        mov rbx, PAGE
        mov qword ptr [rbx + 8], 5
        jmp fail
after5: cmp dword ptr [rip + vector], 14
        jne fail
        cmp qword ptr [rip + error], 2
        jne fail
        mov rax, cr2
        lea rcx, [rbx + 8]
        cmp rax, rcx
        jne fail
        mov r15d, 6
        lea rax, [rip + page_a]
        or rax, 7
        mov [rip + pt], rax
        mov rax, [rbx + 8]
        test byte ptr [rip + pt], 0x20
        jz fail
        mov r15d, 7
        test byte ptr [rip + pt], 0x40
        jnz fail
        mov qword ptr [rbx + 8], 0x1234
        test byte ptr [rip + pt], 0x40
        jz fail
        cmp qword ptr [rip + page_a + 8], 0x1234
        jne fail

        /* 8: INVLPG after a change; 9: WP in ring 0; 10: NX */
        mov r15d, 8
        lea rax, [rip + page_b]
        or rax, 7
        mov [rip + pt], rax
        invlpg [rbx]
        mov qword ptr [rip + page_b + 8], 0x5678
        cmp qword ptr [rbx + 8], 0x5678
        jne fail
        mov r15d, 9
        and byte ptr [rip + pt], 0xfd
        invlpg [rbx]
        lea r14, [rip + after9]
        mov byte ptr [rbx], 1
        jmp fail
after9: cmp qword ptr [rip + error], 3
        jne fail
        mov rax, cr0
        btr rax, 16
        mov cr0, rax
        mov byte ptr [rbx], 0xc3
        bts rax, 16
        mov cr0, rax
        mov r15d, 10
        call rbx                        /* a RET is there now */
        bts qword ptr [rip + pt], 63
        invlpg [rbx]
        lea r14, [rip + after10]
        mov rbp, rsp
        call rbx
        jmp fail
after10:
        mov rsp, rbp
        cmp qword ptr [rip + error], 0x11
        jne fail
        cmp [rip + fault_rip], rbx
        jne fail

        /* 11: PCIDs keep translations apart, and over a change of CR3 that says so */
        mov r15d, 11
        mov rax, cr4
        bts rax, 17
        mov cr4, rax
        lea rax, [rip + page_a]
        or rax, 7
        mov [rip + pt], rax
        lea rdx, [rip + pml4]
        or rdx, 1
        mov cr3, rdx                    /* PCID 1 */
        mov qword ptr [rip + page_a], 0xa
        mov qword ptr [rip + page_b], 0xb
        cmp qword ptr [rbx], 0xa
        jne fail
        lea rax, [rip + page_b]
        or rax, 7
        mov [rip + pt], rax
        inc rdx
        mov cr3, rdx                    /* PCID 2 sees the change */
        cmp qword ptr [rbx], 0xb
        jne fail
        mov r15d, 12
        dec rdx
        mov cr3, rdx                    /* PCID 1, flushed */
        cmp qword ptr [rbx], 0xb
        jne fail
        mov r15d, 13
        mov eax, 1
        lea rcx, [rip + invpcid_1]
        invpcid rax, [rcx]
        cmp qword ptr [rbx], 0xb
        jne fail
        mov rax, cr3
        and eax, 0xfff
        cmp eax, 1
        jne fail

        /* 14: SMAP and STAC */
        mov r15d, 14
        mov rdx, [rip + pdpt]           /* this program's own memory becomes the supervisor's alone meanwhile
                                           */
        and rdx, -4096
        and qword ptr [rdx], -5
        mov rax, cr3
        mov cr3, rax
        mov rax, cr4
        bts rax, 21
        mov cr4, rax
        lea r14, [rip + after14]
        mov al, [rbx]
        jmp fail
after14:
        cmp qword ptr [rip + error], 1
        jne fail
        mov r15d, 15
        stac
        mov al, [rbx]
        clac
        mov rax, cr4
        btr rax, 21
        mov cr4, rax
        or qword ptr [rdx], 4
        mov rax, cr3
        mov cr3, rax

        /* 16: to ring 3 and back by INT, SYSCALL and a fault */
        mov r15d, 16
        mov ecx, 0xc0000081
        xor eax, eax
        mov edx, 0x00100008             /* SYSRET: 0x10 + 16 | 3, SYSCALL: 8 */
        wrmsr
        mov ecx, 0xc0000082
        lea rax, [rip + on_syscall]
        xor edx, edx
        wrmsr
        mov ecx, 0xc0000084
        mov eax, 0x600
        wrmsr
        mov [rip + kernel_rsp], rsp
        push UDATA
        lea rax, [rip + user_end]
        push rax
        push 0x202
        push UCODE
        lea rax, [rip + user]
        push rax
        iretq

        .balign 16
user:
        mov ax, cs
        cmp ax, UCODE
        jne user_bad
        mov eax, ds                     /* ring 0's data segment went with IRET */
        test eax, eax
        jnz user_bad
        std
        syscall                         /* returns by SYSRET with rax 77 */
        cmp eax, 77
        jne user_bad
        pushfq
        pop rax
        test eax, 0x400                 /* DF came back */
        jz user_bad
        cld
        int 0x80                        /* goes on behind user in ring 0 */
user_bad:
        hlt

        .balign 16
on_syscall:
        pushfq
        pop rax
        test eax, 0x400                 /* masked by FMASK */
        jnz fail
        bt r11, 10
        jnc fail
        mov eax, 77
        .byte 0x48, 0x0f, 0x07          /* SYSRETQ */

back:   /* by the handler of INT 0x80 */
        cmp dword ptr [rip + vector], 0x80
        jne fail
        cmp word ptr [rip + fault_cs], UCODE
        jne fail
        mov rsp, [rip + kernel_rsp]

        /* 17: an instruction that rewrites the next one */
        mov r15d, 17
        mov ecx, 3
smc:    mov byte ptr [rip + patch + 1], cl
patch:  mov al, 0
        cmp al, cl
        jne fail
        loop smc

        /*
         * 18: a REP STOS over its own next instructions' page is done exactly; 19: MOVS stops where a page
         * ends
         */
        mov r15d, 19
        lea rax, [rip + page_a]
        or rax, 7
        mov [rip + pt], rax
        mov qword ptr [rip + pt + 8], 0
        mov rax, cr3
        mov cr3, rax
        lea r14, [rip + after19]
        mov rdi, PAGE + 0x1000 - 20
        lea rsi, [rip + page_b]
        mov ecx, 100
        rep movsb
        jmp fail
after19:
        cmp ecx, 80
        jne fail
        mov rax, PAGE + 0x1000
        cmp rdi, rax
        jne fail
        mov rcx, cr2
        cmp rax, rcx
        jne fail

        /* 20: a fault while a handler's frame is pushed is a double fault, on its own stack */
        mov r15d, 20
        lea r14, [rip + after20]
        mov rbp, rsp
        mov rsp, PAGE + 0x2000
        ud2
        jmp fail
after20:
        mov rsp, rbp
        cmp dword ptr [rip + vector], 8
        jne fail

        /* 21: CPUID answers, MSRs hold what is written, CR8 */
        mov r15d, 21
        xor eax, eax
        cpuid
        cmp eax, 1
        jb fail
        mov ecx, 0xc0000100
        mov eax, 0x89abcdef
        mov edx, 0x4567
        wrmsr
        rdmsr
        cmp eax, 0x89abcdef
        jne fail
        cmp edx, 0x4567
        jne fail
        lea rax, [rip + page_b]
        mov ecx, 0xc0000100
        xor edx, edx
        wrmsr
        mov qword ptr [rip + page_b + 0x10], 0x99
        cmp qword ptr fs:[0x10], 0x99
        jne fail
        mov r15d, 22
        mov eax, 5
        mov cr8, rax
        mov rcx, cr8
        cmp ecx, 5
        jne fail

        /* 23: LTR made the task's descriptor busy; 24: no system segment in DS, 25: no other ring's in SS */
        mov r15d, 23
        cmp byte ptr [rip + gdt + TSS + 5], 0x8b
        jne fail
        mov r15d, 24
        lea r14, [rip + after24]
        mov eax, TSS
        mov ds, ax
        jmp fail
after24:
        cmp dword ptr [rip + vector], 13
        jne fail
        cmp qword ptr [rip + error], TSS
        jne fail
        mov r15d, 25
        lea r14, [rip + after25]
        mov eax, UDATA & ~3
        mov ss, ax
        jmp fail
after25:
        cmp dword ptr [rip + vector], 13
        jne fail
        cmp qword ptr [rip + error], UDATA & ~3
        jne fail

        /* 26: frames are aligned; 27: an interrupt gate clears IF, 28: a trap gate does not */
        mov r15d, 26
        mov rbp, rsp
        lea rsp, [rip + page_a + 0x808]
        mov qword ptr [rsp - 8], 0x77
        lea r14, [rip + after26]
        ud2
        jmp fail
after26:
        mov rsp, rbp
        cmp qword ptr [rip + page_a + 0x800], 0x77
        jne fail
        mov ax, ss
        cmp [rip + page_a + 0x7f8], ax
        jne fail
        mov r15d, 27
        sti
        lea r14, [rip + after27]
        int3
after27:
        test dword ptr [rip + handler_flags], 0x200
        jnz fail
        mov r15d, 28
        mov byte ptr [rip + idt + 3 * 16 + 5], 0x8f
        sti
        lea r14, [rip + after28]
        int3
after28:
        cli
        test dword ptr [rip + handler_flags], 0x200
        jz fail
        mov byte ptr [rip + idt + 3 * 16 + 5], 0x8e

        /* 29: addresses that are not canonical: of data, and 30: in an MSR */
        mov r15d, 29
        lea r14, [rip + after29]
        movabs rax, 0x800000000000
        mov rax, [rax]
        jmp fail
after29:
        cmp dword ptr [rip + vector], 13
        jne fail
        cmp qword ptr [rip + error], 0
        jne fail
        mov r15d, 30
        lea r14, [rip + after30]
        mov ecx, 0xc0000100
        xor eax, eax
        mov edx, 0x8000
        wrmsr
        jmp fail
after30:
        cmp dword ptr [rip + vector], 13
        jne fail

        /*
         * 31: no PCIDs while CR3 has low bits; 32: they do not share translations; 33: INVPCID of one alone
         */
        mov r15d, 31
        mov rax, cr4
        btr rax, 17
        mov cr4, rax
        lea rdx, [rip + pml4 + 8]
        mov cr3, rdx
        lea r14, [rip + after31]
        bts rax, 17
        mov cr4, rax
        jmp fail
after31:
        cmp dword ptr [rip + vector], 13
        jne fail
        mov rax, cr4
        bt rax, 17
        jc fail
        mov r15d, 32
        lea rdx, [rip + pml4]
        mov cr3, rdx
        bts rax, 17
        mov cr4, rax
        lea rcx, [rip + page_a]
        mov qword ptr [rcx], 0xa
        or rcx, 7
        mov [rip + pt], rcx
        lea rcx, [rip + page_b]
        mov qword ptr [rcx], 0xb
        or rcx, 7
        inc rdx
        mov cr3, rdx
        mov rbx, PAGE
        cmp qword ptr [rbx], 0xa
        jne fail
        mov [rip + pt], rcx
        add rdx, 2
        bts rdx, 63
        mov cr3, rdx                    /* PCID 3, which has no translations yet, and does not lose them */
        cmp qword ptr [rbx], 0xb
        jne fail
        mov r15d, 33
        lea rcx, [rip + page_a]
        or rcx, 7
        mov [rip + pt], rcx
        mov eax, 1
        lea rcx, [rip + invpcid_3]
        invpcid rax, [rcx]
        cmp qword ptr [rbx], 0xa
        jne fail

        /* 34: reserved bits; 35: what may not be written on the way to a page; 36: SMEP */
        mov r15d, 34
        bts qword ptr [rip + pt], 50
        invlpg [rbx]
        lea r14, [rip + after34]
        mov al, [rbx]
        jmp fail
after34:
        cmp dword ptr [rip + vector], 14
        jne fail
        cmp qword ptr [rip + error], 9
        jne fail
        btr qword ptr [rip + pt], 50
        mov r15d, 35
        and byte ptr [rip + pd], 0xfd
        invlpg [rbx]
        lea r14, [rip + after35]
        mov byte ptr [rbx], 0xc3
        jmp fail
after35:
        cmp qword ptr [rip + error], 3
        jne fail
        or byte ptr [rip + pd], 2
        invlpg [rbx]
        mov byte ptr [rbx], 0xc3
        mov r15d, 36
        mov rdx, [rip + pdpt]           /* as above: this program's memory is the supervisor's alone */
        and rdx, -4096
        and qword ptr [rdx], -5
        mov rax, cr3
        mov cr3, rax
        mov rax, cr4
        bts rax, 20
        mov cr4, rax
        lea r14, [rip + after36]
        mov rbp, rsp
        call rbx
        jmp fail
after36:
        mov rsp, rbp
        cmp dword ptr [rip + vector], 14
        jne fail
        cmp qword ptr [rip + error], 0x11
        jne fail
        cmp [rip + fault_rip], rbx
        jne fail
        mov rax, cr4
        btr rax, 20
        mov cr4, rax
        or qword ptr [rdx], 4
        mov rax, cr3
        mov cr3, rax
        call rbx

        /* 37: IRET of ring 3 leaves IF as it is; 38: INT there by a gate that is not for it */
        mov r15d, 37
        mov [rip + kernel_rsp], rsp
        push UDATA
        lea rax, [rip + user_end]
        push rax
        push 0x202
        push UCODE
        lea rax, [rip + user2]
        push rax
        iretq
user2:
        lea r14, [rip + fail]
        push UDATA
        lea rax, [rip + user_end]
        push rax
        push 2
        push UCODE
        lea rax, [rip + user3]
        push rax
        iretq
user3:
        pushfq
        pop rax
        test eax, 0x200
        jz user_bad
        mov r15d, 38
        lea r14, [rip + after38]
        int 0x81
        jmp user_bad
after38:
        mov rsp, [rip + kernel_rsp]
        cmp dword ptr [rip + vector], 13
        jne fail
        cmp qword ptr [rip + error], 0x81 * 8 + 2
        jne fail

        xor r15d, r15d
fail:
        mov eax, r15d
        mov dx, 0x501
        out dx, al
1:      hlt
        jmp 1b

/* Page tables that hold what the board's hold, and PAGE under tables of this program's own. */
new_tables:
        mov rsi, [rip + old_cr3]
        and rsi, -4096
        lea rdi, [rip + pml4]
        mov ecx, 512
        rep movsq
        mov rsi, [rip + pml4]
        and rsi, -4096
        lea rdi, [rip + pdpt]
        mov ecx, 512
        rep movsq
        lea rax, [rip + pdpt]
        or rax, 7
        mov [rip + pml4], rax
        lea rax, [rip + pd]
        or rax, 7
        mov [rip + pdpt + 8], rax
        lea rax, [rip + pt]
        or rax, 7
        mov [rip + pd], rax
        lea rax, [rip + pml4]
        mov cr3, rax
        ret

/* Stubs of 16 bytes: the vector's number, an error code where the CPU pushes none. */
        .balign 16
stubs:
        .set n, 0
        .rept 0x82
        .balign 16
        .if !(n == 8 || (n >= 10 && n <= 14) || n == 17)
        push 0
        .endif
        .byte 0x68
        .long n
        jmp common
        .set n, n + 1
        .endr

/* Notes what came, and goes on at r14; from INT 0x80 at back. */
common:
        pushfq
        pop qword ptr [rip + handler_flags]
        pop rax
        mov [rip + vector], eax
        pop qword ptr [rip + error]
        pop qword ptr [rip + fault_rip]
        pop qword ptr [rip + fault_cs]
        cmp eax, 0x80
        je back
        add rsp, 8
        pop rsp
        jmp r14

        .data
        .balign 16
gdt:    .quad 0, 0x00209b0000000000, 0x0000930000000000, 0x0000f30000000000, 0x0020fb0000000000, 0, 0
gdtr:   .word . - gdt - 1
        .quad 0
idtr:   .word 0x82 * 16 - 1
        .quad 0
invpcid_1:
        .quad 1, 0
invpcid_3:
        .quad 3, 0
old_cr3: .quad 0
vector: .long 0, 0
error:  .quad 0
fault_rip: .quad 0
fault_cs: .quad 0
handler_flags: .quad 0
kernel_rsp: .quad 0

        .bss
        .balign 4096
pml4:   .space 4096
pdpt:   .space 4096
pd:     .space 4096
pt:     .space 4096
page_a: .space 4096
page_b: .space 4096
idt:    .space 4096
tss:    .space 128
        .space 4096
stack_end:
        .space 4096
rsp0_end:
        .space 4096
ist1_end:
        .space 4096
user_end:
        .space 16
