/* SPDX-License-Identifier: MIT */
/*
 * The AArch64 guest as the rest of Rhea sees it: slots, registers for gdb and the monitor, CPU models and
 * features.
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
        A64_SLOT_V0, A64_SLOT_V1, A64_SLOT_V2, A64_SLOT_V3, A64_SLOT_V4, A64_SLOT_V5, A64_SLOT_V6, A64_SLOT_V7,
};

extern const struct ir_helper *const a64_helpers[];

const struct ir_guest a64_guest = {
        .name = "aarch64",
        .slots = slots, .n_slots = A64_SLOT_COUNT,
        .helpers = a64_helpers,
        .pins = pins, .n_pins = G_N_ELEMENTS(pins),
};

/* ---- registers by gdb's numbers: x 0..30, sp 31, pc 32, cpsr 33 ---- */

/* gdb is told of the core registers: its own set of FP registers would have to have all 128 bits of V0 to V31. */
enum { GDB_CORE, GDB_FPU, GDB_SYSTEM };
enum { GDB_SP = 31, GDB_PC = 32, GDB_CPSR = 33 };

static const char *const gdb_sets[] = {
        "org.gnu.gdb.aarch64.core", "org.rhea.fpu", "org.rhea.system", NULL,
};

static uint64_t *sp_of(struct vcpu *v)
{
        struct a64_state *s = a64_state(v);

        return s->el && s->spsel ? &s->sp_el1 : &s->sp_el0;
}

static uint64_t get_sp(struct vcpu *v, unsigned index) { return *sp_of(v); }
static bool put_sp(struct vcpu *v, unsigned index, uint64_t value)
{
        *sp_of(v) = value;
        return true;
}

static uint64_t get_cpsr(struct vcpu *v, unsigned index) { return a64_pstate(v); }
static bool put_cpsr(struct vcpu *v, unsigned index, uint64_t value)
{
        if ((value >> 2 & 3) > 1 || (value & 0x1f) == 1)
                return false;
        a64_set_pstate(v, value);
        cpu_context_changed(v);
        return true;
}

static uint64_t get_sysreg(struct vcpu *v, unsigned index)
{
        uint64_t value = 0;

        a64_sysreg_peek(v, index, &value);
        return value;
}

static bool put_sysreg(struct vcpu *v, unsigned index, uint64_t value)
{
        return a64_sysreg_poke(v, index, value);
}

static uint64_t get_vector(struct vcpu *v, unsigned index) { return a64_state(v)->v[index & 31][index >> 5]; }
static bool put_vector(struct vcpu *v, unsigned index, uint64_t value)
{
        a64_state(v)->v[index & 31][index >> 5] = value;
        return true;
}

#define X_REG(n) {.name = "x" #n, .slot = A64_SLOT_X##n, .bits = 64, .set = GDB_CORE, .gdb_num = (n)}
/* halves of vector registers, for those who take 64 bits */
#define V_REG(n) \
        {.name = "v" #n "_low", .slot = UINT32_MAX, .bits = 64, .set = GDB_FPU, .gdb_num = -1, \
         .get = get_vector, .put = put_vector, .index = (n)}, \
        {.name = "v" #n "_high", .slot = UINT32_MAX, .bits = 64, .set = GDB_FPU, .gdb_num = -1, \
         .get = get_vector, .put = put_vector, .index = 32 + (n)}
#define SYS_REG(text, op0, op1, crn, crm, op2) \
        {.name = text, .slot = UINT32_MAX, .bits = 64, .set = GDB_SYSTEM, .gdb_num = -1, .get = get_sysreg, \
         .put = put_sysreg, .index = A64_SYSREG(op0, op1, crn, crm, op2)}

static const struct cpu_reg regs[] = {
        X_REG(0), X_REG(1), X_REG(2), X_REG(3), X_REG(4), X_REG(5), X_REG(6), X_REG(7), X_REG(8), X_REG(9),
        X_REG(10), X_REG(11), X_REG(12), X_REG(13), X_REG(14), X_REG(15), X_REG(16), X_REG(17), X_REG(18),
        X_REG(19), X_REG(20), X_REG(21), X_REG(22), X_REG(23), X_REG(24), X_REG(25), X_REG(26), X_REG(27),
        X_REG(28), X_REG(29), X_REG(30),
        {.name = "sp", .slot = UINT32_MAX, .bits = 64, .set = GDB_CORE, .gdb_num = GDB_SP,
         .get = get_sp, .put = put_sp},
        {.name = "pc", .slot = UINT32_MAX, .bits = 64, .set = GDB_CORE, .gdb_num = GDB_PC,
         .get = cpu_get_pc, .put = cpu_put_pc},
        {.name = "cpsr", .slot = UINT32_MAX, .bits = 32, .set = GDB_CORE, .gdb_num = GDB_CPSR,
         .get = get_cpsr, .put = put_cpsr},
        V_REG(0), V_REG(1), V_REG(2), V_REG(3), V_REG(4), V_REG(5), V_REG(6), V_REG(7), V_REG(8), V_REG(9),
        V_REG(10), V_REG(11), V_REG(12), V_REG(13), V_REG(14), V_REG(15), V_REG(16), V_REG(17), V_REG(18),
        V_REG(19), V_REG(20), V_REG(21), V_REG(22), V_REG(23), V_REG(24), V_REG(25), V_REG(26), V_REG(27),
        V_REG(28), V_REG(29), V_REG(30), V_REG(31),
        {.name = "fpsr", .slot = UINT32_MAX, .bits = 32, .set = GDB_FPU, .gdb_num = -1,
         .get = get_sysreg, .put = put_sysreg, .index = A64_SYSREG(3, 3, 4, 4, 1)},
        {.name = "fpcr", .slot = UINT32_MAX, .bits = 32, .set = GDB_FPU, .gdb_num = -1,
         .get = get_sysreg, .put = put_sysreg, .index = A64_SYSREG(3, 3, 4, 4, 0)},
#define REG_FIELD(n, op0, op1, crn, crm, op2, acc, member, mask) SYS_REG(#n, op0, op1, crn, crm, op2),
#define REG_CONST(n, op0, op1, crn, crm, op2, acc, constant)
#define REG_FN(n, op0, op1, crn, crm, op2, acc)
#include "frontend/arm/sysreg.def"
#undef REG_FIELD
#undef REG_CONST
#undef REG_FN
        SYS_REG("sctlr_el1", 3, 0, 1, 0, 0), SYS_REG("cpacr_el1", 3, 0, 1, 0, 2),
        SYS_REG("ttbr0_el1", 3, 0, 2, 0, 0), SYS_REG("ttbr1_el1", 3, 0, 2, 0, 1),
        SYS_REG("tcr_el1", 3, 0, 2, 0, 2), SYS_REG("spsr_el1", 3, 0, 4, 0, 0),
        SYS_REG("sp_el0", 3, 0, 4, 1, 0),
        {.name = "sp_el1", .slot = A64_SLOT_SP_EL1, .bits = 64, .set = GDB_SYSTEM, .gdb_num = -1},
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
        /* without translation all of memory is as a device's: accesses must be aligned (D8.2.13) */
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
        .regs = regs, .n_regs = G_N_ELEMENTS(regs),
        .gdb_sets = gdb_sets, .gdb_arch = "aarch64",
        .models = &a64_models,
        .init = a64_init, .fini = a64_fini, .reset = a64_reset, .config = a64_config,
        .mode = a64_mode, .context_key = a64_context_key,
        .translate = a64_translate, .walk = a64_walk,
        .misaligned = a64_misaligned, .bus_error = a64_bus_error, .misaligned_ok = true,
        .deliver = a64_deliver, .interrupt = a64_interrupt, .has_work = a64_has_work,
        .fp_flags_or = a64_fp_flags_or, .fp_mode = a64_fp_mode,
        .disas = a64_cpu_disas,
};
