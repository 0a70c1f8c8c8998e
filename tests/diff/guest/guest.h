/* SPDX-License-Identifier: MIT */
/*
 * A bare-metal guest that runs random instructions and prints hashes of the states they leave, for
 * scripts/diff to compare between emulators. It runs in M-mode on the virt board; the cases run in U, S or M.
 * All randomness comes from the parameters, so that two emulators run the same cases. One hart, no interrupts
 * but those cases make.
 */
#pragma once

#include "frame.h"

enum part { PART_ROWS, PART_SEQ, PART_CSR, PART_MMU, PART_PMP, PART_TRAP, PART_SELF };

/* ---- rows ---- */

enum field_name {
        F_RD, F_RS1, F_RS2, F_FD, F_FS1, F_FS2, F_FS3, F_IMM, F_OFF, F_SHAMT, F_CSR, F_ZIMM, F_RM, F_AQ, F_RL,
        F_FM, F_PRED, F_SUCC, N_FIELD_NAMES
};
enum row_class {
        C_ALU, C_LOAD, C_STORE, C_AMO, C_LR, C_SC, C_BRANCH, C_JAL, C_JALR, C_CSR, C_MRET, C_SRET, C_WFI,
        C_SFENCE, C_FENCE, C_ENV, C_FP
};
u32 row_word(const struct row *r); /* a random encoding */

/* ---- one case ---- */

/* The state that a case starts from and leaves; start.S knows the offsets. */
struct state {
        u64 x[32];
        u64 f[32];
        u64 fcsr, mstatus, mepc, mcause, mtval;
        u64 saved[17];
};
void run_case(struct state *s);

enum mode { MODE_U, MODE_S, MODE_MPRV, MODE_M, N_MODES }; /* MPRV: in M with the data accesses of U */

#define MSTATUS_SIE BIT(1)
#define MSTATUS_MIE BIT(3)
#define MSTATUS_SPIE BIT(5)
#define MSTATUS_MPIE BIT(7)
#define MSTATUS_SPP BIT(8)
#define MSTATUS_MPP_SHIFT 11
#define MSTATUS_FS_SHIFT 13
#define MSTATUS_MPRV BIT(17)
#define MSTATUS_SUM BIT(18)
#define MSTATUS_MXR BIT(19)
#define MSTATUS_TVM BIT(20)
#define MSTATUS_TW BIT(21)
#define MSTATUS_TSR BIT(22)

/* Places. The code area is full of C.EBREAK, so that jumps into it end the case and tell where they went. */
#define CODE_AREA 0x81000000ull
#define CODE_AREA_SIZE 0x400000ull
#define CODE_PAGE 0x81200000ull   /* code stands here and on the next page; the page before is mapped too */
#define HANDLER_PAGE 0x811fc000ull /* ECALLs, executable for S: where stvec points */
#define DATA 0x82000000ull
#define DATA_PAGES 16u
#define PAGE 4096u
#define HIGH_ALIAS 0xffffffd000000000ull /* the same, mapped at the other end of the address space */
#define ALIAS(address) (HIGH_ALIAS + ((address) & 0x3fffffff))
#define EBREAK_HALF 0x9002u

#define csr_read(name) ({ u64 v_; __asm__ volatile("csrr %0, " #name : "=r"(v_) :: "memory"); v_; })
#define csr_write(name, value) __asm__ volatile("csrw " #name ", %0" :: "r"((u64)(value)) : "memory")
static inline void fence_i(void) { __asm__ volatile("fence.i" ::: "memory"); }
static inline void sfence_all(void) { __asm__ volatile("sfence.vma" ::: "memory"); }

/* Pages (paging.c): the data window's frames, and the roots for U and S. */
void paging_init(void);
void paging_reset(void);         /* accessed and dirty bits as they were; flushed */
u64 paging_hash(u64 h);          /* the page-table entries that cases may change */
void paging_use(enum mode mode); /* satp */
extern u64 mode_satp[N_MODES];
u64 *data_word(enum mode mode, u64 va); /* where an aligned address of a data window lies, NULL: nowhere */

/* What the parts use of the frame around cases (main.c). */
struct env {
        enum mode mode;
        u64 pc;     /* virtual address of the code */
        u16 *code;  /* the same, physical */
};
extern struct state in, out;
void code_put(u16 *at, u32 word, unsigned length);
void code_clear(u16 *at, unsigned halves);
void code_place(struct env *e, enum mode mode, unsigned offset, bool high);
u64 random_mstatus(enum mode mode);
u64 random_ea(enum mode mode, unsigned size_log2, bool aligned_mostly);
void random_state(const struct env *e);
void case_run(const struct env *e);     /* in -> out */
void restore_csrs(void);
void case_mix_state(void);              /* all of out */
void case_forget_fs(void);
void case_mix_memory(enum mode mode, u64 va, unsigned n_words);

void rows_chunk(unsigned unit);
void seq_chunk(unsigned unit);
void csr_chunk(unsigned unit);
void mmu_chunk(unsigned unit);
void pmp_chunk(unsigned unit);
void trap_chunk(unsigned unit);
void self_chunk(unsigned unit);
