/* SPDX-License-Identifier: MIT */
/*
 * Loads where one large page maps all of RAM, on the bare board: at its ends, around them by displacements,
 * and after the mapping has changed by a move to CR3, by INVLPG anywhere in the large page (Intel SDM
 * volume 3, 4.10.4), and to one that has a hole, which faults. Each check runs often, so that its loads are
 * in code made while the page was known to be there. The exit status is 2 * number + 1 of the check that
 * failed, and 1 when all went well.
 */
#include <stdint.h>

enum { MIB = 1 << 20, RAM = 64 * MIB, A = 32 * MIB, B = 40 * MIB, SLACK = 65536, TURNS = 2000 };
enum { PRESENT = 1, WRITABLE = 2, LARGE = 0x80 };

typedef uint64_t table[512] __attribute__((aligned(4096)));

static table top[2], middle[2], low;
static uint64_t idt[2 * 19];
volatile uint64_t faults, fault_address;
extern char page_fault[], machine_check[];
static unsigned check;

asm(".globl _start\n"
    "_start: leaq stack_end(%rip), %rsp\n"
    "       lgdt gdtr(%rip)\n"
    "       pushq $8\n"
    "       leaq 1f(%rip), %rax\n"
    "       pushq %rax\n"
    "       lretq\n"
    "1:     movw $16, %ax\n"
    "       movw %ax, %ss\n"
    "       call window_main\n"
    "gdtr:  .word 23\n"
    "       .quad gdt\n"
    "       .balign 8\n"
    "gdt:   .quad 0, 0x00af9a000000ffff, 0x00cf92000000ffff\n"
    ".pushsection .bss\n"
    ".balign 4096\n"
    ".skip 16384\n"
    "stack_end:\n"
    ".popsection\n"
    /* a page fault: notes the address, and goes on behind the load, which is in r11 */
    "page_fault:\n"
    "       addq $8, %rsp\n"
    "       movq %r11, (%rsp)\n"
    "       movq %cr2, %r11\n"
    "       movq %r11, fault_address(%rip)\n"
    "       incq faults(%rip)\n"
    "       iretq\n"
    /* a machine check, of a load from where no memory is: goes on likewise */
    "machine_check:\n"
    "       movq %r11, (%rsp)\n"
    "       incq faults(%rip)\n"
    "       iretq\n");

static _Noreturn void leave(unsigned number)
{
        for (;;)
                asm volatile("outb %%al, %%dx" : : "a"(number), "d"(0x501));
}

static void expect(uint64_t value, uint64_t want)
{
        if (value != want)
                leave(check);
}

/* [base + displacement]; ~0 after a fault */
#define LOAD(displacement) ({ \
        uint64_t v_ = ~0ull; \
        asm volatile("leaq 1f(%%rip), %%r11\n\tmovq " #displacement "(%[at]), %[v]\n1:" \
                     : [v] "+r"(v_) : [at] "r"(base) : "r11", "memory"); \
        v_; })

static uint64_t load(uint64_t base)
{
        return LOAD(0);
}

static void store(uint64_t at, uint64_t value)
{
        asm volatile("movq %1, (%0)" : : "r"(at), "r"(value) : "memory");
}

/* By its number as PCID; what is known of both stays known. */
static void set_space(unsigned n)
{
        asm volatile("movq %0, %%cr3" : : "r"((uint64_t)top[n] | (n + 1) | 1ull << 63) : "memory");
}

static void flush_page(uint64_t at)
{
        asm volatile("invlpg (%0)" : : "r"(at) : "memory");
}

static void set_gate(unsigned vector, uint64_t handler)
{
        uint16_t cs;

        asm volatile("movw %%cs, %0" : "=r"(cs));
        idt[2 * vector] = (handler & 0xffff) | (uint64_t)cs << 16 | 0x8e00ull << 32 |
                          (handler & 0xffff0000) << 32;
        idt[2 * vector + 1] = handler >> 32;
}

static void set_up(void)
{
        struct {
                uint16_t limit;
                uint64_t base;
        } __attribute__((packed)) idtr = {sizeof(idt) - 1, (uint64_t)idt};

        set_gate(14, (uint64_t)page_fault);
        set_gate(18, (uint64_t)machine_check);
        asm volatile("lidt %0" : : "m"(idtr));
        /* two spaces: all of the first GiB as it is, by one large page; A is B */
        top[0][0] = (uint64_t)middle[0] | PRESENT | WRITABLE;
        top[1][0] = (uint64_t)middle[1] | PRESENT | WRITABLE;
        middle[0][0] = PRESENT | WRITABLE | LARGE;
        middle[1][0] = (uint64_t)low | PRESENT | WRITABLE;
        for (unsigned n = 0; n < 512; n++)
                low[n] = (uint64_t)n * 2 * MIB | PRESENT | WRITABLE | LARGE;
        low[A / (2 * MIB)] = B | PRESENT | WRITABLE | LARGE;
        /* PCIDE */
        asm volatile("movq %%cr4, %%rax; btsq $17, %%rax; movq %%rax, %%cr4" : : : "rax", "memory");
}

/* One after the other, with the loads around the ends of RAM. */
static void ends(void)
{
        uint64_t base;

        base = RAM - 8;
        expect(LOAD(0), 3);
        base = RAM - SLACK - 8;
        expect(LOAD(65536), 3);
        base = RAM - SLACK - 1;
        expect(LOAD(65529), 3);
        base = RAM;
        expect(LOAD(-8), 3);
        base = RAM - SLACK;
        expect(LOAD(0), 4);
        expect(LOAD(-8), 5);
        base = RAM - 100000 - 8;
        expect(LOAD(100000), 3);
        base = 16;
        expect(LOAD(-8), 6);
        faults = 0;
        base = RAM - 4096;
        expect(LOAD(8192), ~0ull);
        base = RAM;
        expect(LOAD(0), ~0ull);
        base = RAM + SLACK;
        expect(LOAD(0), ~0ull);
        expect(faults, 3);
}

void window_main(void)
{
        set_up();
        store(A, 1);
        store(B, 2);
        store(RAM - 8, 3);
        store(RAM - SLACK, 4);
        store(RAM - SLACK - 8, 5);
        store(8, 6);
        for (unsigned n = 0; n < TURNS; n++) {
                uint64_t base = 4;

                set_space(0);
                check = 1;
                expect(load(A), 1);
                check = 2;
                ends();
                check = 3;
                faults = 0;
                fault_address = 0;
                expect(LOAD(-8), ~0ull);
                expect(faults, 1);
                expect(fault_address, -4ull);
                check = 4; /* another space, and back */
                set_space(1);
                expect(load(A), 2);
                set_space(0);
                expect(load(A), 1);
                check = 5; /* the large page becomes small ones */
                middle[0][0] = middle[1][0];
                flush_page(n & 1 ? A : 16 * MIB);
                expect(load(A), 2);
                expect(load(B), 2);
                check = 6; /* one of which goes */
                low[A / (2 * MIB)] = 0;
                flush_page(A + 4096);
                faults = 0;
                expect(load(A), ~0ull);
                expect(faults, 1);
                expect(fault_address, A);
                expect(load(B), 2);
                low[A / (2 * MIB)] = B | PRESENT | WRITABLE | LARGE;
                middle[0][0] = PRESENT | WRITABLE | LARGE;
                flush_page(B);
                check = 7;
                expect(load(A), 1);
        }
        leave(0);
}
