/* SPDX-License-Identifier: MIT */
/*
 * The RISC-V guest as the rest of Rhea sees it: slots, registers for gdb and the monitor, CPU models and
 * features.
 */
#include "frontend/riscv/cpu.h"

#include "base/bits.h"
#include "base/error.h"
#include "frontend/riscv/disas.h"
#include "machines/core/vm.h"

/* ---- slots ---- */

static const struct ir_slot rv64_slots[] = {
#define SLOT(id, text, t, g, member) \
        [RV_SLOT_##id] = {.name = text, .type = t, .group = g, .offset = offsetof(struct rv_state, member)},
#include "frontend/riscv/regs.def"
#undef SLOT
#define CSR_SLOT(id, number, text, member, write) SLOT_OF(id, text, member)
#define SLOT_OF(id, text, member) \
        [RV_SLOT_##id] = {.name = text, .type = IR_I64, .group = RV_GROUP_STATUS, \
                          .offset = offsetof(struct rv_state, member)},
        SLOT_OF(MSTATUS, "mstatus", mstatus)
        [RV_SLOT_ZERO] = {.name = "zero", .type = IR_I64, .group = RV_GROUP_ZERO,
                          .offset = offsetof(struct rv_state, x[0])},
#include "frontend/riscv/csr_slots.def"
#undef CSR_SLOT
#undef SLOT_OF
};

/* What compiled code uses most, by static counts over Debian's kernel and libc. */
static const uint16_t pins[] = {
        RV_SLOT_X15, RV_SLOT_X14, RV_SLOT_X10, RV_SLOT_X2, RV_SLOT_X13, RV_SLOT_X11, RV_SLOT_X8, RV_SLOT_X12,
        RV_SLOT_X1, RV_SLOT_X9,
        RV_SLOT_F15, RV_SLOT_F14, RV_SLOT_F10, RV_SLOT_F13, RV_SLOT_F11, RV_SLOT_F12, RV_SLOT_F0, RV_SLOT_F1,
};

extern const struct ir_helper *const rv_helpers[];

const struct ir_guest rv64_guest = {
        .name = "riscv64",
        .slots = rv64_slots, .n_slots = RV_SLOT_COUNT,
        .helpers = rv_helpers,
        .pins = pins, .n_pins = G_N_ELEMENTS(pins),
};

/*
 * ---- registers by gdb's numbers (gdb's riscv-tdep.h): x 0..31, pc 32, f 33..64, CSRs from 65, privilege
 * 4161 ----
 */

enum { GDB_CPU, GDB_FPU, GDB_CSR, GDB_VIRTUAL };
enum { GDB_PC = 32, GDB_F0 = 33, GDB_CSR0 = 65, GDB_PRIV = 4161 };

static const char *const gdb_sets[] = {
        "org.gnu.gdb.riscv.cpu", "org.gnu.gdb.riscv.fpu", "org.gnu.gdb.riscv.csr",
        "org.gnu.gdb.riscv.virtual", NULL,
};

static uint64_t get_zero(struct vcpu *v, unsigned index)
{
        return 0;
}

static bool put_zero(struct vcpu *v, unsigned index, uint64_t value)
{
        return true;
}

static bool put_pc(struct vcpu *v, unsigned index, uint64_t value)
{
        v->hot.pc = value & (cpu_has(&rv_state(v)->config->features, RV_F_C) ? ~1ull : ~3ull);
        return true;
}

static uint64_t get_csr(struct vcpu *v, unsigned index)
{
        uint64_t value = 0;

        rv_csr_peek(v, index, &value);
        return value;
}

static bool put_csr(struct vcpu *v, unsigned index, uint64_t value)
{
        return rv_csr_poke(v, index, value);
}

static uint64_t get_priv(struct vcpu *v, unsigned index)
{
        return rv_state(v)->priv;
}

static bool put_priv(struct vcpu *v, unsigned index, uint64_t value)
{
        if (value > RV_M || value == 2)
                return false;
        rv_state(v)->priv = value;
        cpu_context_changed(v);
        return true;
}

#define CSR_REG(number, text) \
        {.name = text, .slot = UINT32_MAX, .bits = 64, .set = GDB_CSR, .gdb_num = GDB_CSR0 + (number), \
         .get = get_csr, .put = put_csr, .index = (number)}

static const struct cpu_reg regs[] = {
        {.name = "zero", .alias = "x0", .slot = UINT32_MAX, .bits = 64, .set = GDB_CPU, .gdb_num = 0,
         .get = get_zero, .put = put_zero},
#define SLOT(id, text, t, g, member) \
        {.name = text, .slot = RV_SLOT_##id, .bits = 64, .set = (g) == RV_GROUP_X ? GDB_CPU : GDB_FPU, \
         .gdb_num = (g) == RV_GROUP_X ? RV_SLOT_##id - RV_SLOT_X1 + 1 : \
                    (g) == RV_GROUP_F ? RV_SLOT_##id - RV_SLOT_F0 + GDB_F0 : -1},
#include "frontend/riscv/regs.def"
#undef SLOT
        {.name = "pc", .slot = UINT32_MAX, .bits = 64, .set = GDB_CPU, .gdb_num = GDB_PC, .get = cpu_get_pc,
         .put = put_pc},
        {.name = "priv", .slot = UINT32_MAX, .bits = 64, .set = GDB_VIRTUAL, .gdb_num = GDB_PRIV,
         .get = get_priv, .put = put_priv},
        CSR_REG(0x001, "fflags"), CSR_REG(0x002, "frm"), CSR_REG(0x003, "fcsr"), CSR_REG(0x100, "sstatus"),
        CSR_REG(0x104, "sie"), CSR_REG(0x105, "stvec"), CSR_REG(0x106, "scounteren"),
        CSR_REG(0x10a, "senvcfg"), CSR_REG(0x140, "sscratch"), CSR_REG(0x141, "sepc"),
        CSR_REG(0x142, "scause"), CSR_REG(0x143, "stval"), CSR_REG(0x144, "sip"), CSR_REG(0x14d, "stimecmp"),
        CSR_REG(0x180, "satp"), CSR_REG(0x300, "mstatus"), CSR_REG(0x301, "misa"), CSR_REG(0x302, "medeleg"),
        CSR_REG(0x303, "mideleg"), CSR_REG(0x304, "mie"), CSR_REG(0x305, "mtvec"),
        CSR_REG(0x306, "mcounteren"), CSR_REG(0x30a, "menvcfg"), CSR_REG(0x320, "mcountinhibit"),
        CSR_REG(0x340, "mscratch"), CSR_REG(0x341, "mepc"), CSR_REG(0x342, "mcause"), CSR_REG(0x343, "mtval"),
        CSR_REG(0x344, "mip"), CSR_REG(0x3a0, "pmpcfg0"), CSR_REG(0x3a2, "pmpcfg2"), CSR_REG(0xb00, "mcycle"),
        CSR_REG(0xb02, "minstret"), CSR_REG(0xf14, "mhartid"),
};

/* ---- models and features ---- */

static const struct cpu_feature features[] = {
        {"i", RV_F_I, RV_F_I}, {"m", RV_F_M, RV_F_I}, {"a", RV_F_A, RV_F_I}, {"f", RV_F_F, RV_F_ZICSR},
        {"d", RV_F_D, RV_F_F}, {"c", RV_F_C, RV_F_I}, {"s", RV_F_S, RV_F_U}, {"u", RV_F_U, RV_F_ZICSR},
        {"zicsr", RV_F_ZICSR, RV_F_I}, {"zifencei", RV_F_ZIFENCEI, RV_F_I},
        {"zicntr", RV_F_ZICNTR, RV_F_ZICSR}, {"zihintpause", RV_F_ZIHINTPAUSE, RV_F_I},
        {"zicond", RV_F_ZICOND, RV_F_I}, {"zba", RV_F_ZBA, RV_F_I}, {"zbb", RV_F_ZBB, RV_F_I},
        {"zbs", RV_F_ZBS, RV_F_I}, {"sstc", RV_F_SSTC, RV_F_S}, {"sv39", RV_F_SV39, RV_F_S},
        {"sv48", RV_F_SV48, RV_F_SV39},
};

static const char *const feature_docs[] = {
#define FEATURE(id, text) [RV_F_##id] = text,
#include "frontend/riscv/features.def"
#undef FEATURE
};

static const char *const models[] = {"rv64", "max", NULL};

static bool check_features(const struct cpu_features *f, GError **error)
{
        if (!cpu_has(f, RV_F_I) || !cpu_has(f, RV_F_ZICSR))
                return error_set(error, RHEA_ERROR_USAGE,
                                 "a CPU without i or zicsr cannot run anything; leave both on");
        return true;
}

static const struct cpu_models rv_models = {
        .names = models, .features = features, .n_features = G_N_ELEMENTS(features), .docs = feature_docs,
        .always = RV_F_RV64, .check = check_features,
};

static bool rv_init(struct vcpu *v, const char *model, GError **error)
{
        struct rv_state *s = rv_state(v);

        s->config = cpu_config_new(v, model, error);
        if (!s->config)
                return false;
        if (v->vm && cpu_has(&s->config->features, RV_F_SSTC))
                s->stimer = timer_new(v->vm, CLOCK_RUN, rv_stimer_fired, v);
        rv_csr_reset(v);
        return true;
}

static void rv_fini(struct vcpu *v)
{
        struct rv_state *s = rv_state(v);

        if (s->stimer)
                timer_free(s->stimer);
        s->stimer = NULL;
        cpu_config_drop(s->config);
        s->config = NULL;
}

static void rv_reset(struct vcpu *v)
{
        rv_csr_reset(v);
        v->hot.pc = 0x1000;
        cpu_tlb_flush_all(v);
        cpu_context_changed(v);
}

static const struct cpu_config *rv_config(const struct vcpu *v)
{
        return rv_state_const(v)->config;
}

uint64_t rv_mode(const struct vcpu *v)
{
        const struct rv_state *s = rv_state_const(v);
        uint64_t fs = s->mstatus & RV_MSTATUS_FS;
        uint64_t mode = s->frm << RV_MODE_FRM_SHIFT | s->priv << RV_MODE_PRIV_SHIFT;

        if (fs)
                mode |= RV_MODE_FS_ON;
        if (fs == RV_FS_DIRTY)
                mode |= RV_MODE_FS_DIRTY;
        return mode | (cpu_has(&s->config->features, RV_F_RV32) ? RV_MODE_RV32 : 0);
}

static void rv_misaligned(struct vcpu *v, gva_t gva, enum access access)
{
        rv_raise(v, access == ACCESS_WRITE ? RV_EXC_STORE_MISALIGNED : RV_EXC_LOAD_MISALIGNED, gva);
}

static void rv_bus_error(struct vcpu *v, gva_t gva, enum access access)
{
        static const enum rv_cause causes[] = {
                [ACCESS_READ] = RV_EXC_LOAD_ACCESS, [ACCESS_WRITE] = RV_EXC_STORE_ACCESS,
                [ACCESS_FETCH] = RV_EXC_FETCH_ACCESS,
        };

        rv_raise(v, causes[access], gva);
}

static void rv_fp_flags_or(struct vcpu *v, uint32_t flags)
{
        rv_state(v)->fflags |= flags & 31; /* enum fp_flag has RISC-V's order */
}

static size_t rv_cpu_disas(const struct cpu_config *config, uint64_t pc, const uint8_t *bytes, size_t n,
                           char *buf, size_t len)
{
        uint32_t word = 0;

        for (size_t i = 0; i < MIN(n, 4); i++)
                word |= (uint32_t)bytes[i] << 8 * i;
        if (n < 2 || ((word & 3) == 3 && n < 4))
                return 0;
        return rv_disas(pc, word, &config->features, buf, len);
}

const struct cpu_ops riscv64_ops = {
        .name = "riscv64",
        .guest = &rv64_guest,
        .state_size = sizeof(struct rv_state),
        .regs = regs, .n_regs = G_N_ELEMENTS(regs),
        .gdb_sets = gdb_sets, .gdb_arch = "riscv:rv64",
        .models = &rv_models,
        .init = rv_init, .fini = rv_fini, .reset = rv_reset, .config = rv_config,
        .mode = rv_mode, .context_key = rv_context_key,
        .translate = rv_translate, .walk = rv_walk,
        .misaligned = rv_misaligned, .bus_error = rv_bus_error, .misaligned_ok = true,
        .deliver = rv_deliver, .interrupt = rv_interrupt, .has_work = rv_has_work,
        .fp_flags_or = rv_fp_flags_or, .fp_mode = rv_fp_mode,
        .disas = rv_cpu_disas,
};
