/* SPDX-License-Identifier: MIT */
/*
 * Address spaces (decision 16). A view is an immutable array of rows sorted by address; a change builds a new
 * array and swaps the pointer, so readers take no lock. Replaced views are kept until the address space goes
 * away: maps change a handful of times in a machine's life, and a reader on any thread may still hold a row.
 */
#include "machines/core/memory.h"

#include <string.h>

#include "base/error.h"
#include "base/lock.h"
#include "machines/core/vm.h"

struct address_space_priv {
        GMutex lock;        /* writers; rank LOCK_FABRIC */
        GPtrArray *retired; /* struct mem_view * */
};

static struct mem_view *view_new(uint32_t n_rows)
{
        struct mem_view *view = g_malloc0(sizeof(*view) + n_rows * sizeof(struct mem_row));

        view->n_rows = n_rows;
        return view;
}

struct address_space *address_space_new(struct vm *vm, const char *name)
{
        struct address_space *as = g_new0(struct address_space, 1);

        as->vm = vm;
        as->name = g_strdup(name);
        as->priv = g_new0(struct address_space_priv, 1);
        g_mutex_init(&as->priv->lock);
        as->priv->retired = g_ptr_array_new_with_free_func(g_free);
        atomic_store(&as->view, view_new(0));
        return as;
}

void address_space_free(struct address_space *as)
{
        if (!as)
                return;
        g_free(atomic_load(&as->view));
        g_ptr_array_unref(as->priv->retired);
        g_mutex_clear(&as->priv->lock);
        g_free(as->priv);
        g_free((char *)as->name);
        g_free(as);
}

static const char *row_name(const struct mem_row *row)
{
        if (row->name[0])
                return row->name;
        return row->ram ? row->ram->name : "a device";
}

static bool row_check(const struct address_space *as, const struct mem_row *row, GError **error)
{
        bool ok = row->size && row->size - 1 <= UINT64_MAX - row->start;

        if (ok && row->kind != MEM_ROW_MMIO)
                ok = row->ram && !(row->start % GUEST_PAGE_SIZE) && !(row->size % GUEST_PAGE_SIZE) &&
                     !(row->offset % GUEST_PAGE_SIZE) && row->offset <= row->ram->size &&
                     row->size <= row->ram->size - row->offset;
        else if (ok)
                ok = row->mmio && row->mmio->read && row->mmio->write;
        if (!ok)
                return error_set(error, RHEA_ERROR_FAILED,
                                 "%s cannot be mapped at 0x%" PRIx64 " of %s: wrong size or alignment",
                                         row_name(row),
                                 row->start, as->name);
        return true;
}

/* Publishes @view in the place of the current one. The writers' lock is held. */
static void view_publish_locked(struct address_space *as, struct mem_view *view)
{
        struct mem_view *old = atomic_exchange(&as->view, view);

        g_ptr_array_add(as->priv->retired, old);
        if (as->vm->memory_changed)
                as->vm->memory_changed(as->vm, as);
}

/* Index of the first row that ends above @gpa; n_rows if none does. */
static uint32_t view_index(const struct mem_view *view, gpa_t gpa)
{
        uint32_t lo = 0, hi = view->n_rows;

        while (lo < hi) {
                uint32_t mid = (lo + hi) / 2;

                if (view->rows[mid].start + (view->rows[mid].size - 1) < gpa)
                        lo = mid + 1;
                else
                        hi = mid;
        }
        return lo;
}

bool address_space_add(struct address_space *as, const struct mem_row *row, GError **error)
{
        const struct mem_view *old;
        struct mem_view *view;
        uint32_t at;

        if (!row_check(as, row, error))
                return false;
        lock_take(&as->priv->lock, LOCK_FABRIC);
        old = atomic_load(&as->view);
        at = view_index(old, row->start);
        if (at < old->n_rows && old->rows[at].start <= row->start + (row->size - 1)) {
                const struct mem_row *other = &old->rows[at];

                error_set(error, RHEA_ERROR_FAILED,
                          "%s at 0x%" PRIx64 " (%" PRIu64 " bytes) overlaps %s at 0x%" PRIx64 " (%" PRIu64
                          " bytes) in %s",
                          row_name(row), row->start, row->size, row_name(other), other->start, other->size,
                                  as->name);
                lock_drop(&as->priv->lock, LOCK_FABRIC);
                return false;
        }
        view = view_new(old->n_rows + 1);
        memcpy(view->rows, old->rows, at * sizeof(*row));
        view->rows[at] = *row;
        memcpy(view->rows + at + 1, old->rows + at, (old->n_rows - at) * sizeof(*row));
        view_publish_locked(as, view);
        lock_drop(&as->priv->lock, LOCK_FABRIC);
        return true;
}

void address_space_remove(struct address_space *as, gpa_t start)
{
        const struct mem_view *old;
        struct mem_view *view;
        uint32_t at;

        lock_take(&as->priv->lock, LOCK_FABRIC);
        old = atomic_load(&as->view);
        at = view_index(old, start);
        if (at < old->n_rows && old->rows[at].start == start) {
                view = view_new(old->n_rows - 1);
                memcpy(view->rows, old->rows, at * sizeof(struct mem_row));
                memcpy(view->rows + at, old->rows + at + 1, (old->n_rows - at - 1) * sizeof(struct mem_row));
                view_publish_locked(as, view);
        }
        lock_drop(&as->priv->lock, LOCK_FABRIC);
}

const struct mem_row *address_space_find(const struct address_space *as, gpa_t gpa)
{
        const struct mem_view *view = atomic_load_explicit(&((struct address_space *)as)->view,
                                                           memory_order_acquire);
        uint32_t at = view_index(view, gpa);

        if (at < view->n_rows && view->rows[at].start <= gpa)
                return &view->rows[at];
        return NULL;
}

/* Bytes from @gpa to the row's end. */
static uint64_t row_left(const struct mem_row *row, gpa_t gpa)
{
        return row->size - (gpa - row->start);
}

static uint8_t *row_host(const struct mem_row *row, gpa_t gpa)
{
        return row->ram->host + row->offset + (gpa - row->start);
}

static bool row_readonly(const struct mem_row *row)
{
        return row->kind == MEM_ROW_ROM || row->ram->readonly;
}

void *address_space_ram_ptr(const struct address_space *as, gpa_t gpa, uint64_t len, bool for_write)
{
        const struct mem_row *row = address_space_find(as, gpa);

        if (!row || row->kind == MEM_ROW_MMIO || len > row_left(row, gpa) || (for_write && row_readonly(row)))
                return NULL;
        return row_host(row, gpa);
}

/* Aligned accesses are single, so that a page walk or a device sees what a vCPU stores as one. */
static uint64_t host_load(const void *p, unsigned size)
{
        uint64_t v = 0;

        if ((uintptr_t)p % size == 0) {
                switch (size) {
                case 1: return __atomic_load_n((const uint8_t *)p, __ATOMIC_RELAXED);
                case 2: return __atomic_load_n((const uint16_t *)p, __ATOMIC_RELAXED);
                case 4: return __atomic_load_n((const uint32_t *)p, __ATOMIC_RELAXED);
                case 8: return __atomic_load_n((const uint64_t *)p, __ATOMIC_RELAXED);
                }
        }
        memcpy(&v, p, size);
        return v;
}

static void host_store(void *p, unsigned size, uint64_t v)
{
        if ((uintptr_t)p % size == 0) {
                switch (size) {
                case 1: __atomic_store_n((uint8_t *)p, v, __ATOMIC_RELAXED); return;
                case 2: __atomic_store_n((uint16_t *)p, v, __ATOMIC_RELAXED); return;
                case 4: __atomic_store_n((uint32_t *)p, v, __ATOMIC_RELAXED); return;
                case 8: __atomic_store_n((uint64_t *)p, v, __ATOMIC_RELAXED); return;
                }
        }
        memcpy(p, &v, size);
}

static bool size_valid(unsigned size)
{
        return size == 1 || size == 2 || size == 4 || size == 8;
}

enum mem_result address_space_read(struct address_space *as, gpa_t gpa, unsigned size, struct mem_attr attr,
                                   uint64_t *value)
{
        const struct mem_row *row = address_space_find(as, gpa);

        *value = 0;
        if (!row || !size_valid(size))
                return MEM_DECODE_ERROR;
        if (size > row_left(row, gpa)) {
                /* across two rows: only where both are memory */
                if (row->kind == MEM_ROW_MMIO)
                        return MEM_DECODE_ERROR;
                return address_space_read_bytes(as, gpa, value, size);
        }
        if (row->kind == MEM_ROW_MMIO)
                return row->mmio->read(row->dev, row->region_index, row->offset + (gpa - row->start), size,
                                       attr,
                                       value);
        *value = host_load(row_host(row, gpa), size);
        return MEM_OK;
}

enum mem_result address_space_write(struct address_space *as, gpa_t gpa, unsigned size, struct mem_attr attr,
                                    uint64_t value)
{
        const struct mem_row *row = address_space_find(as, gpa);

        if (!row || !size_valid(size))
                return MEM_DECODE_ERROR;
        if (size > row_left(row, gpa)) {
                if (row->kind == MEM_ROW_MMIO)
                        return MEM_DECODE_ERROR;
                return address_space_write_bytes(as, gpa, &value, size);
        }
        if (row->kind == MEM_ROW_MMIO)
                return row->mmio->write(row->dev, row->region_index, row->offset + (gpa - row->start), size,
                                        attr,
                                        value);
        if (row_readonly(row))
                return MEM_OK;
        host_store(row_host(row, gpa), size, value);
        ram_block_note_write(row->ram, row->offset + (gpa - row->start), size);
        ram_block_tell(row->ram, row->offset + (gpa - row->start), size);
        return MEM_OK;
}

enum mem_result address_space_read_bytes(struct address_space *as, gpa_t gpa, void *buf, uint64_t len)
{
        uint8_t *to = buf;

        while (len) {
                const struct mem_row *row = address_space_find(as, gpa);
                uint64_t n;

                if (!row || row->kind == MEM_ROW_MMIO)
                        return MEM_DECODE_ERROR;
                n = MIN(len, row_left(row, gpa));
                memcpy(to, row_host(row, gpa), n);
                to += n;
                gpa += n;
                len -= n;
        }
        return MEM_OK;
}

static enum mem_result write_bytes(struct address_space *as, gpa_t gpa, const void *buf, uint64_t len,
                                   bool force_rom)
{
        const uint8_t *from = buf;

        while (len) {
                const struct mem_row *row = address_space_find(as, gpa);
                uint64_t n;

                if (!row || row->kind == MEM_ROW_MMIO)
                        return MEM_DECODE_ERROR;
                n = MIN(len, row_left(row, gpa));
                if (force_rom || !row_readonly(row)) {
                        memcpy(row_host(row, gpa), from, n);
                        ram_block_note_write(row->ram, row->offset + (gpa - row->start), n);
                }
                from += n;
                gpa += n;
                len -= n;
        }
        return MEM_OK;
}

enum mem_result address_space_write_bytes(struct address_space *as, gpa_t gpa, const void *buf, uint64_t len)
{
        return write_bytes(as, gpa, buf, len, false);
}

enum mem_result address_space_write_rom(struct address_space *as, gpa_t gpa, const void *buf, uint64_t len)
{
        return write_bytes(as, gpa, buf, len, true);
}
