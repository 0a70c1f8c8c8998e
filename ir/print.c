/* SPDX-License-Identifier: MIT */
/*
 * The printer: the text that -d op shows, that tests are written in and that ir/parse.c reads back. Blocks
 * come in the order they were filled, values are numbered in that order, dead instructions are left out; so
 * printing what was parsed gives the same text. Stateless.
 */
#include "ir/ir.h"

#include <inttypes.h>

#include "ir/flags.h"
#include "ir/text.h"
#include "ir/vec.h"

const char *const ir_type_names[IR_TYPE_COUNT] = {
        [IR_VOID] = "void", [IR_I32] = "i32", [IR_I64] = "i64", [IR_F32] = "f32", [IR_F64] = "f64",
        [IR_V128] = "v128", [IR_FLAGS] = "flags",
};
const char *const ir_cond_names[IR_COND_COUNT] = {
        [IR_EQ] = "eq",   [IR_NE] = "ne",   [IR_LTU] = "ltu",   [IR_GEU] = "geu",
        [IR_LTS] = "lts", [IR_GES] = "ges", [IR_LEU] = "leu",   [IR_GTU] = "gtu",
        [IR_LES] = "les", [IR_GTS] = "gts", [IR_TSTZ] = "tstz", [IR_TSTNZ] = "tstnz",
};
const char *const ir_fcond_names[IR_FCOND_COUNT] = {[IR_FEQ] = "eq", [IR_FLT] = "lt", [IR_FLE] = "le",
                                                     [IR_FUN] = "un"};
const char *const ir_flcond_names[IR_FLCOND_COUNT] = {
        [IR_FL_Z] = "z",     [IR_FL_NZ] = "nz",   [IR_FL_C] = "c",     [IR_FL_NC] = "nc",   [IR_FL_N] = "n",
        [IR_FL_NN] = "nn",   [IR_FL_V] = "v",     [IR_FL_NV] = "nv",   [IR_FL_P] = "p",     [IR_FL_NP] = "np",
        [IR_FL_A] = "a",     [IR_FL_NA] = "na",   [IR_FL_LEU] = "leu", [IR_FL_GTU] = "gtu",
        [IR_FL_LTS] = "lts",
        [IR_FL_GES] = "ges", [IR_FL_LES] = "les", [IR_FL_GTS] = "gts",
};
const char *const ir_round_names[IR_RM_MODE + 1] = {
        [IR_RM_RNE] = "rne", [IR_RM_RTZ] = "rtz", [IR_RM_RDN] = "rdn",
        [IR_RM_RUP] = "rup", [IR_RM_RMM] = "rmm", [IR_RM_MODE] = "mode",
};
const char *const ir_exit_names[IR_EXIT_COUNT] = {
        [IR_EXIT_LOOKUP] = "lookup", [IR_EXIT_EXCEPTION] = "exception", [IR_EXIT_HALT] = "halt",
        [IR_EXIT_POLL] = "poll", [IR_EXIT_BUDGET] = "budget", [IR_EXIT_DEBUG] = "debug",
        [IR_EXIT_EXCLUSIVE] = "exclusive", [IR_EXIT_LINK] = "link", [IR_EXIT_INDIRECT] = "indirect",
        [IR_EXIT_YIELD] = "yield", [IR_EXIT_ONCE] = "once",
};
const char *const ir_jump_names[IR_JUMP_RETURN + 1] = {
        [IR_JUMP_PLAIN] = "plain", [IR_JUMP_CALL] = "call", [IR_JUMP_RETURN] = "return",
};
const char *const ir_rmw_names[IR_RMW_COUNT] = {
        [IR_RMW_SWAP] = "swap", [IR_RMW_ADD] = "add",   [IR_RMW_AND] = "and",
        [IR_RMW_OR] = "or",     [IR_RMW_XOR] = "xor",   [IR_RMW_MINS] = "mins",
        [IR_RMW_MAXS] = "maxs", [IR_RMW_MINU] = "minu", [IR_RMW_MAXU] = "maxu",
};

const char *const ir_lane_names[4] = {"x8", "x16", "x32", "x64"};
const char *const ir_minmax_names[IR_MM_COUNT] = {
        [IR_MM_NUMBER] = "number", [IR_MM_NUM2008] = "num2008", [IR_MM_NAN] = "nan", [IR_MM_LESS] = "less",
};

const char *const *ir_cond_words(enum ir_op op, unsigned *n)
{
        switch (op) {
        case IR_OP_fcmp: case IR_OP_vfcmp: *n = IR_FCOND_COUNT; return ir_fcond_names;
        case IR_OP_fl_test: *n = IR_FLCOND_COUNT; return ir_flcond_names;
        case IR_OP_exit: *n = IR_EXIT_COUNT; return ir_exit_names;
        case IR_OP_exit_ind: *n = IR_JUMP_RETURN + 1; return ir_jump_names;
        default:
                if (ir_ops[op].flags & IR_HAS_COND) {
                        *n = IR_COND_COUNT;
                        return ir_cond_names;
                }
                if (ir_ops[op].flags & IR_HAS_ROUND) {
                        *n = IR_RM_MODE + 1;
                        return ir_round_names;
                }
                *n = 0;
                return NULL;
        }
}

enum ir_form ir_form_of(enum ir_op op)
{
        switch (op) {
        case IR_OP_const: return IR_FORM_CONST;
        case IR_OP_get: case IR_OP_put: case IR_OP_drop: return IR_FORM_SLOT;
        case IR_OP_pcaddr: case IR_OP_poll: case IR_OP_exit_jump: case IR_OP_exit: case IR_OP_ret_push:
                return IR_FORM_OFFSET;
        case IR_OP_lookup: return IR_FORM_LOOKUP;
        case IR_OP_ld: case IR_OP_st: case IR_OP_rmw: case IR_OP_cas: case IR_OP_cas16: return IR_FORM_MEM;
        case IR_OP_wput: case IR_OP_wget: return IR_FORM_WIDE;
        case IR_OP_fence: return IR_FORM_FENCE;
        case IR_OP_insn: return IR_FORM_INSN;
        case IR_OP_call: return IR_FORM_CALL;
        case IR_OP_hook: return IR_FORM_NUMBERS;
        case IR_OP_budget: return IR_FORM_COUNT;
        case IR_OP_br: return IR_FORM_BR;
        case IR_OP_brcc: return IR_FORM_BRCC;
        default: return IR_FORM_PLAIN;
        }
}

struct printer {
        FILE *to;
        const struct ir_region *r;
        uint32_t *number; /* by ref; 0: not printed */
};

static void print_offset(struct printer *p, int64_t imm)
{
        uint64_t magnitude = imm < 0 ? -(uint64_t)imm : imm;

        fprintf(p->to, " page%c0x%" PRIx64, imm < 0 ? '-' : '+', magnitude);
}

static void print_value(struct printer *p, ir_ref v)
{
        if (v < p->r->n_ins && p->number[v])
                fprintf(p->to, "%%%" PRIu32, p->number[v]);
        else
                fprintf(p->to, "%%?%" PRIu32, v);
}

static void print_args(struct printer *p, const struct ir_ins *i, unsigned n)
{
        for (unsigned k = 0; k < n; k++) {
                fputs(k ? ", " : " ", p->to);
                print_value(p, i->arg[k]);
        }
}

static const char *slot_name(const struct printer *p, uint32_t slot)
{
        return slot < p->r->guest->n_slots ? p->r->guest->slots[slot].name : "?";
}

static void print_slot(struct printer *p, const struct ir_ins *i)
{
        fprintf(p->to, " %s", slot_name(p, i->aux));
        if (i->op == IR_OP_get)
                return;
        if (i->op == IR_OP_put) {
                fputs(", ", p->to);
                print_value(p, i->arg[0]);
        }
        if (i->arg[1]) {
                fputs(" after ", p->to);
                print_value(p, i->arg[1]);
        }
}

/* What the op itself implies (write and atomic) is not printed. */
static void print_attributes(struct printer *p, const struct ir_ins *i)
{
        const struct {
                bool set;
                const char *name;
        } words[] = {
                {i->mem.write && i->op == IR_OP_lookup, "write"}, {i->mem.sign, "sign"},
                {i->mem.big_endian, "big_endian"}, {i->mem.align, "align"}, {i->mem.acquire, "acquire"},
                {i->mem.release, "release"}, {i->mem.nofault, "nofault"},
                {i->mem.atomic && i->op != IR_OP_rmw && i->op != IR_OP_cas && i->op != IR_OP_cas16, "atomic"},
                {i->mem.sc, "sc"}, {i->mem.for_write, "for_write"},
        };

        fputs(" {", p->to);
        if (i->op == IR_OP_lookup)
                fprintf(p->to, "view %u", i->mem.view);
        else
                fprintf(p->to, "%u", 1u << i->mem.size_log2);
        if (i->mem.view && i->op != IR_OP_lookup)
                fprintf(p->to, " view %u", i->mem.view);
        for (size_t k = 0; k < G_N_ELEMENTS(words); k++)
                if (words[k].set)
                        fprintf(p->to, " %s", words[k].name);
        putc('}', p->to);
}

static void print_mem(struct printer *p, const struct ir_ins *i)
{
        print_args(p, i, 2);
        if (i->op == IR_OP_ld || i->op == IR_OP_st)
                fprintf(p->to, " %c %" PRIu64, i->imm < 0 ? '-' : '+',
                        i->imm < 0 ? -(uint64_t)i->imm : i->imm);
        for (unsigned k = 2; k < ir_ops[i->op].n_args; k++) {
                fputs(", ", p->to);
                print_value(p, i->arg[k]);
        }
        print_attributes(p, i);
}

static void print_fence(struct printer *p, uint32_t mask)
{
        static const char *const names[] = {"ll", "ls", "sl", "ss"};

        for (unsigned k = 0; k < 4; k++)
                if (mask & 1u << k)
                        fprintf(p->to, " %s", names[k]);
}

static void print_call(struct printer *p, const struct ir_ins *i)
{
        const struct ir_helper *h = (const void *)(intptr_t)i->imm;

        fprintf(p->to, " %s(", h->name);
        for (unsigned k = 0; k < h->n_args; k++) {
                fputs(k ? ", " : "", p->to);
                print_value(p, i->arg[k]);
        }
        putc(')', p->to);
}

/* What aux says beside types and lanes. */
static void print_variant(struct printer *p, const struct ir_ins *i)
{
        unsigned shift = ir_is_vector_op(i->op) ? IR_VEC_VARIANT : 0, variant = i->aux >> shift;
        bool minmax = i->op == IR_OP_fmin || i->op == IR_OP_fmax || i->op == IR_OP_vfmin ||
                      i->op == IR_OP_vfmax;

        if (ir_ops[i->op].sig == IR_SIG_VFP && (i->aux & IR_VEC_LOW))
                fputs(" low", p->to);
        if (minmax && variant)
                fprintf(p->to, " %s", variant < IR_MM_COUNT ? ir_minmax_names[variant] : "?");
        if ((i->op == IR_OP_fcmp || i->op == IR_OP_vfcmp) && (i->aux & IR_FCMP_QUIET))
                fputs(" quiet", p->to);
        if ((i->op == IR_OP_fcmp || i->op == IR_OP_vfcmp) && (i->aux & IR_FCMP_SIGNALING))
                fputs(" signaling", p->to);
        if ((i->op == IR_OP_fround || i->op == IR_OP_vfround) && (variant & 1))
                fputs(" exact", p->to);
        if ((i->op == IR_OP_fcvt_hf || i->op == IR_OP_fcvt_fh) && (variant & 1))
                fputs(" alternative", p->to);
        if (i->op == IR_OP_vfma && (variant & 1))
                fputs(" neg_a", p->to);
        if ((i->op == IR_OP_vfcvt_if || i->op == IR_OP_vfcvt_fi) && (variant & 1))
                fputs(" unsigned", p->to);
}

/* What aux says of flags and fields. */
static void print_flags(struct printer *p, const struct ir_ins *i)
{
        switch (i->op) {
        case IR_OP_extu: case IR_OP_exts: case IR_OP_insert:
                fprintf(p->to, ", %u, %u", ir_field_pos(i->aux), ir_field_len(i->aux));
                break;
        case IR_OP_fl_with: case IR_OP_fl_merge:
                fprintf(p->to, ", %" PRIu32, i->aux);
                break;
        case IR_OP_fl_add: case IR_OP_fl_sub: case IR_OP_fl_adc: case IR_OP_fl_sbc: case IR_OP_fl_logic:
                fprintf(p->to, ", %" PRIu32 "%s", i->aux & IR_FL_WIDTH, i->aux & IR_FL_NOT_C ? " not_c" : "");
                break;
        case IR_OP_fl_fcmp:
                fputs(i->aux & IR_FL_BY_CARRY ? " by_carry" : " by_sign", p->to);
                fputs(i->aux & IR_FL_SIGNALS ? " signals" : "", p->to);
                break;
        default:
                break;
        }
}

static void print_plain(struct printer *p, const struct ir_ins *i)
{
        print_args(p, i, ir_ops[i->op].n_args);
        if (ir_is_vector_op(i->op) && (ir_ops[i->op].flags & IR_HAS_IMM))
                fprintf(p->to, ", %" PRId64, i->imm);
        print_variant(p, i);
        print_flags(p, i);
        if (i->op == IR_OP_fma && (i->aux & 4))
                fputs(" operands", p->to);
        if (i->op == IR_OP_fma && (i->aux & 1))
                fputs(" neg_product", p->to);
        if (i->op == IR_OP_fma && (i->aux & 2))
                fputs(" neg_addend", p->to);
        if (i->op == IR_OP_fsgnj)
                fprintf(p->to, ", %" PRIu32, i->aux);
        if ((i->op == IR_OP_fcvt_fi || i->op == IR_OP_fcvt_if) && (i->aux & 16))
                fputs(" unsigned", p->to);
}

static void print_operands(struct printer *p, const struct ir_ins *i)
{
        switch (ir_form_of(i->op)) {
        case IR_FORM_PLAIN:
                print_plain(p, i);
                break;
        case IR_FORM_CONST:
                if (i->type == IR_FLAGS) {
                        fprintf(p->to, " %u", ir_flags_mask(i->imm));
                        break;
                }
                fprintf(p->to, ir_type_in_fpr(i->type) ? " 0x%" PRIx64 : " %" PRId64, i->imm);
                break;
        case IR_FORM_SLOT:
                print_slot(p, i);
                break;
        case IR_FORM_OFFSET:
                print_offset(p, i->imm);
                if (i->op == IR_OP_exit_jump && (i->aux & 1))
                        fputs(" poll", p->to);
                if (i->op == IR_OP_poll && (i->aux & 1))
                        fputs(" site", p->to);
                break;
        case IR_FORM_LOOKUP:
                print_args(p, i, 1);
                fprintf(p->to, ", [%" PRId32 ", %" PRId32 ")", ir_lookup_lo(i), ir_lookup_hi(i));
                print_attributes(p, i);
                break;
        case IR_FORM_MEM:
                print_mem(p, i);
                break;
        case IR_FORM_FENCE:
                print_fence(p, i->aux);
                break;
        case IR_FORM_INSN:
                fprintf(p->to, " %" PRIu32 ",", i->aux);
                print_offset(p, i->imm);
                break;
        case IR_FORM_CALL:
                print_call(p, i);
                break;
        case IR_FORM_NUMBERS:
                fprintf(p->to, " %" PRIu32 ", %" PRId64, i->aux, i->imm);
                break;
        case IR_FORM_WIDE:
                fprintf(p->to, " %" PRIu32, i->aux);
                if (i->op == IR_OP_wput) {
                        fputs(", ", p->to);
                        print_value(p, i->arg[0]);
                }
                break;
        case IR_FORM_COUNT:
                fprintf(p->to, " %" PRId64, i->imm);
                break;
        case IR_FORM_BR:
                fprintf(p->to, " b%" PRIu32, i->aux);
                break;
        case IR_FORM_BRCC:
                print_args(p, i, 2);
                fprintf(p->to, ", b%" PRIu32 ", b%" PRIu32, (uint32_t)i->imm,
                        (uint32_t)((uint64_t)i->imm >> 32));
                break;
        }
}

static void print_ins(struct printer *p, ir_ref n)
{
        const struct ir_ins *i = &p->r->ins[n];
        const char *const *words;
        unsigned n_words;

        fputs(i->op == IR_OP_insn ? "  " : "    ", p->to);
        if (ir_has_result(i))
                fprintf(p->to, "%%%" PRIu32 " = ", p->number[n]);
        fputs(ir_ops[i->op].name, p->to);
        if (i->type != IR_VOID)
                fprintf(p->to, ".%s", i->type < IR_TYPE_COUNT ? ir_type_names[i->type] : "?");
        words = ir_cond_words(i->op, &n_words);
        if (words)
                fprintf(p->to, ".%s", i->cond < n_words ? words[i->cond] : "?");
        if (i->op == IR_OP_rmw)
                fprintf(p->to, ".%s", i->mem.rmw < IR_RMW_COUNT ? ir_rmw_names[i->mem.rmw] : "?");
        if (ir_is_vector_op(i->op))
                fprintf(p->to, ".%s", ir_lane_names[ir_lane_of(i)]);
        if (i->flags & IR_INS_DEFERRED)
                fputs(".deferred", p->to);
        print_operands(p, i);
        putc('\n', p->to);
}

static void print_header(struct printer *p)
{
        const struct ir_region *r = p->r;
        const struct {
                bool set;
                const char *name;
        } words[] = {
                {r->fp.nan == IR_NAN_DEFAULT, "default_nan"},
                {r->fp.nan == IR_NAN_SIGNALING, "signaling_nan"},
                {r->fp.flush_in, "flush_in"},
                {r->fp.flush_out == IR_FLUSH_UF, "flush_uf"},
                {r->fp.flush_out == IR_FLUSH_UF_NX, "flush_out"},
                {r->fp.int_rule == IR_INT_SATURATE_ZERO, "int_nan_zero"},
                {r->fp.int_rule == IR_INT_INDEFINITE, "int_indefinite"},
                {r->fp.tininess_before, "tininess_before"},
                {r->fp.note_denormal, "note_denormal"},
                {r->fp.fma_inf_zero_nan_invalid, "fma_inf_zero_nan_invalid"},
                {r->deterministic, "deterministic"},
                {r->loops, "loops"},
        };

        fprintf(p->to,
                "region mode 0x%" PRIx64 " start 0x%" PRIx32 " bytes %" PRIu32 " insns %" PRIu32 " round %s",
                r->mode, r->start_offset, r->guest_bytes, r->n_guest_insns,
                r->fp.round < IR_RM_MODE ? ir_round_names[r->fp.round] : "?");
        for (size_t k = 0; k < G_N_ELEMENTS(words); k++)
                if (words[k].set)
                        fprintf(p->to, " %s", words[k].name);
        putc('\n', p->to);
}

static int by_first(const void *x, const void *y, void *blocks)
{
        const struct ir_block *a = (const struct ir_block *)blocks + *(const uint32_t *)x;
        const struct ir_block *b = (const struct ir_block *)blocks + *(const uint32_t *)y;

        return a->first != b->first ? (a->first > b->first) - (a->first < b->first)
                                    : (a->end > b->end) - (a->end < b->end);
}

void ir_print(FILE *to, const struct ir_region *r)
{
        struct printer p = {to, r, g_new0(uint32_t, r->n_ins)};
        uint32_t *order = g_new(uint32_t, r->n_blocks), next = 1;

        for (ir_ref n = 1; n < r->n_ins; n++)
                if (!(r->ins[n].flags & IR_INS_DEAD) && ir_has_result(&r->ins[n]))
                        p.number[n] = next++;
        for (uint32_t k = 0; k < r->n_blocks; k++)
                order[k] = k;
        g_qsort_with_data(order, r->n_blocks, sizeof(*order), by_first, r->blocks);
        print_header(&p);
        for (uint32_t k = 0; k < r->n_blocks; k++) {
                const struct ir_block *block = &r->blocks[order[k]];

                fprintf(to, "b%" PRIu32 ":%s\n", order[k], block->first == block->end ? " empty" : "");
                for (ir_ref n = block->first; n < block->end; n++)
                        if (!(r->ins[n].flags & IR_INS_DEAD))
                                print_ins(&p, n);
        }
        g_free(order);
        g_free(p.number);
}
