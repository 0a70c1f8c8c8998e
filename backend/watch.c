/* SPDX-License-Identifier: MIT */
/* Which accesses are watched. On the vCPU's thread; the list stands still while vCPUs run. */
#include "backend/watch.h"

#include "backend/runtime.h"

static bool overlaps(const struct vm_watchpoint *w, gva_t gva, uint64_t len)
{
        return gva - w->gva < w->len || w->gva - gva < len;
}

/* The first that fits; one for stores before one for loads, since that is what a swap is remembered for. */
static const struct vm_watchpoint *find(const struct vm *vm, gva_t gva, uint64_t len, unsigned kinds)
{
        const struct vm_watchpoint *found = NULL;

        for (guint i = 0; i < vm->watchpoints->len; i++) {
                const struct vm_watchpoint *w = &g_array_index(vm->watchpoints, struct vm_watchpoint, i);

                if (!(w->kinds & kinds) || !overlaps(w, gva, len))
                        continue;
                if (!found || (w->kinds & VM_WATCH_WRITE & ~found->kinds))
                        found = w;
        }
        return found;
}

bool watch_find(struct vcpu *v, gva_t gva, uint64_t len, unsigned kinds)
{
        const struct vm_watchpoint *w = find(v->vm, gva, len, kinds);

        if (!w)
                return false;
        if (!v->engine->watch.pass)
                return true;
        v->watch_hit.gva = gva - w->gva < w->len ? gva : w->gva;
        v->watch_hit.kinds = w->kinds;
        return false;
}

bool watch_page_slow(const struct vm *vm, gva_t gva)
{
        gva_t page = gva & ~(gva_t)(GUEST_PAGE_SIZE - 1);

        return find(vm, page, GUEST_PAGE_SIZE, VM_WATCH_READ | VM_WATCH_WRITE) != NULL;
}
