/* SPDX-License-Identifier: MIT */
/*
 * What RISC-V machines share: harts and their entry state, the reset ROM with OpenSBI's dynamic information,
 * finding and placing firmware, kernel, initial ramdisk and device tree. Main thread, the vCPUs standing
 * still.
 */
#include "machines/riscv_board.h"

#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/error.h"
#include "frontend/cpu.h"
#include "machines/core/dt.h"
#include "machines/core/vcpu.h"
#include "machines/cpu.h"

enum { IMAGE_ALIGN = 2 << 20, FDT_MAX = 1 << 20 };

/* Where packages put OpenSBI's generic firmware: OpenSBI's own (Debian, Fedora), then QEMU's copies. */
static const char *const firmware_paths[] = {
        "/usr/lib/riscv64-linux-gnu/opensbi/generic/fw_dynamic.bin",
        "/usr/share/opensbi/lp64/generic/firmware/fw_dynamic.bin",
        "/usr/share/qemu/opensbi-riscv64-generic-fw_dynamic.bin",
        "/usr/local/share/qemu/opensbi-riscv64-generic-fw_dynamic.bin",
        NULL,
};

/* ---- files ---- */

/* Files that are surely no RISC-V program; everything else without a header may be one. */
static const char *not_a_kernel(GBytes *file)
{
        gsize size;
        const uint8_t *p = g_bytes_get_data(file, &size);
        gsize n = MIN(size, 512), text = 0;
        uint64_t offset, image_size;

        if (loader_is_elf(file) || loader_riscv_image(file, &offset, &image_size))
                return NULL;
        if (size >= 64 && !memcmp(p + 56, "ARM\x64", 4))
                return "it is a kernel for arm64";
        if (size >= 0x206 && !memcmp(p + 0x202, "HdrS", 4))
                return "it is a kernel for x86";
        if (size >= 8 && !memcmp(p, "MZ", 2))
                return memcmp(p + 4, "zimg", 4) ? "it is a program for EFI"
                                                : "it is a compressed EFI kernel; unpack it first";
        if (size >= 6 && (!memcmp(p, "\xfd" "7zXZ", 5) || !memcmp(p, "\x28\xb5\x2f\xfd", 4) ||
                          !memcmp(p, "BZh", 3)))
                return "it is compressed in a way other than gzip; unpack it first";
        if (size >= 6 && !memcmp(p, "07070", 5))
                return "it is an archive, as for -initrd";
        for (gsize i = 0; i < n; i++)
                text += (p[i] >= ' ' && p[i] < 0x7f) || p[i] == '\n' || p[i] == '\t' || p[i] == '\r';
        return text == n ? "it is text" : NULL;
}

static uint32_t get32(const uint8_t *p)
{
        return p[0] | p[1] << 8 | p[2] << 16 | (uint32_t)p[3] << 24;
}

/*
 * The size of its memory image tells nothing about a kernel's file, but kernels are EFI programs too, and say
 * in their section table how far the file goes (PE format, COFF header and section headers).
 */
static bool is_truncated(GBytes *file)
{
        gsize size;
        const uint8_t *p = g_bytes_get_data(file, &size);
        uint64_t pe = size >= 64 && !memcmp(p, "MZ", 2) ? get32(p + 60) : 0, at;
        unsigned n;

        if (!pe || pe + 24 > size || memcmp(p + pe, "PE\0\0", 4))
                return false;
        n = p[pe + 6] | p[pe + 7] << 8;
        at = pe + 24 + (p[pe + 20] | p[pe + 21] << 8);
        for (unsigned i = 0; i < n; i++, at += 40)
                if (at + 40 > size || (uint64_t)get32(p + at + 16) + get32(p + at + 20) > size)
                        return true;
        return false;
}

static bool check_kernel(const struct riscv_image *img, GError **error)
{
        const char *why = not_a_kernel(img->file);

        if (why)
                return error_set(error, RHEA_ERROR_FILE, "%s is not a RISC-V kernel: %s", img->path, why);
        return !is_truncated(img->file) ||
               error_set(error, RHEA_ERROR_FILE, "kernel %s is truncated: its headers name more than the "
                         "file holds; copy or unpack it again", img->path);
}

static void image_close(struct riscv_image *img)
{
        g_clear_pointer(&img->file, g_bytes_unref);
        if (img->path)
                close(img->fd);
        g_clear_pointer(&img->path, g_free);
}

/* What @img holds now, unless that was read already. */
static bool image_read(struct vm *vm, struct riscv_board *b, struct riscv_image *img, GError **error)
{
        uint64_t max = img == &b->dtb ? FDT_MAX : vm->ram_size;
        GBytes *raw;

        if (!img->path || img->file)
                return true;
        raw = loader_read_open_file(img->fd, img->path, img->what, max, error);
        if (!raw)
                return false;
        if (img == &b->kernel || img == &b->firmware) {
                img->file = loader_gunzip(raw, img->path, max, error);
                g_bytes_unref(raw);
        } else {
                img->file = raw; /* an initial ramdisk is the kernel's to unpack */
        }
        if (!img->file || (img == &b->kernel && !check_kernel(img, error))) {
                g_clear_pointer(&img->file, g_bytes_unref);
                return false;
        }
        return true;
}

static bool image_open(struct vm *vm, struct riscv_board *b, struct riscv_image *img, const char *path,
                       const char *what, GError **error)
{
        int fd = loader_open_file(path, what, error);

        if (fd < 0)
                return false;
        *img = (struct riscv_image){.what = what, .path = g_strdup(path), .fd = fd};
        if (image_read(vm, b, img, error))
                return true;
        image_close(img);
        return false;
}

static bool open_firmware(struct vm *vm, struct riscv_board *b, const char *bios, GError **error)
{
        if (bios && !strcmp(bios, "none"))
                return true;
        if (bios && strcmp(bios, "default"))
                return image_open(vm, b, &b->firmware, bios, "firmware", error);
        for (const char *const *p = firmware_paths; *p; p++) {
                if (access(*p, R_OK) == 0)
                        return image_open(vm, b, &b->firmware, *p, "firmware", error);
        }
        return error_set(error, RHEA_ERROR_FILE,
                         "OpenSBI's firmware is not installed (looked for %s); install the package opensbi, "
                         "or name a file with -bios, or use -bios none", firmware_paths[0]);
}

static bool open_images(struct vm *vm, struct riscv_board *b, const struct machine_options *opt,
                        GError **error)
{
        if (!open_firmware(vm, b, opt->bios, error))
                return false;
        if (!opt->kernel && (opt->initrd || opt->append))
                return error_set(error, RHEA_ERROR_USAGE, "%s is of no use without -kernel",
                                 opt->initrd ? "-initrd" : "-append");
        return (!opt->kernel || image_open(vm, b, &b->kernel, opt->kernel, "kernel", error)) &&
               (!opt->initrd || image_open(vm, b, &b->initrd, opt->initrd, "initial ramdisk", error)) &&
               (!opt->dtb || image_open(vm, b, &b->dtb, opt->dtb, "device tree", error));
}

/* ---- making ---- */

static bool add_harts(struct vm *vm, const struct machine_options *opt, GError **error)
{
        const struct cpu_ops *ops = opt->ops ? opt->ops : machine_arch_find(vm->machine->arches[0]);
        const char *model = opt->cpu_model ? opt->cpu_model : vm->machine->default_cpu;

        for (unsigned i = 0; i < MAX(opt->smp, 1); i++) {
                if (!machine_add_cpu(vm, ops, model, error))
                        return false;
        }
        return true;
}

static bool add_images_row(struct riscv_board *b, struct ram_block *ram, enum mem_row_kind kind, gpa_t base,
                           GError **error)
{
        struct mem_row row = {.start = base, .size = ram->size, .kind = kind, .ram = ram};

        return address_space_add(b->images, &row, error);
}

bool riscv_board_init(struct vm *vm, struct riscv_board *b, const struct machine_options *opt, GError **error)
{
        uint64_t size = vm->ram_size;
        struct mem_row rom = {.start = RISCV_ROM_BASE, .size = RISCV_ROM_SIZE, .kind = MEM_ROW_ROM,
                              .name = "mrom"};

        if (size % GUEST_PAGE_SIZE || size < 4 << 20)
                return error_set(error, RHEA_ERROR_USAGE,
                                 "-m: machine %s needs at least 4 MiB of memory, in pages of 4 KiB",
                                 vm->machine->name);
        vm->timebase.hz = RISCV_TIMEBASE_HZ;
        if (!add_harts(vm, opt, error) || !open_images(vm, b, opt, error))
                return false;
        b->rom = ram_block_new(vm, "mrom", RISCV_ROM_SIZE, error);
        if (!b->rom)
                return false;
        b->rom->readonly = true;
        b->ram = ram_block_new(vm, "ram", size, error);
        if (!b->ram)
                return false;
        rom.ram = b->rom;
        b->images = address_space_new(vm, "images");
        return address_space_add(vm->memory, &rom, error) &&
               add_images_row(b, b->rom, MEM_ROW_ROM, RISCV_ROM_BASE, error) &&
               add_images_row(b, b->ram, MEM_ROW_RAM, RISCV_DRAM_BASE, error);
}

void riscv_board_fini(struct riscv_board *b)
{
        image_close(&b->firmware);
        image_close(&b->kernel);
        image_close(&b->initrd);
        image_close(&b->dtb);
        address_space_free(b->images);
}

void riscv_connect_aclint(struct vm *vm, struct dev *aclint)
{
        for (unsigned i = 0; i < vm->n_vcpus; i++) {
                dev_connect(aclint, i, machine_cpu_line(vm->vcpus[i], 3));
                dev_connect(aclint, 16 + i, machine_cpu_line(vm->vcpus[i], 7));
        }
}

/* ---- loading ---- */

static bool load_program(struct riscv_board *b, const struct riscv_image *img, gpa_t at,
                         struct loader_image *out, GError **error)
{
        if (loader_is_elf(img->file))
                return loader_load_elf(b->images, img->file, img->path, EM_RISCV, out, error);
        return loader_load_flat(b->images, img->file, img->path, at, out, error);
}

/* Notes that @img takes these bytes; refuses it if something else has some of them. */
static bool claim(struct riscv_board *b, const char *what, const char *path, gpa_t low, gpa_t high,
                  GError **error)
{
        for (unsigned i = 0; i < b->n_claims; i++) {
                const struct riscv_claim *c = &b->claims[i];

                if (low < c->high && c->low < high)
                        return error_set(error, RHEA_ERROR_MEMORY,
                                         "%s%s%s at 0x%" PRIx64 " to 0x%" PRIx64 " overlaps the %s at 0x%"
                                         PRIx64 " to 0x%" PRIx64 "; link or place one of them elsewhere%s",
                                         what, *path ? " " : "", path, low, high, c->what, c->low, c->high,
                                         c->what == b->firmware.what ? ", or use -bios none" : "");
        }
        b->claims[b->n_claims++] = (struct riscv_claim){what, low, high};
        return true;
}

static bool claim_image(struct riscv_board *b, const struct riscv_image *img, gpa_t low, gpa_t high,
                        GError **error)
{
        return claim(b, img->what, img->path, low, high, error);
}

/* Half the memory above the kernel, but no more than 512 MiB: as QEMU does. */
static bool load_initrd(struct vm *vm, struct riscv_board *b, gpa_t kernel_end, GError **error)
{
        struct loader_image img;
        gpa_t at = b->kernel_entry + MIN(vm->ram_size / 2, 512ull << 20);

        if (!b->initrd.path)
                return true;
        if (at < kernel_end || at >= RISCV_DRAM_BASE + vm->ram_size)
                at = bits_align_up(kernel_end, IMAGE_ALIGN);
        if (!loader_load_flat(b->images, b->initrd.file, b->initrd.path, at, &img, error))
                return false;
        b->initrd_start = img.low;
        b->initrd_end = img.high;
        return claim_image(b, &b->initrd, img.low, img.high, error);
}

bool riscv_board_load(struct vm *vm, struct riscv_board *b, GError **error)
{
        struct loader_image img;
        gpa_t firmware_end = RISCV_DRAM_BASE, kernel_end;
        uint64_t text_offset, image_size;

        if (!image_read(vm, b, &b->firmware, error) || !image_read(vm, b, &b->kernel, error) ||
            !image_read(vm, b, &b->initrd, error) || !image_read(vm, b, &b->dtb, error))
                return false;
        b->claims[0] = (struct riscv_claim){"reset ROM", RISCV_ROM_BASE, RISCV_ROM_BASE + RISCV_ROM_SIZE};
        b->n_claims = 1;
        b->entry = RISCV_DRAM_BASE;
        b->kernel_entry = b->initrd_start = b->initrd_end = 0;
        if (b->firmware.path) {
                if (!load_program(b, &b->firmware, RISCV_DRAM_BASE, &img, error))
                        return false;
                b->entry = img.entry;
                firmware_end = img.high;
                if (!claim_image(b, &b->firmware, img.low, img.high, error))
                        return false;
        }
        if (!b->kernel.path)
                return true;
        if (!load_program(b, &b->kernel, bits_align_up(firmware_end, IMAGE_ALIGN), &img, error))
                return false;
        b->kernel_entry = img.entry;
        if (!b->firmware.path)
                b->entry = img.entry;
        kernel_end = img.high;
        /* the header also counts what the kernel will clear */
        if (loader_riscv_image(b->kernel.file, &text_offset, &image_size)) {
                if (image_size > RISCV_DRAM_BASE + vm->ram_size - img.low)
                        return error_set(error, RHEA_ERROR_MEMORY,
                                         "kernel %s takes %" PRIu64 " MiB with what it clears and does not "
                                         "fit into %" PRIu64 " MiB of memory; use a bigger -m",
                                         b->kernel.path,
                                         (image_size >> 20) + 1, vm->ram_size >> 20);
                kernel_end = MAX(kernel_end, img.low + image_size);
        }
        if (!claim_image(b, &b->kernel, img.low, kernel_end, error))
                return false;
        return load_initrd(vm, b, kernel_end, error);
}

/* ---- entry ---- */

/*
 * The reset ROM: every hart loads its number, the device tree's address and that of the dynamic information,
 * and jumps. Words 6 to 9 are data; then OpenSBI's struct fw_dynamic_info, version 2
 * (docs/firmware/fw_dynamic.md there).
 */
static bool write_rom(struct riscv_board *b, gpa_t fdt, GError **error)
{
        enum { INFO = 40, NEXT_MODE_S = 1 };
        const uint32_t code[] = {
                0x00000297,                      /* auipc t0, 0 */
                0x00028613 | INFO << 20,         /* addi a2, t0, INFO */
                0xf1402573,                      /* csrr a0, mhartid */
                0x0202b583,                      /* ld a1, 32(t0) */
                0x0182b283,                      /* ld t0, 24(t0) */
                0x00028067,                      /* jr t0 */
        };
        const uint64_t data[] = {
                b->entry, fdt,
                0x4942534f /* magic: "OSBI" */, 2 /* version */, b->kernel_entry, NEXT_MODE_S,
                0 /* options */, 0 /* boot hart */,
        };

        if (address_space_write_rom(b->images, RISCV_ROM_BASE, code, sizeof(code)) != MEM_OK ||
            address_space_write_rom(b->images, RISCV_ROM_BASE + sizeof(code), data, sizeof(data)) != MEM_OK)
                return error_set(error, RHEA_ERROR_FAILED, "the reset ROM cannot be written");
        return true;
}

/* The arguments of the kernel, in our tree or the user's. */
static void dt_chosen(struct vm *vm, struct riscv_board *b, struct dt *dt)
{
        const struct machine_options *opt = vm->machine_options;

        dt_node_if_absent(dt, "/chosen");
        if (opt->append && *opt->append)
                dt_string(dt, "/chosen", "bootargs", opt->append);
        if (b->initrd_end) {
                dt_u64(dt, "/chosen", "linux,initrd-start", b->initrd_start);
                dt_u64(dt, "/chosen", "linux,initrd-end", b->initrd_end);
        }
}

static void dt_rng_seed(struct vm *vm, struct dt *dt)
{
        uint8_t seed[32];

        memset(seed, 0x5a, sizeof(seed));
        if (!vm->deterministic && getrandom(seed, sizeof(seed), GRND_NONBLOCK) != sizeof(seed))
                return;
        dt_bytes(dt, "/chosen", "rng-seed", seed, sizeof(seed));
}

/* In place: what has that name stays what it is, a link, a device or a pipe. */
static bool dump_dtb(const char *path, const void *blob, size_t len, GError **error)
{
        FILE *f = fopen(path, "wb");
        bool ok = f && fwrite(blob, 1, len, f) == len;

        if (f && fclose(f) != 0)
                ok = false;
        return ok || error_set(error, RHEA_ERROR_FILE, "cannot write the device tree to %s: %s", path,
                               g_strerror(errno));
}

/* Below the end of memory, on a boundary of 2 MiB. */
static bool place_dt(struct vm *vm, struct riscv_board *b, struct dt *dt, gpa_t *at, GError **error)
{
        size_t len;
        const void *blob = dt_finish(dt, &len, error);
        gpa_t end = RISCV_DRAM_BASE + vm->ram_size, low = MAX(b->initrd_end, RISCV_DRAM_BASE);
        struct loader_image img;
        GBytes *bytes;
        bool ok;

        if (!blob)
                return false;
        if (vm->machine_options->dumpdtb && !dump_dtb(vm->machine_options->dumpdtb, blob, len, error))
                return false;
        *at = bits_align_down(end - len, IMAGE_ALIGN);
        if (*at < low)
                return error_set(error, RHEA_ERROR_MEMORY,
                                 "kernel, initial ramdisk and device tree do not fit into %" PRIu64
                                 " MiB of memory; use a bigger -m", vm->ram_size >> 20);
        if (!claim(b, "device tree", "", *at, *at + len, error))
                return false;
        bytes = g_bytes_new_static(blob, len);
        ok = loader_load_flat(b->images, bytes, "device tree", *at, &img, error);
        g_bytes_unref(bytes);
        return ok;
}

bool riscv_board_start(struct vm *vm, struct riscv_board *b, struct dt *dt, GError **error)
{
        struct riscv_image *images[] = {&b->firmware, &b->kernel, &b->initrd, &b->dtb};
        struct dt *user = NULL;
        gpa_t fdt;
        bool ok;

        if (b->dtb.path) {
                gsize size;
                const void *data = g_bytes_get_data(b->dtb.file, &size);

                dt = user = dt_open(data, size, error);
                if (!user)
                        return error_prefix(error, "%s", b->dtb.path);
        } else {
                dt_node_if_absent(dt, "/chosen");
                dt_rng_seed(vm, dt);
        }
        dt_chosen(vm, b, dt);
        ok = place_dt(vm, b, dt, &fdt, error) && write_rom(b, fdt, error);
        dt_free(user);
        for (unsigned i = 0; i < G_N_ELEMENTS(images); i++)
                g_clear_pointer(&images[i]->file, g_bytes_unref);
        for (unsigned i = 0; ok && i < vm->n_vcpus; i++)
                vcpu_set_reg(vm->vcpus[i], "pc", RISCV_ROM_BASE);
        return ok;
}
