/* SPDX-License-Identifier: MIT */
/* Registers, memory and steps of a vCPU that stands still. */
#include "ui/debug.h"

#include <string.h>

#include "machines/cpu.h"

bool debug_hold(struct vm *vm)
{
        bool ran = atomic_load(&vm->state) == VM_RUNNING;

        if (ran)
                vm_pause(vm);
        return ran;
}

void debug_release(struct vm *vm, bool ran)
{
        if (ran)
                vm_resume(vm);
}

/* ---- registers ---- */

struct reg_access {
        const struct cpu_reg *reg;
        const uint64_t *value;
        bool ok;
};

static void reg_set_here(struct vcpu *v, void *arg)
{
        struct reg_access *a = arg;

        a->ok = vcpu_reg_write(v, a->reg, a->value);
        if (a->ok && v->vm->engine->state_changed)
                v->vm->engine->state_changed(v);
}

void debug_reg_get(struct vcpu *v, const struct cpu_reg *r, uint64_t value[CPU_REG_WORDS])
{
        vcpu_reg_read(v, r, value);
}

bool debug_reg_set(struct vcpu *v, const struct cpu_reg *r, const uint64_t value[CPU_REG_WORDS])
{
        struct reg_access a = {.reg = r, .value = value};

        vcpu_run_on(v, reg_set_here, &a);
        return a.ok;
}

/* ---- memory ---- */

struct mem_access {
        uint64_t address;
        uint8_t *buf;
        size_t len;
        bool write, ok;
};

/* One piece that lies within one row. */
static bool piece_phys(struct address_space *as, gpa_t gpa, uint8_t *buf, size_t len, bool write)
{
        const struct mem_row *row = address_space_find(as, gpa);
        struct mem_attr attr = {0};
        unsigned size = 8;

        if (!row)
                return false;
        if (row->kind != MEM_ROW_MMIO)
                return (write ? address_space_write_rom(as, gpa, buf, len)
                              : address_space_read_bytes(as, gpa, buf, len)) == MEM_OK;
        for (; len; len -= size, gpa += size, buf += size) {
                uint64_t value = 0;
                enum mem_result result;

                for (size = 8; size > len || gpa % size; size /= 2)
                        ;
                if (write)
                        memcpy(&value, buf, size);
                result = write ? address_space_write(as, gpa, size, attr, value)
                               : address_space_read(as, gpa, size, attr, &value);
                if (result != MEM_OK)
                        return false;
                if (!write)
                        memcpy(buf, &value, size);
        }
        return true;
}

static bool access_phys(struct address_space *as, struct mem_access *a)
{
        while (a->len) {
                size_t n = MIN(a->len, GUEST_PAGE_SIZE - a->address % GUEST_PAGE_SIZE);

                if (!piece_phys(as, a->address, a->buf, n, a->write))
                        return false;
                a->address += n;
                a->buf += n;
                a->len -= n;
        }
        return true;
}

static bool translate_here(struct vcpu *v, gva_t gva, gpa_t *gpa)
{
        uint64_t space;
        uint32_t data_view, fetch_view;
        struct walk w;

        v->ops->context_key(v, &space, &data_view, &fetch_view);
        if (!v->ops->walk(v, gva, 1, ACCESS_READ, data_view, true, &w))
                return false;
        *gpa = w.gpa | (gva & (GUEST_PAGE_SIZE - 1));
        return true;
}

static void access_here(struct vcpu *v, void *arg)
{
        struct mem_access *a = arg;

        a->ok = true;
        while (a->len && a->ok) {
                size_t n = MIN(a->len, GUEST_PAGE_SIZE - a->address % GUEST_PAGE_SIZE);
                gpa_t gpa;

                a->ok = translate_here(v, a->address, &gpa) && piece_phys(v->as, gpa, a->buf, n, a->write);
                a->address += n;
                a->buf += n;
                a->len -= n;
        }
}

bool debug_read(struct vcpu *v, gva_t gva, void *buf, size_t len)
{
        struct mem_access a = {gva, buf, len, false, false};

        vcpu_run_on(v, access_here, &a);
        return a.ok;
}

bool debug_write(struct vcpu *v, gva_t gva, const void *buf, size_t len)
{
        struct mem_access a = {gva, (uint8_t *)buf, len, true, false};

        vcpu_run_on(v, access_here, &a);
        return a.ok;
}

bool debug_read_phys(struct vm *vm, gpa_t gpa, void *buf, size_t len)
{
        struct mem_access a = {gpa, buf, len, false, false};

        return access_phys(vm->memory, &a);
}

bool debug_write_phys(struct vm *vm, gpa_t gpa, const void *buf, size_t len)
{
        struct mem_access a = {gpa, (uint8_t *)buf, len, true, false};

        return access_phys(vm->memory, &a);
}

struct translation {
        gva_t gva;
        gpa_t gpa;
        bool ok;
};

static void translation_here(struct vcpu *v, void *arg)
{
        struct translation *t = arg;

        t->ok = translate_here(v, t->gva, &t->gpa);
}

bool debug_translate(struct vcpu *v, gva_t gva, gpa_t *gpa)
{
        struct translation t = {.gva = gva};

        vcpu_run_on(v, translation_here, &t);
        *gpa = t.gpa;
        return t.ok;
}

/* ---- steps ---- */

static void step_here(struct vcpu *v, void *arg)
{
        vcpu_step(v);
}

void debug_step(struct vcpu *v)
{
        vcpu_run_on(v, step_here, NULL);
}
