/* SPDX-License-Identifier: MIT */
/*
 * The parser of textual IR, as ir/print.c writes it: a line an instruction, words and punctuation, ';' begins
 * a comment. It checks form alone; ir_verify says whether the region makes sense. Values may have any name.
 */
#include "ir/ir.h"

#include <string.h>

#include "base/error.h"
#include "ir/build.h"
#include "ir/builder.h"
#include "ir/flags.h"
#include "ir/text.h"
#include "ir/vec.h"

#define BLOCKS_MAX 65536

struct parser {
        struct ir_region *r;
        struct ir_builder *b;
        GHashTable *values;   /* name -> ref */
        const char *at;       /* in the line */
        unsigned line;
        bool in_block;
        uint32_t block;
        bool failed;
        GError **error;
};

static bool fail(struct parser *p, const char *fmt, ...) G_GNUC_PRINTF(2, 3);
static bool fail(struct parser *p, const char *fmt, ...)
{
        va_list ap;
        char *message;

        if (p->failed) /* the innermost complaint is the best */
                return false;
        p->failed = true;
        va_start(ap, fmt);
        message = g_strdup_vprintf(fmt, ap);
        va_end(ap);
        error_set(p->error, RHEA_ERROR_FAILED, "IR text, line %u: %s, at '%.20s'", p->line, message, p->at);
        g_free(message);
        return false;
}

/* ---- words ---- */

static void skip_space(struct parser *p)
{
        while (*p->at == ' ' || *p->at == '\t' || *p->at == '\r')
                p->at++;
}

static bool at_end(struct parser *p)
{
        skip_space(p);
        return *p->at == '\0' || *p->at == ';';
}

static bool accept(struct parser *p, const char *punct)
{
        skip_space(p);
        if (!g_str_has_prefix(p->at, punct))
                return false;
        p->at += strlen(punct);
        return true;
}

static bool expect(struct parser *p, const char *punct)
{
        return accept(p, punct) || fail(p, "'%s' expected", punct);
}

/* A word into @buf (of 64 bytes); false and nothing read if there is none. */
static bool accept_word(struct parser *p, char *buf)
{
        size_t n = 0;

        skip_space(p);
        while (g_ascii_isalnum(p->at[n]) || p->at[n] == '_')
                n++;
        if (n == 0 || n >= 64)
                return false;
        memcpy(buf, p->at, n);
        buf[n] = '\0';
        p->at += n;
        return true;
}

static bool accept_keyword(struct parser *p, const char *word)
{
        const char *back = p->at;
        char buf[64];

        if (accept_word(p, buf) && !strcmp(buf, word))
                return true;
        p->at = back;
        return false;
}

/* Decimal or 0x, with a sign or not, any 64-bit pattern. */
static bool parse_number(struct parser *p, int64_t *value)
{
        bool negative = accept(p, "-");
        char *end;
        uint64_t v;

        skip_space(p);
        if (!g_ascii_isdigit(*p->at))
                return fail(p, "number expected");
        v = g_ascii_strtoull(p->at, &end, 0);
        p->at = end;
        *value = negative ? -v : v;
        return true;
}

static bool parse_u32(struct parser *p, uint32_t *value)
{
        int64_t v;

        if (!parse_number(p, &v))
                return false;
        *value = v;
        return v == *value || fail(p, "number does not fit 32 bits");
}

static int find_word(const char *const *words, unsigned n, const char *word)
{
        for (unsigned k = 0; k < n; k++)
                if (!strcmp(words[k], word))
                        return k;
        return -1;
}

/* ---- operands ---- */

static bool parse_value(struct parser *p, ir_ref *v)
{
        char name[64];
        void *found;

        if (!expect(p, "%") || !accept_word(p, name))
                return fail(p, "value expected");
        if (!g_hash_table_lookup_extended(p->values, name, NULL, &found))
                return fail(p, "value %%%s does not exist", name);
        *v = GPOINTER_TO_UINT(found);
        return true;
}

static bool parse_values(struct parser *p, ir_ref *v, unsigned n)
{
        for (unsigned k = 0; k < n; k++)
                if ((k && !expect(p, ",")) || !parse_value(p, &v[k]))
                        return false;
        return true;
}

static bool parse_block(struct parser *p, uint32_t *block)
{
        char name[64], *end;
        uint64_t k;

        if (!accept_word(p, name) || name[0] != 'b' || !g_ascii_isdigit(name[1]))
                return fail(p, "block expected");
        k = g_ascii_strtoull(name + 1, &end, 10);
        if (*end || k >= BLOCKS_MAX)
                return fail(p, "block expected");
        while (p->r->n_blocks <= k)
                ir_block_new(p->b);
        *block = k;
        return true;
}

static bool parse_offset(struct parser *p, int64_t *imm)
{
        if (!accept_keyword(p, "page"))
                return fail(p, "page+offset expected");
        if (accept(p, "+"))
                return parse_number(p, imm);
        return parse_number(p, imm); /* which takes the minus */
}

static bool parse_slot(struct parser *p, struct ir_ins *i)
{
        const struct ir_guest *g = p->r->guest;
        char name[64];

        if (!accept_word(p, name))
                return fail(p, "slot expected");
        for (i->aux = 0; i->aux < g->n_slots; i->aux++)
                if (!strcmp(g->slots[i->aux].name, name))
                        break;
        if (i->aux == g->n_slots)
                return fail(p, "slot %s does not exist", name);
        if (i->op == IR_OP_get)
                return true;
        if (i->op == IR_OP_put && (!expect(p, ",") || !parse_value(p, &i->arg[0])))
                return false;
        return !accept_keyword(p, "after") || parse_value(p, &i->arg[1]);
}

static bool parse_size(struct parser *p, struct ir_ins *i)
{
        int64_t size;

        if (!parse_number(p, &size))
                return false;
        if (size < 1 || size > 16 || (size & (size - 1)))
                return fail(p, "access size must be 1, 2, 4, 8 or 16");
        i->mem.size_log2 = __builtin_ctzll(size);
        return true;
}

static bool parse_attribute(struct parser *p, struct ir_ins *i, const char *word)
{
        if (!strcmp(word, "view")) {
                uint32_t view;

                if (!parse_u32(p, &view) || view > 3)
                        return fail(p, "view must be 0 to 3");
                i->mem.view = view;
        } else if (!strcmp(word, "write")) {
                i->mem.write = 1;
        } else if (!strcmp(word, "sign")) {
                i->mem.sign = 1;
        } else if (!strcmp(word, "big_endian")) {
                i->mem.big_endian = 1;
        } else if (!strcmp(word, "align")) {
                i->mem.align = 1;
        } else if (!strcmp(word, "acquire")) {
                i->mem.acquire = 1;
        } else if (!strcmp(word, "release")) {
                i->mem.release = 1;
        } else if (!strcmp(word, "nofault")) {
                i->mem.nofault = 1;
        } else if (!strcmp(word, "sc")) {
                i->mem.sc = 1;
        } else if (!strcmp(word, "for_write")) {
                i->mem.for_write = 1;
        } else if (!strcmp(word, "atomic")) {
                i->mem.atomic = 1;
        } else {
                return fail(p, "memory attribute %s does not exist", word);
        }
        return true;
}

static bool parse_attributes(struct parser *p, struct ir_ins *i)
{
        char word[64];

        i->mem.atomic |= i->op == IR_OP_rmw || i->op == IR_OP_cas || i->op == IR_OP_cas16;
        i->mem.write |= i->op == IR_OP_st || i->mem.atomic;
        if (!expect(p, "{") || (i->op != IR_OP_lookup && !parse_size(p, i)))
                return false;
        while (!accept(p, "}"))
                if (!accept_word(p, word) || !parse_attribute(p, i, word))
                        return fail(p, "memory attribute or '}' expected");
        return true;
}

static bool parse_lookup(struct parser *p, struct ir_ins *i)
{
        int64_t lo, hi;

        if (!parse_value(p, &i->arg[0]) || !expect(p, ",") || !expect(p, "[") || !parse_number(p, &lo) ||
            !expect(p, ",") || !parse_number(p, &hi) || !expect(p, ")"))
                return false;
        if (lo != (int32_t)lo || hi != (int32_t)hi)
                return fail(p, "range does not fit 32 bits");
        i->imm = ir_lookup_range(lo, hi);
        return parse_attributes(p, i);
}

static bool parse_mem(struct parser *p, struct ir_ins *i)
{
        if (!parse_values(p, i->arg, 2))
                return false;
        if (i->op == IR_OP_ld || i->op == IR_OP_st) {
                skip_space(p);
                if (*p->at != '-' && !expect(p, "+"))
                        return false;
                if (!parse_number(p, &i->imm))
                        return false;
        }
        for (unsigned k = 2; k < ir_ops[i->op].n_args; k++)
                if (!expect(p, ",") || !parse_value(p, &i->arg[k]))
                        return false;
        return parse_attributes(p, i);
}

static bool parse_fence(struct parser *p, struct ir_ins *i)
{
        static const char *const names[] = {"ll", "ls", "sl", "ss"};
        char word[64];

        while (accept_word(p, word)) {
                int k = find_word(names, 4, word);

                if (k < 0)
                        return fail(p, "fence %s does not exist", word);
                i->aux |= 1u << k;
        }
        return true;
}

static bool parse_call(struct parser *p, struct ir_ins *i)
{
        const struct ir_helper *const *h = p->r->guest->helpers;
        char name[64];

        if (!accept_word(p, name))
                return fail(p, "helper expected");
        while (h && *h && strcmp((*h)->name, name))
                h++;
        if (!h || !*h)
                return fail(p, "helper %s does not exist", name);
        i->imm = (intptr_t)*h;
        return expect(p, "(") && parse_values(p, i->arg, (*h)->n_args) && expect(p, ")");
}

/* One of the words, or none, which is the first. */
static uint32_t parse_minmax(struct parser *p)
{
        for (unsigned k = 1; k < IR_MM_COUNT; k++)
                if (accept_keyword(p, ir_minmax_names[k]))
                        return k;
        return IR_MM_NUMBER;
}

static uint32_t parse_fcmp_flags(struct parser *p)
{
        return (accept_keyword(p, "quiet") ? IR_FCMP_QUIET : 0) |
               (accept_keyword(p, "signaling") ? IR_FCMP_SIGNALING : 0);
}

/* aux has the lanes already. */
static bool parse_vector(struct parser *p, struct ir_ins *i)
{
        if ((ir_ops[i->op].flags & IR_HAS_IMM) && (!expect(p, ",") || !parse_number(p, &i->imm)))
                return false;
        if (ir_ops[i->op].sig == IR_SIG_VFP && accept_keyword(p, "low"))
                i->aux |= IR_VEC_LOW;
        switch (i->op) {
        case IR_OP_vfmin: case IR_OP_vfmax: i->aux |= parse_minmax(p) << IR_VEC_VARIANT; break;
        case IR_OP_vfcmp: i->aux |= parse_fcmp_flags(p); break;
        case IR_OP_vfround: i->aux |= accept_keyword(p, "exact") << IR_VEC_VARIANT; break;
        case IR_OP_vfma: i->aux |= accept_keyword(p, "neg_a") << IR_VEC_VARIANT; break;
        case IR_OP_vfcvt_if: case IR_OP_vfcvt_fi:
                i->aux |= accept_keyword(p, "unsigned") << IR_VEC_VARIANT;
                break;
        default: break;
        }
        return true;
}

static bool parse_field(struct parser *p, struct ir_ins *i)
{
        uint32_t pos, len;

        if (!expect(p, ",") || !parse_u32(p, &pos) || !expect(p, ",") || !parse_u32(p, &len))
                return false;
        if (pos > 63 || len > 64)
                return fail(p, "field");
        i->aux = ir_field(pos, len);
        return true;
}

static bool parse_flags(struct parser *p, struct ir_ins *i, enum ir_type t)
{
        switch (i->op) {
        case IR_OP_fl_test: case IR_OP_fl_word: case IR_OP_fl_from:
                return true;
        case IR_OP_fl_fcmp:
                if (!accept_keyword(p, "by_sign") && !accept_keyword(p, "by_carry"))
                        return fail(p, "by_sign or by_carry expected");
                i->aux = t | (p->at[-1] == 'y' ? IR_FL_BY_CARRY : IR_FL_BY_SIGN);
                i->aux |= accept_keyword(p, "signals") ? IR_FL_SIGNALS : 0;
                return true;
        case IR_OP_fl_with: case IR_OP_fl_merge:
                return expect(p, ",") && parse_u32(p, &i->aux);
        default:
                if (!expect(p, ",") || !parse_u32(p, &i->aux))
                        return false;
                i->aux |= accept_keyword(p, "not_c") ? IR_FL_NOT_C : 0;
                return true;
        }
}

static bool parse_wide(struct parser *p, struct ir_ins *i)
{
        return parse_u32(p, &i->aux) &&
               (i->op == IR_OP_wget || (expect(p, ",") && parse_value(p, &i->arg[0])));
}

static bool parse_plain(struct parser *p, struct ir_ins *i)
{
        enum ir_type t;

        if (!parse_values(p, i->arg, ir_ops[i->op].n_args))
                return false;
        if (ir_is_vector_op(i->op))
                return parse_vector(p, i);
        t = ir_type_of(p->b, i->arg[0]);
        if (ir_ops[i->op].sig == IR_SIG_FLAGS)
                return parse_flags(p, i, t);
        switch (i->op) {
        case IR_OP_extu: case IR_OP_exts: case IR_OP_insert:
                return parse_field(p, i);
        case IR_OP_setcc: case IR_OP_select:
                i->aux = t;
                return true;
        case IR_OP_fcmp:
                i->aux = t | parse_fcmp_flags(p);
                return true;
        case IR_OP_fmin: case IR_OP_fmax:
                i->aux = parse_minmax(p);
                return true;
        case IR_OP_fround:
                i->aux = accept_keyword(p, "exact");
                return true;
        case IR_OP_fcvt_hf: case IR_OP_fcvt_fh:
                i->aux = accept_keyword(p, "alternative");
                return true;
        case IR_OP_fma:
                i->aux = 0;
                if (accept_keyword(p, "operands")) /* printed first, as the words that follow depend on it */
                        i->aux = 4;
                i->aux |= accept_keyword(p, "neg_product");
                i->aux |= accept_keyword(p, "neg_addend") << 1;
                return true;
        case IR_OP_fsgnj:
                return expect(p, ",") && parse_u32(p, &i->aux);
        case IR_OP_fcvt_fi: case IR_OP_fcvt_if:
                i->aux = t | accept_keyword(p, "unsigned") << 4;
                return true;
        default:
                return true;
        }
}

static bool parse_brcc(struct parser *p, struct ir_ins *i)
{
        uint32_t then_block, else_block;

        if (!parse_values(p, i->arg, 2) || !expect(p, ",") || !parse_block(p, &then_block) ||
            !expect(p, ",") || !parse_block(p, &else_block))
                return false;
        i->imm = (int64_t)((uint64_t)else_block << 32 | then_block);
        return true;
}

static bool parse_operands(struct parser *p, struct ir_ins *i)
{
        switch (ir_form_of(i->op)) {
        case IR_FORM_PLAIN: return parse_plain(p, i);
        case IR_FORM_CONST:
                if (!parse_number(p, &i->imm))
                        return false;
                if (i->type == IR_I32)
                        i->imm = (int32_t)i->imm;
                if (i->type == IR_FLAGS)
                        i->imm = ir_flags_make(i->imm);
                return true;
        case IR_FORM_COUNT: return parse_number(p, &i->imm);
        case IR_FORM_WIDE: return parse_wide(p, i);
        case IR_FORM_SLOT: return parse_slot(p, i);
        case IR_FORM_OFFSET:
                if (!parse_offset(p, &i->imm))
                        return false;
                if (i->op == IR_OP_exit_jump)
                        i->aux = accept_keyword(p, "poll");
                if (i->op == IR_OP_poll)
                        i->aux = accept_keyword(p, "site");
                return true;
        case IR_FORM_LOOKUP: return parse_lookup(p, i);
        case IR_FORM_MEM: return parse_mem(p, i);
        case IR_FORM_FENCE: return parse_fence(p, i);
        case IR_FORM_INSN: return parse_u32(p, &i->aux) && expect(p, ",") && parse_offset(p, &i->imm);
        case IR_FORM_CALL: return parse_call(p, i);
        case IR_FORM_NUMBERS: return parse_u32(p, &i->aux) && expect(p, ",") && parse_number(p, &i->imm);
        case IR_FORM_BR: return parse_block(p, &i->aux);
        case IR_FORM_BRCC: return parse_brcc(p, i);
        }
        return false;
}

/* ---- lines ---- */

/* The words after the op: type, condition, kind of atomic, deferred. */
static bool parse_suffixes(struct parser *p, struct ir_ins *i)
{
        char word[64];
        unsigned n_words;
        const char *const *words = ir_cond_words(i->op, &n_words);
        int k;

        while (accept(p, ".")) {
                if (!accept_word(p, word))
                        return fail(p, "word expected");
                if ((k = find_word(ir_type_names, IR_TYPE_COUNT, word)) > 0)
                        i->type = k;
                else if ((k = find_word(words, n_words, word)) >= 0)
                        i->cond = k;
                else if (ir_is_vector_op(i->op) && (k = find_word(ir_lane_names, 4, word)) >= 0)
                        i->aux = k;
                else if (i->op == IR_OP_rmw && (k = find_word(ir_rmw_names, IR_RMW_COUNT, word)) >= 0)
                        i->mem.rmw = k;
                else if (i->op == IR_OP_put && !strcmp(word, "deferred"))
                        i->flags = IR_INS_DEFERRED;
                else
                        return fail(p, "'.%s' does not go with %s", word, ir_ops[i->op].name);
        }
        return true;
}

static bool parse_ins(struct parser *p)
{
        struct ir_ins i = {0};
        char result[64] = "", op[64];
        ir_ref ref;

        if (accept(p, "%") && (!accept_word(p, result) || !expect(p, "=")))
                return fail(p, "instruction expected");
        if (!accept_word(p, op))
                return fail(p, "op expected");
        while (i.op < IR_OP_COUNT && strcmp(ir_ops[i.op].name, op))
                i.op++;
        if (i.op == IR_OP_COUNT)
                return fail(p, "op %s does not exist", op);
        if (!p->in_block)
                return fail(p, "instruction outside a block");
        if (!parse_suffixes(p, &i) || !parse_operands(p, &i))
                return false;
        if (ir_has_result(&i) != (result[0] != '\0'))
                return fail(p, "%s has %s result", op, result[0] ? "no" : "a");
        p->r->has_flags |= ir_ops[i.op].sig == IR_SIG_FLAGS;
        ref = ir_emit_like(p->b, &i, i.arg);
        if (result[0] && !g_hash_table_insert(p->values, g_strdup(result), GUINT_TO_POINTER(ref)))
                return fail(p, "value %%%s exists already", result);
        if (i.op == IR_OP_insn && i.aux >= p->r->n_guest_insns)
                p->r->n_guest_insns = i.aux + 1;
        if (ir_ops[i.op].flags & IR_TERM) {
                p->r->blocks[p->block].end = p->r->n_ins;
                p->in_block = false;
        }
        return true;
}

static bool parse_header(struct parser *p)
{
        struct ir_region *r = p->r;
        char word[64];
        int64_t v;
        int k;

        while (accept_word(p, word)) {
                if (!strcmp(word, "default_nan")) {
                        r->fp.nan = IR_NAN_DEFAULT;
                } else if (!strcmp(word, "signaling_nan")) {
                        r->fp.nan = IR_NAN_SIGNALING;
                } else if (!strcmp(word, "flush_uf")) {
                        r->fp.flush_out = IR_FLUSH_UF;
                } else if (!strcmp(word, "int_nan_zero")) {
                        r->fp.int_rule = IR_INT_SATURATE_ZERO;
                } else if (!strcmp(word, "int_indefinite")) {
                        r->fp.int_rule = IR_INT_INDEFINITE;
                } else if (!strcmp(word, "tininess_before")) {
                        r->fp.tininess_before = true;
                } else if (!strcmp(word, "note_denormal")) {
                        r->fp.note_denormal = true;
                } else if (!strcmp(word, "flush_in")) {
                        r->fp.flush_in = true;
                } else if (!strcmp(word, "flush_out")) {
                        r->fp.flush_out = IR_FLUSH_UF_NX;
                } else if (!strcmp(word, "fma_inf_zero_nan_invalid")) {
                        r->fp.fma_inf_zero_nan_invalid = true;
                } else if (!strcmp(word, "deterministic")) {
                        r->deterministic = true;
                } else if (!strcmp(word, "loops")) {
                        r->loops = true;
                } else if (!strcmp(word, "round")) {
                        k = accept_word(p, word) ? find_word(ir_round_names, IR_RM_MODE, word) : -1;
                        if (k < 0)
                                return fail(p, "rounding expected");
                        r->fp.round = k;
                } else if (!parse_number(p, &v)) {
                        return false;
                } else if (!strcmp(word, "mode")) {
                        r->mode = v;
                } else if (!strcmp(word, "start")) {
                        r->start_offset = v;
                } else if (!strcmp(word, "bytes")) {
                        r->guest_bytes = v;
                } else if (!strcmp(word, "insns")) {
                        r->n_guest_insns = v;
                } else {
                        return fail(p, "%s is no word of a region", word);
                }
        }
        return true;
}

static bool parse_label(struct parser *p)
{
        if (!parse_block(p, &p->block) || !expect(p, ":"))
                return false;
        if (p->in_block)
                return fail(p, "block without a terminator before this one");
        if (p->r->blocks[p->block].end)
                return fail(p, "block b%u exists already", p->block);
        p->r->blocks[p->block].first = p->r->blocks[p->block].end = p->r->n_ins;
        p->in_block = !accept_keyword(p, "empty");
        return true;
}

static bool parse_line(struct parser *p)
{
        const char *start;
        bool ok;

        if (at_end(p))
                return true;
        start = p->at;
        if (accept_keyword(p, "region"))
                ok = parse_header(p);
        else if (*start == 'b' && g_ascii_isdigit(start[1]))
                ok = parse_label(p);
        else
                ok = parse_ins(p);
        return ok && (at_end(p) || fail(p, "end of line expected"));
}

/* Every block has been filled or can be told to be empty. */
static bool check_blocks(struct parser *p)
{
        if (p->in_block)
                return fail(p, "last block has no terminator");
        for (uint32_t k = 0; k < p->r->n_blocks; k++)
                if (!p->r->blocks[k].first)
                        return fail(p, "block b%u is missing", k);
        return true;
}

struct ir_region *ir_parse(struct arena *a, const struct ir_guest *guest, const char *text, GError **error)
{
        struct ir_region *r = ir_region_new(a, guest);
        struct parser p = {.r = r, .b = ir_builder_new(r), .error = error};
        char **lines = g_strsplit(text, "\n", -1);
        bool ok = true;

        r->blocks[0] = (struct ir_block){0};
        p.values = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        for (char **l = lines; ok && *l; l++) {
                p.line++;
                p.at = *l;
                ok = parse_line(&p);
        }
        ok = ok && check_blocks(&p);
        if (ok)
                ir_builder_finish(p.b);
        g_strfreev(lines);
        g_hash_table_unref(p.values);
        return ok ? r : NULL;
}
