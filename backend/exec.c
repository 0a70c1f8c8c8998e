/* SPDX-License-Identifier: MIT */
/*
 * The dispatcher: finds the region for hot.pc, runs it, and does what its exit asks for. The same loop drives
 * generated code and the interpreter. docs/code-cache.md follows a block through it.
 *
 * The run loop has made the vCPU VCPU_INSIDE. Poll requests are looked at where the architecture places polls
 * (decision 9) and after exceptions, not at every turn, so that all engines see them at the same
 * instructions.
 */
#include "backend/runtime.h"

/* This vCPU holds no region that was dropped before what it had served when @seq was read. */
static void be_quiet(struct vcpu *v, uint64_t seq)
{
        if (seq != atomic_load_explicit(&v->engine->quiet, memory_order_relaxed))
                atomic_store(&v->engine->quiet, seq);
}

static uint64_t seen(struct vcpu *v)
{
        return atomic_load_explicit(&v->revoke_seen, memory_order_relaxed);
}

void exec_poll(struct vcpu *v)
{
        revoke_serve(v);
        be_quiet(v, seen(v));
}

void exec_state_changed(struct vcpu *v)
{
        reservation_drop(v);
        context_update(v);
}

void exec_breakpoints_changed(struct vm *vm, uint64_t gva)
{
        if (vm->engine_data)
                codecache_drop_all(runtime_of(vm));
}

void exec_watchpoints_changed(struct vm *vm)
{
        if (vm->engine_data)
                revoke_post(runtime_of(vm),
                            &(struct revoke_event){.reasons = REVOKE_TLB, .flush = TLB_FLUSH_ALL});
}

static bool at_breakpoint(const struct vm *vm, gva_t pc)
{
        for (guint i = 0; i < vm->breakpoints->len; i++)
                if (g_array_index(vm->breakpoints, gva_t, i) == pc)
                        return true;
        return false;
}

/* Some breakpoint has this offset in its page: then the dispatcher must see every arrival. */
static bool near_breakpoint(const struct vm *vm, gva_t pc)
{
        for (guint i = 0; i < vm->breakpoints->len; i++)
                if (((g_array_index(vm->breakpoints, gva_t, i) ^ pc) & (GUEST_PAGE_SIZE - 1)) == 0)
                        return true;
        return false;
}

/* The door for hot.pc by way of the jump cache; 0: v->exception tells why there is none. */
static uint64_t find_door(struct vcpu *v)
{
        gva_t pc = v->hot.pc;
        const struct jump_entry *j = &v->engine->contexts.cur_code->jumps[jump_index(pc)];
        struct code_region *r;

        if (j->pc == pc) {
                v->hot.vpage_base = pc & ~(gva_t)(GUEST_PAGE_SIZE - 1);
                return j->host;
        }
        r = exec_find_region(v, pc, 0);
        if (!r)
                return 0;
        if (!(r->key.flags & REGION_ONE_SHOT) && !near_breakpoint(v->vm, pc))
                context_add_jump(v, pc, code_region_door(r), r->key.ram2);
        return code_region_door(r);
}

/* An unlinked direct exit was taken: finds its target and patches the exit to go there. */
static uint64_t follow_link(struct vcpu *v)
{
        struct code_link *l = (struct code_link *)(uintptr_t)v->hot.exit_arg;
        uint64_t opened = v->engine->segments_opened;
        struct code_region *r;
        uint64_t door;

        if (!l || l->refused || (l->from->key.flags & REGION_ONE_SHOT)) {
                stat_inc(v, STAT_refused_links);
                return find_door(v);
        }
        r = exec_find_region(v, v->hot.pc, 0);
        if (!r)
                return 0;
        door = code_region_door(r);
        if (r->key.flags & REGION_ONE_SHOT || near_breakpoint(v->vm, v->hot.pc))
                return door;
        if (v->engine->segments_opened != opened)
                return door; /* @l may be gone */
        if (!codecache_link(v, l, r))
                context_add_jump(v, v->hot.pc, door, r->key.ram2);
        return door;
}

/* The exception is taken at hot.pc; the frontend tells what becomes of the context. */
static void deliver(struct vcpu *v)
{
        stat_inc(v, STAT_exceptions);
        reservation_drop(v);
        v->ops->deliver(v);
}

/* Is there a reason to see the run loop? Revocations alone are served here. */
static bool must_leave(struct vcpu *v)
{
        uint32_t poll = atomic_load(&v->hot.poll);

        if (poll & ~(uint32_t)VCPU_POLL_REVOKE)
                return true;
        if (poll) {
                atomic_fetch_and(&v->hot.poll, ~(uint32_t)VCPU_POLL_REVOKE);
                revoke_serve(v);
        }
        return false;
}

static enum ir_exit enter(struct vcpu *v, uint64_t door)
{
        enum ir_exit reason = v->engine->enter(v, door);

        stat_add(&v->engine->exits[reason], 1);
        return reason;
}

/* Deterministic mode, at a region that has more instructions than the budget has left: runs a shorter one. */
static enum ir_exit run_cut(struct vcpu *v)
{
        struct code_region *r = exec_find_region(v, v->hot.pc, MIN(v->hot.budget, INT32_MAX));

        return r ? enter(v, code_region_door(r)) : IR_EXIT_EXCEPTION;
}

/* A helper asked to be run again once others have acknowledged something. */
static void wait_for_others(struct vcpu *v)
{
        revoke_wait(v->engine->rt, v, v->engine->wait_seq);
        v->engine->wait_seq = 0;
}

/* One instruction; its exit. */
static enum ir_exit step_once(struct vcpu *v)
{
        struct code_region *r;
        enum ir_exit reason;

        context_update(v);
        revoke_serve(v);
        be_quiet(v, seen(v));
        r = exec_find_region(v, v->hot.pc, 1);
        if (!r)
                return IR_EXIT_EXCEPTION;
        v->hot.budget += r->n_guest_insns; /* steps are not refused for want of budget */
        v->engine->once = true;
        context_hide_jumps(v);
        reason = enter(v, code_region_door(r));
        context_show_jumps(v);
        v->engine->once = false;
        v->hot.budget -= r->n_guest_insns;
        return reason;
}

enum vcpu_exit exec_step(struct vcpu *v)
{
        enum ir_exit reason;

        v->engine->watch.pass = v->engine->stepping = true;
        reason = step_once(v);
        while (reason == IR_EXIT_YIELD && v->engine->wait_seq) {
                wait_for_others(v);
                reason = step_once(v);
        }
        v->engine->watch.pass = v->engine->watch.keep_reservation = v->engine->stepping = false;
        exec_drop_one_shot(v);
        if (reason == IR_EXIT_EXCEPTION)
                deliver(v);
        context_update(v);
        switch (reason) {
        case IR_EXIT_HALT:
                return VCPU_EXIT_HALT;
        case IR_EXIT_DEBUG:
                return VCPU_EXIT_DEBUG;
        case IR_EXIT_EXCLUSIVE:
                return VCPU_EXIT_EXCLUSIVE;
        default:
                return VCPU_EXIT_POLL;
        }
}

/*
 * The compare-and-swap that hit a watchpoint is the second half of a load-reserved sequence whose first half
 * was an ordinary load. Reserving now is as good as having reserved then, if the value is still the same
 * (docs/memory.md).
 */
static void reserve_for_cas(struct vcpu *v)
{
        struct watch_cas *cas = &v->engine->watch.cas;
        struct ir_helper_ret got;

        v->engine->watch.pass = true;
        while ((got = reservation_load(v, cas->gva, cas->mem)).status == 1 + IR_EXIT_YIELD)
                wait_for_others(v);
        v->engine->watch.pass = cas->on = false;
        if (got.status || v->engine->reservation.value != cas->expect)
                reservation_drop(v);
        else
                v->engine->watch.keep_reservation = true;
}

/* An access to watched bytes was refused: its instruction runs alone, and the vCPU stops behind it. */
static enum vcpu_exit watchpoint(struct vcpu *v)
{
        enum vcpu_exit exit;

        context_update(v);
        if (v->engine->watch.cas.on)
                reserve_for_cas(v);
        v->watch_hit.kinds = 0;
        exit = exec_step(v);
        if (v->vm->deterministic)
                v->hot.budget--;
        return v->watch_hit.kinds ? VCPU_EXIT_DEBUG : exit;
}

enum vcpu_exit exec_run(struct vcpu *v)
{
        enum ir_exit reason = IR_EXIT_LOOKUP;
        uint64_t door, seq;

        context_update(v);
        for (;;) {
                revoke_serve(v);
                seq = seen(v);
                if (v->vm->breakpoints->len && at_breakpoint(v->vm, v->hot.pc))
                        return VCPU_EXIT_DEBUG;
                door = reason == IR_EXIT_LINK ? follow_link(v) : find_door(v);
                be_quiet(v, seq); /* only now: following the link looked into the region that was left */
                reason = door ? enter(v, door) : IR_EXIT_EXCEPTION;
                if (reason == IR_EXIT_BUDGET && v->hot.budget > 0)
                        reason = run_cut(v);
                if (reason == IR_EXIT_ONCE)
                        reason = step_once(v);
                switch (reason) {
                case IR_EXIT_LINK:
                case IR_EXIT_INDIRECT:
                        break;
                /* after what may have unmasked interrupts; contexts are the frontend's to tell */
                case IR_EXIT_LOOKUP:
                        if (must_leave(v))
                                return VCPU_EXIT_POLL;
                        break;
                case IR_EXIT_EXCEPTION:
                        deliver(v);
                        if (must_leave(v))
                                return VCPU_EXIT_POLL;
                        break;
                case IR_EXIT_POLL:
                        if (must_leave(v))
                                return VCPU_EXIT_POLL;
                        break;
                case IR_EXIT_YIELD:
                        if (!v->engine->wait_seq)
                                return VCPU_EXIT_YIELD;
                        wait_for_others(v);
                        if (must_leave(v))
                                return VCPU_EXIT_POLL;
                        break;
                case IR_EXIT_HALT:
                        return VCPU_EXIT_HALT;
                case IR_EXIT_BUDGET:
                        return VCPU_EXIT_BUDGET;
                case IR_EXIT_DEBUG:
                        return watchpoint(v);
                case IR_EXIT_EXCLUSIVE:
                        return VCPU_EXIT_EXCLUSIVE;
                default:
                        return VCPU_EXIT_ERROR;
                }
        }
}
