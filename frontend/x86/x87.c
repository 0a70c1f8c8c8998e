/* SPDX-License-Identifier: MIT */
/*
 * The x87 FPU (Intel SDM volume 1, chapter 8), on soft-float's extended format: its stack, its control and
 * status words, and what its instructions compute. On the CPU's own thread.
 *
 * Unmasked exceptions set ES, and the next waiting instruction raises #MF; the result is written as if they
 * were masked. Not modelled: the last instruction's address and operand; transcendental functions and BCD
 * are not there.
 */
#include "frontend/fp/x87.h"

#include "frontend/x86/cpu.h"

enum { IE = 1, DE = 2, ZE = 4, OE = 8, UE = 16, PE = 32, SF = 64, ES = 0x80, C0 = 0x100, C1 = 0x200,
      C2 = 0x400,
       C3 = 0x4000, BUSY = 0x8000 };

static const struct fp80 indefinite = {0xc000000000000000, 0xffff}, one = {0x8000000000000000, 0x3fff};

/* ---- stack and words ---- */

static unsigned top(const struct x86_state *s)
{
        return s->fsw >> 11 & 7;
}

static void set_top(struct x86_state *s, unsigned t)
{
        s->fsw = (s->fsw & ~0x3800) | (t & 7) << 11;
}

static unsigned st(const struct x86_state *s, unsigned n)
{
        return (top(s) + n) & 7;
}

static bool is_empty(const struct x86_state *s, unsigned n)
{
        return !(s->ftw >> st(s, n) & 1);
}

static struct fp_env env_of(const struct x86_state *s)
{
        static const uint8_t rounds[4] = {FP_RM_RNE, FP_RM_RDN, FP_RM_RUP, FP_RM_RTZ};
        static const uint8_t precisions[4] = {24, 64, 53, 64};

        return fp_env_x87(rounds[s->fcw >> 10 & 3], precisions[s->fcw >> 8 & 3]);
}

static void update_summary(struct x86_state *s)
{
        s->fsw &= ~(ES | BUSY);
        if (s->fsw & ~s->fcw & 0x3f)
                s->fsw |= ES | BUSY;
}

/* Exceptions of an operation; C1 tells of rounding up. */
static void raise_flags(struct x86_state *s, uint8_t flags)
{
        static const struct { uint8_t flag, bit; } order[] = {
                {FP_NV, IE}, {FP_DE, DE}, {FP_DZ, ZE}, {FP_OF, OE}, {FP_UF, UE}, {FP_NX, PE},
        };

        s->fsw &= ~C1;
        if (flags & FP_UP)
                s->fsw |= C1;
        for (unsigned n = 0; n < sizeof(order) / sizeof(order[0]); n++)
                s->fsw |= flags & order[n].flag ? order[n].bit : 0;
        update_summary(s);
}

static void stack_fault(struct x86_state *s, bool overflow)
{
        s->fsw = (s->fsw & ~C1) | IE | SF | (overflow ? C1 : 0);
        update_summary(s);
}

/* ST(n), or the indefinite where it is empty. */
static struct fp80 get(struct x86_state *s, unsigned n, bool *fault)
{
        if (!is_empty(s, n))
                return s->fpr[st(s, n)];
        *fault = true;
        return indefinite;
}

static void set(struct x86_state *s, unsigned n, struct fp80 v)
{
        s->fpr[st(s, n)] = v;
        s->ftw |= 1 << st(s, n);
}

static void pop(struct x86_state *s)
{
        s->ftw &= ~(1 << top(s));
        set_top(s, top(s) + 1);
}

/* Whatever was there. */
static void push_over(struct x86_state *s, struct fp80 v)
{
        set_top(s, top(s) - 1);
        set(s, 0, v);
}

static void push(struct x86_state *s, struct fp80 v)
{
        bool overflow = !is_empty(s, 7);

        if (overflow)
                stack_fault(s, true);
        push_over(s, overflow ? indefinite : v);
}

/* ---- operands in memory ---- */

/* NaNs as they are, so that arithmetic sees which signal. */
static struct fp80 operand(struct fp_env *env, enum x87_operand kind, uint64_t low, uint64_t high)
{
        if (kind == X87_F32 && (low & 0x7fffffff) > 0x7f800000)
                return (struct fp80){1ull << 63 | low << 40, 0x7fff | (low >> 16 & 0x8000)};
        if (kind == X87_F64 && (low & INT64_MAX) > 0x7ff0000000000000)
                return (struct fp80){1ull << 63 | low << 11, 0x7fff | (low >> 48 & 0x8000)};
        switch (kind) {
        case X87_F32: return fp80_from_fp32(env, low);
        case X87_F64: return fp80_from_fp64(env, low);
        case X87_I16: return fp80_from_i64((int16_t)low);
        case X87_I32: return fp80_from_i64((int32_t)low);
        case X87_I64: return fp80_from_i64((int64_t)low);
        default: return (struct fp80){low, high};
        }
}

/* A subnormal operand of memory is noted when it was loaded; not so where another operand decides. */
static uint8_t without_denormal(uint8_t flags, struct fp80 other)
{
        return (flags & (FP_NV | FP_DZ)) || fp80_class(other) == FP80_NAN ? flags & ~FP_DE : flags;
}

/* ---- arithmetic ---- */

static struct fp80 compute(struct fp_env *env, enum x87_arith op, struct fp80 a, struct fp80 b)
{
        switch (op) {
        case X87_ADD: return fp80_add(env, a, b);
        case X87_MUL: return fp80_mul(env, a, b);
        case X87_SUB: return fp80_sub(env, a, b);
        case X87_SUBR: return fp80_sub(env, b, a);
        case X87_DIV: return fp80_div(env, a, b);
        default: return fp80_div(env, b, a);
        }
}

/* a: enum x87_arith, operand kind << 8, ST of the destination << 16, of the source << 20, pop << 24 */
X86_HELP(x87_arith)
{
        struct x86_state *s = x86_state(v);
        struct fp_env env = env_of(s);
        enum x87_operand kind = a >> 8 & 0xff;
        unsigned dest = a >> 16 & 7, source = a >> 20 & 7;
        bool fault = false;
        struct fp80 x = get(s, dest, &fault), y = kind == X87_ST ? get(s, source, &fault) : operand(&env,
                kind, b, c), r;

        if (fault) {
                stack_fault(s, false);
                r = indefinite;
        } else {
                r = compute(&env, a & 0xff, x, y);
                raise_flags(s, without_denormal(env.flags, x));
        }
        set(s, dest, r);
        if (a >> 24 & 1)
                pop(s);
        return x86_done(0);
}

/*
 * a: operand kind << 8, quiet << 16, pops << 20, to RFLAGS << 24, ST << 28; the flags' word if that was
 * asked for, else C3, C2 and C0 have the outcome.
 */
X86_HELP(x87_compare)
{
        static const uint16_t codes[4] = {C0, C3, 0, C0 | C2 | C3};
        struct x86_state *s = x86_state(v);
        struct fp_env env = env_of(s);
        enum x87_operand kind = a >> 8 & 0xff;
        enum fp_rel rel = FP_UNORDERED;
        bool fault = false;
        struct fp80 x = get(s, 0, &fault), y = kind == X87_ST ? get(s, a >> 28 & 7, &fault) : operand(&env,
                kind, b, c);

        if (fault) {
                stack_fault(s, false);
        } else {
                uint16_t c1 = s->fsw & C1;

                rel = fp80_compare(&env, x, y, !(a >> 16 & 1));
                raise_flags(s, without_denormal(env.flags, x));
                if (a >> 24 & 1)
                        s->fsw |= c1; /* FCOMI and its kin leave it */
        }
        for (unsigned n = a >> 20 & 3; n; n--)
                pop(s);
        if (a >> 24 & 1)
                return x86_done(ir_flags_fcmp(true, rel));
        s->fsw = (s->fsw & ~(C0 | C2 | C3)) | codes[rel + 1];
        return x86_done(0);
}

/* ---- loads and stores ---- */

X86_HELP(x87_push)
{
        struct x86_state *s = x86_state(v);
        struct fp_env env = env_of(s);
        struct fp80 x = a == X87_F32 ? fp80_from_fp32(&env, b) : a == X87_F64 ? fp80_from_fp64(&env, b)
                        : operand(&env, a, b, c);

        raise_flags(s, is_empty(s, 7) ? env.flags : 0);
        push(s, x);
        return x86_done(0);
}

/* The constants, for rounding down; what rounding to nearest and up add to the last bit. */
X86_HELP(x87_constant)
{
        static const struct { uint64_t significand; uint16_t exponent; uint8_t nearest, up; } table[] = {
                {0x8000000000000000, 0x3fff, 0, 0}, /* 1 */
                {0xd49a784bcd1b8afe, 0x4000, 0, 1}, /* log2 10 */
                {0xb8aa3b295c17f0bb, 0x3fff, 1, 1}, /* log2 e */
                {0xc90fdaa22168c234, 0x4000, 1, 1}, /* pi */
                {0x9a209a84fbcff798, 0x3ffd, 1, 1}, /* log10 2 */
                {0xb17217f7d1cf79ab, 0x3ffe, 1, 1}, /* ln 2 */
                {0, 0, 0, 0},
        };
        struct x86_state *s = x86_state(v);
        unsigned rc = s->fcw >> 10 & 3;

        raise_flags(s, 0);
        push(s, (struct fp80){table[a].significand + (rc == 0 ? table[a].nearest : rc == 2 ? table[a].up : 0),
                              table[a].exponent});
        return x86_done(0);
}

/*
 * What a store writes: a is the kind, b says that it truncates. The flags wait for x87_stored, when memory
 * has taken it; the upper 16 bits of an extended one are x87_high's.
 */
X86_HELP(x87_value)
{
        struct x86_state *s = x86_state(v);
        struct fp_env env = env_of(s);
        bool fault = false;
        struct fp80 x = get(s, 0, &fault);
        uint64_t r;

        if (b)
                env.rm = FP_RM_RTZ;
        switch ((enum x87_operand)a) {
        case X87_F32: r = fp80_to_fp32(&env, x); break;
        case X87_F64: r = fp80_to_fp64(&env, x); break;
        case X87_I16: r = (uint16_t)fp80_to_i16(&env, x); break;
        case X87_I32: r = (uint32_t)fp80_to_i32(&env, x); break;
        case X87_I64: r = fp80_to_i64(&env, x); break;
        default: r = x.significand; break;
        }
        s->x87_high = x.sign_exp;
        s->x87_fault = fault;
        s->x87_flags = env.flags;
        return x86_done(r);
}

X86_HELP(x87_high)
{
        return x86_done(x86_state(v)->x87_high);
}

X86_HELP(x87_stored)
{
        struct x86_state *s = x86_state(v);

        if (s->x87_fault)
                stack_fault(s, false);
        else
                raise_flags(s, s->x87_flags);
        if (a)
                pop(s);
        return x86_done(0);
}

/* ---- registers among themselves ---- */

static void remainder_of(struct x86_state *s, struct fp_env *env, struct fp80 x, struct fp80 y, bool nearest)
{
        unsigned quotient = 0;
        bool partial = false;
        struct fp80 r = fp80_rem(env, x, y, nearest, &quotient, &partial);

        raise_flags(s, env->flags);
        set(s, 0, r);
        s->fsw &= ~(C1 | C2);
        if ((env->flags & FP_NV) || fp80_class(r) == FP80_NAN)
                return; /* no quotient */
        s->fsw &= ~(C0 | C3);
        if (partial)
                s->fsw |= C2;
        else
                s->fsw |= (quotient & 4 ? C0 : 0) | (quotient & 2 ? C3 : 0) | (quotient & 1 ? C1 : 0);
}

static void examine(struct x86_state *s)
{
        static const uint16_t codes[] = {
                [FP80_UNSUPPORTED] = 0, [FP80_NAN] = C0, [FP80_NORMAL] = C2, [FP80_INF] = C2 | C0,
                        [FP80_ZERO] = C3,
                [FP80_DENORMAL] = C3 | C2,
        };
        struct fp80 x = s->fpr[top(s)];

        s->fsw &= ~(C0 | C1 | C2 | C3);
        s->fsw |= is_empty(s, 0) ? C3 | C0 : codes[fp80_class(x)];
        s->fsw |= x.sign_exp & 0x8000 ? C1 : 0;
}

/* One operand, ST(0), or two, ST(0) and ST(1). */
static void unary(struct x86_state *s, enum x87_unary op)
{
        struct fp_env env = env_of(s);
        bool fault = false, two = op == X87_SCALE || op == X87_PREM || op == X87_PREM1;
        struct fp80 x = get(s, 0, &fault), y = two ? get(s, 1, &fault) : one, significand;

        if (fault || (op == X87_XTRACT && !is_empty(s, 7))) {
                stack_fault(s, !fault);
                set(s, 0, indefinite);
                if (op == X87_XTRACT)
                        push_over(s, indefinite);
                if (op == X87_PREM || op == X87_PREM1)
                        s->fsw &= ~C2;
                return;
        }
        switch (op) {
        case X87_CHS: x.sign_exp ^= 0x8000; break;
        case X87_ABS: x.sign_exp &= 0x7fff; break;
        case X87_SQRT: x = fp80_sqrt(&env, x); break;
        case X87_RNDINT: x = fp80_round_int(&env, x); break;
        case X87_SCALE: x = fp80_scale(&env, x, y); break;
        case X87_PREM: case X87_PREM1:
                remainder_of(s, &env, x, y, op == X87_PREM1);
                return;
        case X87_XTRACT:
                x = fp80_xtract(&env, x, &significand);
                raise_flags(s, env.flags);
                set(s, 0, x);
                push(s, significand);
                return;
        default: break;
        }
        raise_flags(s, env.flags);
        set(s, 0, x);
}

X86_HELP(x87_unary)
{
        struct x86_state *s = x86_state(v);

        if (a == X87_XAM)
                examine(s);
        else
                unary(s, a);
        return x86_done(0);
}

/* a: what; b: ST; c: condition of a move */
X86_HELP(x87_move)
{
        struct x86_state *s = x86_state(v);
        bool fault = false;
        struct fp80 x, y;

        switch ((enum x87_move)a) {
        case X87_LD:
                x = get(s, b, &fault);
                s->fsw &= ~C1;
                if (fault) {
                        stack_fault(s, false);
                        push_over(s, x);
                } else {
                        push(s, x);
                }
                break;
        case X87_STORE: case X87_STORE_POP:
                x = get(s, 0, &fault);
                s->fsw &= ~C1;
                if (fault)
                        stack_fault(s, false);
                set(s, b, x);
                if (a == X87_STORE_POP)
                        pop(s);
                break;
        case X87_XCH:
                x = get(s, 0, &fault);
                y = get(s, b, &fault);
                s->fsw &= ~C1;
                if (fault)
                        stack_fault(s, false);
                set(s, 0, y);
                set(s, b, x);
                break;
        case X87_CMOV:
                x = get(s, 0, &fault);
                y = get(s, b, &fault);
                if (fault) {
                        stack_fault(s, false);
                        set(s, 0, indefinite);
                } else if (c) {
                        set(s, 0, y);
                }
                break;
        case X87_FREE: case X87_FREE_POP:
                s->fsw &= ~C1;
                s->ftw &= ~(1 << st(s, b));
                if (a == X87_FREE_POP)
                        pop(s);
                break;
        case X87_TOP_UP: case X87_TOP_DOWN:
                s->fsw &= ~C1;
                set_top(s, top(s) + (a == X87_TOP_UP ? 1 : 7));
                break;
        }
        return x86_done(0);
}

/* ---- control ---- */

X86_HELP(x87_wait)
{
        struct x86_state *s = x86_state(v);

        return s->fsw & ES ? x86_raise(v, X86_EXC_MF, 0) : x86_done(0);
}

X86_HELP(x87_word)
{
        const struct x86_state *s = x86_state(v);

        return x86_done(a ? s->fsw : s->fcw);
}

X86_HELP(x87_control)
{
        struct x86_state *s = x86_state(v);

        if (a == X87_INIT) {
                s->fcw = 0x37f;
                s->fsw = 0;
                s->ftw = 0;
                s->fip = s->fdp = s->fop = 0;
        } else if (a == X87_CLEAR) {
                s->fsw &= 0x7f00;
        } else {
                s->fcw = (b & 0x1f3f) | 0x40;
                update_summary(s);
        }
        return x86_done(0);
}
