/* SPDX-License-Identifier: MIT */
/*
 * Guest memory: lookups, loads, stores and atomics. A lookup with one user is fused with it:
 *
 *      rorx r11d, a, 7; and r11d, mask; t = a - [r15 + r11].tag; cmp t, 4096 - n; ja cold
 *      mov r11, [r15 + r11].addend; mov d, [r11 + a]
 *
 * The tag is off the path from one pointer to the next. So is the entry as a whole where pages are known to
 * have one addend, nearly all (struct compiled, linear), and the address comes from memory itself: then a
 * load goes by that addend, and the entry has to agree:
 *
 *      mov t, addend; cmp [r15 + r11].addend, t; jne cold; mov d, [t + a]
 *
 * Lookups with several users: backend/memory.c.
 *
 * TSO gives every acquire and release; only atomics and StoreLoad fences need an instruction of their own.
 * All generated code that can fault does so in cold code, and no register with guest state is written before
 * that.
 */
#include "backend/x86_64/emit.h"

#include "base/arena.h"

enum { INDEX_MASK = (TLB_ENTRIES - 1) << 5 };

/* Of 16 bytes, only vectors. */
bool emit_always_slow(const struct emit *e, const struct ir_ins *i)
{
        return i->mem.view || i->mem.big_endian || (i->mem.size_log2 > 3 && i->type != IR_V128);
}

struct x86_own *x86_own(struct emit *e)
{
        if (!e->own)
                e->own = arena_zalloc(e->r->arena, sizeof(struct x86_own));
        return e->own;
}

void x86_tlb_index(struct emit *e, unsigned a)
{
        if (e->h->feat.bmi2) {
                x86_rorx(&e->a, false, SCRATCH, a, 7);
        } else {
                x86_mov(&e->a, false, SCRATCH, a);
                x86_shift_imm(&e->a, SH_SHR, false, SCRATCH, 7);
        }
        x86_alu_imm(&e->a, ALU_AND, false, SCRATCH, INDEX_MASK);
}

/* t = (a + imm) - tag, r11 = index; jumps if that is not below 4096 - span */
static uint8_t *emit_probe(struct emit *e, unsigned t, unsigned a, int32_t imm, bool write, int32_t span)
{
        if (imm) {
                if (e->sum.end == e->a.p && e->sum.reg == a) /* not after that, but beside it */
                        x86_lea(&e->a, true, t, x86_at_index(e->sum.base, e->sum.index, e->sum.log2, imm));
                else
                        x86_lea(&e->a, true, t, x86_at(a, imm));
                x86_tlb_index(e, t);
        } else {
                x86_tlb_index(e, a);
                if (t != a)
                        x86_mov(&e->a, true, t, a);
        }
        x86_alu_load(&e->a, ALU_SUB, true, t, x86_at_index(R15, SCRATCH, 0, tlb_tag_offset(write)));
        x86_alu_imm(&e->a, ALU_CMP, true, t, GUEST_PAGE_SIZE - span);
        return x86_jcc(&e->a, CC_A);
}

static struct x86_mem entry_addend(void)
{
        return x86_at_index(R15, SCRATCH, 0, offsetof(struct tlb_entry, addend));
}

/* ---- addresses that come from memory ---- */

enum { TRACE_DEPTH = 6 };

/* Does the value depend on what was loaded, in its block or in another one of the region? @slots: those that do. */
static bool comes_from_memory(const struct emit *e, const uint8_t *slots, ir_ref v, unsigned depth)
{
        const struct ir_ins *i = &e->r->ins[v];

        if (i->op == IR_OP_ld)
                return true;
        if (i->op == IR_OP_get)
                return slots[i->aux];
        for (unsigned k = 0; depth && (ir_ops[i->op].flags & IR_PURE) && k < ir_ops[i->op].n_args; k++)
                if (comes_from_memory(e, slots, i->arg[k], depth - 1))
                        return true;
        return false;
}

/* Slots that are put from memory somewhere in the region, by number. Round a loop they may lead to others. */
static const uint8_t *loaded_slots(struct emit *e)
{
        struct x86_own *own = x86_own(e);
        uint8_t *slots;

        if (own->loaded)
                return own->loaded;
        own->loaded = slots = arena_zalloc(e->r->arena, e->r->guest->n_slots);
        for (unsigned round = 0; round < 2; round++)
                for (ir_ref n = 1; n < e->r->n_ins; n++) {
                        const struct ir_ins *i = &e->r->ins[n];

                        if (i->op == IR_OP_put && !(i->flags & IR_INS_DEAD))
                                slots[i->aux] |= comes_from_memory(e, slots, i->arg[0], TRACE_DEPTH);
                }
        return slots;
}

/* Does the block end with a branch on something from memory? It is known the later the longer loads take. */
static bool decides_by_memory(struct emit *e)
{
        const struct ir_ins *t = &e->r->ins[e->r->blocks[e->block].end - 1];

        return t->op == IR_OP_brcc && (comes_from_memory(e, loaded_slots(e), t->arg[0], TRACE_DEPTH) ||
                                       comes_from_memory(e, loaded_slots(e), t->arg[1], TRACE_DEPTH));
}

/*
 * Is it worth a comparison to have the access at address @v, a value or 0, not wait for the entry? Where
 * one address leads to the next it is, and before a branch; what is done side by side anyway would only
 * have more to do.
 */
static bool goes_by_addend(struct emit *e, ir_ref v)
{
        if (!e->out->linear)
                return false;
        return (v && comes_from_memory(e, loaded_slots(e), v, TRACE_DEPTH)) || decides_by_memory(e);
}

/* The addend of the entry that was probed, in r11, or in @t if there is one to expect; the register. */
static unsigned emit_addend(struct emit *e, unsigned t, bool expected)
{
        struct cold *c;

        if (!expected) {
                x86_load(&e->a, true, SCRATCH, entry_addend());
                return SCRATCH;
        }
        c = emit_cold(e, COLD_ADDEND, NULL);
        x86_mov_imm(&e->a, t, e->out->addend);
        x86_alu_store(&e->a, ALU_CMP, true, entry_addend(), t);
        emit_cold_from(c, x86_jcc(&e->a, CC_NE));
        c->d = t;
        c->back = e->a.p;
        return t;
}

/* Another addend than expected. */
void cold_addend(struct emit *e, const struct cold *c)
{
        x86_load(&e->a, true, c->d, entry_addend());
}

/* ---- by the window (backend/context.h) ---- */

/*
 * Loads do without the TLB while they are in it:
 *
 *      cmp a, [window]; jae cold; mov r11, [window_addend]; mov d, [r11 + a]
 *
 * The cold code looks into the TLB. A displacement needs a sum of its own only if it may lead out of the
 * window and the slack behind it.
 */
static void probe_window(struct emit *e, struct cold *c, unsigned t, unsigned a, int32_t lo, int32_t span)
{
        unsigned first = a;

        c->beside.a = a;
        c->beside.t = t;
        c->beside.lo = lo;
        c->beside.span = 1;
        c->beside.window = span;
        if (lo < 0 || lo > WINDOW_SLACK - span) {
                x86_lea(&e->a, true, t, x86_at(a, lo));
                first = t;
        }
        x86_alu_load(&e->a, ALU_CMP, true, first, HOT(window));
        emit_cold_from(c, x86_jcc(&e->a, CC_AE));
        x86_load(&e->a, true, SCRATCH, HOT(window_addend));
        c->beside.probed = e->a.p;
}

void x86_cold_window(struct emit *e, const struct cold *c)
{
        uint8_t *miss = emit_probe(e, c->beside.t, c->beside.a, c->beside.lo, false, c->beside.window);

        x86_load(&e->a, true, SCRATCH, entry_addend());
        x86_patch(x86_jmp(&e->a), c->beside.probed);
        emit_patch(e, miss, e->a.p);
}

/* May marks be tested where the store is? Only of what lies in one line if aligned, with a spare register. */
static bool probes_beside(struct emit *e, const struct cold *c, ir_ref base)
{
        unsigned span = c->beside.span;

        return span && !(span & (span - 1)) && span <= 8 && !c->i->mem.align && c->beside.spare != RA_NONE &&
               x86_stores_beside(e, base, c->beside.lo);
}

void emit_host_address(struct emit *e, struct cold *c, unsigned d, unsigned a, int32_t lo, bool write,
                       int32_t span)
{
        bool expected;

        if (!write && e->out->window && span < WINDOW_SLACK) {
                probe_window(e, c, d, a, lo, span);
                x86_lea(&e->a, true, d, x86_at_index(a, SCRATCH, 0, lo));
                return;
        }
        expected = !write && goes_by_addend(e, e->ra.reg_val[a]);
        if (write && probes_beside(e, c, c->i->arg[0]))
                x86_probe_beside(e, c);
        else
                emit_cold_from(c, emit_probe(e, d, a, lo, write, span));
        x86_lea(&e->a, true, d, x86_at_index(a, emit_addend(e, d, expected), 0, lo));
}

/*
 * With a fused lookup: probes into t->t. Else the register of the lookup is tested. The memory operand of the
 * access is the result.
 */
static struct x86_mem touch_check(struct emit *e, struct touch *t)
{
        unsigned n = 1u << t->i->mem.size_log2;
        bool write = t->lookup->mem.write || t->i->op != IR_OP_ld;
        struct cold *c = t->c;

        c->fp_temps |= ra_any_live(&e->ra, ~0ull << RA_FPR); /* some may have come there since touch_site */
        if (t->slow) {
                emit_cold_from(c, x86_jmp(&e->a));
                return x86_at(RSP, 0);
        }
        if (t->fused && !write && e->out->window && !t->i->mem.align) {
                probe_window(e, c, t->t, t->a, (int32_t)c->imm, (int32_t)n);
                return x86_at_index(SCRATCH, t->a, 0, (int32_t)c->imm);
        }
        if (t->fused) {
                if (write) {
                        c->beside.a = t->a;
                        c->beside.t = t->t;
                        c->beside.spare = ra_spare(&e->ra, RA_BIT(t->a) | RA_BIT(t->t));
                        c->beside.span = n;
                        c->beside.aligned = t->i->type != IR_V128 || t->i->mem.align;
                        c->beside.lo = (int32_t)c->imm;
                }
                if (write && c->beside.aligned && probes_beside(e, c, t->i->arg[1]))
                        x86_probe_beside(e, c);
                else
                        emit_cold_from(c, emit_probe(e, t->t, t->a, (int32_t)c->imm, write, n));
                if (t->i->mem.align && n > 1) {
                        x86_test_imm(&e->a, false, t->t, n - 1);
                        emit_cold_from(c, x86_jcc(&e->a, CC_NE));
                }
                return x86_at_index(emit_addend(e, t->t, t->i->op == IR_OP_ld && goes_by_addend(e, t->i->arg[1])),
                                    t->a, 0, (int32_t)c->imm);
        }
        int32_t disp = (int32_t)c->imm - emit_lookup_lo(t->lookup);

        if (!touch_follows_lookup(e, t)) {
                x86_test(&e->a, true, t->h, t->h);
                emit_cold_from(c, x86_jcc(&e->a, CC_E));
        }
        if (t->i->mem.align && n > 1) {
                if (disp)
                        x86_lea(&e->a, false, SCRATCH, x86_at(t->h, disp));
                x86_test_imm(&e->a, false, disp ? SCRATCH : t->h, n - 1);
                emit_cold_from(c, x86_jcc(&e->a, CC_NE));
        }
        return x86_at(t->h, disp);
}

/* 1 << @size_log2 bytes with zeros above; may use r11. */
static void load_vector(struct emit *e, unsigned size_log2, unsigned d, struct x86_mem m)
{
        if (size_log2 == 4) {
                x86_vload(&e->a, d, m);
        } else if (size_log2 >= 2) {
                x86_fload(&e->a, size_log2 == 3, d, m);
        } else {
                x86_rm(&e->a, x86_load_op(size_log2, false, false), SCRATCH, m);
                x86_mov_to_fp(&e->a, false, d, SCRATCH);
        }
}

/* The low bytes; bytes and words go through @t, a general register that @m does not need. */
static void store_vector(struct emit *e, unsigned size_log2, struct x86_mem m, unsigned v, unsigned t)
{
        if (size_log2 == 4) {
                x86_vstore(&e->a, m, v);
        } else if (size_log2 >= 2) {
                x86_fstore(&e->a, size_log2 == 3, m, v);
        } else {
                x86_mov_from_fp(&e->a, false, t, v);
                x86_store(&e->a, size_log2, m, t);
        }
}

/* Lock or: as good as mfence, and faster. The flags are lost. */
static void order_all(struct emit *e)
{
        asm_u8(&e->a, 0xf0);
        x86_alu_mem_imm(&e->a, ALU_OR, false, OUT_ARG(0), 0);
}

void emit_ld(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        bool fp = ir_type_in_fpr(i->type), used = e->ra.val[at].last_use != 0;
        struct touch t;
        ra_set keep;
        unsigned d;

        touch_operands(e, &t, i, COLD_LOAD, false);
        touch_site(e, &t, 1);
        /* the probe's register is not the address's */
        keep = t.a != RA_NONE ? RA_BIT(t.a) & e->ra.t->temps : 0;
        d = used ? ra_def(&e->ra, at, RA_NONE, keep) : ra_temp(&e->ra, fp, RA_NONE, keep);
        t.t = d;
        if (t.fused && !t.slow && !(e->ra.t->temps & RA_BIT(d) & ~(~0ull << RA_FPR)))
                t.t = ra_temp(&e->ra, false, RA_NONE, RA_BIT(d) | keep);
        t.c->d = d;
        if (i->mem.release) /* what stands before it is seen before: stores, too */
                order_all(e);
        struct x86_mem m = touch_check(e, &t);

        if (t.slow) {
                ;
        } else if (i->type == IR_V128) {
                load_vector(e, i->mem.size_log2, x86_num(d), m);
        } else if (fp) {
                x86_fload(&e->a, i->mem.size_log2 == 3, x86_num(d), m);
        } else {
                x86_rm(&e->a, x86_load_op(i->mem.size_log2, i->mem.sign, i->type == IR_I64), d, m);
        }
        t.c->back = e->a.p;
        if (used)
                ra_def_done(&e->ra, at);
}

void emit_st(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        unsigned size = i->mem.size_log2;
        struct touch t;
        uint64_t k;

        touch_operands(e, &t, i, COLD_STORE, false);
        if (i->type != IR_V128 && ra_is_const(&e->ra, i->arg[2], &k) && (size < 3 || x86_is_s32(k)))
                t.c->value = (struct ra_opnd){.kind = RA_IMM, .imm = size < 3 ? (uint64_t)(int32_t)k : k};
        else
                t.c->value = (struct ra_opnd){.kind = RA_REG, .reg = ra_reg(&e->ra, i->arg[2])};
        ra_set busy = t.c->value.kind == RA_REG ? RA_BIT(t.c->value.reg) : 0;

        touch_site(e, &t, 1);
        if (t.fused && !t.slow)
                t.t = ra_temp(&e->ra, false, RA_NONE, busy | RA_BIT(t.a));
        struct x86_mem m = touch_check(e, &t);

        if (t.slow)
                ;
        else if (t.c->value.kind == RA_IMM)
                x86_store_imm(&e->a, size, m, (int32_t)t.c->value.imm);
        else if (i->type == IR_V128)
                store_vector(e, size, m, x86_num(t.c->value.reg), t.fused ? t.t : SCRATCH);
        else if (t.c->value.reg >= RA_FPR)
                x86_fstore(&e->a, size == 3, m, x86_num(t.c->value.reg));
        else
                x86_store(&e->a, size, m, t.c->value.reg);
        t.c->back = e->a.p;
        if (i->mem.release && i->mem.sc) /* no load that is ordered behind it may pass it */
                order_all(e);
}

/* ---- atomics ---- */

/* An opcode for 1 << size_log2 bytes: @op8 for bytes, @op otherwise. */
static void locked(struct emit *e, unsigned size_log2, unsigned map, unsigned op8, unsigned op,
                   struct x86_mem m,
                   unsigned reg)
{
        static const uint32_t bits[] = {X86_BYTE_REG, X86_OP(0x66, 0, 0), 0, X86_W};

        asm_u8(&e->a, 0xf0);
        x86_rm(&e->a, bits[size_log2] | X86_OP(0, map, size_log2 ? op : op8), reg, m);
}

/* The old value, of 1 << size_log2 bytes in @from, to @d as the op wants it */
static void extend(struct emit *e, const struct ir_ins *i, unsigned d, unsigned from)
{
        unsigned size = i->mem.size_log2;
        uint32_t op = x86_load_op(size, i->mem.sign, i->type == IR_I64);

        if (size == 3 || (size == 2 && i->type == IR_I32 && d == from))
                emit_move(e, d, from);
        else
                x86_rr(&e->a, op | (size == 0 ? X86_BYTE_RM : 0), d, from);
}

/* lock cmpxchg until nobody came between; old value in rax, new one made in r11. [t] is the place. */
static void emit_rmw_loop(struct emit *e, const struct ir_ins *i, unsigned t, unsigned v)
{
        unsigned size = i->mem.size_log2;
        bool w = size == 3, sign = i->mem.rmw == IR_RMW_MINS || i->mem.rmw == IR_RMW_MAXS;
        struct x86_mem m = x86_at(t, 0);
        uint8_t *again, *j;

        x86_rm(&e->a, x86_load_op(size, false, true), RAX, m);
        again = e->a.p;
        switch ((enum ir_rmw)i->mem.rmw) {
        case IR_RMW_AND:
        case IR_RMW_OR:
        case IR_RMW_XOR:
                x86_mov(&e->a, true, SCRATCH, RAX);
                x86_alu(&e->a,
                        i->mem.rmw == IR_RMW_AND ? ALU_AND : i->mem.rmw == IR_RMW_OR ? ALU_OR : ALU_XOR, w,
                        SCRATCH, v);
                break;
        default: {
                static const uint8_t keep[] = {[IR_RMW_MINS] = CC_LE, [IR_RMW_MAXS] = CC_GE,
                                               [IR_RMW_MINU] = CC_BE, [IR_RMW_MAXU] = CC_AE};

                /* Small operands are compared as their extensions. */
                if (size < 2) {
                        uint32_t op = x86_load_op(size, sign, false) | (size == 0 ? X86_BYTE_RM : 0);
                        uint8_t *skip;

                        x86_rr(&e->a, op, SCRATCH, v);
                        x86_rr(&e->a, op, RAX, RAX);
                        x86_alu(&e->a, ALU_CMP, false, RAX, SCRATCH);
                        skip = x86_jcc8(&e->a, keep[i->mem.rmw] ^ 1);
                        x86_mov(&e->a, false, SCRATCH, RAX);
                        x86_here8(&e->a, skip);
                } else {
                        x86_mov(&e->a, true, SCRATCH, v);
                        x86_alu(&e->a, ALU_CMP, w, RAX, v);
                        x86_cmov(&e->a, keep[i->mem.rmw], true, SCRATCH, RAX);
                }
                break;
        }
        }
        locked(e, size, 1, 0xb0, 0xb1, m, SCRATCH);
        j = x86_jcc8(&e->a, CC_NE);
        x86_patch8(j, again);
}

/* @reg, or a copy of it if that is the accumulator, which is to be overwritten */
static unsigned leave_rax(struct emit *e, unsigned reg)
{
        if (reg == RAX) {
                reg = ra_temp(&e->ra, false, RA_NONE, 0);
                x86_mov(&e->a, true, reg, RAX);
        }
        return reg;
}

void emit_rmw(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        struct touch t;
        enum ir_rmw op = (enum ir_rmw)i->mem.rmw;
        unsigned size = i->mem.size_log2, v, d, from;
        bool used = e->ra.val[at].last_use != 0;
        bool loop = op > IR_RMW_ADD && (used || op > IR_RMW_XOR);

        touch_operands(e, &t, i, COLD_RMW, true);
        v = ra_reg(&e->ra, i->arg[2]);
        touch_site(e, &t, 0);
        e->ra.locked |= RA_BIT(v) | RA_BIT(t.a);
        if (loop) {
                ra_take(&e->ra, RA_BIT(RAX));
                t.a = leave_rax(e, t.a);
                v = leave_rax(e, v);
        }
        t.c->addr = (struct ra_opnd){.kind = RA_REG, .reg = t.a};
        t.c->value = (struct ra_opnd){.kind = RA_REG, .reg = v};
        if (!t.slow)
                t.t = ra_temp(&e->ra, false, RA_NONE, RA_BIT(v) | RA_BIT(t.a));
        struct x86_mem m = touch_check(e, &t);

        if (!t.slow)
                x86_lea(&e->a, true, t.t, m);
        if (t.slow) {
                from = SCRATCH;
        } else if (loop) {
                emit_rmw_loop(e, i, t.t, v);
                from = RAX;
        } else if (!used && op != IR_RMW_SWAP) {
                static const uint8_t alu[] = {[IR_RMW_ADD] = ALU_ADD, [IR_RMW_AND] = ALU_AND,
                                              [IR_RMW_OR] = ALU_OR,
                                              [IR_RMW_XOR] = ALU_XOR};

                locked(e, size, 0, alu[op] << 3, alu[op] << 3 | 1, x86_at(t.t, 0), v);
                from = RA_NONE;
        } else {
                x86_mov(&e->a, true, SCRATCH, v);
                if (op == IR_RMW_SWAP)
                        locked(e, size, 0, 0x86, 0x87, x86_at(t.t, 0), SCRATCH);
                else
                        locked(e, size, 1, 0xc0, 0xc1, x86_at(t.t, 0), SCRATCH);
                from = SCRATCH;
        }
        if (used) {
                /* The slow path's value comes here too; it is extended already, once more is no harm. */
                t.c->d = from;
                t.c->back = e->a.p;
                d = ra_def(&e->ra, at, RAX, 0);
                extend(e, i, d, from);
                ra_def_done(&e->ra, at);
        } else {
                t.c->d = SCRATCH;
                t.c->back = e->a.p;
        }
}

void emit_cas(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        struct touch t;
        unsigned size = i->mem.size_log2, expect, v;

        touch_operands(e, &t, i, COLD_CAS, true);
        expect = ra_reg(&e->ra, i->arg[2]);
        v = ra_reg(&e->ra, i->arg[3]);
        touch_site(e, &t, 0);
        e->ra.locked |= RA_BIT(v) | RA_BIT(t.a) | RA_BIT(expect);
        ra_take(&e->ra, RA_BIT(RAX));
        t.a = leave_rax(e, t.a);
        v = leave_rax(e, v);
        emit_move(e, RAX, expect);
        if (expect != v && expect != t.a && expect != RAX)
                ra_unlock(&e->ra, expect);
        t.c->addr = (struct ra_opnd){.kind = RA_REG, .reg = t.a};
        t.c->value = (struct ra_opnd){.kind = RA_REG, .reg = RAX};
        t.c->value2 = (struct ra_opnd){.kind = RA_REG, .reg = v};
        if (!t.slow)
                t.t = ra_temp(&e->ra, false, RA_NONE, RA_BIT(v) | RA_BIT(RAX) | RA_BIT(t.a));
        struct x86_mem m = touch_check(e, &t);

        if (!t.slow)
                locked(e, size, 1, 0xb0, 0xb1, m, v);
        t.c->d = RAX;
        t.c->back = e->a.p;
        if (e->ra.val[at].last_use) {
                unsigned d = ra_def(&e->ra, at, RAX, 0);

                extend(e, i, d, RAX);
                ra_def_done(&e->ra, at);
        }
}

/* 16 bytes are so seldom compared and swapped that C does it; the wide words are in the vCPU. */
void emit_cas16(struct emit *e, uint32_t at, const struct ir_ins *i)
{
        struct touch t;

        touch_operands(e, &t, i, COLD_CAS16, false);
        touch_site(e, &t, 0);
        touch_check(e, &t);
        t.c->d = SCRATCH;
        t.c->back = e->a.p;
}

/* ---- cold code ---- */

/* r11 = guest address + imm */
static void address_to_scratch(struct emit *e, const struct ra_opnd *addr, int32_t imm)
{
        if (addr->kind == RA_REG && imm) {
                x86_lea(&e->a, true, SCRATCH, x86_at(addr->reg, imm));
                return;
        }
        emit_opnd_to(e, SCRATCH, addr, true);
        if (imm)
                x86_lea(&e->a, true, SCRATCH, x86_at(SCRATCH, imm));
}

void cold_call(struct emit *e, const struct ra_opnd *addr, int32_t imm, const uint8_t *thunk, uint32_t word,
               const struct cold *site)
{
        address_to_scratch(e, addr, imm);
        x86_call_exec(&e->a, thunk);
        if (site)
                emit_site_here(e, site);
        asm_u8(&e->a, 0xa9); /* test eax, imm32: the thunk's further argument (emit.h) */
        asm_u32(&e->a, word);
}

void cold_no_address(struct emit *e, unsigned d)
{
        x86_alu(&e->a, ALU_XOR, false, d, d);
}

void cold_value_arg(struct emit *e, unsigned n, const struct ra_opnd *o)
{
        emit_out_arg(e, n, o, IR_I64);
}

void cold_vector_arg(struct emit *e, unsigned reg)
{
        x86_vstore(&e->a, VEC_ARG(0), x86_num(reg));
}

void cold_vector_value(struct emit *e, unsigned reg)
{
        x86_vload(&e->a, x86_num(reg), VEC_ARG(0));
}
