/* SPDX-License-Identifier: MIT */
/*
 * The intermediate representation: a region is a control-flow graph of blocks of typed SSA instructions.
 * Frontends build regions from guest code, passes rewrite them, backends and the reference interpreter
 * execute them. Nothing here knows a guest or a host: guest registers are slots described by struct ir_guest,
 * host limits are lowered by the backend. docs/ir.md is the reference; ir/ops.def has one row an operation.
 *
 * A region and everything in it live in one arena and belong to the thread that compiles it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <glib.h>

struct arena;
struct vcpu;

/* An instruction of a region, named by its index; also the value that it produces. 0 is no value. */
typedef uint32_t ir_ref;

enum ir_type {
        IR_VOID,
        IR_I32,
        IR_I64,
        IR_F32, /* a host FP register; the bits above 31 mean nothing */
        IR_F64,
        IR_V128, /* a host vector register of 16 bytes: lanes of 8 to 64 bits, the lowest first; ir/vec.h */
        IR_FLAGS, /* a word of condition flags in the host's layout, 32 bits: ir/flags.h */
        IR_TYPE_COUNT
};

/* Conditions of setcc, select and brcc; the negation of each is its number ^ 1. */
enum ir_cond {
        IR_EQ, IR_NE,
        IR_LTU, IR_GEU,
        IR_LTS, IR_GES,
        IR_LEU, IR_GTU,
        IR_LES, IR_GTS,
        IR_TSTZ, IR_TSTNZ, /* (a & b) == 0, != 0 */
        IR_COND_COUNT
};

/*
 * Conditions of fl_test; the negation of each is its number ^ 1. The last six read the flags of fl_sub as the
 * orders of what was subtracted.
 */
enum ir_flcond {
        IR_FL_Z, IR_FL_NZ,
        IR_FL_C, IR_FL_NC,
        IR_FL_N, IR_FL_NN,
        IR_FL_V, IR_FL_NV,
        IR_FL_P, IR_FL_NP,
        IR_FL_A, IR_FL_NA,
        IR_FL_LEU, IR_FL_GTU, /* C | Z */
        IR_FL_LTS, IR_FL_GES, /* N ^ V */
        IR_FL_LES, IR_FL_GTS, /* Z | (N ^ V) */
        IR_FLCOND_COUNT
};

/* aux of the flag ops that compute: the width, 8 to 64, and IR_FL_NOT_C: the C of the result is inverted. */
enum { IR_FL_WIDTH = 0x7f, IR_FL_NOT_C = 0x100 };

/*
 * aux of fl_fcmp: the arguments' type, how the outcome is told, and IR_FL_SIGNALS: quiet NaNs raise invalid
 * too. By sign: less N and C, equal Z, greater nothing, unordered V. By carry: less C, equal Z, greater
 * nothing, unordered Z, P and C.
 */
enum { IR_FL_BY_SIGN = 0, IR_FL_BY_CARRY = 16, IR_FL_SIGNALS = 32 };

/*
 * Conditions of fcmp and vfcmp. eq and un (unordered) are quiet; lt and le signal on any NaN (IEEE 754-2019
 * 5.11), unless aux says otherwise: IR_FCMP_QUIET, IR_FCMP_SIGNALING. All but un are 0 when unordered.
 */
enum ir_fcond { IR_FEQ, IR_FLT, IR_FLE, IR_FUN, IR_FCOND_COUNT };
enum ir_fcmp_flags { IR_FCMP_QUIET = 16, IR_FCMP_SIGNALING = 32 };

/* What fmin and fmax (and vfmin, vfmax: from bit 8 up) compute; in aux. */
enum ir_fminmax {
        IR_MM_NUMBER,  /* minimumNumber of IEEE 754-2019: a number beats any NaN; -0 is below +0 */
        IR_MM_NUM2008, /* minNum of IEEE 754-2008: a number beats a quiet NaN; -0 below +0 */
        IR_MM_NAN,     /* minimum of IEEE 754-2019: any NaN makes the result a NaN, by the NaN rule; -0 is
                          below +0 */
        IR_MM_LESS,    /* a < b ? a : b (max: a > b), so b if unordered or equal; any NaN raises invalid */
        IR_MM_COUNT
};

/* Rounding of FP ops. IR_RM_MODE is the rounding mode the region was made for (struct ir_fpmode). */
enum ir_round { IR_RM_RNE, IR_RM_RTZ, IR_RM_RDN, IR_RM_RUP, IR_RM_RMM, IR_RM_MODE };

enum ir_op {
#define OP(name, types, nargs, flags, eval, doc) IR_OP_##name,
#include "ir/ops.def"
#undef OP
        IR_OP_COUNT
};

/* Properties of an op (ops.def, flags column). */
enum ir_op_flags {
        IR_PURE = 1 << 0,      /* no effect: may be removed, merged, moved */
        IR_COMM = 1 << 1,      /* the first two arguments commute */
        IR_FPSTATE = 1 << 2,   /* raises sticky FP flags: never removed, never moved over a guard */
        IR_MAY_FAULT = 1 << 3, /* may leave the region with a guest exception */
        IR_MAY_EXIT = 1 << 4,  /* may leave the region otherwise; a door: slots must be in their homes */
        IR_TERM = 1 << 5,      /* ends a block */
        IR_HAS_COND = 1 << 6,
        IR_HAS_IMM = 1 << 7,
        IR_HAS_MEM = 1 << 8,
        IR_MEM_READ = 1 << 9,
        IR_MEM_WRITE = 1 << 10,
        IR_HAS_ROUND = 1 << 11,
};

/* What the types column of ops.def admits; the builder and the verifier enforce it. */
enum ir_sig {
        IR_SIG_INT,     /* result and arguments of one type, I32 or I64 */
        IR_SIG_FP,      /* result and arguments of one type, F32 or F64 */
        IR_SIG_SETCC,   /* two integers of one type (in aux) -> I64 0 or 1 */
        IR_SIG_FCMP,    /* two floats of one type (in aux) -> I64 0 or 1 */
        IR_SIG_SELECT,  /* compare (0, 1) of one integer type (in aux); results (2, 3) of another; result type
                           = ins type */
        IR_SIG_CONV,    /* fixed by the op: see its doc */
        IR_SIG_LANE,    /* result and arguments V128; each lane by itself (lanes as aux says), which
                           evaluation is of */
        IR_SIG_VEC,     /* vectors: fixed by the op, see ir_vec_arg_ok in ir/vec.h; no FP flags */
        IR_SIG_VFP,     /* vectors: floating-point lanes, likewise */
        IR_SIG_BITS,    /* as IR_SIG_INT, with positions in aux or a third argument; evaluated by eval.c */
        IR_SIG_FLAGS,   /* condition flags: see the op's doc; evaluated by eval.c */
        IR_SIG_MEM,     /* memory: see the op's doc */
        IR_SIG_CTRL,    /* control and state: see the op's doc */
};

/* How a memory operation goes about its access (decision 4). Fits 32 bits. */
struct ir_mem {
        uint32_t size_log2 : 3;  /* bytes moved: 1 << size_log2, 0 to 4 */
        uint32_t sign : 1;       /* integer loads: sign-extend to the type */
        uint32_t big_endian : 1;
        uint32_t align : 1;      /* natural alignment is demanded: else the touch takes its slow path, which
                                    faults */
        uint32_t acquire : 1;
        uint32_t release : 1;
        uint32_t write : 1;      /* lookup: wants write permission (stores, atomics) */
        uint32_t view : 2;       /* which data view of the vCPU: 0 the current one; others are for the
                                    frontends */
        uint32_t atomic : 1;     /* the slow path must be single-copy atomic, and raises store-class faults */
        uint32_t rmw : 4;        /* enum ir_rmw */
        uint32_t nofault : 1;
        uint32_t for_write : 1;  /* loads: a store to the same place follows; faults are those of the store */
        uint32_t sc : 1;         /* with acquire or release: ordered among each other, too (not only as C11
                                    acq_rel) */
};

enum ir_rmw { IR_RMW_SWAP, IR_RMW_ADD, IR_RMW_AND, IR_RMW_OR, IR_RMW_XOR,
              IR_RMW_MINS, IR_RMW_MAXS, IR_RMW_MINU, IR_RMW_MAXU, IR_RMW_COUNT };

/* fence masks: what before is ordered with what after */
enum ir_fence { IR_FENCE_LL = 1, IR_FENCE_LS = 2, IR_FENCE_SL = 4, IR_FENCE_SS = 8, IR_FENCE_ALL = 15 };

/* Why op exit leaves the region; what the run loop does about it. The continuation pc is the op's. */
enum ir_exit {
        IR_EXIT_LOOKUP,    /* go on at pc; mode, mapping or context may have changed: find the region anew */
        IR_EXIT_EXCEPTION, /* a helper recorded an exception in the vCPU: deliver it */
        IR_EXIT_HALT,      /* wait for an interrupt (WFI), then go on at pc */
        IR_EXIT_POLL,      /* the poll word was set */
        IR_EXIT_BUDGET,    /* deterministic mode: the instruction budget is used up */
        IR_EXIT_DEBUG,     /* breakpoint, single step or watchpoint */
        IR_EXIT_EXCLUSIVE, /* run the one instruction at pc while all other vCPUs stand still */
        IR_EXIT_LINK,      /* backends: an unlinked direct exit was taken */
        IR_EXIT_INDIRECT,  /* backends: an indirect exit missed the jump cache; pc is set */
        IR_EXIT_YIELD,     /* a pause hint, or a wait that the run loop does (revocations) */
        IR_EXIT_ONCE,      /* translate the one instruction at pc alone and run it: its store changes code */
        IR_EXIT_COUNT
};

/* Hints of exit_ind. */
enum ir_jump { IR_JUMP_PLAIN, IR_JUMP_CALL, IR_JUMP_RETURN };

/* Instruction flags */
enum ir_ins_flags {
        IR_INS_DEFERRED = 1 << 0, /* put: overwritten later with only fault sites between; no code, but the
                                     value is the slot's in the fault maps until the later put (whose arg[1]
                                     is this value) */
        IR_INS_DEAD = 1 << 1,     /* removed by a pass; skipped by all */
};

/* 32 bytes, so that two share a cache line. */
struct ir_ins {
        uint8_t op;     /* enum ir_op */
        uint8_t type;   /* enum ir_type: the result's; for ops without one, the stored or compared type */
        uint8_t cond;   /* ir_cond, ir_fcond, ir_round, ir_exit, ir_jump: by op */
        uint8_t flags;  /* enum ir_ins_flags */
        union {
                struct ir_mem mem;
                uint32_t aux; /* by op: slot id, type of compared arguments, poll flag, ... */
        };
        ir_ref arg[4];
        int64_t imm;
};
_Static_assert(sizeof(struct ir_ins) == 32, "struct ir_ins is two to a cache line");

/* A block: instructions [first, end) of the region in order; the last one is its terminator. */
struct ir_block {
        uint32_t first, end;
        uint32_t n_preds;
};

/* Which NaN an operation delivers when the result is one (IEEE 754-2019 6.2). */
enum ir_nan_rule {
        IR_NAN_FIRST,      /* the first NaN operand, made quiet; the default NaN is negative (x86 SSE) */
        IR_NAN_DEFAULT,    /* always the default NaN: positive, quiet, no payload (RISC-V; ARM with DN) */
        IR_NAN_SIGNALING,  /* the first signaling operand, else the first NaN; of an fma c comes before a and
                              b; the default NaN is positive (ARM) */
        IR_NAN_RULE_COUNT
};

/* What replaces a tiny result, with its sign. */
enum ir_flush_out {
        IR_FLUSH_OFF,
        IR_FLUSH_UF,       /* zero, and underflow alone; what is tiny is told before rounding (ARM FPCR.FZ) */
        IR_FLUSH_UF_NX,    /* zero, and underflow with inexact (x86 MXCSR.FTZ) */
        IR_FLUSH_COUNT
};

/* What fcvt_fi gives for what the integer cannot hold; all raise invalid, and not inexact. */
enum ir_int_rule {
        IR_INT_SATURATE,      /* the nearest integer; a NaN is the greatest (RISC-V) */
        IR_INT_SATURATE_ZERO, /* the nearest integer; a NaN is 0 (ARM) */
        IR_INT_INDEFINITE,    /* the top bit alone; unsigned: all ones (x86) */
        IR_INT_RULE_COUNT
};

/* The FP environment a region is compiled for; part of the mode word, so constant within the region. */
struct ir_fpmode {
        uint8_t round;        /* enum ir_round, not IR_RM_MODE */
        uint8_t nan;          /* enum ir_nan_rule */
        uint8_t flush_out;    /* enum ir_flush_out */
        uint8_t int_rule;     /* enum ir_int_rule */
        bool flush_in;        /* subnormal operands count as zeros; FP_ID is raised unless note_denormal */
        bool tininess_before; /* underflow is told before rounding (ARM), else after */
        bool note_denormal;   /* the guest has a flag for subnormal operands, FP_DE (x86) */
        bool fma_inf_zero_nan_invalid; /* fma(inf, 0, qNaN) raises invalid (RISC-V, ARM) */
};

/* One guest register: a place in the vCPU's guest state. Slots never overlap. */
struct ir_slot {
        const char *name;
        uint8_t type;     /* enum ir_type of get and put */
        uint8_t group;    /* 0..63: which bit of the helpers' read and write masks covers it */
        uint32_t offset;  /* bytes from the start of the guest state */
};

/* What a helper does, so that passes and backends need not assume the worst. */
struct ir_helper {
        const char *name;
        /*
         * All helpers have one shape: up to four integer arguments, a value and a status. A status of 0 goes
         * on; otherwise it is 1 + enum ir_exit: the region is left with the state exact at this instruction,
         * except that results of this helper in slots stay.
         */
        struct ir_helper_ret (*fn)(struct vcpu *, uint64_t, uint64_t, uint64_t, uint64_t);
        uint8_t n_args;
        uint8_t type;           /* result: IR_VOID, IR_I32 or IR_I64 */
        bool pure;              /* depends on its arguments alone */
        bool may_exit;          /* may return a status other than 0 */
        bool no_return;         /* always does */
        bool fpstate;           /* reads or writes the host's FP modes or flags */
        bool leaf;              /* compiled for general registers alone, and calls nothing that is not */
        uint64_t reads, writes; /* masks of slot groups */
};
struct ir_helper_ret {
        uint64_t value, status;
};

/* A guest architecture as the IR sees it. Constant data that a frontend owns. */
struct ir_guest {
        const char *name;
        const struct ir_slot *slots; /* by slot id */
        uint32_t n_slots;
        const struct ir_helper *const *helpers; /* NULL-terminated; only the parser needs it */
        const uint16_t *pins;        /* slot ids worth a host register, hottest first, both classes mixed */
        uint32_t n_pins;
        const uint16_t *spare;       /* I64 slots that are no register, for passes between blocks */
        uint32_t n_spare;
        uint8_t unread_flags;        /* enum ir_flag: the guest never looks; in words they may be anything */
};

struct ir_region {
        struct arena *arena;
        const struct ir_guest *guest;
        struct ir_fpmode fp;
        struct ir_ins *ins;          /* ins[0] is unused */
        uint32_t n_ins, cap_ins;
        struct ir_block *blocks;     /* blocks[0] is the entry */
        uint32_t n_blocks, cap_blocks;
        uint32_t n_guest_insns;
        uint32_t guest_bytes;        /* code bytes covered, from start_offset */
        uint32_t start_offset;       /* of the first instruction in its guest page */
        uint64_t mode;               /* the mode word, for the printer */
        bool has_flags;              /* the builder met ops of condition flags */
        bool loops;                  /* a branch to the region's own start may become a loop in it */
        bool deterministic;          /* undefined flags are defined; budget ops are present */
        bool keep_deps;              /* the builder keeps syntactic dependencies, by which weakly ordered
                                        guests order accesses: x - x is not 0 then. For hosts that are weakly
                                        ordered, too */
        bool raw;                    /* tests: the builder applies no rule: something for passes to do */
        uint16_t mutant;             /* tests: the enum ir_rule that goes wrong in this region; 0 is none */
};

struct ir_op_info {
        const char *name;
        uint8_t sig;    /* enum ir_sig */
        uint8_t n_args; /* fixed number of arguments; helper calls: up to four */
        uint16_t flags;
        const char *doc;
};
extern const struct ir_op_info ir_ops[IR_OP_COUNT];

struct ir_region *ir_region_new(struct arena *a, const struct ir_guest *guest);

/*
 * The guest instruction in force where each block begins: entry[block] is its insn op, or 0 where none has
 * begun (the region's entry) or the block cannot be reached. An exit that stands in a block of its own
 * belongs to the instruction that branched to it. @entry has room for all blocks.
 */
void ir_entry_insns(const struct ir_region *r, ir_ref *entry);

/*
 * The immediate dominator of each block that can be reached (of the entry: itself); UINT32_MAX for the
 * others. @idom has room for all blocks.
 */
void ir_dominators(const struct ir_region *r, uint32_t *idom);

/* Successors of the block that terminator @t ends; how many (0 to 2). */
unsigned ir_successors(const struct ir_ins *t, uint32_t next[2]);

/* ---- printing, parsing, checking ---- */
void ir_print(FILE *to, const struct ir_region *r);
struct ir_region *ir_parse(struct arena *a, const struct ir_guest *guest, const char *text, GError **error);

/* Every rule of docs/ir.md: types, dominance, terminators, memory attributes, deferred puts. */
bool ir_verify(const struct ir_region *r, GError **error);

/*
 * ---- passes ----
 * The builder applies the rules of ir/rules.def as it goes; ir_optimise (opt_*.c) does what needs the whole
 * block: shares lookups, removes or defers puts, drops dead code. ir_reduce makes @r anew through the
 * builder, for regions that did not come from it (parsed, or stitched together).
 */
void ir_optimise(struct ir_region *r);
struct ir_region *ir_reduce(struct arena *a, const struct ir_region *r);

/* ---- evaluation, shared by folding and the interpreter ---- */
/* Evaluates a pure op on constants (words of their type, zero-extended); false if the op is not foldable. */
bool ir_eval(const struct ir_ins *i, const uint64_t *args, uint64_t *result);
bool ir_cond_eval(enum ir_cond cond, enum ir_type type, uint64_t a, uint64_t b);

static inline enum ir_cond ir_cond_negate(enum ir_cond c)
{
        return (enum ir_cond)(c ^ 1);
}

/* Whether op @i has a result: the call of a helper without one, a store or a put has not. */
static inline bool ir_has_result(const struct ir_ins *i)
{
        switch (i->op) {
        case IR_OP_nop: case IR_OP_put: case IR_OP_st: case IR_OP_fence: case IR_OP_insn: case IR_OP_hook:
        case IR_OP_drop: case IR_OP_wput: case IR_OP_cas16:
        case IR_OP_budget: case IR_OP_poll: case IR_OP_br: case IR_OP_brcc: case IR_OP_exit_jump:
        case IR_OP_exit_ind: case IR_OP_exit: case IR_OP_ret_push:
                return false;
        case IR_OP_call:
                return i->type != IR_VOID;
        default:
                return true;
        }
}

/* The field of extu, exts and insert in aux. */
static inline uint32_t ir_field(unsigned pos, unsigned len)
{
        return pos | len << 8;
}

static inline unsigned ir_field_pos(uint32_t aux)
{
        return aux & 0xff;
}

static inline unsigned ir_field_len(uint32_t aux)
{
        return aux >> 8;
}

/* A lookup's range, bytes from its base: [lo, hi). */
static inline int32_t ir_lookup_lo(const struct ir_ins *i)
{
        return (int32_t)i->imm;
}

static inline int32_t ir_lookup_hi(const struct ir_ins *i)
{
        return (int32_t)(i->imm >> 32);
}

static inline int64_t ir_lookup_range(int32_t lo, int32_t hi)
{
        return (int64_t)((uint64_t)(uint32_t)hi << 32 | (uint32_t)lo);
}

/* The condition that holds for (b, a) when @c holds for (a, b). */
enum ir_cond ir_cond_swap(enum ir_cond c);

static inline bool ir_type_is_fp(enum ir_type t)
{
        return t == IR_F32 || t == IR_F64;
}

/* Does the value live in a floating-point (that is, vector) register? */
static inline bool ir_type_in_fpr(enum ir_type t)
{
        return t >= IR_F32 && t <= IR_V128;
}

/* Bytes of a value of the type. */
static inline unsigned ir_type_size(enum ir_type t)
{
        return t == IR_V128 ? 16 : t == IR_I64 || t == IR_F64 ? 8 : 4;
}
