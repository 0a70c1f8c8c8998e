/* SPDX-License-Identifier: MIT */
/*
 * Double-mapped code memory on Linux: one memfd, two mappings. The executable one stays within 2 GiB of
 * itself, which is all that relative jumps between segments need.
 */
#include "backend/os/jitmem.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/membarrier.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/error.h"

bool jitmem_map(struct jitmem *m, size_t size, GError **error)
{
        int fd, err;
        void *rw, *exec;

        memset(m, 0, sizeof(*m));
        size = bits_align_up(size, sysconf(_SC_PAGESIZE));
        fd = memfd_create("rhea-code", MFD_CLOEXEC);
        if (fd < 0 || ftruncate(fd, size) != 0) {
                err = errno;
                if (fd >= 0)
                        close(fd);
                return error_set(error, RHEA_ERROR_MEMORY, "cannot get %zu MiB for translated code: %s",
                                 size >> 20,
                                 g_strerror(err));
        }
        rw = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);
        exec = mmap(NULL, size, PROT_READ | PROT_EXEC, MAP_SHARED | MAP_NORESERVE, fd, 0);
        err = errno;
        close(fd); /* the mappings keep the memory */
        if (rw == MAP_FAILED || exec == MAP_FAILED) {
                if (rw != MAP_FAILED)
                        munmap(rw, size);
                if (exec != MAP_FAILED)
                        munmap(exec, size);
                return error_set(error, RHEA_ERROR_MEMORY,
                                 "cannot map %zu MiB for translated code: %s; if the host forbids executable "
                                 "memory, use -accel interp", size >> 20, g_strerror(err));
        }
        syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE, 0, 0);
        m->rw = rw;
        m->exec = exec;
        m->size = size;
        return true;
}

void jitmem_unmap(struct jitmem *m)
{
        if (m->rw)
                munmap(m->rw, m->size);
        if (m->exec)
                munmap(m->exec, m->size);
        memset(m, 0, sizeof(*m));
}

void jitmem_release(struct jitmem *m, size_t offset, size_t size)
{
        madvise(m->rw + offset, size, MADV_REMOVE);
}

bool jitmem_sync_threads(void)
{
        return syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE, 0, 0) == 0;
}
