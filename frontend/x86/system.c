/* SPDX-License-Identifier: MIT */
/*
 * Control registers, MSRs, segment registers and descriptor tables, TLB instructions (Intel SDM volume 3,
 * chapters 2 to 4; volume 4). On the CPU's own thread.
 */
#include "frontend/x86/cpu.h"

#include "machines/core/clock.h"
#include "machines/core/vm.h"

static const struct ir_helper_ret failed = {0, 1 + IR_EXIT_EXCEPTION};

/* ---- control registers ---- */

static uint64_t cr4_known(const struct x86_state *s)
{
        const struct cpu_features *f = &s->config->features;

        return X86_CR4_TSD | X86_CR4_DE | X86_CR4_PSE | X86_CR4_PAE | X86_CR4_MCE | X86_CR4_PGE |
               X86_CR4_PCE | X86_CR4_OSFXSR | X86_CR4_OSXMMEXCPT | X86_CR4_PCIDE | X86_CR4_SMEP |
               (cpu_has(f, X86_F_SMAP) ? X86_CR4_SMAP : 0) | (cpu_has(f,
                       X86_F_FSGSBASE) ? X86_CR4_FSGSBASE : 0);
}

static bool set_cr0(struct vcpu *v, uint64_t value)
{
        struct x86_state *s = x86_state(v);
        uint64_t changed = (s->cr0 ^ value) & (X86_CR0_PG | X86_CR0_PE);

        if (value >> 32 || ((value & X86_CR0_PG) && !(value & X86_CR0_PE)) ||
            ((value & X86_CR0_NW) && !(value & X86_CR0_CD)))
                return false;
        if ((s->efer & X86_EFER_LMA) && changed) {
                x86_log_unimplemented(v, "leaving long mode");
                return false;
        }
        s->cr0 = (value & X86_CR0_KNOWN) | X86_CR0_ET;
        if (s->cr0 & X86_CR0_PG)
                s->efer |= s->efer & X86_EFER_LME ? X86_EFER_LMA : 0;
        if (changed)
                cpu_tlb_flush_all(v);
        cpu_context_changed(v);
        return true;
}

/* SDM volume 3, 4.10.4.1 */
static bool set_cr3(struct vcpu *v, uint64_t value)
{
        struct x86_state *s = x86_state(v);
        bool pcide = s->cr4 & X86_CR4_PCIDE, keep = pcide && (value & X86_CR3_NOFLUSH);
        uint64_t space;
        uint32_t view;

        if (pcide)
                value &= ~X86_CR3_NOFLUSH;
        if (value >> 48)
                return false;
        s->cr3 = value;
        cpu_context_changed(v);
        if (!keep) {
                x86_context_key(v, &space, &view, &view);
                cpu_tlb_flush_space(v, space);
        }
        return true;
}

static bool set_cr4(struct vcpu *v, uint64_t value)
{
        struct x86_state *s = x86_state(v);
        uint64_t changed = s->cr4 ^ value;

        if ((value & ~cr4_known(s)) || ((s->efer & X86_EFER_LMA) && !(value & X86_CR4_PAE)) ||
            ((changed & value & X86_CR4_PCIDE) && (!(s->efer & X86_EFER_LMA) || (s->cr3 & 0xfff))))
                return false;
        s->cr4 = value;
        if (changed & (X86_CR4_PGE | X86_CR4_PAE | X86_CR4_PSE | X86_CR4_PCIDE | X86_CR4_SMEP))
                cpu_tlb_flush_all(v);
        cpu_context_changed(v);
        return true;
}

bool x86_set_cr(struct vcpu *v, unsigned n, uint64_t value)
{
        struct x86_state *s = x86_state(v);

        switch (n) {
        case 0: return set_cr0(v, value);
        case 2: s->cr2 = value; return true;
        case 3: return set_cr3(v, value);
        case 4: return set_cr4(v, value);
        case 8:
                if (value > 15)
                        return false;
                s->cr8 = value;
                return true;
        default: return false;
        }
}

X86_HELP(get_cr)
{
        const struct x86_state *s = x86_state(v);

        return x86_done(a == 0 ? s->cr0 : a == 2 ? s->cr2 : a == 3 ? s->cr3 : a == 4 ? s->cr4 : s->cr8);
}

X86_HELP(set_cr)
{
        return x86_set_cr(v, a, b) ? x86_done(0) : x86_raise(v, X86_EXC_GP, 0);
}

/* Debug registers hold what is written; no breakpoint of theirs is taken. */
X86_HELP(get_dr)
{
        struct x86_state *s = x86_state(v);

        if ((a == 4 || a == 5) && (s->cr4 & X86_CR4_DE))
                return x86_raise(v, X86_EXC_UD, 0);
        return x86_done(s->dr[a == 4 || a == 5 ? a + 2 : a & 7]);
}

X86_HELP(set_dr)
{
        struct x86_state *s = x86_state(v);

        if ((a == 4 || a == 5) && (s->cr4 & X86_CR4_DE))
                return x86_raise(v, X86_EXC_UD, 0);
        if (a >= 4 && b >> 32)
                return x86_raise(v, X86_EXC_GP, 0);
        if (a >= 4)
                b = a & 1 ? (b & 0xffff2fff) | 0x400 : (b & 0x1e00f) | 0xffff0ff0; /* DR7, DR6 */
        s->dr[a == 4 || a == 5 ? a + 2 : a & 7] = b;
        return x86_done(0);
}

/* Serialising instructions (Intel SDM volume 3, 9.3): code that others wrote, and that this CPU knows of, counts. */
X86_HELP(serialise)
{
        cpu_code_fence(v);
        return x86_done(0);
}

X86_HELP(xgetbv)
{
        return a ? x86_raise(v, X86_EXC_GP, 0) : x86_done(x86_state(v)->xcr0);
}

/* ---- translations ---- */

X86_HELP(invlpg)
{
        cpu_tlb_flush_page(v, a);
        return x86_done(0);
}

X86_HELP(invpcid)
{
        uint64_t space = (b & 0xfff) | 1ull << 63;

        if (a > 3 || (a < 2 && b >> 12) || (a == 0 && !x86_canonical(c)))
                return x86_raise(v, X86_EXC_GP, 0);
        if (!(x86_state(v)->cr4 & X86_CR4_PCIDE)) {
                if (a < 2 && b)
                        return x86_raise(v, X86_EXC_GP, 0);
                cpu_tlb_flush_all(v);
                return x86_done(0);
        }
        switch (a) {
        case 0: cpu_tlb_flush_space_page(v, c, space); break;
        case 1: cpu_tlb_flush_space(v, space); break;
        case 2: cpu_tlb_flush_all(v); break;
        default: cpu_tlb_flush(v, TLB_FLUSH_NONGLOBAL, 0, 0); break;
        }
        return x86_done(0);
}

/* ---- segments ---- */

X86_HELP(get_seg)
{
        const struct x86_state *s = x86_state(v);

        return x86_done(a == 6 ? s->ldt.selector : a == 7 ? s->tr.selector : s->seg[a & 7].selector);
}

static bool refuse(struct vcpu *v, enum x86_vector vector, uint64_t error_code)
{
        x86_raise(v, vector, error_code);
        return false;
}

/* DS, ES, FS, GS and SS: SDM volume 2, MOV. In 64-bit mode bases of FS and GS alone count. */
bool x86_load_segment(struct vcpu *v, enum x86_seg seg, uint16_t selector)
{
        struct x86_state *s = x86_state(v);
        enum x86_vector absent = seg == X86_SS ? X86_EXC_SS : X86_EXC_NP;
        unsigned rpl = selector & 3, dpl, type;
        uint64_t d[2];

        if (!(selector & ~3u)) {
                if (seg == X86_SS && (s->cpl == 3 || rpl != s->cpl))
                        return refuse(v, X86_EXC_GP, 0);
                s->seg[seg] = (struct x86_segment){.selector = selector};
                return true;
        }
        if (!x86_read_descriptor(v, selector, 8, X86_EXC_GP, d))
                return false;
        dpl = d[0] >> 45 & 3;
        type = d[0] >> 40 & 31;
        if (!(type & X86_SEG_S))
                return refuse(v, X86_EXC_GP, selector & ~3u);
        if (seg == X86_SS ? (type & 10) != 2 || rpl != s->cpl || dpl != s->cpl
                          : (type & 10) == 8 || ((type & 12) != 12 && (rpl > dpl || s->cpl > dpl)))
                return refuse(v, X86_EXC_GP, selector & ~3u);
        if (!(d[0] >> 47 & 1))
                return refuse(v, absent, selector & ~3u);
        x86_segment_from(&s->seg[seg], selector, d[0]);
        return true;
}

/* LLDT and LTR: system descriptors of 16 bytes. */
static bool load_system_segment(struct vcpu *v, struct x86_segment *to, bool task, uint16_t selector)
{
        uint64_t d[2];
        unsigned type;

        if (!(selector & ~3u)) {
                if (task)
                        return refuse(v, X86_EXC_GP, 0);
                *to = (struct x86_segment){.selector = selector};
                return true;
        }
        if (selector & 4)
                return refuse(v, X86_EXC_GP, selector & ~3u);
        if (!x86_read_descriptor(v, selector, 16, X86_EXC_GP, d))
                return false;
        type = d[0] >> 40 & 31;
        if (type != (task ? 9 : 2))
                return refuse(v, X86_EXC_GP, selector & ~3u);
        if (!(d[0] >> 47 & 1))
                return refuse(v, X86_EXC_NP, selector & ~3u);
        if (task && !x86_write(v, x86_state(v)->gdt.base + (selector & ~7u) + 4, 4, true, d[0] >> 32 | 0x200))
                return false; /* busy now */
        x86_segment_from(to, selector, d[0]);
        to->base |= d[1] << 32;
        return true;
}

X86_HELP(set_seg)
{
        struct x86_state *s = x86_state(v);
        bool ok = a == 6 ? load_system_segment(v, &s->ldt, false, b) : a == 7 ? load_system_segment(v, &s->tr,
                true, b)
                  : x86_load_segment(v, (enum x86_seg)a, b);

        return ok ? x86_done(0) : failed;
}

X86_HELP(set_base)
{
        if (!x86_canonical(b))
                return x86_raise(v, X86_EXC_GP, 0);
        x86_state(v)->seg[a ? X86_GS : X86_FS].base = b;
        return x86_done(0);
}

X86_HELP(get_table)
{
        const struct x86_state *s = x86_state(v);
        const struct x86_segment *table = a ? &s->idt : &s->gdt;

        return x86_done(b ? table->limit : table->base);
}

X86_HELP(set_table)
{
        struct x86_state *s = x86_state(v);
        struct x86_segment *table = a ? &s->idt : &s->gdt;

        if (!x86_canonical(b))
                return x86_raise(v, X86_EXC_GP, 0);
        table->base = b;
        table->limit = c;
        return x86_done(0);
}

/* A descriptor for LAR, LSL, VERR, VERW, which raise nothing for what they do not find; 0: none. */
static bool look_up(struct vcpu *v, uint16_t selector, uint64_t *desc)
{
        uint64_t d[2];
        const struct x86_segment *table = selector & 4 ? &x86_state(v)->ldt : &x86_state(v)->gdt;

        if (!(selector & ~3u) || (selector & ~7u) + 7 > table->limit)
                return false;
        if (!x86_read_descriptor(v, selector, 8, X86_EXC_GP, d))
                return false;
        *desc = d[0];
        return true;
}

static bool visible(struct vcpu *v, uint16_t selector, uint64_t desc)
{
        unsigned type = desc >> 40 & 31, dpl = desc >> 45 & 3;

        if ((type & 0x1c) == 0x1c)
                return true; /* conforming code */
        return x86_state(v)->cpl <= dpl && (selector & 3) <= dpl;
}

X86_HELP(lar)
{
        uint64_t desc;
        struct x86_segment s;
        unsigned type;

        if (!look_up(v, a, &desc) || !visible(v, a, desc))
                return x86_done(0);
        type = desc >> 40 & 31;
        /* of system descriptors 64-bit mode knows LDT, TSS and, for LAR, call gates */
        if (!(type & X86_SEG_S) && type != 2 && type != 9 && type != 11 && (b || type != 12))
                return x86_done(0);
        x86_segment_from(&s, a, desc);
        return x86_done((b ? s.limit : desc >> 32 & 0x00ffff00) | 1ull << 63);
}

X86_HELP(verify)
{
        uint64_t desc;
        unsigned type;

        if (!look_up(v, a, &desc) || !visible(v, a, desc))
                return x86_done(0);
        type = desc >> 40 & 31;
        if (!(type & X86_SEG_S))
                return x86_done(0);
        return x86_done(b ? (type & 10) == 2 : (type & 10) != 8);
}

/* ---- MSRs ---- */

enum {
        MSR_TSC = 0x10, MSR_APIC_BASE = 0x1b, MSR_FEATURE_CONTROL = 0x3a, MSR_BIOS_SIGN = 0x8b,
                MSR_MTRRCAP = 0xfe,
        MSR_SYSENTER_CS = 0x174, MSR_SYSENTER_ESP, MSR_SYSENTER_EIP, MSR_MCG_CAP = 0x179,
                MSR_MISC_ENABLE = 0x1a0,
        MSR_MTRR_VARIABLE = 0x200, MSR_MTRR_FIXED = 0x250, MSR_PAT = 0x277, MSR_MTRR_DEF_TYPE = 0x2ff,
};
#define MSR_EFER 0xc0000080u
#define MSR_STAR 0xc0000081u
#define MSR_LSTAR 0xc0000082u
#define MSR_CSTAR 0xc0000083u
#define MSR_FMASK 0xc0000084u
#define MSR_FS_BASE 0xc0000100u
#define MSR_GS_BASE 0xc0000101u
#define MSR_KERNEL_GS_BASE 0xc0000102u
#define MSR_TSC_AUX 0xc0000103u

/* Nanoseconds of the machine's running time: a TSC of 1 GHz. */
uint64_t x86_tsc(struct vcpu *v)
{
        return (v->vm ? (uint64_t)clock_now_ns(v->vm, CLOCK_RUN) : 0) + x86_state(v)->tsc_offset;
}

/* MSRs that hold what is written; NULL: not one of them. */
static uint64_t *plain_msr(struct x86_state *s, uint32_t msr)
{
        switch (msr) {
        case MSR_SYSENTER_CS: return &s->sysenter_cs;
        case MSR_SYSENTER_ESP: return &s->sysenter_esp;
        case MSR_SYSENTER_EIP: return &s->sysenter_eip;
        case MSR_STAR: return &s->star;
        case MSR_LSTAR: return &s->lstar;
        case MSR_CSTAR: return &s->cstar;
        case MSR_FMASK: return &s->fmask;
        case MSR_FS_BASE: return &s->seg[X86_FS].base;
        case MSR_GS_BASE: return &s->seg[X86_GS].base;
        case MSR_KERNEL_GS_BASE: return &s->kernel_gs_base;
        case MSR_TSC_AUX: return &s->tsc_aux;
        case MSR_APIC_BASE: return &s->apic_base;
        case MSR_PAT: return &s->pat;
        case MSR_MISC_ENABLE: return &s->misc_enable;
        case MSR_MTRR_DEF_TYPE: return &s->mtrr_def_type;
        default: break;
        }
        if (msr >= MSR_MTRR_VARIABLE && msr < MSR_MTRR_VARIABLE + 16)
                return &s->mtrr[msr - MSR_MTRR_VARIABLE];
        if (msr == MSR_MTRR_FIXED || msr == MSR_MTRR_FIXED + 8 || msr == MSR_MTRR_FIXED + 9)
                return &s->mtrr[32 + msr % 8 + (msr == MSR_MTRR_FIXED)];
        if (msr >= MSR_MTRR_FIXED + 0x18 && msr < MSR_MTRR_FIXED + 0x20)
                return &s->mtrr[35 + msr % 8];
        return NULL;
}

/* Those that take canonical addresses alone. */
static bool is_address(uint32_t msr)
{
        return msr == MSR_LSTAR || msr == MSR_CSTAR || (msr >= MSR_FS_BASE && msr <= MSR_KERNEL_GS_BASE) ||
               msr == MSR_SYSENTER_ESP || msr == MSR_SYSENTER_EIP;
}

bool x86_msr_read(struct vcpu *v, uint32_t msr, uint64_t *value)
{
        struct x86_state *s = x86_state(v);
        uint64_t *plain = plain_msr(s, msr);

        *value = 0;
        if (plain) {
                *value = *plain;
                return true;
        }
        switch (msr) {
        case MSR_TSC: *value = x86_tsc(v); return true;
        case MSR_EFER: *value = s->efer; return true;
        case MSR_MTRRCAP: *value = 0x508; return true; /* eight variable ones, fixed ones, write-combining */
        case MSR_FEATURE_CONTROL: *value = 1; return true;
        case MSR_BIOS_SIGN:
        case MSR_MCG_CAP: return true;
        default: return false;
        }
}

static bool set_efer(struct vcpu *v, uint64_t value)
{
        struct x86_state *s = x86_state(v);
        uint64_t known = X86_EFER_SCE | X86_EFER_LME | X86_EFER_LMA | X86_EFER_NXE;

        if ((value & ~known) || ((s->cr0 & X86_CR0_PG) && ((value ^ s->efer) & X86_EFER_LME)))
                return false;
        if ((value ^ s->efer) & X86_EFER_NXE)
                cpu_tlb_flush_all(v);
        s->efer = (value & ~X86_EFER_LMA) | (s->efer & X86_EFER_LMA);
        cpu_context_changed(v);
        return true;
}

bool x86_msr_write(struct vcpu *v, uint32_t msr, uint64_t value)
{
        struct x86_state *s = x86_state(v);
        uint64_t *plain = plain_msr(s, msr);

        if (is_address(msr) && !x86_canonical(value))
                return false;
        if (plain) {
                *plain = value;
                return true;
        }
        switch (msr) {
        case MSR_TSC: s->tsc_offset += value - x86_tsc(v); return true;
        case MSR_EFER: return set_efer(v, value);
        case MSR_BIOS_SIGN: return true;
        default: return false;
        }
}

X86_HELP(rdmsr)
{
        uint64_t value;

        if (x86_msr_read(v, a, &value))
                return x86_done(value);
        x86_log_unimplemented(v, "RDMSR of an unknown register");
        return x86_raise(v, X86_EXC_GP, 0);
}

X86_HELP(wrmsr)
{
        return x86_msr_write(v, a, b) ? x86_done(0) : x86_raise(v, X86_EXC_GP, 0);
}

X86_HELP(rdtsc)
{
        return x86_done(x86_tsc(v));
}

X86_HELP(rdpmc)
{
        struct x86_state *s = x86_state(v);

        if ((s->cpl && !(s->cr4 & X86_CR4_PCE)) || (a & ~(1ull << 30)) >= 6)
                return x86_raise(v, X86_EXC_GP, 0);
        return x86_done(0);
}

/* ---- CPUID ---- */

/* Where CPUID reports a feature: leaf, subleaf, register (EAX to EDX), bit. */
static const struct { enum x86_feature feature; uint32_t leaf; uint8_t sub, reg, bit; } cpuid_bits[] = {
        {X86_F_X87, 1, 0, 3, 0}, {X86_F_BASE, 1, 0, 3, 3}, {X86_F_BASE, 1, 0, 3, 4}, {X86_F_BASE, 1, 0, 3, 5},
        {X86_F_BASE, 1, 0, 3, 6}, {X86_F_BASE, 1, 0, 3, 8}, {X86_F_BASE, 1, 0, 3, 12},
        {X86_F_BASE, 1, 0, 3, 13}, {X86_F_CMOV, 1, 0, 3, 15}, {X86_F_BASE, 1, 0, 3, 16},
        {X86_F_CLFLUSH, 1, 0, 3, 19}, {X86_F_MMX, 1, 0, 3, 23}, {X86_F_FXSR, 1, 0, 3, 24},
        {X86_F_SSE, 1, 0, 3, 25}, {X86_F_SSE2, 1, 0, 3, 26}, {X86_F_SEP, 1, 0, 3, 11},
        {X86_F_SSE3, 1, 0, 2, 0}, {X86_F_PCLMUL, 1, 0, 2, 1}, {X86_F_MONITOR, 1, 0, 2, 3},
        {X86_F_SSSE3, 1, 0, 2, 9}, {X86_F_FMA, 1, 0, 2, 12}, {X86_F_CX16, 1, 0, 2, 13},
        {X86_F_BASE, 1, 0, 2, 17}, {X86_F_SSE41, 1, 0, 2, 19}, {X86_F_SSE42, 1, 0, 2, 20},
        {X86_F_MOVBE, 1, 0, 2, 22}, {X86_F_POPCNT, 1, 0, 2, 23}, {X86_F_AES, 1, 0, 2, 25},
        {X86_F_XSAVE, 1, 0, 2, 26}, {X86_F_AVX, 1, 0, 2, 28}, {X86_F_F16C, 1, 0, 2, 29},
        {X86_F_RDRAND, 1, 0, 2, 30}, {X86_F_FSGSBASE, 7, 0, 1, 0}, {X86_F_BMI1, 7, 0, 1, 3},
        {X86_F_AVX2, 7, 0, 1, 5}, {X86_F_BASE, 7, 0, 1, 7}, {X86_F_BMI2, 7, 0, 1, 8},
        {X86_F_BASE, 7, 0, 1, 9}, {X86_F_INVPCID, 7, 0, 1, 10}, {X86_F_RDSEED, 7, 0, 1, 18},
        {X86_F_ADX, 7, 0, 1, 19}, {X86_F_SMAP, 7, 0, 1, 20}, {X86_F_CLFLUSHOPT, 7, 0, 1, 23},
        {X86_F_CLWB, 7, 0, 1, 24}, {X86_F_SHA, 7, 0, 1, 29}, {X86_F_RDPID, 7, 0, 2, 22},
        {X86_F_CLDEMOTE, 7, 0, 2, 25}, {X86_F_SYSCALL, 0x80000001, 0, 3, 11},
        {X86_F_BASE, 0x80000001, 0, 3, 20}, {X86_F_BASE, 0x80000001, 0, 3, 26},
        {X86_F_RDTSCP, 0x80000001, 0, 3, 27}, {X86_F_BASE, 0x80000001, 0, 3, 29},
        {X86_F_BASE, 0x80000001, 0, 2, 0}, {X86_F_LZCNT, 0x80000001, 0, 2, 5},
        {X86_F_SSE4A, 0x80000001, 0, 2, 6}, {X86_F_PREFETCHW, 0x80000001, 0, 2, 8},
};

static void put_text(uint32_t out[4], const char *text, unsigned at)
{
        char piece[17] = "";

        strncpy(piece, text + MIN(at, strlen(text)), 16);
        memcpy(out, piece, 16);
}

void x86_cpuid(struct vcpu *v, uint32_t leaf, uint32_t sub, uint32_t out[4])
{
        static const char vendor[] = "AuthenticAMD", brand[] = "Rhea x86-64 CPU";
        const struct x86_state *s = x86_state(v);
        uint32_t top = leaf & 0x80000000 ? 0x80000008 : 7;

        memset(out, 0, 16);
        if (leaf > top)
                return;
        for (unsigned n = 0; n < G_N_ELEMENTS(cpuid_bits); n++) {
                if (cpuid_bits[n].leaf == leaf && cpuid_bits[n].sub == sub && cpu_has(&s->config->features,
                        cpuid_bits[n].feature))
                        out[cpuid_bits[n].reg] |= 1u << cpuid_bits[n].bit;
        }
        switch (leaf) {
        case 0:
        case 0x80000000:
                out[0] = top;
                memcpy(&out[1], vendor, 4);
                memcpy(&out[3], vendor + 4, 4);
                memcpy(&out[2], vendor + 8, 4);
                break;
        case 1:
        case 0x80000001:
                out[0] = 0x00a20f10; /* family 0x19, model 0x21, stepping 0 */
                if (leaf == 1)
                        out[1] = v->index << 24 | (v->vm ? v->vm->n_vcpus & 0xff : 1) << 16 | 8 << 8;
                break;
        case 0x80000002: case 0x80000003: case 0x80000004:
                put_text(out, brand, 16 * (leaf - 0x80000002));
                break;
        case 0x80000008:
                out[0] = 48 << 8 | 48;
                break;
        default:
                break;
        }
}

X86_HELP(cpuid)
{
        struct x86_state *s = x86_state(v);
        uint32_t out[4];

        x86_cpuid(v, s->gpr[X86_RAX], s->gpr[X86_RCX], out);
        s->gpr[X86_RAX] = out[0];
        s->gpr[X86_RBX] = out[1];
        s->gpr[X86_RCX] = out[2];
        s->gpr[X86_RDX] = out[3];
        return x86_done(0);
}
