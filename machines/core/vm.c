/* SPDX-License-Identifier: MIT */
/*
 * The machine as a whole: its making, its end, requests from the guest and reset. Running is in runloop.c.
 */
#include "machines/core/vm.h"

#include "base/lock.h"
#include "machines/core/core.h"
#include "machines/core/engine.h"
#include "machines/core/vcpu.h"

struct vm *vm_new(const char *name)
{
        struct vm *vm = g_new0(struct vm, 1);

        vm->name = g_strdup(name);
        vm->log = log_new();
        vm->context = g_main_context_ref_thread_default();
        vm->ram_blocks = g_ptr_array_new();
        vm->devices = g_ptr_array_new();
        vm->chardevs = g_ptr_array_new();
        vm->drives = g_ptr_array_new();
        vm->breakpoints = g_array_new(FALSE, FALSE, sizeof(gva_t));
        vm->watchpoints = g_array_new(FALSE, FALSE, sizeof(struct vm_watchpoint));
        vm->memory = address_space_new(vm, "memory");
        vm->clock = clock_new(vm);
        vm->run = run_new(vm);
        return vm;
}

void vm_free(struct vm *vm)
{
        if (!vm)
                return;
        run_stop(vm);
        if (vm->machine_fini)
                vm->machine_fini(vm);
        /* who fills one of these arrays sets its free function; last made, first gone */
        while (vm->devices->len)
                g_ptr_array_remove_index(vm->devices, vm->devices->len - 1);
        g_ptr_array_unref(vm->chardevs);
        g_ptr_array_unref(vm->drives);
        while (vm->n_vcpus)
                vcpu_free(vm->vcpus[vm->n_vcpus - 1]);
        g_free(vm->vcpus);
        address_space_free(vm->memory);
        while (vm->ram_blocks->len)
                ram_block_free(g_ptr_array_index(vm->ram_blocks, vm->ram_blocks->len - 1));
        run_free(vm->run);
        clock_free(vm->clock);
        g_array_unref(vm->breakpoints);
        g_array_unref(vm->watchpoints);
        g_ptr_array_unref(vm->devices);
        g_ptr_array_unref(vm->ram_blocks);
        g_main_context_unref(vm->context);
        log_free(vm->log);
        g_free(vm->name);
        g_free(vm);
}

enum vm_request vm_take_request(struct vm *vm)
{
        return atomic_exchange(&vm->request, VM_REQ_NONE);
}

bool vm_reset(struct vm *vm, GError **error)
{
        bool stay_paused = atomic_load(&vm->state) == VM_PAUSED;
        bool ok = true;

        vm_pause(vm);
        for (unsigned i = 0; i < vm->n_vcpus; i++) {
                struct vcpu *v = vm->vcpus[i];

                v->halted = false;
                atomic_store(&v->irq_pending, 0);
                v->hooks.reset(v);
        }
        /* devices drive their lines anew, then the machine loads its images and sets the entry state */
        if (vm->machine_reset)
                ok = vm->machine_reset(vm, error);
        for (unsigned i = 0; ok && i < vm->n_vcpus; i++) {
                if (vm->engine && vm->engine->state_changed && vm->vcpus[i]->engine)
                        vm->engine->state_changed(vm->vcpus[i]);
        }
        if (ok && !stay_paused)
                vm_resume(vm);
        return ok;
}

/* Where @gva is in the sorted list, or would be. */
static guint breakpoint_position(const struct vm *vm, gva_t gva)
{
        guint i = 0;

        while (i < vm->breakpoints->len && g_array_index(vm->breakpoints, gva_t, i) < gva)
                i++;
        return i;
}

static bool breakpoint_at(const struct vm *vm, guint i, gva_t gva)
{
        return i < vm->breakpoints->len && g_array_index(vm->breakpoints, gva_t, i) == gva;
}

static int watchpoint_position(const struct vm *vm, const struct vm_watchpoint *w)
{
        for (guint i = 0; i < vm->watchpoints->len; i++) {
                const struct vm_watchpoint *x = &g_array_index(vm->watchpoints, struct vm_watchpoint, i);

                if (x->gva == w->gva && x->len == w->len && x->kinds == w->kinds)
                        return i;
        }
        return -1;
}

static void watchpoint_tell(struct vm *vm)
{
        if (vm->engine && vm->engine->watchpoints_changed)
                vm->engine->watchpoints_changed(vm);
}

bool vm_watchpoint_add(struct vm *vm, const struct vm_watchpoint *w)
{
        if (watchpoint_position(vm, w) >= 0)
                return false;
        g_array_append_val(vm->watchpoints, *w);
        watchpoint_tell(vm);
        return true;
}

bool vm_watchpoint_remove(struct vm *vm, const struct vm_watchpoint *w)
{
        int i = watchpoint_position(vm, w);

        if (i < 0)
                return false;
        g_array_remove_index(vm->watchpoints, i);
        watchpoint_tell(vm);
        return true;
}

static void breakpoint_tell(struct vm *vm, gva_t gva)
{
        if (vm->engine && vm->engine->breakpoints_changed && vm->engine_data)
                vm->engine->breakpoints_changed(vm, gva);
}

bool vm_breakpoint_add(struct vm *vm, gva_t gva)
{
        guint i = breakpoint_position(vm, gva);

        if (breakpoint_at(vm, i, gva))
                return false;
        g_array_insert_val(vm->breakpoints, i, gva);
        breakpoint_tell(vm, gva);
        return true;
}

bool vm_breakpoint_remove(struct vm *vm, gva_t gva)
{
        guint i = breakpoint_position(vm, gva);

        if (!breakpoint_at(vm, i, gva))
                return false;
        g_array_remove_index(vm->breakpoints, i);
        breakpoint_tell(vm, gva);
        return true;
}
