/* SPDX-License-Identifier: MIT */
/*
 * rhea-lockstep RING [COUNT] -- OPTIONS OF RHEA ...
 *
 * Makes the shared ring at RING, says "ready" on standard output, and follows the leader that scripts/lockstep then
 * starts, for COUNT instructions or to its end. Exit status 1 if a difference was found.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

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

static void follow_here(struct vcpu *v, void *arg)
{
        follow_run(v, arg);
}

int main(int argc, char **argv)
{
        struct follow f = {.report = stderr};
        struct cli cli = {.program = "rhea-lockstep"};
        GError *error = NULL;
        struct vm *vm;
        int split = 1;

        while (split < argc && strcmp(argv[split], "--"))
                split++;
        if (split < 2 || split == argc) {
                fprintf(stderr, "usage: rhea-lockstep RING [COUNT] -- OPTIONS OF RHEA ...\n");
                return 2;
        }
        f.max_insns = split > 2 ? strtoull(argv[2], NULL, 0) : 0;
        f.ring = ring_new(argv[1]);
        if (!f.ring) {
                fprintf(stderr, "rhea-lockstep: cannot make %s\n", argv[1]);
                return 2;
        }
        argv[split] = "rhea-system-riscv64";
        if (!cli_parse(&cli, argc - split, argv + split, &error) || !(vm = setup_vm(&cli, &error)) ||
            !vm_start(vm, true, &error)) {
                fprintf(stderr, "rhea-lockstep: %s\n", error->message);
                return 2;
        }
        printf("ready\n");
        fflush(stdout);
        vcpu_run_on(vm->vcpus[0], follow_here, &f);
        fprintf(stderr, "%" PRIu64 " instructions, %" PRIu64 " interrupts, %" PRIu64 " results taken over from the "
                "leader, %" PRIu64 " registers compared in full states: %s\n", f.insns, f.interrupts, f.copied,
                f.states, f.differs ? "DIFFERENT" : "no difference");
        unlink(argv[1]);
        _exit(f.differs ? 1 : 0); /* the vCPU's engine may be anywhere after a difference */
}
