/* SPDX-License-Identifier: MIT */
/*
 * rhea-lockstep RING COUNT DTB -- OPTIONS OF RHEA ...
 *
 * Makes the shared ring at RING, says "ready" on standard output, and follows the leader that
 * scripts/lockstep then starts, for COUNT instructions or, if that is 0, to its end. DTB is the leader's
 * device tree as it lies in memory, to the byte: libfdt builds equal trees with strings in another order.
 * Exit status 1 if a difference was found.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/error.h"
#include "frontend/riscv/cpu.h"
#include "machines/core/vcpu.h"
#include "machines/core/vm.h"
#include "tests/lockstep/follow.h"
#include "tests/lockstep/record.h"
#include "ui/cli.h"
#include "ui/setup.h"

static struct ring *ring_new(const char *path)
{
        int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
        struct ring *ring;

        if (fd < 0 || ftruncate(fd, sizeof(*ring)))
                return NULL;
        ring = mmap(NULL, sizeof(*ring), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        close(fd);
        return ring == MAP_FAILED ? NULL : ring;
}

/* The reset vector of virt holds the address of the device tree. */
enum { RESET_FDT = 0x1020 };

static bool place_dtb(struct vm *vm, const char *path, GError **error)
{
        g_autofree char *bytes = NULL;
        struct mem_attr attr = {0};
        uint64_t at;
        gsize len;

        if (!g_file_get_contents(path, &bytes, &len, error))
                return false;
        if (address_space_read(vm->memory, RESET_FDT, 8, attr, &at) != MEM_OK ||
            address_space_write_bytes(vm->memory, at, bytes, len) != MEM_OK)
                return error_set(error, RHEA_ERROR_FAILED, "no place for the device tree");
        return true;
}

static void follow_here(struct vcpu *v, void *arg)
{
        follow_run(v, arg);
}

int main(int argc, char **argv)
{
        struct follow f = {.report = stderr};
        struct cli cli = {0};
        GError *error = NULL;
        struct vm *vm;
        int split = 1;

        while (split < argc && strcmp(argv[split], "--"))
                split++;
        if (split != 4 || split == argc) {
                fprintf(stderr, "usage: rhea-lockstep RING COUNT DTB -- OPTIONS OF RHEA ...\n");
                return 2;
        }
        f.max_insns = strtoull(argv[2], NULL, 0);
        f.ring = ring_new(argv[1]);
        if (!f.ring) {
                fprintf(stderr, "rhea-lockstep: cannot make %s\n", argv[1]);
                return 2;
        }
        cli_init(&cli);
        cli.program = argv[split] = "rhea-lockstep";
        cli.ops = &riscv64_ops;
        if (!cli_parse(&cli, argc - split, argv + split, &error) || !cli_resolve(&cli, &error) ||
            !(vm = setup_vm(&cli, &error)) || !place_dtb(vm, argv[3], &error) ||
            !vm_start(vm, true, &error)) {
                fprintf(stderr, "rhea-lockstep: %s\n", error->message);
                return 2;
        }
        printf("ready\n");
        fflush(stdout);
        vcpu_run_on(vm->vcpus[0], follow_here, &f);
        fprintf(stderr,
                "%" PRIu64 " instructions, %" PRIu64 " interrupts, %" PRIu64 " results taken over from the "
                "leader, %" PRIu64 " registers compared in full states: %s\n", f.insns, f.interrupts,
                f.copied, f.states, f.differs ? "DIFFERENT" : "no difference");
        unlink(argv[1]);
        _exit(f.differs ? 1 : 0); /* the vCPU's engine may be anywhere after a difference */
}
