/* SPDX-License-Identifier: MIT */
/*
 * The x86-64 guest as the rest of Rhea sees it: slots, CPU models and features, the mode word, reset. Its
 * registers for gdb and the monitor are in regs.c.
 */
#include "frontend/x86/cpu.h"

#include <string.h>

#include "frontend/fp/fp.h"
#include "machines/core/vm.h"

/* ---- slots ---- */

static const struct ir_slot slots[] = {
#define SLOT(id, text, t, g, member) \
        [X86_SLOT_##id] = {.name = text, .type = t, .group = g, .offset = offsetof(struct x86_state, member)},
#include "frontend/x86/regs.def"
#undef SLOT
};

/* What compiled code uses most; the flags are one of them. */
static const uint16_t pins[] = {
        X86_SLOT_RAX, X86_SLOT_RSP, X86_SLOT_RDI, X86_SLOT_RSI, X86_SLOT_RDX, X86_SLOT_RCX, X86_SLOT_RBX,
        X86_SLOT_R8, X86_SLOT_RBP, X86_SLOT_R12,
        X86_SLOT_XMM0, X86_SLOT_XMM1, X86_SLOT_XMM2, X86_SLOT_XMM3, X86_SLOT_XMM4, X86_SLOT_XMM5,
        X86_SLOT_XMM6, X86_SLOT_XMM7,
};

static const uint16_t spare[] = {X86_SLOT_SPARE0, X86_SLOT_SPARE1};

extern const struct ir_helper *const x86_helpers[];

const struct ir_guest x86_guest = {
        .name = "x86_64",
        .slots = slots, .n_slots = X86_SLOT_COUNT,
        .helpers = x86_helpers,
        .pins = pins, .n_pins = G_N_ELEMENTS(pins),
        .spare = spare, .n_spare = G_N_ELEMENTS(spare),
};

/* ---- models and features ---- */

static const char *const models[] = {"max", "base", NULL};

/* What is translated; what else the decode tables know cannot be switched on. */
static const struct cpu_feature features[] = {
        {"x87", X86_F_X87, X86_F_BASE}, {"cmov", X86_F_CMOV, X86_F_BASE}, {"mmx", X86_F_MMX, X86_F_X87},
        {"fxsr", X86_F_FXSR, X86_F_BASE}, {"syscall", X86_F_SYSCALL, X86_F_BASE},
        {"clflush", X86_F_CLFLUSH, X86_F_BASE}, {"sse", X86_F_SSE, X86_F_FXSR},
        {"sse2", X86_F_SSE2, X86_F_SSE}, {"cx16", X86_F_CX16, X86_F_BASE},
        {"popcnt", X86_F_POPCNT, X86_F_BASE}, {"lzcnt", X86_F_LZCNT, X86_F_BASE},
        {"movbe", X86_F_MOVBE, X86_F_BASE}, {"bmi1", X86_F_BMI1, X86_F_BASE},
        {"bmi2", X86_F_BMI2, X86_F_BASE}, {"adx", X86_F_ADX, X86_F_BASE},
        {"rdtscp", X86_F_RDTSCP, X86_F_BASE}, {"rdpid", X86_F_RDPID, X86_F_BASE},
        {"fsgsbase", X86_F_FSGSBASE, X86_F_BASE}, {"invpcid", X86_F_INVPCID, X86_F_BASE},
        {"smap", X86_F_SMAP, X86_F_BASE}, {"prefetchw", X86_F_PREFETCHW, X86_F_BASE},
        {"clflushopt", X86_F_CLFLUSHOPT, X86_F_BASE}, {"clwb", X86_F_CLWB, X86_F_BASE},
        {"cldemote", X86_F_CLDEMOTE, X86_F_BASE},
};

static const char *const feature_docs[] = {
#define FEATURE(id, text) [X86_F_##id] = text,
#include "frontend/x86/features.def"
#undef FEATURE
};

/* "base" is what 64-bit code may take for granted. */
static bool model_has(const char *model, unsigned feature)
{
        return !strcmp(model, "max") || feature <= X86_F_SSE2;
}

static const struct cpu_models x86_models = {
        .names = models, .features = features, .n_features = G_N_ELEMENTS(features), .docs = feature_docs,
        .has = model_has, .always = X86_F_BASE,
};

static bool x86_init(struct vcpu *v, const char *model, GError **error)
{
        struct x86_state *s = x86_state(v);

        s->config = cpu_config_new(v, model, error);
        return s->config != NULL;
}

static void x86_fini(struct vcpu *v)
{
        struct x86_state *s = x86_state(v);

        cpu_config_drop(s->config);
        s->config = NULL;
}

/*
 * There is no real mode yet: a CPU comes up in 64-bit mode with flat segments, paging off until the board
 * sets it up. The rest is as after RESET (SDM volume 3, table 10-1).
 */
static void x86_reset(struct vcpu *v)
{
        struct x86_state *s = x86_state(v);
        const struct cpu_config *config = s->config;
        struct x86_segment data = {
                .limit = UINT32_MAX, .selector = 0x10,
                .attr = X86_SEG_P | X86_SEG_S | X86_SEG_DB | X86_SEG_G | 3,
        };

        memset(s, 0, sizeof(*s));
        s->config = config;
        s->step = 1;
        s->flags = ir_flags_make(0);
        s->mxcsr = 0x1f80;
        s->fcw = 0x37f;
        s->cr0 = X86_CR0_PE | X86_CR0_ET;
        s->efer = X86_EFER_LME | X86_EFER_LMA;
        s->xcr0 = 1;
        s->dr[6] = 0xffff0ff0;
        s->dr[7] = 0x400;
        s->pat = 0x0007040600070406;
        s->apic_base = 0xfee00800 | (v->index ? 0 : 0x100);
        s->tr.attr = X86_SEG_P | 11;
        s->tr.limit = s->ldt.limit = s->gdt.limit = s->idt.limit = 0xffff;
        for (unsigned n = 0; n < G_N_ELEMENTS(s->seg); n++)
                s->seg[n] = data;
        s->seg[X86_CS] = (struct x86_segment){
                .limit = UINT32_MAX, .selector = 8,
                .attr = X86_SEG_P | X86_SEG_S | X86_SEG_L | X86_SEG_G | X86_SEG_CODE | 3,
        };
        s->gpr[X86_RDX] = 0x00a20f10;
        v->hot.pc = 0xfffffff0;
        cpu_tlb_flush_all(v);
        cpu_context_changed(v);
}

static const struct cpu_config *x86_config(const struct vcpu *v)
{
        return x86_state_const(v)->config;
}

/* ---- modes ---- */

uint64_t x86_mode(const struct vcpu *v)
{
        const struct x86_state *s = x86_state_const(v);
        uint64_t mode = s->cpl & X86_MODE_CPL;

        if ((s->efer & X86_EFER_LMA) && (s->seg[X86_CS].attr & X86_SEG_L))
                mode |= X86_MODE_LONG;
        if ((s->cr4 & X86_CR4_OSFXSR) && !(s->cr0 & X86_CR0_EM))
                mode |= X86_MODE_SSE;
        mode |= (s->cr0 & X86_CR0_TS ? X86_MODE_TS : 0) | (s->cr0 & X86_CR0_EM ? X86_MODE_EM : 0);
        if ((s->cr0 & X86_CR0_AM) && (s->system_flags & X86_FL_AC) && s->cpl == 3)
                mode |= X86_MODE_AC;
        mode |= s->system_flags & X86_FL_TF ? X86_MODE_TF : 0;
        mode |= (s->mxcsr & X86_MXCSR_MASKS) != X86_MXCSR_MASKS ? X86_MODE_FP_TRAPS : 0;
        mode |= (s->mxcsr >> 13 & 3) << X86_MODE_RC_SHIFT;
        mode |= s->mxcsr & X86_MXCSR_FTZ ? X86_MODE_FTZ : 0;
        mode |= s->mxcsr & X86_MXCSR_DAZ ? X86_MODE_DAZ : 0;
        mode |= s->cr4 & X86_CR4_FSGSBASE ? X86_MODE_FSGSBASE : 0;
        mode |= s->cr4 & X86_CR4_TSD ? X86_MODE_TSD : 0;
        return mode;
}

struct ir_fpmode x86_fp_mode(uint64_t mode)
{
        static const uint8_t rounds[4] = {IR_RM_RNE, IR_RM_RDN, IR_RM_RUP, IR_RM_RTZ};

        return (struct ir_fpmode){
                .round = rounds[mode >> X86_MODE_RC_SHIFT & 3],
                .nan = IR_NAN_FIRST,
                .flush_out = mode & X86_MODE_FTZ ? IR_FLUSH_UF_NX : IR_FLUSH_OFF,
                .flush_in = (mode & X86_MODE_DAZ) != 0,
                .int_rule = IR_INT_INDEFINITE,
                .note_denormal = true,
        };
}

static void x86_fp_flags_or(struct vcpu *v, uint32_t flags)
{
        static const struct { uint32_t flag; uint8_t bit; } order[] = {
                {FP_NV, 0}, {FP_DE, 1}, {FP_DZ, 2}, {FP_OF, 3}, {FP_UF, 4}, {FP_NX, 5},
        };

        for (unsigned n = 0; n < G_N_ELEMENTS(order); n++)
                x86_state(v)->mxcsr |= flags & order[n].flag ? 1u << order[n].bit : 0;
}

/* #AC where alignment is checked; else only aligned SSE accesses ask, and get #GP. */
static void x86_misaligned(struct vcpu *v, gva_t gva, enum access access)
{
        x86_raise(v, x86_mode(v) & X86_MODE_AC ? X86_EXC_AC : X86_EXC_GP, 0);
}

/*
 * Reads of nothing give ones on real boards; that is the board's business. Here: a machine check, as few
 * expect.
 */
static void x86_bus_error(struct vcpu *v, gva_t gva, enum access access)
{
        x86_raise(v, X86_EXC_MC, 0);
}

static size_t x86_cpu_disas(const struct cpu_config *config, uint64_t pc, const uint8_t *bytes, size_t n,
                            char *buf, size_t len)
{
        return x86_disas(pc, bytes, n, X86_64, &config->features, buf, len);
}

const struct cpu_ops x86_64_ops = {
        .name = "x86_64",
        .guest = &x86_guest,
        .state_size = sizeof(struct x86_state),
        .regs = x86_regs, .n_regs = X86_N_REGS,
        .gdb_sets = x86_gdb_sets, .gdb_types = x86_gdb_types, .gdb_arch = "i386:x86-64",
        .models = &x86_models,
        .init = x86_init, .fini = x86_fini, .reset = x86_reset, .config = x86_config,
        .mode = x86_mode, .context_key = x86_context_key,
        .translate = x86_translate, .walk = x86_walk,
        .misaligned = x86_misaligned, .bus_error = x86_bus_error, .misaligned_ok = true,
        .misaligned_atomic_ok = true, .precise_smc = true,
        .deliver = x86_deliver, .interrupt = x86_interrupt, .has_work = x86_has_work,
        .fp_flags_or = x86_fp_flags_or, .fp_mode = x86_fp_mode,
        .disas = x86_cpu_disas,
};
