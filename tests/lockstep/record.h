/* SPDX-License-Identifier: MIT */
/*
 * What the leader of a lockstep run tells the follower: one record an instruction, through a ring in shared
 * memory. The leader is QEMU with qemu_leader.c as a plugin, or another Rhea; the follower is follow.c.
 */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

enum record_kind {
        REC_INSN,  /* about to run the instruction at pc; value is what the last one left in register reg */
        REC_STATE, /* the same moment: register reg of the state list has this value */
        REC_END,   /* the leader is gone */
};

enum { REC_NO_REG = 255 };

struct record {
        uint64_t pc;
        uint64_t value;
        uint64_t cause;  /* REC_INSN at a trap's entry: scause or mcause, else ~0 */
        uint32_t insn;
        uint8_t kind;    /* enum record_kind */
        uint8_t reg;     /* 1..31 x, 32..63 f, REC_NO_REG; REC_STATE: index into lockstep_state_names */
        uint8_t unused[2];
};
_Static_assert(sizeof(struct record) == 32, "records have one size in both programs");

enum { RING_RECORDS = 1 << 16 };

/* Single producer, single consumer. The counts only grow. */
struct ring {
        _Atomic uint64_t written, read;
        _Atomic uint32_t stop; /* the follower has seen enough */
        uint32_t pad;
        struct record records[RING_RECORDS];
};

/* The registers of a full comparison, by the names that both programs use. */
#define LOCKSTEP_STATE(X) \
        X(ra) X(sp) X(gp) X(tp) X(t0) X(t1) X(t2) X(s1) X(a0) X(a1) X(a2) X(a3) X(a4) X(a5) X(a6) X(a7) \
        X(s2) X(s3) X(s4) X(s5) X(s6) X(s7) X(s8) X(s9) X(s10) X(s11) X(t3) X(t4) X(t5) X(t6) \
        X(ft0) X(ft1) X(ft2) X(ft3) X(ft4) X(ft5) X(ft6) X(ft7) X(fs0) X(fs1) X(fa0) X(fa1) X(fa2) X(fa3) \
        X(fa4) X(fa5) X(fa6) X(fa7) X(fs2) X(fs3) X(fs4) X(fs5) X(fs6) X(fs7) X(fs8) X(fs9) X(fs10) X(fs11) \
        X(ft8) X(ft9) X(ft10) X(ft11) \
        X(mstatus) X(medeleg) X(mideleg) X(mie) X(mtvec) X(mscratch) X(mepc) X(mcause) X(mtval) \
        X(stvec) X(sscratch) X(sepc) X(scause) X(stval) X(satp) X(scounteren) X(mcounteren) X(menvcfg)
