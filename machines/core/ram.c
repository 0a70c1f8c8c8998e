/* SPDX-License-Identifier: MIT */
/*
 * Guest RAM and ROM: anonymous memory, not reserved, so that pages cost host memory only once touched, in
 * huge pages where the host grants them (a guest's TLB misses are the host's too); and beside it one word a
 * guest page that says which lines hold translated code. Blocks belong to their VM.
 */
#include "machines/core/memory.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "base/error.h"
#include "machines/core/vm.h"

enum { HUGE_PAGE = 2 << 20 };

/* Host RAM and swap together: more can never be backed, so asking for it is an error and not a late crash. */
static uint64_t host_memory_limit(void)
{
        struct sysinfo si;

        if (sysinfo(&si) != 0)
                return UINT64_MAX;
        return ((uint64_t)si.totalram + si.totalswap) * si.mem_unit;
}

static bool ram_too_big(const char *name, uint64_t size, const char *why, GError **error)
{
        return error_set(error, RHEA_ERROR_MEMORY,
                         "cannot allocate %" PRIu64 " MiB for %s: %s; use a smaller -m",
                         size >> 20, name, why);
}

/* @size bytes that begin on a huge page, or MAP_FAILED. */
static void *map_aligned(uint64_t size)
{
        uint64_t room = size + HUGE_PAGE;
        uint8_t *p = mmap(NULL, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                          -1, 0);
        uint64_t before;

        if (p == MAP_FAILED)
                return p;
        before = -(uintptr_t)p & (HUGE_PAGE - 1);
        if (before)
                munmap(p, before);
        if (room - before > size)
                munmap(p + before + size, room - before - size);
        return p + before;
}

static bool ram_map(struct ram_block *ram, GError **error)
{
        uint64_t lines_size = ram->size / GUEST_PAGE_SIZE * sizeof(uint64_t);
        void *p = map_aligned(ram->size);

        if (p == MAP_FAILED)
                return ram_too_big(ram->name, ram->size, g_strerror(errno), error);
        ram->host = p;
        madvise(ram->host, ram->size, MADV_HUGEPAGE); /* only ever faster */
        p = mmap(NULL, lines_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
                 0);
        if (p == MAP_FAILED)
                return ram_too_big(ram->name, ram->size, g_strerror(errno), error);
        ram->code_lines = p;
        return true;
}

static void ram_release(struct ram_block *ram)
{
        if (ram->host)
                munmap(ram->host, ram->size);
        if (ram->code_lines)
                munmap((void *)ram->code_lines, ram->size / GUEST_PAGE_SIZE * sizeof(uint64_t));
        if (ram->fd >= 0)
                close(ram->fd);
        if (ram->listeners)
                g_array_unref(ram->listeners);
        g_free(ram->name);
        g_free(ram);
}

struct ram_block *ram_block_new(struct vm *vm, const char *name, uint64_t size, GError **error)
{
        struct ram_block *ram;

        if (!size || size % GUEST_PAGE_SIZE) {
                error_set(error, RHEA_ERROR_USAGE,
                          "size of %s is %" PRIu64 " bytes, which is not a multiple of %d",
                          name, size, GUEST_PAGE_SIZE);
                return NULL;
        }
        if (size > host_memory_limit()) {
                ram_too_big(name, size, "the host has less memory", error);
                return NULL;
        }
        ram = g_new0(struct ram_block, 1);
        ram->name = g_strdup(name);
        ram->size = size;
        ram->fd = -1;
        ram->vm = vm;
        if (!ram_map(ram, error)) {
                ram_release(ram);
                return NULL;
        }
        g_ptr_array_add(vm->ram_blocks, ram);
        return ram;
}

void ram_block_free(struct ram_block *ram)
{
        if (!ram)
                return;
        g_ptr_array_remove(ram->vm->ram_blocks, ram);
        ram_release(ram);
}

void ram_block_note_write(struct ram_block *ram, uint64_t offset, uint64_t len)
{
        if (len && ram->vm->code_written)
                ram->vm->code_written(ram->vm, ram, offset, len);
}

void ram_block_listen(struct ram_block *ram, const struct ram_listener *listener)
{
        uint64_t page = listener->offset & ~(uint64_t)(GUEST_PAGE_SIZE - 1);

        if (!ram->listeners)
                ram->listeners = g_array_new(FALSE, FALSE, sizeof(struct ram_listener));
        g_array_append_val(ram->listeners, *listener);
        atomic_fetch_or(&ram->code_lines[page >> GUEST_PAGE_BITS], ram_block_listened_lines(ram, page));
}

uint64_t ram_block_listened_lines(const struct ram_block *ram, uint64_t offset)
{
        uint64_t page = offset & ~(uint64_t)(GUEST_PAGE_SIZE - 1), lines = 0;

        for (guint i = 0; ram->listeners && i < ram->listeners->len; i++) {
                const struct ram_listener *l = &g_array_index(ram->listeners, struct ram_listener, i);

                for (uint64_t at = l->offset; at < l->offset + l->len; at++)
                        if (at - page < GUEST_PAGE_SIZE)
                                lines |= 1ull << ((at - page) >> CODE_LINE_BITS);
        }
        return lines;
}

void ram_block_tell(struct ram_block *ram, uint64_t offset, uint64_t len)
{
        for (guint i = 0; ram->listeners && i < ram->listeners->len; i++) {
                const struct ram_listener *l = &g_array_index(ram->listeners, struct ram_listener, i);

                if (offset < l->offset + l->len && l->offset < offset + len)
                        l->stored(l->opaque, offset, len);
        }
}
