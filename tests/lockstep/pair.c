/* SPDX-License-Identifier: MIT */
/*
 * Runs two machines to the same instruction counts and compares them there. Each machine's one vCPU thread
 * stops by itself (vm_observe); who comes second compares while the first one waits, under pair_run.lock.
 * The main thread serves both main loops and notices when a guest ends.
 */
#include "tests/lockstep/pair.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/lock.h"
#include "devices/dev.h"
#include "frontend/cpu.h"
#include "machines/cpu.h"
#include "ui/cli.h"
#include "ui/debug.h"
#include "ui/setup.h"

enum { STUCK_S = 30, ENDED_WAIT_S = 2, IDLE_LOOKS = 6, TOLD = 100000000 /* instructions */, MAX_INSN = 15 };

/* Beside the registers of cpu_ops. */
static const char *const more_names[] = {"pc", "halted", "interrupt lines", "instructions"};

/* Where each vCPU of the first machine stood at the last stop, for the trace. */
struct spot {
        uint64_t pc, insns;
        uint8_t bytes[MAX_INSN];
        unsigned n_bytes;
};

struct pair_run {
        struct pair *pair;
        const struct stretch *walk;
        struct pair_result *result;
        GMutex lock;
        GCond changed;
        struct vm *vm[2];
        struct pair_state state[2];
        bool arrived[2], ended[2];
        uint64_t round;           /* grows with each comparison */
        uint64_t next;            /* where both stop next */
        uint64_t told;
        struct spot *spots;
        bool over;
};

/* Each register has as many values as it may have words. */
const char *pair_value_name(const struct pair *p, unsigned i, const char **part)
{
        unsigned reg = i / CPU_REG_WORDS;

        *part = reg < p->ops->n_regs && i % CPU_REG_WORDS ? " (high)" : "";
        return reg < p->ops->n_regs ? p->ops->regs[reg].name : more_names[i - CPU_REG_WORDS * p->ops->n_regs];
}

/* ---- states ---- */

static void take_state(struct pair *p, struct vm *vm, struct pair_state *s)
{
        uint64_t *to = s->values;

        s->insns = vm_counted_insns(vm);
        for (unsigned n = 0; n < p->n_cpus; n++) {
                struct vcpu *v = vm->vcpus[n];

                for (uint32_t i = 0; i < p->ops->n_regs; i++, to += CPU_REG_WORDS)
                        vcpu_reg_read(v, &p->ops->regs[i], to);
                *to++ = v->hot.pc;
                *to++ = v->halted;
                *to++ = atomic_load(&v->irq_pending);
                *to++ = vcpu_insn_count(v);
        }
}

static void copy_state(const struct pair *p, struct pair_state *to, const struct pair_state *from)
{
        size_t size = sizeof(uint64_t) * p->n_cpus * p->n_values;

        if (!to->values)
                to->values = g_malloc(size);
        memcpy(to->values, from->values, size);
        to->insns = from->insns;
        to->ended = from->ended;
}

static bool same_registers(const struct pair_run *r)
{
        const struct pair *p = r->pair;

        return r->state[0].insns == r->state[1].insns &&
               !memcmp(r->state[0].values, r->state[1].values, sizeof(uint64_t) * p->n_cpus * p->n_values);
}

/* ---- memory and devices ---- */

static uint64_t word_at(struct vm *vm, unsigned block, uint64_t offset)
{
        uint64_t value;

        memcpy(&value, ((struct ram_block *)vm->ram_blocks->pdata[block])->host + offset, sizeof(value));
        return value;
}

/* Where the guest finds it; if at several places, one of them. */
static uint64_t gpa_of(const struct vm *vm, unsigned block, uint64_t offset)
{
        const struct mem_view *view = atomic_load(&vm->memory->view);

        for (uint32_t i = 0; i < view->n_rows; i++) {
                const struct mem_row *row = &view->rows[i];

                if (row->ram == vm->ram_blocks->pdata[block] && offset - row->offset < row->size)
                        return row->start + offset - row->offset;
        }
        return 0;
}

static void note_word(struct pair_run *r, unsigned block, uint64_t offset)
{
        struct pair_result *out = r->result;
        uint64_t a = word_at(r->vm[0], block, offset), b = word_at(r->vm[1], block, offset);

        if (a == b || out->n_words == PAIR_MAX_WORDS)
                return;
        out->words[out->n_words++] = (struct pair_word){
                .block = block, .offset = offset, .gpa = gpa_of(r->vm[0], block, offset), .value = {a, b},
        };
}

static bool same_suspects(struct pair_run *r)
{
        struct pair *p = r->pair;

        for (unsigned i = 0; i < p->n_suspects; i++)
                note_word(r, p->suspects[i].block, p->suspects[i].offset);
        return !r->result->n_words;
}

static void compare_block(struct pair_run *r, unsigned n)
{
        const struct ram_block *a = r->vm[0]->ram_blocks->pdata[n], *b = r->vm[1]->ram_blocks->pdata[n];

        for (uint64_t at = 0; at < a->size; at += GUEST_PAGE_SIZE) {
                if (!memcmp(a->host + at, b->host + at, GUEST_PAGE_SIZE))
                        continue;
                for (uint64_t i = 0; i < GUEST_PAGE_SIZE; i += 8)
                        note_word(r, n, at + i);
        }
}

static bool same_memory(struct pair_run *r)
{
        for (unsigned n = 0; n < r->vm[0]->ram_blocks->len; n++)
                compare_block(r, n);
        return !r->result->n_words;
}

static bool same_devices(struct pair_run *r)
{
        struct pair_result *out = r->result;

        for (unsigned i = 0; i < r->vm[0]->devices->len; i++) {
                struct dev *a = r->vm[0]->devices->pdata[i], *b = r->vm[1]->devices->pdata[i];
                g_autoptr(GByteArray) as = g_byte_array_new();
                g_autoptr(GByteArray) bs = g_byte_array_new();

                dev_save(a, as);
                dev_save(b, bs);
                if (as->len != bs->len || memcmp(as->data, bs->data, as->len)) {
                        snprintf(out->what, sizeof(out->what), "the state of device %s differs",
                                 a->id ? a->id : a->class->name);
                        return false;
                }
        }
        return true;
}

/* ---- the trace ---- */

/* Of the second machine, whose word counts; on its thread. */
static void look_ahead(struct pair_run *r)
{
        for (unsigned n = 0; n < r->pair->n_cpus; n++) {
                struct vcpu *v = r->vm[1]->vcpus[n];
                struct spot *s = &r->spots[n];

                s->pc = v->hot.pc;
                s->insns = vcpu_insn_count(v);
                s->n_bytes = MAX_INSN;
                while (s->n_bytes && !debug_read(v, s->pc, s->bytes, s->n_bytes))
                        s->n_bytes--; /* the end of what is mapped */
        }
}

/* Encodings as numbers where they are words, else byte by byte. */
static void print_insn(const struct vcpu *v, const struct spot *s, char *text, size_t len)
{
        bool bytes = v->ops->gdb_arch && g_str_has_prefix(v->ops->gdb_arch, "i386");
        char words[72] = "?", code[2 * MAX_INSN + 1] = "";
        size_t n = v->ops->disas(v->ops->config(v), s->pc, s->bytes, s->n_bytes, words, sizeof(words));

        n = n ? n : MIN(s->n_bytes, 4);
        for (size_t i = 0; i < n; i++)
                snprintf(code + 2 * i, 3, "%02x", s->bytes[bytes ? i : n - 1 - i]);
        snprintf(text, len, "%-8s  %s", code, words);
}

/* What ran since look_ahead. */
static void note_ran(struct pair_run *r, uint64_t since)
{
        struct pair_result *out = r->result;

        for (unsigned n = 0; n < r->pair->n_cpus; n++) {
                struct spot *s = &r->spots[n];
                struct pair_insn *to;

                if (vcpu_insn_count(r->vm[1]->vcpus[n]) == s->insns)
                        continue;
                to = &out->trace[out->n_trace++ % PAIR_TRACE];
                *to = (struct pair_insn){.cpu = n, .pc = s->pc, .count = since};
                print_insn(r->vm[1]->vcpus[n], s, to->text, sizeof(to->text));
        }
}

/* ---- comparing; the lock is held, both machines stand still ---- */

static void differ(struct pair_run *r, enum pair_end end)
{
        struct pair_result *out = r->result;

        out->end = end;
        out->bad = MAX(r->state[0].insns, r->state[1].insns);
        for (unsigned i = 0; i < 2; i++)
                copy_state(r->pair, &out->state[i], &r->state[i]);
        if (end == PAIR_DIFFERS && !out->n_words)
                same_memory(r); /* a register may differ because of what was stored long before */
        r->over = true;
}

static bool wants_full(const struct pair_run *r, uint64_t at)
{
        const struct stretch *w = r->walk;

        return at >= w->end || r->result->stops == 0 || (w->full && (r->result->stops % w->full) == 0);
}

static void compare(struct pair_run *r, bool ended)
{
        struct pair_result *out = r->result;
        uint64_t at = r->state[0].insns;
        bool full = ended || wants_full(r, at);

        out->n_words = 0;
        if (r->walk->trace && ended)
                note_ran(r, out->good);
        if (!same_registers(r) || !same_suspects(r) || (full && (!same_memory(r) || !same_devices(r)))) {
                differ(r, PAIR_DIFFERS);
                return;
        }
        out->stops++;
        out->full_stops += full;
        out->good = at;
        if (full)
                out->good_full = at;
        copy_state(r->pair, &out->before, &r->state[0]);
        if (ended || at >= r->walk->end)
                differ(r, PAIR_AGREES);
        if (r->pair->progress && at >= r->told) {
                fprintf(r->pair->progress, "%" PRIu64 " million instructions agree\n", at / 1000000);
                r->told += TOLD;
        }
}

/* One machine does not come to where the other one is. */
static void other_is_missing(struct pair_run *r, unsigned other, const char *why)
{
        r->state[other].insns = vm_counted_insns(r->vm[other]);
        snprintf(r->result->what, sizeof(r->result->what), "%s %s after %" PRIu64 " instructions, %s goes on",
                 r->pair->name[other], why, r->state[other].insns, r->pair->name[!other]);
        differ(r, PAIR_DIFFERS);
}

/* ---- the vCPU threads ---- */

static void wait_for_other(struct pair_run *r, unsigned self)
{
        unsigned other = !self;
        uint64_t round = r->round;
        int64_t start = g_get_monotonic_time();
        unsigned idle = 0;

        while (r->round == round && !r->over) {
                int64_t now = g_get_monotonic_time(), waited = (now - start) / G_USEC_PER_SEC;
                bool ends = atomic_load(&r->vm[other]->request) != VM_REQ_NONE || r->ended[other];

                /* all of its vCPUs wait, and there is no timer */
                idle = atomic_load(&r->vm[other]->vcpus[0]->where) == VCPU_HALTED ? idle + 1 : 0;
                if (r->ended[other] || (ends && waited >= ENDED_WAIT_S))
                        other_is_missing(r, other, "ended");
                else if (idle >= IDLE_LOOKS)
                        other_is_missing(r, other, "waits for ever");
                else if (waited >= STUCK_S)
                        other_is_missing(r, other, "stands still");
                else
                        lock_wait_until(&r->changed, &r->lock, now + G_USEC_PER_SEC / 4);
        }
}

static uint64_t observed(struct vm *vm, uint64_t insns, void *opaque)
{
        struct pair_run *r = opaque;
        unsigned self = vm == r->vm[1];
        uint64_t next;

        lock_take(&r->lock, LOCK_OUTER);
        if (!r->over) {
                take_state(r->pair, vm, &r->state[self]);
                if (self && r->walk->trace) {
                        if (r->result->stops)
                                note_ran(r, r->result->good);
                        look_ahead(r);
                }
                r->arrived[self] = true;
                if (r->arrived[!self]) {
                        compare(r, false);
                        r->arrived[0] = r->arrived[1] = false;
                        r->round++;
                        r->next = MIN(MAX(r->next, insns) + r->walk->step, r->walk->end);
                        g_cond_broadcast(&r->changed);
                } else {
                        wait_for_other(r, self);
                }
        }
        if (r->over)
                g_main_context_wakeup(NULL);
        next = r->over ? UINT64_MAX : r->next;
        lock_drop(&r->lock, LOCK_OUTER);
        return next;
}

/* ---- the main thread ---- */

/* A guest that powers off, or the like: this is its last state. */
static void side_ended(struct pair_run *r, unsigned i)
{
        vm_pause(r->vm[i]);
        lock_take(&r->lock, LOCK_OUTER);
        r->ended[i] = true;
        if (!r->over) {
                take_state(r->pair, r->vm[i], &r->state[i]);
                r->state[i].ended = true;
                if (r->ended[!i])
                        compare(r, true);
        }
        g_cond_broadcast(&r->changed);
        lock_drop(&r->lock, LOCK_OUTER);
}

/* Neither has anything left to do: all vCPUs wait, and there is no timer. */
static bool both_idle(const struct pair_run *r)
{
        for (unsigned i = 0; i < 2; i++) {
                if (atomic_load(&r->vm[i]->vcpus[0]->where) != VCPU_HALTED)
                        return false;
        }
        return true;
}

static gboolean tick(gpointer unused)
{
        return G_SOURCE_CONTINUE; /* what counts is that the loop turns */
}

static void wait_for_end(struct pair_run *r)
{
        guint timer = g_timeout_add(200, tick, NULL);
        unsigned idle = 0;
        bool over = false;

        while (!over) {
                g_main_context_iteration(NULL, TRUE);
                for (unsigned i = 0; i < 2; i++) {
                        if (!r->ended[i] && atomic_load(&r->vm[i]->request) != VM_REQ_NONE)
                                side_ended(r, i);
                }
                idle = both_idle(r) ? idle + 1 : 0;
                lock_take(&r->lock, LOCK_OUTER);
                if (idle > 10 && !r->over) {
                        /* they wait for the world outside; nothing runs that could change their states */
                        for (unsigned i = 0; i < 2; i++)
                                take_state(r->pair, r->vm[i], &r->state[i]);
                        compare(r, true);
                }
                over = r->over;
                g_cond_broadcast(&r->changed);
                lock_drop(&r->lock, LOCK_OUTER);
        }
        g_source_remove(timer);
}

static struct vm *make_side(struct pair *p, unsigned i, GError **error)
{
        struct vm *vm = setup_vm(p->cli[i], error);

        if (vm && !vm->deterministic) {
                error_set(error, RHEA_ERROR_USAGE,
                          "engines are compared in deterministic mode: add -icount shift=0");
                vm_free(vm);
                return NULL;
        }
        if (vm && p->prepare)
                p->prepare(vm, i);
        return vm;
}

static bool start_sides(struct pair_run *r, GError **error)
{
        struct pair *p = r->pair;

        for (unsigned i = 0; i < 2; i++) {
                r->vm[i] = make_side(p, i, error);
                if (!r->vm[i])
                        return false;
        }
        p->ops = r->vm[0]->vcpus[0]->ops;
        p->n_cpus = r->vm[0]->n_vcpus;
        p->n_values = CPU_REG_WORDS * p->ops->n_regs + G_N_ELEMENTS(more_names);
        r->spots = g_new0(struct spot, p->n_cpus);
        for (unsigned i = 0; i < 2; i++) {
                r->state[i].values = g_new0(uint64_t, p->n_cpus * p->n_values);
                vm_observe(r->vm[i], r->next, observed, r);
        }
        for (unsigned i = 0; i < 2; i++) {
                if (!vm_start(r->vm[i], true, error))
                        return false;
        }
        for (unsigned i = 0; i < 2; i++)
                vm_resume(r->vm[i]);
        return true;
}

bool pair_walk(struct pair *p, const struct stretch *w, struct pair_result *out, GError **error)
{
        struct pair_run r = {.pair = p, .walk = w, .result = out, .next = w->start, .told = TOLD};
        bool ok;

        *out = (struct pair_result){.end = PAIR_FAILED};
        g_mutex_init(&r.lock);
        g_cond_init(&r.changed);
        ok = start_sides(&r, error);
        if (ok)
                wait_for_end(&r);
        for (unsigned i = 0; i < 2; i++) {
                vm_free(r.vm[i]);
                g_free(r.state[i].values);
        }
        g_free(r.spots);
        g_cond_clear(&r.changed);
        g_mutex_clear(&r.lock);
        return ok;
}

void pair_result_clear(struct pair_result *r)
{
        g_free(r->before.values);
        g_free(r->state[0].values);
        g_free(r->state[1].values);
        *r = (struct pair_result){0};
}
