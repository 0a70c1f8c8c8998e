/* SPDX-License-Identifier: MIT */
/*
 * Small concurrent programs, their candidate executions, and which of these a memory model allows: x86-TSO,
 * RVWMO and Arm's, as axioms over relations between events. Stateless but for what the caller owns.
 *
 * Sources: Owens, Sarkar, Sewell, "A better x86 memory model: x86-TSO" (2009); RISC-V unprivileged ISA,
 * chapter "RVWMO" and appendix "Formal Memory Model Specifications"; Arm Architecture Reference Manual (DDI
 * 0487), B2.3. Where editions of the last order more or less, what orders less is taken, so that the answer
 * holds for all.
 *
 * Not modelled: accesses of mixed sizes, instruction fetch, page tables.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { MAX_EVENTS = 24, MAX_THREADS = 4, MAX_OPS = 16, MAX_LOCS = 2 };

enum op_kind { OP_READ, OP_WRITE, OP_SWAP, OP_CAS /* of 0, its first value */, OP_FENCE };

/* What orders what around a fence: enum ir_fence's bits; AArch64: those of DMB. */
enum { ORDER_LL = 1, ORDER_LS = 2, ORDER_SL = 4, ORDER_SS = 8, ORDER_ALL = 15,
       DMB_ISH = ORDER_ALL, DMB_ISHLD = ORDER_LL | ORDER_LS, DMB_ISHST = ORDER_SS };

/* Annotations */
enum { ACQUIRE = 1, ACQUIRE_PC = 2, RELEASE = 4, SC =
       8 /* guests: with acquire or release, ordered among each other */ };

/* How an op depends on the read before it in its thread. */
enum dep { DEP_NONE, DEP_ADDR, DEP_DATA, DEP_CTRL };

struct op {
        uint8_t kind, loc, order /* of a fence */, ann, failed_ann /* of a cas that fails */, dep;
        /* a swap or cas is a pair of accesses: of exclusives, or load-reserved and store-conditional */
        bool split;
};

struct thread {
        struct op op[MAX_OPS];
        unsigned n;
};

struct program {
        struct thread thread[MAX_THREADS];
        unsigned n_threads;
};

enum model { MODEL_TSO, MODEL_RVWMO, MODEL_ARM };

/* By event: the events that it is related to, as bits. */
typedef uint32_t relation[MAX_EVENTS];

struct event {
        uint8_t thread, loc, ann;
        bool read, write, atomic;
        uint8_t cas; /* of a read: 1 it must read the first value, 2 it must not */
};

/*
 * A program's events; the first MAX_LOCS are the writes of the first values. Fences are in their relations
 * alone.
 */
struct structure {
        struct event e[MAX_EVENTS];
        unsigned n;
        relation po, addr, data, ctrl, rmw, swap /* rmw of one instruction */, fence;
};

/* What every event of a program comes to when each cas succeeds or fails as the bits of @success say. */
void structure_make(struct structure *s, const struct program *p, unsigned success, enum model m);

/* An execution: by read, the write it reads from; by location, the writes in order. */
struct execution {
        uint8_t rf[MAX_EVENTS];
        uint8_t co[MAX_LOCS][MAX_EVENTS];
        unsigned n_co[MAX_LOCS];
};

bool model_allows(enum model m, const struct structure *s, const struct execution *x);
