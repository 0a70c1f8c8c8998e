/* SPDX-License-Identifier: MIT */
/*
 * Address spaces, RAM blocks, boot images and device trees: what is refused, what arrives where. Damaged ELF
 * files and blobs by the thousand.
 */
#include <elf.h>
#include <libfdt.h>
#include <string.h>
#include <zlib.h>

#include "base/error.h"
#include "machines/core/dt.h"
#include "machines/core/loader.h"
#include "tests/dev/devtest.h"

/* ---- memory ---- */

static void add_row(struct devtest *t, gpa_t start, uint64_t size, uint64_t offset, bool ok)
{
        struct mem_row row = {.start = start, .size = size, .kind = MEM_ROW_ROM, .ram = t->ram,
        .offset = offset};
        GError *error = NULL;

        g_assert_true(address_space_add(t->vm->memory, &row, &error) == ok);
        g_assert_true((error == NULL) == ok);
        g_clear_error(&error);
}

static void test_rows(void)
{
        struct devtest *t = devtest_new(false);
        struct address_space *as = t->vm->memory;
        const struct mem_row *row;

        add_row(t, DT_RAM_BASE + 4096, 4096, 0, false);
        add_row(t, DT_RAM_BASE - 4096, 8192, 0, false);
        add_row(t, DT_RAM_BASE - 4096, DT_RAM_SIZE + 8192, 0, false);
        add_row(t, 100, 4096, 0, false);
        add_row(t, 4096, 100, 0, false);
        add_row(t, 4096, 0, 0, false);
        add_row(t, 4096, 4096, DT_RAM_SIZE, false);
        add_row(t, 4096, 8192, DT_RAM_SIZE - 4096, false);
        add_row(t, UINT64_MAX - 4095, 8192, 0, false);
        add_row(t, UINT64_MAX - 4095, 4096, 0, true);
        add_row(t, 0, 4096, 4096, true);
        add_row(t, 8192, 4096, 8192, true);
        g_assert_nonnull(address_space_find(as, 0));
        g_assert_nonnull(address_space_find(as, UINT64_MAX));
        g_assert_null(address_space_find(as, 4096));
        g_assert_null(address_space_find(as, DT_RAM_BASE + DT_RAM_SIZE));
        row = address_space_find(as, DT_RAM_BASE + 5);
        g_assert_cmphex(row->start, ==, DT_RAM_BASE);
        address_space_remove(as, 8192);
        g_assert_null(address_space_find(as, 8192));
        g_assert_cmpint(row->kind, ==, MEM_ROW_RAM); /* a row that a reader holds stays */
        address_space_remove(as, 8192 + 1);
        devtest_free(t);
}

static unsigned notes;
static uint64_t noted_offset, noted_len;

static void note(struct vm *vm, struct ram_block *ram, uint64_t offset, uint64_t len)
{
        notes++;
        noted_offset = offset;
        noted_len = len;
}

static void test_access(void)
{
        struct devtest *t = devtest_new(false);
        struct address_space *as = t->vm->memory;
        gpa_t end = DT_RAM_BASE + DT_RAM_SIZE;
        uint8_t buf[64] = {1, 2, 3};
        uint64_t v;

        t->vm->code_written = note;
        devtest_write(t, DT_RAM_BASE + 3, 8, 0x1122334455667788);
        g_assert_cmpuint(noted_offset, ==, 3);
        g_assert_cmpuint(noted_len, ==, 8);
        g_assert_cmphex(devtest_read(t, DT_RAM_BASE + 5, 4), ==, 0x33445566);
        g_assert_cmphex(devtest_read(t, DT_RAM_BASE + 4, 1), ==, 0x77);
        g_assert_cmpint(address_space_read(as, end - 4, 8, (struct mem_attr){0}, &v), ==, MEM_DECODE_ERROR);
        g_assert_cmpint(address_space_read(as, end - 4, 3, (struct mem_attr){0}, &v), ==, MEM_DECODE_ERROR);
        g_assert_cmpint(address_space_write(as, end, 1, (struct mem_attr){0}, 0), ==, MEM_DECODE_ERROR);
        g_assert_null(address_space_ram_ptr(as, end - 4, 5, false));
        g_assert_null(address_space_ram_ptr(as, end - 4, UINT64_MAX, false));
        g_assert_nonnull(address_space_ram_ptr(as, end - 4, 4, true));
        /* ROM next to RAM: stores vanish, but the loader's arrive */
        add_row(t, end, 4096, 0, true);
        notes = 0;
        devtest_write(t, end, 4, 0x55);
        g_assert_cmpuint(notes, ==, 0);
        g_assert_null(address_space_ram_ptr(as, end, 4, true));
        g_assert_cmpint(address_space_write_bytes(as, end - 2, buf, 4), ==, MEM_OK);
        g_assert_cmphex(t->ram->host[DT_RAM_SIZE - 1], ==, 2);
        g_assert_cmphex(t->ram->host[0], ==, 0);
        g_assert_cmpint(address_space_write_rom(as, end - 2, buf, 4), ==, MEM_OK);
        g_assert_cmphex(t->ram->host[0], ==, 3);
        g_assert_cmphex(devtest_read(t, end - 1, 2), ==, 0x302); /* across the two */
        g_assert_cmpint(address_space_read_bytes(as, end + 4090, buf, 7), ==, MEM_DECODE_ERROR);
        devtest_free(t);
}

static void test_ram(void)
{
        struct devtest *t = devtest_new(false);
        GError *error = NULL;

        g_assert_null(ram_block_new(t->vm, "x", 4097, &error));
        g_assert_error(error, RHEA_ERROR, RHEA_ERROR_USAGE);
        g_clear_error(&error);
        g_assert_null(ram_block_new(t->vm, "x", 1ull << 50, &error));
        g_assert_nonnull(strstr(error->message, "use a smaller -m"));
        g_clear_error(&error);
        devtest_free(t);
}

/* ---- images ---- */

/* An executable of one segment at @paddr with three symbols. */
struct elf_file {
        Elf64_Ehdr eh;
        Elf64_Phdr ph[2];
        Elf64_Shdr sh[3];
        Elf64_Sym sym[3];
        char names[32];
        uint8_t code[64];
};

static void make_elf(struct elf_file *f, uint64_t paddr)
{
        *f = (struct elf_file){
                .eh = {
                        .e_type = ET_EXEC, .e_machine = EM_RISCV, .e_version = 1,
                        .e_entry = 0xffffffff80000010,
                        .e_phoff = offsetof(struct elf_file, ph), .e_shoff = offsetof(struct elf_file, sh),
                        .e_ehsize = sizeof(Elf64_Ehdr), .e_phentsize = sizeof(Elf64_Phdr), .e_phnum = 2,
                        .e_shentsize = sizeof(Elf64_Shdr), .e_shnum = 3,
                },
                .ph = {
                        {.p_type = PT_NOTE, .p_filesz = 1ull << 60},
                        {.p_type = PT_LOAD, .p_offset = offsetof(struct elf_file, code),
                        .p_vaddr = 0xffffffff80000000,
                         .p_paddr = paddr, .p_filesz = 64, .p_memsz = 8192},
                },
                .sh = {
                        {0},
                        {.sh_type = SHT_SYMTAB, .sh_offset = offsetof(struct elf_file, sym),
                         .sh_size = 3 * sizeof(Elf64_Sym), .sh_link = 2, .sh_entsize = sizeof(Elf64_Sym)},
                        {.sh_type = SHT_STRTAB, .sh_offset = offsetof(struct elf_file, names), .sh_size = 32},
                },
                .sym = {{0}, {.st_name = 1, .st_value = 0x1234}, {.st_name = 8, .st_value = 0x5678}},
                .names = "\0tohost\0fromhost",
        };
        memcpy(f->eh.e_ident, ELFMAG "\2\1\1", 7);
        for (unsigned i = 0; i < sizeof(f->code); i++)
                f->code[i] = i + 1;
}

static bool load_elf(struct devtest *t, const void *f, size_t len, struct loader_image *img)
{
        GBytes *b = g_bytes_new(f, len);
        GError *error = NULL;
        bool ok = loader_load_elf(t->vm->memory, b, "f", EM_RISCV, img, &error);
        uint64_t value;

        g_assert_true(ok == (error == NULL));
        g_clear_error(&error);
        loader_elf_symbol(b, "fromhost", &value);
        g_bytes_unref(b);
        return ok;
}

static void test_elf(void)
{
        struct devtest *t = devtest_new(false);
        struct elf_file f;
        struct loader_image img;
        uint64_t value;
        GBytes *b;

        make_elf(&f, DT_RAM_BASE + 0x1000);
        memset(t->ram->host, 0xee, 0x4000);
        g_assert_true(load_elf(t, &f, sizeof(f), &img));
        g_assert_cmphex(img.entry, ==, DT_RAM_BASE + 0x1010);
        g_assert_cmphex(img.low, ==, DT_RAM_BASE + 0x1000);
        g_assert_cmphex(img.high, ==, DT_RAM_BASE + 0x3000);
        g_assert_cmpuint(t->ram->host[0x103f], ==, 64);
        g_assert_cmpuint(t->ram->host[0x1040], ==, 0);
        g_assert_cmpuint(t->ram->host[0x2fff], ==, 0);
        g_assert_cmpuint(t->ram->host[0x3000], ==, 0xee);
        b = g_bytes_new(&f, sizeof(f));
        g_assert_true(loader_elf_symbol(b, "tohost", &value));
        g_assert_cmphex(value, ==, 0x1234);
        g_assert_true(loader_elf_symbol(b, "fromhost", &value));
        g_assert_cmphex(value, ==, 0x5678);
        g_assert_false(loader_elf_symbol(b, "host", &value));
        g_bytes_unref(b);

        make_elf(&f, DT_RAM_BASE + DT_RAM_SIZE - 4096);
        g_assert_false(load_elf(t, &f, sizeof(f), &img));
        make_elf(&f, UINT64_MAX - 100);
        g_assert_false(load_elf(t, &f, sizeof(f), &img));
        make_elf(&f, DT_RAM_BASE);
        f.ph[1].p_memsz = 10; /* less than the file has */
        g_assert_false(load_elf(t, &f, sizeof(f), &img));
        f.ph[1].p_memsz = UINT64_MAX;
        g_assert_false(load_elf(t, &f, sizeof(f), &img));
        make_elf(&f, DT_RAM_BASE);
        f.eh.e_machine = EM_X86_64;
        g_assert_false(load_elf(t, &f, sizeof(f), &img));
        make_elf(&f, DT_RAM_BASE);
        for (unsigned len = 0; len < sizeof(f); len++)
                g_assert_false(load_elf(t, &f, len, &img));
        for (unsigned i = 0; i < 20000; i++) {
                make_elf(&f, DT_RAM_BASE);
                for (unsigned k = 0; k < 4; k++)
                        ((uint8_t *)&f)[7 + (uint32_t)g_test_rand_int() % (sizeof(f) - 7)] =
                                g_test_rand_int();
                load_elf(t, &f, sizeof(f), &img);
        }
        devtest_free(t);
}

static void test_gzip(void)
{
        uint8_t plain[100000], packed[120000];
        z_stream z = {0};
        GBytes *in, *out;
        GError *error = NULL;
        gsize size;

        for (unsigned i = 0; i < sizeof(plain); i++)
                plain[i] = i / 7 * i;
        deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
        z.next_in = plain;
        z.avail_in = sizeof(plain);
        z.next_out = packed;
        z.avail_out = sizeof(packed);
        g_assert_cmpint(deflate(&z, Z_FINISH), ==, Z_STREAM_END);
        deflateEnd(&z);
        in = g_bytes_new(packed, z.total_out);
        out = loader_gunzip(in, "f", 1 << 20, &error);
        g_assert_no_error(error);
        g_assert_cmpmem(g_bytes_get_data(out, &size), g_bytes_get_size(out), plain, sizeof(plain));
        g_bytes_unref(out);
        g_assert_null(loader_gunzip(in, "f", sizeof(plain) - 1, &error));
        g_clear_error(&error);
        g_bytes_unref(in);
        in = g_bytes_new(packed, z.total_out / 2);
        g_assert_null(loader_gunzip(in, "f", 1 << 20, &error));
        g_clear_error(&error);
        g_bytes_unref(in);
        in = g_bytes_new(plain, 10);
        out = loader_gunzip(in, "f", 1 << 20, &error);
        g_assert_true(out == in);
        g_bytes_unref(out);
        g_bytes_unref(in);
}

static void test_files(void)
{
        struct devtest *t = devtest_new(false);
        char *path = devtest_path(t, "f");
        GError *error = NULL;
        GBytes *b;

        g_assert_null(loader_read_file(path, "kernel", 100, &error));
        g_assert_nonnull(strstr(error->message, "cannot open kernel"));
        g_clear_error(&error);
        g_assert_null(loader_read_file(t->dir, "kernel", 100, &error));
        g_clear_error(&error);
        g_file_set_contents(path, "", 0, NULL);
        g_assert_null(loader_read_file(path, "kernel", 100, &error));
        g_clear_error(&error);
        g_file_set_contents(path, "abcdef", 6, NULL);
        g_assert_null(loader_read_file(path, "kernel", 5, &error));
        g_assert_nonnull(strstr(error->message, "use a bigger -m"));
        g_clear_error(&error);
        b = loader_read_file(path, "kernel", 6, &error);
        g_assert_cmpuint(g_bytes_get_size(b), ==, 6);
        g_bytes_unref(b);
        g_free(path);
        devtest_free(t);
}

/* ---- device trees ---- */

static struct dt *make_tree(void)
{
        struct dt *dt = dt_new();

        dt_u32(dt, "/", "#address-cells", 2);
        dt_node(dt, "/soc");
        dt_node(dt, "/soc/b@1");
        dt_node(dt, "/soc/a@2");
        dt_reg64(dt, "/soc/a@2", 0x123456789, 0x1000);
        dt_strings(dt, "/soc/a@2", "compatible", (const char *const[]){"x,y", "z", NULL});
        dt_u32(dt, "/soc/b@1", "phandle", dt_new_phandle(dt));
        dt_flag(dt, "/soc/b@1", "interrupt-controller");
        return dt;
}

static void test_tree(void)
{
        struct dt *dt = make_tree(), *again;
        GError *error = NULL;
        size_t len, len2;
        const void *blob = dt_finish(dt, &len, &error), *blob2;
        int node;

        g_assert_no_error(error);
        g_assert_cmpint(fdt_check_full(blob, len), ==, 0);
        node = fdt_first_subnode(blob, fdt_path_offset(blob, "/soc"));
        /* in the order in which they were added */
        g_assert_cmpstr(fdt_get_name(blob, node, NULL), ==, "b@1");
        node = fdt_path_offset(blob, "/soc/a@2");
        g_assert_cmpint(fdt_stringlist_search(blob, node, "compatible", "z"), ==, 1);
        g_assert_cmphex(fdt64_ld(fdt_getprop(blob, node, "reg", NULL)), ==, 0x123456789);
        again = dt_open(blob, len, &error);
        g_assert_no_error(error);
        blob2 = dt_finish(again, &len2, &error);
        g_assert_cmpmem(blob, len, blob2, len2);
        g_assert_cmpuint(dt_new_phandle(again), ==, 2);
        dt_u32(again, "/nowhere", "x", 1);
        dt_node(again, "/soc/b@1");
        g_assert_null(dt_finish(again, &len2, &error));
        g_assert_nonnull(strstr(error->message, "/nowhere"));
        g_clear_error(&error);
        dt_free(again);
        dt_free(dt);
}

static void test_damaged_tree(void)
{
        struct dt *dt = make_tree();
        size_t len, used;
        const void *blob = dt_finish(dt, &len, NULL);

        for (size_t n = 0; n < len; n++)
                g_assert_null(dt_open(blob, n, NULL));
        for (unsigned i = 0; i < 20000; i++) {
                uint8_t *bad = g_memdup2(blob, len);
                struct dt *opened;

                for (unsigned k = 0; k < 3; k++)
                        bad[(uint32_t)g_test_rand_int() % len] = g_test_rand_int();
                opened = dt_open(bad, len, NULL);
                if (opened) {
                        dt_node_if_absent(opened, "/chosen");
                        dt_string(opened, "/chosen", "bootargs", "x");
                        dt_finish(opened, &used, NULL);
                }
                dt_free(opened);
                g_free(bad);
        }
        dt_free(dt);
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/core/rows", test_rows);
        g_test_add_func("/core/access", test_access);
        g_test_add_func("/core/ram", test_ram);
        g_test_add_func("/core/elf", test_elf);
        g_test_add_func("/core/gzip", test_gzip);
        g_test_add_func("/core/files", test_files);
        g_test_add_func("/core/tree", test_tree);
        g_test_add_func("/core/damaged-tree", test_damaged_tree);
        return g_test_run();
}
