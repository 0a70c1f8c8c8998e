/* SPDX-License-Identifier: MIT */
/*
 * The register allocator of tier 0. A backward pass over the region finds where each value is used last and
 * which definitions can go straight to a pinned register; then the host walks forward, emitting as it goes,
 * and asks for registers instruction by instruction. Values that a block passes to another live in the frame
 * between them.
 *
 * Registers are numbered 0 to 31 (general) and 32 to 63 (floating point and vectors). A pinned register is the home of
 * its slot, every other slot's home is the guest state in memory: docs/ARCHITECTURE.md. Constants have no
 * register until an instruction asks for one. The moves that the allocator emits through struct ra_target
 * leave host flags alone.
 *
 * A host's order of calls for one instruction:
 *   ra_reg, ra_any (operands); ra_snapshot (if it may fault); ra_operands_done; ra_take, ra_temp, ra_def
 * and everything is unlocked by ra_begin_ins of the next. One struct ra a compiling thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "backend/flagplan.h"
#include "ir/ir.h"

enum { RA_FPR = 32, RA_NREGS = 64, RA_NONE = 0xff, RA_FRAME_SLOTS = 512, RA_MAX_DEFERRED = 128 };

typedef uint64_t ra_set;
#define RA_BIT(reg) (1ull << (reg))

/* Memory that the allocator moves values to and from. */
enum ra_place { RA_FRAME, RA_STATE };

struct ra_target {
        ra_set temps;                /* what may be allocated; disjoint from pins */
        const uint8_t *slot_pin;     /* by slot: register or RA_NONE */
        const uint16_t *pin_slot;    /* by register: its slot; for those in pins */
        ra_set pins;
        /* Does the code of this op, of type I32, leave zeros above its result? NULL: none does. */
        bool (*zeros_above)(const struct ir_ins *i);
        const struct flag_target *flags; /* NULL: the host has no use for a plan, and there is none */
        /* The callbacks; offsets are from the start of the frame's spill area or of the guest state. */
        void (*move)(void *host, unsigned dst, unsigned src);
        void (*load)(void *host, unsigned dst, enum ir_type type, enum ra_place place, uint32_t offset);
        void (*store)(void *host, enum ir_type type, enum ra_place place, uint32_t offset, unsigned src);
        void (*load_const)(void *host, unsigned dst, enum ir_type type, uint64_t bits);
        void (*store_const)(void *host, enum ir_type type, uint32_t state_offset, uint64_t bits);
};

struct ra_val {
        uint32_t last_use;  /* index of the last instruction that needs it; 0: none */
        ir_ref root;        /* another value that is the same bits, or 0 */
        uint16_t frame;     /* 1 + frame slot (of its kind: scalars and vectors have their own) that holds it, or 0 */
        uint16_t home;      /* 1 + unpinned slot whose home in memory holds it, or 0 */
        uint8_t reg;        /* or RA_NONE */
        uint8_t hint;       /* 1 + pinned register that it should be made in, or 0 */
        uint8_t uses;       /* saturating */
        bool crosses;       /* used in another block than its own */
        bool wide;          /* an I32 in a register with zeros above, kept as an I64: zext32 of it is no code */
};

struct ra_deferred {
        uint16_t slot;
        ir_ref value;
};

struct ra {
        const struct ra_target *t;
        void *host;
        const struct ir_region *r;
        const struct ir_ins *ins;
        struct ra_val *val;             /* by value */
        const struct flag_plan *plan;   /* by instruction, or NULL: see flagplan.h */
        ir_ref reg_val[RA_NREGS];       /* value that a register holds, live or dead */
        ra_set locked;                  /* not to be taken during this instruction */
        ra_set site;                    /* holds a snapshot's value */
        ra_set operands;                /* read by this instruction: only its results may overwrite them */
        uint32_t now;                   /* the instruction being emitted */
        uint32_t live;                  /* values with last_use at least this are live */
        const struct ir_block *block;
        ir_ref *home_val;               /* by slot: the value that its home in memory holds */
        uint16_t *homes;                /* the slots with one */
        unsigned n_homes;
        ra_set bound;                   /* registers with a reg_val */
        struct ra_deferred deferred[RA_MAX_DEFERRED];
        unsigned n_deferred;
        ir_ref frame_val[RA_FRAME_SLOTS];
        ir_ref frame_vec[RA_FRAME_SLOTS / 2]; /* vectors take two slots each, from the end of the frame down */
        unsigned n_frame, n_frame_vec;
        bool failed;                    /* too many values: emission must be given up */
};

/* Where an operand is, for hosts that can use it in place. */
enum ra_kind { RA_REG, RA_IMM, RA_IN_STATE, RA_IN_FRAME };
struct ra_opnd {
        enum ra_kind kind;
        uint8_t reg;
        uint32_t offset;
        uint64_t imm;
};

/* The backward pass over @r; the tables are in its arena. @host is for the callbacks. */
void ra_region(struct ra *ra, const struct ra_target *t, void *host, const struct ir_region *r);
void ra_begin_block(struct ra *ra, const struct ir_block *b);

static inline void ra_begin_ins(struct ra *ra, uint32_t i)
{
        ra->now = ra->live = i;
        ra->locked = ra->site = ra->operands = 0;
}

static inline ir_ref ra_root(const struct ra *ra, ir_ref v)
{
        while (ra->val[v].root)
                v = ra->val[v].root;
        return v;
}

static inline bool ra_is_const(const struct ra *ra, ir_ref v, uint64_t *bits)
{
        const struct ir_ins *i = &ra->ins[ra_root(ra, v)];

        if (i->op != IR_OP_const)
                return false;
        *bits = i->imm;
        return true;
}

/* Is the value needed after the operands of the current instruction were read? */
static inline bool ra_live_after(const struct ra *ra, ir_ref v)
{
        return ra->val[ra_root(ra, v)].last_use > ra->now;
}

/* The value in a register, locked there; loads it if need be. */
unsigned ra_reg(struct ra *ra, ir_ref v);
/* Where the value is now; nothing is moved or locked. */
struct ra_opnd ra_where(const struct ra *ra, ir_ref v);
/* The value wherever it is: in memory only if this is its last use. A register is locked. */
struct ra_opnd ra_any(struct ra *ra, ir_ref v);

/* Operands were given out: those that die here may be overwritten by what is allocated from now on. */
void ra_operands_done(struct ra *ra);

/* Collects where the deferred slots are, for a site that may leave here, before ra_operands_done.
 * Their registers stay untouched until the next instruction, of which at most @max_temps are temporaries (the
 * frame gets what is in others). Returns how many were written to @out (RA_MAX_DEFERRED at most). */
struct slot_loc;
unsigned ra_snapshot(struct ra *ra, struct slot_loc *out, unsigned max_temps);

/*
 * The value of a tree of LOC_EVAL that begins at *@l, which then points past it; @leaf reads the others. The words are
 * of the ops' types.
 */
uint64_t ra_loc_eval(const struct slot_loc **l, uint64_t (*leaf)(void *ctx, const struct slot_loc *l), void *ctx);

/* The operand in @reg has been read: the register may be given to what is allocated from now on. */
static inline void ra_unlock(struct ra *ra, unsigned reg)
{
        ra->locked &= ~RA_BIT(reg);
}

/* Does one of these temporaries hold a live value? */
bool ra_any_live(const struct ra *ra, ra_set regs);

/* A register for the instruction's own use, @prefer if that is free; @fp: of the FP class. */
unsigned ra_temp(struct ra *ra, bool fp, unsigned prefer, ra_set forbid);
/* A general temporary that nobody needs, for the cold code of here alone; RA_NONE if there is none. */
unsigned ra_spare(struct ra *ra, ra_set forbid);
/*
 * Empties a set of registers and locks them; live values move elsewhere (a copy stays in place until
 * overwritten).
 */
void ra_take(struct ra *ra, ra_set regs);

/*
 * The register in which the instruction's result is to be made: the pin it is bound for, else @prefer if it
 * is free, else any; never one of @forbid. ra_def_done follows once the code that computes it is emitted.
 */
unsigned ra_def(struct ra *ra, ir_ref v, unsigned prefer, ra_set forbid);
void ra_def_done(struct ra *ra, ir_ref v);

/* @v is the bits of @of: no code. False if that cannot be (make a copy). */
bool ra_alias(struct ra *ra, ir_ref v, ir_ref of);

void ra_get(struct ra *ra, ir_ref v, unsigned slot);
void ra_put(struct ra *ra, const struct ir_ins *put);
void ra_drop(struct ra *ra, const struct ir_ins *drop);

/* A helper reads or writes the slots of these groups: pinned ones go to memory, or are read again. */
void ra_flush_groups(struct ra *ra, uint64_t groups);
/* before the call: saves live values of those homes */
void ra_clobber_groups(struct ra *ra, uint64_t groups);
void ra_reload_groups(struct ra *ra, uint64_t groups);  /* after it */
