/* SPDX-License-Identifier: MIT */
/*
 * What the select functions (select.c, memory.c, control.c, float.c, vector.c) share: values and operands moved to
 * where they are wanted. And what backend/emit.c, whose walk calls them, wants of a host besides.
 */
#include "backend/x86_64/emit.h"

/* ---- moving values: the allocator's callbacks ---- */

void emit_move(struct emit *e, unsigned dst, unsigned src)
{
        if (dst == src)
                return;
        if (dst >= RA_FPR && src >= RA_FPR)
                x86_movaps(&e->a, x86_num(dst), x86_num(src));
        else if (dst >= RA_FPR)
                x86_mov_to_fp(&e->a, true, x86_num(dst), src);
        else if (src >= RA_FPR)
                x86_mov_from_fp(&e->a, true, dst, x86_num(src));
        else
                x86_mov(&e->a, true, dst, src);
}

static void cb_move(void *host, unsigned dst, unsigned src)
{
        emit_move(host, dst, src);
}

static struct x86_mem place_mem(enum ra_place place, uint32_t offset)
{
        return place == RA_FRAME ? SPILL(offset) : STATE(offset);
}

static void cb_load(void *host, unsigned dst, enum ir_type type, enum ra_place place, uint32_t offset)
{
        struct emit *e = host;

        if (type == IR_V128)
                x86_vload(&e->a, x86_num(dst), place_mem(place, offset));
        else if (dst >= RA_FPR)
                x86_fload(&e->a, is_wide(type), x86_num(dst), place_mem(place, offset));
        else
                x86_load(&e->a, is_wide(type), dst, place_mem(place, offset));
}

static void cb_store(void *host, enum ir_type type, enum ra_place place, uint32_t offset, unsigned src)
{
        struct emit *e = host;

        if (type == IR_V128)
                x86_vstore(&e->a, place_mem(place, offset), x86_num(src));
        else if (src >= RA_FPR)
                x86_fstore(&e->a, is_wide(type), place_mem(place, offset), x86_num(src));
        else
                x86_store(&e->a, is_wide(type) ? 3 : 2, place_mem(place, offset), src);
}

static void cb_load_const(void *host, unsigned dst, enum ir_type type, uint64_t bits)
{
        struct emit *e = host;

        if (type == IR_V128) {
                emit_vector_const(e, x86_num(dst), bits);
                return;
        }
        if (!is_wide(type))
                bits = (uint32_t)bits;
        if (dst < RA_FPR) {
                x86_mov_imm(&e->a, dst, bits);
        } else if (!bits) {
                x86_rm(&e->a, X86_OP(X86_SD, 1, 0x10), x86_num(dst), emit_pool(e, POOL_ZERO));
        } else {
                x86_mov_imm(&e->a, SCRATCH, bits);
                x86_mov_to_fp(&e->a, is_wide(type), x86_num(dst), SCRATCH);
        }
}

static void cb_store_const(void *host, enum ir_type type, uint32_t state_offset, uint64_t bits)
{
        struct emit *e = host;

        if (!is_wide(type)) {
                x86_store_imm(&e->a, 2, STATE(state_offset), (int32_t)bits);
        } else if (x86_is_s32(bits)) {
                x86_store_imm(&e->a, 3, STATE(state_offset), (int32_t)bits);
        } else {
                x86_mov_imm(&e->a, SCRATCH, bits);
                x86_store(&e->a, 3, STATE(state_offset), SCRATCH);
        }
}

struct x86_mem emit_mem(const struct ra_opnd *o)
{
        return o->kind == RA_IN_STATE ? STATE(o->offset) : SPILL(o->offset);
}

void emit_opnd_to(struct emit *e, unsigned dst, const struct ra_opnd *o, bool w)
{
        switch (o->kind) {
        case RA_REG:
                if (o->reg >= RA_FPR)
                        x86_mov_from_fp(&e->a, w, dst, x86_num(o->reg));
                else if (o->reg != dst)
                        x86_mov(&e->a, w, dst, o->reg);
                break;
        case RA_IMM:
                x86_mov_imm(&e->a, dst, w ? o->imm : (uint32_t)o->imm);
                break;
        default:
                x86_load(&e->a, w, dst, emit_mem(o));
                break;
        }
}

void emit_fp_opnd_to(struct emit *e, unsigned dst, const struct ra_opnd *o, enum ir_type type)
{
        if (o->kind == RA_REG)
                emit_move(e, dst, o->reg);
        else if (o->kind == RA_IMM)
                cb_load_const(e, dst, type, o->imm);
        else if (type == IR_V128)
                x86_vload(&e->a, x86_num(dst), emit_mem(o));
        else
                x86_fload(&e->a, is_wide(type), x86_num(dst), emit_mem(o));
}

void emit_out_arg(struct emit *e, unsigned n, const struct ra_opnd *o, enum ir_type type)
{
        bool w = is_wide(type);

        if (o->kind == RA_IMM && x86_is_s32(w ? (int64_t)o->imm : (int64_t)(uint32_t)o->imm)) {
                x86_store_imm(&e->a, 3, OUT_ARG(n), (int32_t)o->imm);
                return;
        }
        if (o->kind == RA_REG && w) {
                if (o->reg >= RA_FPR)
                        x86_fstore(&e->a, true, OUT_ARG(n), x86_num(o->reg));
                else
                        x86_store(&e->a, 3, OUT_ARG(n), o->reg);
                return;
        }
        emit_opnd_to(e, SCRATCH, o, w);
        x86_store(&e->a, 3, OUT_ARG(n), SCRATCH);
}

/* ---- what the walk wants of a host (backend/emit.h) ---- */

void emit_patch(struct emit *e, uint8_t *at, const uint8_t *target)
{
        x86_patch(at, target);
}

uint8_t *emit_jump(struct emit *e)
{
        return x86_jmp(&e->a);
}

void emit_from_scratch(struct emit *e, unsigned d)
{
        emit_move(e, d, SCRATCH);
}

void emit_finish(struct emit *e)
{
        x86_align(&e->a, 16);
}

void cold_op(struct emit *e, const struct cold *c)
{
        if (c->kind == COLD_DIV)
                cold_div(e, c);
        else if (c->kind == COLD_ADDEND)
                cold_addend(e, c);
        else if (c->kind == COLD_VECTOR)
                cold_vector(e, c);
        else
                cold_float(e, c);
}

/* ---- a code cache's host data ---- */

static void find_features(struct emit_host *h)
{
        __builtin_cpu_init();
        h->feat.bmi2 = __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("bmi");
        h->feat.lzcnt = h->feat.bmi2; /* no processor has BMI2 without LZCNT */
        h->feat.popcnt = __builtin_cpu_supports("popcnt");
        h->feat.ssse3 = __builtin_cpu_supports("ssse3");
        h->feat.sse41 = __builtin_cpu_supports("sse4.1");
        h->feat.sse42 = __builtin_cpu_supports("sse4.2");
        h->feat.avx2 = __builtin_cpu_supports("avx2");
        h->feat.avx = __builtin_cpu_supports("avx");
        h->feat.fma = __builtin_cpu_supports("fma");
}

void emit_setup(struct emit_host *h)
{
        static const uint8_t gprs[X86_GPR_PINS] = {RBX, RSI, RDI, R12, R13, R14, R8, R9};

        h->room = X86_ROOM;
        h->spill = FRAME_SPILL;
        h->stub_size = 5; /* a call */
        find_features(h);
        emit_assign_pins(h, gprs, X86_GPR_PINS, RA_FPR, X86_FPR_PINS, NULL);
        h->target.temps = RA_BIT(RAX) | RA_BIT(RCX) | RA_BIT(RDX) | RA_BIT(R10);
        for (unsigned k = X86_FPR_PINS; k < FSCRATCH; k++)
                h->target.temps |= RA_BIT(RA_FPR + k);
        h->target.zeros_above = x86_zeros_above;
        h->target.flags = &x86_flag_target;
        h->target.move = cb_move;
        h->target.load = cb_load;
        h->target.store = cb_store;
        h->target.load_const = cb_load_const;
        h->target.store_const = cb_store_const;
}

/* The x86 keeps instruction fetch coherent with stores through another mapping once a branch was taken. */
static void x86_sync(const struct code_buf *buf, size_t from, size_t len)
{
}

static void x86_link(struct code_link *l, const struct code_region *target)
{
        const uint8_t *at = l->from->code + l->patch_offset;
        const uint8_t *to = target ? target->code : l->from->code + l->stub_offset;

        __atomic_store_n((int32_t *)(l->from->code_rw + l->patch_offset), (int32_t)(to - (at + 4)),
                         __ATOMIC_RELEASE);
}

const struct host_ops host_x86_64 = {
        .name = "x86_64",
        .loops = true,
        .n_gpr_pins = X86_GPR_PINS,
        .n_fpr_pins = X86_FPR_PINS,
        .init = emit_init,
        .fini = emit_fini,
        .emit = emit_region,
        .fp_env = x86_fp_env,
        .enter = emit_enter,
        .link = x86_link,
        .no_return = emit_no_return,
        .sync = x86_sync,
        .print_code = x86_print_code,
};
