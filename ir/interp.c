/* SPDX-License-Identifier: MIT */
/*
 * The running half of the reference interpreter: one function of threaded code, whose integer steps are made
 * from the evaluation column of ops.def. Each step ends by jumping to the next one's code.
 */
#include "ir/interp.h"

#include <string.h>

#include "ir/eval.h"
#include "ir/interp_code.h"

void ir_interp_fini(struct ir_interp *it)
{
        g_free(it->values);
        it->values = NULL;
        it->n_values = 0;
}

static inline uint32_t slot_get32(const uint8_t *state, int64_t offset)
{
        uint32_t v;

        memcpy(&v, state + offset, sizeof(v));
        return v;
}

static inline uint64_t slot_get64(const uint8_t *state, int64_t offset)
{
        uint64_t v;

        memcpy(&v, state + offset, sizeof(v));
        return v;
}

static inline void slot_put32(uint8_t *state, int64_t offset, uint32_t v)
{
        memcpy(state + offset, &v, sizeof(v));
}

static inline void slot_put64(uint8_t *state, int64_t offset, uint64_t v)
{
        memcpy(state + offset, &v, sizeof(v));
}

static uint64_t sign_of(unsigned kind, uint64_t a, uint64_t b)
{
        return kind == 0 ? b : kind == 1 ? ~b : a ^ b;
}

/* The region is left by the op at @ip: at the instruction in force. */
static enum ir_exit leave_at(const struct ir_icode *code, struct ir_interp *it, const struct ir_step *ip,
                             uint64_t status)
{
        it->insn = code->insn_of[ip - code->steps];
        it->pc = it->page_base + code->insn_offset[it->insn];
        it->done = it->insn;
        return status - 1;
}

/* The region is left for @pc after the instruction in force. */

static enum ir_exit leave_to(const struct ir_icode *code, struct ir_interp *it, const struct ir_step *ip,
                             uint64_t pc, enum ir_exit reason)
{
        it->insn = code->insn_of[ip - code->steps];
        it->pc = pc;
        it->done = it->insn + 1;
        return reason;
}

/* The same for ops that may stand before an instruction is complete: those that go on at it. */
static enum ir_exit leave_for(const struct ir_icode *code, struct ir_interp *it, const struct ir_step *ip,
                              enum ir_exit reason)
{
        uint64_t pc = it->page_base + ip->imm;

        leave_to(code, it, ip, pc, reason);
        it->done -= pc == it->page_base + code->insn_offset[it->insn];
        return reason;
}

static bool poll_set(const struct ir_interp *it)
{
        return __atomic_load_n(it->poll, __ATOMIC_RELAXED);
}

static struct ir_helper_ret run_call(struct ir_interp *it, const struct ir_step *ip, const uint64_t *v)
{
        const struct ir_helper *h = ip->ptr;
        const struct ir_step *args = ip + 1;

        return h->fn(it->vcpu, v[args->a], v[args->b], v[args->c], v[args->e]);
}

static uint64_t run_fp(const struct ir_icode *code, struct ir_interp *it, const struct ir_step *ip,
                       const uint64_t *v)
{
        const struct ir_step *more = ip + 1;

        return it->ops->fp(it->ctx, &code->fp, more->ptr, more->d, v[ip->a], v[ip->b], v[ip->c]);
}

static void run_eval(const struct ir_step *ip, uint64_t *v)
{
        const struct ir_step *more = ip + 1;
        uint64_t args[3] = {v[ip->a], v[ip->b], v[ip->c]};

        ir_eval(more->ptr, args, &v[ip->d]);
}

/* A vector value takes two places. */
static struct ir_v128 get_v128(const uint64_t *v, uint16_t at)
{
        return (struct ir_v128){{v[at], v[at + 1]}};
}

/* A vector op: with @it, one that raises FP flags. */
static void run_vec(struct ir_interp *it, const struct ir_icode *code, const struct ir_step *ip, uint64_t *v)
{
        const struct ir_ins *op = (ip + 1)->ptr;
        struct ir_v128 args[3] = {get_v128(v, ip->a), get_v128(v, ip->b), get_v128(v, ip->c)}, r;

        if (it)
                it->ops->vfp(it->ctx, &code->fp, op, args, &r);
        else
                ir_vec_eval(op, args, &r);
        v[ip->d] = r.w[0];
        if (op->type == IR_V128)
                v[ip->d + 1] = r.w[1];
}

static unsigned mem_size_log2(uint32_t bits)
{
        struct ir_mem m;

        memcpy(&m, &bits, sizeof(m));
        return m.size_log2;
}

/* A vector loaded or stored: 16 bytes, or fewer with zeros above. */
static uint64_t ld128(struct ir_interp *it, const struct ir_step *ip, uint64_t *v)
{
        struct ir_v128 value = {{0, 0}};
        uint64_t a = v[ip->a] + ip->offset;
        struct ir_helper_ret ret = {0, 0};

        if (mem_size_log2(ip->mem) == 4) {
                ret.status = it->ops->load128(it->ctx, a, ip->mem, &value);
        } else {
                ret = it->ops->load(it->ctx, a, ip->mem);
                value.w[0] = ret.value;
        }
        if (!ret.status) {
                v[ip->d] = value.w[0];
                v[ip->d + 1] = value.w[1];
        }
        return ret.status;
}

static uint64_t st128(struct ir_interp *it, const struct ir_step *ip, const uint64_t *v)
{
        struct ir_v128 value = get_v128(v, ip->b);
        uint64_t a = v[ip->a] + ip->offset;

        if (mem_size_log2(ip->mem) == 4)
                return it->ops->store128(it->ctx, a, ip->mem, &value);
        return it->ops->store(it->ctx, a, value.w[0], ip->mem).status;
}

static uint32_t put_offset(const struct ir_step *ip)
{
        return ip->d | (uint32_t)ip->a << 16;
}

static void values_reserve(struct ir_interp *it, uint32_t n)
{
        if (it->n_values < n) {
                it->n_values = MAX(n, 1024);
                /* what is after the last may be read */
                it->values = g_renew(uint64_t, it->values, it->n_values + 1);
                it->values[0] = 0; /* of arguments that are absent */
        }
}

#define NEXT do { ip++; goto *labels[ip->op]; } while (0)
#define NEXT_AFTER(n) do { ip += n; goto *labels[ip->op]; } while (0)
#define GO_TO(step) do { ip = code->steps + (step); goto *labels[ip->op]; } while (0)

/* Threaded code is one function by nature; each step is one or two lines. */
enum ir_exit ir_interp_run(const struct ir_icode *code, struct ir_interp *it)
{
        static const void *const labels[ST_COUNT] = {
#define OP(name, sig, nargs, flags, eval, doc) LABEL_##sig(name)
#define LABEL_IR_SIG_INT(name) \
                [ST_##name##32] = &&do_##name##32, [ST_##name##32i] = &&do_##name##32i, \
                [ST_##name##64] = &&do_##name##64, [ST_##name##64i] = &&do_##name##64i,
#define LABEL_IR_SIG_FP(name)
#define LABEL_IR_SIG_SETCC(name)
#define LABEL_IR_SIG_FCMP(name)
#define LABEL_IR_SIG_SELECT(name)
#define LABEL_IR_SIG_CONV(name)
#define LABEL_IR_SIG_BITS(name)
#define LABEL_IR_SIG_FLAGS(name)
#define LABEL_IR_SIG_LANE(name)
#define LABEL_IR_SIG_VEC(name)
#define LABEL_IR_SIG_VFP(name)
#define LABEL_IR_SIG_MEM(name)
#define LABEL_IR_SIG_CTRL(name)
#include "ir/ops.def"
#undef OP
#define COND(name, expr) \
                [ST_setcc_##name##32] = &&do_setcc_##name##32, \
                [ST_setcc_##name##32i] = &&do_setcc_##name##32i, \
                [ST_setcc_##name##64] = &&do_setcc_##name##64, \
                [ST_setcc_##name##64i] = &&do_setcc_##name##64i, \
                [ST_brcc_##name##32] = &&do_brcc_##name##32, \
                [ST_brcc_##name##32i] = &&do_brcc_##name##32i, \
                [ST_brcc_##name##64] = &&do_brcc_##name##64, \
                [ST_brcc_##name##64i] = &&do_brcc_##name##64i, \
                [ST_select_##name##32] = &&do_select_##name##32, \
                [ST_select_##name##64] = &&do_select_##name##64,
                IR_STEP_CONDS(COND)
#undef COND
#define L(name) [ST_##name] = &&do_##name
                L(const), L(get32), L(get64), L(put32), L(put64), L(putc32), L(putc64), L(pcaddr),
                L(mov), L(low32), L(sext32), L(fbox), L(fabs32), L(fabs64), L(fneg32), L(fneg64), L(fsgnj32),
                L(fsgnj64), L(fp), L(vec), L(vfp), L(ld128), L(st128),
                L(ld32), L(ld64), L(st), L(rmw32), L(rmw64), L(cas32), L(cas64),
                L(cas16), L(wput), L(wget), L(fence), L(eval),
                L(call), L(hook), L(budget), L(poll), L(br), L(exit_jump), L(exit_ind), L(exit),
#undef L
        };
        const struct ir_step *ip = code->steps;
        const struct ir_interp_ops *ops = it->ops;
        uint8_t *state = it->state;
        uint64_t *v;
        struct ir_helper_ret ret;

        values_reserve(it, code->n_values);
        v = it->values;
        goto *labels[ip->op];

        /* ---- integers, from ops.def ---- */
#define OP(name, sig, nargs, flags, eval, doc) DO_##sig(name, eval)
#define DO_IR_SIG_FP(name, eval)
#define DO_IR_SIG_SETCC(name, eval)
#define DO_IR_SIG_FCMP(name, eval)
#define DO_IR_SIG_SELECT(name, eval)
#define DO_IR_SIG_CONV(name, eval)
#define DO_IR_SIG_BITS(name, eval)
#define DO_IR_SIG_FLAGS(name, eval)
#define DO_IR_SIG_LANE(name, eval)
#define DO_IR_SIG_VEC(name, eval)
#define DO_IR_SIG_VFP(name, eval)
#define DO_IR_SIG_MEM(name, eval)
#define DO_IR_SIG_CTRL(name, eval)

#define WITH_ARGS(second, action) { \
                WORD a = v[ip->a], b = (second); \
                (void)a, (void)b; \
                action; \
        }

#define WORD uint32_t
#define SWORD int32_t
#define W 32
#define DO_IR_SIG_INT(name, eval) \
        do_##name##32: WITH_ARGS(v[ip->b], v[ip->d] = (WORD)(eval)) NEXT; \
        do_##name##32i: WITH_ARGS(ip->imm, v[ip->d] = (WORD)(eval)) NEXT;
#include "ir/ops.def"
#define COND(name, expr) \
        do_setcc_##name##32: WITH_ARGS(v[ip->b], v[ip->d] = (expr)) NEXT; \
        do_setcc_##name##32i: WITH_ARGS(ip->imm, v[ip->d] = (expr)) NEXT; \
        do_select_##name##32: WITH_ARGS(v[ip->b], v[ip->d] = (expr) ? v[ip->c] : v[ip->e]) NEXT; \
        do_brcc_##name##32: WITH_ARGS(v[ip->b], GO_TO((expr) ? ip->then_step : ip->else_step)) \
        do_brcc_##name##32i: WITH_ARGS(ip->imm, GO_TO((expr) ? ip[1].then_step : ip[1].else_step))
        IR_STEP_CONDS(COND)
#undef COND
#undef DO_IR_SIG_INT
#undef WORD
#undef SWORD
#undef W

#define WORD uint64_t
#define SWORD int64_t
#define W 64
#define DO_IR_SIG_INT(name, eval) \
        do_##name##64: WITH_ARGS(v[ip->b], v[ip->d] = (WORD)(eval)) NEXT; \
        do_##name##64i: WITH_ARGS(ip->imm, v[ip->d] = (WORD)(eval)) NEXT;
#include "ir/ops.def"
#define COND(name, expr) \
        do_setcc_##name##64: WITH_ARGS(v[ip->b], v[ip->d] = (expr)) NEXT; \
        do_setcc_##name##64i: WITH_ARGS(ip->imm, v[ip->d] = (expr)) NEXT; \
        do_select_##name##64: WITH_ARGS(v[ip->b], v[ip->d] = (expr) ? v[ip->c] : v[ip->e]) NEXT; \
        do_brcc_##name##64: WITH_ARGS(v[ip->b], GO_TO((expr) ? ip->then_step : ip->else_step)) \
        do_brcc_##name##64i: WITH_ARGS(ip->imm, GO_TO((expr) ? ip[1].then_step : ip[1].else_step))
        IR_STEP_CONDS(COND)
#undef COND
#undef DO_IR_SIG_INT
#undef WORD
#undef SWORD
#undef W
#undef OP

        /* ---- constants, slots, conversions ---- */
do_const:
        v[ip->d] = ip->imm;
        NEXT;
do_get32:
        v[ip->d] = slot_get32(state, ip->imm);
        NEXT;
do_get64:
        v[ip->d] = slot_get64(state, ip->imm);
        NEXT;
do_put32:
        slot_put32(state, ip->imm, v[ip->a]);
        NEXT;
do_put64:
        slot_put64(state, ip->imm, v[ip->a]);
        NEXT;
do_putc32:
        slot_put32(state, put_offset(ip), ip->imm);
        NEXT;
do_putc64:
        slot_put64(state, put_offset(ip), ip->imm);
        NEXT;
do_pcaddr:
        v[ip->d] = it->page_base + ip->imm;
        NEXT;
do_mov:
        v[ip->d] = v[ip->a];
        NEXT;
do_low32:
        v[ip->d] = (uint32_t)v[ip->a];
        NEXT;
do_sext32:
        v[ip->d] = (int64_t)(int32_t)v[ip->a];
        NEXT;
do_fbox:
        v[ip->d] = v[ip->a] | 0xffffffffull << 32;
        NEXT;
do_fabs32:
        v[ip->d] = v[ip->a] & 0x7fffffff;
        NEXT;
do_fabs64:
        v[ip->d] = v[ip->a] & ~(1ull << 63);
        NEXT;
do_fneg32:
        v[ip->d] = v[ip->a] ^ 1u << 31;
        NEXT;
do_fneg64:
        v[ip->d] = v[ip->a] ^ 1ull << 63;
        NEXT;
do_fsgnj32:
        v[ip->d] = (v[ip->a] & 0x7fffffff) | (sign_of(ip->imm, v[ip->a], v[ip->b]) & 1u << 31);
        NEXT;
do_fsgnj64:
        v[ip->d] = (v[ip->a] & ~(1ull << 63)) | (sign_of(ip->imm, v[ip->a], v[ip->b]) & 1ull << 63);
        NEXT;
do_fp:
        v[ip->d] = run_fp(code, it, ip, v);
        NEXT_AFTER(2);

do_vec:
        run_vec(NULL, code, ip, v);
        NEXT_AFTER(2);
do_vfp:
        run_vec(it, code, ip, v);
        NEXT_AFTER(2);

        /* ---- memory ---- */
do_ld128:
        ret.status = ld128(it, ip, v);
        if (ret.status)
                return leave_at(code, it, ip, ret.status);
        NEXT;
do_st128:
        ret.status = st128(it, ip, v);
        if (ret.status)
                return leave_at(code, it, ip, ret.status);
        NEXT;
do_ld32:
        ret = ops->load(it->ctx, v[ip->a] + ip->offset, ip->mem);
        if (ret.status)
                return leave_at(code, it, ip, ret.status);
        v[ip->d] = (uint32_t)ret.value;
        NEXT;
do_ld64:
        ret = ops->load(it->ctx, v[ip->a] + ip->offset, ip->mem);
        if (ret.status)
                return leave_at(code, it, ip, ret.status);
        v[ip->d] = ret.value;
        NEXT;
do_st:
        ret = ops->store(it->ctx, v[ip->a] + ip->offset, v[ip->b], ip->mem);
        if (ret.status)
                return leave_at(code, it, ip, ret.status);
        NEXT;
do_rmw32:
        ret = ops->rmw(it->ctx, v[ip->a], v[ip->b], ip->mem);
        if (ret.status)
                return leave_at(code, it, ip, ret.status);
        v[ip->d] = (uint32_t)ret.value;
        NEXT;
do_rmw64:
        ret = ops->rmw(it->ctx, v[ip->a], v[ip->b], ip->mem);
        if (ret.status)
                return leave_at(code, it, ip, ret.status);
        v[ip->d] = ret.value;
        NEXT;
do_cas32:
        ret = ops->cas(it->ctx, v[ip->a], v[ip->b], v[ip->offset], ip->mem);
        if (ret.status)
                return leave_at(code, it, ip, ret.status);
        v[ip->d] = (uint32_t)ret.value;
        NEXT;
do_cas64:
        ret = ops->cas(it->ctx, v[ip->a], v[ip->b], v[ip->offset], ip->mem);
        if (ret.status)
                return leave_at(code, it, ip, ret.status);
        v[ip->d] = ret.value;
        NEXT;
do_cas16:
        ret = ops->cas16(it->ctx, v[ip->a], it->wide, ip->mem);
        if (ret.status)
                return leave_at(code, it, ip, ret.status);
        NEXT;
do_wput:
        it->wide[ip->imm] = v[ip->a];
        NEXT;
do_wget:
        v[ip->d] = it->wide[ip->imm];
        NEXT;
do_eval:
        run_eval(ip, v);
        NEXT_AFTER(2);
do_fence:
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
        NEXT;

        /* ---- control ---- */
do_call:
        ret = run_call(it, ip, v);
        if (ret.status)
                return leave_at(code, it, ip, ret.status);
        v[ip->d] = ip->a ? (uint32_t)ret.value : ret.value;
        NEXT_AFTER(2);
do_hook:
        ops->hook(it->ctx, put_offset(ip), ip->imm);
        NEXT;
do_budget:
        if (*it->budget < ip->imm)
                return leave_at(code, it, ip, 1 + IR_EXIT_BUDGET);
        *it->budget -= ip->imm;
        NEXT;
do_poll:
        if (poll_set(it))
                return leave_for(code, it, ip, IR_EXIT_POLL);
        NEXT;
do_br:
        GO_TO(ip->then_step);
do_exit_jump:
        return leave_to(code, it, ip, it->page_base + ip->imm,
                        ip->d && poll_set(it) ? IR_EXIT_POLL : IR_EXIT_LINK);
do_exit_ind:
        return leave_to(code, it, ip, v[ip->a], poll_set(it) ? IR_EXIT_POLL : IR_EXIT_INDIRECT);
do_exit:
        return leave_for(code, it, ip, ip->d);
}
