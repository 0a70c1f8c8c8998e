/* SPDX-License-Identifier: MIT */
/*
 * A guest architecture of a dozen instructions, so that the runtime is tested without a real frontend.
 * Instructions are four bytes: op, a, b, c; b and c together are a signed 16-bit immediate where there is
 * one. Sixteen 64-bit registers; r0 is an ordinary one. Translation is a table a space that tests write and
 * vCPUs walk.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "frontend/cpu.h"
#include "machines/core/vcpu.h"
#include "machines/core/vm.h"

enum toy_op {
        TOY_LI = 1,  /* ra = imm */
        TOY_SHL,     /* ra <<= imm */
        TOY_ADD,     /* ra = rb + rc */
        TOY_ADDI,    /* ra += imm */
        TOY_LD,      /* ra = 64 bits at rb + 8 * c */
        TOY_ST,      /* 64 bits at rb + 8 * c = ra */
        TOY_LDX,     /* ra = 64 bits at rb + c */
        TOY_STX,     /* 64 bits at rb + c = ra, any alignment */
        TOY_STW,     /* 32 bits at rb + 4 * c = ra */
        TOY_BNZ,     /* to this + 4 * imm if ra is not 0 */
        TOY_J,       /* to this + 4 * imm */
        TOY_CALL,    /* ra = address of the next; to this + 4 * imm */
        TOY_JR,      /* to ra; c: enum ir_jump */
        TOY_AMOADD,  /* ra = 64 bits at rb; 64 bits at rb += rc */
        TOY_LR,      /* ra = 64 bits at rb, heavy */
        TOY_SC,      /* 64 bits at rb = rc, if still reserved; ra = 0 if so, else 1 */
        TOY_SYS,     /* enum toy_sys in c, argument ra */
        TOY_XOR,     /* ra = rb ^ rc */
        TOY_SUB,     /* ra = rb - rc */
        TOY_LIU,     /* ra = ra << 16 | imm, unsigned */
        TOY_HELP,    /* toy->helper(v, ra), whose status counts */
};

enum toy_sys {
        TOY_SYS_DONE,        /* halts for good */
        TOY_SYS_FENCE,       /* fence.i */
        TOY_SYS_SPACE,       /* current space = ra */
        TOY_SYS_VIEW,        /* current view = ra */
        TOY_SYS_FLUSH,       /* flush everything */
        TOY_SYS_FLUSH_SPACE, /* flush space ra */
        TOY_SYS_FLUSH_PAGE,  /* flush the page of address ra in all spaces */
        TOY_SYS_FLUSH_SPACE_PAGE, /* ... in the current space */
        TOY_SYS_CALL,        /* toy->syscall(v, ra), then LOOKUP */
        TOY_SYS_MODE,        /* mode word = ra */
        TOY_SYS_YIELD,       /* leave to the run loop, go on after */
        TOY_SYS_RESUME,      /* return from the trap handler: to trap_pc + ra */
};

#define TOY_I(op, a, imm) ((uint32_t)(op) | (uint32_t)(a) << 8 | (uint32_t)(uint16_t)(imm) << 16)
#define TOY_R(op, a, b, c) ((uint32_t)(op) | (uint32_t)(a) << 8 | (uint32_t)(b) << 16 | (uint32_t)(c) << 24)

enum toy_cause { TOY_FAULT_READ = 1, TOY_FAULT_WRITE, TOY_FAULT_FETCH, TOY_MISALIGNED, TOY_BUS, TOY_ILLEGAL };

struct toy_state {
        uint64_t r[16];
        uint64_t space, view, mode;
        uint64_t handler;               /* 0: an exception ends the vCPU */
        uint64_t cause, value, trap_pc; /* of the latest exception */
        uint64_t traps, walks;
        _Atomic uint64_t done;
        _Atomic uint64_t progress;      /* for watchers */
};

/* Page-table entries: physical page address and flags. */
enum { TOY_P_R = 1, TOY_P_W = 2, TOY_P_X = 4, TOY_P_G = 8, TOY_P_D = 16, TOY_P_PARTIAL = 32,
      TOY_P_LARGE = 64 /* 64 KiB */,
       TOY_PAGES = 512, TOY_SPACES = 4 };
#define TOY_RW (TOY_P_R | TOY_P_W | TOY_P_D)

#define TOY_RAM_BASE 0x100000ull

struct toy {
        struct vm *vm;
        struct ram_block *ram;
        uint64_t ram_size;
        bool paging;                                 /* off: virtual is physical */
        _Atomic uint64_t pte[TOY_SPACES][TOY_PAGES]; /* by virtual page; spaces beyond wrap around */
        void (*syscall)(struct vcpu *v, uint64_t arg);
        uint64_t (*helper)(struct vcpu *v, uint64_t arg); /* a status as for struct ir_helper */
        void *user;
};

static inline struct toy_state *toy_state(struct vcpu *v)
{
        return (struct toy_state *)v->state;
}

extern const struct cpu_ops toy_ops;

/* A VM with @n vCPUs at @pc = TOY_RAM_BASE, RAM there, engine @engine; nothing runs yet. */
struct toy *toy_new(const struct engine *engine, unsigned n, uint64_t ram_size);
void toy_free(struct toy *t);
static inline struct toy *toy_of(const struct vm *vm)
{
        return vm->machine_data;
}

/* Instructions at physical @gpa, as the loader would (code caches are told). */
void toy_code(struct toy *t, gpa_t gpa, const uint32_t *insns, unsigned n);
uint64_t toy_peek(struct toy *t, gpa_t gpa);
void toy_poke(struct toy *t, gpa_t gpa, uint64_t value);

/* Starts all vCPUs and waits until all have done TOY_SYS_DONE; fails the test after a minute. */
void toy_start(struct toy *t);
void toy_wait(struct toy *t);
/* The engines that tests run on, by what is built. */
extern const struct engine *const toy_engines[];
