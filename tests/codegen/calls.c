/* SPDX-License-Identifier: MIT */
/*
 * A walk over ir/ops.def: each op in each form that the verifier admits, with operands for which nothing
 * special happens, run as host code that counts its calls of C. What makes any is listed, so that an op that
 * a host no longer does itself, or not yet, shows as a difference of a golden list. Where not all forms of a
 * line do, the line says which: the guests' floating-point modes, conditions or roundings, how many of the
 * constants.
 *
 * Operands that C is needed for now and then (NaNs, subnormals, misses of the TLB) are other tests' business.
 */
#include "tests/codegen/calls.h"

#include <string.h>

#include "base/arena.h"
#include "base/error.h"
#include "ir/builder.h"
#include "ir/flags.h"
#include "ir/text.h"
#include "ir/vec.h"
#include "tests/codegen/engine.h"
#include "tests/codegen/fp_ops.h"
#include "tests/ir/check.h"

enum { MAX_AUX = 64 };

/* Modes of fp_ops_mode, by the guests that have them. */
static const char *const modes[] = {"riscv", "x86", "arm"};

struct form {
        struct ir_ins i;     /* arguments and condition aside */
        enum ir_type arg[4];
};

static bool is_memory(enum ir_op op)
{
        return ir_ops[op].sig == IR_SIG_MEM && op != IR_OP_lookup;
}

static bool is_left_out(enum ir_op op)
{
        return ir_ops[op].sig == IR_SIG_CTRL || op == IR_OP_lookup;
}

/* ---- regions ---- */

static unsigned slot_of(enum ir_type t, unsigned k)
{
        static const uint8_t first[IR_TYPE_COUNT] = {
                [IR_I32] = SLOT_W0, [IR_I64] = SLOT_X0, [IR_F32] = SLOT_S0, [IR_F64] = SLOT_F0,
                [IR_V128] = SLOT_V0, [IR_FLAGS] = SLOT_FL0,
        };

        return first[t] + (t == IR_FLAGS ? k & 1 : k);
}

static struct ir_region *region_of(const struct form *f, unsigned mode, struct arena *a)
{
        struct ir_region *r = ir_region_new(a, &world_guest);
        unsigned n_args = ir_ops[f->i.op].n_args;
        struct ir_builder *b;
        ir_ref arg[4] = {0}, v;

        r->fp = fp_ops_mode(mode);
        r->raw = r->has_flags = true;
        b = ir_builder_new(r);
        ir_insn(b, 0);
        for (unsigned k = is_memory(f->i.op); k < n_args; k++)
                arg[k] = ir_get(b, slot_of(f->arg[k], k));
        if (is_memory(f->i.op))
                arg[0] = ir_emit(b, ir_head(IR_OP_lookup, IR_I64, 0, f->i.aux), arg[1], 0,
                                 ir_lookup_range(0, 1 << f->i.mem.size_log2));
        v = ir_emit_like(b, &f->i, arg);
        if (ir_has_result(&f->i))
                ir_put(b, slot_of(f->i.type, 0), v);
        ir_exit(b, IR_EXIT_LOOKUP, 4);
        ir_builder_finish(b);
        return r;
}

/* An address in memory first, then a count or a carry among small numbers; floats that are exact. */
static void ordinary(struct world *w, const struct ir_ins *i)
{
        static const double doubles[4] = {1.5, 2.25, 3.5, 0.75};
        static const float floats[4] = {1.5f, 2.25f, 3.5f, 0.75f};
        static const uint32_t words[4] = {0x3c00 /* 1 in half precision */, 3, 1, 9};
        static const uint64_t longs[4] = {WORLD_RAM_AT + 0x100, WORLD_RAM_AT + 0x100, 1, 9};
        bool is_float = ir_ops[i->op].sig == IR_SIG_VFP, is_double = is_float && ir_lane_of(i) == IR_X64;

        world_init(w);
        for (unsigned k = 0; k < 4; k++) {
                uint64_t d, integers = 0x0403020105060708ull + 0x0101010101010101ull * k;
                uint32_t s;

                memcpy(&d, &doubles[k], 8);
                memcpy(&s, &floats[k], 4);
                world_slot_put(w, SLOT_F0 + k, d);
                world_slot_put(w, SLOT_S0 + k, s);
                world_slot_put(w, SLOT_W0 + k, words[k]);
                world_slot_put(w, SLOT_X0 + k, longs[k]);
                if (!is_double)
                        d = is_float ? (uint64_t)s << 32 | s : integers;
                world_vec_put(w, SLOT_V0 + k, (struct ir_v128){{d, d}});
        }
}

static bool calls_c(const struct form *f, unsigned mode, GError **error)
{
        struct world *w = g_new(struct world, 1);
        struct arena *a = arena_new(1 << 12);
        struct ir_region *r = region_of(f, mode, a);
        bool ok;

        ordinary(w, &f->i);
        ok = engine_host_fast.run(r, w, error);
        arena_free(a);
        g_free(w);
        return ok && host_calls();
}

static bool is_legal(const struct form *f)
{
        struct arena *a;
        bool ok;

        if (f->i.op == IR_OP_cas16 ? f->i.type != IR_I64
                                   : is_memory((enum ir_op)f->i.op) && f->i.type == IR_FLAGS)
                return false;
        if (ir_is_vector_op(f->i.op)) {
                if (f->i.op == IR_OP_vfcmp && f->i.aux >> 4 == 3)
                        return false;
                for (unsigned k = 0; k < ir_ops[f->i.op].n_args; k++)
                        if (!ir_vec_arg_ok(&f->i, k, f->arg[k]))
                                return false;
                return ir_vec_form_ok(&f->i);
        }
        a = arena_new(1 << 12);
        ok = ir_verify(region_of(f, 0, a), NULL);
        arena_free(a);
        return ok;
}

/* ---- forms ---- */

static const struct ir_mem accesses[] = {
        {0}, {.sign = 1}, {.align = 1}, {.align = 1, .acquire = 1}, {.align = 1, .acquire = 1, .sc = 1},
        {.align = 1, .release = 1}, {.align = 1, .release = 1, .sc = 1},
        {.align = 1, .acquire = 1, .release = 1, .sc = 1}, {.atomic = 1}, {.for_write = 1}, {.big_endian = 1},
};

/* All sizes; atomics those that order everything. */
static unsigned mem_choices(enum ir_op op, uint32_t *out)
{
        bool atomic = op != IR_OP_ld && op != IR_OP_st;
        unsigned n = 0, from = atomic ? 7 : 0, to = atomic ? 8 : G_N_ELEMENTS(accesses);

        for (unsigned k = from; k < to; k++) {
                for (unsigned size = op == IR_OP_cas16 ? 4 : 0; size <= 4; size++) {
                        struct ir_mem m = accesses[k];

                        m.size_log2 = size;
                        m.write = op != IR_OP_ld;
                        m.atomic |= atomic;
                        for (unsigned rmw = 0; rmw < (op == IR_OP_rmw ? IR_RMW_COUNT : 1); rmw++) {
                                m.rmw = rmw;
                                out[n++] = ir_mem_bits(m);
                        }
                }
        }
        return n;
}

static unsigned flag_choices(enum ir_op op, uint32_t *out)
{
        unsigned n = 0;

        switch (op) {
        case IR_OP_fl_with: case IR_OP_fl_merge:
                for (unsigned mask = 1; mask < IR_FLAG_ALL; mask <<= 1)
                        out[n++] = mask;
                out[n++] = IR_FLAG_ALL & ~IR_FLAG_C;
                return n;
        case IR_OP_fl_fcmp:
                for (unsigned k = 0; k < 8; k++)
                        out[n++] = (k & 1 ? IR_F64 : IR_F32) | (k >> 1) * IR_FL_BY_CARRY;
                return n;
        case IR_OP_fl_word: case IR_OP_fl_from: case IR_OP_fl_test:
                out[0] = 0;
                return 1;
        default:
                for (unsigned k = 0; k < 8; k++)
                        out[n++] = 8u << (k & 3) | (k & 4 ? IR_FL_NOT_C : 0);
                return n;
        }
}

/* What aux may say; the verifier takes its pick. */
static unsigned aux_choices(enum ir_op op, uint32_t *out)
{
        unsigned n = 0;

        switch ((enum ir_sig)ir_ops[op].sig) {
        case IR_SIG_SETCC: case IR_SIG_SELECT:
                out[0] = IR_I32;
                out[1] = IR_I64;
                return 2;
        case IR_SIG_FCMP:
                for (unsigned k = 0; k < 6; k++)
                        out[n++] = (k & 1 ? IR_F64 : IR_F32) | (k >> 1) * IR_FCMP_QUIET;
                return n;
        case IR_SIG_BITS:
                if (op == IR_OP_extr || op == IR_OP_adc || op == IR_OP_sbc)
                        break;
                for (unsigned len = 1; len <= 64; len <<= 1)
                        for (unsigned k = 0; k < 2; k++)
                                out[n++] = ir_field(k ? len & 31 : 0, len);
                return n;
        case IR_SIG_FLAGS:
                return flag_choices(op, out);
        case IR_SIG_FP:
                n = op == IR_OP_fma ? 8 : op == IR_OP_fmin || op == IR_OP_fmax ? IR_MM_COUNT :
                    op == IR_OP_fsgnj ? 3 : op == IR_OP_fround ? 2 : 1;
                for (unsigned k = 0; k < n; k++)
                        out[k] = k;
                return n;
        case IR_SIG_CONV:
                if (op == IR_OP_fcvt_fi || op == IR_OP_fcvt_if) {
                        for (unsigned t = IR_I32; t <= IR_F64; t++)
                                for (unsigned k = 0; k < 2; k++)
                                        out[n++] = t | 16 * k;
                        return n;
                }
                out[1] = 1;
                out[0] = 0;
                return op == IR_OP_fcvt_hf || op == IR_OP_fcvt_fh ? 2 : 1;
        case IR_SIG_LANE: case IR_SIG_VEC: case IR_SIG_VFP:
                for (unsigned k = 0; k < (ir_ops[op].sig == IR_SIG_VFP ? 32u : 4u); k++)
                        out[n++] = (k & 3) | (k & 4 ? IR_VEC_LOW : 0) |
                                   (k >> 3) * (op == IR_OP_vfcmp ? IR_FCMP_QUIET : 1u << IR_VEC_VARIANT);
                return n;
        case IR_SIG_MEM:
                return mem_choices(op, out);
        default:
                break;
        }
        out[0] = 0;
        return 1;
}

/* Of the first argument, and of a second one that need not be of the same type. */
static bool takes_any(enum ir_op op, unsigned k)
{
        switch ((enum ir_sig)ir_ops[op].sig) {
        case IR_SIG_CONV: case IR_SIG_FLAGS: return k == 0;
        case IR_SIG_VEC: return k < 2;
        default: return false;
        }
}

static enum ir_type arg_type(const struct form *f, unsigned k, enum ir_type any)
{
        enum ir_op op = (enum ir_op)f->i.op;

        if (takes_any(op, k))
                return any;
        switch ((enum ir_sig)ir_ops[op].sig) {
        case IR_SIG_BITS: return k == 2 && op != IR_OP_extr ? IR_I64 : f->i.type;
        case IR_SIG_SETCC: case IR_SIG_FCMP: return f->i.aux & 15;
        case IR_SIG_SELECT: return k < 2 ? f->i.aux : f->i.type;
        case IR_SIG_FLAGS: return k == 2 || op == IR_OP_fl_with ? IR_I64 : f->arg[0];
        case IR_SIG_MEM: return k < 2 ? IR_I64 : f->i.type;
        default: return f->i.type;
        }
}

/* ---- the list ---- */

/* A form as the printer has it, but for values, condition and constant. */
static char *name_of(const struct form *f)
{
        struct arena *a = arena_new(1 << 12);
        const struct ir_region *r = region_of(f, 0, a);
        char *text = region_text(r), **lines = g_strsplit(g_strchomp(text), "\n", -1), *name;
        GString *line = g_string_new(lines[g_strv_length(lines) - (ir_has_result(&f->i) ? 3 : 2)]);
        g_autoptr(GRegex) values = g_regex_new("^ *%[0-9]+ =|,? *%[0-9]+( \\+ 0)?", 0, 0, NULL);
        unsigned n_words;
        const char *const *words = ir_cond_words((enum ir_op)f->i.op, &n_words);

        if (words) {
                g_autofree char *word = g_strconcat(".", words[0], NULL);

                g_string_replace(line, word, "", 1);
        }
        if (ir_is_vector_op(f->i.op) && ir_ops[f->i.op].flags & IR_HAS_IMM)
                g_string_truncate(line, strrchr(line->str, ',') - line->str);
        name = g_regex_replace_literal(values, line->str, -1, 0, "", 0, NULL);
        g_strstrip(name);
        for (unsigned k = 0; k < MIN(ir_ops[f->i.op].n_args, 2u); k++) {
                if (takes_any((enum ir_op)f->i.op, k) && f->arg[k] != f->i.type) {
                        char *longer = g_strdup_printf("%s %s %s", name, k ? "and" : "of",
                                                       ir_type_names[f->arg[k]]);

                        g_free(name);
                        name = longer;
                }
        }
        if (ir_ops[f->i.op].sig == IR_SIG_SETCC || ir_ops[f->i.op].sig == IR_SIG_FCMP ||
            ir_ops[f->i.op].sig == IR_SIG_SELECT) {
                char *longer = g_strdup_printf("%s by %s", name, ir_type_names[f->i.aux & 15]);

                g_free(name);
                name = longer;
        }
        g_strfreev(lines);
        g_free(text);
        g_string_free(line, TRUE);
        arena_free(a);
        return name;
}

/* The constants that the form may have: how many, and how many of them call C. */
static bool count_constants(struct form f, unsigned mode, unsigned *called, unsigned *all, GError **error)
{
        unsigned last = ir_is_vector_op(f.i.op) && ir_ops[f.i.op].flags & IR_HAS_IMM ? 255 : 0;
        GError *problem = NULL;

        *called = *all = 0;
        for (f.i.imm = 0; f.i.imm <= last; f.i.imm++) {
                if (ir_is_vector_op(f.i.op) && !ir_vec_form_ok(&f.i))
                        continue;
                ++*all;
                *called += calls_c(&f, mode, &problem);
                if (problem) {
                        g_propagate_error(error, problem);
                        return false;
                }
        }
        return true;
}

/* What of a mode calls C: " word word", empty if nothing does, " all" if everything. */
static char *mode_calls(struct form f, unsigned mode, GError **error)
{
        unsigned n_words, called, constants;
        const char *const *words = ir_cond_words((enum ir_op)f.i.op, &n_words);
        GString *these = g_string_new("");
        bool all = true;

        for (unsigned k = 0; k < MAX(n_words, 1u); k++) {
                f.i.cond = k;
                if (!count_constants(f, mode, &called, &constants, error)) {
                        g_string_free(these, TRUE);
                        return NULL;
                }
                all &= called == constants;
                if (called && words)
                        g_string_append_printf(these, " %s", words[k]);
                if (called && called != constants)
                        g_string_append_printf(these, " %u of %u constants", called, constants);
        }
        if (all)
                g_string_assign(these, " all");
        return g_string_free(these, FALSE);
}

static bool add_form(GString *to, const struct form *f, GError **error)
{
        unsigned n_modes = ir_ops[f->i.op].flags & IR_FPSTATE ? G_N_ELEMENTS(modes) : 1;
        char *which[G_N_ELEMENTS(modes) + 1] = {NULL};
        bool called = false, alike = true;

        for (unsigned mode = 0; mode < n_modes; mode++) {
                which[mode] = mode_calls(*f, mode, error);
                if (!which[mode])
                        break;
                called |= *which[mode] != 0;
                alike &= !strcmp(which[mode], which[0]);
        }
        if (which[n_modes - 1] && called) {
                g_autofree char *name = name_of(f);

                g_string_append_printf(to, "%s:", name);
                for (unsigned mode = 0; mode < (alike ? 1 : n_modes); mode++)
                        if (*which[mode])
                                g_string_append_printf(to, "%s%s%s;", alike ? "" : " ",
                                                       alike ? "" : modes[mode], which[mode]);
                to->str[to->len - 1] = '\n'; /* the last semicolon */
        }
        called = which[n_modes - 1] != NULL;
        for (unsigned mode = 0; mode < n_modes; mode++)
                g_free(which[mode]);
        return called;
}

static bool add_op(GString *to, enum ir_op op, GError **error)
{
        uint32_t aux[2 * MAX_AUX];
        unsigned n_aux = aux_choices(op, aux), forms = 0;
        enum ir_type last0 = takes_any(op, 0) ? IR_TYPE_COUNT : IR_I64;
        enum ir_type last1 = takes_any(op, 1) && ir_ops[op].n_args > 1 ? IR_TYPE_COUNT : IR_I64;

        for (enum ir_type t = IR_I32; t < IR_TYPE_COUNT; t++)
                for (unsigned k = 0; k < n_aux; k++)
                        for (enum ir_type t0 = IR_I32; t0 < last0; t0++)
                                for (enum ir_type t1 = IR_I32; t1 < last1; t1++) {
                                        struct form f = {.i = {.op = op, .type = t, .aux = aux[k]}};

                                        f.arg[0] = arg_type(&f, 0, t0);
                                        for (unsigned n = 1; n < 4; n++)
                                                f.arg[n] = arg_type(&f, n, t1);
                                        if (op == IR_OP_vrev)
                                                f.i.imm = 4;
                                        if (!is_legal(&f))
                                                continue;
                                        forms++;
                                        if (!add_form(to, &f, error))
                                                return false;
                                }
        return forms || error_set(error, RHEA_ERROR_FAILED, "op %s has no form in %s", ir_ops[op].name,
                                  __FILE__);
}

bool calls_list(char **text, GError **error)
{
        GString *list = g_string_new("");
        bool ok = true;

        for (int op = 0; ok && op < IR_OP_COUNT; op++)
                ok = is_left_out((enum ir_op)op) || add_op(list, (enum ir_op)op, error);
        *text = g_string_free(list, !ok);
        return ok;
}
