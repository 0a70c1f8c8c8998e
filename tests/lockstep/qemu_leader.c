/* SPDX-License-Identifier: MIT */
/*
 * A plugin for QEMU 10 that leads a lockstep run: writes a struct record for each instruction to the ring
 * that the argument ring=PATH names. One hart. The declarations of the plugin interface below are those parts
 * that are used, as its documentation gives them (QEMU, "TCG plugins", API version 4).
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <glib.h>

#include "tests/lockstep/record.h"

#define EXPORT __attribute__((visibility("default")))

struct qemu_plugin_tb;
struct qemu_plugin_insn;
struct qemu_plugin_register;
struct reg_descriptor {
        struct qemu_plugin_register *handle;
        const char *name, *feature;
};
enum { CB_R_REGS = 1 };
void qemu_plugin_register_vcpu_init_cb(uint64_t id, void (*cb)(uint64_t id, unsigned vcpu));
void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t id, void (*cb)(uint64_t id, struct qemu_plugin_tb *tb));
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn,
                                            void (*cb)(unsigned vcpu, void *data), int flags, void *data);
void qemu_plugin_register_atexit_cb(uint64_t id, void (*cb)(uint64_t id, void *data), void *data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t n);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);
size_t qemu_plugin_insn_data(const struct qemu_plugin_insn *insn, void *to, size_t len);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);
GArray *qemu_plugin_get_registers(void);
int qemu_plugin_read_register(struct qemu_plugin_register *handle, GByteArray *buf);

EXPORT int qemu_plugin_version = 4;
EXPORT int qemu_plugin_install(uint64_t id, const void *info, int argc, char **argv);

/*
 * The plugin interface gives callbacks no place for state of their own: this file is a program's main part.
 */
static struct ring *ring;
static struct qemu_plugin_register *reg_handle[64];
static struct qemu_plugin_register *csr_stvec, *csr_mtvec, *csr_scause, *csr_mcause;
static const char *const state_names[] = {
#define X(name) #name,
        LOCKSTEP_STATE(X)
#undef X
};
static struct qemu_plugin_register *state_handle[G_N_ELEMENTS(state_names)];
static GByteArray *scratch;
static uint64_t previous_pc, stvec, mtvec;
static uint32_t previous_insn;
static uint64_t n_insns;
static uint64_t state_every = 100000;

static const char *const x_names[] = {
        "zero", "ra", "sp", "gp", "tp", "t0", "t1", "t2", "fp", "s1", "a0", "a1", "a2", "a3", "a4", "a5",
        "a6", "a7", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "t3", "t4", "t5", "t6",
};
static const char *const f_names[] = {
        "ft0", "ft1", "ft2", "ft3", "ft4", "ft5", "ft6", "ft7", "fs0", "fs1", "fa0", "fa1", "fa2", "fa3",
        "fa4", "fa5", "fa6", "fa7", "fs2", "fs3", "fs4", "fs5", "fs6", "fs7", "fs8", "fs9", "fs10", "fs11",
        "ft8", "ft9", "ft10", "ft11",
};

static uint64_t read_reg(struct qemu_plugin_register *handle)
{
        uint64_t value = 0;

        if (!handle)
                return 0;
        g_byte_array_set_size(scratch, 0);
        qemu_plugin_read_register(handle, scratch);
        memcpy(&value, scratch->data, MIN(scratch->len, sizeof(value)));
        return value;
}

static void put(const struct record *r)
{
        uint64_t n = atomic_load_explicit(&ring->written, memory_order_relaxed);

        while (n - atomic_load_explicit(&ring->read, memory_order_acquire) >= RING_RECORDS) {
                if (atomic_load_explicit(&ring->stop, memory_order_relaxed))
                        _exit(0);
                usleep(20);
        }
        ring->records[n % RING_RECORDS] = *r;
        atomic_store_explicit(&ring->written, n + 1, memory_order_release);
}

/*
 * The register that an instruction writes: 1..31 x, 32..63 f, REC_NO_REG. Only what needs no exact decoding.
 */
static unsigned destination(uint32_t insn)
{
        unsigned rd = insn >> 7 & 31, opcode = insn & 0x7f;

        if ((insn & 3) != 3) {
                unsigned quadrant = insn & 3, funct = insn >> 13 & 7;

                if (quadrant == 0)
                        return funct == 1 ? 32 + 8 + (insn >> 2 & 7)
                                          : funct < 4 ? 8 + (insn >> 2 & 7) : REC_NO_REG;
                if (quadrant == 1)
                        return funct < 4 ? (rd ? rd : REC_NO_REG)
                                         : funct == 4 ? 8 + (insn >> 7 & 7) : REC_NO_REG;
                if (funct == 4 && !(insn >> 2 & 31)) /* c.jr, c.jalr, c.ebreak */
                        return (insn >> 12 & 1) && rd ? 1 : REC_NO_REG;
                return funct == 1 ? 32 + rd : funct >= 5 ? REC_NO_REG : rd ? rd : REC_NO_REG;
        }
        switch (opcode) {
        case 0x23: case 0x27: case 0x63: case 0x0f: /* stores, branches, fences */
                return REC_NO_REG;
        case 0x07: case 0x43: case 0x47: case 0x4b: case 0x4f: /* loads and multiply-adds of floats */
                return 32 + rd;
        case 0x53: {
                unsigned top = insn >> 27;

                /* compares, conversions to integer, moves to integer and classes write x */
                if (top == 0x14 || top == 0x18 || top == 0x1c)
                        return rd ? rd : REC_NO_REG;
                return 32 + rd;
        }
        default:
                return rd ? rd : REC_NO_REG;
        }
}

static void put_state(uint64_t pc)
{
        for (unsigned i = 0; i < G_N_ELEMENTS(state_names); i++) {
                struct record r = {.pc = pc, .kind = REC_STATE, .reg = i, .value = read_reg(state_handle[i])};

                if (state_handle[i])
                        put(&r);
        }
}

struct insn_info {
        uint64_t pc;
        uint32_t bits;
};

static void executed(unsigned vcpu, void *data)
{
        const struct insn_info *insn = data;
        struct record r = {.pc = insn->pc, .insn = insn->bits, .kind = REC_INSN, .reg = REC_NO_REG,
                           .cause = ~0ull};
        unsigned previous_len = (previous_insn & 3) == 3 ? 4 : 2;

        if (n_insns) {
                r.reg = destination(previous_insn);
                if (r.reg != REC_NO_REG)
                        r.value = read_reg(reg_handle[r.reg]);
                if ((previous_insn & 0x7f) == 0x73) {
                        stvec = read_reg(csr_stvec);
                        mtvec = read_reg(csr_mtvec);
                }
        }
        if (insn->pc != previous_pc + previous_len) {
                if (insn->pc == (mtvec & ~3ull))
                        r.cause = read_reg(csr_mcause);
                else if (insn->pc == (stvec & ~3ull))
                        r.cause = read_reg(csr_scause);
        }
        put(&r);
        if (n_insns++ % state_every == 0)
                put_state(insn->pc);
        previous_pc = insn->pc;
        previous_insn = insn->bits;
}

static void translated(uint64_t id, struct qemu_plugin_tb *tb)
{
        for (size_t i = 0; i < qemu_plugin_tb_n_insns(tb); i++) {
                struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
                /* lives as long as the code that names it */
                struct insn_info *info = g_new0(struct insn_info, 1);

                info->pc = qemu_plugin_insn_vaddr(insn);
                qemu_plugin_insn_data(insn, &info->bits,
                                      MIN(qemu_plugin_insn_size(insn), sizeof(info->bits)));
                qemu_plugin_register_vcpu_insn_exec_cb(insn, executed, CB_R_REGS, info);
        }
}

static void vcpu_started(uint64_t id, unsigned vcpu)
{
        GArray *regs = qemu_plugin_get_registers();

        for (unsigned i = 0; i < regs->len; i++) {
                const struct reg_descriptor *d = &g_array_index(regs, struct reg_descriptor, i);

                for (unsigned n = 0; n < 32; n++) {
                        if (!strcmp(d->name, x_names[n]))
                                reg_handle[n] = d->handle;
                        if (!strcmp(d->name, f_names[n]))
                                reg_handle[32 + n] = d->handle;
                }
                for (unsigned n = 0; n < G_N_ELEMENTS(state_names); n++) {
                        if (!strcmp(d->name, state_names[n]))
                                state_handle[n] = d->handle;
                }
                if (!strcmp(d->name, "stvec"))
                        csr_stvec = d->handle;
                if (!strcmp(d->name, "mtvec"))
                        csr_mtvec = d->handle;
                if (!strcmp(d->name, "scause"))
                        csr_scause = d->handle;
                if (!strcmp(d->name, "mcause"))
                        csr_mcause = d->handle;
        }
        g_array_free(regs, TRUE);
}

static void finished(uint64_t id, void *data)
{
        struct record r = {.kind = REC_END};

        put(&r);
}

int qemu_plugin_install(uint64_t id, const void *info, int argc, char **argv)
{
        const char *path = NULL;
        int fd;

        for (int i = 0; i < argc; i++) {
                if (g_str_has_prefix(argv[i], "ring="))
                        path = argv[i] + 5;
                else if (g_str_has_prefix(argv[i], "state="))
                        state_every = g_ascii_strtoull(argv[i] + 6, NULL, 10);
        }
        fd = path ? open(path, O_RDWR) : -1;
        if (fd < 0) {
                fprintf(stderr, "lockstep: ring=PATH must name the shared file that the follower made\n");
                return 1;
        }
        ring = mmap(NULL, sizeof(*ring), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        close(fd);
        if (ring == MAP_FAILED)
                return 1;
        scratch = g_byte_array_new();
        qemu_plugin_register_vcpu_init_cb(id, vcpu_started);
        qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
        qemu_plugin_register_atexit_cb(id, finished, NULL);
        return 0;
}
