/* SPDX-License-Identifier: MIT */
/*
 * The registers of an AArch64 processing element as gdb, the monitor and lockstep see them. Names, numbers
 * and types are those of gdb's standard features ("Debugging with GDB", G.5.1): x 0..30, sp 31, pc 32, cpsr
 * 33, v 34..65, fpsr 66, fpcr 67; system registers follow, in a feature of their own. The vCPU stands still.
 */
#include "frontend/arm/cpu.h"

enum { SET_CORE, SET_FPU, SET_SYSTEM };

/* System registers are counted by their places in the table. */
enum {
        NUM_SP = 31, NUM_PC = 32, NUM_CPSR = 33, NUM_V0 = 34, NUM_FPSR = 66, NUM_FPCR = 67, NUM_SYSTEM = 100,
#define REG_FIELD(n, op0, op1, crn, crm, op2, acc, member, mask) NUM_##n,
#define REG_CONST(n, op0, op1, crn, crm, op2, acc, constant)
#define REG_FN(n, op0, op1, crn, crm, op2, acc)
#include "frontend/arm/sysreg.def"
#undef REG_FIELD
#undef REG_CONST
#undef REG_FN
        NUM_sctlr_el1, NUM_cpacr_el1, NUM_ttbr0_el1, NUM_ttbr1_el1, NUM_tcr_el1, NUM_spsr_el1, NUM_sp_el0,
        NUM_sp_el1,
};

const char *const a64_gdb_sets[] = {
        "org.gnu.gdb.aarch64.core", "org.gnu.gdb.aarch64.fpu", "org.rhea.system", NULL,
};

#define FLAG(name, bit) "<field name=\"" name "\" start=\"" bit "\" end=\"" bit "\"/>"
#define BITS(name, from, to) "<field name=\"" name "\" start=\"" from "\" end=\"" to "\"/>"
#define VECTOR(id, type, count) "<vector id=\"" id "\" type=\"" type "\" count=\"" count "\"/>"
#define VIEW(name, type) "<field name=\"" name "\" type=\"" type "\"/>"

/* PSTATE as SPSR_EL1 has it; a V register by the arrangements of its elements. */
const char *const a64_gdb_types[] = {
        [SET_CORE] =
                "<flags id=\"pstate\" size=\"4\">" FLAG("SP", "0") BITS("EL", "2", "3") FLAG("F", "6")
                FLAG("I", "7") FLAG("A", "8") FLAG("D", "9") FLAG("IL", "20") FLAG("SS", "21")
                FLAG("PAN", "22") FLAG("V", "28") FLAG("C", "29") FLAG("Z", "30") FLAG("N", "31") "</flags>",
        [SET_FPU] =
                VECTOR("v2f64", "ieee_double", "2") VECTOR("v2u64", "uint64", "2")
                VECTOR("v2s64", "int64", "2") VECTOR("v4f32", "ieee_single", "4")
                VECTOR("v4u32", "uint32", "4") VECTOR("v4s32", "int32", "4") VECTOR("v8f16", "ieee_half", "8")
                VECTOR("v8u16", "uint16", "8") VECTOR("v8s16", "int16", "8") VECTOR("v16u8", "uint8", "16")
                VECTOR("v16s8", "int8", "16") VECTOR("v1u128", "uint128", "1") VECTOR("v1s128", "int128", "1")
                "<union id=\"d_of_v\">" VIEW("f", "v2f64") VIEW("u", "v2u64") VIEW("s", "v2s64") "</union>"
                "<union id=\"s_of_v\">" VIEW("f", "v4f32") VIEW("u", "v4u32") VIEW("s", "v4s32") "</union>"
                "<union id=\"h_of_v\">" VIEW("f", "v8f16") VIEW("u", "v8u16") VIEW("s", "v8s16") "</union>"
                "<union id=\"b_of_v\">" VIEW("u", "v16u8") VIEW("s", "v16s8") "</union>"
                "<union id=\"q_of_v\">" VIEW("u", "v1u128") VIEW("s", "v1s128") "</union>"
                "<union id=\"v_reg\">" VIEW("d", "d_of_v") VIEW("s", "s_of_v") VIEW("h", "h_of_v")
                VIEW("b", "b_of_v") VIEW("q", "q_of_v") "</union>"
                "<flags id=\"fpsr_bits\" size=\"4\">" FLAG("IOC", "0") FLAG("DZC", "1") FLAG("OFC", "2")
                FLAG("UFC", "3") FLAG("IXC", "4") FLAG("IDC", "7") FLAG("QC", "27") "</flags>"
                "<flags id=\"fpcr_bits\" size=\"4\">" BITS("RMode", "22", "23") FLAG("FZ", "24")
                FLAG("DN", "25") FLAG("AHP", "26") "</flags>",
        [SET_SYSTEM] = NULL,
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

#define X(n) {.name = "x" #n, .slot = A64_SLOT_X##n, .bits = 64, .set = SET_CORE, .gdb_num = (n)}
#define V(n) \
        {.name = "v" #n, .slot = A64_SLOT_V##n, .bits = 128, .set = SET_FPU, .gdb_num = NUM_V0 + (n), \
         .type = "v_reg", .group = "vector"}
#define SYSTEM(text, id, op0, op1, crn, crm, op2) \
        {.name = text, .slot = UINT32_MAX, .bits = 64, .set = SET_SYSTEM, .gdb_num = NUM_##id, \
         .get = get_sysreg, \
         .put = put_sysreg, .index = A64_SYSREG(op0, op1, crn, crm, op2)}

const struct cpu_reg a64_regs[A64_N_REGS] = {
        X(0), X(1), X(2), X(3), X(4), X(5), X(6), X(7), X(8), X(9), X(10), X(11), X(12), X(13), X(14), X(15),
        X(16), X(17), X(18), X(19), X(20), X(21), X(22), X(23), X(24), X(25), X(26), X(27), X(28), X(29),
        X(30),
        {.name = "sp", .slot = UINT32_MAX, .bits = 64, .set = SET_CORE, .gdb_num = NUM_SP, .get = get_sp,
         .put = put_sp},
        {.name = "pc", .slot = UINT32_MAX, .bits = 64, .set = SET_CORE, .gdb_num = NUM_PC, .get = cpu_get_pc,
         .put = cpu_put_pc},
        {.name = "cpsr", .slot = UINT32_MAX, .bits = 32, .set = SET_CORE, .gdb_num = NUM_CPSR,
         .type = "pstate",
         .get = get_cpsr, .put = put_cpsr},
        V(0), V(1), V(2), V(3), V(4), V(5), V(6), V(7), V(8), V(9), V(10), V(11), V(12), V(13), V(14), V(15),
        V(16), V(17), V(18), V(19), V(20), V(21), V(22), V(23), V(24), V(25), V(26), V(27), V(28), V(29),
        V(30), V(31),
        {.name = "fpsr", .slot = UINT32_MAX, .bits = 32, .set = SET_FPU, .gdb_num = NUM_FPSR,
         .type = "fpsr_bits",
         .group = "float", .get = get_sysreg, .put = put_sysreg, .index = A64_SYSREG(3, 3, 4, 4, 1)},
        {.name = "fpcr", .slot = UINT32_MAX, .bits = 32, .set = SET_FPU, .gdb_num = NUM_FPCR,
         .type = "fpcr_bits",
         .group = "float", .get = get_sysreg, .put = put_sysreg, .index = A64_SYSREG(3, 3, 4, 4, 0)},
#define REG_FIELD(n, op0, op1, crn, crm, op2, acc, member, mask) SYSTEM(#n, n, op0, op1, crn, crm, op2),
#define REG_CONST(n, op0, op1, crn, crm, op2, acc, constant)
#define REG_FN(n, op0, op1, crn, crm, op2, acc)
#include "frontend/arm/sysreg.def"
#undef REG_FIELD
#undef REG_CONST
#undef REG_FN
        SYSTEM("sctlr_el1", sctlr_el1, 3, 0, 1, 0, 0), SYSTEM("cpacr_el1", cpacr_el1, 3, 0, 1, 0, 2),
        SYSTEM("ttbr0_el1", ttbr0_el1, 3, 0, 2, 0, 0), SYSTEM("ttbr1_el1", ttbr1_el1, 3, 0, 2, 0, 1),
        SYSTEM("tcr_el1", tcr_el1, 3, 0, 2, 0, 2), SYSTEM("spsr_el1", spsr_el1, 3, 0, 4, 0, 0),
        SYSTEM("sp_el0", sp_el0, 3, 0, 4, 1, 0),
        {.name = "sp_el1", .slot = A64_SLOT_SP_EL1, .bits = 64, .set = SET_SYSTEM, .gdb_num = NUM_sp_el1},
};
