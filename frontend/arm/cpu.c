/* SPDX-License-Identifier: MIT */
/*
 * The AArch64 guest as the rest of Rhea sees it: slots, CPU models and features. Its registers for gdb and
 * the monitor are in regs.c.
 */
#include "frontend/arm/cpu.h"

#include "base/bits.h"
#include "frontend/arm/disas.h"
#include "frontend/fp/fp.h"
#include "machines/core/vm.h"

/* ---- slots ---- */

static const struct ir_slot slots[] = {
#define SLOT(id, text, t, g, member) \
        [A64_SLOT_##id] = {.name = text, .type = t, .group = g, .offset = offsetof(struct a64_state, member)},
#include "frontend/arm/regs.def"
#undef SLOT
};

/* What compiled code uses most. */
static const uint16_t pins[] = {
        A64_SLOT_X0, A64_SLOT_X1, A64_SLOT_X2, A64_SLOT_X3, A64_SLOT_SP_EL1, A64_SLOT_X19, A64_SLOT_X20,
        A64_SLOT_X4, A64_SLOT_X5, A64_SLOT_X30,
        A64_SLOT_V0, A64_SLOT_V1, A64_SLOT_V2, A64_SLOT_V3, A64_SLOT_V4, A64_SLOT_V5, A64_SLOT_V6,
        A64_SLOT_V7,
};

extern const struct ir_helper *const a64_helpers[];

const struct ir_guest a64_guest = {
        .name = "aarch64",
        .slots = slots, .n_slots = A64_SLOT_COUNT,
        .helpers = a64_helpers,
        .pins = pins, .n_pins = G_N_ELEMENTS(pins),
        .unread_flags = IR_FLAG_P | IR_FLAG_A,
};

/* ---- models and features ---- */

static const struct cpu_feature features[] = {
        {"fp", A64_F_FP, A64_F_A64}, {"asimd", A64_F_ASIMD, A64_F_FP}, {"crc32", A64_F_CRC32, A64_F_A64},
        {"lse", A64_F_LSE, A64_F_A64}, {"lor", A64_F_LOR, A64_F_A64}, {"pan", A64_F_PAN, A64_F_A64},
        {"rdm", A64_F_RDM, A64_F_ASIMD}, {"rcpc", A64_F_RCPC, A64_F_A64}, {"rcpc2", A64_F_RCPC2, A64_F_RCPC},
        {"flagm", A64_F_FLAGM, A64_F_A64}, {"flagm2", A64_F_FLAGM2, A64_F_FLAGM},
        {"jscvt", A64_F_JSCVT, A64_F_FP}, {"frintts", A64_F_FRINTTS, A64_F_FP},
        {"aes", A64_F_AES, A64_F_ASIMD}, {"pmull", A64_F_PMULL, A64_F_AES}, {"sha1", A64_F_SHA1, A64_F_ASIMD},
        {"sha256", A64_F_SHA256, A64_F_SHA1}, {"sb", A64_F_SB, A64_F_A64}, {"hbc", A64_F_HBC, A64_F_A64},
        {"cssc", A64_F_CSSC, A64_F_A64}, {"wfxt", A64_F_WFXT, A64_F_A64}, {"xs", A64_F_XS, A64_F_A64},
};

static const char *const feature_docs[] = {
#define FEATURE(id, text) [A64_F_##id] = text,
#include "frontend/arm/features.def"
#undef FEATURE
};

static const char *const models[] = {"max", NULL};

static const struct cpu_models a64_models = {
        .names = models, .features = features, .n_features = G_N_ELEMENTS(features), .docs = feature_docs,
        .always = A64_F_A64,
};

static bool a64_init(struct vcpu *v, const char *model, GError **error)
{
        struct a64_state *s = a64_state(v);

        s->config = cpu_config_new(v, model, error);
        if (!s->config)
                return false;
        if (v->vm) {
                s->timers[A64_TIMER_P] = timer_new(v->vm, CLOCK_RUN, a64_timer_fired_p, v);
                s->timers[A64_TIMER_V] = timer_new(v->vm, CLOCK_RUN, a64_timer_fired_v, v);
        }
        a64_sysreg_reset(v);
        return true;
}

static void a64_fini(struct vcpu *v)
{
        struct a64_state *s = a64_state(v);

        for (enum a64_timer n = 0; n < A64_TIMERS; n++) {
                if (s->timers[n])
                        timer_free(s->timers[n]);
                s->timers[n] = NULL;
        }
        cpu_config_drop(s->config);
        s->config = NULL;
}

static void a64_reset(struct vcpu *v)
{
        a64_sysreg_reset(v);
        v->hot.pc = 0;
        cpu_tlb_flush_all(v);
        cpu_context_changed(v);
}

static const struct cpu_config *a64_config(const struct vcpu *v)
{
        return a64_state_const(v)->config;
}

uint64_t a64_mode(const struct vcpu *v)
{
        const struct a64_state *s = a64_state_const(v);
        uint64_t mode = (s->fpcr >> 22 & 31) << A64_MODE_FPCR_SHIFT, sctlr = s->sctlr_el1;
        uint64_t fpen = s->cpacr_el1 >> 20 & 3;

        if (s->el)
                mode |= A64_MODE_EL1;
        if (s->el && s->spsel)
                mode |= A64_MODE_SPX;
        if (fpen == 3 || (fpen == 1 && s->el))
                mode |= A64_MODE_FP;
        if (sctlr & (s->el ? A64_SCTLR_SA : A64_SCTLR_SA0))
                mode |= A64_MODE_SA;
        /* without translation all of memory is as a device's: accesses must be aligned */
        if ((sctlr & A64_SCTLR_A) || !(sctlr & A64_SCTLR_M))
                mode |= A64_MODE_ALIGN;
        if (s->il)
                mode |= A64_MODE_IL;
        if (s->el || (sctlr & A64_SCTLR_DZE))
                mode |= A64_MODE_DZE;
        return mode;
}

static void a64_misaligned(struct vcpu *v, gva_t gva, enum access access)
{
        a64_abort(v, gva, access, A64_FSC_ALIGNMENT);
}

static void a64_bus_error(struct vcpu *v, gva_t gva, enum access access)
{
        a64_abort(v, gva, access, A64_FSC_EXTERNAL);
}

/* enum fp_flag to FPSR's IOC, DZC, OFC, UFC, IXC and IDC. */
static void a64_fp_flags_or(struct vcpu *v, uint32_t flags)
{
        a64_state(v)->fpsr |= (flags & FP_NV ? 1 : 0) | (flags & FP_DZ ? 2 : 0) | (flags & FP_OF ? 4 : 0) |
                              (flags & FP_UF ? 8 : 0) | (flags & FP_NX ? 16 : 0) | (flags & FP_ID ? 128 : 0);
}

static size_t a64_cpu_disas(const struct cpu_config *config, uint64_t pc, const uint8_t *bytes, size_t n,
                            char *buf, size_t len)
{
        uint32_t word = 0;

        for (size_t i = 0; i < MIN(n, 4); i++)
                word |= (uint32_t)bytes[i] << 8 * i;
        if (n < 4)
                return 0;
        a64_disas(pc, word, &config->features, buf, len);
        return 4;
}

const struct cpu_ops aarch64_ops = {
        .name = "aarch64",
        .guest = &a64_guest,
        .state_size = sizeof(struct a64_state),
        .regs = a64_regs, .n_regs = A64_N_REGS,
        .gdb_sets = a64_gdb_sets, .gdb_types = a64_gdb_types, .gdb_arch = "aarch64",
        .models = &a64_models,
        .init = a64_init, .fini = a64_fini, .reset = a64_reset, .config = a64_config,
        .mode = a64_mode, .context_key = a64_context_key,
        .translate = a64_translate, .walk = a64_walk,
        .misaligned = a64_misaligned, .bus_error = a64_bus_error, .misaligned_ok = true,
        .deliver = a64_deliver, .interrupt = a64_interrupt, .has_work = a64_has_work,
        .fp_flags_or = a64_fp_flags_or, .fp_mode = a64_fp_mode,
        .disas = a64_cpu_disas,
};
