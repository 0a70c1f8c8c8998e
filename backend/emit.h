/* SPDX-License-Identifier: MIT */
/*
 * Code generation as far as no host decides it: the state of an emission, the walk over a region, control and
 * memory (control.c, memory.c). One struct emit a region, on the compiling thread.
 *
 * There is one host in a program. So what a host provides to this are functions by name, declared below; its
 * own emit.h says the roles of registers, the frame and the thunks' conventions.
 */
#pragma once

#include "backend/asm.h"
#include "backend/flagplan.h"
#include "backend/host.h"
#include "backend/regalloc.h"

/* A code cache's host data. */
struct emit_host {
        struct host_features feat;
        const struct slow_ops *slow;
        const struct ir_guest *guest;
        struct ra_target target;
        uint8_t *slot_pin;
        uint16_t pin_slot[RA_NREGS];
        size_t room;            /* what one IR instruction may come to, and what emit_finish writes */
        unsigned spill;         /* where the spill area is in the frame */
        unsigned stub_size;     /* of a link's stub */
        bool vectors;           /* the guest has slots that need whole vector registers */
        /* Executable addresses; NULL what a host does without. */
        const uint8_t *pool;    /* constants that instructions address */
        const uint8_t *enter, *exit, *exit_stored, *exit_at, *no_return, *link, *unwind;
        /* [1] of these keep FP temporaries */
        const uint8_t *load[2], *store[2][4], *slow_store[2], *call[2], *call_fp[2];
        const uint8_t *load128, *store128, *vec;
        /* Slow paths that try first: loads by emit_load_form; [1] of the others: aligned or a fault. */
        const uint8_t *single_load[2][16], *single_load128[2], *single_store128[2];
        const uint8_t *mend[2][4][2]; /* the default NaN always; kind of op; lanes of 64 bits */
        const uint8_t *call_leaf, *rmw, *cas, *cas16, *fp, *hook, *relookup[2], *fma_nan[2];
};

/* Code that is seldom run, emitted after the region's body. */
enum cold_kind {
        COLD_LOAD, COLD_STORE, COLD_RMW, COLD_CAS, COLD_CAS16, COLD_LOOKUP,
        COLD_EXIT_AT, COLD_EXIT_PC, COLD_BUDGET, COLD_STATUS, COLD_POLL_SITE, COLD_STUB, COLD_LANDING,
        /* by cold_op */
        COLD_DIV, COLD_NAN, COLD_FMA, COLD_MINMAX, COLD_TO_INT, COLD_TINY, COLD_SLOW_FP, COLD_VECTOR,
        COLD_ADDEND,
};

struct cold {
        uint8_t kind;
        bool fp_temps;        /* of those, some are live: thunks must keep them */
        bool relookup, write; /* memory: look up again for register t, at addr2 + lo */
        bool single;          /* memory: a range of several was looked up; by itself this access may hit */
        uint8_t n_from;
        uint8_t d, t, x, y, z; /* registers; the host's numbers, or the allocator's for memory */
        uint8_t *from[3];     /* the jumps that come here, as emit_patch wants them */
        uint8_t *back;        /* where to go on */
        const struct ir_ins *i;
        struct ra_opnd addr, addr2, value, value2; /* guest address without imm */
        uint32_t first_loc, n_locs, insn;
        uint16_t page_offset;
        int64_t imm;
        uint32_t lo_span;     /* relookup: the limit */
        int32_t lo;
        struct {
                uint8_t a, t;     /* the host's: address without lo, a temporary */
                uint8_t spare;    /* another one, or RA_NONE */
                uint8_t span;     /* 0: not here */
                bool aligned;     /* to the span */
                bool first;       /* the host's: the probe tests lines itself, and ends at @probed */
                uint16_t window;  /* the host's: a load of so many bytes by the window; goes on at @probed */
                int32_t lo;
                uint8_t *probed;
        } beside;             /* memory: from[0] is a probe for stores, which may yet hit; or one by window */
};

struct emit_fixup {
        uint8_t *at;
        uint32_t block;
};

struct emit {
        struct asm_out a;
        struct ra ra;
        const struct emit_host *h;
        const struct ir_region *r;
        struct compiled *out;
        uint8_t *limit;
        struct cold *cold;
        unsigned n_cold;
        uint8_t **block_at;         /* by block, or NULL */
        uint8_t *lookup_end;        /* where the latest shared lookup's code ended, and its cold piece */
        struct cold *lookup_cold;
        struct emit_fixup *fixups;
        unsigned n_fixups;
        ir_ref *entry_insn;         /* by block: see ir_entry_insns; NULL if there is only one */
        bool *skip_block;           /* folded into a conditional link */
        uint32_t block;             /* being emitted */
        uint32_t insn;              /* guest instruction in force */
        uint32_t budget;            /* what the region took from hot.budget, 0 if nothing */
        uint16_t page_offset;       /* of that instruction */
        struct {
                uint32_t at;            /* the op */
                uint8_t *begin, *end;   /* of the code to be undone, and where it ended: nothing may come after it */
                uint8_t reg, log2;      /* what was shifted, by how much */
        } scaled;                   /* the latest shift that an addition could do by scaling its index */
        struct {
                uint8_t *end;
                uint8_t reg, base, index, log2;
        } sum;                      /* the latest sum of two registers in a third one */
        void *own;                  /* what the host keeps beside; NULL at first */
};

/* What loads of general registers differ by, as a number. */
static inline unsigned emit_load_form(unsigned size_log2, bool sign, bool w)
{
        return size_log2 | (unsigned)sign << 2 | (unsigned)w << 3;
}

static inline bool is_wide(enum ir_type t)
{
        return t == IR_I64 || t == IR_F64;
}

static inline enum ir_type arg_type(const struct emit *e, const struct ir_ins *i)
{
        return (enum ir_type)e->r->ins[i->arg[0]].type;
}

/* ---- cold code ---- */
struct cold *emit_cold(struct emit *e, enum cold_kind kind, const struct ir_ins *i);
void emit_cold_from(struct cold *c, uint8_t *jump);
/* Notes the state of deferred slots for a fault in @c: see ra_snapshot. */
void emit_site(struct emit *e, struct cold *c, unsigned max_temps);
/* The call before this point may leave the region: makes its struct fault_site. */
void emit_site_here(struct emit *e, const struct cold *c);

/* ---- for struct host_ops ---- */
bool emit_init(struct code_buf *buf, void **host_data, const struct slow_ops *slow,
               const struct ir_guest *guest, GError **error);
void emit_fini(void *host_data);
enum emit_status emit_region(void *host_data, const struct ir_region *r, struct compiled *out);
const uint8_t *emit_no_return(void *host_data);
/* unwind.c here */
enum ir_exit emit_enter(void *host_data, struct vcpu *v, const uint8_t *door);

/* The registers by the allocator's numbers. */
struct emit_saved {
        uint64_t gpr[RA_FPR], fpr[RA_NREGS - RA_FPR][2];
};

/*
 * For the thunk h->unwind: a slow path or helper answered @status at the site that returns to @ret. Makes the
 * guest state whole; the reason to exit with.
 */
uint64_t emit_unwind(struct vcpu *v, const struct emit_saved *saved, const uint8_t *ret, uint64_t status,
                     const uint8_t *frame, const struct emit_host *h);

/* ---- what the host provides: its emit.c ---- */
/* Room and other sizes, features, the allocator's target; pins by emit_assign_pins. */
void emit_setup(struct emit_host *h);
/* Writes what all regions share; false if it does not fit. */
bool emit_thunks(struct emit_host *h, struct code_buf *buf);
/* What comes behind the cold code. The end is a multiple of 16. */
void emit_finish(struct emit *e);
/* Points the jump at @at, as an emitter of jumps returned it, to @target. */
void emit_patch(struct emit *e, uint8_t *at, const uint8_t *target);
/* A jump, to be patched. */
uint8_t *emit_jump(struct emit *e);
/* The rest of cold code: what ops other than those of memory and control have there. */
void cold_op(struct emit *e, const struct cold *c);

/*
 * Gives the guest's pins registers, as far as they go: general ones of @gprs, others from @first_fpr (the
 * allocator's number) on. @reaches: is the slot's home one that a single instruction loads? NULL: all are.
 */
void emit_assign_pins(struct emit_host *h, const uint8_t *gprs, unsigned n_gprs, unsigned first_fpr,
                      unsigned n_fprs, bool (*reaches)(const struct ir_slot *s));

/* Any operand as argument @n of a thunk. */
void emit_out_arg(struct emit *e, unsigned n, const struct ra_opnd *o, enum ir_type type);
/* What a thunk returned, to @d (the allocator's number), unless that is the scratch register. */
void emit_from_scratch(struct emit *e, unsigned d);

/* Any operand (general) to a register, whatever the type; leaves flags alone. */
void emit_opnd_to(struct emit *e, unsigned dst, const struct ra_opnd *o, bool w);
/* A float operand to a register (the allocator's number); leaves flags alone. */
void emit_fp_opnd_to(struct emit *e, unsigned dst, const struct ra_opnd *o, enum ir_type type);
void emit_move(struct emit *e, unsigned dst, unsigned src); /* the allocator's numbers */

/* ---- flags.c: readers of condition flags (backend/flagplan.h) ---- */
struct flag_operands {
        struct ra_opnd x, y;
        const struct ir_ins *op; /* the flag op; x and y are its operands, or those of the `and` in it */
        bool test;               /* the latter */
};

/* A reader between ra_operands and the code that reads. */
struct flag_reader {
        struct flag_operands of; /* FLAG_AGAIN: what to compute; FLAG_WORD: the word in a register, in x */
        const struct flag_plan *plan;
};

/* The carry of a sum: a reader's condition, or a value, 0 or 1. */
struct flag_carry {
        struct flag_reader reader;
        struct ra_opnd value;
        bool is_reader;
};

struct ra_opnd emit_in_register(struct emit *e, ir_ref v);
/* Does instruction @at read flags by the plan? */
bool emit_is_reader(const struct emit *e, uint32_t at);
struct flag_reader emit_reader_operands(struct emit *e, uint32_t at);
struct flag_carry emit_carry_operands(struct emit *e, uint32_t at);
/* Where the operands of flag op @f are, for computing its flags here. */
void emit_flag_operands(struct emit *e, ir_ref f, struct flag_operands *o);
/* The host's: x and y for an integer op, or the `and` in it, in the forms that its instructions take. */
void emit_integer_operands(struct emit *e, const struct ir_ins *i, struct flag_operands *o);
/* The host's: a reader's whole code, its result 0 or 1. */
void emit_reader_value(struct emit *e, uint32_t at);

/* ---- ops, as the table in emit.c has them: one instruction's code ---- */
typedef void emit_op(struct emit *e, uint32_t at, const struct ir_ins *i);

/* the host's select.c */
emit_op emit_pcaddr, emit_alu, emit_mul, emit_mul_high, emit_div, emit_unary, emit_count_zeros, emit_bytes;
emit_op emit_shift, emit_extend, emit_low_half, emit_setcc, emit_select;
/* its flags.c */
emit_op emit_field, emit_insert, emit_extr, emit_carry_sum;
emit_op emit_fl_op, emit_fl_with, emit_fl_merge, emit_fl_test;
/* its float.c */
emit_op emit_fbox, emit_funbox, emit_farith, emit_fma, emit_fminmax, emit_fcmp, emit_fsign, emit_fround;
emit_op emit_fcvt_ff, emit_fcvt_fi, emit_fcvt_if;
/* its memory.c */
emit_op emit_ld, emit_st, emit_rmw, emit_cas, emit_cas16;
/* its vector.c: all of them */
emit_op emit_vector;
/* memory.c, float.c, control.c here; the last has what is in no other file */
emit_op emit_lookup, emit_bitcast, emit_slow_fp, emit_control;

/* ---- comparisons: those of setcc, select and brcc ---- */
struct comparison {
        struct ra_opnd x, y; /* y, if one is a constant */
        enum ir_cond cond;
        bool w;
};

void emit_comparison(struct emit *e, struct comparison *c, enum ir_cond cond, bool w, ir_ref x, ir_ref y);

/* ---- memory.c here ---- */
static inline int32_t emit_lookup_lo(const struct ir_ins *lookup)
{
        return (int32_t)lookup->imm;
}

static inline int32_t emit_lookup_span(const struct ir_ins *lookup)
{
        return (int32_t)(lookup->imm >> 32) - emit_lookup_lo(lookup);
}

/* What an access comes to before the access itself. */
struct touch {
        const struct ir_ins *i, *lookup;
        struct cold *c;
        unsigned a, h;     /* registers: guest address; host address of a shared lookup; or RA_NONE */
        unsigned t;        /* the host's: a temporary of a fused lookup */
        bool fused, slow;
};

void cold_memory(struct emit *e, const struct cold *c);
/* Begins one. @address: a fused lookup's is wanted in a register even if the slow path does all. */
void touch_operands(struct emit *e, struct touch *t, const struct ir_ins *i, enum cold_kind kind,
                    bool address);
/* All operands have their places: notes them for the cold code. */
void touch_site(struct emit *e, struct touch *t, unsigned max_temps);
/*
 * The lookup is shared: notes what the cold code does for its other users. True if the touch stands right
 * behind it, and needs no test of its own.
 */
bool touch_follows_lookup(struct emit *e, struct touch *t);

/* ---- the host's memory.c ---- */
/* What never goes inline: other views, foreign byte order, what the host has no instruction for. */
bool emit_always_slow(const struct emit *e, const struct ir_ins *i);
/*
 * @d = the host address of @a + @lo, where @span bytes may be accessed; jumps to @c if the TLB does not say
 * so.
 */
void emit_host_address(struct emit *e, struct cold *c, unsigned d, unsigned a, int32_t lo, bool write,
                       int32_t span);
/* The same, without one. */
void cold_no_address(struct emit *e, unsigned d);
/*
 * Begins the cold code of a probe for stores: where the page is writable but for lines with code, and these
 * bytes lie in none of them, it goes back and on as if the probe had hit. It may leave all that to the
 * thunks.
 */
void cold_beside(struct emit *e, const struct cold *c);
/* Arguments of slow paths in the frame: a value, a vector; and the vector that one returned. */
void cold_value_arg(struct emit *e, unsigned n, const struct ra_opnd *o);
void cold_vector_arg(struct emit *e, unsigned reg);
void cold_vector_value(struct emit *e, unsigned reg);
/* Calls @thunk for guest address @addr + @imm and @word; @site: what it may leave from, or NULL. */
void cold_call(struct emit *e, const struct ra_opnd *addr, int32_t imm, const uint8_t *thunk, uint32_t word,
               const struct cold *site);

/* ---- control.c here ---- */
void cold_control(struct emit *e, const struct cold *c);
/* Where @from jumps to, the region is left with the pc in @reg. */
void emit_exit_pc(struct emit *e, const struct ir_ins *i, uint8_t *from, enum ir_exit reason, unsigned reg);
/* The jump that was just emitted, and can be patched while it runs, becomes a link to page + @target. */
void emit_link(struct emit *e, const struct ir_ins *i, uint8_t *jump, int64_t target);
/*
 * Within the page, and not so near its end that the instruction there may need the next one: that wants a
 * guard.
 */
bool emit_in_page(int64_t offset);
/* The jump at @at is one to @block. */
void emit_fixup(struct emit *e, uint8_t *at, uint32_t block);
/* Goes on at @block, the last thing the block being emitted does. */
void emit_go_to(struct emit *e, uint32_t block);

/* ---- the host's control.c ---- */
void emit_fence(struct emit *e, uint32_t mask);
void emit_brcc(struct emit *e, uint32_t at, const struct ir_ins *i);
/* Jumps if hot.poll is set. */
uint8_t *emit_poll(struct emit *e);
/* A jump that emit_link can make a link of. */
uint8_t *emit_link_jump(struct emit *e);
/* Goes to page + imm through the jump cache; @landed: vpage_base is the target's already. */
void emit_cross_page(struct emit *e, const struct ir_ins *i, int64_t imm, bool landed);
/* Goes to the guest address in @pc by the return stack, if that is what exit_ind says, or the jump cache. */
void emit_indirect(struct emit *e, const struct ir_ins *i, unsigned pc);
/* Pushes an entry whose host address is that of @landing. */
void emit_ret_push(struct emit *e, const struct ir_ins *i, struct cold *landing);
/* Leaves for page + @imm. */
void emit_exit_at(struct emit *e, enum ir_exit reason, int64_t imm);
/* hot.budget less e->budget, or with cold_budget as it was, where @c goes to if it has become negative. */
void emit_budget_take(struct emit *e, struct cold *c);
void emit_budget_add(struct emit *e, uint32_t n);
void cold_budget(struct emit *e, const struct cold *c);
/* hot.pc = that of the guest instruction in force */
void emit_pc(struct emit *e);
void emit_call_exec(struct emit *e, const uint8_t *thunk);
/* By @thunk, with arguments in the frame; the value is in the scratch register then. */
void emit_call_helper(struct emit *e, uint64_t fn, const uint8_t *thunk);
/* Jumps if the status of that call is not 0; what reloads pins may have come between. */
uint8_t *emit_status_jump(struct emit *e);
/* Wide words 0 to 3 */
void emit_wide_store(struct emit *e, unsigned n, unsigned reg);
void emit_wide_load(struct emit *e, unsigned reg, unsigned n);
void cold_exit_pc(struct emit *e, enum ir_exit reason, unsigned pc);
/* Argument 0 of a thunk becomes @status. */
void cold_status(struct emit *e, uint32_t status);

/* ---- float.c here ---- */
/* How the op rounds: an enum ir_round; and does it so as the region's mode does, in a way that hosts can? */
unsigned emit_rounding(const struct emit *e, const struct ir_ins *i);
bool emit_rounds_here(const struct emit *e, const struct ir_ins *i);
/* The op by soft-float, for operands at @args; the result is in the scratch register. */
void cold_slow_fp(struct emit *e, const struct ir_ins *i, const struct ra_opnd *args);

/* ---- the host's float.c ---- */
/* Of ops that raise FP flags, but for vectors: does the host do this one, in this mode? Else emit_slow_fp does. */
bool emit_fp_inline(const struct emit *e, const struct ir_ins *i);
/* Sticky flags of the host's FP unit as the guest's. */
void emit_harvest(struct vcpu *v, uint32_t flags);
