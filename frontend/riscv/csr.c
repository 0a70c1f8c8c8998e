/* SPDX-License-Identifier: MIT */
/*
 * Control and status registers (volume II, chapters 2 to 4; volume I, chapters 6, 7 and 20). One row of the
 * table is one register, or a run of registers of one kind: how it is read and written, and what it needs to
 * exist. A register that is read-only zero here says so in its row. On the hart's own thread.
 */
#include "frontend/riscv/cpu.h"

#include "base/bits.h"

enum {
        CSR_CYCLE = 0xc00, CSR_TIME = 0xc01, CSR_INSTRET = 0xc02,
        CSR_MCYCLE = 0xb00, CSR_MINSTRET = 0xb02,
        CSR_SATP = 0x180, CSR_STIMECMP = 0x14d, CSR_MIP = 0x344,
        CSR_PMPCFG0 = 0x3a0, CSR_PMPADDR0 = 0x3b0,
};

#define BIT(n) (1ull << (n))
#define S_IRQS (BIT(RV_IRQ_SSI) | BIT(RV_IRQ_STI) | BIT(RV_IRQ_SEI))
#define ALL_IRQS (S_IRQS | BIT(RV_IRQ_MSI) | BIT(RV_IRQ_MTI) | BIT(RV_IRQ_MEI))

#define MSTATUS_WRITABLE (RV_MSTATUS_SIE | RV_MSTATUS_MIE | RV_MSTATUS_SPIE | RV_MSTATUS_MPIE | \
                          RV_MSTATUS_SPP | RV_MSTATUS_MPP | RV_MSTATUS_FS | RV_MSTATUS_MPRV | \
                          RV_MSTATUS_SUM | RV_MSTATUS_MXR | RV_MSTATUS_TVM | RV_MSTATUS_TW | RV_MSTATUS_TSR)

/* Exceptions that can be delegated: all that exist but the environment call from M. */
#define DELEGABLE (BIT(RV_EXC_FETCH_MISALIGNED) | BIT(RV_EXC_FETCH_ACCESS) | BIT(RV_EXC_ILLEGAL) | \
                   BIT(RV_EXC_BREAKPOINT) | BIT(RV_EXC_LOAD_MISALIGNED) | BIT(RV_EXC_LOAD_ACCESS) | \
                   BIT(RV_EXC_STORE_MISALIGNED) | BIT(RV_EXC_STORE_ACCESS) | BIT(RV_EXC_ECALL_U) | \
                   BIT(RV_EXC_ECALL_S) | BIT(RV_EXC_FETCH_PAGE) | BIT(RV_EXC_LOAD_PAGE) | \
                   BIT(RV_EXC_STORE_PAGE))
struct csr_row {
        uint16_t first, last;
        uint8_t feature; /* enum rv_feature */
        uint64_t (*read)(struct vcpu *v, unsigned csr);               /* NULL: the field, or zero */
        /* NULL: the field's writable bits, or nothing */
        void (*write)(struct vcpu *v, unsigned csr, uint64_t value);
        /* beyond what the number says; NULL: always */
        bool (*allowed)(struct vcpu *v, unsigned csr);
        size_t field;                                                 /* offset in struct rv_state, 0: none */
        uint64_t writable;
};

/* ---- floating point ---- */

static bool fp_allowed(struct vcpu *v, unsigned csr)
{
        return rv_state(v)->mstatus & RV_MSTATUS_FS;
}

static uint64_t fcsr_read(struct vcpu *v, unsigned csr)
{
        struct rv_state *s = rv_state(v);

        return csr == 1 ? s->fflags : csr == 2 ? s->frm : s->frm << 5 | s->fflags;
}

static void fcsr_write(struct vcpu *v, unsigned csr, uint64_t value)
{
        struct rv_state *s = rv_state(v);

        if (csr != 2)
                s->fflags = value & 31;
        if (csr != 1)
                s->frm = (csr == 2 ? value : value >> 5) & 7;
        s->mstatus |= RV_FS_DIRTY;
        cpu_context_changed(v);
}

/* ---- status ---- */

static uint64_t status_read(struct vcpu *v, unsigned csr)
{
        uint64_t value = rv_state(v)->mstatus;

        if ((value & RV_MSTATUS_FS) == RV_FS_DIRTY)
                value |= RV_MSTATUS_SD;
        return csr == 0x300 ? value : value & (RV_SSTATUS_READABLE | RV_MSTATUS_SD);
}

static void status_write(struct vcpu *v, unsigned csr, uint64_t value)
{
        struct rv_state *s = rv_state(v);
        uint64_t mask = csr == 0x300 ? MSTATUS_WRITABLE : RV_SSTATUS_WRITABLE, old = s->mstatus;

        if (bits_get(value, 11, 2) == 2)
                mask &= ~RV_MSTATUS_MPP; /* no such privilege: keeps what it holds */
        s->mstatus = (old & ~mask) | (value & mask);
        if ((s->mstatus ^ old) & (RV_MSTATUS_FS | RV_MSTATUS_MPRV | RV_MSTATUS_MPP | RV_MSTATUS_SUM |
                                  RV_MSTATUS_MXR))
                cpu_context_changed(v);
        rv_look_at_irqs(v);
}

static uint64_t misa_read(struct vcpu *v, unsigned csr)
{
        return rv_state(v)->misa;
}

/* ---- interrupts ---- */

static uint64_t mie_mask(struct vcpu *v, unsigned csr)
{
        return csr == 0x304 || csr == CSR_MIP ? ALL_IRQS : rv_state(v)->mideleg;
}

static uint64_t ie_read(struct vcpu *v, unsigned csr)
{
        return rv_state(v)->mie & mie_mask(v, csr);
}

static void ie_write(struct vcpu *v, unsigned csr, uint64_t value)
{
        struct rv_state *s = rv_state(v);
        uint64_t mask = mie_mask(v, csr);

        s->mie = (s->mie & ~mask) | (value & mask);
        rv_look_at_irqs(v);
}

static uint64_t ip_read(struct vcpu *v, unsigned csr)
{
        return rv_mip(v) & mie_mask(v, csr);
}

/*
 * Of mip software owns the supervisor bits, of sip SSIP alone (3.1.9, 4.1.3); with Sstc STIP is the
 * comparator's.
 */
static void ip_write(struct vcpu *v, unsigned csr, uint64_t value)
{
        struct rv_state *s = rv_state(v);
        uint64_t mask = csr == CSR_MIP ? S_IRQS : BIT(RV_IRQ_SSI) & s->mideleg;

        if (s->menvcfg & RV_MENVCFG_STCE)
                mask &= ~BIT(RV_IRQ_STI);
        s->mip = (s->mip & ~mask) | (value & mask);
        rv_look_at_irqs(v);
}

static void mideleg_write(struct vcpu *v, unsigned csr, uint64_t value)
{
        rv_state(v)->mideleg = value & S_IRQS;
        rv_look_at_irqs(v);
}

/* ---- traps ---- */

static void tvec_write(struct vcpu *v, unsigned csr, uint64_t value)
{
        if ((value & 3) > 1)
                return; /* reserved modes: keeps what it holds */
        if (csr == 0x105)
                rv_state(v)->stvec = value;
        else
                rv_state(v)->mtvec = value;
}

/* xepc is aligned to the instructions there are. */
static uint64_t epc_mask(struct vcpu *v)
{
        return cpu_has(&rv_state(v)->config->features, RV_F_C) ? ~1ull : ~3ull;
}

static void epc_write(struct vcpu *v, unsigned csr, uint64_t value)
{
        if (csr == 0x141)
                rv_state(v)->sepc = value & epc_mask(v);
        else
                rv_state(v)->mepc = value & epc_mask(v);
}

/* ---- counters ---- */

/*
 * In deterministic mode cycles and retired instructions are both the exact count; else both are nanoseconds
 * of running time, since counting would cost every block.
 */
static uint64_t running_count(struct vcpu *v)
{
        if (v->vm->deterministic)
                /* the reading instruction, a block of its own, is counted already */
                return vcpu_insn_count(v) - 1;
        return clock_now_ns(v->vm, CLOCK_RUN);
}

static uint64_t *count_offset(struct vcpu *v, unsigned csr)
{
        struct rv_state *s = rv_state(v);

        return (csr & 0xf) == 0 ? &s->mcycle_offset : &s->minstret_offset;
}

static bool count_inhibited(struct vcpu *v, unsigned csr)
{
        return rv_state(v)->mcountinhibit >> (csr & 0xf) & 1;
}

static uint64_t count_read(struct vcpu *v, unsigned csr)
{
        return *count_offset(v, csr) + (count_inhibited(v, csr) ? 0 : running_count(v));
}

static void count_write(struct vcpu *v, unsigned csr, uint64_t value)
{
        *count_offset(v, csr) = value - (count_inhibited(v, csr) ? 0 : running_count(v));
}

static void countinhibit_write(struct vcpu *v, unsigned csr, uint64_t value)
{
        uint64_t cycle = count_read(v, CSR_MCYCLE), instret = count_read(v, CSR_MINSTRET);

        rv_state(v)->mcountinhibit = value & 5;
        count_write(v, CSR_MCYCLE, cycle);
        count_write(v, CSR_MINSTRET, instret);
}

static uint64_t time_read(struct vcpu *v, unsigned csr)
{
        return vm_timebase_ticks(v->vm);
}

/* cycle, time and instret below M: mcounteren, and for U scounteren too (3.1.11, 4.1.5). */
static bool counter_allowed(struct vcpu *v, unsigned csr)
{
        struct rv_state *s = rv_state(v);
        unsigned n = csr & 31;

        if (s->priv < RV_M && !(s->mcounteren >> n & 1))
                return false;
        return s->priv != RV_U || (s->scounteren >> n & 1) || !cpu_has(&s->config->features, RV_F_S);
}

/* ---- supervisor timer (Sstc) and environment ---- */

static bool stimecmp_allowed(struct vcpu *v, unsigned csr)
{
        struct rv_state *s = rv_state(v);

        return s->priv == RV_M || ((s->mcounteren >> 1 & 1) && (s->menvcfg & RV_MENVCFG_STCE));
}

static void stimecmp_write(struct vcpu *v, unsigned csr, uint64_t value)
{
        rv_state(v)->stimecmp = value;
        rv_update_stimer(v);
        rv_look_at_irqs(v);
}

static void menvcfg_write(struct vcpu *v, unsigned csr, uint64_t value)
{
        struct rv_state *s = rv_state(v);
        uint64_t mask = RV_ENVCFG_FIOM;

        if (cpu_has(&s->config->features, RV_F_SSTC))
                mask |= RV_MENVCFG_STCE;
        s->menvcfg = value & mask;
        rv_update_stimer(v);
        rv_look_at_irqs(v);
}

/* ---- translation and protection ---- */

static bool satp_allowed(struct vcpu *v, unsigned csr)
{
        struct rv_state *s = rv_state(v);

        return s->priv != RV_S || !(s->mstatus & RV_MSTATUS_TVM);
}

/* A mode that is not there leaves the whole register as it is (4.1.11). */
static void satp_write(struct vcpu *v, unsigned csr, uint64_t value)
{
        struct rv_state *s = rv_state(v);
        const struct cpu_features *f = &s->config->features;
        unsigned mode = value >> 60;

        if (mode != 0 && !(mode == 8 && cpu_has(f, RV_F_SV39)) && !(mode == 9 && cpu_has(f, RV_F_SV48)))
                return;
        s->satp = value;
        cpu_context_changed(v);
}

static uint64_t pmpcfg_read(struct vcpu *v, unsigned csr)
{
        const struct rv_state *s = rv_state(v);
        unsigned first = (csr - CSR_PMPCFG0) * 4;
        uint64_t value = 0;

        for (unsigned i = 0; i < 8; i++)
                value |= s->pmpcfg[first + i] << 8 * i;
        return value;
}

static bool pmp_locked(const struct rv_state *s, unsigned n)
{
        return s->pmpcfg[n] & 0x80;
}

static void pmp_changed(struct vcpu *v)
{
        rv_pmp_update(v);
        cpu_tlb_flush_all(v);
}

static void pmpcfg_write(struct vcpu *v, unsigned csr, uint64_t value)
{
        struct rv_state *s = rv_state(v);
        unsigned first = (csr - CSR_PMPCFG0) * 4;

        for (unsigned i = 0; i < 8; i++) {
                uint8_t cfg = value >> 8 * i & 0x9f;

                /* W without R is reserved: such an entry keeps what it holds */
                if (!pmp_locked(s, first + i) && (cfg & 3) != 2)
                        s->pmpcfg[first + i] = cfg;
        }
        pmp_changed(v);
}

static uint64_t pmpaddr_read(struct vcpu *v, unsigned csr)
{
        return rv_state(v)->pmpaddr[csr - CSR_PMPADDR0];
}

static void pmpaddr_write(struct vcpu *v, unsigned csr, uint64_t value)
{
        struct rv_state *s = rv_state(v);
        unsigned n = csr - CSR_PMPADDR0;
        /* a locked TOR entry locks the address below it too (3.7.1.1) */
        bool below_locked_tor = n + 1 < RV_PMP_ENTRIES && pmp_locked(s, n + 1) &&
                                (s->pmpcfg[n + 1] >> 3 & 3) == 1;

        if (pmp_locked(s, n) || below_locked_tor)
                return;
        s->pmpaddr[n] = value & bits_mask(54);
        pmp_changed(v);
}

/* RV64 has the even pmpcfg registers only. */
static bool pmpcfg_allowed(struct vcpu *v, unsigned csr)
{
        return !(csr & 1);
}

static uint64_t hartid_read(struct vcpu *v, unsigned csr)
{
        return v->index;
}

/* ---- the table, in order of number ---- */

#define FIELD(name) .field = offsetof(struct rv_state, name)
#define ONE(n) .first = (n), .last = (n)

static const struct csr_row rows[] = {
        {.first = 0x001, .last = 0x003, .feature = RV_F_F, .read = fcsr_read, .write = fcsr_write,
         .allowed = fp_allowed},
        {ONE(0x100), .feature = RV_F_S, .read = status_read, .write = status_write},
        {ONE(0x104), .feature = RV_F_S, .read = ie_read, .write = ie_write},
        {ONE(0x105), .feature = RV_F_S, FIELD(stvec), .write = tvec_write},
        {ONE(0x106), .feature = RV_F_S, FIELD(scounteren), .writable = 7},
        {ONE(0x10a), .feature = RV_F_S, FIELD(senvcfg), .writable = RV_ENVCFG_FIOM},
        {ONE(0x140), .feature = RV_F_S, FIELD(sscratch), .writable = ~0ull},
        {ONE(0x141), .feature = RV_F_S, FIELD(sepc), .write = epc_write},
        {ONE(0x142), .feature = RV_F_S, FIELD(scause), .writable = ~0ull},
        {ONE(0x143), .feature = RV_F_S, FIELD(stval), .writable = ~0ull},
        {ONE(0x144), .feature = RV_F_S, .read = ip_read, .write = ip_write},
        {ONE(CSR_STIMECMP), .feature = RV_F_SSTC, FIELD(stimecmp), .write = stimecmp_write,
         .allowed = stimecmp_allowed},
        {ONE(CSR_SATP), .feature = RV_F_S, FIELD(satp), .write = satp_write, .allowed = satp_allowed},
        {ONE(0x300), .feature = RV_F_I, .read = status_read, .write = status_write},
        {ONE(0x301), .feature = RV_F_I, .read = misa_read},
        {ONE(0x302), .feature = RV_F_S, FIELD(medeleg), .writable = DELEGABLE},
        {ONE(0x303), .feature = RV_F_S, FIELD(mideleg), .write = mideleg_write},
        {ONE(0x304), .feature = RV_F_I, .read = ie_read, .write = ie_write},
        {ONE(0x305), .feature = RV_F_I, FIELD(mtvec), .write = tvec_write},
        {ONE(0x306), .feature = RV_F_U, FIELD(mcounteren), .writable = 7},
        {ONE(0x30a), .feature = RV_F_U, FIELD(menvcfg), .write = menvcfg_write},
        {ONE(0x320), .feature = RV_F_I, FIELD(mcountinhibit), .write = countinhibit_write},
        {.first = 0x323, .last = 0x33f, .feature = RV_F_I}, /* mhpmevent3..31: zero */
        {ONE(0x340), .feature = RV_F_I, FIELD(mscratch), .writable = ~0ull},
        {ONE(0x341), .feature = RV_F_I, FIELD(mepc), .write = epc_write},
        {ONE(0x342), .feature = RV_F_I, FIELD(mcause), .writable = ~0ull},
        {ONE(0x343), .feature = RV_F_I, FIELD(mtval), .writable = ~0ull},
        {ONE(CSR_MIP), .feature = RV_F_I, .read = ip_read, .write = ip_write},
        {.first = CSR_PMPCFG0, .last = CSR_PMPCFG0 + 3, .feature = RV_F_I, .read = pmpcfg_read,
         .write = pmpcfg_write, .allowed = pmpcfg_allowed},
        {.first = CSR_PMPADDR0, .last = CSR_PMPADDR0 + RV_PMP_ENTRIES - 1, .feature = RV_F_I,
         .read = pmpaddr_read, .write = pmpaddr_write},
        {ONE(CSR_MCYCLE), .feature = RV_F_I, .read = count_read, .write = count_write},
        {ONE(CSR_MINSTRET), .feature = RV_F_I, .read = count_read, .write = count_write},
        {.first = 0xb03, .last = 0xb1f, .feature = RV_F_I}, /* mhpmcounter3..31: zero */
        {ONE(CSR_CYCLE), .feature = RV_F_ZICNTR, .read = count_read, .allowed = counter_allowed},
        {ONE(CSR_TIME), .feature = RV_F_ZICNTR, .read = time_read, .allowed = counter_allowed},
        {ONE(CSR_INSTRET), .feature = RV_F_ZICNTR, .read = count_read, .allowed = counter_allowed},
        {.first = 0xf11, .last = 0xf13, .feature = RV_F_I}, /* mvendorid, marchid, mimpid: not assigned */
        {ONE(0xf14), .feature = RV_F_I, .read = hartid_read},
        {ONE(0xf15), .feature = RV_F_I}, /* mconfigptr */
};

static const struct csr_row *find_row(struct vcpu *v, unsigned csr)
{
        unsigned low = 0, high = G_N_ELEMENTS(rows);

        while (low < high) {
                unsigned mid = (low + high) / 2;

                if (rows[mid].last < csr)
                        low = mid + 1;
                else
                        high = mid;
        }
        if (low == G_N_ELEMENTS(rows) || csr < rows[low].first)
                return NULL;
        return cpu_has(&rv_state(v)->config->features, rows[low].feature) ? &rows[low] : NULL;
}

static uint64_t *field_of(struct vcpu *v, const struct csr_row *row)
{
        return row->field ? (uint64_t *)((char *)rv_state(v) + row->field) : NULL;
}

static uint64_t row_read(struct vcpu *v, const struct csr_row *row, unsigned csr)
{
        uint64_t *field = field_of(v, row);

        return row->read ? row->read(v, csr) : field ? *field : 0;
}

static void row_write(struct vcpu *v, const struct csr_row *row, unsigned csr, uint64_t value)
{
        uint64_t *field = field_of(v, row);

        if (row->write)
                row->write(v, csr, value);
        else if (field)
                *field = (*field & ~row->writable) | (value & row->writable);
}

static const struct csr_row *accessible(struct vcpu *v, unsigned csr)
{
        const struct csr_row *row = find_row(v, csr);

        return row && (!row->allowed || row->allowed(v, csr)) ? row : NULL;
}

bool rv_csr_read(struct vcpu *v, unsigned csr, uint64_t *value)
{
        const struct csr_row *row = accessible(v, csr);

        if (!row)
                return false;
        *value = row_read(v, row, csr);
        return true;
}

bool rv_csr_update(struct vcpu *v, unsigned csr, enum rv_csr_op op, uint64_t operand, uint64_t *old)
{
        const struct csr_row *row = accessible(v, csr);
        uint64_t value;

        if (!row)
                return false;
        *old = value = row_read(v, row, csr);
        /* set and clear work on what software wrote to mip.SEIP, not on the line (3.1.9) */
        if (csr == CSR_MIP)
                value = rv_state(v)->mip;
        if (op == RV_CSR_SET)
                operand |= value;
        else if (op == RV_CSR_CLEAR)
                operand = value & ~operand;
        row_write(v, row, csr, operand);
        return true;
}

bool rv_csr_peek(struct vcpu *v, unsigned csr, uint64_t *value)
{
        const struct csr_row *row = find_row(v, csr);

        if (!row)
                return false;
        *value = row_read(v, row, csr);
        return true;
}

bool rv_csr_poke(struct vcpu *v, unsigned csr, uint64_t value)
{
        const struct csr_row *row = find_row(v, csr);

        if (!row || csr >> 10 == 3)
                return false;
        row_write(v, row, csr, value);
        return true;
}

bool rv_csr_is_counter(unsigned csr)
{
        return csr == CSR_CYCLE || csr == CSR_TIME || csr == CSR_INSTRET || csr == CSR_MCYCLE ||
               csr == CSR_MINSTRET || csr == 0x144 || csr == CSR_MIP || csr == CSR_STIMECMP;
}

/* Volume II, 3.4: what reset defines; the rest is zero here. */
void rv_csr_reset(struct vcpu *v)
{
        struct rv_state *s = rv_state(v);
        const struct cpu_config *config = s->config;
        struct timer *stimer = s->stimer;
        static const struct { enum rv_feature feature; char letter; } letters[] = {
                {RV_F_A, 'A'}, {RV_F_C, 'C'}, {RV_F_D, 'D'}, {RV_F_F, 'F'}, {RV_F_I, 'I'}, {RV_F_M, 'M'},
                {RV_F_S, 'S'}, {RV_F_U, 'U'},
        };

        *s = (struct rv_state){.config = config, .stimer = stimer, .priv = RV_M};
        s->misa = cpu_has(&config->features, RV_F_RV64) ? 2ull << 62 : 1ull << 30;
        for (unsigned i = 0; i < G_N_ELEMENTS(letters); i++) {
                if (cpu_has(&config->features, letters[i].feature))
                        s->misa |= BIT(letters[i].letter - 'A');
        }
        if (cpu_has(&config->features, RV_F_RV64))
                s->mstatus = 2ull << 32 | 2ull << 34; /* UXL, SXL: 64 */
        rv_pmp_update(v);
        rv_update_stimer(v);
}
