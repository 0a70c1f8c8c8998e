/* SPDX-License-Identifier: MIT */
/*
 * Boot images; see loader.h. ELF: System V ABI, chapters 4 and 5. Used on the main thread, the VM standing
 * still.
 */
#include "machines/core/loader.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/error.h"

/* ---- files ---- */

static uint8_t *read_all(int fd, uint64_t size, const char *path, GError **error)
{
        uint8_t *buf = g_try_malloc(size ? size : 1);
        uint64_t done = 0;

        if (!buf) {
                error_set(error, RHEA_ERROR_MEMORY, "%s is too big to be read", path);
                return NULL;
        }
        while (done < size) {
                ssize_t n = pread(fd, buf + done, size - done, done);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0) {
                        error_set(error, RHEA_ERROR_FILE, "cannot read %s: %s", path,
                                  n ? g_strerror(errno) : "it became shorter meanwhile");
                        g_free(buf);
                        return NULL;
                }
                done += n;
        }
        return buf;
}

int loader_open_file(const char *path, const char *what, GError **error)
{
        /* a pipe may have nobody behind it */
        int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        struct stat st;

        if (fd < 0 || fstat(fd, &st) != 0)
                error_set(error, RHEA_ERROR_FILE, "cannot open %s %s: %s", what, path, g_strerror(errno));
        else if (!S_ISREG(st.st_mode))
                error_set(error, RHEA_ERROR_FILE, "%s %s is not a regular file; copy it to one", what, path);
        else
                return fd;
        if (fd >= 0)
                close(fd);
        return -1;
}

GBytes *loader_read_open_file(int fd, const char *path, const char *what, uint64_t max, GError **error)
{
        struct stat st;
        uint8_t *buf = NULL;

        if (fstat(fd, &st) != 0)
                error_set(error, RHEA_ERROR_FILE, "cannot read %s %s: %s", what, path, g_strerror(errno));
        else if (!st.st_size)
                error_set(error, RHEA_ERROR_FILE, "%s %s is empty", what, path);
        else if ((uint64_t)st.st_size > max)
                error_set(error, RHEA_ERROR_MEMORY,
                          "%s %s has %" PRIu64 " MiB and does not fit into %" PRIu64 " MiB of memory; "
                          "use a bigger -m",
                          what, path, ((uint64_t)st.st_size + 0xfffff) >> 20, max >> 20);
        else
                buf = read_all(fd, st.st_size, path, error);
        return buf ? g_bytes_new_take(buf, st.st_size) : NULL;
}

GBytes *loader_read_file(const char *path, const char *what, uint64_t max, GError **error)
{
        int fd = loader_open_file(path, what, error);
        GBytes *file = NULL;

        if (fd >= 0) {
                file = loader_read_open_file(fd, path, what, max, error);
                close(fd);
        }
        return file;
}

static bool inflate_all(z_stream *z, uint64_t max, uint8_t **out, size_t *len)
{
        size_t cap = 1 << 20;
        int rc = Z_OK;

        *out = g_try_malloc(cap);
        *len = 0;
        while (rc == Z_OK && *out) {
                if (*len == cap) {
                        uint8_t *more = cap >= max ? NULL : g_try_realloc(*out, cap * 2);

                        if (!more)
                                return false;
                        *out = more;
                        cap *= 2;
                }
                z->next_out = *out + *len;
                z->avail_out = MIN(cap - *len, 1u << 30);
                rc = inflate(z, Z_NO_FLUSH);
                *len = z->next_out - *out;
        }
        return rc == Z_STREAM_END && *len <= max;
}

GBytes *loader_gunzip(GBytes *file, const char *path, uint64_t max, GError **error)
{
        gsize size;
        const uint8_t *in = g_bytes_get_data(file, &size);
        z_stream z = {0};
        uint8_t *out = NULL;
        size_t len = 0;
        bool ok;

        if (size < 18 || in[0] != 0x1f || in[1] != 0x8b)
                return g_bytes_ref(file);
        z.next_in = (uint8_t *)in;
        z.avail_in = MIN(size, UINT32_MAX);
        ok = inflateInit2(&z, 15 + 16) == Z_OK;
        if (ok) {
                ok = inflate_all(&z, max, &out, &len);
                inflateEnd(&z);
        }
        if (ok && len)
                return g_bytes_new_take(out, len);
        g_free(out);
        if (ok) {
                error_set(error, RHEA_ERROR_FILE, "%s is gzipped, and empty inside", path);
                return NULL;
        }
        error_set(error, RHEA_ERROR_FILE, "%s is gzipped, but damaged or bigger than %" PRIu64 " MiB inside",
                  path,
                  max >> 20);
        return NULL;
}

/* ---- ELF, both classes read into the 64-bit structures ---- */

struct elf {
        const uint8_t *data;
        gsize size;
        bool bits32;
        Elf64_Ehdr eh;
};

/* @len bytes at @offset of the file, or NULL if they are not there. */
static const void *elf_at(const struct elf *e, uint64_t offset, uint64_t len)
{
        return offset <= e->size && len <= e->size - offset ? e->data + offset : NULL;
}

static bool elf_open(struct elf *e, GBytes *file)
{
        const Elf32_Ehdr *h32;

        e->data = g_bytes_get_data(file, &e->size);
        if (e->size < sizeof(Elf32_Ehdr) || memcmp(e->data, ELFMAG, SELFMAG) ||
            e->data[EI_DATA] != ELFDATA2LSB)
                return false;
        e->bits32 = e->data[EI_CLASS] == ELFCLASS32;
        if (!e->bits32) {
                if (e->data[EI_CLASS] != ELFCLASS64 || e->size < sizeof(Elf64_Ehdr))
                        return false;
                memcpy(&e->eh, e->data, sizeof(e->eh));
                return true;
        }
        h32 = (const Elf32_Ehdr *)e->data;
        e->eh.e_type = h32->e_type;
        e->eh.e_machine = h32->e_machine;
        e->eh.e_entry = h32->e_entry;
        e->eh.e_phoff = h32->e_phoff;
        e->eh.e_shoff = h32->e_shoff;
        e->eh.e_phentsize = h32->e_phentsize;
        e->eh.e_phnum = h32->e_phnum;
        e->eh.e_shentsize = h32->e_shentsize;
        e->eh.e_shnum = h32->e_shnum;
        return true;
}

static bool elf_phdr(const struct elf *e, unsigned i, Elf64_Phdr *ph)
{
        size_t want = e->bits32 ? sizeof(Elf32_Phdr) : sizeof(Elf64_Phdr);
        const void *p = elf_at(e, e->eh.e_phoff + (uint64_t)i * e->eh.e_phentsize, want);
        Elf32_Phdr p32;

        if (!p || e->eh.e_phentsize < want || e->eh.e_phoff > e->size)
                return false;
        if (!e->bits32) {
                memcpy(ph, p, sizeof(*ph));
                return true;
        }
        memcpy(&p32, p, sizeof(p32));
        *ph = (Elf64_Phdr){
                .p_type = p32.p_type, .p_offset = p32.p_offset, .p_vaddr = p32.p_vaddr,
                .p_paddr = p32.p_paddr,
                .p_filesz = p32.p_filesz, .p_memsz = p32.p_memsz,
        };
        return true;
}

static bool elf_shdr(const struct elf *e, unsigned i, Elf64_Shdr *sh)
{
        size_t want = e->bits32 ? sizeof(Elf32_Shdr) : sizeof(Elf64_Shdr);
        const void *p = elf_at(e, e->eh.e_shoff + (uint64_t)i * e->eh.e_shentsize, want);
        Elf32_Shdr s32;

        if (!p || i >= e->eh.e_shnum || e->eh.e_shentsize < want || e->eh.e_shoff > e->size)
                return false;
        if (!e->bits32) {
                memcpy(sh, p, sizeof(*sh));
                return true;
        }
        memcpy(&s32, p, sizeof(s32));
        *sh = (Elf64_Shdr){
                .sh_type = s32.sh_type, .sh_offset = s32.sh_offset, .sh_size = s32.sh_size,
                .sh_link = s32.sh_link,
        };
        return true;
}

bool loader_is_elf(GBytes *file)
{
        gsize size;
        const void *data = g_bytes_get_data(file, &size);

        return size >= SELFMAG && !memcmp(data, ELFMAG, SELFMAG);
}

/* Bytes and then zeros at @at; names the file if memory is not there. */
static bool place(struct address_space *as, const char *path, gpa_t at, const void *data, uint64_t len,
                  uint64_t zeros,
                  GError **error)
{
        static const uint8_t nothing[GUEST_PAGE_SIZE];
        bool ok = len + zeros >= len && at + (len + zeros) >= at &&
                address_space_ram_ptr(as, at, len + zeros, false);
        uint64_t n;

        if (!ok)
                return error_set(error, RHEA_ERROR_MEMORY,
                                 "%s needs memory at 0x%" PRIx64 " to 0x%" PRIx64
                                 ", which the machine does not have",
                                 path, at, at + len + zeros);
        address_space_write_rom(as, at, data, len);
        for (at += len; zeros; at += n, zeros -= n) {
                n = MIN(zeros, sizeof(nothing));
                address_space_write_rom(as, at, nothing, n);
        }
        return true;
}

/* Linkers map the headers in the page before the text: of use to a process, but no machine has RAM there. */
static void elf_drop_headers(struct address_space *as, Elf64_Phdr *ph)
{
        enum { SKIP = GUEST_PAGE_SIZE };

        if (ph->p_offset || ph->p_filesz <= SKIP || address_space_ram_ptr(as, ph->p_paddr, 1, false) ||
            !address_space_ram_ptr(as, ph->p_paddr + SKIP, 1, false))
                return;
        ph->p_offset += SKIP;
        ph->p_vaddr += SKIP;
        ph->p_paddr += SKIP;
        ph->p_filesz -= SKIP;
        ph->p_memsz -= SKIP;
}

static bool elf_truncated(const char *path, const char *what, uint64_t end, const struct elf *e,
                          GError **error)
{
        return error_set(error, RHEA_ERROR_FILE,
                         "%s is a truncated ELF file: its %s end at byte %" PRIu64 ", but it has %zu; "
                         "copy or build it again", path, what, end, (size_t)e->size);
}

static bool elf_damaged(const char *path, const char *why, GError **error)
{
        return error_set(error, RHEA_ERROR_FILE, "%s is a damaged ELF file: %s; copy or build it again",
                         path, why);
}

/* Both tables lie within the file. */
static bool elf_check_tables(const struct elf *e, const char *path, GError **error)
{
        const struct { const char *what; uint64_t at; unsigned size, n, least; } tables[] = {
                {"program headers", e->eh.e_phoff, e->eh.e_phentsize, e->eh.e_phnum,
                 e->bits32 ? sizeof(Elf32_Phdr) : sizeof(Elf64_Phdr)},
                {"section headers", e->eh.e_shoff, e->eh.e_shentsize, e->eh.e_shnum,
                 e->bits32 ? sizeof(Elf32_Shdr) : sizeof(Elf64_Shdr)},
        };

        for (unsigned i = 0; i < G_N_ELEMENTS(tables); i++) {
                uint64_t size = (uint64_t)tables[i].size * tables[i].n;

                if (!tables[i].n)
                        continue;
                if (tables[i].size < tables[i].least || tables[i].at + size < size)
                        return elf_damaged(path, "the size or place of its headers makes no sense", error);
                if (!elf_at(e, tables[i].at, size))
                        return elf_truncated(path, tables[i].what, tables[i].at + size, e, error);
        }
        return true;
}

static bool elf_load_segment(struct address_space *as, const struct elf *e, const Elf64_Phdr *ph,
                             const char *path,
                             struct loader_image *out, GError **error)
{
        const void *data = elf_at(e, ph->p_offset, ph->p_filesz);

        if (ph->p_filesz > ph->p_memsz || ph->p_offset + ph->p_filesz < ph->p_filesz)
                return elf_damaged(path, "the size of a segment makes no sense", error);
        if (!data)
                return elf_truncated(path, "segments", ph->p_offset + ph->p_filesz, e, error);
        if (!place(as, path, ph->p_paddr, data, ph->p_filesz, ph->p_memsz - ph->p_filesz, error))
                return false;
        out->low = MIN(out->low, ph->p_paddr);
        out->high = MAX(out->high, ph->p_paddr + ph->p_memsz);
        if (e->eh.e_entry - ph->p_vaddr < ph->p_memsz)
                out->entry = e->eh.e_entry - ph->p_vaddr + ph->p_paddr;
        return true;
}

struct elf_range {
        uint64_t low, high;
};

static gint compare_ranges(gconstpointer a, gconstpointer b)
{
        const struct elf_range *x = a, *y = b;

        return x->low < y->low ? -1 : x->low > y->low;
}

/* What was loaded does not overlap itself, and execution starts in it. */
static bool elf_check_loaded(GArray *ranges, const char *path, uint64_t entry, GError **error)
{
        bool inside = false;

        if (!ranges->len)
                return error_set(error, RHEA_ERROR_FILE, "%s has nothing to load", path);
        g_array_sort(ranges, compare_ranges);
        for (guint i = 0; i < ranges->len; i++) {
                const struct elf_range *r = &g_array_index(ranges, struct elf_range, i);

                if (i && r->low < r[-1].high) {
                        g_autofree char *why = g_strdup_printf("two segments overlap at 0x%" PRIx64, r->low);

                        return elf_damaged(path, why, error);
                }
                inside |= entry - r->low < r->high - r->low;
        }
        if (!inside) {
                g_autofree char *why = g_strdup_printf("its entry 0x%" PRIx64 " lies in none of its segments",
                                                       entry);

                return elf_damaged(path, why, error);
        }
        return true;
}

bool loader_load_elf(struct address_space *as, GBytes *file, const char *path, uint16_t elf_machine,
                     struct loader_image *out, GError **error)
{
        g_autoptr(GArray) ranges = g_array_new(FALSE, FALSE, sizeof(struct elf_range));
        struct elf e = {0};

        if (!elf_open(&e, file) || (e.eh.e_type != ET_EXEC && e.eh.e_type != ET_DYN))
                return error_set(error, RHEA_ERROR_FILE, "%s is not a little-endian ELF executable", path);
        if (e.eh.e_machine != elf_machine)
                return error_set(error, RHEA_ERROR_FILE,
                                 "%s is for another processor (ELF machine %u, not %u)", path,
                                 e.eh.e_machine, elf_machine);
        if (!elf_check_tables(&e, path, error))
                return false;
        *out = (struct loader_image){.entry = e.eh.e_entry, .low = UINT64_MAX, .bits32 = e.bits32};
        for (unsigned i = 0; i < e.eh.e_phnum; i++) {
                struct elf_range range;
                Elf64_Phdr ph;

                if (!elf_phdr(&e, i, &ph))
                        return elf_damaged(path, "a program header is missing", error);
                if (ph.p_type != PT_LOAD || !ph.p_memsz)
                        continue;
                elf_drop_headers(as, &ph);
                if (!elf_load_segment(as, &e, &ph, path, out, error))
                        return false;
                range = (struct elf_range){ph.p_paddr, ph.p_paddr + ph.p_memsz};
                g_array_append_val(ranges, range);
        }
        return elf_check_loaded(ranges, path, out->entry, error);
}

bool loader_load_flat(struct address_space *as, GBytes *file, const char *path, gpa_t at,
                      struct loader_image *out,
                      GError **error)
{
        gsize size;
        const void *data = g_bytes_get_data(file, &size);

        *out = (struct loader_image){.entry = at, .low = at, .high = at + size};
        return place(as, path, at, data, size, 0, error);
}

/* Looks through one symbol table. */
static bool elf_find_in(const struct elf *e, const Elf64_Shdr *tab, const char *name, uint64_t *value)
{
        size_t want = e->bits32 ? sizeof(Elf32_Sym) : sizeof(Elf64_Sym), name_len = strlen(name) + 1;
        Elf64_Shdr strings;
        const char *names;
        const uint8_t *syms = elf_at(e, tab->sh_offset, tab->sh_size);

        if (!syms || !elf_shdr(e, tab->sh_link, &strings))
                return false;
        names = elf_at(e, strings.sh_offset, strings.sh_size);
        if (!names)
                return false;
        for (uint64_t i = 0; i < tab->sh_size / want; i++) {
                Elf64_Sym s;
                Elf32_Sym s32;

                if (e->bits32) {
                        memcpy(&s32, syms + i * want, want);
                        s.st_name = s32.st_name;
                        s.st_value = s32.st_value;
                } else {
                        memcpy(&s, syms + i * want, want);
                }
                if (s.st_name < strings.sh_size && name_len <= strings.sh_size - s.st_name &&
                    !memcmp(names + s.st_name, name, name_len)) {
                        *value = s.st_value;
                        return true;
                }
        }
        return false;
}

bool loader_elf_symbol(GBytes *file, const char *name, uint64_t *value)
{
        struct elf e = {0};

        if (!elf_open(&e, file))
                return false;
        for (unsigned i = 0; i < e.eh.e_shnum; i++) {
                Elf64_Shdr sh;

                if (!elf_shdr(&e, i, &sh))
                        return false;
                if (sh.sh_type == SHT_SYMTAB && elf_find_in(&e, &sh, name, value))
                        return true;
        }
        return false;
}

/* ---- RISC-V Linux ---- */

bool loader_riscv_image(GBytes *file, uint64_t *text_offset, uint64_t *image_size)
{
        gsize size;
        const uint8_t *p = g_bytes_get_data(file, &size);

        if (size < 64 || memcmp(p + 56, "RSC\x05", 4))
                return false;
        memcpy(text_offset, p + 8, 8);
        memcpy(image_size, p + 16, 8);
        return true;
}
