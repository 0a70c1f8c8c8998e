/* SPDX-License-Identifier: MIT */
/*
 * The toy guest: translator, walk and traps.
 */
#include "tests/runtime/toy.h"

#include <string.h>

#include "base/error.h"
#include "ir/build.h"

#define SLOT(n, field) [n] = {#field, IR_I64, 0, offsetof(struct toy_state, field)}
static const struct ir_slot slots[16] = {
        SLOT(0, r[0]), SLOT(1, r[1]), SLOT(2, r[2]), SLOT(3, r[3]), SLOT(4, r[4]), SLOT(5, r[5]),
                SLOT(6, r[6]),
        SLOT(7, r[7]), SLOT(8, r[8]), SLOT(9, r[9]), SLOT(10, r[10]), SLOT(11, r[11]), SLOT(12, r[12]),
        SLOT(13, r[13]), SLOT(14, r[14]), SLOT(15, r[15]),
};
static const uint16_t pins[] = {1, 2, 3, 4, 5, 6};

/* ---- helpers ---- */

static struct ir_helper_ret help_sys(struct vcpu *v, uint64_t what, uint64_t arg, uint64_t c, uint64_t d)
{
        struct toy_state *s = toy_state(v);

        switch ((enum toy_sys)what) {
        case TOY_SYS_FENCE:
                cpu_code_fence(v);
                break;
        case TOY_SYS_SPACE:
                s->space = arg;
                cpu_context_changed(v);
                break;
        case TOY_SYS_VIEW:
                s->view = arg;
                cpu_context_changed(v);
                break;
        case TOY_SYS_MODE:
                s->mode = arg;
                cpu_context_changed(v);
                break;
        case TOY_SYS_FLUSH:
                cpu_tlb_flush_all(v);
                break;
        case TOY_SYS_FLUSH_SPACE:
                cpu_tlb_flush_space(v, arg);
                break;
        case TOY_SYS_FLUSH_PAGE:
                cpu_tlb_flush_page(v, arg);
                break;
        case TOY_SYS_FLUSH_SPACE_PAGE:
                cpu_tlb_flush_space_page(v, arg, s->space);
                break;
        case TOY_SYS_CALL:
                toy_of(v->vm)->syscall(v, arg);
                break;
        case TOY_SYS_DONE:
                atomic_store(&s->done, 1);
                break;
        default:
                break;
        }
        return (struct ir_helper_ret){0, 0};
}

static struct ir_mem mem64(bool align)
{
        return (struct ir_mem){.size_log2 = 3, .align = align};
}

static struct ir_helper_ret help_lr(struct vcpu *v, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
        return cpu_reserve_load(v, a, mem64(true));
}

static struct ir_helper_ret help_sc(struct vcpu *v, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
        return cpu_reserve_store(v, a, b, mem64(true));
}

static struct ir_helper_ret help_illegal(struct vcpu *v, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
        v->exception.cause = TOY_ILLEGAL;
        v->exception.value = a;
        return (struct ir_helper_ret){0, 1 + IR_EXIT_EXCEPTION};
}

static struct ir_helper_ret help_resume(struct vcpu *v, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
        return (struct ir_helper_ret){toy_state(v)->trap_pc + a, 0};
}

static struct ir_helper_ret help_help(struct vcpu *v, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
        return (struct ir_helper_ret){0, toy_of(v->vm)->helper(v, a)};
}

static const struct ir_helper
        h_help = {.name = "help", .fn = help_help, .n_args = 1, .may_exit = true, .reads = ~0ull},
        h_sys = {.name = "sys", .fn = help_sys, .n_args = 2, .reads = ~0ull, .writes = ~0ull},
        h_lr = {.name = "lr", .fn = help_lr, .n_args = 1, .type = IR_I64, .may_exit = true},
        h_sc = {.name = "sc", .fn = help_sc, .n_args = 2, .type = IR_I64, .may_exit = true},
        h_illegal = {.name = "illegal", .fn = help_illegal, .n_args = 1, .may_exit = true, .no_return = true},
        h_resume = {.name = "resume", .fn = help_resume, .n_args = 1, .type = IR_I64};
static const struct ir_helper *const helpers[] = {&h_sys, &h_lr, &h_sc, &h_illegal, &h_resume, &h_help, NULL};

static const struct ir_guest toy_guest = {
        .name = "toy", .slots = slots, .n_slots = G_N_ELEMENTS(slots), .helpers = helpers,
        .pins = pins, .n_pins = G_N_ELEMENTS(pins),
};

/* ---- translator ---- */

static ir_ref i64(struct ir_builder *b, int64_t v)
{
        return ir_const(b, IR_I64, v);
}

static void load(struct ir_builder *b, unsigned a, unsigned base, int32_t off)
{
        ir_put(b, a, ir_load(b, IR_I64, mem64(false), ir_get(b, base), off));
}

static void store(struct ir_builder *b, unsigned a, unsigned base, int32_t off)
{
        struct ir_mem mem = mem64(false);

        mem.write = 1;
        ir_store(b, mem, ir_get(b, base), off, ir_get(b, a));
}

static void branch(struct ir_builder *b, unsigned a, int64_t to, int64_t next)
{
        uint32_t yes = ir_block_new(b), no = ir_block_new(b);

        ir_brcc(b, IR_NE, ir_get(b, a), i64(b, 0), yes, no);
        ir_builder_at(b, yes);
        ir_exit_jump(b, to, to < next);
        ir_builder_at(b, no);
        ir_exit_jump(b, next, false);
}

static void sys(struct ir_builder *b, unsigned a, unsigned what, int64_t pc)
{
        if (what == TOY_SYS_RESUME) {
                ir_exit_ind(b, IR_JUMP_PLAIN, ir_call(b, &h_resume, ir_get(b, a), 0, 0, 0));
                return;
        }
        ir_call(b, &h_sys, i64(b, what), ir_get(b, a), 0, 0);
        ir_exit(b, what == TOY_SYS_DONE ? IR_EXIT_HALT : what == TOY_SYS_YIELD ? IR_EXIT_YIELD :
                IR_EXIT_LOOKUP, pc + 4);
}

/* True if the block ends here. */
static bool translate_one(struct ir_builder *b, uint32_t insn, int64_t pc)
{
        unsigned a = insn >> 8 & 15, rb = insn >> 16 & 15, c = insn >> 24;
        int64_t imm = (int16_t)(insn >> 16);
        struct ir_mem mem = mem64(true);

        switch ((enum toy_op)(insn & 255)) {
        case TOY_LI: ir_put(b, a, i64(b, imm)); break;
        case TOY_LIU: ir_put(b, a, ir_or(b, ir_shl(b, ir_get(b, a), i64(b, 16)),
                                         i64(b, imm & 0xffff))); break;
        case TOY_SHL: ir_put(b, a, ir_shl(b, ir_get(b, a), i64(b, imm))); break;
        case TOY_ADD: ir_put(b, a, ir_add(b, ir_get(b, rb), ir_get(b, c & 15))); break;
        case TOY_SUB: ir_put(b, a, ir_sub(b, ir_get(b, rb), ir_get(b, c & 15))); break;
        case TOY_XOR: ir_put(b, a, ir_xor(b, ir_get(b, rb), ir_get(b, c & 15))); break;
        case TOY_ADDI: ir_put(b, a, ir_add(b, ir_get(b, a), i64(b, imm))); break;
        case TOY_LD: load(b, a, rb, 8 * c); break;
        case TOY_LDX: load(b, a, rb, c); break;
        case TOY_ST: store(b, a, rb, 8 * c); break;
        case TOY_STX: store(b, a, rb, c); break;
        case TOY_STW:
                mem = (struct ir_mem){.size_log2 = 2, .write = 1};
                ir_store(b, mem, ir_get(b, rb), 4 * c, ir_trunc(b, ir_get(b, a)));
                break;
        case TOY_AMOADD:
                mem.write = mem.atomic = 1;
                mem.rmw = IR_RMW_ADD;
                ir_put(b, a, ir_atomic_rmw(b, mem, ir_get(b, rb), ir_get(b, c & 15)));
                break;
        case TOY_LR: ir_put(b, a, ir_call(b, &h_lr, ir_get(b, rb), 0, 0, 0)); break;
        case TOY_SC: ir_put(b, a, ir_call(b, &h_sc, ir_get(b, rb), ir_get(b, c & 15), 0, 0)); break;
        case TOY_BNZ: branch(b, a, pc + 4 * imm, pc + 4); return true;
        case TOY_J: ir_exit_jump(b, pc + 4 * imm, imm <= 0); return true;
        case TOY_CALL:
                ir_put(b, a, ir_pcaddr(b, pc + 4));
                ir_ret_push(b, pc + 4);
                ir_exit_jump(b, pc + 4 * imm, imm <= 0);
                return true;
        case TOY_JR: ir_exit_ind(b, c, ir_get(b, a)); return true;
        case TOY_HELP: ir_call(b, &h_help, ir_get(b, a), 0, 0, 0); break;
        case TOY_SYS: sys(b, a, c, pc); return true;
        default:
                ir_call(b, &h_illegal, i64(b, insn), 0, 0, 0);
                ir_exit(b, IR_EXIT_EXCEPTION, pc);
                return true;
        }
        return false;
}

static void toy_translate(struct ir_region *r, struct translate_req *req)
{
        struct ir_builder *b;
        uint32_t pc = req->offset, insn;
        bool ended = false;

        cpu_translate_begin(r, req, toy_ops.fp_mode(req->mode));
        if (pc + 4 > GUEST_PAGE_SIZE && !req->next) {
                req->needs_next = true;
                return;
        }
        b = cpu_translate_builder(r);
        do {
                uint8_t bytes[4];

                for (unsigned i = 0; i < 4; i++)
                        bytes[i] = pc + i < GUEST_PAGE_SIZE ? req->bytes[pc + i]
                                                            : req->next[pc + i - GUEST_PAGE_SIZE];
                memcpy(&insn, bytes, 4);
                ir_insn(b, pc);
                if (req->hooks)
                        ir_hook(b, 0, pc);
                ended = translate_one(b, insn, pc);
                pc += 4;
        } while (!ended && r->n_guest_insns < req->max_insns && pc + 4 <= GUEST_PAGE_SIZE &&
                 !cpu_breakpoint_at(req, pc));
        if (!ended)
                ir_exit_jump(b, pc, false);
        r->guest_bytes = pc - req->offset;
        req->straddles = pc > GUEST_PAGE_SIZE;
        ir_builder_finish(b);
}

/* ---- the rest of cpu_ops ---- */

static bool toy_init(struct vcpu *v, const char *model, GError **error) { return true; }
static void toy_reset(struct vcpu *v) { v->hot.pc = TOY_RAM_BASE; }
static const struct cpu_config *toy_config(const struct vcpu *v)
{
        static const struct cpu_config config;

        return &config;
}
static uint64_t toy_mode(const struct vcpu *v) { return ((const struct toy_state *)v->state)->mode; }

static void toy_context_key(const struct vcpu *v, uint64_t *space, uint32_t *data_view, uint32_t *fetch_view)
{
        const struct toy_state *s = (const struct toy_state *)v->state;

        *space = s->space;
        *data_view = s->view;
        *fetch_view = s->view;
}

static bool walk_fault(struct vcpu *v, gva_t gva, enum access access)
{
        v->exception.cause = access == ACCESS_READ    ? TOY_FAULT_READ
                             : access == ACCESS_WRITE ? TOY_FAULT_WRITE
                                                      : TOY_FAULT_FETCH;
        v->exception.value = gva;
        return false;
}

static bool toy_walk(struct vcpu *v, gva_t gva, unsigned size, enum access access, uint32_t view, bool debug,
                     struct walk *out)
{
        struct toy *t = toy_of(v->vm);
        struct toy_state *s = toy_state(v);
        static const uint64_t wants[] = {TOY_P_R, TOY_P_W, TOY_P_X};
        _Atomic uint64_t *p;
        uint64_t pte;

        s->walks++;
        *out = (struct walk){.gpa = gva & ~0xfffull, .page_bits = 12, .read = true, .write = true,
                             .exec = true};
        if (!t->paging)
                return true;
        if (gva >> 12 >= TOY_PAGES)
                return walk_fault(v, gva, access);
        p = &t->pte[s->space % TOY_SPACES][gva >> 12];
        pte = atomic_load(p);
        if (!(pte & wants[access]))
                return walk_fault(v, gva, access);
        if (access == ACCESS_WRITE && !(pte & TOY_P_D))
                pte = atomic_fetch_or(p, TOY_P_D) | TOY_P_D;
        out->gpa = pte & ~0xfffull;
        out->read = pte & TOY_P_R;
        out->write = (pte & TOY_P_W) && (pte & TOY_P_D);
        out->exec = pte & TOY_P_X;
        out->global = pte & TOY_P_G;
        out->partial = pte & TOY_P_PARTIAL;
        out->page_bits = pte & TOY_P_LARGE ? 16 : 12;
        return true;
}

static void toy_misaligned(struct vcpu *v, gva_t gva, enum access access)
{
        v->exception.cause = TOY_MISALIGNED;
        v->exception.value = gva;
}

static void toy_bus_error(struct vcpu *v, gva_t gva, enum access access)
{
        v->exception.cause = TOY_BUS;
        v->exception.value = gva;
}

static void toy_deliver(struct vcpu *v)
{
        struct toy_state *s = toy_state(v);

        s->traps++;
        s->cause = v->exception.cause;
        s->value = v->exception.value;
        s->trap_pc = v->hot.pc;
        if (s->handler) {
                v->hot.pc = s->handler;
                return;
        }
        /* at the end of RAM stands TOY_SYS_DONE */
        s->space = s->view = 0;
        cpu_context_changed(v);
        v->hot.pc = TOY_RAM_BASE + toy_of(v->vm)->ram_size - 4;
        if (toy_of(v->vm)->paging)
                v->hot.pc = (TOY_PAGES - 1) * 4096ull + 4092;
}

static bool toy_interrupt(struct vcpu *v) { return false; }
static bool toy_has_work(const struct vcpu *v) { return false; }
static void toy_fp_flags_or(struct vcpu *v, uint32_t flags) { }
static struct ir_fpmode toy_fp_mode(uint64_t mode) { return (struct ir_fpmode){.nan = IR_NAN_DEFAULT}; }

const struct cpu_ops toy_ops = {
        .name = "toy", .guest = &toy_guest, .state_size = sizeof(struct toy_state),
        .init = toy_init, .reset = toy_reset, .config = toy_config, .mode = toy_mode,
        .context_key = toy_context_key, .translate = toy_translate, .walk = toy_walk,
        .misaligned = toy_misaligned, .bus_error = toy_bus_error, .misaligned_ok = true,
        .deliver = toy_deliver, .interrupt = toy_interrupt, .has_work = toy_has_work,
        .fp_flags_or = toy_fp_flags_or, .fp_mode = toy_fp_mode,
};

/* ---- machines of it ---- */

const struct engine *const toy_engines[] = {
        &engine_interp,
#if defined(__x86_64__) || defined(__aarch64__)
        &engine_jit,
#endif
        NULL,
};

struct toy *toy_new(const struct engine *engine, unsigned n, uint64_t ram_size)
{
        struct toy *t = g_new0(struct toy, 1);
        GError *error = NULL;
        struct mem_row row = {.start = TOY_RAM_BASE, .size = ram_size, .kind = MEM_ROW_RAM};
        uint32_t done = TOY_R(TOY_SYS, 0, 0, TOY_SYS_DONE);

        t->vm = vm_new("toy");
        t->vm->engine = engine;
        t->vm->machine_data = t;
        t->ram_size = ram_size;
        t->ram = ram_block_new(t->vm, "ram", ram_size, &error);
        g_assert_no_error(error);
        row.ram = t->ram;
        g_assert_true(address_space_add(t->vm->memory, &row, &error));
        for (unsigned i = 0; i < n; i++) {
                struct vcpu *v = vcpu_new(t->vm, &toy_ops, i, sizeof(struct toy_state));

                v->hooks = (struct vcpu_hooks){.interrupt = toy_interrupt, .has_work = toy_has_work,
                                               .reset = toy_reset};
                toy_reset(v);
        }
        toy_code(t, TOY_RAM_BASE + ram_size - 4, &done, 1);
        for (unsigned s = 0; s < TOY_SPACES; s++)
                atomic_store(&t->pte[s][TOY_PAGES - 1],
                             (TOY_RAM_BASE + ram_size - 4096) | TOY_P_R | TOY_P_X | TOY_P_G);
        return t;
}

void toy_free(struct toy *t)
{
        vm_free(t->vm);
        g_free(t);
}

void toy_code(struct toy *t, gpa_t gpa, const uint32_t *insns, unsigned n)
{
        g_assert_cmpint(address_space_write_bytes(t->vm->memory, gpa, insns, n * 4), ==, MEM_OK);
}

uint64_t toy_peek(struct toy *t, gpa_t gpa)
{
        return __atomic_load_n((uint64_t *)(t->ram->host + (gpa - TOY_RAM_BASE)), __ATOMIC_ACQUIRE);
}

void toy_poke(struct toy *t, gpa_t gpa, uint64_t value)
{
        __atomic_store_n((uint64_t *)(t->ram->host + (gpa - TOY_RAM_BASE)), value, __ATOMIC_RELEASE);
        ram_block_note_write(t->ram, gpa - TOY_RAM_BASE, 8);
}

void toy_start(struct toy *t)
{
        GError *error = NULL;

        vm_start(t->vm, false, &error);
        g_assert_no_error(error);
}

void toy_wait(struct toy *t)
{
        for (unsigned i = 0; i < t->vm->n_vcpus; i++) {
                struct toy_state *s = toy_state(t->vm->vcpus[i]);

                for (unsigned ms = 0; !atomic_load(&s->done); ms++) {
                        if (ms > 60000)
                                g_error("vCPU %u does not come to an end", i);
                        g_usleep(1000);
                }
        }
        vm_pause(t->vm);
}
