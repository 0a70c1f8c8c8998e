/* SPDX-License-Identifier: MIT */
/*
 * A bare-metal AArch64 guest that runs random instructions and prints hashes of the states they leave, for
 * scripts/diff to compare between emulators. It runs in EL1 with the MMU on; the cases run in EL0, or in EL1
 * with either stack pointer. Console and exit are semihosting's. One CPU, no interrupts.
 */
#pragma once

#include "frame.h"

enum part { PART_ROWS, PART_SEQ, PART_MMU, PART_SELF };

/* ---- rows (rows_a64.py makes them; it knows these names) ---- */

enum field_name {
        F_RD, F_RN, F_RM, F_RA, F_RT, F_RT2, F_RS, F_VD, F_VN, F_VM, F_VA, F_VT, F_VT2, F_VS, F_IMM, F_OFF,
        F_MASK, F_SF, F_Q, F_SIZE, F_SZ, F_FTYPE, F_MODE, F_ELEMS, F_REGS, F_OPTION, F_AMOUNT, F_SH, F_COND,
        F_OP0, F_OP1, F_CRN, F_CRM, F_OP2, F_OP, F_SEXT, F_BIT, F_NZCV, N_FIELD_NAMES
};
enum row_class {
        C_ALU, C_FP, C_VECTOR, C_LOAD, C_STORE, C_ATOMIC, C_ORDERED, C_LDX, C_STX, C_PREFETCH, C_BRANCH, C_BR,
        C_ERET, C_TRAP, C_HLT, C_HVC, C_HINT, C_WFE, C_WFI, C_BARRIER, C_MRS, C_MSR, C_MSR_IMM, C_SYS,
        N_CLASSES
};
/* row.address */
enum address {
        AT_NONE, AT_BASE /* the base register alone */, AT_IMM /* and imm, as field mode says */,
        AT_INDEX /* and rm */, AT_PC /* off from the instruction */,
        AT_MANY = 128 /* with the others: several accesses */
};

u32 row_word(const struct row *r);           /* a random encoding */
bool row_is_odd(const struct row *r, u32 word); /* does the architecture leave open what it does? */
bool is_x_field(unsigned name);
bool is_v_field(unsigned name);
/* 64 bits: 's', 'd' or 'h' floating point, 'b' integers, 0: any */
u64 rnd_lanes(unsigned kind);

/* ---- one case ---- */

/* The state that a case starts from and leaves; start.S knows the offsets. */
struct state {
        u64 x[31];
        u64 sp_el0, sp_el1;
        u64 fpcr, fpsr;
        u64 elr, spsr, esr, far, vector; /* the last with PSTATE.PAN of the handler */
        u64 v[32][2];
        u64 tpidr_el0, tpidrro_el0, cpacr, sctlr;
        u64 saved[14];
} __attribute__((aligned(16)));
_Static_assert(offsetof(struct state, elr) == 280 && offsetof(struct state, v) == 320 &&
               offsetof(struct state, tpidr_el0) == 832 && offsetof(struct state, saved) == 864,
               "see start.S");
void run_case(struct state *s);

enum mode { MODE_EL0, MODE_EL1T, MODE_EL1H, N_MODES };

#define PSTATE_NZCV (15ull << 28)
#define PSTATE_PAN BIT(22)
#define PSTATE_IL BIT(20)
#define PSTATE_DAIF (15ull << 6)
#define SCTLR_M BIT(0)
#define SCTLR_A BIT(1)
#define SCTLR_C BIT(2)
#define SCTLR_SA BIT(3)
#define SCTLR_SA0 BIT(4)
#define SCTLR_UMA BIT(9)
#define SCTLR_I BIT(12)
#define SCTLR_DZE BIT(14)
#define SCTLR_UCT BIT(15)
#define SCTLR_NTWI BIT(16)
#define SCTLR_NTWE BIT(18)
#define SCTLR_WXN BIT(19)
#define SCTLR_SPAN BIT(23)
#define SCTLR_UCI BIT(26)
#define SCTLR_ALWAYS (SCTLR_M | SCTLR_C | SCTLR_I | BIT(11) | BIT(20) | BIT(22) | BIT(28) | BIT(29))
#define FPCR_MODES (31ull << 22) /* AHP, DN, FZ, RMode */

/*
 * Places. The code pages are full of BRKs, so that jumps into them end the case and tell where they went.
 * What cases see at an address the guest itself writes through WRITABLE(address). All of it is mapped once
 * more at the other end of the address space.
 */
#define PAGE 4096ull
#define CODE_PAGE 0x41201000ull   /* code stands here and on the next page; the page before is mapped too */
#define CODE_AREA (CODE_PAGE - PAGE)
#define CODE_AREA_SIZE (3 * PAGE)
#define DATA 0x42000000ull
#define DATA_PAGES 16u
#define WRITABLE(address) ((address) + 0x10000000)
#define HIGH_ALIAS 0xffffff8000000000ull
#define ALIAS(address) (HIGH_ALIAS | (address))
#define FILLER 0xd43ddd20u /* brk #0xeee9 */

#define sys_read(name) ({ u64 v_; __asm__ volatile("mrs %0, " #name : "=r"(v_) :: "memory"); v_; })
#define sys_write(name, value) __asm__ volatile("msr " #name ", %0" :: "r"((u64)(value)) : "memory")
static inline void isb(void) { __asm__ volatile("isb" ::: "memory"); }
static inline void tlbi_all(void) { __asm__ volatile("dsb ish\n tlbi vmalle1\n dsb ish\n isb" ::: "memory"); }

/* Pages (paging.c). */
void paging_init(void);
u64 *data_word(u64 va);          /* where an aligned address of a data window lies, NULL: nowhere */

/* What the parts use of the frame around cases (main.c). */
struct env {
        enum mode mode;
        u64 pc;     /* address of the code for the case */
        u32 *code;  /* the same, writable */
};
extern struct state in, out;
void code_sync(void *start, unsigned words);
void code_put(struct env *e, unsigned at, u32 word);
void code_clear(struct env *e, unsigned words);
void code_place(struct env *e, enum mode mode, unsigned offset, bool high);
enum mode random_mode(void);
u64 random_spsr(enum mode mode);
u64 random_sctlr(void);
u64 random_ea(unsigned size_log2, bool aligned_mostly);
void random_state(const struct env *e);
u64 *state_sp(struct state *s, enum mode mode);
u64 get_x(const struct state *s, unsigned reg);           /* 31: zero */
u64 *base_of(struct state *s, enum mode mode, unsigned reg); /* 31: the stack pointer */
void case_run(const struct env *e);     /* in -> out */
void restore_sysregs(void);
void case_mix_state(void);              /* all of out */
void case_mix_memory(u64 va, unsigned n_words);
void case_forget_partial(const struct row *r, u32 word, u64 ea);

void rows_chunk(unsigned unit);
void seq_chunk(unsigned unit);
void mmu_chunk(unsigned unit);
void self_chunk(unsigned unit);
void semihosting_exit(void);

/* sys.c: registers that cases may name. */
u32 random_sysreg(enum mode mode, bool write, u32 word); /* puts op0 to op2 into a word of MRS or MSR */
u32 random_sys(u32 word);
bool sysreg_value_differs(u32 word);   /* identification, time, and what else is each emulator's own */
u64 sysreg_operand(u32 word, u64 value); /* what may be written */
void sysreg_mix(void);
