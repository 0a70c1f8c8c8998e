/* SPDX-License-Identifier: MIT */
/*
 * The emulator's side: a VM without a board, whose one CPU is in user mode under page tables that map what
 * the host's child process has. Exceptions go through an IDT to addresses that tell the vector, on a stack
 * of their own.
 */
#include "tests/diff/x86/cases.h"

#include <signal.h>
#include <string.h>
#include <sys/time.h>

#include <glib.h>

#include "backend/runtime.h"
#include "frontend/x86/cpu.h"

/* Physical memory; the system's part is mapped where it is, for the supervisor alone. */
enum {
        RAM_SIZE = 0x200000, TABLES = 0x1000, GDT = 0x8000, IDT = 0x9000, TSS = 0xa000,
                STACK = 0xc000 /* its end */,
        HANDLERS = 0xd000, CODE = 0x10000, DATA = CODE + CASE_CODE_SIZE, RO = DATA + CASE_DATA_SIZE,
        MAX_STEPS = 2000, MAX_RUNS = 5000, MAX_SECONDS = 5, HLT = 0xf4,
};

struct emulator {
        struct vm *vm;
        struct ram_block *ram;
        struct vcpu *v;
        struct {
                unsigned at, length;
                uint8_t bytes[CASE_MAX_LENGTH];
        } code; /* what is there */
        struct test_case *cases;
        unsigned n;
        emulator_check *check;
        void *opaque;
};

static void put64(struct emulator *e, gpa_t at, uint64_t value)
{
        memcpy(e->ram->host + at, &value, 8);
}

static uint64_t get64(struct emulator *e, gpa_t at)
{
        uint64_t value;

        memcpy(&value, e->ram->host + at, 8);
        return value;
}

static void map(struct emulator *e, uint64_t va, gpa_t pa, uint64_t flags)
{
        static const struct { unsigned shift; gpa_t low, high; } levels[] = {
                /* one chain of tables for the low 2 MiB, another for the arena */
                {39, TABLES, TABLES}, {30, TABLES + 0x1000, TABLES + 0x1000},
                {21, TABLES + 0x2000, TABLES + 0x2000}, {12, TABLES + 0x3000, TABLES + 0x4000},
        };
        bool high = va >= CASE_CODE;

        for (unsigned k = 0; k < 3; k++) {
                gpa_t table = high ? levels[k].high : levels[k].low,
                        to = high ? levels[k + 1].high : levels[k + 1].low;

                put64(e, table + (va >> levels[k].shift & 511) * 8, to | 0x67);
        }
        put64(e, (high ? levels[3].high : levels[3].low) + (va >> 12 & 511) * 8, pa | flags);
}

static void set_up(struct emulator *e)
{
        struct x86_state *s = x86_state(e->v);
        enum { P = 1, W = 2, U = 4, AD = 0x60 };
        const uint64_t NX = 1ull << 63;

        for (unsigned at = 0; at < CODE; at += 0x1000)
                map(e, at, at, P | W | AD);
        map(e, CASE_CODE, CODE, P | U | AD);
        map(e, CASE_CODE + 0x1000, CODE + 0x1000, P | U | AD);
        map(e, CASE_DATA, DATA, P | U | W | AD | NX);
        map(e, CASE_DATA + 0x1000, DATA + 0x1000, P | U | W | AD | NX);
        map(e, CASE_RO, RO, P | U | AD | NX);
        memset(e->ram->host + CODE, CASE_INT3, CASE_CODE_SIZE);
        memset(e->ram->host + HANDLERS, HLT, 256 * 8);
        put64(e, GDT + 8, 0x00209a0000000000);        /* kernel code, as Linux has them */
        put64(e, GDT + 0x10, 0x0000920000000000);
        put64(e, GDT + 0x28, 0x0000f20000000000 | 0x00cf00000000ffff);
        put64(e, GDT + 0x30, 0x0020fa0000000000);
        for (unsigned n = 0; n < 256; n++) {
                uint64_t to = HANDLERS + n * 8;

                put64(e, IDT + 16 * n, (to & 0xffff) | 8 << 16 | 1ull << 32 | 0x8e00ull << 32);
                put64(e, IDT + 16 * n + 8, 0);
        }
        put64(e, IDT + 16 * 3, get64(e, IDT + 16 * 3) | 3ull << 45); /* INT3 is for user mode */
        put64(e, TSS + 36, STACK); /* IST1 */
        s->gdt = (struct x86_segment){.base = GDT, .limit = 0xff};
        s->idt = (struct x86_segment){.base = IDT, .limit = 0xfff};
        s->tr = (struct x86_segment){.base = TSS, .limit = 0x67, .attr = 0x8b};
        s->cr3 = TABLES;
        s->cr4 = X86_CR4_PAE | X86_CR4_OSFXSR | X86_CR4_OSXMMEXCPT;
        s->efer = X86_EFER_SCE | X86_EFER_LME | X86_EFER_LMA | X86_EFER_NXE;
        s->cr0 = 0x80050033;
}

/* User mode, Linux's selectors. */
static void user_mode(struct emulator *e)
{
        struct x86_state *s = x86_state(e->v);

        s->cpl = 3;
        x86_segment_from(&s->seg[X86_CS], 0x33, get64(e, GDT + 0x30));
        x86_segment_from(&s->seg[X86_SS], 0x2b, get64(e, GDT + 0x28));
}

/* Code that is there already stays, and what was translated from it. */
static void load_code(struct emulator *e, const struct test_case *c)
{
        if (e->code.at == c->at && e->code.length == c->length && !memcmp(e->code.bytes, c->bytes, c->length))
                return;
        memset(e->code.bytes, CASE_INT3, e->code.length);
        if (e->code.at != c->at)
                address_space_write_bytes(e->v->as, CODE + e->code.at, e->code.bytes, e->code.length);
        else if (e->code.length < c->length)
                e->code.length = c->length;
        memcpy(e->code.bytes, c->bytes, c->length);
        address_space_write_bytes(e->v->as, CODE + c->at, e->code.bytes,
                                  e->code.at == c->at ? e->code.length : c->length);
        e->code.at = c->at;
        e->code.length = c->length;
}

static void load(struct emulator *e, const struct test_case *c)
{
        struct vcpu *v = e->v;
        struct x86_state *s = x86_state(v);

        load_code(e, c);
        memcpy(s->gpr, c->in.gpr, sizeof(s->gpr));
        memcpy(s->xmm, c->in.xmm, sizeof(s->xmm));
        user_mode(e);
        s->mxcsr = c->in.mxcsr;
        memcpy(&s->fcw, c->in.fx87, 2);
        memcpy(&s->fsw, c->in.fx87 + 2, 2);
        s->ftw = c->in.fx87[4];
        for (unsigned k = 0; k < 8; k++) {
                struct fp80 *r = &s->fpr[(k + (s->fsw >> 11)) & 7];

                memcpy(&r->significand, c->in.fx87 + 32 + 16 * k, 8);
                memcpy(&r->sign_exp, c->in.fx87 + 40 + 16 * k, 2);
        }
        x86_set_rflags(v, c->in.flags, ~0ull);
        v->hot.pc = CASE_CODE + c->at;
        memset(e->ram->host + DATA, 0, CASE_DATA_SIZE);
        memcpy(e->ram->host + DATA + CASE_WINDOW, c->window, CASE_WINDOW_SIZE);
        e->vm->engine->state_changed(v);
        cpu_context_changed(v);
}

static void save(struct emulator *e, const struct test_case *c, struct case_result *r)
{
        struct x86_state *s = x86_state(e->v);
        uint64_t frame = s->gpr[X86_RSP];
        struct case_regs *out = &r->regs;

        memset(r, 0, sizeof(*r));
        memcpy(out->gpr, s->gpr, sizeof(out->gpr));
        memcpy(out->xmm, s->xmm, sizeof(out->xmm));
        out->mxcsr = s->mxcsr;
        out->rip = e->v->hot.pc;
        out->flags = x86_get_rflags(e->v);
        memcpy(out->fx87, &s->fcw, 2);
        memcpy(out->fx87 + 2, &s->fsw, 2);
        out->fx87[4] = s->ftw;
        for (unsigned k = 0; k < 8; k++) {
                struct fp80 *f = &s->fpr[(k + (s->fsw >> 11)) & 7];

                memcpy(out->fx87 + 32 + 16 * k, &f->significand, 8);
                memcpy(out->fx87 + 40 + 16 * k, &f->sign_exp, 2);
        }
        r->data = e->ram->host + DATA;
        r->vector = -1;
        r->cr2 = s->cr2;
        if (s->cpl == 3 || out->rip < HANDLERS || out->rip >= HANDLERS + 256 * 8) {
                if (case_has(c, out->rip))
                        r->vector = CASE_NO_END;
                return;
        }
        r->vector = (out->rip - HANDLERS) / 8;
        if (frame == STACK - 48) { /* it has an error code */
                r->error_code = get64(e, frame);
                frame += 8;
        }
        out->rip = get64(e, frame);
        out->flags = get64(e, frame + 16);
        out->gpr[X86_RSP] = get64(e, frame + 24);
        /* as native.c: the breakpoint behind the code, or where it went nothing can be fetched */
        if (r->vector == 3) {
                r->vector = -1;
                out->rip--;
        } else if (!case_has(c, out->rip)) {
                r->vector = -1;
        }
}

/* By single steps, until it is somewhere else. */
static void step_on(struct vcpu *v, const struct test_case *c)
{
        unsigned most = c->steps ? c->steps : MAX_STEPS;

        for (unsigned steps = 0; steps < most && case_has(c, v->hot.pc); steps++)
                vcpu_step(v);
}

/* As programs run, up to the HLT that a handler is. */
static void run_freely(struct vcpu *v, const struct test_case *c)
{
        const struct engine *engine = v->vm->engine;
        enum vcpu_exit exit = VCPU_EXIT_POLL;

        for (unsigned runs = 0; runs < MAX_RUNS && exit != VCPU_EXIT_HALT; runs++) {
                if (exit == VCPU_EXIT_EXCLUSIVE)
                        vcpu_step(v);
                if (c->how == CASE_POLLS)
                        atomic_fetch_or(&v->hot.poll, VCPU_POLL_IRQ);
                atomic_store(&v->where, VCPU_INSIDE);
                if (engine->poll)
                        engine->poll(v);
                exit = engine->run(v);
                atomic_store(&v->where, VCPU_OUTSIDE);
        }
        atomic_fetch_and(&v->hot.poll, ~(uint32_t)(VCPU_POLL_IRQ | VCPU_POLL_KICK));
}

/* The vCPU that must come to an end: one of the process, since a signal has no other argument. */
static struct vcpu *_Atomic watched;

static void stop(int sig)
{
        atomic_fetch_or(&watched->hot.poll, VCPU_POLL_KICK);
}

/* Of CPU time; 0: none. */
static void set_alarm(unsigned seconds)
{
        const struct itimerval t = {.it_value.tv_sec = seconds};

        setitimer(ITIMER_VIRTUAL, &t, NULL);
}

static void run_on_vcpu(struct vcpu *v, void *arg)
{
        struct emulator *e = arg;
        struct sigaction sa = {.sa_handler = stop}, old;

        watched = v;
        sigaction(SIGVTALRM, &sa, &old);
        for (unsigned k = 0; k < e->n; k++) {
                struct test_case *c = &e->cases[k];
                struct case_result r;

                if (!c->done)
                        continue;
                load(e, c);
                set_alarm(MAX_SECONDS);
                if (c->how == CASE_STEPS)
                        step_on(v, c);
                if (c->how != CASE_STEPS || (c->steps && case_has(c, v->hot.pc)))
                        run_freely(v, c);
                set_alarm(0);
                save(e, c, &r);
                e->check(e->opaque, c, &r);
        }
        sigaction(SIGVTALRM, &old, NULL);
}

void emulator_run(struct emulator *e, struct test_case *cases, unsigned n, emulator_check *check,
                  void *opaque)
{
        e->cases = cases;
        e->n = n;
        e->check = check;
        e->opaque = opaque;
        vcpu_run_on(e->v, run_on_vcpu, e);
}

bool emulator_log(struct emulator *e, const char *items)
{
        uint32_t mask;

        if (!log_parse_items(items, &mask, NULL))
                return false;
        log_set_mask(e->vm->log, mask);
        return true;
}

struct emulator *emulator_new(bool jit)
{
        struct emulator *e = g_new0(struct emulator, 1);
        struct mem_row row = {.size = RAM_SIZE, .kind = MEM_ROW_RAM};
        GError *error = NULL;

        e->vm = vm_new("diff");
        e->vm->engine = jit ? &engine_jit : &engine_interp;
        e->ram = row.ram = ram_block_new(e->vm, "ram", RAM_SIZE, &error);
        g_assert_no_error(error);
        g_assert_true(address_space_add(e->vm->memory, &row, &error));
        e->v = vcpu_new(e->vm, &x86_64_ops, 0, x86_64_ops.state_size);
        e->v->hooks = (struct vcpu_hooks){.interrupt = x86_64_ops.interrupt, .has_work = x86_64_ops.has_work,
                                          .reset = x86_64_ops.reset};
        x86_64_ops.init(e->v, "max", &error);
        g_assert_no_error(error);
        e->v->hooks.fini = x86_64_ops.fini;
        x86_64_ops.reset(e->v);
        set_up(e);
        e->v->hot.pc = CASE_CODE;
        vm_start(e->vm, true, &error);
        g_assert_no_error(error);
        return e;
}

struct cpu_features emulator_features(const struct emulator *e)
{
        return x86_state(e->v)->config->features;
}

void emulator_free(struct emulator *e)
{
        vm_free(e->vm);
        g_free(e);
}
