/* SPDX-License-Identifier: MIT */
/*
 * Translates a region of 64-bit x86 code. First it is swept: instructions are decoded one after the other, past
 * conditional jumps, until one goes away for good and no jump before led behind it, the page ends, or a limit is
 * reached. So a region is a stretch of code without gaps, of which jumps within are branches of the IR. Where a
 * region must not go round in itself (struct translate_req, loops) it ends with the first jump. The translators
 * of single instructions are in tr_*.c.
 *
 * Runs on the vCPU's thread; touches nothing but the region being built.
 */
#include "frontend/x86/translate.h"

#include "base/arena.h"

enum { PAGE = GUEST_PAGE_SIZE, X86_SWEEP_LOOP = 24 /* a region of so many instructions ends with a loop */ };

/* ---- registers ---- */

ir_ref x86_gpr(struct x86_tctx *t, unsigned reg)
{
        return ir_get(t->b, X86_SLOT_RAX + reg);
}

void x86_put_gpr(struct x86_tctx *t, unsigned reg, ir_ref v)
{
        ir_put(t->b, X86_SLOT_RAX + reg, v);
}

ir_ref x86_get_reg(struct x86_tctx *t, unsigned reg, unsigned size)
{
        ir_ref v = x86_gpr(t, reg);

        return size == 8 ? v : ir_trunc(t->b, v);
}

static void put_field(struct x86_tctx *t, unsigned reg, unsigned pos, unsigned len, ir_ref v)
{
        x86_put_gpr(t, reg, ir_insert(t->b, x86_gpr(t, reg), ir_zext32(t->b, v), pos, len));
}

void x86_put_reg(struct x86_tctx *t, unsigned reg, unsigned size, ir_ref v)
{
        if (size == 8)
                x86_put_gpr(t, reg, v);
        else if (size == 4)
                x86_put_gpr(t, reg, ir_zext32(t->b, v));
        else
                put_field(t, reg, 0, 8 * size, v);
}

ir_ref x86_zext(struct x86_tctx *t, ir_ref v, unsigned size)
{
        return size == 1 ? ir_zext8(t->b, v) : size == 2 ? ir_zext16(t->b, v) : v;
}

ir_ref x86_sext(struct x86_tctx *t, ir_ref v, unsigned size)
{
        return size == 1 ? ir_sext8(t->b, v) : size == 2 ? ir_sext16(t->b, v) : v;
}

ir_ref x86_zext64(struct x86_tctx *t, ir_ref v, unsigned size)
{
        return size == 8 ? v : ir_zext32(t->b, x86_zext(t, v, size));
}

ir_ref x86_sext64(struct x86_tctx *t, ir_ref v, unsigned size)
{
        return size == 8 ? v : ir_sext32(t->b, x86_sext(t, v, size));
}

ir_ref x86_low(struct x86_tctx *t, ir_ref v, unsigned size)
{
        return size == 8 ? v : ir_trunc(t->b, v);
}

/* ---- operands ---- */

ir_ref x86_get(struct x86_tctx *t, const struct x86_insn *i, unsigned n)
{
        const struct x86_op *op = &i->op[n];

        switch (op->kind) {
        case X86_OP_IMM:
                return x86_const(t, op->size, i->imm[op->reg]);
        case X86_OP_MEM:
                return x86_load(t, op->size, x86_ea(t, i));
        default:
                if (op->cls == X86_GPR_HIGH)
                        return ir_trunc(t->b, ir_extu(t->b, x86_gpr(t, op->reg), 8, 8));
                return x86_get_reg(t, op->reg, op->size);
        }
}

ir_ref x86_get_old(struct x86_tctx *t, const struct x86_insn *i, unsigned n)
{
        const struct x86_op *op = &i->op[n];
        struct ir_mem mem = x86_mem(t, op->size, false);
        struct x86_place p;

        if (op->kind != X86_OP_MEM)
                return x86_get(t, i, n);
        p = x86_ea(t, i);
        mem.for_write = 1;
        return ir_load(t->b, x86_type(op->size), mem, p.base, p.imm);
}

void x86_put(struct x86_tctx *t, const struct x86_insn *i, unsigned n, ir_ref v)
{
        const struct x86_op *op = &i->op[n];

        if (op->kind == X86_OP_MEM)
                x86_store(t, op->size, x86_ea(t, i), v);
        else if (op->cls == X86_GPR_HIGH)
                put_field(t, op->reg, 8, 8, v);
        else
                x86_put_reg(t, op->reg, op->size, v);
}

/* ---- memory ---- */

/*
 * x86 orders loads among themselves and stores among themselves, and loads before later stores: loads
 * acquire, stores release. With AC, data must be aligned.
 */
struct ir_mem x86_mem(const struct x86_tctx *t, unsigned size, bool write)
{
        return (struct ir_mem){
                .size_log2 = size == 16 ? 4 : size == 8 ? 3 : size == 4 ? 2 : size == 2 ? 1 : 0,
                .acquire = !write, .release = write, .write = write, .align = (t->mode & X86_MODE_AC) != 0,
        };
}

/* Base, index and displacement, as far as they make one value. */
static ir_ref sum(struct x86_tctx *t, const struct x86_mem *m, int64_t disp)
{
        ir_ref v = 0, index;

        if (m->rip)
                return ir_pcaddr(t->b, t->next + disp);
        if (m->base != X86_REG_NONE)
                v = x86_gpr(t, m->base);
        if (m->index != X86_REG_NONE) {
                index = x86_gpr(t, m->index);
                if (m->scale)
                        index = ir_shl(t->b, index, x86_c64(t, m->scale));
                v = v ? ir_add(t->b, v, index) : index;
        }
        if (!v)
                return x86_c64(t, disp);
        return disp ? ir_add(t->b, v, x86_c64(t, disp)) : v;
}

static ir_ref segment_base(struct x86_tctx *t, const struct x86_insn *i)
{
        if (i->mem.seg == X86_FS)
                return ir_get(t->b, X86_SLOT_FS_BASE);
        if (i->mem.seg == X86_GS)
                return ir_get(t->b, X86_SLOT_GS_BASE);
        return 0;
}

ir_ref x86_ea_value(struct x86_tctx *t, const struct x86_insn *i, bool segment)
{
        ir_ref v = sum(t, &i->mem, i->mem.disp), base = segment ? segment_base(t, i) : 0;

        if (i->as == 4)
                v = ir_zext32(t->b, ir_trunc(t->b, v));
        return base ? ir_add(t->b, base, v) : v;
}

struct x86_place x86_ea(struct x86_tctx *t, const struct x86_insn *i)
{
        const struct x86_mem *m = &i->mem;
        ir_ref base = segment_base(t, i);
        bool has_reg = m->base != X86_REG_NONE || m->index != X86_REG_NONE;

        if (i->as != 8 || m->rip || !has_reg)
                return x86_at(x86_ea_value(t, i, true));
        return (struct x86_place){base ? ir_add(t->b, base, sum(t, m, 0)) : sum(t, m, 0), (int32_t)m->disp};
}

void x86_demand_aligned(struct x86_tctx *t, struct x86_place p)
{
        uint32_t bad, good;

        if (!(t->mode & X86_MODE_AC))
                return;
        bad = ir_block_new(t->b);
        good = ir_block_new(t->b);
        ir_brcc(t->b, IR_TSTNZ, ir_add(t->b, p.base, x86_c64(t, p.imm)), x86_c64(t, 15), bad, good);
        ir_builder_at(t->b, bad);
        x86_raise_here(t, X86_EXC_GP, 0);
        t->ended = false;
        ir_builder_at(t->b, good);
}

ir_ref x86_load(struct x86_tctx *t, unsigned size, struct x86_place p)
{
        return ir_load(t->b, x86_type(size), x86_mem(t, size, false), p.base, p.imm);
}

void x86_store(struct x86_tctx *t, unsigned size, struct x86_place p, ir_ref v)
{
        ir_store(t->b, x86_mem(t, size, true), p.base, p.imm, v);
}

/* ---- flags ---- */

ir_ref x86_flags(struct x86_tctx *t)
{
        return ir_get(t->b, X86_SLOT_FLAGS);
}

void x86_put_flags(struct x86_tctx *t, ir_ref f)
{
        ir_put(t->b, X86_SLOT_FLAGS, f);
}

enum ir_flcond x86_cond(unsigned cond)
{
        static const uint8_t conds[16] = {
                IR_FL_V, IR_FL_NV, IR_FL_C, IR_FL_NC, IR_FL_Z, IR_FL_NZ, IR_FL_LEU, IR_FL_GTU,
                IR_FL_N, IR_FL_NN, IR_FL_P, IR_FL_NP, IR_FL_LTS, IR_FL_GES, IR_FL_LES, IR_FL_GTS,
        };

        return (enum ir_flcond)conds[cond & 15];
}

ir_ref x86_carry(struct x86_tctx *t)
{
        return ir_fl_test(t->b, IR_FL_C, x86_flags(t));
}

ir_ref x86_with(struct x86_tctx *t, ir_ref f, unsigned mask, ir_ref bit)
{
        return ir_fl_with(t->b, f, mask, bit);
}

/* ---- ends of blocks ---- */

/* The place in the sweep of the block that begins at @target, if one can be reached there; or -1. */
static int sweep_find(const struct x86_sweep *s, int64_t target)
{
        for (unsigned k = 0; s && k < s->n; k++)
                if (s->pc[k] == target)
                        return s->block[k] && (k > s->at || s->reached[k]) ? (int)k : -1;
        return -1;
}

/* Goes to another instruction of the region, if @target is one that begins a block. */
static bool jump_within(struct x86_tctx *t, int64_t target)
{
        int k = sweep_find(t->sweep, target);

        if (k < 0)
                return false;
        if (target <= (int64_t)t->pc)
                ir_poll(t->b, target);
        t->sweep->reached[k] = true;
        ir_br(t->b, t->sweep->block[k] - 1);
        return true;
}

void x86_again(struct x86_tctx *t)
{
        if (t->mode & X86_MODE_TF)
                ir_call(t->b, &x86_helper_step_to_itself, 0, 0, 0, 0);
        ir_exit_jump(t->b, t->pc, true);
}

void x86_jump(struct x86_tctx *t, int64_t target)
{
        if (target == (int64_t)t->pc && (t->mode & X86_MODE_TF))
                x86_again(t);
        else if (!jump_within(t, target))
                ir_exit_jump(t->b, target, target <= (int64_t)t->pc);
        t->ended = true;
}

uint32_t x86_block_to(struct x86_tctx *t, int64_t target)
{
        int k = target > (int64_t)t->pc ? sweep_find(t->sweep, target) : -1;

        if (k < 0)
                return ir_block_new(t->b);
        t->sweep->reached[k] = true;
        return t->sweep->block[k] - 1;
}

void x86_block_fill(struct x86_tctx *t, uint32_t block, int64_t target)
{
        if (t->sweep && block <= t->sweep->last)
                return;
        ir_builder_at(t->b, block);
        x86_jump(t, target);
}


void x86_jump_indirect(struct x86_tctx *t, enum ir_jump kind, ir_ref target)
{
        ir_exit_ind(t->b, kind, target);
        t->ended = true;
}

void x86_exit(struct x86_tctx *t, enum ir_exit reason)
{
        ir_exit(t->b, reason, t->next);
        t->ended = true;
}

void x86_raise_here(struct x86_tctx *t, enum x86_vector vector, uint32_t error_code)
{
        ir_call(t->b, &x86_helper_raise, x86_c64(t, vector), x86_c64(t, error_code), 0, 0);
        ir_exit(t->b, IR_EXIT_EXCEPTION, t->pc);
        t->ended = true;
}

bool x86_privileged(struct x86_tctx *t)
{
        if ((t->mode & X86_MODE_CPL) == 0)
                return true;
        x86_raise_here(t, X86_EXC_GP, 0);
        return false;
}

/* #UD, by CR0.EM and CR4.OSFXSR, comes before #NM, by CR0.TS. */
bool x86_sse_on(struct x86_tctx *t)
{
        if ((t->mode & X86_MODE_SSE) && !(t->mode & X86_MODE_TS))
                return true;
        x86_raise_here(t, t->mode & X86_MODE_SSE ? X86_EXC_NM : X86_EXC_UD, 0);
        return false;
}

void x86_unimplemented(struct x86_tctx *t, const struct x86_insn *i)
{
        ir_call(t->b, &x86_helper_unimplemented, x86_c64(t, i->id), 0, 0, 0);
        ir_exit(t->b, IR_EXIT_EXCEPTION, t->pc);
        t->ended = true;
}

/* ---- the block ---- */

enum fetched { FETCH_OK, FETCH_BEYOND /* runs into a page that is not to be had */, FETCH_UNDEFINED,
              FETCH_LONG };

/* Decodes the instruction at t->pc. */
static enum fetched fetch(struct x86_tctx *t, struct x86_insn *i)
{
        uint8_t bytes[X86_MAX_LENGTH];
        unsigned here = MIN((unsigned)X86_MAX_LENGTH, PAGE - t->pc), n = here;
        enum x86_result result;

        memcpy(bytes, t->req->bytes + t->pc, here);
        if (t->req->next && here < X86_MAX_LENGTH) {
                memcpy(bytes + here, t->req->next, X86_MAX_LENGTH - here);
                n = X86_MAX_LENGTH;
        }
        result = x86_decode(bytes, n, X86_64, &t->config->features, i);
        t->next = t->pc + i->length;
        switch (result) {
        case X86_DECODED: return FETCH_OK;
        case X86_UNDEFINED: return FETCH_UNDEFINED;
        case X86_TOO_LONG: return FETCH_LONG;
        default: return FETCH_BEYOND;
        }
}

/* Counters are exact in deterministic mode because what reads them is a block of its own. */
static bool reads_counter(const struct x86_insn *i)
{
        return i->id == X86_RDTSC || i->id == X86_RDTSCP || i->id == X86_RDMSR || i->id == X86_IN;
}

static bool loads_ss(enum fetched fetched, const struct x86_insn *i)
{
        return fetched == FETCH_OK && i->id == X86_MOV_TO_SEG && i->op[0].reg == X86_SS;
}

static void translate_one(struct x86_tctx *t, enum fetched fetched, const struct x86_insn *i)
{
        bool counter = fetched == FETCH_OK && t->r->deterministic && reads_counter(i), shadow = t->shadow;

        if (counter && t->pc != t->req->offset) {
                ir_exit_jump(t->b, t->pc, false);
                t->ended = true;
                t->next = t->pc;
                return;
        }
        t->shadow = false;
        ir_insn(t->b, t->pc);
        if (t->req->hooks)
                ir_hook(t->b, 0, t->pc);
        /* no trap comes behind loads of SS (SDM volume 3, 6.8.3) */
        if (t->mode & X86_MODE_TF)
                ir_call(t->b, &x86_helper_step, ir_pcaddr(t->b, t->pc), x86_c64(t, !loads_ss(fetched, i)), 0,
                        0);
        if (fetched == FETCH_LONG)
                x86_raise_here(t, X86_EXC_GP, 0);
        else if (fetched == FETCH_UNDEFINED || !(t->mode & X86_MODE_LONG))
                x86_raise_here(t, X86_EXC_UD, 0);
        else if (!x86_translators[i->id])
                x86_unimplemented(t, i);
        else if (!x86_translators[i->id](t, i) && !t->ended)
                x86_raise_here(t, X86_EXC_UD, 0);
        if (!t->ended && (counter || shadow))
                x86_exit(t, IR_EXIT_LOOKUP);
}

/* ---- the sweep ---- */

/* Does nothing come after the instruction? Of those not named here the translators say so. */
static bool goes_away(const struct x86_insn *i)
{
        switch (i->id) {
        case X86_JMP: case X86_JMPF: case X86_CALL: case X86_CALLF: case X86_RET: case X86_RETF: case X86_IRET:
        case X86_HLT: case X86_INT: case X86_INT1: case X86_INT3: case X86_UD0: case X86_UD1: case X86_UD2:
        case X86_SYSCALL: case X86_SYSRET: case X86_MWAIT:
                return true;
        case X86_MOVS: case X86_STOS: case X86_LODS: case X86_CMPS: case X86_SCAS: case X86_INS: case X86_OUTS:
                return i->repe || i->repne;
        default:
                return !x86_translators[i->id];
        }
}

static bool jumps_on_condition(const struct x86_insn *i)
{
        return i->op[0].kind == X86_OP_REL && !goes_away(i);
}

static bool is_place(const uint16_t *places, unsigned n, uint32_t pc)
{
        while (n)
                if (places[--n] == pc)
                        return true;
        return false;
}

/* To the place that a jump before leads to, if there is nothing but padding before it. */
static bool skip_padding(struct x86_tctx *t, const uint16_t *places, unsigned n)
{
        uint32_t from = t->pc;
        struct x86_insn i;

        while (!is_place(places, n, t->pc)) {
                if (t->pc >= PAGE || fetch(t, &i) != FETCH_OK || i.id != X86_NOP) {
                        t->pc = from;
                        return false;
                }
                t->pc = t->next;
        }
        return true;
}

/*
 * Finds the instructions, the first of which is decoded already. After one that goes away the next one counts
 * only if a jump leads there.
 */
static void sweep(struct x86_tctx *t, struct x86_sweep *s)
{
        uint16_t to[X86_SWEEP_JUMPS];
        unsigned limit = MIN((unsigned)X86_SWEEP_MAX, t->req->max_insns), jumps = 0;
        bool fell = true;

        for (s->n = 0; s->n < limit; t->pc = t->next) {
                struct x86_insn *i = &s->insn[s->n];

                if (s->n && ((!fell && !skip_padding(t, to, jumps)) || t->pc >= PAGE || cpu_breakpoint_at(t->req, t->pc) ||
                             fetch(t, i) != FETCH_OK || t->next > PAGE))
                        break;
                s->pc[s->n++] = t->pc;
                s->pc[s->n] = t->next;
                fell = !goes_away(i);
                if (jumps_on_condition(i)) {
                        int64_t target = t->next + i->imm[0];

                        if (jumps == X86_SWEEP_JUMPS || (target <= (int64_t)t->pc && s->n >= X86_SWEEP_LOOP))
                                break;
                        to[jumps++] = target >= 0 && target < PAGE ? target : 0;
                }
        }
        t->pc = s->pc[0];
}

/* Blocks begin where jumps lead, and behind those that may not be taken. They are in the order of the code. */
static void find_blocks(struct x86_tctx *t, struct x86_sweep *s)
{
        bool begins[X86_SWEEP_MAX + 1] = {false};

        for (unsigned k = 0; k < s->n; k++) {
                const struct x86_insn *i = &s->insn[k];

                if (i->op[0].kind != X86_OP_REL || i->id == X86_CALL)
                        continue;
                begins[k + 1] |= jumps_on_condition(i);
                for (unsigned to = 0; to < s->n; to++)
                        begins[to] |= s->pc[to] == s->pc[k] + i->length + i->imm[0];
        }
        for (unsigned k = 0; k < s->n; k++)
                if (begins[k])
                        s->block[k] = 1 + (s->last = ir_block_new(t->b));
        t->sweep = s;
}

/* All that was swept; what cannot be reached is left out. */
static void translate_sweep(struct x86_tctx *t, struct x86_sweep *s)
{
        for (unsigned k = 0; k < s->n; k++) {
                s->at = k;
                if (s->block[k] && (!t->ended || s->reached[k])) {
                        if (!t->ended)
                                ir_br(t->b, s->block[k] - 1);
                        s->reached[k] = true;
                        ir_builder_at(t->b, s->block[k] - 1);
                        t->ended = false;
                }
                if (t->ended)
                        continue;
                t->pc = s->pc[k];
                t->next = t->pc + s->insn[k].length;
                translate_one(t, FETCH_OK, &s->insn[k]);
        }
        if (!t->ended)
                ir_exit_jump(t->b, t->next, t->shadow);
        t->pc = t->next = s->pc[s->n];
}

/* One block of guest code. */
static void translate_block(struct x86_tctx *t, enum fetched fetched, struct x86_insn *i)
{
        for (;;) {
                translate_one(t, fetched, i);
                if (t->ended)
                        break;
                t->pc = t->next;
                if (t->pc < PAGE && t->r->n_guest_insns < t->req->max_insns && !(t->mode & X86_MODE_TF) &&
                    !cpu_breakpoint_at(t->req, t->pc)) {
                        fetched = fetch(t, i);
                        if (fetched != FETCH_BEYOND && t->next <= PAGE)
                                continue;
                }
                ir_exit_jump(t->b, t->pc, t->shadow);
                t->next = t->pc;
                break;
        }
}

void x86_translate(struct ir_region *r, struct translate_req *req)
{
        struct x86_tctx t = {.r = r, .req = req, .config = req->config, .mode = req->mode, .pc = req->offset};
        struct x86_sweep *s = arena_alloc(r->arena, sizeof(*s) + X86_SWEEP_MAX * sizeof(*s->insn));
        enum fetched fetched;

        memset(s, 0, sizeof(*s));
        cpu_translate_begin(r, req, x86_fp_mode(req->mode));
        fetched = fetch(&t, &s->insn[0]);
        if (fetched == FETCH_BEYOND) {
                req->needs_next = true;
                return;
        }
        t.b = cpu_translate_builder(r);
        if (req->loops && fetched == FETCH_OK && t.next <= PAGE && !(t.mode & X86_MODE_TF)) {
                sweep(&t, s);
                find_blocks(&t, s);
                translate_sweep(&t, s);
        } else {
                translate_block(&t, fetched, &s->insn[0]);
        }
        req->straddles = t.next > PAGE && t.pc == req->offset;
        r->guest_bytes = t.next - req->offset;
        ir_builder_finish(t.b);
}
