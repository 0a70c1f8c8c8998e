/* SPDX-License-Identifier: MIT */
/*
 * The registers of an x86-64 CPU as gdb, the monitor and lockstep see them. Names, numbers and types are
 * those of gdb's standard features ("Debugging with GDB", G.5.15): rax rbx rcx rdx rsi rdi rbp rsp, r8 to
 * r15, rip 16, eflags 17, selectors 18..23, st 24..31, the x87 words 32..39, xmm 40..55, mxcsr 56, bases 57
 * and 58; system registers follow, in a feature of their own. The vCPU stands still.
 *
 * A segment register that is written gets the selector alone, without its descriptor.
 */
#include "frontend/x86/cpu.h"

enum { SET_CORE, SET_SSE, SET_SEGMENTS, SET_SYSTEM };
enum { NUM_RIP = 16, NUM_EFLAGS, NUM_CS, NUM_ST = 24, NUM_X87 = 32, NUM_XMM = 40, NUM_MXCSR = 56, NUM_FS_BASE,
       NUM_GS_BASE, NUM_SYSTEM };

const char *const x86_gdb_sets[] = {
        "org.gnu.gdb.i386.core", "org.gnu.gdb.i386.sse", "org.gnu.gdb.i386.segments", "org.rhea.system", NULL,
};

#define FLAG(name, bit) "<field name=\"" name "\" start=\"" bit "\" end=\"" bit "\"/>"
#define BITS(name, from, to) "<field name=\"" name "\" start=\"" from "\" end=\"" to "\"/>"
#define VECTOR(id, type, count) "<vector id=\"" id "\" type=\"" type "\" count=\"" count "\"/>"
#define VIEW(name, type) "<field name=\"" name "\" type=\"" type "\"/>"

/* RFLAGS and MXCSR by their bits; an XMM register by what it may hold, in gdb's own words for that. */
const char *const x86_gdb_types[] = {
        [SET_CORE] =
                "<flags id=\"rflags\" size=\"4\">" FLAG("CF", "0") FLAG("", "1") FLAG("PF", "2")
                FLAG("AF", "4") FLAG("ZF", "6") FLAG("SF", "7") FLAG("TF", "8") FLAG("IF", "9")
                FLAG("DF", "10") FLAG("OF", "11") BITS("IOPL", "12", "13") FLAG("NT", "14") FLAG("RF", "16")
                FLAG("VM", "17") FLAG("AC", "18") FLAG("VIF", "19") FLAG("VIP", "20") FLAG("ID", "21")
                "</flags>",
        [SET_SSE] =
                VECTOR("v4f32", "ieee_single", "4") VECTOR("v2f64", "ieee_double", "2")
                VECTOR("v16i8", "int8", "16") VECTOR("v8i16", "int16", "8") VECTOR("v4i32", "int32", "4")
                VECTOR("v2i64", "int64", "2") "<union id=\"xmm_reg\">" VIEW("v4_float", "v4f32")
                VIEW("v2_double", "v2f64") VIEW("v16_int8", "v16i8") VIEW("v8_int16", "v8i16")
                VIEW("v4_int32", "v4i32") VIEW("v2_int64", "v2i64") VIEW("uint128", "uint128") "</union>"
                "<flags id=\"mxcsr_bits\" size=\"4\">" FLAG("IE", "0") FLAG("DE", "1") FLAG("ZE", "2")
                FLAG("OE", "3") FLAG("UE", "4") FLAG("PE", "5") FLAG("DAZ", "6") FLAG("IM", "7")
                FLAG("DM", "8") FLAG("ZM", "9") FLAG("OM", "10") FLAG("UM", "11") FLAG("PM", "12")
                BITS("RC", "13", "14") FLAG("FZ", "15") "</flags>",
        [SET_SEGMENTS] = NULL,
        [SET_SYSTEM] = NULL,
};

/* ---- core ---- */

static uint64_t get_rflags(struct vcpu *v, unsigned index)
{
        return x86_get_rflags(v);
}

static bool put_rflags(struct vcpu *v, unsigned index, uint64_t value)
{
        x86_set_rflags(v, value, X86_FL_STATUS | X86_FL_DF | X86_FL_SYSTEM);
        cpu_context_changed(v);
        return true;
}

static uint64_t get_segment(struct vcpu *v, unsigned index)
{
        return x86_state(v)->seg[index].selector;
}

static bool put_segment(struct vcpu *v, unsigned index, uint64_t value)
{
        x86_state(v)->seg[index].selector = value;
        return true;
}

/* ---- x87: SDM volume 1, 8.1 ---- */

/* The physical register that is ST(n). */
static unsigned stack_reg(const struct x86_state *s, unsigned n)
{
        return ((s->fsw >> 11) + n) & 7;
}

static void get_st(struct vcpu *v, unsigned index, uint64_t value[CPU_REG_WORDS])
{
        const struct fp80 *f = &x86_state(v)->fpr[stack_reg(x86_state(v), index)];

        value[0] = f->significand;
        value[1] = f->sign_exp;
}

static bool put_st(struct vcpu *v, unsigned index, const uint64_t value[CPU_REG_WORDS])
{
        x86_state(v)->fpr[stack_reg(x86_state(v), index)] = (struct fp80){value[0], value[1]};
        return true;
}

enum x87_word { WORD_FCTRL, WORD_FSTAT, WORD_FTAG, WORD_FISEG, WORD_FIOFF, WORD_FOSEG, WORD_FOOFF, WORD_FOP };
enum { TAG_VALID, TAG_ZERO, TAG_SPECIAL, TAG_EMPTY };

/* The tag word of FSTENV: two bits a physical register, made of what it holds. */
static uint16_t full_tags(const struct x86_state *s)
{
        uint16_t tags = 0;

        for (unsigned n = 0; n < 8; n++) {
                enum fp80_class class = fp80_class(s->fpr[n]);
                unsigned tag = class == FP80_NORMAL ? TAG_VALID : class == FP80_ZERO ? TAG_ZERO : TAG_SPECIAL;

                tags |= (s->ftw >> n & 1 ? tag : TAG_EMPTY) << 2 * n;
        }
        return tags;
}

static uint64_t get_x87(struct vcpu *v, unsigned index)
{
        const struct x86_state *s = x86_state(v);

        switch ((enum x87_word)index) {
        case WORD_FCTRL: return s->fcw;
        case WORD_FSTAT: return s->fsw;
        case WORD_FTAG: return full_tags(s);
        case WORD_FISEG: return s->fip >> 32 & 0xffff;
        case WORD_FIOFF: return (uint32_t)s->fip;
        case WORD_FOSEG: return s->fdp >> 32 & 0xffff;
        case WORD_FOOFF: return (uint32_t)s->fdp;
        default: return s->fop;
        }
}

/* ES and B follow from flags and masks. */
static void summarise(struct x86_state *s)
{
        s->fsw = (s->fsw & 0x7f7f) | (s->fsw & ~s->fcw & 0x3f ? 0x8080 : 0);
}

static bool put_x87(struct vcpu *v, unsigned index, uint64_t value)
{
        struct x86_state *s = x86_state(v);

        switch ((enum x87_word)index) {
        case WORD_FCTRL:
                s->fcw = (value & 0x1f7f) | 0x40;
                break;
        case WORD_FSTAT:
                s->fsw = value;
                break;
        case WORD_FTAG:
                s->ftw = 0;
                for (unsigned n = 0; n < 8; n++)
                        s->ftw |= (value >> 2 * n & 3) != TAG_EMPTY ? 1 << n : 0;
                break;
        case WORD_FISEG:
                s->fip = (uint32_t)s->fip | (value & 0xffff) << 32;
                break;
        case WORD_FIOFF:
                s->fip = (s->fip & ~0xffffffffull) | (uint32_t)value;
                break;
        case WORD_FOSEG:
                s->fdp = (uint32_t)s->fdp | (value & 0xffff) << 32;
                break;
        case WORD_FOOFF:
                s->fdp = (s->fdp & ~0xffffffffull) | (uint32_t)value;
                break;
        case WORD_FOP:
                s->fop = value & 0x7ff;
                break;
        }
        summarise(s);
        return true;
}

/* ---- SSE ---- */

static uint64_t get_mxcsr(struct vcpu *v, unsigned index)
{
        return x86_state(v)->mxcsr;
}

static bool put_mxcsr(struct vcpu *v, unsigned index, uint64_t value)
{
        if (value & ~(uint64_t)X86_MXCSR_KNOWN)
                return false;
        x86_state(v)->mxcsr = value;
        cpu_context_changed(v);
        return true;
}

/* ---- system ---- */

enum system_reg {
        SYS_CR0, SYS_CR2, SYS_CR3, SYS_CR4, SYS_CR8, SYS_EFER, SYS_CPL, SYS_KERNEL_GS, SYS_GDT, SYS_IDT,
        SYS_TR,
};

static uint64_t *system_reg(struct vcpu *v, unsigned index)
{
        struct x86_state *s = x86_state(v);

        switch ((enum system_reg)index) {
        case SYS_CR0: return &s->cr0;
        case SYS_CR2: return &s->cr2;
        case SYS_CR3: return &s->cr3;
        case SYS_CR4: return &s->cr4;
        case SYS_CR8: return &s->cr8;
        case SYS_EFER: return &s->efer;
        case SYS_CPL: return &s->cpl;
        case SYS_KERNEL_GS: return &s->kernel_gs_base;
        case SYS_GDT: return &s->gdt.base;
        case SYS_IDT: return &s->idt.base;
        default: return &s->tr.base;
        }
}

static uint64_t get_system(struct vcpu *v, unsigned index)
{
        return *system_reg(v, index);
}

static bool put_system(struct vcpu *v, unsigned index, uint64_t value)
{
        if (index == SYS_CPL && value > 3)
                return false;
        *system_reg(v, index) = value;
        cpu_tlb_flush_all(v);
        cpu_context_changed(v);
        return true;
}

#define GPR(text, id, number) \
        {.name = text, .slot = X86_SLOT_##id, .bits = 64, .set = SET_CORE, .gdb_num = (number)}
#define SEGMENT(text, seg, n) \
        {.name = text, .slot = UINT32_MAX, .bits = 32, .set = SET_CORE, .gdb_num = NUM_CS + (n), \
         .type = "int32", \
         .get = get_segment, .put = put_segment, .index = (seg)}
#define ST(n) \
        {.name = "st" #n, .slot = UINT32_MAX, .bits = 80, .set = SET_CORE, .gdb_num = NUM_ST + (n), \
         .type = "i387_ext", .group = "float", .get_wide = get_st, .put_wide = put_st, .index = (n)}
#define X87(text, which) \
        {.name = text, .slot = UINT32_MAX, .bits = 32, .set = SET_CORE, .gdb_num = NUM_X87 + (which), \
         .type = "int", \
         .group = "float", .get = get_x87, .put = put_x87, .index = (which)}
#define XMM(n) \
        {.name = "xmm" #n, .slot = X86_SLOT_XMM##n, .bits = 128, .set = SET_SSE, .gdb_num = NUM_XMM + (n), \
         .type = "xmm_reg", .group = "vector"}
#define BASE(text, id) \
        {.name = text, .slot = X86_SLOT_##id, .bits = 64, .set = SET_SEGMENTS, .gdb_num = NUM_##id, \
         .group = "system"}
#define SYSTEM(text, which) \
        {.name = text, .slot = UINT32_MAX, .bits = 64, .set = SET_SYSTEM, .gdb_num = NUM_SYSTEM + (which), \
         .get = get_system, .put = put_system, .index = (which)}

const struct cpu_reg x86_regs[X86_N_REGS] = {
        GPR("rax", RAX, 0), GPR("rbx", RBX, 1), GPR("rcx", RCX, 2), GPR("rdx", RDX, 3), GPR("rsi", RSI, 4),
        GPR("rdi", RDI, 5),
        {.name = "rbp", .slot = X86_SLOT_RBP, .bits = 64, .set = SET_CORE, .gdb_num = 6, .type = "data_ptr"},
        {.name = "rsp", .slot = X86_SLOT_RSP, .bits = 64, .set = SET_CORE, .gdb_num = 7, .type = "data_ptr"},
        GPR("r8", R8, 8), GPR("r9", R9, 9), GPR("r10", R10, 10), GPR("r11", R11, 11), GPR("r12", R12, 12),
        GPR("r13", R13, 13), GPR("r14", R14, 14), GPR("r15", R15, 15),
        {.name = "rip", .alias = "pc", .slot = UINT32_MAX, .bits = 64, .set = SET_CORE, .gdb_num = NUM_RIP,
         .type = "code_ptr", .get = cpu_get_pc, .put = cpu_put_pc},
        {.name = "eflags", .alias = "rflags", .slot = UINT32_MAX, .bits = 32, .set = SET_CORE,
         .gdb_num = NUM_EFLAGS,
         .type = "rflags", .get = get_rflags, .put = put_rflags},
        SEGMENT("cs", X86_CS, 0), SEGMENT("ss", X86_SS, 1), SEGMENT("ds", X86_DS, 2),
        SEGMENT("es", X86_ES, 3), SEGMENT("fs", X86_FS, 4), SEGMENT("gs", X86_GS, 5),
        ST(0), ST(1), ST(2), ST(3), ST(4), ST(5), ST(6), ST(7),
        X87("fctrl", WORD_FCTRL), X87("fstat", WORD_FSTAT), X87("ftag", WORD_FTAG), X87("fiseg", WORD_FISEG),
        X87("fioff", WORD_FIOFF), X87("foseg", WORD_FOSEG), X87("fooff", WORD_FOOFF), X87("fop", WORD_FOP),
        XMM(0), XMM(1), XMM(2), XMM(3), XMM(4), XMM(5), XMM(6), XMM(7), XMM(8), XMM(9), XMM(10), XMM(11),
        XMM(12), XMM(13), XMM(14), XMM(15),
        {.name = "mxcsr", .slot = UINT32_MAX, .bits = 32, .set = SET_SSE, .gdb_num = NUM_MXCSR,
         .type = "mxcsr_bits",
         .group = "vector", .get = get_mxcsr, .put = put_mxcsr},
        BASE("fs_base", FS_BASE), BASE("gs_base", GS_BASE),
        SYSTEM("cr0", SYS_CR0), SYSTEM("cr2", SYS_CR2), SYSTEM("cr3", SYS_CR3), SYSTEM("cr4", SYS_CR4),
        SYSTEM("cr8", SYS_CR8), SYSTEM("efer", SYS_EFER), SYSTEM("cpl", SYS_CPL),
        SYSTEM("k_gs_base", SYS_KERNEL_GS), SYSTEM("gdt_base", SYS_GDT), SYSTEM("idt_base", SYS_IDT),
        SYSTEM("tr_base", SYS_TR),
};
